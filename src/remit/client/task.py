"""A task at the desk and the answers to its asks, async. Opening, renewing and ending live here."""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Final, Self

from remit.client import calls, responses
from remit.client.calls import Call
from remit.client.connection import Door
from remit.client.errors import ProtocolError, Refused, RemitError, StillWaiting, Unavailable
from remit.client.httpx_auth import Run, TaskAuth
from remit.client.replies import AnswerView
from remit.client.responses import Answer, Answered, Message, Opened, TaskStatus
from remit.client.transport import SingleFlight
from remit.client.values import Attached

_LONG_POLL_S: Final = 30
_MIN_POLL_S: Final = 1.0
_LAST_WORD_S: Final = 10
_RENEW_BEFORE_S: Final = 30
_OVER: Final = frozenset(
    {"task.ended", "objective.reached", "credential.revoked", "grant.invalid", "oauth.invalid_grant"}
)


class Reply(AnswerView):
    """The desk's answer to one ask."""

    __slots__ = ("_task",)

    def __init__(self, answer: Answer, task: "Task") -> None:
        super().__init__(answer)
        self._task = task

    async def wait(self, *, timeout: float | None = None) -> "Reply":  # noqa: ASYNC109  # the poll's own length follows from it
        """Wait until the confirmers have answered and the outcome is known; return the final answer.

        `timeout` is in seconds; None waits as long as the desk does (a confirmation expires by itself).

        Raises:
            Refused: when a person said no or the invitation expired (`confirmation.*`), or the task has ended.
            StillWaiting: when `timeout` is over. The ask still stands; wait again when you like.
            Unavailable: when the desk cannot be reached.
        """
        return Reply(await self._task.settled(self.answer, timeout_s=timeout), self._task)


