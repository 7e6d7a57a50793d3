"""Whether log, outbox, counters and the desk's own books tell one story, and the one that agents were told."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from faults.killed_desk import Disk, Wish


def verify_wishes(wishes: Sequence[Wish], disk: Disk) -> None:
    """Each key was one ask, which ended as the agent heard; and there is no ask that nobody made."""
    for wish in wishes:
        assert len(wish.asks) == 1, wish
        assert disk.records["ask"][next(iter(wish.asks))]["state"] == wish.state
        assert wish.state in {"done", "failed"}, wish
    assert set().union(*(wish.asks for wish in wishes)) == set(disk.records["ask"])


def verify_all(wishes: Sequence[Wish], disk: Disk) -> None:
    """All of it, where acts may have waited for long."""
    verify_wishes(wishes, disk)
    verify_acts(disk, again=True)
    verify_cases(disk)
    verify_counters(disk)
    verify_changes(wishes, disk)


def verify_acts(disk: Disk, *, again: bool = False) -> None:
    """Every act at the desk has one permit before it and one final outcome after it, and both sides agree on it.

    What waited for long may be permitted `again` before it is done.
    """
    permits: Counter[str] = Counter()
    outcomes: defaultdict[str, list[str]] = defaultdict(list)
    for entry in disk.entries:
        if (entry["kind"], entry.get("decision")) == ("ask.decided", "permit"):
            permits[entry["ask"]] += 1
        if entry["kind"] == "act.performed":
            assert permits[entry["ask"]] == 1 or (again and permits[entry["ask"]]), "an outcome without its one permit before it"
            assert not {"done", "failed", "void"} & set(outcomes[entry["ask"]]), "an outcome after the final one"
            outcomes[entry["ask"]].append(entry["outcome"])
    for act in disk.of("act"):
        assert act["state"] in {"done", "failed"}, act
        if act["door"] == "backoffice":
            at_desk = disk.acts[act["id"]]["state"]
            assert at_desk in {"done", "failed", "fenced"}
            assert act["state"] == ("done" if at_desk == "done" else "failed")
        if act["ask"]:
            assert outcomes[act["ask"]][-1] == act["state"]
            assert disk.records["ask"][act["ask"]]["state"] == act["state"]
    assert set(disk.acts) == {act["id"] for act in disk.of("act") if act["door"] == "backoffice"}, "acts at the desk and rows of the outbox"


def verify_cases(disk: Disk) -> None:
    """Each task has its one case, each comment that was made its one note; one that was given up was fenced, and has none."""
    assert sorted(disk.cases) == sorted(task["case"] for task in disk.of("task"))
    written = [key for key, _ in disk.case_writes]
    done = [act for act in disk.of("act") if act["door"] == "helpdesk" and act["state"] == "done"]
    assert sorted(written) == sorted(act["id"] for act in done)
    assert disk.notes == sum(1 for act in done if act["ask"])


def verify_money(wishes: Sequence[Wish], budgets: Mapping[str, Any], disk: Disk) -> None:
    """The ledger has moved what the done asks say, order by order, and each order was changed as often as they say."""
    money: Counter[str] = Counter()
    changes: Counter[str] = Counter()
    for wish in wishes:
        if wish.state == "done" and wish.action in {"order.change_address", "payment.refund"}:
            changes[wish.params["order_id"]] += 1
        if wish.state == "done" and wish.action == "payment.refund":
            money[wish.params["order_id"]] -= int(Decimal(wish.params["amount"].split()[0]) * 100)
    moved: Counter[str] = Counter()
    for _, order, minor in disk.ledger:
        moved[order] += minor
    assert moved == money
    assert len({key for key, _, _ in disk.ledger}) == len(disk.ledger), "one key moved money twice"
    assert disk.versions == {order: 1 + changes[order] for order in disk.versions}
    left = {row["action"]: row for rows in budgets.values() for row in rows}["payment.refund"]
    assert left["uses_left"] == 500 - len(disk.ledger)
    assert left["total_left"] == {"amount": f"{5000 + Decimal(sum(money.values())) / 100:.2f} EUR"}


def verify_counters(disk: Disk) -> None:
    """The mandates' counters are what the done asks charged, and nothing is still reserved."""
    charged: Counter[tuple[str, str]] = Counter()
    done: Counter[tuple[str, str]] = Counter()
    for ask in disk.of("ask"):
        assert ask["state"] == "done" or not ask["reserved"]
        for one in ask["reserved"]:
            charged[one["scope"], one["key"]] += one["amount"]
        if ask["state"] == "done":
            done[ask["task"], f"done:{ask['action']}"] += 1
    kept = {place: used for place, used in disk.counters.items() if used and place[0].startswith(("man_", "task_"))}
    assert kept == dict(charged + done)


def verify_changes(wishes: Sequence[Wish], disk: Disk) -> None:
    """Each order was changed at the desk as often as agents were told so."""
    changes = Counter(wish.params["order_id"] for wish in wishes if wish.state == "done" and wish.action == "order.change_address")
    assert disk.versions == {order: 1 + changes[order] for order in disk.versions}
