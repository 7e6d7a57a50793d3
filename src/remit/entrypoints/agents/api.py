"""The agents' HTTP API: asks, tasks and inboxes, as raw ASGI handlers."""

import base64
import binascii
import re
from collections.abc import Coroutine, Iterable, Sequence
from typing import Final

from msgspec import UNSET

from remit.domain.errors import Code, Fault, Refused
from remit.domain.identity.human_credentials import CredentialSigns, RequestCredentials
from remit.domain.ids import is_id
from remit.domain.records import DeskMessage
from remit.domain.structs import struct
from remit.domain.values import instant_text
from remit.engine.agents.authenticate_request import (
    TokenVerifier,
    Workload,
    prove_signed_workload,
    prove_workload,
)
from remit.engine.ask.redact import AskRequest
from remit.engine.ask.reply import AskReply
from remit.engine.context import DeskContext
from remit.engine.files.read import UploadedFile
from remit.engine.leaks.revoke import revoke_leaked_credentials
from remit.engine.leaks.scan import LeakSource
from remit.engine.people.sessions import SIGNIN_PREFIX
from remit.entrypoints.agents.challenge import TXN_TOKEN, challenged_response, use_token_header
from remit.entrypoints.agents.ended_tasks import ASSERTION, authenticate_client, proves_client
from remit.entrypoints.http.bodies import decode_body, mark_proved, read_body, read_empty_body
from remit.entrypoints.http.client_certificates import presented_certificate
from remit.entrypoints.http.cookies import SESSIONS
from remit.entrypoints.http.limits import Limits
from remit.entrypoints.http.replies import (
    HttpResponse,
    json_response,
    polled_ask_response,
    problem_response,
    refused_ask_response,
)
from remit.entrypoints.http.request_log import log_fault
from remit.entrypoints.http.signed_requests import bind_body, is_signed, signed_message
from remit.entrypoints.http.wire import (
    HEADERS,
    AskBody,
    AttachmentIn,
    Receive,
    RequestHeaders,
    Scope,
    body_digest,
    convert,
    decode_object,
    header_values,
    idempotency_key,
    malformed_request,
    query_parameters,
    verify_json_type,
    whole_number,
)
from remit.entrypoints.http.wire_answers import Ended, Inbox, InboxMessage, Task
from remit.ports.tracing import SpanName
from remit.usecases.agents.refused_credentials import mark_proofs_used, refuse_human_credential
from remit.usecases.ask import ask
from remit.usecases.tasks.task import TaskView, ask_status, ask_status_after_end, complete_task, read_inbox, task_status

PATHS: Final = re.compile(r"/v1/(?:tasks/(?P<task>[^/]+)(?:/(?P<what>asks|inbox|complete))?|asks/(?P<ask>[^/]+))")
ADDRESSES: Final = frozenset({
    ("GET", "/v1/tasks/{task}"),
    ("POST", "/v1/tasks/{task}/asks"),
    ("GET", "/v1/tasks/{task}/inbox"),
    ("POST", "/v1/tasks/{task}/complete"),
    ("GET", "/v1/asks/{ask}"),
})  # fmt: skip
"""The same addresses, as OpenAPI writes them."""
_MAX_WAIT_S: Final = 30
_MAX_FILES: Final = 10
_DATA: Final = ("attachments", "data_b64")


