"""The clock of a desk, or of one node of two, is set forward by hours and back: nothing that had run out comes alive, nothing counts twice.

The clock of the PostgreSQL server stays where it is. What a store keeps in mind of marks: tests/contracts/test_store_forgetting.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from secrets import token_urlsafe
from typing import Any

import httpx
import pytest

from attacks.arena import ISSUER, code_of
from faults.books import verify_acts, verify_cases, verify_counters
from faults.nodes import ADDRESS, Job, Nodes, begin, change, loaded_desk
from postgres_tests import on_the_server, postgres_url
from remit.adapters.store.replay_expiry import FORGOTTEN
from remit.client.errors import Problem
from remit.client.keys import ProofKey
from remit.domain.records import ActRecord, ConfirmationRecord, TaskRecord
from remit.sandbox import SandboxTask

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
LARGE = {"order_id": "R0", "payment_method_id": "pm_1", "amount": "12.00 EUR"}


@pytest.fixture(params=["sqlite", "two nodes on postgres"])
def desk(request: pytest.FixtureRequest) -> Iterator[Nodes]:
    with Nodes(on_sqlite=request.param == "sqlite") as opened:
        yield opened


def places(desk: Nodes) -> range:
    return range(len(desk.nodes))


class Caught:
    """One whole request with its proof, as somebody finds it who reads along."""

    def __init__(self, desk: Nodes, task: SandboxTask, order: str, *, ahead_ms: int = 0) -> None:
        self._desk = desk
        self._path = f"/v1/tasks/{task.id}/asks"
        now_s = (loaded_desk(desk.nodes[0]).context.world.now() - desk.nodes[0].clock.ahead_ms + ahead_ms) / 1000
        proof = ProofKey(task.agent.key).proof("POST", ISSUER + self._path, now_s=now_s, token=task.token)
        self._headers = {"authorization": f"DPoP {task.token}", "dpop": proof, "content-type": "application/json"}
        action, params = change(order)
        self._body = json.dumps({"action": action, "params": params}).encode()

    def send(self) -> httpx.Response:
        """Send it, under another key each time: as an ask of one's own."""
        headers = {**self._headers, "idempotency-key": token_urlsafe(12)}
        return self._desk.room.raw("POST", self._path, headers=headers, content=self._body, check=False)


def record_something(desk: Nodes, place: int) -> None:
    """An entry at a node, at the time its clock shows."""
    desk.turn(place)
    desk.suspend(customer=f"nobody-{token_urlsafe(8)}")


def tidy(desk: Nodes, place: int) -> None:
    """Have a node forget, at its next entry, what marks it thinks are over."""
    store: Any = desk.nodes[place].context.store
    writer = store.inner._writer
    if hasattr(writer, "tidying"):
        writer.tidying.after = 0.0
    record_something(desk, place)
    record_something(desk, place)


def forgotten(desk: Nodes) -> int:
    """Up to when marks were forgotten, as it lies in the store."""
    settings = loaded_desk(desk.nodes[0]).settings
    if desk._on_sqlite:
        with closing(sqlite3.connect(settings.store_path)) as store:
            rows = store.execute("select until from mark where key = ?", (FORGOTTEN,)).fetchall()
    else:
        rows = on_the_server(postgres_url(), "select until from remit.mark where desk = $1 and key = $2", settings.log_name, FORGOTTEN)
    return int(rows[0][0]) if rows else 0


def versions(desk: Nodes) -> int:
    """How often orders were changed."""
    return sum(version - 1 for version in desk.disk().versions.values())


@pytest.mark.proves("DPOP-REPLAY", "NODES")
def test_a_clock_that_jumped_forward_and_is_set_right_lets_no_proof_pass_twice(desk: Nodes) -> None:
    """⚔ What was marked as used must not be forgotten by a clock that only seems to have gone on; also when the process is a new one then."""
    task = begin(desk).correcting
    caught = Caught(desk, task, "P0")
    assert caught.send().json()["outcome"] == "done"
    for place in places(desk):
        desk.set_clocks(3 * HOUR_MS, place)
        tidy(desk, place)
        desk.set_clocks(0, place)
    for place in places(desk):
        desk.again(place)
        desk.turn(place)
        assert code_of(caught.send()) == "credential.replayed"
    assert versions(desk) == 1
    assert task.ask(*change("P1")).outcome == "done", "an honest agent goes on"


