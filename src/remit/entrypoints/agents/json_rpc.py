"""JSON-RPC 2.0 at the MCP and A2A doors: its numbers, its errors, and the reading of one message.

Ids and envelopes stay with each door: they differ.
"""

from collections.abc import Mapping
from typing import Final, TypeAlias

from remit.domain.errors import Code, Refused
from remit.domain.values import JsonObject
from remit.entrypoints.http.bodies import decode_body, read_body
from remit.entrypoints.http.wire import Receive, Scope, verify_json_type

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL: Final = -32603

RequestId: TypeAlias = int | str


class RpcRefused(Refused):
    """A JSON-RPC error: its number, its message, data for the client, and the id of the request, where it is known."""

    def __init__(self, number: int, message: str, *, data: Mapping[str, object] | None = None) -> None:
        super().__init__(Code.REQUEST_MALFORMED, message, public=message)
        self.number = number
        self.message = message
        self.data = data
        self.id: RequestId | None = None


async def read_rpc(
    scope: Scope, receive: Receive, *, files: tuple[str, ...] | None = None, no_batches: str = ""
) -> tuple[JsonObject, int]:
    """Read and decode the one message of a proved request; return it with the size of its body in bytes.

    `files` as in `decode_object`; `no_batches` is the message of the error for a batch.

    Raises:
        RpcRefused: for what is no single message.
        Refused: `request.too_large`, `request.unsupported_type`, `request.rate_limited`.
    """
    verify_json_type(scope)
    raw = await read_body(scope, receive)
    try:
        return await decode_body(scope, raw, files=files), len(raw)
    except Refused as refused:
        if refused.code is not Code.REQUEST_MALFORMED:
            raise
        batch = raw.lstrip()[:1] == b"["
        message = (no_batches if batch else "") or refused.public or "not one JSON-RPC message"
        raise RpcRefused(INVALID_REQUEST if batch else PARSE_ERROR, message) from None
