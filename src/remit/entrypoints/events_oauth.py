"""The OAuth side of shared signals: tokens for receivers by client credentials, and the metadata by which they find it.

Source: RFC 6749 §4.4; RFC 8414 §3.1; RFC 9728 §3.1; CAEP interoperability profile, OAuth Service.
"""

from collections.abc import Mapping
from typing import Final

from remit.domain.errors import Code, Fault, Refused
from remit.domain.events.parties import MANAGE, READ
from remit.domain.identity.assertions import CLIENT_ALGORITHMS
from remit.domain.structs import struct
from remit.domain.values import JsonObject
from remit.engine.context import DeskContext
from remit.entrypoints.http.bodies import read_form
from remit.entrypoints.http.limits import Limits
from remit.entrypoints.http.replies import HttpResponse, json_response, oauth_error_response
from remit.entrypoints.http.request_log import log_fault
from remit.entrypoints.http.wire import Receive, Scope
from remit.usecases.events.receiver_tokens import LIFE_S, PATH, ScopeUnknown, issue_receiver_token, token_issuer

TOKEN: Final = f"{PATH}/token"
SERVER: Final = f"/.well-known/oauth-authorization-server{PATH}"
RESOURCE: Final = f"/.well-known/oauth-protected-resource{PATH}"
_GRANT: Final = "client_credentials"


@struct(frozen=True)
class ReceiverTokensApi:
    """Handlers of one desk."""

    context: DeskContext
    limits: Limits

    async def server(self, _scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /.well-known/oauth-authorization-server/ssf/v1."""
        return json_response(200, server_metadata(self.context))

    async def resource(self, _scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /.well-known/oauth-protected-resource/ssf/v1."""
        issuer = token_issuer(self.context)
        return json_response(
            200,
            {
                "resource": issuer,
                "authorization_servers": [issuer],
                "scopes_supported": [MANAGE, READ],
                "bearer_methods_supported": ["header"],
            },
        )

    async def token(self, scope: Scope, receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """POST /ssf/v1/token: a token for a receiver's assertion."""
        try:
            self.limits.verify_peer(scope)
            return await self._issue(await read_form(scope, receive))
        except ScopeUnknown as refused:
            return oauth_error_response(refused, named="invalid_scope")
        except (Refused, Fault) as error:
            if isinstance(error, Refused):  # ⚔ any unproved request is counted
                self.limits.count_unproved(scope)
            log_fault(error, scope["path"])
            return oauth_error_response(error)

    async def _issue(self, form: Mapping[str, str]) -> HttpResponse:
        if form.get("grant_type") != _GRANT:
            refused = Refused(Code.REQUEST_MALFORMED, "another grant", public=f"Use {_GRANT}.")
            return oauth_error_response(refused, named="unsupported_grant_type")
        issued = await issue_receiver_token(
            self.context,
            assertion_type=form.get("client_assertion_type", ""),
            assertion=form.get("client_assertion", ""),
            claimed_id=form.get("client_id", ""),
            scope=form.get("scope", ""),
        )
        body = {"access_token": issued.token, "token_type": "Bearer", "expires_in": LIFE_S, "scope": issued.scope}
        return json_response(200, body)


def server_metadata(desk: DeskContext) -> JsonObject:
    """Build the metadata of the authorization server of receivers: only features that work."""
    issuer = token_issuer(desk)
    return {
        "issuer": issuer,
        "token_endpoint": f"{issuer}/token",
        "grant_types_supported": [_GRANT],
        "response_types_supported": [],
        "scopes_supported": [MANAGE, READ],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": list(CLIENT_ALGORITHMS),
    }
