"""The contract of the backoffice port, over every plug."""

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.desk_plugs import EFFECTS, FACTS, NOW, PLUGS, SEED, Desk, StandingWorld, act, run, small_catalogue
from remit.adapters.backoffice.builtin import BuiltinBackoffice
from remit.adapters.backoffice.sandbox import SandboxBackoffice
from remit.adapters.backoffice.switchable import SwitchableBackoffice
from remit.adapters.builtin_desk.database import DeskDatabase
from remit.domain.errors import Code, Fault, Refused
from remit.ports.backoffice import ActOutcome


@pytest.fixture(params=sorted(PLUGS))
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    with PLUGS[request.param](tmp_path) as one:
        yield one


def test_a_built_in_desk_that_is_given_facts_does_nothing_of_before_again(tmp_path: Path) -> None:
    database = DeskDatabase(tmp_path / "desk.db")
    try:
        plug = SwitchableBackoffice(database, StandingWorld(), small_catalogue())
        run(plug.seed(SEED))
        assert [one and one.name for one in run(plug.facts([("order", "W1")], customer="anna"))] == ["Kettle"]
        not_built_in = run(plug.perform(act("k1")))
        assert (not_built_in.state, "gives facts" in not_built_in.reason) == (ActOutcome.FAILED, True)
        assert run(plug.fence(act("k2"))).state is ActOutcome.FENCED
        plug.replace_facts({"owners": {"order": {"W7": "anna"}}})
        assert [bool(one) for one in run(plug.facts([("order", "W1"), ("order", "W7")], customer="anna"))] == [False, True]
        for key, state in (("k1", ActOutcome.FAILED), ("k2", ActOutcome.FENCED), ("k3", ActOutcome.DONE)):
            assert run(plug.perform(act(key, order="W7"))).state is state
            assert run(plug.outcome(act(key))).state is state
        assert run(plug.fence(act("k3"))).state is ActOutcome.DONE
        assert run(plug.fence(act("k4"))).state is ActOutcome.FENCED
        again = SwitchableBackoffice(database, StandingWorld(), small_catalogue())
        assert [run(again.outcome(act(key))).state for key in ("k1", "k2", "k4")] == [
            ActOutcome.FAILED,
            ActOutcome.FENCED,
            ActOutcome.FENCED,
        ]
    finally:
        database.close()


def test_facts_come_in_order_and_say_whose_a_record_is(desk: Desk) -> None:
    facts = run(desk.plug.facts([("order", "W2"), ("order", "W9"), ("order", "W3"), ("product", "P1")], customer="anna"))
    assert [fact and (fact.id, set(fact.owners), fact.relation) for fact in facts] == [
        ("W2", {"bram"}, "none"),
        None,
        ("W3", {"anna", "bram"}, "owner"),
        ("P1", set(), "public"),
    ]
    assert facts[0].as_of == NOW
    assert facts[0].name == "Lamp"


def test_what_a_record_consists_of_is_told_of_the_customers_own_alone(desk: Desk) -> None:
    places = [("order", "W2"), ("order", "W1"), ("order", "W9"), ("order", "W3"), ("product", "P1")]
    assert run(desk.plug.contents(places, customer="anna")) == [{}, {"i1": "Kettle", "i2": "Lid"}, {}, {}, {}]


@pytest.mark.parametrize("alias", ["w1", "W1 ", " W1", "\uff371", "W1\u200b", "W01", ""])
def test_an_alias_of_an_id_is_another_id(desk: Desk, alias: str) -> None:
    assert run(desk.plug.facts([("order", alias)], customer="anna")) == [None]


def test_a_read_answers_what_the_action_declares_and_nothing_else(desk: Desk) -> None:
    told = run(desk.plug.read("order.read", {"order_id": "W1"}, customer="anna"))
    assert told.state is ActOutcome.DONE
    assert told.values["order.status"] == "pending"
    assert set(told.values) <= {"order.status", "contact.email"}


def test_a_read_of_several_records_tells_all_values_in_order(desk: Desk) -> None:
    assert run(desk.plug.read("order.compare", {"order_ids": ["W3", "W1"]}, customer="anna")).values == {
        "order.status": ["delivered", "pending"]
    }


