"""The desk's own books, read apart from Remit (SQLite, read only), compared with those of honest work alone."""

import contextlib
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_CENT: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class BooksSnapshot:
    """A desk's books: money in cents by (customer, record, method); writes done; records and customers as text."""

    money: Mapping[tuple[str, str, str], int]
    acts: Mapping[tuple[str, str], int]
    records: Mapping[tuple[str, str], str]
    customers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """One line of the comparison, in cents."""

    customer: str
    record: str
    method: str
    before: int
    now: int
    honest: int

    @property
    def same(self) -> bool:
        """Whether honest work would leave the same."""
        return self.now == self.honest


def read(desk: Path) -> BooksSnapshot:
    """Read the present books, also while the desk is served."""
    with contextlib.closing(
        sqlite3.connect(f"{(desk / 'data' / 'desk.sqlite').absolute().as_uri()}?mode=ro", uri=True)
    ) as connection:
        money = connection.execute(
            "select customer, id, method, sum(minor) from ledger group by customer, id, method"
        ).fetchall()
        acts = connection.execute(
            "select customer, action, count(*) from act where state = 'done' group by customer, action"
        ).fetchall()
        records = connection.execute("select kind, id, data from record").fetchall()
        customers = connection.execute("select id, attributes from customer").fetchall()
    return BooksSnapshot(
        money={(customer, record, method): int(minor) for customer, record, method, minor in money},
        acts={(customer, action): int(count) for customer, action, count in acts if not action.startswith("case.")},
        records={(kind, record): data for kind, record, data in records},
        customers=dict(customers),
    )


def balances(before: BooksSnapshot, now: BooksSnapshot, honest: Mapping[tuple[str, str, str], int]) -> list[Balance]:
    """Return every place with money: before, now, and after honest work alone."""
    places = sorted(before.money.keys() | now.money.keys() | honest.keys())
    return [
        Balance(
            customer=place[0],
            record=place[1],
            method=place[2],
            before=before.money.get(place, 0),
            now=now.money.get(place, 0),
            honest=before.money.get(place, 0) + honest.get(place, 0),
        )
        for place in places
    ]


def differences(
    before: BooksSnapshot,
    now: BooksSnapshot,
    *,
    acts: Mapping[tuple[str, str], int],
    changes: Mapping[tuple[str, str], Mapping[str, str]],
) -> list[str]:
    """Return other differences from honest work alone, in plain words; empty without any."""
    found = []
    for customer, action in sorted(now.acts.keys() | acts.keys()):
        done, honest = now.acts.get((customer, action), 0), acts.get((customer, action), 0)
        if done != honest:
            found.append(f"{customer}: {action} was done {done} times, honest work does it {honest} times")
    for place in sorted(before.records.keys() | now.records.keys()):
        new = place not in before.records
        if new and place[0] == "complaint":
            continue  # the acts give their number
        if (
            new
            or place not in now.records
            or _after(before.records[place], changes.get(place, {})) != json.loads(now.records[place])
        ):
            found.append(f"{' '.join(place)} was {'made' if new else 'changed'}")
    found += [
        f"what the desk knows of {customer} was changed"
        for customer in sorted(now.customers)
        if before.customers.get(customer) != now.customers[customer]
    ]
    return found


def _after(before: str, changes: Mapping[str, str]) -> dict[str, Any]:
    """Return a record with changes: by member, or `items.<id>.<member>`."""
    data: dict[str, Any] = json.loads(before)
    for path, value in changes.items():
        head, _, rest = path.partition(".")
        if not rest:
            data[head] = value
            continue
        named, _, member = rest.partition(".")
        for item in data[head]:
            if item["id"] == named:
                item[member] = value
    return data


def euros(cents: int) -> str:
    """Format an amount in cents for people."""
    return f"{cents // _CENT}.{cents % _CENT:02d} EUR" if cents >= 0 else f"-{euros(-cents)}"
