"""What a person confirmed must wait, and what they were shown is no longer what would be done: the same id is another card."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from attacks.arena import FACTS, SEND_BACK, Arena, catalogue, mandate, open_arena, refund
from remit.domain.records import AskRecord
from remit.sandbox import SandboxReply


def named(card: str) -> dict[str, Any]:
    """The shop's facts, with the desk calling Anna's payment method so."""
    facts = deepcopy(FACTS)
    facts["records"]["payment_method"] = {"pm_1": {"name": card}}
    return facts


def waits_for_its_case(arena: Arena) -> SandboxReply:
    """A refund Anna said yes to, queued because the helpdesk cannot be read, for longer than an act may be."""
    reply = arena.sent_back().ask("payment.refund", refund("40.00 EUR"))
    arena.helpdesk.set_unavailable(True)
    assert arena.anna.confirm(reply).outcome is None
    arena.helpdesk.set_unavailable(False)
    arena.clock.ahead_ms += 61_000
    return reply


def waits_for_a_decision(arena: Arena) -> SandboxReply:
    """The same, queued because the agent opened its next task meanwhile: the mandate moved."""
    agent = arena.agent()
    granted = arena.anna.grant(agent, mandate(max_tasks=2))
    task = agent.open(granted)
    assert arena.anna.confirm(task.ask("order.return", SEND_BACK)).outcome == "done"
    reply = task.ask("payment.refund", refund("40.00 EUR"))
    arena.helpdesk.set_unavailable(True)
    assert arena.anna.confirm(reply).outcome is None
    arena.helpdesk.set_unavailable(False)
    agent.open(granted)
    return reply


def was_never_seen(arena: Arena) -> SandboxReply:
    """The same, sent to a desk that was gone before it arrived."""
    reply = arena.sent_back().ask("payment.refund", refund("40.00 EUR"))
    arena.backoffice.fail_next("before")
    assert arena.anna.confirm(reply).outcome == "unknown"
    return reply


def kept(arena: Arena, ask: str) -> tuple[str, str]:
    """State and code of an ask; the clock is too far ahead for its agent to look."""
    record = arena.run(arena.context.store.get(AskRecord, ask)).record
    return record.state.value, record.code


WAITS = pytest.mark.parametrize("wait", [waits_for_its_case, waits_for_a_decision, was_never_seen])


@pytest.mark.proves("P6", "CONFIRM-FRESH")
@WAITS
def test_what_had_to_wait_is_not_done_when_what_was_shown_has_changed(wait: Callable[[Arena], SandboxReply]) -> None:
    with open_arena(facts=named("Visa of Anna ending 1234")) as arena:
        reply = wait(arena)
        arena.desk.replace_facts(named("Prepaid card of Mallory ending 6666"))
        arena.desk.sweep()
        assert arena.performed("payment.refund") == []
        state, code = ("failed", "") if wait is was_never_seen else ("void", "confirmation.mismatch")
        assert arena.entries("act.performed")[-1]["envelope"]["outcome"] == state
        assert kept(arena, reply.ask) == (state, code)


@pytest.mark.proves("CONFIRM-FRESH", "EPOCHS")
@WAITS
def test_what_had_to_wait_is_done_when_it_is_still_what_was_shown(wait: Callable[[Arena], SandboxReply]) -> None:
    with open_arena(facts=named("Visa of Anna ending 1234")) as arena:
        reply = wait(arena)
        arena.desk.sweep()
        assert arena.performed("payment.refund") == [refund("40.00 EUR")]
        decisions = [one["envelope"]["decision"] for one in arena.entries("ask.decided") if one["envelope"]["ask"] == reply.ask]
        again = [] if wait is was_never_seen else ["permit"]  # what is decided again is on the record before it is sent
        assert decisions == ["needs_human", "permit", *again]


@pytest.mark.proves("CONFIRM-FRESH", "CONFIRM-LESS")
def test_what_an_officer_offered_instead_is_not_done_either() -> None:
    rules = catalogue()
    rules["action"]["payment.refund"]["area"] = "routine"
    asks_billing = """@id("case") permit (principal, action in Action::"case.*", resource);
        @id("return") permit (principal, action == Action::"order.return", resource);
        @id("billing") permit (principal, action, resource) when { context.confirmed_by.contains("officer:billing") };"""
    with open_arena(catalogue=rules, policies=asks_billing, facts=named("Visa of Anna ending 1234")) as arena:
        reply = arena.sent_back().ask("payment.refund", refund("40.00 EUR"))
        assert reply.who == ("officer:billing",)
        arena.helpdesk.set_unavailable(True)
        less = arena.desk.officer("otto", roles=["billing"]).offer_less(reply, refund("30.00 EUR"))
        arena.helpdesk.set_unavailable(False)
        arena.desk.replace_facts(named("Prepaid card of Mallory ending 6666"))
        arena.clock.ahead_ms += 61_000
        arena.desk.sweep()
        assert arena.performed("payment.refund") == []
        assert kept(arena, less.ask) == ("void", "confirmation.mismatch")