def test_a_read_without_records_answers_from_the_customer(desk: Desk) -> None:
    assert run(desk.plug.read("profile.read", {}, customer="bram")).values == {"contact.email": "bram@mail.example"}


def test_a_read_of_a_public_record_answers_everybody(desk: Desk) -> None:
    assert run(desk.plug.read("product.read", {"product_id": "P1"}, customer="bram")).values == {"product.price": "49.90 EUR"}


def test_a_foreign_and_an_unknown_record_are_answered_alike(desk: Desk) -> None:
    foreign = run(desk.plug.read("order.read", {"order_id": "W2"}, customer="anna"))
    unknown = run(desk.plug.read("order.read", {"order_id": "W9"}, customer="anna"))
    assert foreign == unknown
    assert foreign.state is ActOutcome.FAILED


def test_an_act_is_done_once_however_often_its_key_comes(desk: Desk) -> None:
    first = run(desk.plug.perform(act()))
    again = run(desk.plug.perform(act()))
    assert first.state is ActOutcome.DONE
    assert again == first
    assert run(desk.plug.outcome(act("k1"))) == first
    assert desk.marks() == 1


def test_an_act_that_comes_many_times_at_once_is_done_once(desk: Desk) -> None:
    async def storm() -> list[Any]:
        return list(await asyncio.gather(*(desk.plug.perform(act()) for _ in range(20))))

    assert {result.state for result in run(storm())} == {ActOutcome.DONE}
    assert desk.marks() == 1


def test_a_no_of_the_desk_is_kept_with_its_reason_and_leaves_nothing_behind(desk: Desk) -> None:
    no = run(desk.plug.perform(act(order="W3")))
    assert (no.state, no.reason) == (ActOutcome.FAILED, "delivered orders cannot be marked")
    assert run(desk.plug.perform(act(order="W3"))) == no
    assert run(desk.plug.attributes("anna", ["contact.email"])) == {"contact.email": "anna@mail.example"}


def test_a_version_that_moved_on_fails_and_changes_nothing(desk: Desk) -> None:
    (before,) = run(desk.plug.facts([("order", "W1")], customer="anna"))
    assert run(desk.plug.perform(act("k1", version=before.version))).state is ActOutcome.DONE
    late = run(desk.plug.perform(act("k2", version=before.version)))
    assert late.state is ActOutcome.FAILED
    assert desk.marks() == 1
    (after,) = run(desk.plug.facts([("order", "W1")], customer="anna"))
    assert after.version != before.version


def test_a_record_that_is_gone_has_no_version_that_holds(desk: Desk) -> None:
    assert run(desk.plug.perform(act(order="W9", version="1"))).state is ActOutcome.FAILED


def test_a_fenced_key_never_executes(desk: Desk) -> None:
    assert run(desk.plug.fence(act("k1"))).state is ActOutcome.FENCED
    assert run(desk.plug.perform(act())).state is ActOutcome.FENCED
    assert run(desk.plug.outcome(act("k1"))).state is ActOutcome.FENCED
    assert desk.marks() == 0


def test_a_fence_behind_an_act_tells_what_happened(desk: Desk) -> None:
    done = run(desk.plug.perform(act()))
    assert run(desk.plug.fence(act("k1"))) == done


def test_an_act_and_a_fence_at_once_agree_on_one_story(desk: Desk) -> None:
    async def race() -> tuple[Any, Any]:
        return await asyncio.gather(desk.plug.perform(act()), desk.plug.fence(act("k1")))

    acted, fenced = run(race())
    assert acted == fenced
    assert desk.marks() == (1 if acted.state is ActOutcome.DONE else 0)


def test_a_key_nobody_used_is_unseen(desk: Desk) -> None:
    assert run(desk.plug.outcome(act("never"))).state is ActOutcome.UNSEEN


def test_a_failure_before_storing_leaves_the_key_unseen(desk: Desk) -> None:
    desk.fail("before")
    with pytest.raises(Fault) as broken:
        run(desk.plug.perform(act()))
    assert broken.value.code is Code.FAULT_BACKOFFICE
    assert run(desk.plug.outcome(act("k1"))).state is ActOutcome.UNSEEN
    assert run(desk.plug.perform(act())).state is ActOutcome.DONE


