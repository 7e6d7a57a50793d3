"""What opening a task, asking for a mandate or registering an agent leaves on the trails of those who do it."""

from remit.domain.trajectory import SubjectKind, WasOpened
from remit.domain.values import Instant
from remit.ports.store import Step


def opened_steps(what: str, *, agent: str, operator: str, at: Instant) -> tuple[Step, ...]:
    """One `task`, `mandate` or `agent` more, on the trails of an agent and its operator; an agent just registered has none yet.

    Source: docs/model/model.md#trajectory.
    """
    event = WasOpened(what=what)
    own = (Step(SubjectKind.AGENT, agent, event, at),) if agent else ()
    return (*own, Step(SubjectKind.OPERATOR, operator, event, at))
