"""What the log last said about a record holds against its row."""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import replace

from contracts.store_plugs import mandate
from remit.domain.records import MandateRecord, PasskeyRecord, PersonRecord, Record, RulesRecord
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