def test_a_failure_after_storing_leaves_a_done_act(desk: Desk) -> None:
    desk.fail("after")
    with pytest.raises(Fault):
        run(desk.plug.perform(act()))
    assert run(desk.plug.outcome(act("k1"))).state is ActOutcome.DONE
    assert run(desk.plug.perform(act())).state is ActOutcome.DONE
    assert desk.marks() == 1


def test_the_customers_values_are_their_own_only(desk: Desk) -> None:
    values = run(desk.plug.attributes("anna", ["contact.email", "order.status", "order.note", "identity.unknown"]))
    assert values == {"contact.email": "anna@mail.example", "order.status": ["pending", "delivered"]}
    assert run(desk.plug.attributes("nobody", ["contact.email", "order.status"])) == {}


def test_what_other_records_say_and_the_named_ones_do_not(desk: Desk) -> None:
    names = ["contact.email", "order.status"]
    email = {"contact.email": "anna@mail.example"}
    assert run(desk.plug.attributes("anna", names, beside={"order": ["W1"]})) == {**email, "order.status": ["delivered"]}
    assert run(desk.plug.attributes("anna", names, beside={"order": ["W1", "W3"]})) == email
    assert run(desk.plug.attributes("anna", names, beside={"product": ["p1"]})) == {**email, "order.status": ["pending", "delivered"]}


def test_the_records_to_choose_from_are_the_customers_own(desk: Desk) -> None:
    assert [(one.id, one.name) for one in run(desk.plug.records("anna", "order"))] == [("W1", "Kettle"), ("W3", "Cup")]
    assert list(run(desk.plug.records("anna", "product"))) == []


# The built-in desk alone.


def test_an_effect_that_breaks_leaves_no_trace_and_is_a_fault(tmp_path: Path) -> None:
    with PLUGS["builtin"](tmp_path) as desk:
        with pytest.raises(Fault) as broken:
            run(desk.plug.perform(act(action="order.break")))
        assert broken.value.code is Code.FAULT_BACKOFFICE
        assert run(desk.plug.outcome(act("k1"))).state is ActOutcome.UNSEEN
        assert run(desk.plug.read("order.read", {"order_id": "W1"}, customer="anna")).values["order.status"] == "pending"


def test_one_broken_act_takes_nothing_of_the_others_in_its_commit_with_it(tmp_path: Path) -> None:
    with PLUGS["builtin"](tmp_path) as desk:

        async def mixed() -> list[Any]:
            acts = [act("a", order="W1"), act("b", action="order.break"), act("c", order="W3"), act("d", order="W2", customer="bram")]
            return await asyncio.gather(*(desk.plug.perform(one) for one in acts), return_exceptions=True)

        done, broken, failed, other = run(mixed())
        assert (done.state, failed.state, other.state) == (ActOutcome.DONE, ActOutcome.FAILED, ActOutcome.DONE)
        assert isinstance(broken, Fault)
        assert run(desk.plug.outcome(act("b"))).state is ActOutcome.UNSEEN


def test_acts_and_fences_survive_a_restart(tmp_path: Path) -> None:
    with PLUGS["builtin"](tmp_path) as desk:
        run(desk.plug.perform(act("k1")))
        run(desk.plug.fence(act("k2")))
    with PLUGS["builtin"](tmp_path) as desk:
        assert run(desk.plug.outcome(act("k1"))).state is ActOutcome.DONE
        assert run(desk.plug.perform(act("k2"))).state is ActOutcome.FENCED
        assert run(desk.plug.read("order.read", {"order_id": "W1"}, customer="anna")).values["order.status"] == "marked"


def test_an_act_by_somebody_else_than_the_owner_fails_at_the_desk_too(tmp_path: Path) -> None:
    with PLUGS["builtin"](tmp_path) as desk:
        foreign = run(desk.plug.perform(act("k1", order="W2")))
        unknown = run(desk.plug.perform(act("k2", order="W9")))
        assert (
            (foreign.state, foreign.reason)
            == (unknown.state, unknown.reason)
            == (ActOutcome.FAILED, "There is no such order of this customer.")
        )


