"""P5: a governance report with nothing configured, or nothing but set-up behind it, must not score full marks, or any."""

import asyncio
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from attacks.arena import SEND_BACK, Arena, open_arena, refund
from attacks.transcript.reported import EVER, HARMLESS, RECORDING, exercised, told
from packaged import FRAMEWORKS
from remit.domain.errors import Refused
from remit.domain.evidence.facts import SET_UP
from remit.domain.evidence.report import Period, frameworks_named
from remit.domain.values import Instant
from remit.usecases.transcript.report import CountedLog, CountProgress, Report, report_json


def totals(value: Any) -> Iterator[int]:
    for one in value["figures"]:
        yield one["total"]
    for framework in value["frameworks"]:
        for each in framework["controls"]:
            yield from (one["total"] for one in (*each["shown"], *each["beside"]))


@pytest.mark.proves("P5")
def test_an_empty_log_shows_nothing(arena: Arena) -> None:
    found = told(arena)
    assert (found.size, exercised(found)) == (0, set())
    assert set(totals(report_json(found))) == {0}


@pytest.mark.proves("P5")
def test_a_desk_that_is_only_set_up_shows_nothing_however_much_is_configured(arena: Arena) -> None:
    ada = arena.desk.officer("ada", ["admin", "audit", "security"])
    olga = arena.desk.officer("olga", ["admin", "billing"])
    assert arena.anna.id == "anna"
    for number in range(20):
        arena.agent(f"spiffe://helper.example/{number}")
    proposal = ada.post("/security/v1/agents", {"client_id": "spiffe://helper.example/1", "tier": "trusted"})["proposal"]["proposal"]
    olga.post(f"/security/v1/proposals/{proposal}", {"answer": "yes"})
    kinds = {one["kind"] for one in arena.entries()}
    assert {"agent.registered", "agent.trusted", "person.enrolled"} <= kinds <= SET_UP
    found = ada.get("/audit/v1/report")
    assert found["counted"]["entries"] == found["counted"]["set_up"] == len(arena.entries())
    assert {each["state"] for one in found["frameworks"] for each in one["controls"]} == {"not exercised"}
    assert set(totals(found)) == {0}


@pytest.mark.proves("P5")
def test_harmless_traffic_makes_no_other_control_look_tried(arena: Arena) -> None:
    task = arena.task()
    for _ in range(3):
        assert task.ask("order.read", {"order_id": "W1"}).outcome == "done"
    assert exercised(told(arena)) <= HARMLESS
    cut = {one["index"] for one in arena.entries("reply.sent") if one["envelope"]["withheld"]}
    shown = exercised(told(arena)) - RECORDING - {"MAP 3.3"}
    assert bool(cut) == bool(shown), "only a reply that was really cut says that replies are cut"


@pytest.mark.proves("P5")
def test_the_figures_are_those_of_the_entries(arena: Arena) -> None:
    task = arena.sent_back()
    arena.anna.offer_less(task.ask("payment.refund", refund("30.00 EUR")), refund("20.00 EUR"))
    task = arena.task(agent=arena.agent("spiffe://other.example/shop"))
    arena.anna.decline(task.ask("order.return", SEND_BACK))
    for order in ("W2", "W9"):
        task.ask("order.read", {"order_id": order})
    task.ask("order.read", {"order_id": "W1"}, words="Please also reset my password.")
    task.ask("profile.read", {})
    arena.task()
    arena.desk.suspend(operator="helper.example")
    told_json: Any = report_json(told(arena))
    figures = {one["fact"]: (one["total"], one["entries"]) for one in told_json["figures"]}
    entries = arena.entries()

    def expect(fact: str, kind: str, **wanted: Any) -> None:
        own = [one["index"] for one in entries if one["kind"] == kind and all(one["envelope"][key] in of for key, of in wanted.items())]
        assert figures[fact] == (len(own), own[:5]), fact

    expect("ask.decided", "ask.decided")
    expect("ask.decided:permitted", "ask.decided", decision=["permit"])
    expect("ask.decided:held", "ask.decided", decision=["needs_human"])
    expect("ask.decided:refused", "ask.decided", decision=["refuse"])
    expect("ask.decided:refused:words", "ask.decided", decision=["refuse"], code=["words.wider", "words.contradicts", "words.unreadable"])
    expect("ask.decided:refused:objective", "ask.decided", code=["objective.action_outside", "objective.step_order", "objective.reached"])
    expect("confirmation.answered:yes", "confirmation.answered", answer=["yes"])
    expect("confirmation.answered:less", "confirmation.answered", answer=["less"])
    expect("confirmation.answered:no", "confirmation.answered", answer=["no", "no_and_end"])
    expect("act.performed:done", "act.performed", outcome=["done"])
    expect("agent.suspended", "agent.suspended")
    expect("task.ended:suspended", "task.ended", reason=["operator_suspended"])
    # Counted without looking at decisions at all: what was permitted after a yes is what the last yes, or a less, stands before.
    yes = [one["index"] + 1 for one in entries if one["kind"] == "confirmation.answered" and one["envelope"]["answer"] in {"yes", "less"}]
    assert figures["ask.decided:permitted:confirmed"] == (len(yes), yes[:5]) == (2, yes)
    assert {figures[fact][0] > 0 for fact in ("ask.decided:refused:words", "confirmation.answered:less", "agent.suspended")} == {True}
    assert {"ASI01", "ASI09", "ASI10", "NHI1:2025", "AML.M0029", "MANAGE 2.4"} <= exercised(told(arena))


