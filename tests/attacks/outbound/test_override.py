"""⚔ An officer who sends a text although a value was marked: their role, their reason, this very text, and a second person.

Never a sensitive value that the mandate does not receive, a value that it forbids, a secret, a code, a link, a canary, a
yes to a guess, or anything of another customer (docs/model/model.md#override).
"""

import itertools
import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from attacks.arena import FACTS, PACK, Arena, mandate, open_arena
from remit.adapters.files.catalogue import read_files
from remit.domain.incidents.records import IncidentRecord
from remit.domain.records import OverrideReview, PersonRecord
from remit.domain.structs import replace
from remit.ports.store import Commit, Put
from remit.sandbox import SandboxTask

REASON = "The customer told me on the phone that her agent may know."
TOTAL = "The total of the order was 431.77 EUR."
RECEIVES = mandate(
    powers=[{"power": "represent"}, {"power": "receive", "attributes": ["order.status", "order.shipping_address"]}],
    never=[{"power": "receive", "attributes": ["account.*"]}],
)
OTHERS = "W9 is somebody else's order, hers was 431.77 EUR."
NEVER_SENT = {
    "another customer's record": OTHERS,
    "another customer's name": "Bram de Vos paid 431.77 EUR, too.",
    "another customer's name, the family's first": "de Vos, Bram: 431.77 EUR as well.",
    "another customer, in disguise": "431.77 EUR, and V i c t o r; sov ed marB has it.",
    "another customer's value inside": "W9 went to Kantstraat 5, 1012 AB Utrecht for 431.77 EUR.",
    "a secret": "431.77 EUR. Use sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc for it.",
    "a card": "431.77 EUR, paid with 4111 1111 1111 1111.",
    "a password": "431.77 EUR; your password is hunter2!x9.",
    "a code": "431.77 EUR. Your code is 493817.",
    "a link": "431.77 EUR, see https://acme.example/track?id=7.",
    "a link in disguise": "431.77 EUR, see https://\u0430cme.example/orders.",
    "encoded": "431.77 EUR, Z2VoZWltZXIgVGV4dCBpbiBCYXNlNjQ=",
    "a contact": "431.77 EUR, ask bram@elsewhere.example.",
    "sensitive": "Born on 17 April 1988, and it was 431.77 EUR.",
    "sensitive alone": "She was born on 17 April 1988.",
    "sensitive, by what follows": "She is in her late thirties, it was 431.77 EUR.",
    "what the mandate forbids": "The credit is 12.34 EUR.",
}


@pytest.fixture(scope="module")
def arena() -> Iterator[Arena]:
    facts, catalogue = deepcopy(FACTS), deepcopy(dict(read_files([PACK / "catalogue.toml"], {})))
    facts["attributes"]["order"]["W1"]["order.total"] = "431.77 EUR"
    facts["attributes"]["customer"]["anna"]["account.credit"] = "12.34 EUR"
    facts["attributes"]["order"]["W9"]["order.shipping_address"] = "Kantstraat 5, 1012 AB Utrecht"
    catalogue["role"]["care"]["may_override"] = True
    with open_arena(catalogue=catalogue, facts=facts) as one:
        one.desk.customer("bram", name="Bram de Vos", email="bram@mail.example")
        yield one


@pytest.fixture
def task(arena: Arena) -> Iterator[SandboxTask]:
    found = arena.task(RECEIVES, agent=arena.agent(f"spiffe://helper{next(_numbers)}.example/shop"))
    yield found
    found.complete()


_numbers = itertools.count()


def _post(arena: Arena, task: SandboxTask, body: dict[str, Any], *, who: str = "carla", role: str = "care", door: str = "reply") -> Any:
    officer = arena.desk.officer(who, roles=[role])
    return arena.person("POST", f"/desk/v1/cases/{task.case}/{door}", body, cookie=officer.cookie).json()


def _check(arena: Arena, task: SandboxTask, text: str, **who: str) -> str:
    """What the check of a text is bound to; "" where nobody may override it."""
    return str(_post(arena, task, {"text": text}, **who).get("override", {}).get("check", ""))


def _override(arena: Arena, task: SandboxTask, text: str, *, reason: str = REASON, check: str = "", **who: str) -> Any:
    bound = check or _check(arena, task, text, **who) or "none"
    return _post(arena, task, {"text": text, "override": {"reason": reason, "check": bound}}, **who)


