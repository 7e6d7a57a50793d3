"""A2A 1.0 on the wire: requests in, tasks and errors out. A task is an ask, its context the Remit task.

Members that we do not know are ignored, as the standard wants (§5.7); the ask inside a data part is read as strictly as
anywhere.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from remit.domain.errors import MEANINGS, Code, Fault, Refused
from remit.domain.records import AskState
from remit.domain.values import Instant, Json, instant_text, is_list
from remit.engine.ask.reply import AskReply, confirmation_page
from remit.entrypoints.agents.json_rpc import INTERNAL, INVALID_PARAMS, RpcRefused
from remit.entrypoints.http.replies import ask_body, public_text
from remit.entrypoints.http.wire import AskBody, AttachmentIn, convert, malformed_request
from remit.proof.canonical import MAX_INTEGER

TASK_NOT_FOUND: Final = -32001
TASK_NOT_CANCELABLE: Final = -32002
PUSH_NOT_SUPPORTED: Final = -32003
UNSUPPORTED: Final = -32004
CONTENT_TYPE: Final = -32005
VERSION_NOT_SUPPORTED: Final = -32009

REASONS: Final[Mapping[int, str]] = {
    TASK_NOT_FOUND: "TASK_NOT_FOUND",
    TASK_NOT_CANCELABLE: "TASK_NOT_CANCELABLE",
    PUSH_NOT_SUPPORTED: "PUSH_NOTIFICATION_NOT_SUPPORTED",
    UNSUPPORTED: "UNSUPPORTED_OPERATION",
    CONTENT_TYPE: "CONTENT_TYPE_NOT_SUPPORTED",
    VERSION_NOT_SUPPORTED: "VERSION_NOT_SUPPORTED",
}
"""A2A's own errors that this door answers with, and their names (§5.4)."""
_CODES: Final[Mapping[Code, int]] = {
    Code.PARAMS_INVALID: INVALID_PARAMS,
    Code.REQUEST_CONFLICT: INVALID_PARAMS,
    Code.REQUEST_MALFORMED: INVALID_PARAMS,
    Code.REQUEST_NOT_FOUND: TASK_NOT_FOUND,
}
STATES: Final[Mapping[AskState, str]] = {
    AskState.ACTING: "TASK_STATE_WORKING",
    AskState.COUNTERED: "TASK_STATE_CANCELED",
    AskState.DECLINED: "TASK_STATE_REJECTED",
    AskState.DONE: "TASK_STATE_COMPLETED",
    AskState.EXPIRED: "TASK_STATE_REJECTED",
    AskState.FAILED: "TASK_STATE_FAILED",
    AskState.PERMITTED: "TASK_STATE_WORKING",
    AskState.REFUSED: "TASK_STATE_REJECTED",
    AskState.UNKNOWN: "TASK_STATE_WORKING",
    AskState.VOID: "TASK_STATE_CANCELED",
    AskState.WAITING: "TASK_STATE_AUTH_REQUIRED",
}
TERMINAL: Final = frozenset({
    "TASK_STATE_CANCELED", "TASK_STATE_COMPLETED", "TASK_STATE_FAILED", "TASK_STATE_REJECTED",
})  # fmt: skip
TASK_STATES: Final = frozenset({
    *TERMINAL, "TASK_STATE_AUTH_REQUIRED", "TASK_STATE_INPUT_REQUIRED", "TASK_STATE_SUBMITTED", "TASK_STATE_UNSPECIFIED",
    "TASK_STATE_WORKING",
})  # fmt: skip
_JSON: Final = "application/json"
_PLAIN: Final = "text/plain"
_NOTHING: Final[Mapping[str, object]] = {}
_COMMENT: Final = "case.comment"
_CONTENT: Final = ("text", "raw", "url", "data")


class PartIn(msgspec.Struct, frozen=True):
    """A part of a message: exactly one of text, raw, url and data."""

    text: str | UnsetType = UNSET
    raw: str | UnsetType = UNSET
    url: str | UnsetType = UNSET
    data: Any | UnsetType = UNSET
    mediaType: str = ""  # noqa: N815  # as on the wire
    filename: str = ""


class MessageIn(msgspec.Struct, frozen=True):
    """A message to the desk. Its metadata and extensions say nothing here."""

    messageId: str  # noqa: N815  # as on the wire
    role: str
    parts: list[PartIn]
    contextId: str = ""  # noqa: N815  # as on the wire
    taskId: str = ""  # noqa: N815  # as on the wire