@struct(frozen=True)
class AgentApi:
    """Handlers of one desk."""

    context: DeskContext
    tokens: TokenVerifier
    signs: CredentialSigns
    limits: Limits

    async def handle(self, scope: Scope, receive: Receive, match: "re.Match[str]") -> HttpResponse:
        """Answer one request under /v1/tasks or /v1/asks; `match` is its path as `PATHS` reads it."""
        wanted = "GET" if match["ask"] or match["what"] in {None, "inbox"} else "POST"
        if scope["method"] != wanted and (scope["method"], wanted) != (
            "HEAD",
            "GET",
        ):  # HEAD goes with GET (RFC 9110 §9.1)
            wrong = Refused(Code.REQUEST_METHOD, f"{scope['method']} is not {wanted}", public=f"Use {wanted}.")
            return problem_response(wrong, issuer=self.context.terms.issuer, allow=wanted)
        workload: Workload | None = None
        try:
            if match["ask"] and proves_client(scope):
                return await self._after_the_end(scope, match["ask"])
            proved = await self.prove(scope)
            self.limits.verify_client(proved.limited_as)
            mark_proved(scope)
            workload = proved  # from here on, the proof is used up whatever happens
            return await self._proved(scope, receive, workload, match)
        except (Refused, Fault) as refused:
            error = refused
        if workload is not None:
            await mark_proofs_used(self.context, workload.marks, error)
        log_fault(error, scope["path"])
        if match["what"] == "asks":
            return refused_ask_response(error, issuer=self.context.terms.issuer)
        return problem_response(error, issuer=self.context.terms.issuer)

    def _proved(
        self, scope: Scope, receive: Receive, workload: Workload, asked: "re.Match[str]"
    ) -> Coroutine[None, None, HttpResponse]:
        """Dispatch a request of a proved workload by its address."""
        if asked["task"] is not None and asked["task"] != workload.task:
            # Unknown and foreign tasks answer alike.
            raise Refused(Code.TASK_ENDED, "the token is for another task")
        if asked["ask"] is not None:
            return self._ask_status(scope, workload, asked["ask"])
        match asked["what"]:
            case "asks":
                return self._ask(scope, receive, workload)
            case "inbox":
                return self._inbox(scope, workload)
            case "complete":
                return self._complete(scope, receive, workload)
            case _:
                return self._task_status(workload)

    async def _complete(self, scope: Scope, receive: Receive, workload: Workload) -> HttpResponse:
        await read_empty_body(scope, receive)
        ended = await complete_task(self.context, workload)
        return json_response(200, Ended(ended.task, "ended", ended.reason.value, ended.took_ms))

    async def _task_status(self, workload: Workload) -> HttpResponse:
        return task_response(await task_status(self.context, workload))

    async def prove(self, scope: Scope, *, resource: str = "") -> Workload:
        """Authenticate the caller; refuse and report a person's credential. `resource` as in `prove_workload`.

        Raises:
            Refused: `credential.*`, `agent.human_credential`.
        """
        sent: RequestHeaders = scope[HEADERS]
        authorization, dpop, cookies = sent.get(b"authorization", ()), sent.get(b"dpop", ()), sent.get(b"cookie", ())
        if cookies and _is_navigation(scope):
            # ⚔ A link on any page brings a person here with their session: no program borrowed it, so nothing is ended
            # or reported.
            cookies = ()
        if cookies or not (authorization and authorization[0][:5].lower() == "dpop "):
            await self._refuse_persons(authorization, cookies)
        path, certificate = _path(scope), presented_certificate(scope)
        try:
            with self.context.tracing.step(SpanName.IDENTITY):
                if not dpop and is_signed(scope) and presents_token(authorization):
                    return await self._prove_signed(scope, authorization, resource)
                return prove_workload(
                    self.context,
                    self.tokens,
                    authorization=authorization,
                    dpop=dpop,
                    method=scope["method"],
                    path=path,
                    resource=resource,
                    certificate="" if certificate is None else certificate.thumbprint,
                )
        except Refused:
            self.context.leak_scanner.present(authorization, LeakSource(where="presented"))
            # ⚔ A person's credential under our own scheme is reported like any other; only unproved ones are looked at.
            await self._refuse_persons(authorization, cookies)
            raise

    async def _refuse_persons(self, authorization: tuple[str, ...], cookies: tuple[str, ...]) -> None:
        """Refuse and report a person's credential.

        Raises:
            Refused: `agent.human_credential`.
        """
        arrival = RequestCredentials(authorization=authorization, cookies=cookies, form={})
        await refuse_human_credential(self.context, arrival, self.signs, borrowed_session(authorization, cookies))

    async def _prove_signed(self, scope: Scope, authorization: tuple[str, ...], resource: str) -> Workload:
        """Authenticate a caller that signs its requests; its body is read, and compared, later."""
        message = signed_message(scope, self.context.terms.issuer)
        bind_body(scope, message)
        return await prove_signed_workload(
            self.context, self.tokens, authorization=authorization, message=message, resource=resource
        )

    async def _ask(self, scope: Scope, receive: Receive, workload: Workload) -> HttpResponse:
        verify_json_type(scope)
        key = idempotency_key(scope)
        if TXN_TOKEN in scope[HEADERS]:
            await use_token_header(self.context, scope, workload, key)
        raw = await read_body(scope, receive)
        members = await decode_body(scope, raw, files=_DATA)
        body = convert(members, AskBody)
        request = await self.accept_ask(workload, body, key=key, digest=body_digest(raw), size=len(raw))
        reply = await ask(self.context, workload, request)
        return await challenged_response(self.context, scope, workload, reply)

    async def ask(self, workload: Workload, body: AskBody, *, key: str, digest: str, size: int) -> AskReply:
        """Make a decoded ask of a proved workload, whatever door it came through. The members are those of `accept_ask`.

        Raises:
            Refused: as `usecases/ask` and `accept_ask`.
            Fault: as `usecases/ask`.
        """
        request = await self.accept_ask(workload, body, key=key, digest=digest, size=size)
        return await ask(self.context, workload, request)

    async def accept_ask(self, workload: Workload, body: AskBody, *, key: str, digest: str, size: int) -> AskRequest:
        """Return a decoded ask, once each credential of ours in it is revoked.

        `digest` recognises a repetition under its `key`; `size` is the bytes of the whole body.

        Raises:
            Refused: `request.malformed` for too many files; as `revoke_leaked_credentials`.
            Fault: as `revoke_leaked_credentials`.
        """
        request = AskRequest(
            action=body.action,
            params=body.params,
            words=body.words,
            files=decode_attachments(body.attachments) if body.attachments else (),
            idempotency_key=key,
            body=digest,
            size=size,
        )
        await revoke_leaked_credentials(self.context, self.tokens, workload, request)
        return request

    async def _ask_status(self, scope: Scope, workload: Workload, ask_id: str) -> HttpResponse:
        if not is_id(ask_id, "ask"):
            raise Refused(Code.REQUEST_NOT_FOUND, "no such ask")
        wait_s = whole_number(query_parameters(scope).get("wait", "0"), where="wait", most=_MAX_WAIT_S)
        return polled_ask_response(await ask_status(self.context, workload, ask_id, wait_s=wait_s))

    async def _after_the_end(self, scope: Scope, ask_id: str) -> HttpResponse:
        sent = (
            header_values(scope, b"authorization"),
            header_values(scope, b"cookie"),
            header_values(scope, ASSERTION),
        )
        caller = await authenticate_client(
            self.context, self.signs, self.limits, scope, path=_path(scope), session=borrowed_session(*sent)
        )
        wait_s = whole_number(query_parameters(scope).get("wait", "0"), where="wait", most=_MAX_WAIT_S)
        return polled_ask_response(await ask_status_after_end(self.context, caller, ask_id, wait_s=wait_s))

    async def _inbox(self, scope: Scope, workload: Workload) -> HttpResponse:
        found = query_parameters(scope)
        after = whole_number(found.get("after", "0"), where="after", most=999_999_999)
        wait_s = whole_number(found.get("wait", "0"), where="wait", most=_MAX_WAIT_S)
        messages = await read_inbox(self.context, workload, after=after, wait_s=wait_s)
        return json_response(200, Inbox([message_body(one) for one in messages]))


