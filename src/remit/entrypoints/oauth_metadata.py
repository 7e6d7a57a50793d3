"""The metadata documents of the OAuth endpoints and of the agents' door: only what works."""

from collections.abc import Mapping

from remit.domain.client_assertions import CLIENT_ALGORITHMS
from remit.domain.values import Json
from remit.entrypoints.oauth import ACTOR_PROFILE, GRANTS, METHODS
from remit.entrypoints.oauth_wishes import ACCESS_TOKEN, SCOPES, TASK_SCOPE
from remit.usecases.parts import Parts


def server_metadata(parts: Parts) -> Mapping[str, Json]:
    """RFC 8414 metadata: only what works."""
    issuer = parts.terms.issuer
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/oauth/authorize",
        "token_endpoint": f"{issuer}/oauth/token",
        "pushed_authorization_request_endpoint": f"{issuer}/oauth/par",
        "introspection_endpoint": f"{issuer}/oauth/introspect",
        "revocation_endpoint": f"{issuer}/oauth/revoke",
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "require_pushed_authorization_requests": True,
        "authorization_response_iss_parameter_supported": True,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(GRANTS),
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": list(METHODS),
        "token_endpoint_auth_signing_alg_values_supported": list(CLIENT_ALGORITHMS),
        "introspection_endpoint_auth_methods_supported": list(METHODS),
        "introspection_endpoint_auth_signing_alg_values_supported": list(CLIENT_ALGORITHMS),
        "revocation_endpoint_auth_methods_supported": list(METHODS),
        "revocation_endpoint_auth_signing_alg_values_supported": list(CLIENT_ALGORITHMS),
        "authorization_details_types_supported": ["remit_mandate"],
        "dpop_signing_alg_values_supported": list(parts.proofs.algorithms()),
        "scopes_supported": list(SCOPES),
        "actor_profile_token_types_supported": [ACCESS_TOKEN],
        # What tokens of ours call somebody: actors alone are classified (draft-mora-oauth-entity-profiles; actor profile).
        "entity_profiles_supported": {"client": [], "subject": [], "actor": [ACTOR_PROFILE]},
        "service_documentation": f"{issuer}/openapi.json",
    }


def resource_metadata(parts: Parts) -> Mapping[str, Json]:
    """RFC 9728 metadata of the agents' door."""
    issuer = parts.terms.issuer
    return {
        "resource": issuer,
        "authorization_servers": [issuer],
        "bearer_methods_supported": ["header"],
        "dpop_bound_access_tokens_required": True,
        "dpop_signing_alg_values_supported": list(parts.proofs.algorithms()),
        "authorization_details_types_supported": ["remit_mandate"],
        "scopes_supported": [TASK_SCOPE],
        "actor_profile_required": True,
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "resource_documentation": f"{issuer}/openapi.json",
    }
