"""JSON-RPC messages of the MCP door: revisions, the agreement of headers and body, sessions that need no memory.

Source: Model Context Protocol 2026-07-28 (basic, transports, versioning) and 2025-11-25 (streamable HTTP).
"""

import base64
import binascii
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from remit.domain.structs import struct
from remit.domain.values import Json, JsonObject
from remit.entrypoints.agents.json_rpc import INVALID_PARAMS, INVALID_REQUEST, RequestId, RpcRefused
from remit.entrypoints.http.wire import Scope, header_values
from remit.proof.canonical import b64url

STATELESS: Final = "2026-07-28"
HANDSHAKE: Final = ("2025-11-25", "2025-06-18", "2025-03-26")
"""Revisions with `initialize`, newest first. Batches, which only 2025-03-26 knew, are refused."""
REVISIONS: Final = (STATELESS, *HANDSHAKE)
META: Final = "io.modelcontextprotocol/"
TASKS: Final = META + "tasks"
SESSION: Final = b"mcp-session-id"

HEADER_MISMATCH: Final = -32020
MISSING_CAPABILITY: Final = -32021
UNSUPPORTED_REVISION: Final = -32022

_NAMED_BY: Final[Mapping[str, str]] = {
    "prompts/get": "name",
    "resources/read": "uri",
    "tasks/cancel": "taskId",
    "tasks/get": "taskId",
    "tasks/update": "taskId",
    "tools/call": "name",
}
"""The params that the `Mcp-Name` header repeats."""
_ROUTING: Final = (b"mcp-protocol-version", b"mcp-method", b"mcp-name")
_ENCODED: Final = re.compile(r"=\?base64\?(?P<payload>.*)\?=")
_SESSION: Final = re.compile(r"[un]\.[A-Za-z0-9_-]{22}", re.ASCII)
_MAX_ID_LENGTH: Final = 256


@struct(frozen=True, kw_only=True)
class Message:
    """One message of a client; `id` is None for a notification or a response of the client's, which ask for nothing."""

    id: RequestId | None
    method: str
    params: JsonObject
    revision: str
    session: str
    capabilities: JsonObject
    takes_events: bool = False
    """Whether the answer to it may be an event stream."""

    @property
    def stateless(self) -> bool:
        """Return whether it is of the revision without a handshake."""
        return self.revision == STATELESS

    @property
    def opens_addresses(self) -> bool:
        """Return whether the client shows its user an address to open (elicitation in URL mode).

        It says so with each request, or said so in the handshake, which its session id remembers. ⚔ That is the
        client's own claim, and decides nothing but the form of an answer to it.
        """
        if not self.stateless:
            return self.session.startswith("u.")
        return _declares_addresses(self.capabilities)

    @property
    def polls_tasks(self) -> bool:
        """Return whether the client declares the tasks extension with this very request (SEP-2663)."""
        extensions = self.capabilities.get("extensions")
        return self.stateless and isinstance(extensions, Mapping) and TASKS in extensions

    @property
    def key(self) -> str:
        """Return an idempotency key for a repetition of this very message, "" where none can be recognised.

        A session of the handshake is named by random bits of ours, and its client numbers requests uniquely in it. At
        2026-07-28 there is no session: numbers begin anew with each client, and a key from them would take two asks for
        one.
        """
        if self.stateless or not self.session:
            return ""
        text = f"{self.session} {type(self.id).__name__} {self.id}"
        return f"mcp.{b64url(sha256(text.encode()).digest())}"


def _declares_addresses(capabilities: JsonObject) -> bool:
    elicitation = capabilities.get("elicitation")
    return isinstance(elicitation, Mapping) and "url" in elicitation


def new_session(capabilities: JsonObject, chance: bytes) -> str:
    """Make a session id from 16 random bytes. It holds one bit of the handshake, so that no node must remember it."""
    return f"{'u' if _declares_addresses(capabilities) else 'n'}.{b64url(chance)}"


def read_message(scope: Scope, body: JsonObject) -> Message:
    """Read one JSON-RPC message, and verify that its headers say the same.

    ⚔ A proxy in front may route or limit by the headers: a request whose body says otherwise is refused.

    Raises:
        RpcRefused: with the message's own id, where it has one.
    """
    message_id = _message_id(body)
    try:
        return _read(scope, body, message_id)
    except RpcRefused as refused:
        refused.id = message_id
        raise


def _message_id(body: JsonObject) -> RequestId | None:
    found = body.get("id")
    if "id" not in body:
        return None
    if (type(found) is int) or (isinstance(found, str) and len(found) <= _MAX_ID_LENGTH):
        return found
    raise RpcRefused(INVALID_REQUEST, f"id must be an integer, or a text of at most {_MAX_ID_LENGTH} characters")