@pytest.mark.proves("P5")
@pytest.mark.parametrize(
    "harm",
    [
        "delete from entry where idx = (select max(idx) from entry)",
        "delete from entry where kind = 'task.opened'",
        "update entry set envelope = cast(replace(cast(envelope as text), '\"refuse\"', '\"permit\"') as blob) where kind = 'ask.decided'",
        "update entry set (envelope, leaf) = (select envelope, leaf from entry where idx = 0) where kind = 'ask.decided'",
    ],
)
def test_a_log_that_was_cut_or_changed_gives_no_figure(tmp_path: Path, harm: str) -> None:
    with open_arena(store=tmp_path) as arena:
        arena.task().ask("profile.read", {})
        assert "ASI01" in exercised(told(arena))
        with sqlite3.connect(tmp_path / "store.sqlite", isolation_level=None) as connection:
            shutil.copy(tmp_path / "store.sqlite", tmp_path / "kept")
            assert connection.execute(harm).rowcount == 1
        connection.close()
        with pytest.raises(Refused) as refused:
            told(arena)
        assert refused.value.code == "log.damaged"


@pytest.mark.proves("P5")
def test_what_is_counted_along_is_what_is_counted_afresh_and_nothing_is_read_twice(arena: Arena) -> None:
    counted = CountedLog()
    sizes: list[int] = []

    def along() -> Report:
        seen: list[int] = []
        found: Report = arena.run(
            counted.report(
                arena.context, period=EVER, frameworks=frameworks_named([], FRAMEWORKS), progress=lambda done, _size: seen.append(done)
            )
        )
        sizes.append(len(seen))
        return found

    for _ in range(5):
        task = arena.task()
        for number in range(60):
            task.ask("order.read", {"order_id": "W1" if number % 3 else "W9"})
        assert along() == told(arena)
    assert max(sizes[1:]) <= 2, "each time a page or two, not the whole log"
    assert along() == told(arena)
    assert sizes[-1] == 0


@pytest.mark.proves("P5")
def test_a_count_that_takes_long_says_how_far_it_is_and_goes_on_by_itself(arena: Arena) -> None:
    task = arena.task()
    for _ in range(300):
        task.ask("order.read", {"order_id": "W9"})

    async def asked() -> tuple[CountProgress, Report]:
        counted = CountedLog()
        began = await counted.report_or_progress(arena.context, period=EVER, frameworks=frameworks_named([], FRAMEWORKS), patience_s=0)
        assert isinstance(began, CountProgress)
        while True:
            found = await counted.report_or_progress(
                arena.context, period=EVER, frameworks=frameworks_named(["owasp-nhi"], FRAMEWORKS), patience_s=1
            )
            if isinstance(found, Report):
                await counted.stop()
                return began, found

    began, found = arena.run(asked())
    assert began.size == len(arena.entries()) > began.entries
    assert [one.framework.name for one in found.evidence] == ["owasp-nhi"]
    assert found.figures == told(arena).figures


@pytest.mark.proves("P5")
def test_a_count_that_goes_on_by_itself_tells_what_it_ran_into_and_no_figure(tmp_path: Path) -> None:
    with open_arena(store=tmp_path) as arena:
        arena.task().ask("profile.read", {})
        assert told(arena).size
        with sqlite3.connect(tmp_path / "store.sqlite", isolation_level=None) as connection:
            assert connection.execute("delete from entry where kind = 'task.opened'").rowcount == 1
        connection.close()

        async def asked() -> None:
            counted = CountedLog()
            await counted.report_or_progress(arena.context, period=EVER, frameworks=frameworks_named([], FRAMEWORKS), patience_s=5)

        with pytest.raises(Refused) as refused:
            arena.run(asked())
        assert refused.value.code == "log.damaged"


@pytest.mark.proves("LIMITS")
def test_many_periods_are_not_counted_beside_one_another_without_end(arena: Arena) -> None:
    async def asked() -> list[str]:
        counted = CountedLog()
        periods = [Period(since=Instant(moment), until=None) for moment in range(20)]
        asking = [
            counted.report_or_progress(arena.context, period=one, frameworks=frameworks_named([], FRAMEWORKS), patience_s=0)
            for one in periods
        ]
        answers = await asyncio.gather(*asking, return_exceptions=True)
        await counted.stop()
        return [one.code for one in answers if isinstance(one, Refused)]

    arena.task()
    assert arena.run(asked()) == ["request.rate_limited"] * 12
