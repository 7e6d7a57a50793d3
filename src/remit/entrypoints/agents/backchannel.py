"""The backchannel authentication endpoint (CIBA), and the answers to grants that wait for a customer."""

import re
from collections.abc import Mapping
from typing import Final

from remit.domain.errors import MEANINGS, Code
from remit.domain.identity.binding import bound_certificate
from remit.domain.identity.dpop import ProofRefused
from remit.domain.values import Json
from remit.engine.agents.authenticate import Caller
from remit.engine.context import DeskContext
from remit.entrypoints.agents.oauth_requests import (
    GRANT_SCOPE,
    UnsupportedValue,
    thumbprint,
    verify_authentication,
    verify_target,
)
from remit.entrypoints.http.replies import HttpResponse, json_response
from remit.entrypoints.http.wire import malformed_request
from remit.entrypoints.http.wire_answers import BackchannelStarted, PendingRequest
from remit.usecases.mandates.backchannel import INTERVAL_S, BackchannelRequest, StartedRequest, request_by_hint

PATH: Final = "/oauth/bc-authorize"
CIBA: Final = "urn:openid:params:grant-type:ciba"
JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
MODES: Final = ("poll", "ping")
_OPENID: Final = "openid"
_HINTS: Final = ("login_hint", "login_hint_token", "id_token_hint")
_MAX_HINT: Final = 256
_NOTIFICATION_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]{22,1024}=*", re.ASCII)
_SECONDS: Final = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)


async def start_backchannel(desk: DeskContext, caller: Caller, form: Mapping[str, str], details: Json) -> HttpResponse:
    """Answer POST /oauth/bc-authorize.

    Raises:
        OAuthRefused: `unknown_user_id`, `invalid_binding_message`, `invalid_scope`, `invalid_target`.
        Refused: `request.malformed`, `mandate.invalid`, `confirmation.too_many`.

    Source: OpenID CIBA Core 1.0 §7.1, §7.3, §13.
    """
    _verify_scope(form)
    verify_target(form, desk.terms.issuer)
    verify_authentication(form)
    if not caller.marks and not bound_certificate(caller.jkt):
        # ⚔ A JWT-SVID counts many times: an intercepted request would ring the customer again (decision 3).
        raise ProofRefused(Code.CREDENTIAL_MISSING, "no proof beside an SVID", public="Send one DPoP proof.")
    jkt = caller.jkt or thumbprint(form)
    if not jkt:
        raise malformed_request("name the key that the grant is for: dpop_jkt, or a DPoP proof by it")
    wanted = BackchannelRequest(
        binding=form.get("binding_message", ""),
        jkt=jkt,
        expires_in_s=_requested_expiry(form),
        ping_token=_notification_token(form, caller),
    )
    return started_response(await request_by_hint(desk, caller, _hint(form), details, wanted))


def started_response(started: StartedRequest) -> HttpResponse:
    """Build the answer to a started request."""
    return json_response(200, BackchannelStarted(started.auth_req_id, started.expires_in_s, INTERVAL_S))


def pending_response(started: StartedRequest) -> HttpResponse:
    """Build the answer to a grant that waits for consent: an error, with the members for polling."""
    code = Code.CONFIRMATION_REQUIRED
    body = PendingRequest(
        error="authorization_pending",
        error_description=MEANINGS[code].title,
        code=code.value,
        cure=f"The customer was asked on their own page. Poll with grant_type={CIBA} and this auth_req_id.",
        auth_req_id=started.auth_req_id,
        expires_in=started.expires_in_s,
        interval=INTERVAL_S,
    )
    return json_response(400, body)


def _verify_scope(form: Mapping[str, str]) -> None:
    scopes = set(form.get("scope", _OPENID).split(" ")) - {""}
    if _OPENID not in scopes or not scopes <= {_OPENID, GRANT_SCOPE}:
        raise UnsupportedValue(
            "invalid_scope", f"The scope of a backchannel request is {_OPENID}, or with {GRANT_SCOPE}."
        )
    if "request" in form:
        raise UnsupportedValue("request_not_supported", "Request objects are not read; send the parameters themselves.")
    if "user_code" in form:
        # ⚔ A person's code in an agent's hands proves that they gave it away.
        raise malformed_request("there are no user codes here: the customer signs on their own page")


def _hint(form: Mapping[str, str]) -> str:
    given = [name for name in _HINTS if name in form]
    if len(given) != 1:
        raise malformed_request("send exactly one hint, a login_hint")
    if given[0] != "login_hint":
        raise malformed_request("the hint is a login_hint: the customer's sub of an earlier token, or their address")
    if len(form["login_hint"]) > _MAX_HINT:
        raise malformed_request(f"a login_hint has at most {_MAX_HINT} characters")
    return form["login_hint"]


def _requested_expiry(form: Mapping[str, str]) -> int | None:
    text = form.get("requested_expiry", "")
    if text and _SECONDS.fullmatch(text) is None:
        raise malformed_request("requested_expiry is a positive number of seconds")
    return int(text) if text else None


def _notification_token(form: Mapping[str, str], caller: Caller) -> str:
    """Return the bearer token for the ping: required exactly of an agent that registered where to ping it."""
    token = form.get("client_notification_token", "")
    pinged = bool(caller.agent.record.notification_uri)
    if bool(token) != pinged:
        raise malformed_request(
            "client_notification_token is required of an agent that is pinged, and of no other: the company "
            "registers the address (notification_uri)"
        )
    if token and _NOTIFICATION_TOKEN.fullmatch(token) is None:
        raise malformed_request("client_notification_token has 22 to 1024 characters of RFC 6750")
    return token
