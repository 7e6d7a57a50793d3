"""An auditor looks through the transcript: one row an ask, found by names, records, amounts, agents, codes and days, page by page, and exported."""

import asyncio
import copy
import csv
import io
import json
import re
import time
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from attacks.arena import PACK, SEND_BACK, open_arena
from desks.shop import CATALOGUE, FACTS, MANDATE
from remit.adapters.backoffice.sandbox import SandboxBackoffice
from remit.adapters.files.catalogue import read_files
from remit.client.errors import Refused
from remit.entrypoints.web import record_names
from remit.sandbox import Sandbox
from remit.sandbox.people import SandboxCustomer, SandboxPerson
from remit.sandbox.workloads import SandboxAgent, SandboxTask
from remit.settings.terms import TermsTable
from remit.usecases.transcript import search_index

FACTS_TIMEOUT_S = TermsTable().facts_timeout_ms / 1000
REFUND = {"order_id": "W1001", "payment_method_id": "pm_7", "amount": "40.00 EUR"}


@pytest.fixture
def ada(desk: Sandbox) -> SandboxPerson:
    return desk.officer("ada", ["audit"], name="Ada Lang")


@pytest.fixture
def refund(anna: SandboxCustomer, task: SandboxTask) -> str:
    asked = task.ask("payment.refund", REFUND, words="Please refund 40.00 EUR for order W1001.")
    anna.confirm(asked)
    task.ask("payment.refund", {**REFUND, "amount": "400.00 EUR"})
    task.ask("case.comment", {"text": "Gertrud sends her regards."})
    return str(asked.ask)


def page(person: SandboxPerson, **asked: str) -> Any:
    return person.get(f"/audit/v1/rows?{urlencode(asked)}")


def exported(desk: Sandbox, person: SandboxPerson, written: str, **filters: str) -> str:
    answer = desk.room.raw("POST", "/audit/v1/export", {"format": written, "filters": filters}, cookie=person.cookie)
    return str(answer.content.decode())


def test_an_ask_is_one_row_with_its_decision_answers_and_outcome(ada: SandboxPerson, refund: str) -> None:
    (row,) = page(ada, q="W1001 €40.00 decision:approved")["rows"]
    assert row["ask"] == refund
    assert (row["state"], row["decision"], row["outcome"], row["agent_name"], row["customer_name"]) == (
        "done",
        "permit",
        "done",
        "Helper",
        "Anna Berg",
    )
    assert [(one["answer"], one["role"], one["name"]) for one in row["answers"]] == [("yes", "customer", "Anna Berg")]
    assert [one["kind"] for one in row["entries"]] == ["ask.decided", "confirmation.answered", "ask.decided", "act.performed"]
    assert row["params"] == REFUND
    refused = page(ada, decision="refuse")["rows"]
    assert [(one["state"], one["code"]) for one in refused if one["action"] == "payment.refund"] == [("refuse", "mandate.limit_exceeded")]


@pytest.mark.parametrize(
    ("asked", "kinds"),
    [
        ({"q": "gertrud"}, {"ask.decided"}),
        ({"q": "berg refund"}, {"ask.decided"}),
        ({"q": "agent:helper kind:mandate"}, {"mandate.granted"}),
        ({"q": "code:mandate"}, {"ask.decided"}),
        ({"kind": "task", "customer": "anna"}, {"task.opened"}),
        ({"min": "399", "max": "400,00"}, {"ask.decided"}),
        ({"from": "2020-01-01", "kind": "act"}, {"ask.decided"}),
        ({"to": "2020-01-01"}, set()),
        ({"q": "gertrud nobody"}, set()),
    ],
)
def test_rows_are_found_by(ada: SandboxPerson, refund: str, asked: dict[str, str], kinds: set[str]) -> None:
    del refund
    found = page(ada, **asked)
    assert {one["kind"] for one in found["rows"]} == kinds
    assert found["complete"] is True


def test_what_cannot_be_looked_for_is_told_on_the_page_and_in_json(desk: Sandbox, ada: SandboxPerson) -> None:
    with pytest.raises(Refused, match=r"request\.malformed"):
        page(ada, **{"from": "soon"})
    shown = desk.room.raw("GET", "/audit?from=soon", cookie=ada.cookie)
    assert "Enter a day such as 2026-11-30." in shown.text
    for body in (
        {"format": "xls", "filters": {}},
        {"format": "csv", "filters": {"low": "1"}},
        {"format": "csv", "filters": {"from": "soon"}},
    ):
        with pytest.raises(Refused, match=r"request\.malformed"):
            ada.post("/audit/v1/export", body)