@pytest.mark.proves("OVERRIDE")
def test_an_officer_sends_this_customers_own_value_with_a_reason_on_the_record(arena: Arena, task: SandboxTask) -> None:
    assert _post(arena, task, {"text": TOTAL})["code"] == "reply.withheld"
    sent = _override(arena, task, TOTAL)
    assert sent.get("code") is None, sent
    assert [one["text"] for one in task.inbox()] == [TOTAL]
    entry = arena.recorded("reply.overridden")
    assert (entry["desk"]["attributes"], entry["desk"]["reason"], entry["desk"]["by"]) == (["order.total"], REASON, "carla")
    assert entry["customer"] == {"attributes": ["order.total"], "text": TOTAL}
    assert "431.77" not in json.dumps(entry["envelope"])
    assert arena.recorded("reply.sent")["desk"]["text"] == TOTAL


@pytest.mark.proves("OVERRIDE")
def test_the_agent_learns_nothing_of_an_override(arena: Arena, task: SandboxTask) -> None:
    """Else it would know which of an officer's words are the customer's actual value."""
    _override(arena, task, TOTAL)
    entries = arena.entries()
    places = [n for n, one in enumerate(entries) if one["kind"] == "reply.overridden"]
    assert places
    for one in places:
        answer = arena.send(task, f"/log/receipts/{one}", method="GET")
        assert answer.status_code == 404, answer.text
    (message,) = task.inbox()
    assert not {"override", "overridden", "attributes"} & message.keys()
    assert (message["withheld"], message.get("withheld_kinds", [])) == (0, [])


@pytest.mark.proves("OVERRIDE")
@pytest.mark.parametrize("what", NEVER_SENT)
def test_an_override_lets_through_nothing_but_this_customers_own_plain_values(arena: Arena, task: SandboxTask, what: str) -> None:
    text = NEVER_SENT[what]
    refused = _post(arena, task, {"text": text})
    assert refused["code"] == "reply.withheld", refused
    assert "override" not in refused, (what, refused)
    # \u2694 Nor with what the check of another text was bound to.
    for check in ("none", _check(arena, task, TOTAL)):
        assert _override(arena, task, text, check=check)["code"] == "reply.withheld"
    assert task.inbox() == []


@pytest.mark.proves("OVERRIDE")
def test_a_secret_inside_a_value_is_not_overridden() -> None:
    facts, catalogue = deepcopy(FACTS), deepcopy(dict(read_files([PACK / "catalogue.toml"], {})))
    text = "Card 4111 1111 1111 1111 of Anna"
    facts["attributes"]["customer"]["anna"]["account.state"] = text
    catalogue["role"]["care"]["may_override"] = True
    with open_arena(catalogue=catalogue, facts=facts) as arena:
        task = arena.task()
        body = _post(arena, task, {"text": f"It says: {text}."})
        assert {one["why"] for one in body["held"]} == {"attribute"}
        assert "override" not in body


@pytest.mark.proves("OVERRIDE")
def test_a_sensitive_value_that_the_mandate_receives_may_be_sent(arena: Arena, task: SandboxTask) -> None:
    text = "It went to Lindenweg 4, 20095 Hamburg."
    assert _override(arena, task, text).get("code") is None
    assert arena.recorded("reply.overridden")["desk"]["attributes"] == ["order.shipping_address"]


@pytest.mark.proves("OVERRIDE")
def test_a_canary_is_not_sent_by_an_override(arena: Arena, task: SandboxTask) -> None:
    sally = arena.desk.officer("sally", roles=["security"])
    arena.person("POST", "/security/v1/canaries", {"kind": "record", "name": "n", "place": "p", "value": "W7730041"}, cookie=sally.cookie)
    assert _override(arena, task, f"{TOTAL} See W7730041.")["code"] == "reply.withheld"
    assert task.inbox() == []


@pytest.mark.proves("OVERRIDE")
def test_an_override_is_of_exactly_the_text_task_officer_and_marks_that_were_checked(arena: Arena, task: SandboxTask) -> None:
    check = _check(arena, task, TOTAL)
    other = arena.task(RECEIVES, agent=arena.agent("spiffe://other.example/shop"))
    assert check
    for text in (TOTAL + " ", TOTAL.replace("total", "Total"), f"{TOTAL} It is hers."):
        assert _override(arena, task, text, check=check)["code"] == "reply.withheld"
    assert _override(arena, other, TOTAL, check=check)["code"] == "reply.withheld"
    assert _override(arena, task, TOTAL, check=check, who="cora")["code"] == "reply.withheld"
    assert task.inbox() == other.inbox() == []
    assert _override(arena, task, TOTAL, check=check).get("code") is None
    other.complete()


