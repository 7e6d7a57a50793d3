"""The OpenAPI description of the MCP door: its address, and the forms of its answers; MCP's own schemas say the rest."""

from typing import Any, Final

from remit.entrypoints.agents.mcp.door import METADATA, PATH
from remit.entrypoints.openapi.shapes import (
    DPOP,
    EVENTS,
    JSON,
    OBJECT,
    Shape,
    header_parameter,
    operation,
    problems,
    request_body,
    response,
)

_ID: Final[Shape] = {"type": ["integer", "string"]}
_REQUEST: Final[Shape] = {
    "type": "object",
    "properties": {
        "jsonrpc": {"const": "2.0"},
        "id": _ID,
        "method": {"type": "string"},
        "params": OBJECT,
        "result": OBJECT,
        "error": OBJECT,
    },
    "required": ["jsonrpc"],
}
_RESULT: Final[Shape] = {
    "type": "object",
    "properties": {"jsonrpc": {"const": "2.0"}, "id": _ID, "result": OBJECT, "error": OBJECT},
    "required": ["jsonrpc", "id"],
}
_ERROR: Final[Shape] = {
    "type": "object",
    "properties": {
        "jsonrpc": {"const": "2.0"},
        "id": {"type": ["integer", "string", "null"]},
        "error": {
            "type": "object",
            "properties": {"code": {"type": "integer"}, "message": {"type": "string"}, "data": OBJECT},
            "required": ["code", "message"],
        },
    },
    "required": ["jsonrpc", "id", "error"],
}
_ROUTING: Final = (
    DPOP,
    header_parameter("MCP-Protocol-Version", "The revision; absent from `initialize` alone", required=False),
    header_parameter("Mcp-Method", "The method of the body, at 2026-07-28", required=False),
    header_parameter("Mcp-Name", "The name of the tool or task in the body, at 2026-07-28", required=False),
    header_parameter("Mcp-Session-Id", "As `initialize` gave it", required=False),
)


def mcp_paths() -> dict[str, dict[str, Any]]:
    """Build the paths of the MCP door."""
    answered = response("The answer to the request", _RESULT)
    answers = {
        **problems(401, 403, 413, 415, 429, 500, 503),
        "200": {**answered, "content": {**answered["content"], **response("", None, EVENTS)["content"]}},
        "202": {"description": "A notification or response was taken note of"},
        "400": _either("No message that could be read, or headers that say something else", 400),
        "403": _either("A caller that is not answered, or an action of another objective", 403),
        "404": response("No such method", _ERROR),
    }
    summary = "One JSON-RPC message of the Model Context Protocol"
    body = request_body(JSON, _REQUEST)
    door = operation(PATH, summary, answers, parameters=_ROUTING, security=[{"dpop": []}], requestBody=body)
    told = {"200": response("RFC 9728 metadata", None), **problems(500)}
    return {PATH: {"post": door}, METADATA: {"get": operation(METADATA, "RFC 9728 metadata of the MCP door", told)}}


def _either(description: str, status: int) -> Shape:
    """Build an answer that is a JSON-RPC error or problem details."""
    problem: Shape = problems(status)[str(status)]["content"]
    return {"description": description, "content": {**response("", _ERROR)["content"], **problem}}
