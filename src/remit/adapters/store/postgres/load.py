"""State that a group of commits is decided on, read with its head in one statement and so at one moment."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Final, NamedTuple

from remit.adapters.db.postgres import Connection
from remit.adapters.store.cache import CommittedRows, Key
from remit.adapters.store.codec import DecodeCache
from remit.adapters.store.replay_expiry import FORGOTTEN
from remit.adapters.store.risk_history import risk_history_key
from remit.domain.errors import Code, Fault
from remit.domain.policy.risk import RiskHistory
from remit.domain.records import Record
from remit.ports.store import Commit, Versioned

LOST: Final = ("log.lost", "log")
"""Kind and id of the row in which a node reports entries missing from this store. No record has that kind."""
_LEAVES: Final = 32
"""Number of entries of other nodes read along with the head they lead to."""
_NONE_SINCE: Final = 2**62
_FIRST: Final = 3
_HEAD: Final = f"""select
case when turns > clock_timestamp() - interval '1 second' then 'head in turns' else 'head' end as what, note as a,
coalesce((select convert_from(body, 'UTF8') from record
where desk = $1 and kind = '{LOST[0]}' and id = '{LOST[1]}'), '') as b,
seq as n, size as m, root as x, edge as y, state as z from head where desk = $1 union all
(select 'leaf', '', '', idx, 0, leaf, null, null from entry where desk = $1 and idx >= $2 order by idx limit {_LEAVES})"""  # noqa: S608  # a number
# `offset 0` makes each look-up use all its keys: whatever the statistics of a new or grown table, no plan scans more.
_PARTS: Final = {
    "record": (
        2,
        """select 'record', k.a, k.b, r.rev, 0, r.body, r.mac, null from unnest({}::text[], {}::text[]) k(a, b)
cross join lateral (select rev, body, mac from record where desk = $1 and kind = k.a and id = k.b offset 0) r""",
    ),
    "dropped": (
        1,
        """select 'dropped', k.a, '', d.rev, 0, null, null, null from unnest({}::text[]) k(a)
cross join lateral (select rev from dropped where desk = $1 and kind = k.a offset 0) d""",
    ),
    "mark": (
        1,
        """select 'mark', k.a, '', m.until, 0, null, null, null from unnest({}::text[]) k(a)
cross join lateral (select until from mark where desk = $1 and key = k.a offset 0) m""",
    ),
    "counter": (
        2,
        """select 'counter', k.a, k.b, c.used, 0, null, c.mac, null from unnest({}::text[], {}::text[]) k(a, b)
cross join lateral (select used, mac from counter where desk = $1 and scope = k.a and key = k.b offset 0) c""",
    ),
    "touch": (
        1,
        """select 'touch', k.a, '', t.at, 0, null, null, null from unnest({}::text[]) k(a)
cross join lateral (select at from touch where desk = $1 and id = k.a offset 0) t""",
    ),
    "trail": (
        1,
        """select 'trail', k.a, '', 0, 0, t.body, t.mac, null from unnest({}::text[]) k(a)
cross join lateral (select body, mac from trail where desk = $1 and subject = k.a offset 0) t""",
    ),
}


class LogHead(NamedTuple):
    """Head of a desk's log. `seq` counts all groups, `edge` are the peaks, lowest level first."""

    seq: int
    size: int
    root: bytes
    note: str
    edge: bytes


@dataclass(slots=True)
class GroupState:
    """State read for a group (`CommittedState`), with its head.

    `leaves` are the first entries after the requested place; `lost` is a checkpoint that a node missed in this store.
    """

    head: LogHead
    lost: str = ""
    sum: bytes = b""
    """Stored sum over all rows, with its MAC (`row_macs.RowMacs.read_state`)."""
    in_turns: bool = False
    """Whether a node asked within the last second that all take turns."""
    leaves: dict[int, bytes] = field(default_factory=dict)
    marks: set[str] = field(default_factory=set)
    forgotten: int = 0
    """Time up to which replay marks were purged; read only with marks."""
    rows: CommittedRows = field(default_factory=CommittedRows)
    touches: dict[str, int] = field(default_factory=dict)

    def records(self, keys: Sequence[Key]) -> Sequence[Versioned[Record] | None]:
        """Return records, None where there is none."""
        return [self.rows.records.get(key) for key in keys]

    def used(self, keys: Sequence[Key]) -> Sequence[int | None]:
        """Return the used amounts of counters, None where there is none."""
        return [self.rows.counters.get(key) for key in keys]

    def risk_histories(self, names: Sequence[str]) -> Sequence[RiskHistory | None]:
        """Return risk histories, None where nothing is known of a subject."""
        return [self.rows.trails.get(name) for name in names]

    def last_use(self, record_id: str) -> int:
        """Return the time of last use, 0 where there was none."""
        return self.touches.get(record_id, 0)

    def dropped(self, kind: str) -> int:
        """Return the highest revision at which a record of this kind was dropped."""
        return self.rows.dropped.get(kind, 0)


