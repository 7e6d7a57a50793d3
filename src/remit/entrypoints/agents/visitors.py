"""The OAuth endpoints for clients without a key: tokens, revocation, dynamic registration."""

from collections.abc import Mapping
from typing import Final

from remit.domain.errors import Code, Fault, Refused
from remit.domain.structs import struct
from remit.engine.agents.authenticate_request import TokenVerifier
from remit.engine.agents.token_families import read_refresh_token
from remit.engine.context import DeskContext
from remit.engine.leaks.scan import LeakSource
from remit.entrypoints.agents.oauth_requests import UnsupportedValue, code_verifier, needed
from remit.entrypoints.http.bodies import decode_body, read_body
from remit.entrypoints.http.limits import Limits
from remit.entrypoints.http.replies import HttpResponse, json_response, oauth_error_response
from remit.entrypoints.http.wire import Receive, Scope, verify_json_type
from remit.entrypoints.http.wire_answers import RegisteredClient, VisitorTokenResponse
from remit.usecases.visitors.register import register_client
from remit.usecases.visitors.tokens import (
    CodeRedemption,
    OtherPurpose,
    VisitTokens,
    redeem_visit,
    refresh_visit,
    revoke_visit,
)

REGISTER: Final = "/oauth/register"
REFRESH: Final = "refresh_token"
_PATHS: Final = frozenset({"/oauth/token", "/oauth/revoke"})
_PROOFS: Final = frozenset({"client_assertion", "client_assertion_type", "client_secret"})


def is_visitor_request(scope: Scope, form: Mapping[str, str]) -> bool:
    """Return whether a request is of a client that proves nothing: it names itself, and brings no proof."""
    return scope["path"] in _PATHS and "client_id" in form and not _PROOFS & form.keys()


@struct(frozen=True)
class VisitorEndpoints:
    """Handlers of one desk."""

    context: DeskContext
    tokens: TokenVerifier
    limits: Limits

    async def handle(self, scope: Scope, form: Mapping[str, str]) -> HttpResponse:
        """Answer a token or revocation request of a client without a key.

        Raises:
            Refused: `grant.invalid`, `agent.*`, `request.malformed`, `request.rate_limited`.
        """
        client_id = form["client_id"]
        self.context.leak_scanner.present(form.values(), LeakSource(where="presented"))
        if scope["path"] == "/oauth/revoke":
            if not await revoke_visit(self.context, self.tokens, client_id=client_id, token=needed(form, "token")):
                self.limits.count_unproved(scope)
            return json_response(200, {})
        match needed(form, "grant_type"):
            case "authorization_code":
                redemption = CodeRedemption(
                    client_id=client_id,
                    code=needed(form, "code"),
                    verifier=code_verifier(form),
                    redirect_uri=form.get("redirect_uri", ""),
                    resource=form.get("resource", ""),
                )
                issued = await redeem_visit(self.context, redemption)
            case kind if kind == REFRESH:
                token = needed(form, "refresh_token")
                found = read_refresh_token(self.context, token)
                if (
                    found is not None
                ):  # ⚔ customers share a client: the limit is the family's, and comes before it rotates
                    self.limits.verify_client(found[0])
                try:
                    issued = await refresh_visit(self.context, client_id=client_id, refresh_token=token, form=form)
                except OtherPurpose as refused:
                    raise UnsupportedValue("invalid_scope", refused.public or refused.detail) from None
            case _:
                reason = "A client without a key uses authorization_code and refresh_token."
                raise UnsupportedValue("unsupported_grant_type", reason)
        return _answer(issued)

    async def register(self, scope: Scope, receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """POST /oauth/register (RFC 7591)."""
        try:
            self.limits.count_registration(scope)
            verify_json_type(scope)
            metadata = await decode_body(scope, await read_body(scope, receive))
            registered = await register_client(self.context, metadata)
        except (Refused, Fault) as error:
            return oauth_error_response(error, named=_named(error))
        body = RegisteredClient(
            client_id=registered.id,
            client_name=registered.name,
            redirect_uris=list(registered.redirect_uris),
            token_endpoint_auth_method="none",  # noqa: S106  # a method
            grant_types=["authorization_code", REFRESH],
            response_types=["code"],
            client_id_expires_at=registered.expires_at // 1000,
        )
        return json_response(201, body)


def _named(error: Refused | Fault) -> str:
    """Return the word of RFC 7591 for an error, "" for one of OAuth."""
    if error.code is not Code.REQUEST_MALFORMED:
        return ""
    return "invalid_redirect_uri" if "redirect_uri" in error.detail else "invalid_client_metadata"


def _answer(issued: VisitTokens) -> HttpResponse:
    body = VisitorTokenResponse(
        access_token=issued.access_token,
        token_type="Bearer",  # noqa: S106  # a scheme
        expires_in=issued.expires_in,
        refresh_token=issued.refresh_token,
        scope=issued.scope,
        mandate=issued.mandate,
        task=issued.task,
        case=issued.case,
    )
    return json_response(200, body)