@pytest.mark.proves("OVERRIDE")
@pytest.mark.parametrize("reason", ["", "   ", "too short", "1234567890 1234567890", "..........", "aaaaaaaaaaaa", "x" * 501])
def test_a_reason_is_needed(arena: Arena, task: SandboxTask, reason: str) -> None:
    assert _override(arena, task, TOTAL, reason=reason)["code"] == "request.malformed"
    assert task.inbox() == []


@pytest.mark.proves("OVERRIDE")
def test_a_reason_carries_no_secret(arena: Arena, task: SandboxTask) -> None:
    reason = "She said so, her password is hunter2!x9 by the way."
    assert _override(arena, task, TOTAL, reason=reason)["code"] == "words.secret"
    assert task.inbox() == []


@pytest.mark.proves("OVERRIDE")
@pytest.mark.parametrize("role", ["billing", "admin"])
def test_a_role_that_may_not_sends_nothing(arena: Arena, task: SandboxTask, role: str) -> None:
    assert "override" not in _post(arena, task, {"text": TOTAL}, who=f"no-{role}", role=role)
    check = _check(arena, task, TOTAL)
    assert _override(arena, task, TOTAL, check=check, who=f"no-{role}", role=role)["code"] == "person.not_allowed"
    assert task.inbox() == []


@pytest.mark.proves("OVERRIDE")
def test_a_role_that_was_taken_away_meanwhile_sends_nothing(arena: Arena, task: SandboxTask) -> None:
    check = _check(arena, task, TOTAL, who="cleo")
    officer = arena.desk.officer("cleo", roles=["care"])
    commit = arena.context.store.commit

    async def first_without_role(what: Any) -> Any:
        if not any(put.record.KIND == "message" for put in what.puts):
            return await commit(what)
        object.__setattr__(arena.context.store, "commit", commit)
        kept = await arena.context.store.get(PersonRecord, "cleo")
        await commit(Commit(puts=(Put(replace(kept.record, roles=("billing",)), kept.rev, kept.record),)))
        return await commit(what)

    body = {"text": TOTAL, "override": {"reason": REASON, "check": check}}
    object.__setattr__(arena.context.store, "commit", first_without_role)
    try:
        answer = arena.person("POST", f"/desk/v1/cases/{task.case}/reply", body, cookie=officer.cookie).json()
    finally:
        object.__setattr__(arena.context.store, "commit", commit)
    assert answer["code"] == "person.not_allowed"
    assert task.inbox() == []


@pytest.mark.proves("OVERRIDE")
def test_withholding_and_overriding_at_once_is_refused(arena: Arena, task: SandboxTask) -> None:
    check = _check(arena, task, TOTAL)
    body = {"text": TOTAL, "withhold": True, "override": {"reason": REASON, "check": check}}
    assert _post(arena, task, body)["code"] == "request.malformed"


@pytest.mark.proves("OVERRIDE")
def test_what_the_customer_forbids_later_is_not_delivered(arena: Arena) -> None:
    granted, task = arena.granted(mandate(powers=[{"power": "represent"}, {"power": "receive", "attributes": ["order.status"]}], never=[]))
    assert _override(arena, task, TOTAL).get("code") is None
    narrowed = mandate(
        powers=[{"power": "represent"}, {"power": "receive", "attributes": ["order.status"]}],
        never=[{"power": "receive", "attributes": ["order.total"]}],
    )
    answer = arena.person("POST", f"/me/v1/mandates/{granted.id}/narrow", narrowed, cookie=arena.anna.cookie)
    assert answer.is_success, answer.text
    assert [one["text"] for one in task.inbox()] == ["The total of the order was [withheld]."]
    task.complete()


@pytest.mark.proves("OVERRIDE")
def test_a_text_that_was_overridden_is_delivered_on_another_standing_too(arena: Arena, task: SandboxTask) -> None:
    assert _override(arena, task, TOTAL).get("code") is None
    task.ask("order.read", {"order_id": "W1"})
    assert [one["text"] for one in task.inbox()] == [TOTAL]


def _reviews(arena: Arena, who: str = "sally") -> list[dict[str, Any]]:
    guard = arena.desk.officer(who, roles=["security"])
    found: list[dict[str, Any]] = arena.person("GET", "/security/v1/overrides", cookie=guard.cookie).json()["overrides"]
    return found


def _review(arena: Arena, review: str, answer: str, who: str = "sally", role: str = "security", note: str = "") -> Any:
    guard = arena.desk.officer(who, roles=[role])
    return arena.person("POST", f"/security/v1/overrides/{review}", {"answer": answer, "note": note}, cookie=guard.cookie).json()


