"""Somebody says yes and is stopped before the act is done: their role goes, a recovery pauses them, their passkey is removed."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from attacks.arena import SEND_BACK, Arena, catalogue, code_of, mandate, open_arena
from remit.client import Refused
from remit.domain.records import ActRecord, ConfirmationRecord, PasskeyRecord, PersonRecord
from remit.ports.store import Commit, Committed, Put
from remit.sandbox import SandboxReply

RECOVER = {
    "type": "remit_mandate",
    "objective": {"type": "recover-account"},
    "powers": [{"power": "represent"}, {"power": "request", "actions": ["account.recover"]}],
}


def without_role(arena: Arena) -> None:
    _put(arena, lambda person: replace(person, roles=("audit",)))


def paused(arena: Arena) -> None:
    _put(arena, lambda person: replace(person, paused=True))


def without_passkey(arena: Arena) -> None:
    for kept in arena.run(arena.context.store.find(PasskeyRecord, "passkey.person", "ann")):
        arena.run(arena.context.store.commit(Commit(puts=(Put(replace(kept.record, revoked=True), kept.rev, kept.record),))))


def with_young_passkey(arena: Arena) -> None:
    _put(arena, lambda person: replace(person, contact_changed_at=arena.context.world.now()))
    for kept in arena.run(arena.context.store.find(PasskeyRecord, "passkey.person", "ann")):
        young = replace(kept.record, young_since=arena.context.world.now())
        arena.run(arena.context.store.commit(Commit(puts=(Put(young, kept.rev, kept.record),))))


def _put(arena: Arena, changed: Callable[[PersonRecord], PersonRecord]) -> None:
    kept = arena.run(arena.context.store.get(PersonRecord, "ann"))
    arena.run(arena.context.store.commit(Commit(puts=(Put(changed(kept.record), kept.rev, kept.record),))))


STOPS = pytest.mark.parametrize("stop", [without_role, paused, without_passkey, with_young_passkey])


def confirmed_by_ann(arena: Arena) -> SandboxReply:
    """An account recovery that waits for the customer alone: the officer has said yes."""
    reply = arena.task(RECOVER).ask("account.recover", {"contact": "email"})
    assert arena.desk.officer("ann", roles=["security"]).confirm(reply).needs_human
    return reply


def meanwhile(arena: Arena, kind: type[ActRecord | ConfirmationRecord], state: str) -> list[str]:
    """Stop her at the last moment: between all checks and the record that writes such a thing in such a state."""
    store, stopped = arena.context.store, list[str]()
    real = store.commit

    async def commit(one: Commit) -> Committed:
        if not stopped and any(isinstance(put.record, kind) and put.record.state == state for put in one.puts):
            stopped.append(state)
            kept = await store.get(PersonRecord, "ann")
            await real(Commit(puts=(Put(replace(kept.record, paused=True), kept.rev, kept.record),)))
        return await real(one)

    store.commit = commit  # type: ignore[method-assign]  # between check and record there is no door
    return stopped


@pytest.mark.proves("CONFIRM-WHO")
@STOPS
def test_a_yes_counts_no_more_once_whoever_said_it_was_stopped(arena: Arena, stop: Callable[[Arena], None]) -> None:
    reply = confirmed_by_ann(arena)
    stop(arena)
    assert arena.anna.confirm(reply).codes == ("confirmation.wrong_person",)
    assert arena.performed("account.recover") == []
    assert arena.recorded("confirmation.answered", ask=reply.ask, state="void")["envelope"]["answer"] == "yes"


@pytest.mark.proves("CONFIRM-WHO")
def test_whoever_is_stopped_while_the_last_yes_is_recorded_is_seen(arena: Arena) -> None:
    reply = confirmed_by_ann(arena)
    stopped = meanwhile(arena, ConfirmationRecord, "answered")
    assert arena.anna.confirm(reply).codes == ("confirmation.wrong_person",)
    assert stopped == ["answered"]
    assert [one["envelope"]["decision"] for one in arena.entries("ask.decided")] == ["needs_human"]  # no permit is on the record
    assert arena.performed("account.recover") == []


@pytest.mark.proves("CONFIRM-WHO")
def test_whoever_is_stopped_while_their_own_yes_is_recorded_has_said_nothing(arena: Arena) -> None:
    reply = arena.task(RECOVER).ask("account.recover", {"contact": "email"})
    ann = arena.desk.officer("ann", roles=["security"])
    stopped = meanwhile(arena, ConfirmationRecord, "waiting")
    with pytest.raises(Refused) as refused:
        ann.confirm(reply)
    assert (refused.value.code, stopped) == ("confirmation.wrong_person", ["waiting"])
    assert arena.entries("confirmation.answered") == []


@pytest.mark.proves("CONFIRM-WHO")
def test_a_paused_officer_neither_sees_nor_answers(arena: Arena) -> None:
    reply = arena.task(RECOVER).ask("account.recover", {"contact": "email"})
    ann = arena.desk.officer("ann", roles=["security"])
    path = f"/desk/v1/confirmations/{ann.invitation(reply)}"
    signed = {"answer": "yes", "assertion": ann.passkey.get(ann.get(path)["options"])}
    paused(arena)
    with arena.unchanged():
        assert code_of(arena.person("GET", path, cookie=ann.cookie)) == "person.not_allowed"
        assert code_of(arena.person("POST", path, signed, cookie=ann.cookie)) == "person.not_allowed"
    assert arena.entries("confirmation.answered") == []


@pytest.mark.proves("CONFIRM-WHO")
@STOPS
def test_what_waits_to_be_sent_is_not_sent_once_whoever_confirmed_it_was_stopped(arena: Arena, stop: Callable[[Arena], None]) -> None:
    reply = confirmed_by_ann(arena)
    arena.helpdesk.set_unavailable(True)
    assert arena.anna.confirm(reply).outcome is None
    stop(arena)
    arena.helpdesk.set_unavailable(False)
    arena.desk.sweep()
    assert arena.performed("account.recover") == []
    assert arena.recorded("act.performed", ask=reply.ask)["envelope"]["outcome"] == "void"
    assert reply.again().codes == ("confirmation.wrong_person",)


@pytest.mark.proves("CONFIRM-WHO")
def test_whoever_is_stopped_while_the_sending_is_recorded_is_seen(arena: Arena) -> None:
    reply = confirmed_by_ann(arena)
    stopped = meanwhile(arena, ActRecord, "sent")
    arena.anna.confirm(reply)
    arena.desk.sweep()
    assert stopped == ["sent"]
    assert arena.performed("account.recover") == []
    assert arena.recorded("act.performed", ask=reply.ask)["envelope"]["outcome"] == "void"


@pytest.mark.proves("CONFIRM-WHO", "FENCE")
@STOPS
def test_what_the_desk_never_saw_is_not_done_again_once_whoever_confirmed_it_was_stopped(
    arena: Arena, stop: Callable[[Arena], None]
) -> None:
    reply = confirmed_by_ann(arena)
    arena.backoffice.fail_next("before")
    assert arena.anna.confirm(reply).outcome == "unknown"
    stop(arena)
    arena.desk.sweep()
    assert arena.performed("account.recover") == []
    assert arena.recorded("act.performed", ask=reply.ask, outcome="failed")["envelope"]["action"] == "account.recover"


@pytest.mark.proves("CONFIRM-WHO", "CONFIRM-LESS")
@STOPS
def test_what_an_officer_offered_instead_is_not_agreed_to_once_they_were_stopped(stop: Callable[[Arena], None]) -> None:
    with open_arena(catalogue=catalogue(floor={"payment": ["customer", "officer:billing"]}), policies=None) as arena:
        reply = arena.task().ask("order.return", {"order_id": "W1", "item_ids": ["i1", "i2"]})
        less = arena.desk.officer("ann", roles=["billing"]).offer_less(reply, SEND_BACK)
        stop(arena)
        assert arena.anna.confirm(less).codes == ("confirmation.wrong_person",)
        assert arena.performed() == []


@pytest.mark.proves("CONFIRM-WHO", "CONFIRM-LESS")
@pytest.mark.parametrize("stop", [without_role, paused, without_passkey])
def test_what_an_officer_alone_offered_instead_is_not_sent_once_they_were_stopped(stop: Callable[[Arena], None]) -> None:
    rules = catalogue()
    rules["action"]["order.return"]["area"] = "routine"
    asks_ann = """@id("case") permit (principal, action in Action::"case.*", resource);
        @id("billing") permit (principal, action, resource) when { context.confirmed_by.contains("officer:billing") };"""
    with open_arena(catalogue=rules, policies=asks_ann) as arena:
        reply = arena.task().ask("order.return", {"order_id": "W1", "item_ids": ["i1", "i2"]})
        assert reply.who == ("officer:billing",)
        arena.helpdesk.set_unavailable(True)
        less = arena.desk.officer("ann", roles=["billing"]).offer_less(reply, SEND_BACK)
        assert less.outcome is None
        stop(arena)
        arena.helpdesk.set_unavailable(False)
        arena.desk.sweep()
        assert arena.performed() == []
        assert less.again().codes == ("confirmation.wrong_person",)


@pytest.mark.proves("CONFIRM-WHO")
def test_a_yes_of_somebody_who_is_still_there_counts_in_the_outbox(arena: Arena) -> None:
    reply = confirmed_by_ann(arena)
    arena.helpdesk.set_unavailable(True)
    assert arena.anna.confirm(reply).outcome is None
    arena.helpdesk.set_unavailable(False)
    arena.desk.sweep()
    assert arena.performed("account.recover") == [{"contact": "email"}]


@pytest.mark.proves("CONFIRM-WHO")
def test_a_passkey_that_is_removed_while_the_sending_is_recorded_is_seen(arena: Arena) -> None:
    reply = confirmed_by_ann(arena)
    store, removed = arena.context.store, list[bool]()
    real = store.commit

    async def commit(one: Commit) -> Committed:
        if not removed and any(isinstance(put.record, ActRecord) and put.record.state == "sent" for put in one.puts):
            removed.append(True)
            (kept,) = await store.find(PasskeyRecord, "passkey.person", "ann")
            await real(Commit(puts=(Put(replace(kept.record, revoked=True), kept.rev, kept.record),)))
        return await real(one)

    store.commit = commit  # type: ignore[method-assign]  # between check and record there is no door
    arena.anna.confirm(reply)
    arena.desk.sweep()
    assert removed == [True]
    assert arena.performed("account.recover") == []


@pytest.mark.proves("CONFIRM-WHO", "COUNTERS")
def test_a_yes_under_another_power_is_charged_to_that_power(arena: Arena) -> None:
    small = {"power": "request", "actions": ["order.return"], "uses": 1, "where": {"item_ids": {"subset_of": ["i1"]}}}
    large = {"power": "request", "actions": ["order.return"], "uses": 1, "where": {"item_ids": {"subset_of": ["i1", "i2"]}}}
    granted, task = arena.granted(mandate(powers=[{"power": "represent"}, small, large]))
    waiting = task.ask("order.return", SEND_BACK)
    assert waiting.needs_human
    arena.anna.narrow(granted, mandate(powers=[{"power": "represent"}, large]))
    assert arena.anna.confirm(waiting).outcome == "done"
    again = task.ask("order.return", {**SEND_BACK, "item_ids": ["i2"]})
    assert again.codes == ("mandate.uses_spent",)
    assert arena.performed("order.return") == [SEND_BACK]