class ConfigurationIn(msgspec.Struct, frozen=True):
    """A client's wishes for the answer."""

    returnImmediately: bool = False  # noqa: N815  # as on the wire
    historyLength: int | None = None  # noqa: N815  # as on the wire
    taskPushNotificationConfig: Any | UnsetType = UNSET  # noqa: N815  # as on the wire


class SendIn(msgspec.Struct, frozen=True):
    """Params of SendMessage and SendStreamingMessage."""

    message: MessageIn
    configuration: ConfigurationIn | None = None


class TaskIn(msgspec.Struct, frozen=True):
    """Params of GetTask, CancelTask and SubscribeToTask."""

    id: str
    historyLength: int | None = None  # noqa: N815  # as on the wire


class ListIn(msgspec.Struct, frozen=True):
    """Params of ListTasks."""

    contextId: str = ""  # noqa: N815  # as on the wire
    status: str = "TASK_STATE_UNSPECIFIED"
    pageSize: int | None = None  # noqa: N815  # as on the wire
    pageToken: str = ""  # noqa: N815  # as on the wire
    historyLength: int | None = None  # noqa: N815  # as on the wire
    includeArtifacts: bool = False  # noqa: N815  # as on the wire
    statusTimestampAfter: str = ""  # noqa: N815  # as on the wire


def verify_history(length: int | None) -> None:
    """Verify a history length; no history is kept here, so that any other is as good as none.

    Raises:
        Refused: `request.malformed` for one below zero.
    """
    if length is not None and length < 0:
        raise malformed_request("historyLength must not be below zero")


def ask_of_message(message: MessageIn) -> AskBody:
    """Read the ask that a message makes: its data part, or without one a comment in the case.

    Text beside a data part is the ask's words. ⚔ Text alone asks for nothing: it becomes a comment, whatever it says.

    Raises:
        Refused: `request.malformed`; as `RpcRefused` for content that is not read here.
    """
    if message.role != "ROLE_USER":
        raise malformed_request("message.role must be ROLE_USER")
    if not message.parts:
        raise malformed_request("message.parts must have at least one part")
    data, words, files = _sorted_parts(message.parts)
    if len(data) > 1:
        raise malformed_request("a message makes one ask: send one data part")
    if not data:
        if not words and not files:
            raise malformed_request("a message needs a text or a data part")
        if not words:
            raise RpcRefused(CONTENT_TYPE, "A file goes along with a text or a data part, which says what it is for.")
        return AskBody(action=_COMMENT, params={"text": words}, attachments=files)
    body = convert(_with_whole_numbers(data[0]), AskBody)
    if words and body.words is not None:
        raise malformed_request("say the words in a text part or in the data part, not in both")
    return AskBody(body.action, body.params, words or body.words, [*(body.attachments or ()), *files])


def _sorted_parts(parts: Sequence[PartIn]) -> tuple[list[Any], str, list[AttachmentIn]]:
    """Return the data parts, the texts as one, and the files of a message.

    Raises:
        Refused: as `_content`.
    """
    data: list[Any] = []
    said: list[str] = []
    files: list[AttachmentIn] = []
    for place, part in enumerate(parts):
        kind = _content(part)
        if kind == "data":
            data.append(part.data)
        elif kind == "text":
            said.append(str(part.text))
        else:
            name = part.filename or f"file-{place}"
            files.append(AttachmentIn(name, part.mediaType or "application/octet-stream", str(part.raw)))
    return data, "\n".join(said), files


def _with_whole_numbers(value: Json) -> Json:
    """Return a value with each whole number as one: in a `google.protobuf.Value` 2 and 2.0 are the same double."""
    if isinstance(value, Decimal):
        whole = value == value.to_integral_value() and abs(value) <= MAX_INTEGER
        return int(value) if whole else value
    if isinstance(value, Mapping):
        return {name: _with_whole_numbers(item) for name, item in value.items()}
    return [_with_whole_numbers(item) for item in value] if is_list(value) else value


def _content(part: PartIn) -> str:
    """Return the one kind of content that a part holds.

    Raises:
        Refused: `request.malformed` unless it is exactly one thing; as `RpcRefused` for content that is not read here.
    """
    held = [name for name in _CONTENT if getattr(part, name) is not UNSET]
    if len(held) != 1:
        raise malformed_request("a part holds exactly one of text, raw, url and data")
    kind, declared = held[0], part.mediaType.partition(";")[0].strip().lower()
    if kind == "url":
        raise RpcRefused(CONTENT_TYPE, "Files are not fetched: send a file as `raw`.")
    if kind in {"text", "data"} and declared not in {"", _PLAIN if kind == "text" else _JSON}:
        raise RpcRefused(CONTENT_TYPE, f"A {kind} part is {_PLAIN if kind == 'text' else _JSON} here.")
    return kind