def presents_token(authorization: Sequence[str]) -> bool:
    """Return whether a token that is bound to a key is presented."""
    return any(value[:5].lower() == "dpop " for value in authorization)


def _path(scope: Scope) -> str:
    """Return the path as it was sent: the proof covers it."""
    return str(scope.get("raw_path", scope["path"].encode()).partition(b"?")[0].decode("latin-1"))


def task_response(view: TaskView) -> HttpResponse:
    """Build the answer with a task as its agent sees it."""
    return json_response(200, task_body(view))


def task_body(view: TaskView) -> Task:
    """Build a task as its agent sees it (docs/model/wire.md#task-view)."""
    task = view.task
    return Task(
        task=task.id,
        case=task.case,
        state=task.state.value,
        objective=task.objective,
        budgets=list(view.budgets),
        waiting=list(view.waiting),
        ends_at=instant_text(task.ends_at),
        reason=task.reason or UNSET,
    )


def message_body(message: DeskMessage) -> InboxMessage:
    """Build a message of the inbox."""
    return InboxMessage(
        n=message.n,
        at=instant_text(message.at),
        kind=message.kind,
        withheld=message.withheld,
        text=message.text or UNSET,
        offer=decode_object(message.offer.encode()) if message.offer else UNSET,
        withheld_kinds=list(message.kinds) or UNSET,
    )


def _is_navigation(scope: Scope) -> bool:
    """Return whether a browser sends nothing of its own but cookies, following a link or a foreign page.

    No page can set these headers on its scripts' requests (Fetch §4.6); outside a browser nothing is gained by them.

    Source: W3C Fetch Metadata Request Headers §2.2, §2.3.
    """
    if header_values(scope, b"authorization") or header_values(scope, b"dpop"):
        return False
    foreign = {"cross-site", "same-site"} & set(header_values(scope, b"sec-fetch-site"))
    return bool(foreign) or "navigate" in header_values(scope, b"sec-fetch-mode")


def borrowed_session(authorization: Sequence[str], cookies: Sequence[str], fields: Iterable[str] = ()) -> str:
    """Return our own session id presented by an agent ("" otherwise)."""
    for cookie in cookies:
        for part in cookie.split(";"):
            name, _, value = part.strip().partition("=")
            if name in SESSIONS:
                return value
    tokens = [value.partition(" ")[2].strip() for value in authorization]
    return next((token for token in (*tokens, *fields) if token.startswith(SIGNIN_PREFIX)), "")


def decode_attachments(attachments: Sequence[AttachmentIn]) -> tuple[UploadedFile, ...]:
    """Decode attachments. Acceptance is decided elsewhere, so that a refused file leaves a refused ask on the record.

    Raises:
        Refused: `request.malformed_request` for too many.

    Source: docs/model/model.md#inbound.
    """
    if len(attachments) > _MAX_FILES:
        raise malformed_request(f"at most {_MAX_FILES} attachments")
    return tuple(
        [UploadedFile(name=one.name, data=_decoded(one.data_b64), media_type=one.media_type) for one in attachments]
    )


def _decoded(data_b64: str) -> bytes | None:
    try:
        return base64.b64decode(data_b64, validate=True)
    except (binascii.Error, ValueError):
        return None
