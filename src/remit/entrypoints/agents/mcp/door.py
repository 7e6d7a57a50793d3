"""The MCP door at `/mcp`: JSON-RPC over one POST a message, without any memory between requests.

A caller is proved before a byte of its body is read. Each call of an action is an ask, and is decided like every other.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import msgspec

from remit import __version__
from remit.domain.errors import Code, Fault, Refused
from remit.domain.identity.binding import bound_family
from remit.domain.identity.dpop import ScopeRefused
from remit.domain.structs import replace, struct
from remit.domain.values import Json, JsonObject
from remit.engine.agents.authenticate_request import Workload
from remit.engine.ask.reply import AskReply, confirmation_page
from remit.engine.transcript.record import keyed_digest
from remit.entrypoints.agents.api import AgentApi, message_body, task_body
from remit.entrypoints.agents.json_rpc import INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND, RpcRefused, read_rpc
from remit.entrypoints.agents.mcp.messages import (
    META,
    MISSING_CAPABILITY,
    REVISIONS,
    SESSION,
    TASKS,
    Message,
    negotiated,
    new_session,
    read_message,
    text_param,
)
from remit.entrypoints.agents.mcp.results import (
    Result,
    ask_members,
    ask_result,
    elicitation,
    events_response,
    input_required,
    is_settled,
    plain_result,
    problem_result,
    rpc_error,
    rpc_response,
    task_of,
)
from remit.entrypoints.agents.mcp.tools import (
    COMPLETE,
    KEY,
    MAX_WAIT_S,
    OWN,
    READ_INBOX,
    TASK_STATUS,
    WORDS,
    ToolNames,
    action_title,
    optional_text,
    own_argument,
    tool_list,
    tool_names,
    verify_arguments,
    whole_argument,
)
from remit.entrypoints.agents.oauth_requests import TASK_SCOPE
from remit.entrypoints.http.bodies import mark_proved
from remit.entrypoints.http.replies import METADATA as RESOURCE_METADATA
from remit.entrypoints.http.replies import HttpResponse, bearer_challenge, problem_response
from remit.entrypoints.http.request_log import log_fault
from remit.entrypoints.http.wire import (
    AskBody,
    Receive,
    Scope,
    body_digest,
    header_values,
    one_header,
    verify_idempotency_key,
)
from remit.entrypoints.http.wire_answers import Ended, Inbox
from remit.usecases.agents.refused_credentials import mark_proofs_used
from remit.usecases.tasks.task import (
    ask_status,
    complete_task,
    follow_ask,
    granted_tools,
    read_inbox,
    task_status,
    verify_open,
)
from remit.usecases.visitors.request import visitor_scopes

PATH: Final = "/mcp"
METADATA: Final = RESOURCE_METADATA + PATH
_WAIT_S: Final = 25
"""Seconds that a repeated call waits for a person's answer; clients give up after a minute."""
_CATALOGUE_MS: Final = 300_000
_TOOLS_MS: Final = 10_000
_MAX_NUMBER: Final = 999_999_999
_SEAL: Final = "~"
_STEADY: Final = msgspec.json.Encoder(decimal_format="number", order="deterministic")
_INSTRUCTIONS: Final = (
    "This is the support of {desk}. You act for one customer, within one mandate that the customer signed. The tools are "
    "what the customer allowed. Each call is decided anew and recorded; a refusal says what would help. Some calls need "
    "a person's approval on the company's own page: give your user the address, then call ask_status. Nothing said in "
    "this conversation approves anything. Use `words` only for a message that asks for no more than the call. Call "
    "complete_task when you are done."
)
_REQUEST: Final = "what your assistant asked for"
_NO_PAGE: Final = "Send the request from a program, without an Origin header."


@struct(frozen=True)
class _Call:
    """One call of an action: its ask, the key and digest of a repetition, and whether it continues an earlier call."""

    body: AskBody
    key: str
    digest: str
    again: bool


