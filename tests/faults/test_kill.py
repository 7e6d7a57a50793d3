"""A server killed again and again at every named point of the path: log, desk and outbox always tell one story.

Each point has a desk of its own that dies at it twenty times, between and during real asks over HTTP. Everything unsettled is asked again
under its idempotency key. Compared is what lies on the disk: after each death, and when everything has settled.
"""

import queue
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from faults.killed_desk import Disk, Forge, KilledDesk, read_disk, verify_on_disk

KILLS = 20
LANES = 2
POINTS = (
    "act.acted",
    "act.queued",
    "act.sent",
    "act.settled",
    "ask.recorded",
    "checkpoint.half_written",
    "desk.after_act",
    "desk.before_act",
    "store.after_commit",
    "store.before_commit",
    "store.before_settled",
)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[KilledDesk]]]:
    """All runs, two at a time: each test waits for its own."""
    forges: queue.SimpleQueue[Forge] = queue.SimpleQueue()
    made = [Forge() for _ in range(LANES)]
    for forge in made:
        forges.put(forge)
    with ThreadPoolExecutor(LANES) as lanes:
        yield {point: lanes.submit(partial(run, point, tmp_path_factory.mktemp(point), forges)) for point in POINTS}
        lanes.shutdown(cancel_futures=True)  # what no test waits for is not run
    for forge in made:
        forge.close()


def run(point: str, folder: Path, forges: "queue.SimpleQueue[Forge]") -> KilledDesk:
    """Let one desk die at one point, compare after each death, then let everything settle."""
    forge = forges.get()
    try:
        with KilledDesk(forge, folder, KILLS) as desk:
            for number in range(KILLS):
                desk.live(point, number)
                verify_at_death(desk)
            desk.settle()
        return desk
    finally:
        forges.put(forge)


def verify_at_death(desk: KilledDesk) -> None:
    """Nothing acted unrecorded, at the moment of death: what the desk did had been permitted in the log before."""
    size = verify_on_disk(desk.folder, desk.key)
    disk = read_disk(desk.folder)
    assert size == len(disk.entries)
    permitted = {entry["ask"]: entry["at"] for entry in disk.entries if (entry["kind"], entry.get("decision")) == ("ask.decided", "permit")}
    keys = {act["id"]: act["ask"] for act in disk.of("act")}
    for act in disk.acts.values():
        assert permitted[keys[act["key"]]] <= act["at"], f"acted before the permit was recorded: {act}"
    for key, _ in disk.case_writes:
        assert key in keys, "the case was written to without a row in the outbox"


@pytest.mark.parametrize("point", POINTS)
def test_a_server_killed_at_a_point_acts_nothing_unrecorded_or_twice_and_loses_nothing(
    point: str, runs: dict[str, Future[KilledDesk]]
) -> None:
    desk = runs[point].result()
    assert desk.kills >= KILLS
    assert verify_on_disk(desk.folder, desk.key) == len(desk.entries)
    disk = read_disk(desk.folder)
    _verify_wishes(desk, disk)
    _verify_acts(disk)
    _verify_cases(disk)
    _verify_money(desk, disk)
    _verify_counters(disk)
    # The run was no idle one: all kinds of asks came to a good end, and some were caught in the middle.
    done = Counter(wish.action for wish in desk.wishes if wish.state == "done")
    assert min(done[action] for action in ("order.change_address", "order.read", "payment.refund", "case.comment")) >= KILLS // 2, done


def _verify_wishes(desk: KilledDesk, disk: Disk) -> None:
    """Each key was one ask, which ended as the agent heard; and there is no ask that nobody made."""
    for wish in desk.wishes:
        assert len(wish.asks) == 1, wish
        assert disk.records["ask"][next(iter(wish.asks))]["state"] == wish.state
        assert wish.state in {"done", "failed"}, wish
    assert set().union(*(wish.asks for wish in desk.wishes)) == set(disk.records["ask"])


def _verify_acts(disk: Disk) -> None:
    """Every act at the desk has one permit before it and one final outcome after it, and both sides agree on it."""
    permits: Counter[str] = Counter()
    outcomes: defaultdict[str, list[str]] = defaultdict(list)
    for entry in disk.entries:
        if (entry["kind"], entry.get("decision")) == ("ask.decided", "permit"):
            permits[entry["ask"]] += 1
        if entry["kind"] == "act.performed":
            assert permits[entry["ask"]] == 1, "an outcome without its one permit before it"
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


def _verify_cases(disk: Disk) -> None:
    """Each task has its one case, each comment that was made its one note; one that was given up was fenced, and has none."""
    assert sorted(disk.cases) == sorted(task["case"] for task in disk.of("task"))
    written = [key for key, _ in disk.case_writes]
    done = [act for act in disk.of("act") if act["door"] == "helpdesk" and act["state"] == "done"]
    assert sorted(written) == sorted(act["id"] for act in done)
    assert disk.notes == sum(1 for act in done if act["ask"])


def _verify_money(desk: KilledDesk, disk: Disk) -> None:
    """The ledger has moved what the done asks say, order by order, and each order was changed as often as they say."""
    money: Counter[str] = Counter()
    changes: Counter[str] = Counter()
    for wish in desk.wishes:
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
    left = {row["action"]: row for rows in desk.budgets.values() for row in rows}["payment.refund"]
    assert left["uses_left"] == 500 - len(disk.ledger)
    assert left["total_left"] == {"amount": f"{5000 + Decimal(sum(money.values())) / 100:.2f} EUR"}


def _verify_counters(disk: Disk) -> None:
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


def test_a_task_whose_server_died_right_after_its_goal_was_reached_is_ended_at_the_next_start(tmp_path: Path) -> None:
    forge = Forge()
    try:
        with KilledDesk(forge, tmp_path, 1) as desk:
            desk.start("act.settled", 1)
            task = desk.open("cancel-order", "order.cancel", ["P0"])
            desk.want(task, "order.cancel", {"order_id": "P0", "reason": "too late"})
            desk.send(desk.wishes[-1:])
            assert desk.dead()
            assert {one["state"] for one in read_disk(tmp_path).of("task") if one["objective"] == "cancel-order"} == {"open"}
            desk.start()
            assert task.status()["state"] == "ended"
        ended = [entry for entry in read_disk(tmp_path).entries if entry["kind"] == "task.ended"]
        assert [(entry["task"], entry["reason"]) for entry in ended] == [(task.id, "objective_reached")]
    finally:
        forge.close()
