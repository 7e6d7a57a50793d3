"""What the desk's contract suites share: a clock that stands still, a small catalogue, and the plugs by name."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, cast

from contracts.http_desk import http_plug
from postgres_tests import postgres_url, rows_of
from remit.adapters.backoffice.books import ActFailed, Books
from remit.adapters.backoffice.builtin import BuiltinBackoffice
from remit.adapters.backoffice.sandbox import SandboxBackoffice
from remit.adapters.backoffice.switchable import SwitchableBackoffice
from remit.adapters.builtin_desk.database import DeskDatabase
from remit.adapters.builtin_desk.jobs import DeskJobs
from remit.adapters.builtin_desk.postgres import PostgresCases
from remit.domain.catalogue.model import Catalogue
from remit.domain.errors import Code, Fault
from remit.domain.policy.rulebook import read_catalogue
from remit.domain.values import Instant
from remit.ports.backoffice import Act

NOW = 1_900_000_000_000
ORDER = {"x-resource": "order"}


class StandingWorld:
    """A clock that stands still unless moved, and chance that is none."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> Instant:
        return Instant(self.at)

    def ticks(self) -> float:
        return self.at / 1000

    def random(self, size: int) -> bytes:
        return b"\x07" * size


def small_catalogue() -> Catalogue:
    def action(title: str, effect: str, params: dict[str, Any], *, returns: tuple[str, ...] = ()) -> dict[str, Any]:
        power = "receive" if effect == "read" else "request"
        return {
            "title": title,
            "power": power,
            "area": "routine",
            "effect": effect,
            "returns": list(returns),
            "params": {"properties": params, "required": list(params)},
        }

    return read_catalogue(
        {
            "desk": {"name": "Small desk", "currency": "EUR"},
            "resource": {"order": {"title": "order"}, "product": {"title": "product", "public": True}},
            "attribute": {
                "order.status": {"title": "status"},
                "order.note": {"title": "note"},
                "product.price": {"title": "price"},
                "contact.email": {"title": "e-mail", "sensitive": True},
            },
            "action": {
                "order.read": action("Look at {order_id}", "read", {"order_id": ORDER}, returns=("order.status", "contact.email")),
                "order.compare": action(
                    "Look at {order_ids}", "read", {"order_ids": {**ORDER, "type": "array"}}, returns=("order.status",)
                ),
                "product.read": action(
                    "Look at {product_id}", "read", {"product_id": {"x-resource": "product"}}, returns=("product.price",)
                ),
                "profile.read": action("Look at the profile", "read", {}, returns=("contact.email",)),
                "order.mark": action("Mark {order_id}", "write", {"order_id": ORDER}, returns=("order.status",)),
                "order.break": action("Break {order_id}", "write", {"order_id": ORDER}),
            },
        },
        today=None,
    )


def mark(books: Books, params: Any) -> Any:
    order = books.own_record("order", params["order_id"])
    if order.data["status"] == "delivered":
        books.set_attribute("contact.email", "must be undone")
        raise ActFailed("delivered orders cannot be marked")
    order.data["status"] = "marked"
    order.data["marks"] = order.data.get("marks", 0) + 1
    books.save(order)
    return {"order.status": "marked"}


def break_down(books: Books, params: Any) -> Any:
    order = books.own_record("order", params["order_id"])
    order.data["status"] = "half done"
    books.save(order)
    raise ZeroDivisionError("an effect broke")


EFFECTS = {"order.mark": mark, "order.break": break_down}

ITEMS = [{"id": "i1", "title": "Kettle"}, {"id": "i2", "title": "Lid"}]
CONTENTS = {one["id"]: one["title"] for one in ITEMS}
SEED = {
    "customers": {
        "anna": {"name": "Anna", "attributes": {"contact.email": "anna@mail.example"}},
        "bram": {"name": "Bram", "attributes": {"contact.email": "bram@mail.example"}},
    },
    "records": [
        {"kind": "order", "id": "W1", "name": "Kettle", "owners": ["anna"], "data": {"status": "pending", "items": ITEMS}},
        {"kind": "order", "id": "W2", "name": "Lamp", "owners": ["bram"], "data": {"status": "pending", "items": ITEMS}},
        {"kind": "order", "id": "W3", "name": "Cup", "owners": ["anna", "bram"], "data": {"status": "delivered"}},
        {"kind": "product", "id": "P1", "name": "Kettle", "owners": [], "data": {"price": "49.90 EUR"}},
    ],
}
FACTS = {
    "owners": {"order": {"W1": "anna", "W2": "bram", "W3": ["anna", "bram"]}},
    "attributes": {
        "customer": {"anna": {"contact.email": "anna@mail.example"}, "bram": {"contact.email": "bram@mail.example"}},
        "order": {"W1": {"order.status": "pending"}, "W2": {"order.status": "pending"}, "W3": {"order.status": "delivered"}},
        "product": {"P1": {"product.price": "49.90 EUR"}},
    },
    "records": {
        "order": {"W1": {"name": "Kettle", "contents": CONTENTS}, "W2": {"name": "Lamp", "contents": CONTENTS}, "W3": {"name": "Cup"}}
    },
}