def test_a_write_the_built_in_desk_cannot_do_stops_the_start(tmp_path: Path) -> None:
    database = DeskDatabase(tmp_path / "desk.db")
    try:
        with pytest.raises(Refused) as refused:
            BuiltinBackoffice(database, StandingWorld(), small_catalogue(), effects={"order.mark": EFFECTS["order.mark"]})
        assert refused.value.code is Code.CATALOGUE_INVALID
        assert "order.break" in refused.value.detail
    finally:
        database.close()


def test_a_file_that_is_no_database_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "desk.db").write_bytes(b"this is no database, and long enough to be looked at" * 20)
    with pytest.raises(Refused) as refused:
        DeskDatabase(tmp_path / "desk.db")
    assert refused.value.code is Code.SETTINGS_INVALID


def test_a_file_of_another_version_stops_the_start(tmp_path: Path) -> None:
    with PLUGS["builtin"](tmp_path):
        pass
    connection = sqlite3.connect(tmp_path / "desk.db")
    connection.execute("update part set version = 99 where name = 'backoffice'")
    connection.commit()
    connection.close()
    with pytest.raises(Refused) as refused, PLUGS["builtin"](tmp_path):
        pass
    assert refused.value.code is Code.SETTINGS_INVALID


def test_nobody_else_on_the_machine_can_read_the_file(tmp_path: Path) -> None:
    with PLUGS["builtin"](tmp_path):
        assert (tmp_path / "desk.db").stat().st_mode & 0o077 == 0


def test_a_closed_desk_is_a_fault_not_a_wait(tmp_path: Path) -> None:
    with PLUGS["builtin"](tmp_path) as desk:
        pass
    with pytest.raises(Fault):
        run(desk.plug.perform(act()))
    with pytest.raises(Fault):
        run(desk.plug.outcome(act("k1")))


def test_seeding_again_leaves_alone_what_stands(tmp_path: Path) -> None:
    with PLUGS["builtin"](tmp_path) as desk:
        run(desk.plug.perform(act()))
        run(desk.plug.seed(SEED))
        assert run(desk.plug.read("order.read", {"order_id": "W1"}, customer="anna")).values["order.status"] == "marked"


# The sandbox alone.