@dataclass(frozen=True, slots=True)
class McpDoor:
    """The MCP door of one desk; `agents` proves callers, as at the agents' API."""

    agents: AgentApi
    names: ToolNames = field(init=False)

    def __post_init__(self) -> None:
        """Name the tools once."""
        object.__setattr__(self, "names", tool_names(self.agents.context.catalogue))

    async def handle(self, scope: Scope, receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """POST /mcp: answer one message."""
        desk = self.agents.context
        workload: Workload | None = None
        message: Message | None = None
        try:
            verify_same_origin(scope, desk.terms.issuer)
            workload = await self._prove(scope)
            self.agents.limits.verify_client(workload.limited_as)
            mark_proved(scope)
            body, size = await read_rpc(scope, receive)
            message = read_message(scope, body)
            return await self._answer(message, workload, size)
        except (Refused, Fault) as refused:
            error = refused
        if workload is not None:
            await mark_proofs_used(desk, workload.marks, error)
        return self._refused(scope, message, error)

    async def _prove(self, scope: Scope) -> Workload:
        """Authenticate the caller: the one place from which a workload comes at this door.

        A DPoP-bound token of a task is proved as at the agents' API, with this address in its proof; a visitor's bearer
        token must be for this door alone. ⚔ Only failed proofs are counted at an address, and not the question how to
        come in: the assistants of many customers share one.

        Raises:
            Refused: `credential.*`, `agent.human_credential`, `request.rate_limited`.
        """
        limits = self.agents.limits
        if header_values(scope, b"authorization"):
            limits.verify_peer(scope)
        try:
            return await self.agents.prove(scope, resource=PATH)
        except Refused:
            if header_values(scope, b"authorization"):
                limits.count_unproved(scope)
            raise

    async def _answer(self, message: Message, workload: Workload, size: int) -> HttpResponse:
        if message.id is None:  # a notification, or the client's word on a request of ours: neither decides anything
            return HttpResponse(202, b"")
        match message.method, message.stateless:
            case "tools/call", _:
                return await self._call(message, workload, size)
            case "tools/list", _:
                return await self._list(message, workload)
            case (("tasks/get" | "tasks/update" | "tasks/cancel"), True):
                return await self._task(message, workload)
            case _:
                await verify_open(self.agents.context, workload)
                return self._greet(message)

    def _greet(self, message: Message) -> HttpResponse:
        """Answer a message that tells nothing of a task."""
        match message.method, message.stateless:
            case "server/discover", True:
                return self._discover(message)
            case "initialize", False:
                return self._initialize(message)
            case "ping", False:
                return rpc_response(message, {})
            case _:
                raise RpcRefused(METHOD_NOT_FOUND, "Method not found")

    def _initialize(self, message: Message) -> HttpResponse:
        capabilities = message.params.get("capabilities")
        chance = self.agents.context.world.random(16)
        session = new_session(capabilities if isinstance(capabilities, Mapping) else {}, chance)
        result: Result = {
            "protocolVersion": negotiated(message.params),
            "capabilities": {"tools": {"listChanged": False}},
            "serverInfo": self._server(),
            "instructions": self._instructions(),
        }
        return rpc_response(message, result, ((SESSION, session.encode()),))

    def _discover(self, message: Message) -> HttpResponse:
        result: Result = {
            "supportedVersions": list(REVISIONS),
            "capabilities": {"tools": {"listChanged": False}, "extensions": {TASKS: {}}},
            "instructions": self._instructions(),
            "ttlMs": _CATALOGUE_MS,
            "cacheScope": "public",
            "_meta": {META + "serverInfo": self._server()},
        }
        return rpc_response(message, result)

    def _server(self) -> Result:
        catalogue = self.agents.context.catalogue
        return {"name": "remit", "title": catalogue.desk, "version": __version__}

    def _instructions(self) -> str:
        return _INSTRUCTIONS.format(desk=self.agents.context.catalogue.desk)

    async def _list(self, message: Message, workload: Workload) -> HttpResponse:
        if "cursor" in message.params:
            raise RpcRefused(INVALID_PARAMS, "there is one page of tools, and no cursor")
        desk = self.agents.context
        granted = await granted_tools(desk, workload)
        result: Result = {"tools": tool_list(granted, desk.catalogue, self.names)}
        if message.stateless:
            result |= {"ttlMs": _TOOLS_MS, "cacheScope": "private"}
        return rpc_response(message, result)

    async def _call(self, message: Message, workload: Workload, size: int) -> HttpResponse:
        tool, arguments = text_param(message.params, "name"), message.params.get("arguments", {})
        if not isinstance(arguments, Mapping):
            raise RpcRefused(INVALID_PARAMS, "arguments must be an object")
        try:
            if tool in OWN:
                return rpc_response(message, await self._own_tool(tool, arguments, workload))
            call = self._read_call(message, workload, tool, arguments)
            reply = await self.agents.ask(workload, call.body, key=call.key, digest=call.digest, size=size)
            if call.again and not is_settled(reply):
                reply = await follow_ask(self.agents.context, workload, reply.ask, wait_s=_WAIT_S)
        except (Refused, Fault) as error:
            if isinstance(error, RpcRefused) or error.code.value.startswith("credential."):
                raise
            await mark_proofs_used(self.agents.context, workload.marks, error)
            log_fault(error, PATH)
            return rpc_response(message, problem_result(error))
        return self._decided(message, workload, call, reply)

    def _read_call(self, message: Message, workload: Workload, tool: str, arguments: JsonObject) -> _Call:
        """Read the call of an action as an ask; the key that tells a repetition comes from the call, or is new."""
        desk = self.agents.context
        action = self.names.action(tool)
        known = desk.catalogue.actions.get(action)
        words_name, key_name = own_argument(WORDS, known), own_argument(KEY, known)
        params = {name: value for name, value in arguments.items() if name not in {words_name, key_name}}
        words, given = optional_text(arguments, words_name), optional_text(arguments, key_name)
        key = message.key if given is None else verify_idempotency_key(given)
        again = message.stateless and "requestState" in message.params
        if again:
            key = self._continued(message.params["requestState"], workload, action)
        if not key:
            key = f"mcp.{desk.world.random(16).hex()}"
        digest = body_digest(_STEADY.encode({"action": action, "params": params, "words": words}))
        return _Call(AskBody(action=action, params=params, words=words), key, digest, again=again)

    def _continued(self, state: Json, workload: Workload, action: str) -> str:
        """Return the key of the call that a `requestState` of ours continues.

        ⚔ It is bound to task, key of the agent and action; the ask it leads to is compared with the whole body.

        Raises:
            RpcRefused: for any other state.
        """
        key, _, proof = state.rpartition(_SEAL) if isinstance(state, str) else ("", "", "")
        if not key or not hmac.compare_digest(proof.encode(), self._sealed(key, workload, action).encode()):
            raise RpcRefused(INVALID_PARAMS, "requestState does not belong to this call")
        return key

    def _sealed(self, key: str, workload: Workload, action: str) -> str:
        return keyed_digest(self.agents.context, f"mcp {workload.task} {workload.jkt} {action} {key}")

    def _decided(self, message: Message, workload: Workload, call: _Call, reply: AskReply) -> HttpResponse:
        """Answer a decided ask in the form the client can take."""
        desk = self.agents.context
        if reply.code is Code.ACTION_UNKNOWN:
            data: JsonObject = {"code": reply.code.value, "ask": reply.ask, "receipt": reply.receipt}
            raise RpcRefused(INVALID_PARAMS, "Unknown tool", data=data)
        if reply.code is Code.OBJECTIVE_ACTION_OUTSIDE:
            scopes = self._scopes_of(call.body.action, workload)
            if scopes:
                return self._step_up(message, scopes, reply)
        page = self._page(reply)
        request = elicitation(self._title(call.body.action), page, desk.catalogue.desk) if page else None
        shown = request if message.opens_addresses else None
        if message.polls_tasks and not is_settled(reply):
            task = task_of(reply, shown, confirm_at=page, now=desk.world.now())
            task.pop("inputRequests", None)  # they are told by tasks/get alone (SEP-2663)
            return rpc_response(message, {**task, "resultType": "task"})
        result = ask_result(reply, confirm_at=page)
        if shown is None or call.again or not (message.stateless or message.takes_events):
            return rpc_response(message, result)
        if message.stateless:
            state = f"{call.key}{_SEAL}{self._sealed(call.key, workload, call.body.action)}"
            return rpc_response(message, input_required(shown, state))
        asked = elicitation(self._title(call.body.action), page, desk.catalogue.desk, ask=reply.ask)
        return events_response(message, {"jsonrpc": "2.0", "id": f"confirm-{reply.ask}", **asked}, result)

    def _page(self, reply: AskReply) -> str:
        """Return the address where the customer confirms; "" where they are not asked."""
        return confirmation_page(self.agents.context.terms.issuer, reply.confirmation, reply.who)

    def _title(self, action: str) -> str:
        return action_title(self.agents.context.catalogue.action(action))

    def _scopes_of(self, action: str, workload: Workload) -> str:
        """Return the objectives with an action that the caller may ask the customer for, as a scope."""
        desk = self.agents.context
        held = desk.catalogue.objectives if not bound_family(workload.jkt) else visitor_scopes(desk)
        return " ".join(sorted(name for name in held if action in desk.catalogue.objective(name).actions))

    def _step_up(self, message: Message, wanted: str, reply: AskReply) -> HttpResponse:
        """Answer the ask for an action of another objective: 403, with the objectives that have it as scopes.

        ⚔ It is another purpose that is asked for, with a consent of its own, never more of the same.
        """
        desk = self.agents.context
        data = {"scope": wanted, **ask_members(reply)}
        refused = RpcRefused(INVALID_REQUEST, "this action belongs to another objective", data=data)
        refused.id = message.id
        answer = rpc_error(refused, stateless=True, status=403)
        challenge = bearer_challenge(desk.terms.issuer, PATH, wanted, error="insufficient_scope")
        bound = (b"www-authenticate", challenge.replace(b"Bearer ", b"DPoP ", 1))
        return replace(answer, headers=((b"www-authenticate", challenge), bound, *answer.headers))

    async def _own_tool(self, tool: str, arguments: JsonObject, workload: Workload) -> Result:
        desk = self.agents.context
        verify_arguments(arguments, tool)
        wait_s = whole_argument(arguments, "wait", most=MAX_WAIT_S)
        match tool:
            case str(name) if name == TASK_STATUS:
                return plain_result(task_body(await task_status(desk, workload)))
            case str(name) if name == READ_INBOX:
                after = whole_argument(arguments, "after", most=_MAX_NUMBER)
                messages = await read_inbox(desk, workload, after=after, wait_s=wait_s)
                return plain_result(Inbox([message_body(one) for one in messages]))
            case str(name) if name == COMPLETE:
                ended = await complete_task(desk, workload)
                return plain_result(Ended(ended.task, "ended", ended.reason.value, ended.took_ms))
            case _:
                reply = await self._own_ask(workload, optional_text(arguments, "ask") or "", wait_s=wait_s)
                return ask_result(reply, confirm_at=self._page(reply))

    async def _own_ask(self, workload: Workload, ask_id: str, *, wait_s: int) -> AskReply:
        """Return an ask of the caller's own task. ⚔ One of another task of the same agent is unknown here.

        Raises:
            Refused: `request.not_found`.
        """
        reply = await ask_status(self.agents.context, workload, ask_id, wait_s=wait_s)
        if reply.task != workload.task:
            raise Refused(Code.REQUEST_NOT_FOUND, "an ask of another task")
        return reply

    async def _task(self, message: Message, workload: Workload) -> HttpResponse:
        """Answer tasks/get, tasks/update and tasks/cancel: the task is the ask, and only its record moves it."""
        if not message.polls_tasks:
            data: JsonObject = {"requiredCapabilities": {"extensions": {TASKS: {}}}}
            raise RpcRefused(MISSING_CAPABILITY, f"{TASKS} is not among the client's capabilities", data=data)
        try:
            reply = await self._own_ask(workload, text_param(message.params, "taskId"), wait_s=0)
        except Refused as refused:
            if refused.code is not Code.REQUEST_NOT_FOUND:
                raise
            raise RpcRefused(INVALID_PARAMS, "Unknown task") from None
        if message.method != "tasks/get":
            return rpc_response(message, {})
        desk, page = self.agents.context, self._page(reply)
        shown = elicitation(_REQUEST, page, desk.catalogue.desk) if page and message.opens_addresses else None
        return rpc_response(message, task_of(reply, shown, confirm_at=page, now=desk.world.now()))

    def _refused(self, scope: Scope, message: Message | None, error: Refused | Fault) -> HttpResponse:
        """Build an error: JSON-RPC for a message, an HTTP problem for the caller or the desk."""
        if isinstance(error, RpcRefused):
            if message is not None:
                error.id = message.id
            return rpc_error(error, stateless=message is None or message.stateless)
        log_fault(error, scope["path"])
        issuer = self.agents.context.terms.issuer
        answer = problem_response(error, issuer=issuer, resource=PATH)
        if not any(name == b"www-authenticate" for name, _ in answer.headers):
            return answer
        # Many clients read the first challenge only, and know bearer tokens alone.
        named = "insufficient_scope" if isinstance(error, ScopeRefused) else "invalid_token"
        named = named if header_values(scope, b"authorization") else ""
        scopes = " ".join(visitor_scopes(self.agents.context)) or TASK_SCOPE
        challenge = bearer_challenge(issuer, PATH, scopes, error=named)
        return replace(answer, headers=((b"www-authenticate", challenge), *answer.headers))


def verify_same_origin(scope: Scope, issuer: str) -> None:
    """Verify that no page of another origin sends this.

    ⚔ A browser names the page's origin with every POST; a name rebound to this machine does not help it.

    Raises:
        Refused: `person.not_allowed`.

    Source: MCP 2026-07-28, transports, security warning.
    """
    origin = one_header(scope, b"origin")
    parts = urlsplit(issuer)
    if origin and origin.lower() != f"{parts.scheme}://{parts.netloc}".lower():
        public = "Requests from pages of other sites are not answered."
        raise Refused(Code.PERSON_NOT_ALLOWED, "a page of another origin", public=public, public_cure=_NO_PAGE)
