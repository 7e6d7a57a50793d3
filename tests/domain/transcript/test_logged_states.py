"""What the log last said about a record holds against its row."""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import replace

import pytest

from contracts.store_plugs import agent, ask, ceremony, mandate, task
from remit.domain.records import AskState, MandateRecord, PasskeyRecord, PersonRecord, Record, RulesRecord, Suspension, TaskState, Tier
from remit.domain.transcript.logged_states import LoggedStates
from remit.domain.transcript.pseudonyms import limits_digest, passkey_digest, pseudonym_of
from remit.domain.values import Instant, Json


def keyed(purpose: str, data: bytes) -> bytes:
    return hmac.digest(purpose.encode(), data, hashlib.sha256)


GRANTED = mandate(wire='{"n":2}')
ANNA = PersonRecord(id="anna", kind="customer", key="p1", name="Anna", email="", roles=(), created_at=Instant(1))


def key(name: str, at: int = 5) -> PasskeyRecord:
    return PasskeyRecord(id=name, person="anna", public_key="pk", sign_count=0, how="link", label="", created_at=Instant(at))


def grant(record: MandateRecord) -> dict[str, Json]:
    return {
        "kind": "mandate.granted",
        "at": 1,
        "mandate": record.id,
        "hash": record.hash,
        "agent": record.client_id,
        "customer": pseudonym_of(keyed, record.customer),
        "objective": record.objective,
        "limits": limits_digest(keyed, record),
    }


def enrolled(passkey: PasskeyRecord, kind: str = "person.enrolled") -> dict[str, Json]:
    return {"kind": kind, "at": passkey.created_at, "account": pseudonym_of(keyed, "anna"), "key": passkey_digest(keyed, passkey)}


def lines(envelopes: Iterable[dict[str, Json]], *records: Record) -> list[str]:
    states = LoggedStates(keyed)
    for index, envelope in enumerate(envelopes):
        states.take(index, envelope)
    return [f"{one.kind} {one.id} {one.text}" for one in states.compare(records)]


def test_a_mandate_is_as_it_was_granted_or_last_narrowed() -> None:
    narrowed = replace(GRANTED, version=2, max_tasks=1, wire='{"n":1}')
    told: dict[str, Json] = {
        "kind": "mandate.narrowed",
        "at": 2,
        "mandate": GRANTED.id,
        "version": 2,
        "limits": limits_digest(keyed, narrowed),
    }
    assert lines([grant(GRANTED)], GRANTED) == []
    assert lines([grant(GRANTED), told], narrowed) == []
    assert any("limits" in line for line in lines([grant(GRANTED), told], replace(GRANTED, version=2)))
    assert any("version is not what entry 1 says (1, not 2)" in line for line in lines([grant(GRANTED), told], GRANTED))
    assert lines([grant(GRANTED)], replace(GRANTED, wire="{}")) == [], "content that was erased is not compared"


def test_a_recovery_ends_the_earlier_passkeys() -> None:
    old, new = key("old"), key("new", 9)
    told = [enrolled(old), enrolled(new, "person.recovered")]
    assert lines(told, replace(old, revoked=True), new, ANNA) == []
    assert lines(told, old, new, ANNA) == ["passkey old revoked is not what entry 1 says (False, not True)"]


def test_a_passkey_from_before_entries_named_them_is_taken_as_it_is_and_a_later_one_is_not() -> None:
    older: dict[str, Json] = {"kind": "person.enrolled", "at": 1, "person": "p"}
    assert lines([older], key("old"), ANNA) == []
    assert lines([older, enrolled(key("new", 9))], key("old", 5), key("new", 9), ANNA) == []
    assert any("other is in no entry" in line for line in lines([older, enrolled(key("new", 9))], key("new", 9), key("other", 12), ANNA))


def test_an_entry_that_says_less_than_today_is_no_difference() -> None:
    assert lines([{"kind": "act.performed", "at": 1, "ask": "a"}, {"kind": "mandate.granted", "at": 1}]) == []


def test_the_rules_in_force_are_those_of_their_last_change() -> None:
    told: list[dict[str, Json]] = [{"kind": "policy.changed", "at": 1, "digest": "sha-256:a"}]
    rules = RulesRecord(id="rules", digest="sha-256:a", at=Instant(1), by="olga")
    assert lines(told, rules) == []
    assert lines(told, replace(rules, digest="sha-256:b")) == ["rules rules rules is not what entry 0 says"]


def person(kind: str, own: PasskeyRecord | None = None, **told: Json) -> dict[str, Json]:
    named = {} if own is None else {"key": passkey_digest(keyed, own)}
    return {"kind": kind, "at": 9, "account": pseudonym_of(keyed, "anna"), **named, **told}


@pytest.mark.parametrize("record", [GRANTED, task(), agent(), RulesRecord(id="rules", digest="d", at=Instant(1), by="olga")])
def test_a_record_that_no_entry_names_was_written_past_the_log(record: Record) -> None:
    """⚔ A row of one's own is a mandate that nobody granted."""
    assert lines([], record) == [f"{record.KIND} {record.id} is in no entry of the log"]


def test_a_part_of_the_log_does_not_tell_which_records_it_names_nowhere() -> None:
    assert list(LoggedStates(keyed, whole=False).compare([GRANTED, task(), key("k")])) == []


def test_a_passkey_that_was_removed_stays_removed() -> None:
    """⚔ Whoever puts a lost key's row back must not confirm with it."""
    told = [enrolled(key("k")), person("person.changed", key("k"), passkey="removed")]
    assert lines(told, replace(key("k"), revoked=True), ANNA) == []
    assert lines(told, ANNA) == [], "its row may be gone for good"
    assert lines(told, key("k"), ANNA) == ["passkey k revoked is not what entry 1 says (False, not True)"]