def test_pages_go_on_where_they_end_and_new_entries_are_found_at_once(
    ada: SandboxPerson, task: SandboxTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_index, "WIDTH", 16)
    monkeypatch.setattr("remit.usecases.transcript.rows.WIDTH", 16)
    for number in range(40):
        task.ask("case.comment", {"text": f"Number {number} of them."})
    seen: list[int] = []
    before: dict[str, str] = {}
    while True:
        found = page(ada, q="number", limit="7", **before)
        seen += [one["entry"] for one in found["rows"]]
        if found["next"] is None:
            break
        before = {"before": str(found["next"])}
    assert len(seen) == 40
    assert seen == sorted(set(seen), reverse=True)
    task.ask("case.comment", {"text": "Number forty of them."})
    assert len(page(ada, q="number", limit="200")["rows"]) == 41


def test_an_ask_over_two_parts_of_the_index_is_one_row(
    desk: Sandbox, ada: SandboxPerson, anna: SandboxCustomer, task: SandboxTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_index, "WIDTH", 4)
    monkeypatch.setattr("remit.usecases.transcript.rows.WIDTH", 4)
    asked = task.ask("payment.refund", REFUND)
    assert [one["state"] for one in page(ada, q="W1001")["rows"]] == ["needs_human"]
    for number in range(9):
        desk.customer(f"c{number}")
    anna.confirm(asked)
    (row,) = page(ada, q="refund W1001")["rows"]
    assert (row["state"], len(row["entries"])) == ("done", 4)
    assert [one["ask"] for one in page(ada)["rows"]].count(row["ask"]) == 1


def test_what_the_page_shows_is_what_is_exported(desk: Sandbox, ada: SandboxPerson, refund: str) -> None:
    del refund
    shown = page(ada, customer="anna")["rows"]
    lines = [json.loads(line) for line in exported(desk, ada, "jsonl", customer="anna").splitlines()]
    assert [{name: one for name, one in line.items() if name != "sentence"} for line in lines] == shown
    table = list(csv.DictReader(io.StringIO(exported(desk, ada, "csv", customer="anna").removeprefix("\ufeff"))))
    assert [int(one["entry"]) for one in table] == [one["entry"] for one in shown]
    told = next(one for one in table if one["state"] == "done" and one["action"] == "payment.refund")
    assert told["sentence"] == "Helper · Refund €40.00 for order W1001 to pm_7 · approved by Anna Berg · Done"
    (kept,) = [one for one in page(ada, kind="transcript")["rows"] if one["entries"][0]["envelope"]["format"] == "csv"]
    assert kept["officers"] == ["Ada Lang"]


def test_the_page_shows_rows_and_leads_to_cases_ids_and_places(desk: Sandbox, ada: SandboxPerson, task: SandboxTask, refund: str) -> None:
    def shown(path: str) -> str:
        return str(desk.room.raw("GET", path, cookie=ada.cookie).text)

    text = shown(f"/audit?q={quote('refund €40')}")
    assert "<strong>Helper</strong> · Refund €40.00 for order “Kettle and desk lamp” to “Card ending 4242”" in text
    assert "approved by Anna Berg" in text
    assert text.count('class="row ') == 1
    assert shown(f"/audit?ref={task.id}").count('class="row ') >= 3
    whole = shown("/audit")
    for said in ("Helper started a task: ", "The customer allowed Helper to act for them: ", "A passkey was added. · for Ada Lang"):
        assert said in whole, said
    assert shown(f"/audit?ref={refund}").count('class="row ') == 1
    assert 'id="r3"' in shown("/audit?low=3")
    led = desk.room.raw("GET", f"/audit?q={task.case}", cookie=ada.cookie, check=False)
    assert (led.status_code, led.headers["location"]) == (303, f"/audit/cases/{task.case}")


def test_records_are_named_for_the_customer_of_their_ask_alone(desk: Sandbox, ada: SandboxPerson, task: SandboxTask) -> None:
    task.ask("order.read", {"order_id": "W2002"})
    task.ask("order.read", {"order_id": "W1001"})
    bram = desk.customer("bram", name="Bram de Wit")
    others = desk.agent("spiffe://other.example/bot", operator="other.example", name="Other")
    mandate = copy.deepcopy(MANDATE)
    mandate["objective"]["target"]["order"] = ["W2002"]
    others.open(bram.grant(others, mandate)).ask("order.read", {"order_id": "W2002"})
    text = desk.room.raw("GET", "/audit?kind=ask", cookie=ada.cookie).text
    sam = desk.officer("sam", ["security"], name="Sam Hale")
    for shown in (text, desk.room.raw("GET", "/security", cookie=sam.cookie).text):
        rows = re.findall(r"<strong>(Helper|Other)</strong> (?:·|asks to) ([^<]*?order [^<·]*)", shown)
        assert sorted({(agent, act.partition("order ")[2].strip()) for agent, act in rows}) == [
            ("Helper", "W2002"),
            ("Helper", "“Kettle and desk lamp”"),
            ("Other", "“Ring for Bram”"),
        ]


