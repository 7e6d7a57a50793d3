"""A server killed again and again at every named point of the path: log, desk and outbox always tell one story.

Each point has a desk of its own that dies at it twenty times, between and during real asks over HTTP. Everything unsettled is asked again
under its idempotency key. Compared is what lies on the disk: after each death, and when everything has settled.
"""

import queue
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from faults.books import verify_acts, verify_cases, verify_counters, verify_money, verify_wishes
from faults.killed_desk import Forge, KilledDesk, read_disk, verify_on_disk

pytestmark = pytest.mark.xdist_group("killed servers")  # whoever waits for one of the runs has begun all before it
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
    verify_wishes(desk.wishes, disk)
    verify_acts(disk)
    verify_cases(disk)
    verify_money(desk.wishes, desk.budgets, disk)
    verify_counters(disk)
    # The run was no idle one: all kinds of asks came to a good end, and some were caught in the middle.
    done = Counter(wish.action for wish in desk.wishes if wish.state == "done")
    assert min(done[action] for action in ("order.change_address", "order.read", "payment.refund", "case.comment")) >= KILLS // 2, done


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