async def load_group_state(
    connection: Connection, desk: str, commits: Sequence[Commit], decoded: DecodeCache, *, since: int = _NONE_SINCE
) -> GroupState:
    """Read everything that these commits are decided on, and the first entries from `since` on.

    Raises:
        Fault: `fault.store` when the desk has no head, a risk history is damaged, or a row's MAC does not hold.
        asyncpg.PostgresError, OSError: it cannot be read.
    """
    wanted = _wanted(commits)
    names = tuple(name for name in _PARTS if wanted[name][0])
    columns = [column for name in names for column in wanted[name]]
    rows = await connection.fetch(_statement(names), desk, since, *columns)
    head = next((row for row in rows if row["what"].startswith("head")), None)
    if head is None:
        raise Fault(Code.FAULT_STORE, "the store has no head for this server: it was emptied")
    log_head = LogHead(head["n"], head["m"], head["x"], head["a"], head["y"])
    state = GroupState(log_head, head["b"], head["z"], in_turns=head["what"] != "head")
    for what, a, b, n, _, body, mac, _ in rows:
        _take(state, what, a, b, n, body, mac, decoded)
    return state


def _take(  # the columns of one row
    state: GroupState, what: str, a: str, b: str, n: int, body: bytes, mac: bytes, decoded: DecodeCache
) -> None:
    rows = state.rows
    match what:
        case "record":
            rows.records[a, b] = decoded.kept(a, b, n, body, mac)
        case "dropped":
            rows.dropped[a] = n
        case "mark":
            if a == FORGOTTEN:
                state.forgotten = n
            else:
                state.marks.add(a)
        case "counter":
            rows.counters[a, b] = decoded.counter(a, b, n, mac)
        case "touch":
            state.touches[a] = n
        case "trail":
            rows.trails[a] = decoded.risk_history(a, body, mac)
        case "leaf":
            state.leaves[n] = body
        case _:
            pass  # the head


def _wanted(commits: Sequence[Commit]) -> dict[str, tuple[list[str], ...]]:
    """Collect the keys that each part of the statement looks for, as columns."""
    keys: dict[Key, None] = {}
    kinds: dict[str, None] = {}
    counters: dict[Key, None] = {}
    touches: dict[str, None] = {}
    subjects: dict[str, None] = {}
    marks: list[str] = []
    for commit in commits:
        for expect in commit.preconditions:
            keys[expect.kind, expect.id] = None
        for put in commit.puts:
            keys[put.record.KIND, put.record.id] = None
            kinds[put.record.KIND] = None
        for drop in commit.drops:
            keys[drop.record.KIND, drop.record.id] = None
            kinds[drop.record.KIND] = None
        for reserve in commit.reserves:
            counters[reserve.scope, reserve.key] = None
        for step in commit.steps:
            subjects[risk_history_key((step.kind, step.subject))] = None
        for touched, _ in commit.touches:
            touches[touched] = None
        marks.extend(mark.key for mark in commit.marks)
    if marks:
        marks.append(FORGOTTEN)
    return {
        "record": ([kind for kind, _ in keys], [record_id for _, record_id in keys]),
        "dropped": (list(kinds),),
        "mark": (marks,),
        "counter": ([scope for scope, _ in counters], [key for _, key in counters]),
        "touch": (list(touches),),
        "trail": (list(subjects),),
    }


@cache
def _statement(names: tuple[str, ...]) -> str:
    parts, place = [_HEAD], _FIRST
    for name in names:
        count, text = _PARTS[name]
        parts.append(text.format(*[f"${place + number}" for number in range(count)]))
        place += count
    return " union all ".join(parts)
