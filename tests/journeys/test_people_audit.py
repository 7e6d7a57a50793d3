"""An auditor over the JSON twins: browsing, receipts that verify offline, verifying in place, and damage that is seen."""

import copy
from typing import Any

import pytest

from desks.shop import MANDATE
from remit.adapters.signer.file import verify_ed25519
from remit.client.errors import Refused
from remit.domain.transcript.entry import Section
from remit.sandbox import Sandbox
from remit.sandbox.people import SandboxCustomer, SandboxPerson
from remit.usecases.transcript.verify import verify_receipt_bytes


@pytest.fixture
def anna(desk: Sandbox) -> SandboxCustomer:
    anna = desk.customer("anna")
    agent = desk.agent("spiffe://helper.example/shop")
    task = agent.open(anna.grant(agent, copy.deepcopy(MANDATE)))
    task.ask("order.note", {"order_id": "W1001"})
    return anna


@pytest.fixture
def ada(desk: Sandbox) -> SandboxPerson:
    return desk.officer("ada", ["audit"])


def receipt(desk: Sandbox, person: SandboxPerson, entry: int) -> Any:
    return desk.room.raw("GET", f"/log/receipts/{entry}", cookie=person.cookie, check=False)


def test_each_party_gets_the_receipt_that_opens_its_own_part(desk: Sandbox, anna: SandboxCustomer, ada: SandboxPerson) -> None:
    key = ada.get("/audit/v1/checkpoint")["key"]
    entry = next(one["entry"] for one in anna.get("/me/v1/history")["entries"] if one["kind"] == "mandate.granted")
    for person, section in ((anna, Section.CUSTOMER), (ada, Section.DESK)):
        answered = receipt(desk, person, entry)
        assert answered.headers["content-type"].startswith("text/plain")
        (verified,) = verify_receipt_bytes(answered.content, vkeys=key, verify_ed25519=verify_ed25519).entries
        assert (verified.index, set(verified.sections)) == (entry, {Section.ENVELOPE, section})


def test_who_is_no_party_gets_the_same_answer_as_for_no_entry(desk: Sandbox, anna: SandboxCustomer) -> None:
    entry = anna.get("/me/v1/history")["entries"][0]["entry"]
    nothing = receipt(desk, anna, 10_000)
    for person in (desk.customer("bram"), desk.officer("olga", ["billing"]), desk.officer("sam", ["security"])):
        answered = receipt(desk, person, entry)
        assert (answered.status_code, answered.json()) == (404, nothing.json())
    assert desk.room.raw("GET", f"/log/receipts/{entry}", check=False).json()["code"] == "person.not_signed_in"


@pytest.mark.parametrize("entry", ["-1", "1e3", "٣", "0x1", "99999999999999999999"])
def test_an_entry_is_named_by_its_number(desk: Sandbox, ada: SandboxPerson, entry: str) -> None:
    assert desk.room.raw("GET", f"/log/receipts/{entry}", cookie=ada.cookie, check=False).status_code == 404


def test_the_whole_log_verifies_in_place(anna: SandboxCustomer, ada: SandboxPerson) -> None:
    del anna
    told = ada.post("/audit/v1/verify", {})
    assert (told["verified"], told["records"]) == (True, told["entries"])
    assert told["entries"] == ada.get("/audit/v1/entries?newest=1")["entries"][0]["entry"] + 1


def test_an_entry_that_was_changed_is_seen(
    desk: Sandbox, anna: SandboxCustomer, ada: SandboxPerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    del anna
    assert desk.desk is not None
    store = desk.desk.context.store
    leaves = store.leaves

    async def changed(number: int, width: int) -> Any:
        found = list(await leaves(number, width))
        return [bytes(32), *found[1:]]

    monkeypatch.setattr(store, "leaves", changed)
    with pytest.raises(Exception) as problem:  # noqa: PT011  # a refusal or a fault of the client, told by its code
        ada.post("/audit/v1/verify", {})
    assert getattr(problem.value, "code", "") == "log.damaged"


def test_entries_are_browsed_by_page_and_by_what_they_are_about(anna: SandboxCustomer, ada: SandboxPerson) -> None:
    mandate = anna.get("/me/v1/mandates")["mandates"][0]["mandate"]
    assert [one["kind"] for one in ada.get(f"/audit/v1/entries?ref={mandate}")["entries"]] == ["mandate.granted", "task.opened"]
    first = ada.get("/audit/v1/entries?low=1")["entries"]
    assert first[0]["entry"] == 1
    assert ada.get("/audit/v1/entries/1") == first[0]


def test_auditors_alone_read_the_transcript(desk: Sandbox, anna: SandboxCustomer) -> None:
    for person in (anna, desk.officer("olga", ["billing"]), desk.officer("sam", ["security"])):
        for path in ("entries", "entries/1", "checkpoint", "contests"):
            with pytest.raises(Refused) as problem:
                person.get(f"/audit/v1/{path}")
            assert problem.value.code == "person.not_allowed"
        with pytest.raises(Refused) as problem:
            person.post("/audit/v1/verify", {})
        assert problem.value.code == "person.not_allowed"


def test_a_contest_is_settled_once_with_an_answer_the_customer_reads(anna: SandboxCustomer, ada: SandboxPerson) -> None:
    entry = anna.get("/me/v1/history")["entries"][0]["entry"]
    anna.post(f"/me/v1/entries/{entry}/contest", {"text": "Not me."})
    (open_one,) = ada.get("/audit/v1/contests")["contests"]
    assert (open_one["entry"], open_one["text"]) == (entry, "Not me.")
    ada.post(f"/audit/v1/contests/{open_one['contest']}", {"text": "It was."})
    assert anna.get("/me/v1/history")["entries"][0]["content"] == {"answer": "It was."}
    with pytest.raises(Refused) as problem:
        ada.post(f"/audit/v1/contests/{open_one['contest']}", {"text": "It was."})
    assert problem.value.code == "request.not_found"
