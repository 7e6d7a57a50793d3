"""An agent's way in, as the probes P1 to P18 need it: each door is one adapter over the arena, of some sixty lines.

A new door: a class with these methods in `tests/attacks/probes/<door>.py`, and its line in `DOORS` of `doors.py`. Every probe then runs
through it. An answer is what the agent is told, whatever form the door gives it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from attacks.arena import Arena


@dataclass(frozen=True)
class Answer:
    """An answer as the agent was told it: `code` of a refusal ("" of none), the decision, the state, and every character of it."""

    code: str
    decision: str
    state: str
    ask: str
    text: str
    outcome: str = ""
    result: Mapping[str, Any] | None = None

    @property
    def waits(self) -> bool:
        """Whether a person must answer now."""
        return self.decision == "needs_human" and self.state in {"", "waiting"}


class Door(Protocol):
    """One agent with one task under a mandate of Anna's, behind one door."""

    arena: Arena
    task: str
    mandate: str
    case: str
    takes_files: bool
    """Whether an ask can carry files here; one that carries them elsewhere is malformed."""

    def ask(
        self, action: str, params: Any, *, words: str | None = None, files: Sequence[Mapping[str, str]] = (), **smuggled: Any
    ) -> Answer:
        """Ask for an action; `smuggled` members stand beside what an ask has."""
        ...

    def wait(self, ask: str) -> Answer:
        """Read what became of an ask, without waiting long."""
        ...

    def read(self) -> str:
        """Read everything the door tells of the task: its state and its messages."""
        ...

    def complete(self) -> Answer:
        """End the task."""
        ...

    def accept(self, ask: str) -> Answer:
        """Say yes in the person's place, in every way this door has, with what the agent has."""
        ...

    def borrowed(self, session: str) -> Answer:
        """Read with a person's session (a cookie, `name=value`) in place of the agent's own credential."""
        ...

    def stolen(self, action: str, params: Any) -> Answer:
        """Ask in this task as another agent, which has everything but the key (or the client) that the grant is bound to."""
        ...

    def handed_on(self, part: Mapping[str, Any]) -> Answer:
        """Cut a branch for another agent, wider than the mandate, where this door has a way to; else try to use it there."""
        ...
