"""Entries as people read them: the customer without our numbers and names of members, an auditor with all of it."""

from typing import Any

import pytest

from desks.shop import CATALOGUE
from remit.domain.i18n import ENGLISH
from remit.domain.policy.rulebook import read_catalogue
from remit.entrypoints.web.act_text import unknown_action_label
from remit.entrypoints.web.entry_details import EntryContext, envelope_lines
from remit.entrypoints.web.entry_text import entry_text

DESK = read_catalogue(CATALOGUE, today=None)
OFFER = {
    "offer": {"offer_id": "off_1", "digest": "sha-256:x", "action": "offer.accept", "terms": {"amount": "5.00 EUR"}, "expires_at": "x"}
}
ITEMS = [{"id": "i1", "price": "49.90 EUR", "product": "p_kettle", "title": "Kettle"}]


def entry(kind: str, envelope: dict[str, Any], content: dict[str, Any], *, own: bool) -> tuple[str, dict[str, str]]:
    row = {"entry": 1, "kind": kind, "at": "2026-01-01T00:00:00.000Z", "envelope": envelope, "content": content, "erased": False}
    one: Any = entry_text(row, DESK, own=own)
    return one["sentence"], dict(one["details"])


@pytest.mark.parametrize(
    ("kind", "content", "own", "others"),
    [
        ("person.changed", {"change": "added"}, {}, {"Change": "added"}),
        ("task.opened", {"agent": "Helper", "objective": "unlock"}, {"Purpose": "Get back into the account"}, None),
        ("task.ended", {"reason": "objective_reached"}, {"Reason": "the goal was reached"}, None),
        (
            "task.ended",
            {"reason": "customer_declined"},
            {"Reason": "you declined and ended the task"},
            {"Reason": "the customer declined and ended the task"},
        ),
        (
            "act.performed",
            {"result": {"order.status": "sent"}, "reason": "it leaks"},
            {"Status of an order": "sent", "Reason": "“it leaks”"},
            None,
        ),
        ("reply.sent", {"result": {"order.items": ITEMS}}, {"Items of an order": "Kettle (price: €49.90)"}, None),
        ("offer.made", OFFER, {"Terms": "Amount: €5.00", "Valid until": "x"}, {"Digest": "sha-256:x"}),
        ("ask.decided", {"ask": {"action": "no.such", "params": {}}}, {}, None),
    ],
)
def test_what_an_entry_holds_stands_under_titles(
    kind: str, content: dict[str, Any], own: dict[str, str], others: dict[str, str] | None
) -> None:
    _, shown = entry(kind, {}, content, own=True)
    assert {**shown, **own} == shown
    assert not {"digest", "Digest", "offer_id", "Offer", "change", "Change"} & shown.keys()
    assert not any(value in {"(no details)", "(empty)"} for value in shown.values())
    _, shown = entry(kind, {}, content, own=False)
    assert {**shown, **(others or {})} == shown


def test_a_customer_is_told_of_their_permission_and_of_themselves() -> None:
    refused = {"action": "order.read", "decision": "refuse", "code": "params.not_owned"}
    assert entry("ask.decided", refused, {}, own=True)[0].endswith("(That record is not yours)")
    assert entry("ask.decided", refused, {}, own=False)[0].endswith("(That record is not the customer's)")
    spent = {**refused, "code": "mandate.total_spent"}
    assert entry("ask.decided", spent, {}, own=True)[0].endswith("(The permission's total is used up)")
    assert entry("task.ended", {"reason": "revoked"}, {}, own=True)[0] == "Task ended: the permission was revoked"
    assert entry("task.ended", {"reason": "revoked"}, {}, own=False)[0] == "Task ended: the permission was revoked"


def test_an_envelope_is_read_as_words_and_not_as_a_program_writes_it() -> None:
    envelope = {
        "at": "x",
        "task": "tsk_1",
        "voided": {"acts": 0, "confirmations": 2},
        "who": ["customer"],
        "waiver": -1,
        "none": {},
        "held": True,
    }
    assert envelope_lines(envelope, ENGLISH) == [
        ("task", "tsk_1"),
        ("voided", "acts: 0, confirmations: 2"),
        ("who", "customer"),
        ("held", "yes"),
    ]
    assert envelope_lines({"waiver": 0}, ENGLISH) == [("waiver", "0")]


def test_the_name_of_no_action_that_an_older_entry_kept_is_no_message() -> None:
    known = EntryContext(DESK, {})
    assert unknown_action_label("Acme: call +49 40 123456", known) == "an unknown action"
    assert "order.teleport" in unknown_action_label("order.teleport", known)
