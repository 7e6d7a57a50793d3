"""The A2A door: JSON-RPC at /a2a, decoded, handed to the same use cases as the HTTP API, and encoded again.

Every request is proved before its body is read. Nothing is stored for A2A: tasks are asks.
"""

import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import field
from typing import Final

from remit.domain.errors import Code, Fault, Refused
from remit.domain.ids import is_id
from remit.domain.records import OPEN_ASKS, AskRecord, AskState
from remit.domain.structs import struct
from remit.domain.values import JsonObject, verify_instant
from remit.engine.agents.authenticate_request import Workload
from remit.engine.ask.reply import AskReply, build_reply
from remit.engine.context import DeskContext
from remit.entrypoints.agents.a2a_card import PATH, VERSION, extended_card, signed
from remit.entrypoints.agents.a2a_wire import (
    PUSH_NOT_SUPPORTED,
    STATES,
    TASK_NOT_CANCELABLE,
    TASK_NOT_FOUND,
    TASK_STATES,
    TERMINAL,
    UNSUPPORTED,
    VERSION_NOT_SUPPORTED,
    ListIn,
    MessageIn,
    SendIn,
    TaskIn,
    about_ask,
    ask_of_message,
    error_body,
    task_body,
    verify_history,
)
from remit.entrypoints.agents.api import AgentApi
from remit.entrypoints.agents.json_rpc import INVALID_REQUEST, METHOD_NOT_FOUND, RpcRefused, read_rpc
from remit.entrypoints.http.bodies import mark_proved
from remit.entrypoints.http.replies import BodyStream, HttpResponse, encode_json, json_response, problem_response
from remit.entrypoints.http.request_log import log_fault
from remit.entrypoints.http.wire import (
    AskBody,
    Receive,
    Scope,
    body_digest,
    convert,
    malformed_request,
    one_header,
    query_parameters,
    verify_idempotency_key,
)
from remit.proof.canonical import canonical
from remit.usecases.agents.refused_credentials import mark_proofs_used
from remit.usecases.tasks.task import ask_status, changed_at, follow_ask, granted_tools, own_ask, task_asks
from remit.usecases.tasks.withdraw import withdraw_ask

_RAW: Final = ("params", "message", "parts", "raw")
_NO_BATCHES: Final = "One request at a time: no batches."
_VERSION: Final = re.compile(r"1\.0(\.[0-9]{1,4})?", re.ASCII)
_WAIT_S: Final = 20.0
_STREAM_S: Final = 60
_STREAMS: Final = 8
"""Streams that one agent may have open at one process."""
_TOO_MANY: Final = "Too many streams are open."
_EVENTS: Final = b"text/event-stream"
_NOTHING: Final[Mapping[str, object]] = {}
_WORKING: Final = OPEN_ASKS - {AskState.WAITING}
_LISTED: Final = 200
_PAGE: Final = 50
_MAX_PAGE: Final = 100
_MAX_PAGE_WITH_ARTIFACTS: Final = 20
_BY_HTTP: Final = ("credential.", "agent.")
_HTTP_CODES: Final = frozenset({
    Code.REQUEST_RATE_LIMITED, Code.REQUEST_TOO_LARGE, Code.REQUEST_UNSUPPORTED_TYPE,
})  # fmt: skip
"""Refusals before a JSON-RPC request is understood, or of its caller: they are HTTP's to say, with its headers."""
_PUSH: Final = frozenset({
    "CreateTaskPushNotificationConfig", "DeleteTaskPushNotificationConfig", "GetTaskPushNotificationConfig",
    "ListTaskPushNotificationConfigs",
})  # fmt: skip

Id = str | int | None
_Method = Callable[[Workload, JsonObject, int], Awaitable[object]]


@struct(frozen=True)
class _Follow:
    """A task to be streamed, as it stands."""

    task: Mapping[str, object]


