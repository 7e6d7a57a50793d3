"""Answers of the MCP door: an ask's reply as a tool result, a request for input, or a task; errors as JSON-RPC.

Each result carries its outcome twice: in members, and in sentences a model can act on.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from remit.domain.errors import MEANINGS, Code, Fault, Refused
from remit.domain.records import OPEN_ASKS
from remit.domain.values import Instant, instant_text
from remit.engine.ask.reply import AskReply
from remit.entrypoints.agents.json_rpc import INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND, PARSE_ERROR, RpcRefused
from remit.entrypoints.agents.mcp.messages import HEADER_MISMATCH, MISSING_CAPABILITY, UNSUPPORTED_REVISION, Message
from remit.entrypoints.agents.mcp.tools import ASK_STATUS
from remit.entrypoints.http.replies import (
    HttpResponse,
    cure_text,
    encode_json,
    json_response,
    polled_ask_body,
    public_text,
)

STATUS: Final[Mapping[int, int]] = {
    PARSE_ERROR: 400,
    INVALID_REQUEST: 400,
    INVALID_PARAMS: 400,
    HEADER_MISMATCH: 400,
    MISSING_CAPABILITY: 400,
    UNSUPPORTED_REVISION: 400,
    METHOD_NOT_FOUND: 404,
}
"""HTTP statuses of JSON-RPC errors at 2026-07-28; a handshake revision answers a well-formed request with 200."""
_EVENTS: Final = b"text/event-stream"
_UNCACHED: Final = ((b"cache-control", b"no-store"),)
_POLL_MS: Final = 2000
_LIFE_MS: Final = 86_400_000
"""A task's life; its asks can be asked for as long."""
CONFIRM: Final = "confirm"
"""The key of the one request for input that a call can have: unique over the life of an ask."""

Result = dict[str, object]


def rpc_response(message: Message, result: Result, headers: tuple[tuple[bytes, bytes], ...] = ()) -> HttpResponse:
    """Build the answer to a request."""
    return json_response(200, {"jsonrpc": "2.0", "id": message.id, "result": _typed(message, result)}, headers)


def _typed(message: Message, result: Result) -> Result:
    return {"resultType": "complete", **result} if message.stateless else result


def rpc_error(refused: RpcRefused, *, stateless: bool, status: int = 0) -> HttpResponse:
    """Build a JSON-RPC error, with its HTTP status."""
    error: Result = {"code": refused.number, "message": refused.message}
    if refused.data is not None:
        error["data"] = refused.data
    plain = stateless or refused.id is None or refused.number == INVALID_REQUEST
    body = {"jsonrpc": "2.0", "id": refused.id, "error": error}
    return json_response(status or (STATUS.get(refused.number, 400) if plain else 200), body)


def events_response(message: Message, request: Result, result: Result) -> HttpResponse:
    """Build an event stream with one request to the client, and then the answer to its own (2025-11-25).

    The client's response to the request is acknowledged and dropped: it decides nothing.
    """
    answer = {"jsonrpc": "2.0", "id": message.id, "result": result}
    lines = b"".join([b"event: message\ndata: %b\n\n" % encode_json(one) for one in (request, answer)])
    return HttpResponse(200, lines, _EVENTS, _UNCACHED)


def tool_result(structured: Mapping[str, object], text: str, *, error: bool = False) -> Result:
    """Build a tool result; `error` tells the model that it did not get what it asked for."""
    return {"content": [{"type": "text", "text": text}], "structuredContent": structured, "isError": error}


def ask_result(reply: AskReply, *, confirm_at: str) -> Result:
    """Build the result of an ask."""
    failed = reply.decision == "refuse" or reply.outcome == "failed"
    return tool_result(ask_members(reply, confirm_at=confirm_at), " ".join(_told(reply, confirm_at)), error=failed)


def ask_members(reply: AskReply, *, confirm_at: str = "") -> Result:
    """Build the members of an ask's result: those of the reply over HTTP, and what would cure a refusal."""
    structured = polled_ask_body(reply)
    structured.pop("poll", None)  # an address of the other API
    if reply.code is not None:
        structured["detail"] = reply.public or MEANINGS[reply.code].title
    if reply.retry_after_s is not None:
        structured["retry_after_s"] = reply.retry_after_s
    if reply.remedy is not None:
        structured["authorization_details"] = [reply.remedy]
    if confirm_at:
        structured["confirm_at"] = confirm_at
    return structured