@pytest.mark.proves("DPOP-REPLAY", "NODES")
def test_a_node_whose_clock_stands_before_what_was_forgotten_serves_no_agent(desk: Nodes) -> None:
    """⚔ Where a clock was set back, credentials that ran out and proofs that were used would count once more."""
    task = begin(desk).correcting
    place = places(desk)[-1]
    desk.again(place)
    for one in places(desk):
        tidy(desk, one)
    desk.run(desk.nodes[0].context.store.entries(limit=1))
    assert forgotten(desk)
    desk.set_clocks(-HOUR_MS, place)
    desk.turn(place)
    for order in ("P0", "P1"):
        told = Caught(desk, task, order, ahead_ms=-HOUR_MS).send()
        assert (told.status_code, code_of(told)) == (503, "fault.store")
        assert told.json()["cure"]
        assert int(told.headers["retry-after"]) > 0
    told = Caught(desk, task, "P2").send()
    assert (told.status_code, code_of(told)) == (401, "credential.expired"), "an agent whose clock is right is told to look at clocks"
    assert told.json()["cure"]
    assert versions(desk) == 0
    desk.set_clocks(0, place)
    assert task.ask(*change("P3")).outcome == "done"


@pytest.fixture
def job(desk: Nodes) -> Job:
    """Anna, an agent and its tasks; a refund waits for her."""
    found = begin(desk)
    assert found.complaining.ask("complaint.file", {"kind": "damaged", "text": "The cup is broken."}).outcome == "done"
    return found


def code(work: Any) -> str:
    """The code of a refusal, whoever is refused."""
    with suppress(Problem):
        reply = work()
        return ",".join(reply.codes) or str(reply.outcome)
    with pytest.raises(Problem) as refused:
        work()
    return refused.value.code


def verify_books(desk: Nodes) -> None:
    """Nothing waits, and log, outbox, counters and desk tell one story."""
    for place in places(desk):
        desk.round(place)
        for waiting in ("act.sent", "act.queued"):
            assert not desk.run(desk.nodes[place].context.store.find(ActRecord, waiting, ""))
    desk.transcript()
    disk = desk.disk()
    verify_acts(disk)
    verify_cases(disk)
    verify_counters(disk)


@pytest.mark.proves("NODES", "CONFIRM-ONCE")
def test_what_ran_out_by_the_clock_of_one_node_stays_run_out_at_every_node_when_that_is_set_right(desk: Nodes, job: Job) -> None:
    waits = job.complaining.ask("payment.refund", LARGE)
    assert waits.needs_human
    invitation = job.customer.invitation(waits)
    jumped = places(desk)[-1]
    desk.set_clocks(3 * HOUR_MS, jumped)
    desk.turn(jumped)
    assert code(lambda: job.correcting.ask(*change())) == "credential.expired", "by its clock the credential has run out"
    desk.round(jumped)
    desk.round(jumped)  # without the invitation, its task is idle
    desk.set_clocks(0, jumped)
    for place in places(desk):
        desk.turn(place)
        assert job.complaining.poll(waits.ask).state == "expired"
        assert code(lambda: job.customer.get(f"/me/v1/confirmations/{invitation}")) == "confirmation.expired"
        for task in (job.correcting, job.complaining):
            assert code(lambda task=task: task.ask(*change())) == "task.ended"
            with pytest.raises(Problem) as refused:
                task.renew()
            assert refused.value.code == "task.ended"
        assert not desk.run(desk.nodes[place].context.store.find(ConfirmationRecord, "due.confirmation", ""))
        assert not desk.run(desk.nodes[place].context.store.find(TaskRecord, "task.live", ""))
    fresh = begin(desk)
    assert fresh.correcting.ask(*change("P5")).outcome == "done", "what is granted now counts now"
    assert versions(desk) == 1
    verify_books(desk)


@pytest.mark.proves("NODES")
@pytest.mark.parametrize("back_ms", [2 * MINUTE_MS, 90 * MINUTE_MS])
def test_a_desk_whose_clock_goes_forward_and_back_with_its_agents_does_everything_once(desk: Nodes, job: Job, back_ms: int) -> None:
    """Content keys are leased by the machine's own count, whatever the clock says; the log holds, though its times go back."""
    task, asked = job.correcting, []
    for number, ahead_ms in enumerate((0, 3 * HOUR_MS, 3 * HOUR_MS - back_ms, 0)):
        desk.set_clocks(ahead_ms)
        for place in places(desk):
            desk.round(place)
        desk.turn(number % len(desk.nodes))
        if ahead_ms == 3 * HOUR_MS:
            assert code(lambda task=task: task.ask(*change())) in {"credential.expired", "task.ended"}
            task = begin(desk).correcting
        if back_ms > 5 * MINUTE_MS or not ahead_ms:
            task.renew()
        asked.append(
            reply := task.ask("order.change_address", {"order_id": f"P{number}", "address": ADDRESS}, idempotency_key=f"k{number}")
        )
        assert reply.outcome == "done"
        for place in places(desk):
            desk.turn(place)
            again = task.ask("order.change_address", {"order_id": f"P{number}", "address": ADDRESS}, idempotency_key=f"k{number}")
            assert (again.ask, again.outcome) == (reply.ask, "done")
    assert len({one.ask for one in asked}) == versions(desk) == len(asked)
    verify_books(desk)
