"""Public reads: discovery, the catalogue, the log, health."""

from collections.abc import Mapping
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.identity.assertions import CLIENT_ALGORITHMS
from remit.domain.identity.id_jag import PROFILE as ID_JAG
from remit.domain.structs import struct
from remit.domain.transcript.verification import verify_path
from remit.domain.values import Json
from remit.engine.ask.step_up import ACR
from remit.engine.context import DeskContext
from remit.entrypoints.agents import backchannel, challenge
from remit.entrypoints.agents.backchannel import JWT_BEARER
from remit.entrypoints.agents.mcp.door import PATH as MCP
from remit.entrypoints.agents.oauth import ACTOR_PROFILE, METHODS, grant_types
from remit.entrypoints.agents.oauth_requests import ACCESS_TOKEN, SCOPES, TASK_SCOPE
from remit.entrypoints.agents.visitors import REFRESH, REGISTER
from remit.entrypoints.http.limits import Limits
from remit.entrypoints.http.replies import HttpResponse, json_response, problem_response
from remit.entrypoints.http.wire import Receive, Scope
from remit.entrypoints.ops.health import Health
from remit.entrypoints.ops.metrics import MEDIA_TYPE, Metrics
from remit.ports.identity import PUBLIC_CLIENT
from remit.ports.store import RecordMissing
from remit.proof.tiles import Bundle, encode_bundle
from remit.usecases.desk.catalogue import show_catalogue, show_detail_types
from remit.usecases.visitors.request import visitor_scopes

DETAIL_TYPES: Final = "/oauth/authorization-details-types"


def server_metadata(desk: DeskContext) -> Mapping[str, Json]:
    """Build the RFC 8414 metadata: only features that work."""
    issuer, visitors, grants = desk.terms.issuer, desk.visitors, grant_types(desk)
    public = [] if visitors is None else [PUBLIC_CLIENT]
    methods = [*METHODS, *(["spiffe_x509"] if desk.terms.tls_proxies else [])]
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/oauth/authorize",
        "token_endpoint": f"{issuer}/oauth/token",
        "pushed_authorization_request_endpoint": f"{issuer}/oauth/par",
        "introspection_endpoint": f"{issuer}/oauth/introspect",
        "revocation_endpoint": f"{issuer}/oauth/revoke",
        "backchannel_authentication_endpoint": f"{issuer}{backchannel.PATH}",
        "backchannel_token_delivery_modes_supported": list(backchannel.MODES),
        "backchannel_user_code_parameter_supported": False,
        "transaction_authorization_endpoint": f"{issuer}{challenge.PATH}",
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "require_pushed_authorization_requests": visitors is None,
        **_visitor_metadata(desk),
        "authorization_response_iss_parameter_supported": True,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": [*grants, *([] if visitors is None else [REFRESH])],
        **({"authorization_grant_profiles_supported": [ID_JAG]} if JWT_BEARER in grants else {}),
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": [*methods, *public],
        "token_endpoint_auth_signing_alg_values_supported": list(CLIENT_ALGORITHMS),
        "introspection_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_signing_alg_values_supported": list(CLIENT_ALGORITHMS),
        "revocation_endpoint_auth_methods_supported": [*methods, *public],
        "revocation_endpoint_auth_signing_alg_values_supported": list(CLIENT_ALGORITHMS),
        "authorization_details_types_supported": ["remit_mandate"],
        "authorization_details_types_metadata_endpoint": f"{issuer}{DETAIL_TYPES}",
        "dpop_signing_alg_values_supported": list(desk.proofs.algorithms()),
        "acr_values_supported": [ACR],
        "tls_client_certificate_bound_access_tokens": bool(desk.terms.tls_proxies),
        "scopes_supported": [*SCOPES, *visitor_scopes(desk)],
        "actor_profile_token_types_supported": [ACCESS_TOKEN],
        # Names of parties in our tokens: only actors are classified (draft-mora-oauth-entity-profiles; actor profile).
        "entity_profiles_supported": {"client": [], "subject": [], "actor": [ACTOR_PROFILE]},
        "service_documentation": f"{issuer}/openapi.json",
    }


def _visitor_metadata(desk: DeskContext) -> Mapping[str, Json]:
    if desk.visitors is None:
        return {}
    registration: Mapping[str, Json] = (
        {"registration_endpoint": desk.terms.issuer + REGISTER} if desk.visitors.dynamic else {}
    )
    return {"client_id_metadata_document_supported": True, **registration}


