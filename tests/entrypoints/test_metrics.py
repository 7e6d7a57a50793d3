"""Every metric is moved by what it says it counts, and no caller makes up a series."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import Metric, generate_latest
from prometheus_client.registry import Collector

from attacks.arena import SEND_BACK, SHOP, Arena, code_of, open_arena
from remit.adapters.notify.memory import MemoryCarrier
from remit.adapters.store.sqlite.store import SqliteStore
from remit.adapters.world.system import node_name
from remit.domain.errors import Code, Fault
from remit.domain.records import ActRecord, OutboxState, Suspension
from remit.entrypoints.ops.metrics import CARRIED, JOBS, Counter, Gauge, Histogram, Instrument, Metrics
from remit.ports.notify import DeliveryObstacle
from remit.ports.store import Commit, Conflict, LimitReached, Precondition, Put, Replayed, ReplayMark, Reserve
from remit.ports.world import ResourceUsage
from remit.usecases import ask as asking

SERIES = re.compile(r"(?P<series>[a-z_:]+(?:\{[^}]*\})?) (?P<value>[-+.0-9einfNa]+)")


@pytest.fixture
def arena() -> Iterator[Arena]:
    with open_arena(settings={"terms": {"desk_timeout_ms": 50, "facts_timeout_ms": 50}}) as one:
        one.run(jobs(one).stop())  # rounds are made where a test wants one
        yield one


def page(arena: Arena) -> dict[str, float]:
    """The page, by series."""
    lines = [line for line in arena.room.raw("GET", "/metrics").text.splitlines() if not line.startswith("#")]
    found = [SERIES.fullmatch(line) for line in lines]
    assert all(found), [line for line, one in zip(lines, found, strict=True) if one is None]
    return {one["series"]: float(one["value"]) for one in found if one is not None}


def lines(instrument: Instrument) -> list[str]:
    """The series of one instrument, as a page shows them."""

    class Alone(Collector):
        def collect(self) -> Iterator[Metric]:
            yield instrument.family()

    return [line for line in generate_latest(Alone()).decode().splitlines() if not line.startswith("#")]


class Moved:
    """What a page shows more than before."""

    def __init__(self, arena: Arena) -> None:
        self._arena = arena
        self._before = page(arena)

    def by(self, series: str) -> float:
        return page(self._arena).get(series, 0.0) - self._before.get(series, 0.0)


def jobs(arena: Arena) -> Any:
    assert arena.desk.desk is not None
    return arena.desk.desk.jobs


def look(arena: Arena) -> None:
    arena.run(jobs(arena)._looking.run())


def act(arena: Arena, name: str, state: OutboxState, *, ask: str = "ask_x", ago_s: float = 0) -> ActRecord:
    """An act in the outbox that waits, or waits for its outcome, for some time."""
    at = arena.clock.now() - round(ago_s * 1000)
    sent_at = 0 if state is OutboxState.QUEUED else at
    made = ActRecord(
        id=name,
        ask=ask,
        task="task_x",
        case="case_x",
        door="backoffice",
        payload="{}",
        state=state,
        queued_at=at,
        sent_at=sent_at,  # type: ignore[arg-type]
    )
    arena.run(arena.context.store.commit(Commit(puts=(Put(made, 0),))))
    return made


def test_decisions_are_counted_by_code_and_area_of_the_action(arena: Arena) -> None:
    task, moved = arena.task(), Moved(arena)
    assert task.ask("order.read", {"order_id": "W1"}).outcome == "done"
    assert task.ask("order.return", SEND_BACK).needs_human
    assert code_of(arena.ask(task, "order.read", {"order_id": "W2"})) == "mandate.off_target"
    for made_up in ('x"} 1\n', "order.sing"):
        assert code_of(arena.ask(task, made_up, {})) == "action.unknown"
    assert moved.by('remit_decisions_total{area="routine",code="",decision="permit"}') == 1
    assert moved.by('remit_decisions_total{area="payment",code="",decision="needs_human"}') == 1
    assert moved.by('remit_decisions_total{area="routine",code="mandate.off_target",decision="refuse"}') == 1
    assert moved.by('remit_decisions_total{area="none",code="action.unknown",decision="refuse"}') == 2


def test_a_decision_that_a_person_brought_about_is_counted_when_it_is_recorded(arena: Arena) -> None:
    _, reply, _ = arena.waiting()
    moved = Moved(arena)
    assert arena.anna.confirm(reply).outcome == "done"
    assert moved.by('remit_decisions_total{area="payment",code="",decision="permit"}') == 1


def test_a_decision_that_could_not_be_recorded_is_none(arena: Arena) -> None:
    task, moved = arena.task(), Moved(arena)

    async def down(_commit: Commit) -> Any:
        raise Fault(Code.FAULT_STORE, "the disk is full")

    arena.context.store.inner.commit = down  # type: ignore[attr-defined]
    assert code_of(arena.ask(task, "order.read", {"order_id": "W1"})) == "fault.store"
    assert moved.by('remit_decisions_total{area="routine",code="",decision="permit"}') == 0
    assert moved.by('remit_store_commits_total{result="fault"}') >= 1


@pytest.mark.proves("METRICS-CLOSED")
def test_nothing_that_names_anybody_or_anything_is_on_the_page(arena: Arena) -> None:
    task, reply, _ = arena.waiting()
    arena.anna.confirm(reply)
    arena.desk.suspend(customer="anna")
    look(arena)
    text = arena.room.raw("GET", "/metrics").text
    for name in ("anna", "W1", SHOP, "helper.example", task.id, task.case, reply.ask, "return-item", "order.return"):
        assert name not in text, name


@pytest.mark.proves("METRICS-CLOSED")
def test_a_label_takes_values_of_its_list_alone() -> None:
    counter = Counter("c_total", "c", {"code": ["a"]})
    gauge = Gauge("g", "g", {"code": ["a"]})
    histogram = Histogram("h_seconds", "h", (1,), {"code": ["a"]})
    for made_up in ("b", 'a"} 1', "c"):
        counter.add(made_up)
        gauge.set(1, made_up)
        histogram.observe(1, made_up)
    assert lines(counter) == ['c_total{code="a"} 0.0', 'c_total{code="other"} 3.0']
    assert lines(gauge) == ['g{code="other"} 1.0']
    assert {line.partition(",")[0].partition("}")[0] for line in lines(histogram)} == {
        f'h_seconds_{part}{{code="{code}"' for part in ("bucket", "sum", "count") for code in ("a", "other")
    }


def test_a_histogram_counts_what_lies_at_or_below_each_bound() -> None:
    histogram = Histogram("h_seconds", "h", (0.5, 1, 2))
    for value in (0.1, 0.5, 0.75, 2.0, 9.0):
        histogram.observe(value)
    assert lines(histogram) == [
        'h_seconds_bucket{le="0.5"} 2.0',
        'h_seconds_bucket{le="1"} 3.0',
        'h_seconds_bucket{le="2"} 4.0',
        'h_seconds_bucket{le="+Inf"} 5.0',
        "h_seconds_count 5.0",
        "h_seconds_sum 12.35",
    ]


def test_requests_and_the_time_they_took_are_counted_by_door(arena: Arena) -> None:
    moved = Moved(arena)
    arena.task().ask("order.read", {"order_id": "W1"})
    arena.room.raw("GET", "/made-up", check=False)
    assert moved.by('remit_requests_total{door="agents",status="200"}') == 1
    assert moved.by('remit_requests_total{door="pages",status="404"}') == 1
    assert moved.by('remit_request_seconds_total{door="agents"}') > 0


def test_open_asks_are_counted_by_state_and_the_outbox_by_its_oldest(arena: Arena) -> None:
    _, reply, _ = arena.waiting()
    act(arena, "act_1", OutboxState.QUEUED, ago_s=90)
    act(arena, "act_2", OutboxState.QUEUED, ago_s=10)
    act(arena, "act_3", OutboxState.QUEUED, ask="", ago_s=5)
    act(arena, "act_4", OutboxState.SENT, ago_s=30)
    act(arena, "act_5", OutboxState.UNKNOWN, ago_s=20)
    act(arena, "act_6", OutboxState.UNKNOWN, ago_s=200)
    act(arena, "act_7", OutboxState.UNKNOWN, ask="", ago_s=7200)
    look(arena)
    seen = page(arena)
    assert {state: seen[f'remit_asks{{state="{state}"}}'] for state in ("waiting", "permitted", "acting", "unknown")} == {
        "waiting": 1,
        "permitted": 2,
        "acting": 1,
        "unknown": 2,
    }
    assert [seen[f'remit_acts_unknown{{age="{age}"}}'] for age in ("under_1m", "under_10m", "under_1h", "older")] == [1, 1, 0, 1]
    assert 90 <= seen['remit_outbox_oldest_seconds{state="queued"}'] < 190
    assert 7200 <= seen['remit_outbox_oldest_seconds{state="sent"}'] < 7300
    assert seen["remit_sample_full"] == 0
    arena.anna.decline(reply)
    look(arena)
    assert page(arena)['remit_asks{state="waiting"}'] == 0


def test_an_act_whose_outcome_is_not_known_is_shown_until_it_is(arena: Arena) -> None:
    _, reply, _ = arena.waiting()
    real = arena.backoffice.perform

    async def for_ever(*_: Any, **__: Any) -> Any:
        await asyncio.Event().wait()

    arena.backoffice.perform = for_ever  # type: ignore[method-assign]
    arena.anna.confirm(reply)
    look(arena)
    assert page(arena)['remit_asks{state="unknown"}'] == 1
    arena.backoffice.perform = real  # type: ignore[method-assign]
    arena.run(jobs(arena).round(patience_s=0))
    seen = page(arena)
    assert (seen['remit_asks{state="unknown"}'], seen['remit_acts_unknown{age="under_1m"}']) == (0, 0)
    assert arena.performed() == [SEND_BACK]


def test_a_look_counts_so_many_and_says_when_there_are_more(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("remit.usecases.background.state_sample.LIMIT", 2)
    for name in ("act_1", "act_2", "act_3"):
        act(arena, name, OutboxState.QUEUED)
    look(arena)
    seen = page(arena)
    assert (seen["remit_sample_full"], seen['remit_asks{state="permitted"}']) == (1, 2)


def test_answers_are_timed_from_the_invitation_by_answer(arena: Arena) -> None:
    def count(answer: str) -> str:
        return f'remit_confirmation_seconds_count{{answer="{answer}"}}'

    moved = Moved(arena)
    _, reply, _ = arena.waiting()
    arena.clock.ahead_ms += 40_000
    arena.anna.confirm(reply)
    assert moved.by(count("yes")) == 1
    assert 40 <= moved.by('remit_confirmation_seconds_sum{answer="yes"}') < 100
    _, reply, _ = arena.waiting()
    arena.anna.decline(reply)
    assert moved.by(count("no")) == 1
    arena.clock.ahead_ms += 11 * 60_000
    arena.run(jobs(arena).round())
    assert moved.by(count("silence")) == 0


def test_less_no_and_end_and_silence_are_answers_too(arena: Arena) -> None:
    def count(answer: str) -> str:
        return f'remit_confirmation_seconds_count{{answer="{answer}"}}'

    moved = Moved(arena)
    task = arena.sent_back()
    reply = task.ask("payment.refund", {"order_id": "W1", "payment_method_id": "pm_1", "amount": "40.00 EUR"})
    arena.anna.offer_less(reply, {"order_id": "W1", "payment_method_id": "pm_1", "amount": "30.00 EUR"})
    assert moved.by(count("less")) == 1
    _, reply, invitation = arena.waiting()
    arena.anna.post(f"/me/v1/confirmations/{invitation}", {"answer": "no_and_end"})
    assert moved.by(count("no_and_end")) == 1
    with open_arena() as other:
        other.run(jobs(other).stop())
        other_moved = Moved(other)
        other.waiting()
        other.clock.ahead_ms += 11 * 60_000
        other.run(jobs(other).round())
        assert other_moved.by(count("silence")) == 1
        assert other_moved.by('remit_confirmation_seconds_bucket{answer="silence",le="600"}') == 0
        assert other_moved.by('remit_confirmation_seconds_bucket{answer="silence",le="1800"}') == 1


STOPS = {
    "mandate": lambda arena, mandate, _task: arena.anna.revoke(mandate),
    "agent": lambda arena, _mandate, task: arena.desk.suspend(agent=task.agent),
    "operator": lambda arena, _mandate, _task: arena.desk.suspend(operator="helper.example"),
    "customer": lambda arena, _mandate, _task: arena.desk.suspend(customer="anna"),
    "objective": lambda arena, _mandate, _task: arena.desk.suspend(objective="return-item"),
}


@pytest.mark.parametrize("what", STOPS)
def test_a_revocation_has_its_effect_when_the_last_task_has_ended(arena: Arena, what: str) -> None:
    mandate, task = arena.granted()
    moved = Moved(arena)
    STOPS[what](arena, mandate, task)
    series = f'remit_revocation_effect_seconds_count{{effect="ended",what="{what}"}}'
    assert moved.by(series) == 0
    look(arena)
    assert moved.by(series) == 1
    look(arena)
    arena.ask(task, "order.read", {"order_id": "W1"})
    assert moved.by(series) == 1
    assert moved.by(f'remit_revocation_effect_seconds_count{{effect="refused",what="{what}"}}') == 0


@pytest.mark.parametrize("what", STOPS)
def test_or_when_somebody_is_refused_because_of_it_before_that(arena: Arena, what: str) -> None:
    mandate, task = arena.granted()
    moved = Moved(arena)
    STOPS[what](arena, mandate, task)
    arena.ask(task, "order.read", {"order_id": "W1"})
    look(arena)
    assert moved.by(f'remit_revocation_effect_seconds_count{{effect="refused",what="{what}"}}') == 1
    assert moved.by(f'remit_revocation_effect_seconds_count{{effect="ended",what="{what}"}}') == 0


def test_what_had_nothing_to_stop_has_no_effect_to_time(arena: Arena) -> None:
    moved = Moved(arena)
    arena.desk.suspend(operator="nobody.example")
    look(arena)
    assert (
        sum(moved.by(f'remit_revocation_effect_seconds_count{{effect="{effect}",what="operator"}}') for effect in ("ended", "refused")) == 0
    )
    assert jobs(arena)._looking._watch.stops() == ()


def test_a_refusal_for_another_reason_is_no_effect_of_a_revocation(arena: Arena) -> None:
    _, task = arena.granted()
    other_mandate, _ = arena.granted()
    moved = Moved(arena)
    arena.anna.revoke(other_mandate)
    assert code_of(arena.ask(task, "order.read", {"order_id": "W2"})) == "mandate.off_target"
    assert arena.ask(task, "order.read", {"order_id": "W1"}).status_code == 200
    assert moved.by('remit_revocation_effect_seconds_count{effect="refused",what="mandate"}') == 0


@pytest.mark.proves("ORPHANS-SEEN")
def test_a_task_that_is_listened_to_after_its_end_is_an_orphan_and_told(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    task, moved = arena.task(), Moved(arena)
    assert task.ask("order.read", {"order_id": "W1"}).outcome == "done"
    arena.send(task, f"/v1/tasks/{task.id}/complete", {})
    look(arena)
    assert moved.by("remit_orphans_total") == 0
    monkeypatch.setattr(asking, "verify_active", lambda *_, **__: None)  # the rule that sees to it is broken
    assert arena.ask(task, "order.read", {"order_id": "W1"}).status_code == 200
    look(arena)
    assert moved.by("remit_orphans_total") == 1
    assert ("orphaned_task", {"task": task.id}) in arena.notify.incidents
    look(arena)
    assert moved.by("remit_orphans_total") == 1


def test_a_task_that_ends_after_its_last_permit_is_no_orphan_however_much_follows(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("remit.usecases.background.state_sample._PAGE", 2)
    task, moved = arena.task(), Moved(arena)
    assert task.ask("order.read", {"order_id": "W1"}).outcome == "done"
    for _ in range(5):
        arena.ask(task, "order.read", {"order_id": "W2"})
    task.complete()
    look(arena)
    assert moved.by("remit_orphans_total") == 0


def test_commits_are_timed_and_counted_by_what_came_of_them(arena: Arena) -> None:
    moved, store = Moved(arena), arena.context.store
    made = Suspension(id="operator:x", active=False, reason="", by="", at=arena.clock.now())  # type: ignore[arg-type]
    arena.run(store.commit(Commit(puts=(Put(made, 0),), marks=(ReplayMark("m", arena.clock.now() + 1000),))))
    for commit, no in (
        (Commit(preconditions=(Precondition("suspension", "operator:x", 9),)), Conflict),
        (Commit(marks=(ReplayMark("m", arena.clock.now() + 1000),)), Replayed),
        (Commit(reserves=(Reserve("s", "k", 2, 1),)), LimitReached),
    ):
        with pytest.raises(no):
            arena.run(store.commit(commit))
    assert {
        how: moved.by(f'remit_store_commits_total{{result="{how}"}}') for how in ("ok", "conflict", "replayed", "no_room", "fault")
    } == {
        "ok": 1,
        "conflict": 1,
        "replayed": 1,
        "no_room": 1,
        "fault": 0,
    }
    assert moved.by("remit_store_commit_seconds_count") == 1
    assert moved.by("remit_store_commit_seconds_sum") > 0
    arena.clock.ahead_ms += 5000
    arena.run(store.commit(Commit()))
    assert moved.by("remit_store_last_commit_timestamp_seconds") >= 5


def test_the_log_is_told_with_what_is_not_kept_outside_yet(arena: Arena) -> None:
    assert arena.desk.desk is not None
    task, store = arena.task(), arena.desk.desk.outside
    assert isinstance(store, SqliteStore)
    look(arena)
    seen = page(arena)
    assert (seen["remit_log_unpublished_entries"], seen["remit_log_unpublished_seconds"]) == (0, 0)
    store._high_water.frozen = True  # what is written does not arrive there
    task.ask("order.read", {"order_id": "W1"})
    arena.clock.ahead_ms += 30_000
    look(arena)
    after = page(arena)
    assert after["remit_log_entries"] - seen["remit_log_entries"] == 2
    assert after["remit_log_unpublished_entries"] == 2
    assert 30 <= after["remit_log_unpublished_seconds"] < 130
    assert after["remit_log_newest_entry_timestamp_seconds"] >= seen["remit_log_newest_entry_timestamp_seconds"]


def test_what_cannot_be_told_of_the_place_outside_is_not_shown(arena: Arena) -> None:
    looking = jobs(arena)._looking
    look(arena)
    looking._outside.published = lambda: "nothing that verifies"
    look(arena)
    assert not {"remit_log_unpublished_entries", "remit_log_unpublished_seconds"} & page(arena).keys()


def test_a_place_outside_that_takes_no_writes_is_shown_until_it_does(arena: Arena, caplog: pytest.LogCaptureFixture) -> None:
    looking = jobs(arena)._looking
    look(arena)
    assert page(arena)["remit_high_water_writable"] == 1
    works = looking._try_outside

    def full() -> None:
        raise OSError(28, "No space left on device")

    looking._try_outside = full
    look(arena)
    look(arena)
    assert page(arena)["remit_high_water_writable"] == 0
    assert [one.event for one in caplog.records if one.name == "remit.jobs"] == ["high_water.unwritable"]  # type: ignore[attr-defined]
    looking._try_outside = works
    look(arena)
    assert page(arena)["remit_high_water_writable"] == 1


def test_rounds_say_when_they_last_went_well_and_how_often_not(arena: Arena) -> None:
    async def well() -> None:
        pass

    async def badly() -> None:
        raise Fault(Code.FAULT_STORE)

    async def broken() -> None:
        raise ValueError

    moved = Moved(arena)
    for job in ("due", "acts", "look", "rows", "pings", "keys", "events"):
        arena.run(jobs(arena).once(job, well))
        at = page(arena)[f'remit_job_last_success_timestamp_seconds{{round="{job}"}}']
        assert abs(at - arena.clock.now() / 1000) < 100
        arena.clock.ahead_ms += 1000
        arena.run(jobs(arena).once(job, badly))
        arena.run(jobs(arena).once(job, broken))
        assert page(arena)[f'remit_job_last_success_timestamp_seconds{{round="{job}"}}'] == at
        assert moved.by(f'remit_job_failures_total{{round="{job}"}}') == 2


def test_every_round_and_every_limit_has_a_label_of_its_own(arena: Arena) -> None:
    async def started() -> set[str]:
        jobs(arena).start()
        await jobs(arena).stop()
        return set(jobs(arena)._health._went_well_s)

    assert {"due", "acts", "look", "rows", "pings", "keys"} <= arena.run(started()) <= set(JOBS)
    assert b'remit_limited_total{limit="registrations"} 1.0' in jobs(arena)._metrics.text(limited={"registrations": 1})


def test_a_loop_that_wakes_its_jobs_late_is_seen(arena: Arena) -> None:
    ticks = iter(range(0, 10_000, 3))
    arena.context.world.ticks = lambda: float(next(ticks))  # type: ignore[method-assign]

    async def rounds() -> None:
        done = asyncio.Event()
        count = 0

        async def work() -> None:
            nonlocal count
            count += 1
            if count == 2:
                done.set()

        running = asyncio.create_task(jobs(arena)._run("due", work, 0))
        await done.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    arena.run(rounds())
    assert page(arena)["remit_loop_late_seconds"] == 3


def test_requests_refused_as_too_many_are_counted_by_limit() -> None:
    limits = {"client_per_s": 1, "client_burst": 20, "peer_per_s": 1, "peer_burst": 90, "unproved_per_s": 1, "unproved_burst": 60}
    with open_arena(settings={"limits": limits}) as arena:
        task, moved = arena.task(), Moved(arena)
        for _ in range(25):
            arena.send(task, f"/v1/tasks/{task.id}", method="GET")
        for _ in range(70):
            arena.form("/oauth/introspect", {"token": "x"})
        cookie = arena.anna.cookie
        for _ in range(100):
            arena.person("GET", "/me/v1", cookie=cookie)
        for limit in ("client", "unproved", "session"):
            assert moved.by(f'remit_limited_total{{limit="{limit}"}}') >= 1, limit


def test_long_messages_that_wait_too_many_are_counted(arena: Arena) -> None:
    moved = Moved(arena)
    arena.context.scan_executor.refused += 3
    assert moved.by('remit_limited_total{limit="long"}') == 3


def test_a_process_says_who_it_is_how_long_it_runs_and_what_it_takes(arena: Arena) -> None:
    seen = page(arena)
    (node,) = [series for series in seen if series.startswith("remit_node_info")]
    assert f'node="{node_name()}"' in node
    assert seen["process_resident_memory_bytes"] > 1_000_000
    moved = Moved(arena)
    sum(number * number for number in range(300_000))
    assert moved.by("process_cpu_seconds_total") > 0
    assert moved.by("remit_uptime_seconds") > 0


def test_the_page_is_there_when_the_store_is_not(arena: Arena) -> None:
    async def down(*_: Any, **__: Any) -> Any:
        raise Fault(Code.FAULT_STORE)

    arena.task()
    for name in ("checkpoint", "get", "find", "entries", "commit", "snapshot"):
        setattr(arena.context.store.inner, name, down)  # type: ignore[attr-defined]
    assert "remit_log_entries" in page(arena)


def test_notices_are_counted_by_what_came_of_each_try_and_those_that_wait_by_their_age(arena: Arena) -> None:
    task, carrier = arena.task(), MemoryCarrier("smtp")
    object.__setattr__(arena.context, "carriers", (carrier,))
    moved = Moved(arena)
    carrier.before.extend([DeliveryObstacle.LETTER])
    assert task.ask("order.return", SEND_BACK).needs_human
    arena.clock.ahead_ms += 7_000
    arena.run(jobs(arena).round())
    shown = page(arena)
    assert shown["remit_notices_waiting"] == 1
    assert 7 <= shown["remit_notices_oldest_seconds"] < 60
    arena.clock.ahead_ms += 60_000
    arena.run(jobs(arena).round())
    assert page(arena)["remit_notices_waiting"] == 0
    counted = {result: moved.by(f'remit_notices_total{{carrier="smtp",result="{result}"}}') for result in CARRIED}
    assert counted == {"failed": 0, "put_off": 1, "sent": 1, "unaddressed": 0}


def test_every_metric_is_moved_by_a_test_of_this_file() -> None:
    own = Path(__file__).read_text(encoding="utf-8")
    metrics = Metrics(arena_world(), node='a"b\n', usage=lambda: ResourceUsage(1.0, 1))
    names = [one.name for one in metrics.instruments()]
    assert len(names) == len(set(names)) > 20
    assert [name for name in names if name not in own] == []
    assert 'remit_node_info{node="a\\"b\\n",' in metrics.text(limited={}).decode()


def arena_world() -> Any:
    return type("World", (), {"ticks": lambda _: 0.0, "now": lambda _: 0})()
