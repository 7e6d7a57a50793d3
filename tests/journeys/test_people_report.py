"""An auditor reads what the record shows: at the JSON door and on the page, with their session and nobody else's."""

import copy
import re
from typing import Any

import pytest

from desks.shop import MANDATE
from remit.client.errors import Refused
from remit.sandbox import Sandbox
from remit.sandbox.people import SandboxCustomer, SandboxPerson


@pytest.fixture
def anna(desk: Sandbox) -> SandboxCustomer:
    anna = desk.customer("anna")
    agent = desk.agent("spiffe://helper.example/shop")
    task = agent.open(anna.grant(agent, copy.deepcopy(MANDATE)))
    task.ask("order.note", {"order_id": "W1001"})
    anna.decline(task.ask("order.return", {"order_id": "W1001", "item_ids": ["i1", "i2"]}))
    return anna


@pytest.fixture
def ada(desk: Sandbox) -> SandboxPerson:
    return desk.officer("ada", ["audit"])


def page(desk: Sandbox, person: SandboxPerson | None, path: str = "/audit/report") -> Any:
    while "Counting</h1>" in (told := desk.room.raw("GET", path, cookie="" if person is None else person.cookie, check=False)).text:
        assert "<progress data-counting" in told.text.replace(' id="far"', ""), "it comes by itself"
    return told


def test_every_figure_leads_to_its_entries(desk: Sandbox, anna: SandboxCustomer, ada: SandboxPerson) -> None:
    del anna
    told = ada.get("/audit/v1/report")
    assert told["log"]["entries"] == told["counted"]["entries"] == len(desk.transcript())
    figures = {one["fact"]: one for one in told["figures"]}
    (place,) = figures["confirmation.answered:no"]["entries"]
    entry = ada.get(f"/audit/v1/entries/{place}")
    assert (entry["kind"], entry["envelope"]["answer"]) == ("confirmation.answered", "no")
    states = {each["id"]: each["state"] for one in told["frameworks"] for each in one["controls"]}
    assert (states["MANAGE 4.1"], states["ASI10"]) == ("exercised", "not exercised")


def test_a_framework_and_a_period_can_be_asked_for(anna: SandboxCustomer, ada: SandboxPerson) -> None:
    del anna
    told = ada.get("/audit/v1/report?framework=owasp-nhi&until=2000-01-01")
    assert [one["framework"] for one in told["frameworks"]] == ["owasp-nhi"]
    assert (told["counted"]["entries"], {each["state"] for each in told["frameworks"][0]["controls"]}) == (0, {"not exercised"})
    for wrong in ("framework=iso", "since=now", "since=2026-11-26&until=2026-11-25", "framework=owasp-nhi&framework=owasp-asi"):
        with pytest.raises(Refused) as refused:
            ada.get(f"/audit/v1/report?{wrong}")
        assert refused.value.code == "request.malformed"


def test_auditors_alone_read_the_report(desk: Sandbox, anna: SandboxCustomer) -> None:
    for person in (anna, desk.officer("olga", ["billing"]), desk.officer("sam", ["security"])):
        with pytest.raises(Refused) as refused:
            person.get("/audit/v1/report")
        assert refused.value.code == "person.not_allowed"
        assert page(desk, person).status_code == 403
    assert desk.room.raw("GET", "/audit/v1/report", check=False).json()["code"] == "person.not_signed_in"
    assert page(desk, None).headers["location"].startswith("/login?next=%2Faudit%2Freport")


def test_the_page_tells_the_same_and_leads_to_the_entries(desk: Sandbox, anna: SandboxCustomer, ada: SandboxPerson) -> None:
    del anna
    answered = page(desk, ada)
    assert answered.status_code == 200
    told = ada.get("/audit/v1/report")
    wanted = [each["state"] for one in told["frameworks"] for each in one["controls"]]
    assert re.findall(r'<span class="badge">([a-z ]+)</span>', answered.text) == wanted
    assert {"exercised", "not exercised"} == set(wanted)
    places = {int(one) for one in re.findall(r'href="/audit\?low=(\d+)"', answered.text)}
    shown = {place for one in told["frameworks"] for each in one["controls"] for fact in each["shown"] for place in fact["entries"]}
    assert shown <= places
    for place in places:
        assert page(desk, ada, f"/audit?low={place}").status_code == 200
    assert '"/audit/report"' in page(desk, ada, "/audit").text


def test_the_page_can_be_read_without_eyes_and_runs_nothing(desk: Sandbox, anna: SandboxCustomer, ada: SandboxPerson) -> None:
    del anna
    text = page(desk, ada, "/audit/report?framework=mitre-atlas").text
    assert text.count("<h1>") == 1
    assert text.count("<table>") == text.count("<caption") == 1
    assert text.count('<th scope="row">') == len(ada.get("/audit/v1/report?framework=mitre-atlas")["frameworks"][0]["controls"])
    for name in ("since", "until", "framework"):
        assert f'<label for="{name}">' in text
        assert f'id="{name}"' in text
    assert '<option value="mitre-atlas" selected>' in text
    assert not re.search(r"style=|\son[a-z]+=|<script(?![^>]*(src=|application/json))", text)


def test_what_somebody_writes_into_the_address_is_shown_as_text(desk: Sandbox, ada: SandboxPerson) -> None:
    answered = page(desk, ada, "/audit/report?since=%22%3E%3Cscript%3E")
    assert answered.status_code == 400
    assert '"><script>' not in answered.text
