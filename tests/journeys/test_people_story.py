"""An auditor reads a case as a story: from what the customer granted to its end, in the order of the log, and nothing of other cases."""

import copy
from typing import Any

import pytest

from desks.shop import MANDATE
from remit.client.errors import Refused
from remit.sandbox import Sandbox
from remit.sandbox.people import SandboxCustomer, SandboxPerson
from remit.sandbox.workloads import SandboxAgent, SandboxTask


@pytest.fixture
def ada(desk: Sandbox) -> SandboxPerson:
    return desk.officer("ada", ["audit"])


def story(ada: SandboxPerson, case: str, low: int = 0) -> Any:
    return ada.get(f"/audit/v1/cases/{case}?low={low}")


def test_a_case_is_told_from_its_grant_to_its_end(desk: Sandbox, anna: SandboxCustomer, agent: SandboxAgent, ada: SandboxPerson) -> None:
    granted = anna.grant(agent, copy.deepcopy(MANDATE) | {"max_tasks": 2})
    task, other = agent.open(granted), agent.open(granted)
    other.ask("case.comment", {"text": "Not of this case."})
    refund = task.ask("payment.refund", {"order_id": "W1001", "payment_method_id": "pm_7", "amount": "40.00 EUR"})
    anna.confirm(refund)
    desk.officer("olga", ["billing"]).post(f"/desk/v1/cases/{task.case}/reply", {"text": "Your money is on its way."})
    anna.revoke(granted)
    told = story(ada, task.case)
    kinds = [one["kind"] for one in told["entries"]]
    assert kinds[:2] == ["mandate.granted", "task.opened"]
    for before, after in (
        ("ask.decided", "confirmation.answered"),
        ("confirmation.answered", "act.performed"),
        ("reply.sent", "task.ended"),
    ):
        assert kinds.index(before) < len(kinds) - kinds[::-1].index(after)
    places = [one["entry"] for one in told["entries"]]
    assert places == sorted(set(places))
    tasks = {one["envelope"].get("task") for one in told["entries"]} - {None}
    assert tasks == {task.id}
    assert (told["customer_name"], told["after"], [one["reason"] for one in told["tasks"]]) == ("Anna Berg", None, ["revoked"])


def test_a_long_story_goes_on_where_its_page_ends(task: SandboxTask, ada: SandboxPerson, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("remit.usecases.desk.case_story.PAGE", 20)
    for number in range(30):
        task.ask("case.comment", {"text": f"Number {number} of them."})
    whole: list[int] = []
    low: int | None = 0
    while low is not None:
        told = story(ada, task.case, low)
        whole += [one["entry"] for one in told["entries"]]
        low = told["after"]
    assert whole == sorted(set(whole))
    assert len(whole) > 40


def test_auditors_alone_read_it_and_only_of_cases_there_are(
    desk: Sandbox, anna: SandboxCustomer, task: SandboxTask, ada: SandboxPerson
) -> None:
    for person in (anna, desk.officer("olga", ["billing"])):
        with pytest.raises(Refused) as refused:
            person.get(f"/audit/v1/cases/{task.case}")
        assert refused.value.code == "person.not_allowed"
    with pytest.raises(Refused) as refused:
        story(ada, "case_none")
    assert refused.value.code == "request.not_found"


def test_looking_for_a_case_leads_to_its_story(desk: Sandbox, task: SandboxTask, ada: SandboxPerson) -> None:
    found = desk.room.raw("GET", f"/audit?ref={task.case}", cookie=ada.cookie, check=False)
    assert (found.status_code, found.headers["location"]) == (303, f"/audit/cases/{task.case}")
    text = desk.room.raw("GET", f"/audit/cases/{task.case}", cookie=ada.cookie).text
    assert "Entries" in text
    assert "Return something and get the money back" in text
    odd = desk.room.raw("GET", "/audit?ref=case_%2F%2Fevil.example", cookie=ada.cookie, check=False)
    assert odd.status_code == 200