class Desk:
    """One backoffice under test, with what the suite needs to make it fail and to look at it."""

    def __init__(self, plug: BuiltinBackoffice | SandboxBackoffice, fail: Callable[[str], None], marks: Callable[[], int]) -> None:
        self.plug = plug
        self.fail = fail
        self.marks = marks


def desk_file(path: Path) -> DeskJobs:
    return DeskDatabase(path / "desk.db")


def desk_rows(path: Path, **changed: Any) -> DeskJobs:
    """Each folder is a desk of its own in one database."""
    return PostgresCases(postgres_url(), rows_of(path), **changed)


DATABASES: dict[str, Callable[[Path], DeskJobs]] = {"file": desk_file, "postgres": desk_rows}
"""Where cases and journals may be. Records are in a file."""


def backoffice(database: DeskJobs) -> BuiltinBackoffice:
    return BuiltinBackoffice(database, StandingWorld(), small_catalogue(), effects=EFFECTS)


@contextmanager
def builtin_desk(path: Path) -> Any:
    failing: list[str] = []

    def on_point(name: str) -> None:
        if failing and name == {"before": "desk.before_act", "after": "desk.after_act"}[failing[0]]:
            failing.pop()
            raise Fault(Code.FAULT_BACKOFFICE, "told to fail")

    database = desk_file(path)
    try:
        plug = BuiltinBackoffice(database, StandingWorld(), small_catalogue(), effects=EFFECTS, on_point=on_point)
        run(plug.seed(SEED))

        def marks() -> int:
            row = run(
                database.read(lambda c: c.execute("select count(*) from act where state = 'done'").fetchone(), fault=Code.FAULT_BACKOFFICE)
            )
            return int(row[0])

        yield Desk(plug, failing.append, marks)
    finally:
        database.close()


@contextmanager
def sandbox_desk(path: Path) -> Any:  # noqa: ARG001  # the same face as the other
    def perform(action: str, params: Any, customer: str) -> Any:  # noqa: ARG001  # the sandbox's rule has this shape
        if params["order_id"] == "W3":
            raise ValueError("delivered orders cannot be marked")
        return {"order.status": "marked"}

    plug = SandboxBackoffice(small_catalogue(), StandingWorld(), FACTS, perform=perform, versions_move=True)
    yield Desk(plug, lambda when: plug.fail_next("before" if when == "before" else "after"), lambda: len(plug.performed))


@contextmanager
def given_desk(path: Path) -> Any:
    """A built-in desk that was given facts."""
    database = DeskDatabase(path / "desk.db")
    try:
        plug = SwitchableBackoffice(database, StandingWorld(), small_catalogue())
        with sandbox_desk(path) as facts:
            plug._given = facts.plug
            yield Desk(plug, facts.fail, facts.marks)
    finally:
        database.close()


@contextmanager
def http_desk(path: Path) -> Any:
    """The built-in desk behind the HTTP contract."""
    with builtin_desk(path) as desk, http_plug(desk.plug, StandingWorld()) as plug:
        yield Desk(cast("Any", plug), desk.fail, desk.marks)


PLUGS: dict[str, Callable[[Path], AbstractContextManager[Desk]]] = {
    "builtin": builtin_desk,
    "given": given_desk,
    "http": http_desk,
    "sandbox": sandbox_desk,
}


def act(key: str = "k1", order: str = "W1", customer: str = "anna", action: str = "order.mark", version: str | None = None) -> Act:
    return Act(
        key=key,
        action=action,
        params={"order_id": order},
        customer=customer,
        case="case_1",
        versions={} if version is None else {("order", order): version},
        confirmed_by=("customer",),
        decision="dec_1",
    )


def run(awaitable: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(awaitable)