class Task:
    """One engagement under a mandate: `async with mandate.task() as task`.

    Leaving the block completes the task; leaving it by an exception revokes it. Pending confirmations are then void.
    """

    def __init__(self, door: Door, *, mandate: str) -> None:
        """Prepare the task; it is opened when the block is entered."""
        self._door = door
        self._mandate = mandate
        self._opening_key = secrets.token_hex(24)
        self._opened: Opened | None = None
        self._fresh_until = 0.0
        self._renewing: SingleFlight[Opened] = SingleFlight()
        self._over = False

    def __repr__(self) -> str:
        return f"Task({self._opened!r})"

    @property
    def id(self) -> str:
        """The task's id at the desk."""
        return self._credential.task

    @property
    def case(self) -> str:
        """The support case this task is bound to."""
        return self._credential.case

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._opened is not None and not self._over:
                await (self._finish() if error is None else self._abandon(error))
        finally:
            self._over = True
            await self._renewing.stop()

    async def open(self) -> None:
        """Open the task by exchanging the mandate; `async with` does it for you. Opening again changes nothing.

        Raises:
            Refused: when the mandate does not (or no longer) allow a task of this agent with this key.
            Unavailable: when the desk is down; opening again repeats the same opening.
        """
        if self._opened is None:
            await self._renewing.run(self._exchange)

    async def ask(
        self,
        action: str,
        params: Mapping[str, object],
        words: str | None = None,
        attachments: Sequence[Attached] = (),
        idempotency_key: str | None = None,
    ) -> Reply:
        """Ask the desk for one thing. `words` must say no more than action and params do.

        Lost connections, nonces, renewals and "try later" are retried under the one idempotency key.

        Raises:
            Refused: the desk said no; `code` and `cure` say why and what would help.
            Unavailable: the desk is down; `idempotency_key` of the exception repeats this very ask.
        """
        # Hexadecimal: a key in Base64 may begin as some issuer's token does, and is then refused as a secret.
        key = secrets.token_hex(24) if idempotency_key is None else idempotency_key
        call = calls.ask(
            await self._door.desk(),
            task=self.id,
            action=action,
            params=params,
            words=words,
            attachments=attachments,
            key=key,
        )
        try:
            return Reply(responses.read_answer(await self._send(call)), self)
        except Unavailable as down:
            down.idempotency_key = key
            raise

    async def status(self) -> TaskStatus:
        """Return the state of the task: state, budgets, pending asks."""
        return responses.read_status(await self._send(calls.task_status(await self._door.desk(), task=self.id)))

    async def inbox(self, *, after: int = 0, wait: int = 0) -> tuple[Message, ...]:
        """Return messages after number `after`; without any, the desk holds the answer for up to `wait` seconds."""
        call = calls.inbox(await self._door.desk(), task=self.id, after=after, wait_s=wait)
        return responses.read_inbox(await self._send(call))

    async def complete(self) -> None:
        """Complete the task. Its credentials die; its case stays."""
        await self._send(calls.complete(await self._door.desk(), task=self.id))
        self._over = True

    async def revoke(self) -> None:
        """Give the task up. Its credentials die; pending confirmations are void.

        Raises:
            ProtocolError: when the desk has no revocation endpoint.
        """
        endpoint = (await self._door.desk()).revocation_endpoint
        if endpoint is None:
            raise ProtocolError("the desk has no revocation endpoint")
        await self._door.send(calls.revocation(endpoint, token=self._credential.access_token))
        self._over = True

    def auth(self, *, run: Run | None = None) -> TaskAuth:
        """Return httpx authentication as this task, for a library that speaks another protocol with the desk.

        `httpx.AsyncClient(auth=task.auth())`: the desk takes its requests as those of this task, at `/a2a` too. `run` is
        for the blocking client.
        """
        sender = self._door.sender

        async def sign(method: str, url: str) -> dict[str, str]:
            if self._over:
                raise _ended()
            return sender.task_headers(method, url, (await self._fresh()).access_token)

        return TaskAuth(sender.desk, sign, sender.keep_nonce, run)

    async def settled(self, answer: Answer, *, timeout_s: float | None) -> Answer:
        """Poll an ask until it is settled; see `Reply.wait`."""
        clock = self._door.sender.clock
        ends = None if timeout_s is None else clock.monotonic() + timeout_s
        while answer.pending:
            began = clock.monotonic()
            left_s = float("inf") if ends is None else ends - began
            if left_s <= 0:
                raise StillWaiting(f"ask {answer.ask} still waits for {', '.join(answer.who) or 'the desk'}")
            wait_s = max(0, int(min(_LONG_POLL_S, left_s)))
            awaited = answer.countered_by or answer.ask
            call = calls.ask_state(await self._door.desk(), ask_id=awaited, wait_s=wait_s)
            answer = responses.read_answer(await self._send(call))
            if answer.ask != awaited:
                raise ProtocolError("the desk answered for another ask")
            spent_s = clock.monotonic() - began
            if answer.pending and spent_s < _MIN_POLL_S:
                # A desk that does not hold the answer must not be asked in a tight loop.
                await clock.sleep(min(_MIN_POLL_S - spent_s, max(left_s - spent_s, 0)))
        return answer

    @property
    def _credential(self) -> Opened:
        if self._opened is None:
            raise Refused("task.ended", title="The task is not open", cure="Enter `async with mandate.task()` first.")
        return self._opened

    async def _send(self, call: Call) -> Answered:
        """Send with a fresh credential; renew once more if the desk finds it expired (its clock decides, not ours)."""
        if self._over:
            raise _ended()
        credential = await self._fresh()
        try:
            return await self._door.send(call, token=credential.access_token)
        except Refused as refused:
            if refused.code != "credential.expired":
                raise
        renewed = await self._renewed(credential)
        return await self._door.send(call, token=renewed.access_token)

    async def _fresh(self) -> Opened:
        credential = self._credential
        return (
            credential if self._door.sender.clock.monotonic() < self._fresh_until else await self._renewed(credential)
        )

    async def _renewed(self, stale: Opened) -> Opened:
        """Return the credential after `stale`, renewed once even if several asks found it stale at the same time."""
        current = self._credential
        return current if current is not stale else await self._renewing.run(self._exchange)

    async def _exchange(self) -> Opened:
        before = self._opened
        subject, kind, key = (
            (self._mandate, calls.MANDATE_TOKEN, self._opening_key)
            if before is None
            else (before.task, calls.TASK_TOKEN, secrets.token_hex(24))
        )
        desk = await self._door.desk()
        # Measured before sending: the lifetime began at the desk, not when the answer arrived here.
        sent_at = self._door.sender.clock.monotonic()
        opened = responses.read_opened(
            await self._door.send(calls.exchange(desk, subject=subject, subject_type=kind, key=key))
        )
        if before is not None and (opened.task, opened.case) != (before.task, before.case):
            raise ProtocolError("renewing gave another task")
        self._opened = opened
        self._fresh_until = sent_at + opened.expires_in_s - min(_RENEW_BEFORE_S, opened.expires_in_s / 5)
        return opened

    async def _finish(self) -> None:
        try:
            await self.complete()
        except Refused as refused:
            if refused.code not in _OVER:
                raise

    async def _abandon(self, error: BaseException) -> None:
        """Revoke; an error here must not hide the original one."""
        try:
            async with asyncio.timeout(_LAST_WORD_S):
                await self.revoke()
        except (RemitError, TimeoutError) as second:
            error.add_note(f"The task could not be revoked ({second}); it ends by itself when idle.")


def _ended() -> Refused:
    return Refused("task.ended", title="The task has ended", cure="Open a new task under an active mandate.")