def _read(scope: Scope, body: JsonObject, message_id: RequestId | None) -> Message:
    if body.get("jsonrpc") != "2.0":
        raise RpcRefused(INVALID_REQUEST, "jsonrpc must be 2.0")
    method, params = body.get("method", ""), body.get("params", {})
    if not isinstance(method, str) or not isinstance(params, Mapping):
        raise RpcRefused(INVALID_REQUEST, "method must be a text, params an object")
    if not method and not {"result", "error"} & body.keys():
        raise RpcRefused(INVALID_REQUEST, "neither a request nor a response")
    sent = _routing_headers(scope)
    revision = sent[b"mcp-protocol-version"]
    meta = params.get("_meta")
    claimed = meta.get(META + "protocolVersion") if isinstance(meta, Mapping) else None
    if revision in HANDSHAKE or (not revision and claimed is None):
        session = _session(scope)
        known = revision or HANDSHAKE[-1]  # without the header, the revision before it came (2025-11-25, transports)
        return Message(
            id=message_id if method else None,
            method=method,
            params=params,
            revision=known,
            session=session,
            capabilities={},
            takes_events=any("text/event-stream" in one for one in header_values(scope, b"accept")),
        )
    if message_id is None and method:
        _verify_served(revision)
        return Message(id=None, method=method, params=params, revision=STATELESS, session="", capabilities={})
    capabilities = _verify_envelope(method, params, sent)
    return Message(
        id=message_id, method=method, params=params, revision=STATELESS, session="", capabilities=capabilities
    )


def _routing_headers(scope: Scope) -> Mapping[bytes, str]:
    found = {}
    for name in _ROUTING:
        values = header_values(scope, name)
        if len(values) > 1:
            raise RpcRefused(HEADER_MISMATCH, f"{name.decode()} appears twice")
        found[name] = values[0].strip(" \t") if values else ""  # RFC 9110 §5.5
    return found


def _verify_envelope(method: str, params: JsonObject, sent: Mapping[bytes, str]) -> JsonObject:
    """Verify the envelope of a stateless request, and return the client's capabilities."""
    meta = params.get("_meta")
    if not isinstance(meta, Mapping):
        raise RpcRefused(INVALID_PARAMS, f"params._meta must carry {META}protocolVersion and {META}clientCapabilities")
    claimed, capabilities = meta.get(META + "protocolVersion"), meta.get(META + "clientCapabilities")
    if not isinstance(claimed, str) or not isinstance(capabilities, Mapping):
        raise RpcRefused(INVALID_PARAMS, f"params._meta must carry {META}protocolVersion and {META}clientCapabilities")
    if sent[b"mcp-protocol-version"] != claimed:
        raise RpcRefused(HEADER_MISMATCH, "MCP-Protocol-Version and the body's protocol version differ")
    if sent[b"mcp-method"] != method:
        raise RpcRefused(HEADER_MISMATCH, "Mcp-Method and the body's method differ")
    named = _NAMED_BY.get(method)
    unsaid = method.startswith("tasks/") and not sent[b"mcp-name"]  # clients in use leave it out there (SEP-2663)
    if named is not None and not unsaid and _decoded(sent[b"mcp-name"]) != params.get(named, ""):
        raise RpcRefused(HEADER_MISMATCH, f"Mcp-Name and the body's {named} differ")
    _verify_served(claimed)
    return capabilities


def _verify_served(revision: str) -> None:
    if revision != STATELESS:
        data: JsonObject = {"supported": list(REVISIONS), "requested": revision[:64]}
        raise RpcRefused(UNSUPPORTED_REVISION, "Unsupported protocol version", data=data)


def _decoded(value: str) -> str:
    """Decode a header value as SEP-2243 has it: as it is, or base64 of UTF-8 in a frame."""
    found = _ENCODED.fullmatch(value)
    if found is None:
        return value
    try:
        raw = base64.b64decode(found["payload"], validate=True)
        text = raw.decode("utf-8", "strict")
    except (binascii.Error, ValueError):
        text = ""
    if not text or base64.b64encode(text.encode()).decode() != found["payload"]:
        raise RpcRefused(HEADER_MISMATCH, "Mcp-Name is not canonical base64 of UTF-8")
    return text


def _session(scope: Scope) -> str:
    values = header_values(scope, SESSION)
    if not values:
        return ""
    if len(values) > 1 or _SESSION.fullmatch(values[0]) is None:
        raise RpcRefused(INVALID_REQUEST, "Mcp-Session-Id is not known here")
    return values[0]


def negotiated(params: JsonObject) -> str:
    """Return the revision of a handshake: the client's, where it is served, else the newest one with a handshake."""
    wanted = params.get("protocolVersion")
    return wanted if isinstance(wanted, str) and wanted in HANDSHAKE else HANDSHAKE[0]


def text_param(params: JsonObject, name: str) -> str:
    """Return a required text of the params.

    Raises:
        RpcRefused: where it is missing or no text.
    """
    found: Json = params.get(name)
    if not isinstance(found, str):
        raise RpcRefused(INVALID_PARAMS, f"{name} must be a text")
    return found