def test_a_stop_alone_names_its_agent(desk: Sandbox, agent: SandboxAgent) -> None:
    sam = desk.officer("sam", ["security"], name="Sam Hale")
    sam.post("/security/v1/suspend", {"agent": agent.client_id, "reason": "odd traffic"})
    text = re.sub(r"<[^>]+>", "", desk.room.raw("GET", "/security", cookie=sam.cookie).text)
    assert "stopped the agent Helper" in text


def test_a_backoffice_without_an_answer_leaves_ids_and_holds_up_no_page(
    desk: Sandbox, ada: SandboxPerson, refund: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    del refund

    async def never(*_: object, **__: object) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(SandboxBackoffice, "facts", never)
    monkeypatch.setattr(record_names, "_PATIENCE_S", 0.01)
    began = time.monotonic()
    text = desk.room.raw("GET", "/audit?kind=ask", cookie=ada.cookie).text
    assert time.monotonic() - began < FACTS_TIMEOUT_S / 2
    assert "<strong>Helper</strong> · Refund €40.00 for order W1001 to pm_7" in text


def test_an_agent_called_like_a_customer_stands_in_quotes(desk: Sandbox, anna: SandboxCustomer, ada: SandboxPerson) -> None:
    agent = desk.agent("spiffe://anna.example/a", operator="anna.example", name="Anna")
    task = agent.open(anna.grant(agent, copy.deepcopy(MANDATE)))
    for path in ("/audit", f"/audit/cases/{task.case}"):
        text = re.sub(r"<[^>]+>", "", desk.room.raw("GET", path, cookie=ada.cookie).text)
        assert "“Anna” started a task" in text, path
        assert "allowed “Anna” to act" in text, path


def test_a_change_of_two_people_names_both_and_whom_it_is_about(desk: Sandbox, ada: SandboxPerson) -> None:
    sam, lee = desk.officer("sam", ["security"], name="Sam Hale"), desk.officer("lee", ["admin"], name="Lee Moss")
    desk.officer("olga", ["billing"], name="Olga Kern")
    proposed = sam.post("/security/v1/people/olga/roles", {"roles": ["audit"], "reason": "moved"})["proposal"]["proposal"]
    lee.post(f"/security/v1/proposals/{proposed}", {"answer": "yes"})
    row = page(ada, q="officer:kern")["rows"][0]
    assert (row["officers"], row["about"]) == (["Sam Hale", "Lee Moss"], "Olga Kern")
    assert "for Olga Kern · by Sam Hale, Lee Moss" in desk.room.raw("GET", "/audit", cookie=ada.cookie).text
    assert "by Sam Hale, Lee Moss" in desk.room.raw("GET", "/security/admin", cookie=sam.cookie).text


def test_answers_of_officers_stand_with_their_names_and_roles(anna: SandboxCustomer, agent: SandboxAgent) -> None:
    del anna, agent
    catalogue = copy.deepcopy(CATALOGUE)
    catalogue["floor"] = {"payment": ["customer", "officer:billing"]}
    with Sandbox(catalogue, facts=FACTS) as desk:
        anna, agent = desk.customer("anna", name="Anna Berg"), desk.agent("spiffe://helper.example/shop", name="Helper")
        task = agent.open(anna.grant(agent, copy.deepcopy(MANDATE)))
        asked, olga = task.ask("payment.refund", REFUND), desk.officer("olga", ["billing"], name="Olga Kern")
        anna.confirm(asked)
        olga.confirm(asked)
        ada = desk.officer("ada", ["audit"])
        (row,) = page(ada, q="officer:kern refund")["rows"]
        assert [(one["role"], one["name"]) for one in row["answers"]] == [("customer", "Anna Berg"), ("officer:billing", "Olga Kern")]
        assert "approved by Olga Kern (" in desk.room.raw("GET", "/audit?q=kern+refund", cookie=ada.cookie).text


def test_rows_are_found_by_their_titles_in_every_language_whoever_asks() -> None:
    with open_arena(catalogue=dict(read_files([PACK / "catalogue.toml", PACK / "catalogue.de.toml"], {}))) as arena:
        arena.anna.confirm(arena.task().ask("order.return", SEND_BACK))
        ada = arena.desk.officer("ada", ["audit"])
        for language in ("de", "en", "de"):
            for word, found in (("items", 1), ("Artikel", 1), ("zurücksenden", 1), ("nirgends", 0)):
                shown = arena.desk.room.raw(
                    "GET", f"/audit?q={quote(word)}+W1", cookie=ada.cookie, headers={"accept-language": language}
                ).text
                assert shown.count('class="row ') == found, (language, word)
        assert len(page(ada, q="zurücksenden")["rows"]) == 1
