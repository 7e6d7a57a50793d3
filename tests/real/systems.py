"""The table of live systems of record: one row for each act, one column for each promise of Remit's port."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from remit.domain.errors import Fault
from remit.domain.values import Json
from remit.ports.backoffice import Act, ActOutcome, ActResult, Backoffice

PARALLEL: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A connector on a live system: the port, its cuts (`before` or `after` by request, see `real.cut`), and its clock."""

    backoffice: Backoffice
    cuts: dict[str, str]
    later: Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveAct:
    """One act of a live system.

    `line` opens a connector on a folder; two on one folder share its journal. `record` names one on which the act can be
    done now, `count` asks the system itself, beside Remit, how often it was done, and `move` changes the record beside
    Remit. `crash` kills the system and starts it again. `explained` names the columns that the system's promise cannot
    keep, with the reason that stands in the table in their place.
    """

    system: str
    promise: str
    line: Callable[[Path], AbstractAsyncContextManager[Line]]
    action: str
    customer: str
    kind: str
    record: Callable[[], str]
    foreign: str
    params: Callable[[str], Mapping[str, Json]]
    count: Callable[[], int]
    move: Callable[[str], None]
    crash: Callable[[], None]
    write: str = "POST"
    read: tuple[str, Callable[[str], Mapping[str, Json]]] | None = None
    explained: Mapping[str, str] = field(default_factory=dict)

    async def act(self, line: Line) -> Act:
        """Build an act under a new key, on a record as it stands."""
        record = self.record()
        (fact,) = await line.backoffice.facts([(self.kind, record)], customer=self.customer)
        assert fact is not None
        return Act(
            key=f"act_{secrets.token_hex(8)}",
            action=self.action,
            params=self.params(record),
            customer=self.customer,
            case="case_real",
            versions={(self.kind, record): fact.version},
            confirmed_by=("customer",),
            decision="dec_real",
        )


async def _facts(live: LiveAct, line: Line) -> None:
    own = live.record()
    asked = [(live.kind, one) for one in (own, live.foreign, "no-such-record")]
    first, foreign, unknown = await line.backoffice.facts(asked, customer=live.customer)
    assert first is not None
    assert (first.id, first.relation) == (own, "owner")
    assert foreign is not None
    assert foreign.relation == "none"
    assert unknown is None


async def _read(live: LiveAct, line: Line) -> None:
    assert live.read is not None
    action, params = live.read
    found = await line.backoffice.read(action, params(live.record()), customer=live.customer)
    assert found.state is ActOutcome.DONE
    assert found.values


async def _perform(live: LiveAct, line: Line) -> None:
    before = live.count()
    done = await line.backoffice.perform(await live.act(line))
    assert (done.state, live.count() - before) == (ActOutcome.DONE, 1), done


async def _repeated(live: LiveAct, line: Line) -> None:
    before, act = live.count(), await live.act(line)
    first, again = await line.backoffice.perform(act), await line.backoffice.perform(act)
    assert (first, live.count() - before) == (again, 1), (first, again)
    assert first.state is ActOutcome.DONE


async def _parallel(live: LiveAct, line: Line) -> None:
    before, act = live.count(), await live.act(line)
    await asyncio.gather(*(line.backoffice.perform(act) for _ in range(PARALLEL)), return_exceptions=True)
    line.later()
    settled = await line.backoffice.outcome(act)
    assert (settled.state, live.count() - before) == (ActOutcome.DONE, 1), settled


async def _stale(live: LiveAct, line: Line) -> None:
    act = await live.act(line)
    ((_, record),) = act.versions
    live.move(record)
    before = live.count()
    failed = await line.backoffice.perform(act)
    assert (failed.state, live.count() - before) == (ActOutcome.FAILED, 0), failed


async def _fence(live: LiveAct, line: Line) -> None:
    before, act = live.count(), await live.act(line)
    assert (await line.backoffice.fence(act)).state is ActOutcome.FENCED
    late = await line.backoffice.perform(act)
    assert (late.state, live.count() - before) == (ActOutcome.FENCED, 0), late


async def _killed(live: LiveAct, line: Line) -> None:
    """The act arrives, its answer does not, and the system is killed before anybody asks again."""
    before, act = live.count(), await live.act(line)
    line.cuts[live.write] = "after"
    try:
        sent: ActResult | Fault = await line.backoffice.perform(act)
    except Fault as fault:
        sent = fault
    live.crash()
    line.later()
    found = await line.backoffice.outcome(act)
    assert (found.state, live.count() - before) == (ActOutcome.DONE, 1), (sent, found)
    again = await line.backoffice.perform(act)
    assert (again.state, live.count() - before) == (ActOutcome.DONE, 1), again


async def _outcome(live: LiveAct, line: Line) -> None:
    """The request never arrives: unseen, and sent again it is done once."""
    before, act = live.count(), await live.act(line)
    assert (await line.backoffice.outcome(act)).state is ActOutcome.UNSEEN
    line.cuts[live.write] = "before"
    try:
        await line.backoffice.perform(act)
    except Fault:
        line.later()
    assert (await line.backoffice.outcome(act)).state in {ActOutcome.UNSEEN, ActOutcome.UNCLEAR}
    assert live.count() == before
    again = await line.backoffice.perform(act)
    assert (again.state, live.count() - before) == (ActOutcome.DONE, 1), again


COLUMNS: Final[Mapping[str, Callable[[LiveAct, Line], Awaitable[None]]]] = {
    "facts": _facts,
    "read": _read,
    "perform": _perform,
    "repeated key": _repeated,
    f"{PARALLEL} parallel": _parallel,
    "stale version": _stale,
    "fence, then late": _fence,
    "kill before answer": _killed,
    "outcome": _outcome,
}


ROWS: Final[list[dict[str, str]]] = []
"""The rows of this run, which its summary shows as one table."""


def try_row(live: LiveAct, folder: Path) -> None:
    """Try every column, add the row to the table, and fail with all that broke."""
    row = {"system": live.system, "act": live.action, "promise": live.promise}
    broken: list[str] = []
    for number, (name, check) in enumerate(COLUMNS.items()):
        if name in live.explained:
            row[name] = live.explained[name]
            continue
        home = folder / f"line{number}"
        home.mkdir()
        try:
            asyncio.run(_one(live, home, check))
            row[name] = "✔"
        except (AssertionError, Fault) as problem:
            row[name] = "✘"
            broken.append(f"{name}: {problem!r}")
    ROWS.append(row)
    assert not broken, "\n".join(broken)


async def _one(live: LiveAct, home: Path, check: Callable[[LiveAct, Line], Awaitable[None]]) -> None:
    async with live.line(home) as line:
        await check(live, line)


def table(rows: Sequence[Mapping[str, str]]) -> str:
    """Draw the table of all rows."""
    head = ["system", "act", "promise", *COLUMNS]
    lines = [head, ["---"] * len(head), *([row.get(name, "") for name in head] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
