"""An ask's reply as a sandbox shows it: refusals are values here, so that tests and replays can look at them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from remit.client.errors import Problem

Poll = Callable[[str], "SandboxReply"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxReply:
    """What came of an ask. `decision` is `permit`, `needs_human` or `refuse`; `codes` has one code when refused."""

    ask: str
    decision: str
    codes: tuple[str, ...]
    outcome: str | None
    result: Mapping[str, Any]
    withheld: int
    who: tuple[str, ...]
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
        """The ask's state, "" when it was refused before it was recorded."""
        return str(self.body.get("state", "refused" if self.refused and self.ask else ""))

    def again(self) -> "SandboxReply":
        """The ask as it stands now."""
        return self.poll(self.ask)

    def at(self, ask: str) -> "SandboxReply":
        """Another ask of the same task, as it stands now."""
        return self.poll(ask)


def read_reply(body: Mapping[str, Any], status: int, poll: Poll) -> SandboxReply:
    """A reply from the desk's JSON; a settled no is a refusal, whatever it was before."""
    state = str(body.get("state", ""))
    decision = str(body.get("decision", ""))
    codes = tuple(str(code) for code in body.get("codes", ()))
    if codes and state in {"declined", "expired", "void", "refused"}:
        decision = "refuse"
    outcome = body.get("outcome")
    return SandboxReply(
        ask=str(body.get("ask", "")),
        decision=decision,
        codes=codes,
        outcome=None if outcome is None else str(outcome),
        result=body.get("result") or {},
        withheld=int(body.get("withheld", 0)),
        who=tuple(body.get("who", ())),
        receipt=body.get("receipt"),
        cure=str(body.get("cure", "")),
        status=status,
        body=body,
        poll=poll,
    )


def refused_reply(problem: Problem, poll: Poll) -> SandboxReply:
    """A refusal that came as a problem."""
    return SandboxReply(
        ask="",
        decision="refuse",
        codes=(problem.code,),
        outcome=None,
        result={},
        withheld=0,
        who=(),
        receipt=problem.receipt,
        cure=problem.cure,
        status=problem.status,
        body={"detail": problem.detail, "title": problem.title},
        poll=poll,
    )