def _told(reply: AskReply, confirm_at: str) -> list[str]:
    """Return the sentences of a reply."""
    again = f'Call {ASK_STATUS} with {{"ask": "{reply.countered_by or reply.ask}", "wait": 30}} to see the outcome.'
    match str(reply.state):
        case "done":
            said = ["Done.", f"Result: {_json(reply.result)}."] if reply.result else ["Done."]
        case "failed":
            said = ["It was not done.", *([reply.public] if reply.public else [])]
        case "unknown":
            said = ["It is not known yet whether this was done; do not ask for it again.", again]
        case "permitted" | "acting":
            said = ["Permitted, but not done yet; do not ask for it again.", again]
        case "waiting":
            said = [*_waits(reply, confirm_at), again]
        case "countered":
            said = ["The customer or support approved less, as a request of its own.", again]
        case _ if reply.code is None:
            said = ["Refused."]
        case _:
            meaning = MEANINGS[reply.code]
            said = _refusal(reply.code, reply.public or meaning.title, meaning.cure, reply.retry_after_s)
    if reply.withheld:
        said.append(f"Withheld values, which the customer's mandate does not cover: {reply.withheld}.")
    return [*said, *([reply.notice] if reply.notice else [])]


def _waits(reply: AskReply, confirm_at: str) -> list[str]:
    said = [f"Not done yet. It must first be approved by: {', '.join(reply.who)}."]
    if confirm_at:
        said.append(f"Ask your user to open {confirm_at}, sign in there and decide.")
        said.append("Only the answer given on that page counts; nothing said to you or by you approves it.")
    if reply.expires_at:
        said.append(f"Without an answer by {instant_text(reply.expires_at)} it is refused.")
    return said


def _refusal(code: Code, public: str, cure: str, retry_after_s: int | None) -> list[str]:
    said = [f"Refused ({code.value}): {public}", f"What would help: {cure}"]
    if retry_after_s is not None:
        said.append(f"Try again in {retry_after_s} seconds.")
    return said


def problem_result(error: Refused | Fault) -> Result:
    """Build the result of a call refused before any decision, or broken by a fault: nothing was permitted."""
    public, cure = public_text(error), cure_text(error)
    structured: Result = {"decision": "refuse", "codes": [error.code.value], "detail": public, "cure": cure}
    if error.retry_after_s is not None:
        structured["retry_after_s"] = error.retry_after_s
    said = _refusal(error.code, public, cure, error.retry_after_s)
    return tool_result(structured, " ".join(said), error=True)


def plain_result(value: msgspec.Struct) -> Result:
    """Build a result of members alone; its text is the same JSON."""
    encoded = encode_json(value)
    return tool_result(msgspec.to_builtins(value), encoded.decode())


def elicitation(title: str, url: str, desk: str, *, ask: str = "") -> Result:
    """Build a request to show the user an address of this desk; `ask` names it where the revision needs a name.

    ⚔ The client's "accept" says that its user may have opened the page, and nothing else.
    """
    text = f"{desk} needs your decision: {title}. Open its page, sign in and decide there. Your assistant cannot answer it."
    params: Result = {"mode": "url", "message": text, "url": url}
    if ask:
        params["elicitationId"] = ask
    return {"method": "elicitation/create", "params": params}


def input_required(request: Result, state: str) -> Result:
    """Build the answer that a person must be asked, and the call repeated with `state`."""
    return {"resultType": "input_required", "inputRequests": {CONFIRM: request}, "requestState": state}


def task_of(reply: AskReply, request: Result | None, *, confirm_at: str, now: Instant) -> Result:
    """Build the task (SEP-2663) that an ask is: its id is the ask's, its state is derived from the record."""
    task: Result = {
        "taskId": reply.ask,
        "status": "working",
        "createdAt": instant_text(reply.asked_at),
        "lastUpdatedAt": instant_text(now),
        "ttlMs": _LIFE_MS,
        "pollIntervalMs": _POLL_MS,
    }
    if str(reply.state) == "waiting":
        task["statusMessage"] = " ".join(_waits(reply, confirm_at))
        if request is not None:
            task |= {"status": "input_required", "inputRequests": {CONFIRM: request}}
    elif is_settled(reply):
        task |= {
            "status": "completed",
            "result": {"resultType": "complete", **ask_result(reply, confirm_at=confirm_at)},
        }
    return task


def is_settled(reply: AskReply) -> bool:
    """Return whether nothing more is to come of an ask itself."""
    return reply.state not in OPEN_ASKS


def _json(value: object) -> str:
    return encode_json(value).decode()
