"""The OpenAPI description of the HTTP API, made from the same tables as its routes."""

from collections.abc import Mapping
from typing import Any, Final

from remit import __version__
from remit.engine.context import DeskContext
from remit.entrypoints.http.cookies import SESSIONS
from remit.entrypoints.openapi.agents import agent_paths, open_to_visitors
from remit.entrypoints.openapi.decision_point import decision_paths
from remit.entrypoints.openapi.events import SECURITY, signal_paths
from remit.entrypoints.openapi.mcp import mcp_paths
from remit.entrypoints.openapi.people import people_paths, sandbox_paths, switcher_paths
from remit.entrypoints.openapi.shapes import SCHEMAS, Shape


def openapi(desk: DeskContext) -> Mapping[str, Any]:
    """Build an OpenAPI 3.1 document of every address of this desk."""
    sandbox = sandbox_paths() if desk.terms.sandbox and desk.terms.loopback else {}
    switcher = switcher_paths() if sandbox and desk.terms.switcher else {}
    agents = {**agent_paths(), **mcp_paths()}
    if desk.visitors is not None:
        agents = open_to_visitors(agents, registration=desk.visitors.dynamic)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"Remit at {desk.catalogue.desk}",
            "version": __version__,
            "description": "Support for agents that act for customers.",
        },
        "servers": [{"url": desk.terms.issuer}],
        "paths": {
            **agents,
            **people_paths(),
            **decision_paths(desk.decision_point),
            **signal_paths(desk.signals),
            **sandbox,
            **switcher,
        },
        "components": {"securitySchemes": _schemes(desk), "schemas": SCHEMAS},
    }


_SCHEMES: Final[Shape] = {
    "dpop": {
        "type": "http",
        "scheme": "DPoP",
        "description": "RFC 9449: an access token and a fresh proof; for an agent that signs its requests, an RFC 9421 signature by the same key in its place.",
    },
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "A visitor's token: it proves no key and does little.",
    },
    "assertion": {
        "type": "apiKey",
        "in": "header",
        "name": "Client-Assertion",
        "description": "RFC 7521 in headers, with Client-Assertion-Type and a DPoP proof whose ath is the assertion's hash.",
    },
    "caller": {"type": "http", "scheme": "bearer", "description": "The secret of a caller of the decision point."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": min(SESSIONS),
        "description": "A person who signed in (over http, on this machine only: remit_session). No agent's credential is accepted beside it.",
    },
}


def _schemes(desk: DeskContext) -> Shape:
    """Return the security schemes of the doors that this desk has."""
    absent = {"bearer": desk.visitors is None, "caller": desk.decision_point is None, "signals": desk.signals is None}
    return {name: one for name, one in {**_SCHEMES, **SECURITY}.items() if not absent.get(name)}