def task_body(
    reply: AskReply, *, issuer: str, at: int, artifacts: bool = True, more: Mapping[str, object] = _NOTHING
) -> dict[str, object]:
    """Build the A2A task of an ask; `more` joins its metadata."""
    state = STATES[reply.state]
    status: dict[str, object] = {"state": state, "timestamp": instant_text(Instant(at))}
    said = _status_text(reply, issuer)
    if said:
        status["message"] = _status_message(reply, said, issuer)
    body: dict[str, object] = {"id": reply.ask, "contextId": reply.task, "status": status}
    made = _artifacts(reply) if artifacts else []
    if made:
        body["artifacts"] = made
    body["metadata"] = {"remit": about_ask(reply), **more}
    return body


def about_ask(reply: AskReply) -> dict[str, object]:
    """Return the members of an ask's reply that stand nowhere else in a task."""
    return {name: value for name, value in ask_body(reply).items() if name not in {"receipt", "result", "poll"}}


def _status_text(reply: AskReply, issuer: str) -> str:
    url = confirmation_page(issuer, reply.confirmation, reply.who)
    if reply.state is AskState.WAITING:
        who = f"The customer must approve this at {url}" if url else "Someone from support must approve this"
        return f"{who}, until {instant_text(reply.expires_at)}. No message to this task counts as an approval."
    if reply.state is AskState.COUNTERED:
        return f"A person approved less: this continues as task {reply.countered_by}."
    if reply.code is not None:
        return f"{reply.public or MEANINGS[reply.code].title} {MEANINGS[reply.code].cure}"
    return reply.public or reply.notice


def _status_message(reply: AskReply, said: str, issuer: str) -> dict[str, object]:
    facts: dict[str, object] = {}
    if reply.code is not None:
        facts |= {"code": reply.code.value, "cure": MEANINGS[reply.code].cure}
    if reply.remedy is not None:
        facts["authorization_remediation"] = {"authorization_details": [reply.remedy]}
    if reply.retry_after_s is not None:
        facts["retry_after_s"] = reply.retry_after_s
    if url := confirmation_page(issuer, reply.confirmation, reply.who):
        facts["url"] = url
    if reply.state is AskState.WAITING:
        facts |= {"who": list(reply.who), "expires_at": instant_text(reply.expires_at)}
    parts: list[dict[str, object]] = [{"text": said}]
    if facts:
        parts.append({"data": facts, "mediaType": _JSON})
    message: dict[str, object] = {
        "messageId": f"{reply.ask}.{reply.state.value}",
        "contextId": reply.task,
        "taskId": reply.ask,
        "role": "ROLE_AGENT",
        "parts": parts,
    }
    if reply.countered_by:
        message["referenceTaskIds"] = [reply.countered_by]
    return message


def _artifacts(reply: AskReply) -> list[dict[str, object]]:
    made: list[dict[str, object]] = []
    if reply.state in {AskState.DONE, AskState.FAILED}:
        result = {"data": dict(reply.result), "mediaType": _JSON}
        told = {"withheld": reply.withheld}
        made.append({"artifactId": "result", "name": "Result", "parts": [result], "metadata": told})
    if reply.receipt:
        made.append(
            {"artifactId": "receipt", "name": "Receipt", "parts": [{"data": reply.receipt, "mediaType": _JSON}]}
        )
    return made


def error_body(error: Refused | Fault) -> dict[str, object]:
    """Build the JSON-RPC error of a refusal or fault, with its code and cure as ErrorInfo (§9.5)."""
    rpc = error.number if isinstance(error, RpcRefused) else _CODES.get(error.code, INTERNAL)
    body: dict[str, object] = {"code": rpc, "message": public_text(error)}
    about = {"code": error.code.value, "cure": MEANINGS[error.code].cure}
    if error.retry_after_s is not None:
        about["retry_after_s"] = str(error.retry_after_s)
    if rpc in REASONS:
        info = {"reason": REASONS[rpc], "domain": "a2a-protocol.org"}
        about = {} if isinstance(error, RpcRefused) else about
    else:
        info = {"reason": error.code.value.replace(".", "_").upper(), "domain": "remit"}
    body["data"] = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", **info, "metadata": about}]
    return body