def resource_metadata(desk: DeskContext) -> Mapping[str, Json]:
    """Build the RFC 9728 metadata of the agents' API."""
    issuer = desk.terms.issuer
    return {
        "resource": issuer,
        "authorization_servers": [issuer],
        "bearer_methods_supported": ["header"],
        "dpop_bound_access_tokens_required": desk.visitors is None and not desk.terms.tls_proxies,
        "tls_client_certificate_bound_access_tokens": bool(desk.terms.tls_proxies),
        "dpop_signing_alg_values_supported": list(desk.proofs.algorithms()),
        "authorization_details_types_supported": ["remit_mandate"],
        "scopes_supported": [TASK_SCOPE, *visitor_scopes(desk)],
        "actor_profile_required": True,
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "txn_challenge_jwks_uri": f"{issuer}/.well-known/jwks.json",
        "txn_challenge_signing_alg_values_supported": ["ES256"],
        "resource_documentation": f"{issuer}/openapi.json",
    }


def mcp_metadata(desk: DeskContext) -> Mapping[str, Json]:
    """Build the members of the RFC 9728 metadata that are the MCP door's own."""
    issuer = desk.terms.issuer
    return {
        "resource": f"{issuer}{MCP}",
        "resource_name": desk.catalogue.desk,
        "scopes_supported": visitor_scopes(desk) or [TASK_SCOPE],
        "resource_documentation": f"{issuer}/openapi.json",
    }


_TEXT = b"text/plain; charset=utf-8"
_BYTES = b"application/octet-stream"
_FOREVER = ((b"cache-control", b"public, max-age=31536000, immutable"),)
_FRESH = ((b"cache-control", b"no-cache"),)


@struct(frozen=True)
class Public:
    """Handlers of one desk."""

    context: DeskContext
    openapi: Mapping[str, object]
    metrics: Metrics
    health: Health
    limits: Limits

    async def server(self, _scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /.well-known/oauth-authorization-server."""
        return json_response(200, server_metadata(self.context))

    async def resource(self, _scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /.well-known/oauth-protected-resource."""
        return json_response(200, resource_metadata(self.context))

    async def mcp_resource(self, _scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /.well-known/oauth-protected-resource/mcp."""
        return json_response(200, {**resource_metadata(self.context), **mcp_metadata(self.context)})

    async def jwks(self, _scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /.well-known/jwks.json."""
        return json_response(200, self.context.signer.jwks())

    async def catalogue(self, _scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /v1/catalogue."""
        return json_response(200, show_catalogue(self.context.catalogue))

    async def detail_types(self, _scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /oauth/authorization-details-types."""
        return json_response(200, show_detail_types(self.context.catalogue, issuer=self.context.terms.issuer))

    async def described(self, _scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /openapi.json."""
        return json_response(200, self.openapi)

    async def healthy(self, _scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /healthz: the process lives and its loop answers, even if everything else is broken."""
        return json_response(200, {"status": "ok"})

    async def ready(self, _scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /readyz: ready to take requests, or a problem with a cure."""
        try:
            await self.health.verify_ready()
        except Refused as not_ready:
            return problem_response(not_ready, issuer=self.context.terms.issuer)
        return json_response(200, {"status": "ready", "rules": self.context.rules_digest})

    async def measured(self, _scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /metrics: this process's counts, for Prometheus. The store, which may be down, is not asked."""
        refused = {**self.limits.refused, "long": self.context.scan_executor.refused}
        return HttpResponse(200, self.metrics.text(limited=refused), MEDIA_TYPE, _FRESH)

    async def checkpoint(self, _scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /log/checkpoint.

        Raises:
            Refused: `request.not_found` while the log is empty.
        """
        note = await self.context.store.checkpoint()
        if not note:
            raise Refused(Code.REQUEST_NOT_FOUND, "the log is empty")
        return HttpResponse(200, note.encode(), _TEXT, _FRESH)

    async def tile(self, _scope: Scope, _receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """GET /log/tile/…: tiles and entry bundles (C2SP tlog-tiles).

        Raises:
            Refused: `request.not_found` for an address that names none, or one the log has not reached.
        """
        where = verify_path(f"tile/{found['path']}")
        try:
            if isinstance(where, Bundle):
                body = encode_bundle(await self.context.store.leaves(where.index, where.width))
            else:
                body = await self.context.store.tile(where.level, where.index, where.width)
        except RecordMissing:
            raise Refused(Code.REQUEST_NOT_FOUND, "beyond the end of the log") from None
        return HttpResponse(200, body, _BYTES, _FOREVER)

    async def log_key(self, _scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /log/key: the log's public key as a C2SP vkey. Keep a copy; a key read beside the log proves nothing."""
        return HttpResponse(200, (self.context.signer.log_key() + "\n").encode(), _TEXT, _FRESH)