def test_a_passkey_in_use_is_missed() -> None:
    name = passkey_digest(keyed, key("k"))
    assert lines([enrolled(key("k"))], ANNA) == [f"passkey {name} is missing; entry 0 is about it"]


def test_an_account_has_the_roles_and_the_pause_of_its_last_change() -> None:
    """⚔ A row with a role more is a person who approves what they may not."""
    told = [person("person.changed", roles=["billing", "audit"]), person("person.changed", paused=True)]
    officer = replace(ANNA, roles=("audit", "billing"), paused=True)
    assert lines(told, officer) == []
    assert lines(told, replace(officer, roles=("audit", "billing", "admin"))) == [
        "person anna roles is not what entry 0 says (['admin', 'audit', 'billing'], not ['audit', 'billing'])"
    ]
    assert lines(told, replace(officer, paused=False)) == ["person anna paused is not what entry 1 says (False, not True)"]


def test_an_agents_tier_and_suspension_are_those_of_their_last_change() -> None:
    """⚔ A row that says `trusted`, or forgets a suspension, lets in an agent that people kept out."""
    known = agent()
    told: list[dict[str, Json]] = [
        {"kind": "agent.registered", "agent": known.id, "operator": known.operator, "actor": known.actor, "tier": "unproved"},
        {"kind": "agent.trusted", "agent": known.id, "to": Tier.KNOWN.value},
        {"kind": "agent.suspended", "what": "agent", "name": known.id},
    ]
    held = replace(known, tier=Tier.KNOWN, suspended="for its risk")
    assert lines(told, held) == []
    assert lines(told, replace(held, tier=Tier.TRUSTED)) == [f"agent {known.id} tier is not what entry 1 says (trusted, not known)"]
    assert lines(told, replace(held, suspended="")) == [f"agent {known.id} suspended is not what entry 2 says (False, not True)"]
    assert lines([*told, {"kind": "agent.resumed", "what": "agent", "name": known.id}], replace(held, suspended="")) == []


def test_a_suspended_customer_is_named_by_a_pseudonym_and_an_operator_by_itself() -> None:
    for what, name in (("customer", pseudonym_of(keyed, "anna")), ("operator", "anna")):
        told: list[dict[str, Json]] = [{"kind": "agent.suspended", "what": what, "name": name}]
        held = Suspension(id=f"{what}:anna", active=True, reason="r", by="olga", at=Instant(1))
        assert lines(told, held) == []
        assert lines(told, replace(held, active=False)) == [f"suspension {what}:anna active is not what entry 0 says (False, not True)"]


def test_only_what_allows_more_stops_a_start() -> None:
    states = LoggedStates(keyed)
    states.take(0, grant(GRANTED))
    states.take(1, {"kind": "mandate.revoked", "mandate": GRANTED.id})
    found = list(states.widened([replace(GRANTED, objective="other")]))
    assert [one.text for one in found] == ["state is not what entry 1 says (active, not revoked)"]
    assert list(states.widened([replace(GRANTED, state="revoked", objective="other")])) == []


def test_a_record_that_the_log_says_nothing_of_differs_from_nothing() -> None:
    assert lines([grant(GRANTED)], GRANTED, ceremony("c1"), ask("k1", state=AskState.VOID)) == ["ask k1 is in no entry of the log"]


def test_a_task_has_the_state_and_the_reason_of_its_last_entry() -> None:
    """⚔ A row put back to `open` is a task that goes on after its end."""
    one = task(reason="risk", state=TaskState.HELD)
    customer = pseudonym_of(keyed, one.customer)
    opened: dict[str, Json] = {
        "kind": "task.opened",
        "task": one.id,
        "mandate": one.mandate,
        "case": one.case,
        "agent": one.client_id,
        "customer": customer,
        "objective": one.objective,
    }
    told: list[dict[str, Json]] = [opened, {"kind": "task.held", "task": one.id, "reason": "risk"}]
    assert lines(told, one) == []
    assert lines(told, replace(one, state=TaskState.OPEN, reason="")) == [
        "task t1 state is not what entry 1 says (open, not held)",
        "task t1 reason is not what entry 1 says (, not risk)",
    ]
    assert lines([*told, {"kind": "task.resumed", "task": one.id}], replace(one, state=TaskState.OPEN, reason="")) == []
    assert lines(told, replace(one, customer="c2")) == ["task t1 customer is not what entry 0 says"]


@pytest.mark.parametrize(
    ("decision", "state", "fits"),
    [
        ("permit", AskState.ACTING, True),
        ("permit", AskState.WAITING, False),
        ("needs_human", AskState.WAITING, True),
        ("needs_human", AskState.PERMITTED, False),
        ("refuse", AskState.REFUSED, True),
        ("refuse", AskState.PERMITTED, False),
    ],
)
def test_an_ask_is_in_a_state_that_its_decision_leads_to(decision: str, state: AskState, *, fits: bool) -> None:
    """⚔ A row that says `permitted` after a refusal, or before the person's yes, is an act that nobody decided."""
    one = ask("k1", state=state)
    decided: dict[str, Json] = {
        "kind": "ask.decided",
        "ask": one.id,
        "task": one.task,
        "mandate": one.mandate,
        "agent": one.client_id,
        "customer": pseudonym_of(keyed, one.customer),
        "digest": one.digest,
        "decision": decision,
    }
    assert (lines([decided], one) == []) is fits
    assert "ask k1 digest is not what entry 0 says" in lines([decided], replace(one, digest="other"))
    done: list[dict[str, Json]] = [decided, {"kind": "act.performed", "ask": one.id, "outcome": "done"}]
    assert lines(done, replace(one, state=AskState.DONE)) == []
    assert lines(done, one) != []