@pytest.mark.proves("OVERRIDE-REVIEW")
def test_an_officers_first_ten_overrides_are_all_looked_at_then_a_share_of_them(arena: Arena) -> None:
    for number in range(10):
        task = arena.task(RECEIVES, agent=arena.agent(f"spiffe://first{number}.example/shop"))
        before = len(_reviews(arena))
        assert _override(arena, task, TOTAL, who="nina").get("code") is None
        assert len(_reviews(arena)) == before + 1, number
        task.complete()
    draws = iter([(99).to_bytes(8), (19).to_bytes(8)])
    random = arena.context.world.random

    def drawn(size: int) -> bytes:
        return next(draws) if size == 8 else random(size)

    object.__setattr__(arena.context.world, "random", drawn)
    try:
        for more in (0, 1):
            task = arena.task(RECEIVES, agent=arena.agent(f"spiffe://later{more}.example/shop"))
            before = len(_reviews(arena))
            assert _override(arena, task, TOTAL, who="nina").get("code") is None
            assert len(_reviews(arena)) == before + more
            task.complete()
    finally:
        object.__setattr__(arena.context.world, "random", random)


@pytest.mark.proves("OVERRIDE-REVIEW")
@pytest.mark.parametrize("answer", ["agree", "object"])
def test_a_second_person_agrees_or_objects_once_on_the_record(arena: Arena, task: SandboxTask, answer: str) -> None:
    assert _override(arena, task, TOTAL, who="mia").get("code") is None
    (row,) = [one for one in _reviews(arena) if one["case"] == task.case]
    assert (row["by"], row["attributes"], row["reason"], row["text"]) == ("mia", ["order.total"], REASON, TOTAL)
    assert _review(arena, row["id"], answer, note="We asked her again.")["state"] == {"agree": "agreed", "object": "objected"}[answer]
    entry = arena.recorded("reply.reviewed")
    assert (entry["desk"]["answer"], entry["desk"]["by"], entry["desk"]["sent_by"]) == (answer, "sally", "mia")
    assert row["id"] not in {one["id"] for one in _reviews(arena)}
    assert _review(arena, row["id"], "agree")["code"] == "request.not_found"


@pytest.mark.proves("OVERRIDE-REVIEW", "REVIEWED-OUTGOING")
@pytest.mark.parametrize("answer", ["agree", "object"])
def test_an_objection_is_an_incident_in_the_same_commit(arena: Arena, task: SandboxTask, answer: str) -> None:
    assert _override(arena, task, TOTAL, who="mona").get("code") is None
    (row,) = [one for one in _reviews(arena) if one["case"] == task.case]
    guard = arena.desk.officer("sally", roles=["security"])

    def incidents() -> list[dict[str, Any]]:
        found = arena.person("GET", "/security/v1/incidents?kind=override_objected", cookie=guard.cookie).json()["incidents"]
        return [one for one in found if task.case in one["cases"]]

    before = arena.context.store.commit
    commits: list[Any] = []

    async def noted(what: Any) -> Any:
        commits.append(what)
        return await before(what)

    object.__setattr__(arena.context.store, "commit", noted)
    try:
        assert _review(arena, row["id"], answer).get("code") is None
    finally:
        object.__setattr__(arena.context.store, "commit", before)
    assert len(incidents()) == (answer == "object")
    (one,) = [what for what in commits if any(put.record.KIND == OverrideReview.KIND for put in what.puts)]
    assert any(put.record.KIND == IncidentRecord.KIND for put in one.puts) == (answer == "object")


@pytest.mark.proves("OVERRIDE-REVIEW")
def test_nobody_reviews_an_override_of_their_own_or_in_their_own_case(arena: Arena, task: SandboxTask) -> None:
    officer = arena.desk.officer("both", roles=["care", "security"])
    path = f"/desk/v1/cases/{task.case}/reply"
    check = arena.person("POST", path, {"text": TOTAL}, cookie=officer.cookie).json()["override"]["check"]
    body = {"text": TOTAL, "override": {"reason": REASON, "check": check}}
    assert arena.person("POST", path, body, cookie=officer.cookie).is_success
    (row,) = [one for one in _reviews(arena) if one["case"] == task.case]
    own = arena.person("POST", f"/security/v1/overrides/{row['id']}", {"answer": "agree"}, cookie=officer.cookie).json()
    assert own["code"] == "person.not_allowed"
    assert _review(arena, row["id"], "agree", who="carla", role="care")["code"] == "person.not_allowed"
    assert _review(arena, row["id"], "perhaps")["code"] == "request.malformed"
    assert _review(arena, row["id"], "agree")["state"] == "agreed"
