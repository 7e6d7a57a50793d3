"""One assembled desk, ready to serve, and the facts of a sandbox desk that replace the built-in one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from remit.adapters.backoffice.builtin import BuiltinBackoffice
from remit.adapters.notify.console import ConsoleNotify
from remit.adapters.text_model.background import BackgroundDetector
from remit.domain.errors import Code, Refused
from remit.domain.structs import struct
from remit.engine.context import DeskContext
from remit.entrypoints.http.app import App
from remit.entrypoints.http.connections import ConnectionPool
from remit.entrypoints.ops.health import Health
from remit.entrypoints.ops.jobs import Jobs
from remit.ports.backoffice import Backoffice
from remit.ports.helpdesk import Helpdesk
from remit.ports.store import PublishedCheckpoint
from remit.settings import InvalidSetting, Settings
from remit.usecases.background.sweep import end_orphaned_tasks
from remit.usecases.transcript.replay_erasures import replay_erasures
from remit.wiring import plugs

Perform = Callable[[str, Mapping[str, Any], str], Mapping[str, Any]]


class Closeable(Protocol):
    """A resource that is closed at the end."""

    def close(self) -> None:
        """Close it."""
        ...


@dataclass(slots=True, kw_only=True)
class Desk:
    """One desk, ready to serve: `app` is ASGI, `context` holds its ports."""

    app: App
    connections: ConnectionPool
    context: DeskContext
    outside: PublishedCheckpoint
    jobs: Jobs
    backoffice: Backoffice
    helpdesk: Helpdesk
    settings: Settings
    notify: ConsoleNotify
    waker: "plugs.PostgresNotify | None"
    health: Health
    model: BackgroundDetector | None
    """The model that messages are judged with; None where the rules have none."""
    closing: list[Closeable] = field(default_factory=list)

    async def start(self) -> None:
        """Repeat erasures undone by a restored key file, end the work of a dead process, then start model and jobs."""
        await replay_erasures(self.context)
        await end_orphaned_tasks(self.context)
        if self.model is not None:
            self.model.start()
        self.jobs.start()

    def load_model(self) -> None:
        """Load the model of the rules, if any, so that files that cannot be used stop the start.

        Raises:
            Refused: `settings.invalid`.
        """
        if self.model is not None:
            self.model.load()

    async def seed(self, seed: Mapping[str, Any]) -> None:
        """Give the built-in desk its first customers and records.

        Raises:
            Refused: `settings.invalid` for a desk that is not built in.
        """
        if not isinstance(self.backoffice, BuiltinBackoffice):
            raise Refused(Code.SETTINGS_INVALID, "desk.backoffice: only the built-in backoffice is given records")
        await self.backoffice.seed(seed)

    def stopping(self) -> None:
        """Begin to stop: `/readyz` reports it from now on, while requests are still answered."""
        self.health.stopping = True

    async def drain(self) -> None:
        """Answer pending long-polls at once, so that they do not delay a stop."""
        self.stopping()
        self.notify.wake_all()

    async def stop(self) -> None:
        """Finish running work, then close everything."""
        await self.jobs.stop()
        if self.waker is not None:
            await self.waker.stop()
        await self.context.store.close()
        for resource in reversed(self.closing):
            resource.close()
        self.closing.clear()


@struct(frozen=True, kw_only=True)
class SandboxDesk:
    """A desk made of facts instead of the built-in one."""

    facts: Mapping[str, Any]
    perform: Perform | None


class FarFacts:
    """Facts of a sandbox whose backoffice is another process, which takes none from here."""

    def replace_facts(self, facts: Mapping[str, Any]) -> None:
        """Accept no facts.

        Raises:
            Refused: `settings.invalid` for any.
        """
        if facts:
            raise InvalidSetting("desk.backoffice", 'is "http": its records are its own, and no facts replace them')
