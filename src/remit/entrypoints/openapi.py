"""The OpenAPI description of the HTTP doors, made from the same tables the doors answer from."""

from collections.abc import Mapping
from typing import Any, Final

from remit import __version__
from remit.domain.errors import MEANINGS, Code
from remit.entrypoints.cookies import SESSIONS
from remit.entrypoints.openapi_agents import agent_paths
from remit.entrypoints.openapi_people import people_paths, sandbox_paths
from remit.entrypoints.openapi_shapes import ANYTHING, INTEGER, TEXT, TEXTS, Shape, members
from remit.entrypoints.replies import STATUS
from remit.usecases.parts import Parts


def openapi(parts: Parts) -> Mapping[str, Any]:
    """An OpenAPI 3.1 document of every address of this desk."""
    sandbox = sandbox_paths() if parts.terms.sandbox and parts.terms.loopback else {}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"Remit at {parts.catalogue.desk}",
            "version": __version__,
            "description": "A support desk's door for agents that speak for customers.",
        },
        "servers": [{"url": parts.terms.issuer}],
        "paths": {**agent_paths(), **people_paths(), **sandbox},
        "components": {
            "securitySchemes": _SCHEMES,
            "schemas": {"Problem": _problem(), "OAuthError": _OAUTH_ERROR},
        },
    }


_SCHEMES: Final[Shape] = {
    "dpop": {"type": "http", "scheme": "DPoP", "description": "RFC 9449: an access token and a fresh proof."},
    "assertion": {
        "type": "apiKey",
        "in": "header",
        "name": "Client-Assertion",
        "description": "RFC 7521 in headers, with Client-Assertion-Type and a DPoP proof whose ath is the assertion's hash.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": min(SESSIONS),
        "description": "Somebody who signed in (over http on this machine alone: remit_session). No agent's credential is taken beside it.",
    },
}
_OAUTH_ERROR: Final = members(
    {"error": TEXT, "error_description": TEXT, "code": TEXT, "cure": TEXT, "retry_after_s": INTEGER},
    ("error", "error_description", "code", "cure"),
)


def _problem() -> Shape:
    code = {
        "type": "string",
        "enum": [code.value for code in Code],
        "x-meanings": {code.value: {"status": STATUS[code], "title": MEANINGS[code].title, "cure": MEANINGS[code].cure} for code in Code},
    }
    return members(
        {
            "type": TEXT,
            "code": code,
            "title": TEXT,
            "status": INTEGER,
            "detail": TEXT,
            "cure": TEXT,
            "retry_after_s": INTEGER,
            "decision": TEXT,
            "codes": TEXTS,
            "ask": TEXT,
            "receipt": ANYTHING,
        },
        ("type", "code", "title", "status", "detail", "cure"),
    )
