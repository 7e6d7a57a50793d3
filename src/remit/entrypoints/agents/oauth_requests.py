"""Optional parameters of an OAuth request: scope, target, actor, details, response mode.

⚔ A wish that cannot be granted is refused, never ignored: silence would give more than was requested.
"""

import re
from collections.abc import Mapping
from typing import Final

from remit.domain.errors import Code
from remit.domain.identity.oauth_refused import OAuthRefused
from remit.domain.secrets.opaque import is_opaque_state
from remit.engine.ask.step_up import ACR
from remit.entrypoints.http.wire import malformed_request

GRANT_SCOPE: Final = "mandate"
TASK_SCOPE: Final = "ask"
SCOPES: Final = (GRANT_SCOPE, TASK_SCOPE)
ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105  # a type, not a secret
MANDATE_TYPE: Final = "urn:remit:token-type:mandate"
TASK_TYPE: Final = "urn:remit:token-type:task"
_THUMBPRINT: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


class UnsupportedValue(OAuthRefused):
    """A value that OAuth allows but this desk does not offer, with OAuth's own error word."""

    def __init__(self, named: str, reason: str) -> None:
        super().__init__(named, Code.REQUEST_MALFORMED, reason, public=reason)


def verify_token_parameters(form: Mapping[str, str], *, issuer: str, gives: str, delegates: bool) -> None:
    """Verify the parameters of a token request that is answered with scope `gives`.

    Only a sub-mandate for another agent (`delegates`) takes `authorization_details`.

    Raises:
        UnsupportedValue: `invalid_scope`, `invalid_target`, `invalid_authorization_details`.
        Refused: `request.malformed_request`.

    Source: RFC 8693 §2.1 (actor_token_type), §2.2.2 (invalid_target); RFC 6749 §3.3, §5.2; RFC 9396 §6.
    """
    if "actor_token_type" in form and "actor_token" not in form:
        raise malformed_request("actor_token_type belongs to an actor_token, and there is none")
    _verify_scope_and_target(form, issuer, gives)
    if "authorization_details" in form and not delegates:
        raise UnsupportedValue(
            "invalid_authorization_details",
            "A grant is not narrowed here; leave authorization_details out, or send an actor_token to cut a branch.",
        )


def verify_push_parameters(form: Mapping[str, str], *, issuer: str) -> None:
    """Verify the parameters of a pushed request.

    Raises:
        UnsupportedValue: `unsupported_response_type`, `request_not_supported`, `invalid_scope`, `invalid_target`.
        Refused: `request.malformed_request`.

    Source: RFC 9126 §2.1, RFC 9101 §7, RFC 8707 §2, OAuth 2.0 Multiple Response Types §2.1.
    """
    if form.get("response_type", "code") != "code":
        raise UnsupportedValue("unsupported_response_type", "Use response_type=code.")
    if "request" in form:
        raise UnsupportedValue("request_not_supported", "Request objects are not read; send the parameters themselves.")
    if form.get("response_mode", "query") != "query":
        raise malformed_request("response_mode is query")
    verify_authentication(form)
    _verify_scope_and_target(form, issuer, GRANT_SCOPE)


def thumbprint(form: Mapping[str, str]) -> str:
    """Return the thumbprint of the key a grant is to be bound to, "" where none is named.

    ⚔ An invalid thumbprint matches no key: the customer would be asked for a grant that can never be used.

    Raises:
        Refused: `request.malformed_request`.

    Source: RFC 9449 §10; RFC 7638 with SHA-256.
    """
    jkt = form.get("dpop_jkt", "")
    if jkt and _THUMBPRINT.fullmatch(jkt) is None:
        raise malformed_request(
            "dpop_jkt must be the SHA-256 thumbprint of a key (RFC 7638), 43 characters of base64url"
        )
    return jkt


def opaque_state(form: Mapping[str, str]) -> str:
    """Return the `state` to send back, "" for none. ⚔ It is stored until then, so it must carry no secret.

    Raises:
        Refused: `request.malformed_request`.

    Source: RFC 6749 appendix A.5; docs/model/model.md#opaque.
    """
    state = form.get("state", "")
    if not is_opaque_state(state):
        raise malformed_request("state is an opaque value of at most 2048 visible ASCII characters, without a secret")
    return state


def _verify_scope_and_target(form: Mapping[str, str], issuer: str, gives: str) -> None:
    """⚔ Refuse a token for something else than was requested (actor profile: the result would be empty)."""
    wanted = set(form.get("scope", gives).split(" "))
    if not wanted <= {"", *SCOPES} or gives not in wanted:
        raise UnsupportedValue(
            "invalid_scope",
            f"The scopes here are {' and '.join(SCOPES)}; what a token is for follows from its grant, here {gives}.",
        )
    verify_target(form, issuer)


def verify_authentication(form: Mapping[str, str]) -> None:
    """Verify that the wanted authentication is the one of every consent: a passkey, at signing.

    Raises:
        UnsupportedValue: `unmet_authentication_requirements`.
        Refused: `request.malformed_request`.

    Source: RFC 9470 §4, §5; OpenID Connect Core Unmet Authentication Requirements 1.0.
    """
    if "acr_values" in form and ACR not in form["acr_values"].split(" "):
        raise UnsupportedValue("unmet_authentication_requirements", f"Customers authenticate as {ACR}, by a passkey.")
    if not form.get("max_age", "0").isdecimal():
        raise malformed_request("max_age is a number of seconds")


def verify_target(form: Mapping[str, str], issuer: str) -> None:
    """Verify that a token is wanted for this desk.

    Raises:
        UnsupportedValue: `invalid_target`.

    Source: RFC 8707 §2.
    """
    for name in ("audience", "resource"):
        if form.get(name, issuer) != issuer:
            # The requested token is for the actor; the subject token is not concerned.
            raise UnsupportedValue("invalid_target", f"{name} must be {issuer}.")


_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}", re.ASCII)


def code_verifier(form: Mapping[str, str]) -> str:
    """Return the PKCE verifier. Without a valid one the grant is not proved.

    Raises:
        UnsupportedValue: `invalid_grant`.

    Source: RFC 7636 §4.1, §4.6; FAPI 2.0 Security Profile.
    """
    verifier = form.get("code_verifier", "")
    if _VERIFIER.fullmatch(verifier) is None:
        raise UnsupportedValue(
            "invalid_grant", "code_verifier must be 43 to 128 letters, digits or any of -._~ (RFC 7636)."
        )
    return verifier


def needed(form: Mapping[str, str], name: str) -> str:
    """Return a required parameter.

    Raises:
        Refused: `request.malformed`.
    """
    value = form.get(name, "")
    if not value:
        raise malformed_request(f"the parameter {name} is missing")
    return value
