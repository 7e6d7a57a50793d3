"""The blocking client: the same names; each call runs the async client on an event loop in its own thread.

No protocol here. Inside a running event loop it blocks that loop: prefer the async client there.
"""

import asyncio
import inspect
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from types import TracebackType
from typing import Final, Self, TypeVar, Unpack

import httpx

from remit.client import agent as async_agent
from remit.client import task as async_task
from remit.client.agent import Branch, MandateRequest
from remit.client.agent import Mandate as AsyncMandate
from remit.client.delegation import Introduction
from remit.client.httpx_auth import TaskAuth
from remit.client.identities import Identity
from remit.client.keys import KeySource
from remit.client.replies import AnswerView
from remit.client.responses import Message, TaskStatus
from remit.client.transport import Clock, Retries
from remit.client.values import Attached, Json, Wish

T = TypeVar("T")
_CONSENT_S: Final = 900.0


class LoopThread:
    """An event loop in its own thread. Several agents may share one; its creator closes it."""

    def __init__(self, new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop) -> None:
        """Start the thread; `new_loop` makes another kind of loop."""
        self.loop = new_loop()
        self._thread = threading.Thread(target=self._serve, name="remit.client", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[None, None, T]) -> T:
        """Run on the loop and wait. An interrupt while waiting cancels the work.

        Raises:
            RuntimeError: when called from the loop's own thread, which would wait for itself for ever, or when closed.
        """
        if threading.current_thread() is self._thread:
            work.close()
            raise RuntimeError("the sync client was called from its own event loop; use the async client there")
        if self.loop.is_closed():
            work.close()
            raise RuntimeError("it was closed before this was asked of it")
        future = asyncio.run_coroutine_threadsafe(work, self.loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        """Stop the loop and wait for the thread. Closing twice changes nothing."""
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join()
            self.loop.close()

    def _serve(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.run_until_complete(self.loop.shutdown_default_executor())


class Reply(AnswerView):
    """The desk's answer to one ask."""

    __slots__ = ("_reply", "_thread")

    def __init__(self, reply: async_task.Reply, thread: LoopThread) -> None:
        super().__init__(reply.answer)
        self._reply = reply
        self._thread = thread

    def wait(self, *, timeout: float | None = None) -> "Reply":
        """See the async `Reply.wait`."""
        return Reply(self._thread.run(self._reply.wait(timeout=timeout)), self._thread)


class Task:
    """One engagement under a mandate: `with mandate.task() as task`. See the async `Task`."""

    def __init__(self, task: async_task.Task, thread: LoopThread) -> None:
        self._task = task
        self._thread = thread

    def __enter__(self) -> Self:
        self._thread.run(self._task.open())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.run(self._task.__aexit__(kind, error, trace))

    def __repr__(self) -> str:
        return repr(self._task)

    @property
    def id(self) -> str:
        """The task's id at the desk."""
        return self._task.id

    @property
    def case(self) -> str:
        """The support case this task is bound to."""
        return self._task.case

    def open(self) -> None:
        """See the async `Task.open`."""
        self._thread.run(self._task.open())

    def ask(
        self,
        action: str,
        params: Mapping[str, object],
        words: str | None = None,
        attachments: Sequence[Attached] = (),
        idempotency_key: str | None = None,
    ) -> Reply:
        """See the async `Task.ask`."""
        return Reply(
            self._thread.run(self._task.ask(action, params, words, attachments, idempotency_key)), self._thread
        )

    def status(self) -> TaskStatus:
        """See the async `Task.status`."""
        return self._thread.run(self._task.status())

    def inbox(self, *, after: int = 0, wait: int = 0) -> tuple[Message, ...]:
        """See the async `Task.inbox`."""
        return self._thread.run(self._task.inbox(after=after, wait=wait))

    def complete(self) -> None:
        """See the async `Task.complete`."""
        self._thread.run(self._task.complete())

    def auth(self) -> TaskAuth:
        """Return authentication for `httpx.Client`. See the async `Task.auth`."""
        return self._task.auth(run=self._thread.run)

    def revoke(self) -> None:
        """See the async `Task.revoke`."""
        self._thread.run(self._task.revoke())


class Mandate:
    """A mandate that the customer granted. See the async `Mandate`."""

    def __init__(self, mandate: AsyncMandate, thread: LoopThread) -> None:
        self.id = mandate.id
        self.authorization_details = mandate.authorization_details
        self._mandate = mandate
        self._thread = thread

    def __repr__(self) -> str:
        return repr(self._mandate)

    def task(self) -> Task:
        """Return a new task under this mandate: `with mandate.task() as task`."""
        return Task(self._mandate.task(), self._thread)

    def hand_on(self, introduction: Introduction, **wish: Unpack[Wish]) -> Branch:
        """See the async `Mandate.hand_on`."""
        return self._thread.run(self._mandate.hand_on(introduction, **wish))


class Agent:
    """An agent at one desk: `with Agent(desk=…, identity=…, key=…) as agent`. See the async `Agent`.

    `on` shares an event loop with other agents, or with an application that `transport` calls in this process.
    """

    def __init__(
        self,
        *,
        desk: str,
        identity: Identity,
        key: KeySource | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        timeout: float = 30.0,
        retries: Retries | None = None,
        clock: Clock | None = None,
        on: LoopThread | None = None,
    ) -> None:
        """Prepare the agent; nothing is sent yet. See the async `Agent`."""
        self._agent = async_agent.Agent(
            desk=desk, identity=identity, key=key, transport=transport, timeout=timeout, retries=retries, clock=clock
        )
        self._owned = on is None
        self._thread = on or LoopThread()
        self.desk = self._agent.desk
        self.key_thumbprint = self._agent.key_thumbprint

    def __repr__(self) -> str:
        return repr(self._agent)

    def __enter__(self) -> Self:
        self._thread.run(self._agent.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._thread.run(self._agent.__aexit__(kind, error, trace))
        finally:
            if self._owned:
                self._thread.close()

    def introduce(self) -> Introduction:
        """See the async `Agent.introduce`."""
        return self._agent.introduce()

    def look_back(self, ask_id: str, *, wait: int = 0) -> AnswerView:
        """See the async `Agent.look_back`."""
        return self._thread.run(self._agent.look_back(ask_id, wait=wait))

    def catalogue(self) -> Json:
        """See the async `Agent.catalogue`."""
        return self._thread.run(self._agent.catalogue())

    def mandate(self, mandate_id: str) -> Mandate:
        """See the async `Agent.mandate`."""
        return Mandate(self._agent.mandate(mandate_id), self._thread)

    def request_mandate(
        self,
        *,
        redirect_uri: str | None = None,
        on_url: Callable[[str], object] | None = None,
        timeout: float = _CONSENT_S,
        **wish: Unpack[Wish],
    ) -> Mandate:
        """See the async `Agent.request_mandate`. `on_url` runs in its own thread and may use this client."""
        handed = None if on_url is None else _beside(on_url)
        granted = self._agent.request_mandate(redirect_uri=redirect_uri, on_url=handed, timeout=timeout, **wish)
        return Mandate(self._thread.run(granted), self._thread)

    def request_mandate_backchannel(
        self, *, login_hint: str, binding_message: str | None = None, **wish: Unpack[Wish]
    ) -> Mandate:
        """See the async `Agent.request_mandate_backchannel`."""
        granted = self._agent.request_mandate_backchannel(
            login_hint=login_hint, binding_message=binding_message, **wish
        )
        return Mandate(self._thread.run(granted), self._thread)

    def begin(self, *, redirect_uri: str, **wish: Unpack[Wish]) -> MandateRequest:
        """See the async `Agent.begin`."""
        return self._thread.run(self._agent.begin(redirect_uri=redirect_uri, **wish))

    def finish(self, redirect_url: str) -> Mandate:
        """See the async `Agent.finish`."""
        return Mandate(self._thread.run(self._agent.finish(redirect_url)), self._thread)


def _beside(on_url: Callable[[str], object]) -> Callable[[str], Coroutine[None, None, None]]:
    """Call back outside the loop's thread: a callback that blocks, or uses this client, must not stop the loop."""

    async def handed(url: str) -> None:
        given = await asyncio.to_thread(on_url, url)
        if inspect.isawaitable(given):
            await given

    return handed