@pytest.mark.parametrize(
    "facts",
    [
        {"owner": {}},
        {"owners": []},
        {"owners": {"order": ["W1"]}},
        {"owners": {"order": {"W1": 7}}},
        {"owners": {"order": {"W1": [7]}}},
        {"attributes": {"order": {"W1": "pending"}}},
        {"records": {"order": {"W1": "Kettle"}}},
        {"owners": {"order": {1: "anna"}}},
        {1: {}},
    ],
)
def test_facts_of_another_shape_are_refused(facts: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        SandboxBackoffice(small_catalogue(), StandingWorld(), facts)
    assert refused.value.code is Code.SETTINGS_INVALID
    assert refused.value.cure


@pytest.mark.parametrize(
    ("facts", "named"),
    [
        ({"owners": {"ordr": {"W1": "anna"}}}, "owners: the catalogue has no kind 'ordr'; near are order"),
        ({"owners": {"ordr": {}}}, "owners: the catalogue has no kind 'ordr'; near are order"),
        ({"records": {"zzz": {"W1": {}}}}, "records: the catalogue has no kind 'zzz'; known are customer, order, product"),
        ({"attributes": {7: {}}}, "attributes: the catalogue has no kind 7; known are customer, order, product"),
        (
            {"attributes": {"order": {"W1": {"order.statu": "x"}}}},
            "attributes of order 'W1': the catalogue has no attribute 'order.statu'; near are order.status",
        ),
        (
            {"attributes": {"customer": {"anna": {"zzz": "x"}}}},
            "attributes of customer 'anna': the catalogue has no attribute 'zzz'; known are case.messages, case.status,",
        ),
    ],
)
def test_facts_about_what_the_catalogue_does_not_declare_are_refused_with_what_is_near(facts: dict[str, Any], named: str) -> None:
    desk = SandboxBackoffice(small_catalogue(), StandingWorld(), FACTS)
    for read in (lambda: SandboxBackoffice(small_catalogue(), StandingWorld(), facts), lambda: desk.replace_facts(facts)):
        with pytest.raises(Refused) as refused:
            read()
        assert refused.value.code is Code.SETTINGS_INVALID
        assert refused.value.detail.startswith(f"facts: {named}")
        assert refused.value.cure
    (kept,) = run(desk.facts([("order", "W1")], customer="anna"))
    assert kept.owners == {"anna"}


def test_a_record_may_say_more_than_the_catalogue_declares_and_a_customer_needs_no_kind_of_its_own() -> None:
    facts = {"owners": {"customer": {"anna": "anna"}}, "records": {"order": {"W1": {"name": "Kettle", "weight": 3}}}}
    desk = SandboxBackoffice(small_catalogue(), StandingWorld(), facts)
    assert run(desk.facts([("order", "W1")], customer="anna"))[0].name == "Kettle"


def test_a_write_without_a_rule_is_logged_and_answers_nothing() -> None:
    desk = SandboxBackoffice(small_catalogue(), StandingWorld(), FACTS)
    result = run(desk.perform(act()))
    assert (result.state, result.values) == (ActOutcome.DONE, {})
    assert [one.key for one in desk.performed] == ["k1"]


def test_a_record_touched_by_somebody_else_has_a_new_version() -> None:
    desk = SandboxBackoffice(small_catalogue(), StandingWorld(), FACTS)
    (before,) = run(desk.facts([("order", "W1")], customer="anna"))
    run(desk.perform(act("k1", version=before.version)))
    assert run(desk.perform(act("k2", version=before.version))).state is ActOutcome.DONE
    desk.touch("order", "W1")
    assert run(desk.perform(act("k3", version=before.version))).state is ActOutcome.FAILED


def test_a_sandbox_that_is_down_tells_nothing() -> None:
    desk = SandboxBackoffice(small_catalogue(), StandingWorld(), FACTS)
    desk.set_unavailable(True)
    for asked in (
        desk.facts([], customer="anna"),
        desk.read("profile.read", {}, customer="anna"),
        desk.perform(act()),
        desk.outcome(act("k1")),
        desk.fence(act("k1")),
    ):
        with pytest.raises(Fault):
            run(asked)
    desk.set_unavailable(False)
    assert run(desk.outcome(act("k1"))).state is ActOutcome.UNSEEN


def test_a_customer_nobody_described_still_owns_their_own_record() -> None:
    desk = SandboxBackoffice(small_catalogue(), StandingWorld(), {})
    (own, other) = run(desk.facts([("customer", "anna"), ("customer", "bram")], customer="anna"))
    assert own.owners == {"anna"}
    assert other is None
    assert run(desk.read("profile.read", {}, customer="anna")).values == {}


def _step(desk: SandboxBackoffice, step: str, key: str) -> Any:
    if step == "perform":
        return desk.perform(act(key))
    return desk.fence(act(key)) if step == "fence" else desk.outcome(act(key))


KEYS = st.sampled_from(["k1", "k2", "k3"])
STEPS = st.lists(st.tuples(st.sampled_from(["perform", "fence", "fail_before", "fail_after", "outcome"]), KEYS), max_size=25)


@settings(max_examples=60, deadline=None)
@given(steps=STEPS)
def test_whatever_happens_a_key_has_one_story_and_acts_at_most_once(steps: list[tuple[str, str]]) -> None:
    desk = SandboxBackoffice(small_catalogue(), StandingWorld(), FACTS)
    told: dict[str, Any] = {}
    for step, key in steps:
        if step.startswith("fail_"):
            desk.fail_next("before" if step == "fail_before" else "after")
            continue
        try:
            result = run(_step(desk, step, key))
        except Fault:
            continue
        if result.state is not ActOutcome.UNSEEN:
            assert told.setdefault(key, result) == result
        else:
            assert key not in told
    done = [one.key for one in desk.performed]
    assert len(done) == len(set(done))
