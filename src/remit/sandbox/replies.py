"""An ask's reply in a sandbox: refusals are values here, so that tests and replays can look at them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from remit.client.errors import Problem

Poll = Callable[[str], "SandboxReply"]
SETTLED_NO: Final[Mapping[str, str]] = {
    "declined": "confirmation.declined",
    "expired": "confirmation.expired",
    "refused": "",
    "void": "task.ended",
}
"""Final states of asks that were not done, with a reason where the desk gives no code of its own."""


class Listed(tuple[str, ...]):
    """An immutable list of texts, equal to a list or a tuple of the same."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return tuple(self) == tuple(other) if isinstance(other, list | tuple) else NotImplemented

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = tuple.__hash__


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxReply:
    """The reply to an ask. `decision` is `permit`, `needs_human` or `refuse`; `codes` has one code when refused.

    `outcome` is None while the desk has not acted; `who` names the required confirmers.
    """

    ask: str
    decision: str
    codes: Listed
    outcome: str | None
    result: Mapping[str, Any]
    withheld: int
    who: Listed
    receipt: Any
    cure: str
    status: int
    body: Mapping[str, Any]
    poll: Poll = field(repr=False, compare=False)

    @property
    def needs_human(self) -> bool:
        """Whether a person must confirm."""
        return self.decision == "needs_human"

    @property
    def refused(self) -> bool:
        """Whether it was refused."""
        return self.decision == "refuse"

    @property
    def state(self) -> str:
        """The ask's state in the desk's words (docs/model/model.md#ask-states)."""
        return str(self.body.get("state", "refused" if self.refused else ""))

    def again(self) -> "SandboxReply":
        """Read the ask's present state; returns this very reply where no ask was recorded."""
        return self.poll(self.ask) if self.ask else self

    def at(self, ask: str) -> "SandboxReply":
        """Read the present state of another ask of the same task."""
        return self.poll(ask)


def read_reply(body: Mapping[str, Any], status: int, poll: Poll) -> SandboxReply:
    """Parse a reply from the desk's JSON; a final no is a refusal, whatever it was before."""
    state = str(body.get("state", ""))
    decision = str(body.get("decision", ""))
    codes = Listed(str(code) for code in body.get("codes", ()))
    if state in SETTLED_NO:
        decision, codes = "refuse", codes or Listed([SETTLED_NO[state]])
    outcome = body.get("outcome")
    return SandboxReply(
        ask=str(body.get("ask", "")),
        decision=decision,
        codes=codes,
        outcome=None if outcome is None else str(outcome),
        result=body.get("result") or {},
        withheld=int(body.get("withheld", 0)),
        who=Listed(str(who) for who in body.get("who", ())),
        receipt=body.get("receipt"),
        cure=str(body.get("cure", "")),
        status=status,
        body=body,
        poll=poll,
    )


def refused_reply(problem: Problem, poll: Poll, ask: str = "") -> SandboxReply:
    """Build a reply from a problem, with all its members; `ask` when it was about an ask already made."""
    return SandboxReply(
        ask=ask or problem.ask,
        decision="refuse",
        codes=Listed([problem.code]),
        outcome=None,
        result={},
        withheld=0,
        who=Listed(),
        receipt=problem.receipt,
        cure=problem.cure,
        status=problem.status,
        body={"detail": problem.detail, "title": problem.title, **problem.body},
        poll=poll,
    )