@struct(frozen=True)
class A2aApi:
    """The handler of one desk."""

    agents: AgentApi
    streams: Counter[str] = field(default_factory=Counter)
    """Streams open at this process, by the name that requests are counted under."""

    @property
    def _desk(self) -> DeskContext:
        return self.agents.context

    async def handle(self, scope: Scope, receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """POST /a2a: one JSON-RPC request of a proved workload."""
        try:
            workload = await self.agents.prove(scope, resource=PATH)
            self.agents.limits.verify_client(workload.limited_as)
        except (Refused, Fault) as unproved:
            log_fault(unproved, scope["path"])
            return problem_response(unproved, issuer=self._desk.terms.issuer)
        mark_proved(scope)
        rpc_id: Id = None
        error: Refused | Fault
        try:
            body, size = await read_rpc(scope, receive, files=_RAW, no_batches=_NO_BATCHES)
            rpc_id = _request_id(body)
            result = await self._answered(scope, workload, body, size)
        except (Refused, Fault) as refused:
            error = refused
        else:
            if isinstance(result, _Follow):
                return self._streamed(workload, rpc_id, result.task)
            return json_response(200, {"jsonrpc": "2.0", "id": rpc_id, "result": result})
        return await self._refused(scope, workload, rpc_id, error)

    async def _refused(self, scope: Scope, workload: Workload, rpc_id: Id, error: Refused | Fault) -> HttpResponse:
        """Answer a failed request; its proof is used up."""
        await mark_proofs_used(self._desk, workload.marks, error)
        log_fault(error, scope["path"])
        if error.code.value.startswith(_BY_HTTP) or error.code in _HTTP_CODES:
            return problem_response(error, issuer=self._desk.terms.issuer)
        return json_response(200, {"jsonrpc": "2.0", "id": rpc_id, "error": error_body(error)})

    async def _answered(self, scope: Scope, workload: Workload, body: JsonObject, size: int) -> object:
        method, params = _request(body)
        verify_version(scope)
        if method in _PUSH:
            raise RpcRefused(PUSH_NOT_SUPPORTED, "Webhooks of agents are not called: poll with GetTask.")
        handler = self._methods().get(method)
        if handler is None:
            raise RpcRefused(METHOD_NOT_FOUND, "There is no such method.")
        return await handler(workload, params, size)

    def _methods(self) -> Mapping[str, _Method]:
        return {
            "SendMessage": self._send,
            "SendStreamingMessage": self._send_and_follow,
            "GetTask": self._get,
            "ListTasks": self._list,
            "CancelTask": self._cancel,
            "SubscribeToTask": self._subscribe,
            "GetExtendedAgentCard": self._extended_card,
        }

    async def _send(self, workload: Workload, params: JsonObject, size: int) -> object:
        asked = convert(params, SendIn)
        reply, more = await self._sent(workload, asked, size)
        at_once = asked.configuration is not None and asked.configuration.returnImmediately
        if not at_once and reply.state in _WORKING:
            reply = await follow_ask(self._desk, workload, reply.ask, wait_s=_WAIT_S)
        return {"task": await self._task(reply, more)}

    async def _send_and_follow(self, workload: Workload, params: JsonObject, size: int) -> object:
        self._verify_room(workload)
        reply, more = await self._sent(workload, convert(params, SendIn), size)
        return _Follow(await self._task(reply, more))

    async def _subscribe(self, workload: Workload, params: JsonObject, _size: int) -> object:
        self._verify_room(workload)
        reply = await ask_status(self._desk, workload, _task_id(convert(params, TaskIn).id), wait_s=0)
        if STATES[reply.state] in TERMINAL:
            raise RpcRefused(UNSUPPORTED, "The task is over: read it with GetTask.")
        return _Follow(await self._task(reply))

    def _verify_room(self, workload: Workload) -> None:
        if self.streams[workload.limited_as] >= _STREAMS:
            raise Refused(Code.REQUEST_RATE_LIMITED, "too many streams", public=_TOO_MANY, retry_after_s=_STREAM_S)

    def _streamed(self, workload: Workload, rpc_id: Id, task: Mapping[str, object]) -> HttpResponse:
        """Stream a task until it is over, or a minute has passed."""
        client = workload.limited_as
        self.streams[client] += 1

        def close() -> None:
            self.streams[client] -= 1
            if not self.streams[client]:
                del self.streams[client]

        events = BodyStream(self._events(workload, rpc_id, task), close)
        return HttpResponse(200, b"", _EVENTS, ((b"cache-control", b"no-store"),), stream=events)

    async def _events(self, workload: Workload, rpc_id: Id, task: Mapping[str, object]) -> AsyncIterator[bytes]:
        yield _event(rpc_id, result={"task": task})
        if _state(task) in TERMINAL:
            return
        try:
            # ⚔ Standing is read again when there is news, before any of it leaves.
            reply = await follow_ask(self._desk, workload, str(task["id"]), wait_s=_STREAM_S)
        except (Refused, Fault) as error:
            log_fault(error, PATH)
            yield _event(rpc_id, error=error_body(error))
            return
        news = await self._task(reply)
        if _state(news) == _state(task):
            return
        ids = {"taskId": news["id"], "contextId": news["contextId"]}
        made = news.get("artifacts")
        for artifact in made if isinstance(made, list) else []:
            yield _event(rpc_id, result={"artifactUpdate": {**ids, "artifact": artifact, "lastChunk": True}})
        yield _event(rpc_id, result={"statusUpdate": {**ids, "status": news["status"], "metadata": news["metadata"]}})

    async def _sent(self, workload: Workload, asked: SendIn, size: int) -> tuple[AskReply, Mapping[str, object]]:
        """Make the ask of a message, or a comment to an ask that waits; return the ask, and members of its metadata."""
        wanted = asked.configuration
        if wanted is not None:
            verify_history(wanted.historyLength)
            if wanted.taskPushNotificationConfig:
                raise RpcRefused(PUSH_NOT_SUPPORTED, "Webhooks of agents are not called: poll with GetTask.")
        body = ask_of_message(asked.message)
        if asked.message.taskId:
            return await self._comment(workload, asked.message, body, size)
        if asked.message.contextId not in {"", workload.task}:
            raise malformed_request("contextId is not the task of this access token")
        return await self._ask(workload, asked.message, body, size), {}

    async def _ask(self, workload: Workload, message: MessageIn, body: AskBody, size: int) -> AskReply:
        """Make the ask of a message. The same message again is the same ask: its id is the key."""
        key = verify_idempotency_key(message.messageId, "messageId")
        same = {
            "action": body.action,
            "params": body.params,
            "words": body.words,
            "files": [[one.name, one.media_type, one.data_b64] for one in body.attachments or ()],
            "to": message.taskId,
        }
        return await self.agents.ask(workload, body, key=f"a2a:{key}", digest=body_digest(canonical(same)), size=size)

    async def _comment(
        self, workload: Workload, message: MessageIn, body: AskBody, size: int
    ) -> tuple[AskReply, Mapping[str, object]]:
        """Write a message to an ask that waits into the case. ⚔ It answers nothing and changes nothing of that ask."""
        about = await self._own(workload, message.taskId)
        if message.contextId not in {"", about.task}:
            raise malformed_request("contextId is not that of the task")
        if STATES[about.state] in TERMINAL:
            raise RpcRefused(UNSUPPORTED, "The task is over: send a message without taskId.")
        if body.action != "case.comment":
            raise RpcRefused(UNSUPPORTED, "A task is one ask, which does not change: send a message without taskId.")
        comment = await self._ask(workload, message, body, size)
        reply = await follow_ask(self._desk, workload, about.id, wait_s=0)
        return reply, {"comment": about_ask(comment)}

    async def _get(self, workload: Workload, params: JsonObject, _size: int) -> object:
        asked = convert(params, TaskIn)
        verify_history(asked.historyLength)
        return await self._task(await ask_status(self._desk, workload, _task_id(asked.id), wait_s=0))

    async def _cancel(self, workload: Workload, params: JsonObject, _size: int) -> object:
        reply, waited = await withdraw_ask(self._desk, workload, _task_id(convert(params, TaskIn).id))
        if not waited:
            raise RpcRefused(TASK_NOT_CANCELABLE, "Only an ask that is waiting for approval can be cancelled.")
        return await self._task(reply)

    async def _list(self, workload: Workload, params: JsonObject, _size: int) -> object:
        asked = convert(params, ListIn)
        verify_history(asked.historyLength)
        if asked.status not in TASK_STATES:
            raise malformed_request("status is no state of a task")
        size = _PAGE if asked.pageSize is None else asked.pageSize
        if not 0 < size <= _MAX_PAGE:
            raise malformed_request(f"pageSize must be 1 to {_MAX_PAGE}")
        size = min(size, _MAX_PAGE_WITH_ARTIFACTS) if asked.includeArtifacts else size
        since = verify_instant(asked.statusTimestampAfter) if asked.statusTimestampAfter else 0
        wanted = None if asked.status == "TASK_STATE_UNSPECIFIED" else asked.status
        found = [
            (record, at)
            for record, at in await task_asks(self._desk, workload, limit=_LISTED)
            if at >= since and wanted in {None, STATES[record.state]} and asked.contextId in {"", record.task}
        ]
        begin = _page_begin(found, asked.pageToken)
        page = found[begin : begin + size]
        more = begin + size < len(found)
        return {
            "tasks": [await self._listed(workload, record, at, asked) for record, at in page],
            "nextPageToken": page[-1][0].id if more else "",
            "pageSize": size,
            "totalSize": len(found),
        }

    async def _listed(self, workload: Workload, record: AskRecord, at: int, asked: ListIn) -> object:
        if asked.includeArtifacts:
            reply = await follow_ask(self._desk, workload, record.id, wait_s=0)
        else:
            reply = await build_reply(self._desk, record, {}, attributes=False)
        return task_body(reply, issuer=self._desk.terms.issuer, at=at, artifacts=asked.includeArtifacts)

    async def _extended_card(self, workload: Workload, _params: JsonObject, _size: int) -> object:
        return signed(self._desk, extended_card(self._desk, await granted_tools(self._desk, workload)))

    async def _own(self, workload: Workload, task_id: str) -> AskRecord:
        return await own_ask(self._desk, workload, _task_id(task_id))

    async def _task(self, reply: AskReply, more: Mapping[str, object] = _NOTHING) -> dict[str, object]:
        record = (await self._desk.store.get(AskRecord, reply.ask)).record
        at = await changed_at(self._desk, record)
        return task_body(reply, issuer=self._desk.terms.issuer, at=at, more=more)


def verify_version(scope: Scope) -> None:
    """Verify that a client speaks version 1.0, by its header or the parameter of that name; neither means 0.3.

    ⚔ Two that differ are refused: the reader of a log, or a proxy, could take the other one.

    Raises:
        Refused: as `RpcRefused`; `request.malformed` for a doubled header.

    Source: A2A 1.0 §3.6.
    """
    header = one_header(scope, b"a2a-version").strip()
    parameter = query_parameters(scope).get("A2A-Version", "").strip()
    said = header or parameter
    if parameter not in {"", said} or _VERSION.fullmatch(said) is None:
        public = f"Only A2A {VERSION} is spoken here: send the header A2A-Version: {VERSION}."
        raise RpcRefused(VERSION_NOT_SUPPORTED, public)


def _request_id(body: JsonObject) -> Id:
    found = body.get("id")
    return found if isinstance(found, str) or (isinstance(found, int) and not isinstance(found, bool)) else None


def _request(body: JsonObject) -> tuple[str, JsonObject]:
    """Return method and params of a JSON-RPC request.

    Raises:
        Refused: as `RpcRefused`.
    """
    method, params, rpc_id = body.get("method"), body.get("params", {}), body.get("id")
    if body.get("jsonrpc") != "2.0" or not isinstance(method, str) or not method:
        raise RpcRefused(INVALID_REQUEST, 'Send jsonrpc "2.0", a method and an id.')
    if "id" not in body or (rpc_id is not None and _request_id(body) is None):
        raise RpcRefused(INVALID_REQUEST, "Send an id that is a text or a whole number: there are no notifications.")
    if not isinstance(params, Mapping):
        raise malformed_request("params must be an object")
    return method, params


def _task_id(text: str) -> str:
    if not is_id(text, "ask"):
        raise RpcRefused(TASK_NOT_FOUND, "There is no such task.")
    return text


def _page_begin(found: list[tuple[AskRecord, int]], token: str) -> int:
    """Return where a page begins: behind the ask that its token names.

    Raises:
        Refused: `request.malformed`.
    """
    if not token:
        return 0
    for place, (record, _) in enumerate(found):
        if record.id == token:
            return place + 1
    raise malformed_request("pageToken names no page of this list any more: begin without one")


def _state(task: Mapping[str, object]) -> str:
    status = task["status"]
    return str(status["state"]) if isinstance(status, Mapping) else ""


def _event(rpc_id: Id, **answer: object) -> bytes:
    """Write one server-sent event: a JSON-RPC answer (§9.4.2)."""
    return b"data: %b\n\n" % encode_json({"jsonrpc": "2.0", "id": rpc_id, **answer})
