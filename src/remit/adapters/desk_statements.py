"""The built-in desk's statements, which are written once, as PostgreSQL takes them for one desk of many.

Every table there begins with the desk. A statement that names a table in a way that is not known here is refused, never run over all desks.
"""

import re
from functools import cache
from typing import Final

TABLES: Final = frozenset(
    {
        *("act", "customer", "ledger", "notice", "offer_used", "record", "record_owner"),
        *("case_file", "case_note", "case_write", "desk_case", "fenced_write", "native_reply"),
    }
)
_WITHOUT: Final = frozenset({"savepoint job", "rollback to job", "release job"})
_NAMED: Final = re.compile(r"\b(?:from|join|into|update) (\w+)")
_INSERT: Final = re.compile(r"insert (or ignore )?into (\w+) (?:\(([^)]+)\) )?(values \(|select )")
_UPDATE: Final = re.compile(r"update (\w+) set (.+) where ")
_JOINED: Final = re.compile(r"from (\w+) (\w) join (\w+) (\w) on ")
_LEFT: Final = re.compile(r"left join (\w+) (\w) on ")
_WHERE: Final = re.compile(r"from (\w+) where ")
_WHOLE: Final = re.compile(r"from (\w+) order by ")
_VALUE: Final = re.compile(r"\?(\d*)")


@cache
def for_desk(statement: str) -> str:
    """A statement over one desk, which is its first value.

    Raises:
        ValueError: it names a table in a way that is not known here.
    """
    if statement in _WITHOUT:
        return statement
    named = _NAMED.findall(statement)
    if not named or not TABLES.issuperset(named):
        raise ValueError(f"not a statement over the desk's tables: {statement}")
    text, found = _insert(_numbered(" ".join(statement.split())))
    for pattern, put, tables in (
        (_UPDATE, r"update \1 set \2 where desk = $1 and ", 1),
        (_JOINED, r"from \1 \2 join \3 \4 on \2.desk = $1 and \4.desk = $1 and ", 2),
        (_LEFT, r"left join \1 \2 on \2.desk = $1 and ", 1),
        (_WHERE, r"from \1 where \1.desk = $1 and ", 1),
        (_WHOLE, r"from \1 where \1.desk = $1 order by ", 1),
    ):
        text, times = pattern.subn(put, text)
        found += times * tables
    if found != len(named):
        raise ValueError(f"not every table of it is of one desk: {statement}")
    return text


def _insert(statement: str) -> tuple[str, int]:
    """An insertion with the desk as its first column, which leaves alone what stands where it says so."""
    ignoring = False

    def put(match: re.Match[str]) -> str:
        nonlocal ignoring
        ignoring = match[1] is not None
        columns = f"(desk, {match[3]}) " if match[3] else ""
        return f"insert into {match[2]} {columns}{match[4]}$1, "

    text, times = _INSERT.subn(put, statement)
    return (f"{text} on conflict do nothing" if ignoring else text), times


def _numbered(statement: str) -> str:
    """Its values numbered from two on, as SQLite counts them: one without a number follows the highest before it."""
    highest = 0

    def put(match: re.Match[str]) -> str:
        nonlocal highest
        number = int(match[1]) if match[1] else highest + 1
        highest = max(highest, number)
        return f"${number + 1}"

    return _VALUE.sub(put, statement)
