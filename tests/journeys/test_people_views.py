"""Saved views: an officer keeps the filters of a list under a name, for themselves, as long as they may open the list."""

from typing import Any

import pytest

from remit.client.errors import Refused
from remit.domain.records import PersonRecord
from remit.domain.saved_views import PARAMETERS
from remit.domain.structs import replace
from remit.domain.values import Instant
from remit.entrypoints.staff.audit_search import search_query
from remit.ports.store import Commit, Put
from remit.sandbox import Sandbox
from remit.sandbox.people import SandboxPerson
from remit.usecases.confirm.queue_rows import QueueFilter, read_filter
from remit.usecases.incidents.view import IncidentFilter

VIEWS = "/staff/v1/views"


@pytest.fixture
def ada(desk: Sandbox) -> SandboxPerson:
    return desk.officer("ada", ["audit"])


def save(person: SandboxPerson, name: str = "Refunds", page: str = "audit", **filters: str) -> Any:
    return person.post(VIEWS, {"page": page, "name": name, "filters": filters or {"q": "refund"}})["views"]


def code(person: SandboxPerson, body: dict[str, Any], path: str = VIEWS) -> str:
    with pytest.raises(Refused) as refused:
        person.post(path, body)
    return str(refused.value.code)


def test_a_view_is_saved_replaced_opened_and_removed(ada: SandboxPerson) -> None:
    save(ada, "Others", decision="refuse")
    assert save(ada, "Refunds", q=" 20 € ", to="", agent="Helper")[1] == {
        "page": "audit",
        "name": "Refunds",
        "filters": {"q": "20 €", "agent": "Helper"},
        "address": "/audit?q=20+%E2%82%AC&agent=Helper",
    }
    replaced = save(ada, "Refunds", q="W1001")
    assert [(one["name"], one["filters"]) for one in replaced] == [("Others", {"decision": "refuse"}), ("Refunds", {"q": "W1001"})]
    left = ada.post(f"{VIEWS}/remove", {"page": "audit", "name": "Others"})["views"]
    assert left == ada.get(f"{VIEWS}?page=audit")["views"] == replaced[1:]
    assert ada.get(f"{VIEWS}?page=queue")["views"] == []
    assert code(ada, {"page": "audit", "name": "Others"}, f"{VIEWS}/remove") == "request.not_found"


@pytest.mark.parametrize(
    "wrong",
    [
        {"page": "me"},
        {"name": " "},
        {"name": "x" * 61},
        {"name": "two\nlines"},
        {"name": "in\u202evisible"},
        {"filters": {}},
        {"filters": {"q": " "}},
        {"filters": {"low": "7"}},
        {"filters": {"q": "x" * 201}},
        {"filters": {"q": ["x"]}},
        {"more": 1},
    ],
)
def test_a_view_of_another_form_is_not_saved(ada: SandboxPerson, wrong: dict[str, Any]) -> None:
    assert code(ada, {"page": "audit", "name": "Mine", "filters": {"q": "x"}} | wrong) == "request.malformed"
    assert ada.get(VIEWS)["views"] == []


@pytest.mark.parametrize(
    ("page", "filters"),
    [
        ("queue", {"q": "x"}),
        ("queue", {"max": "5"}),
        ("queue", {"sort": "due"}),
        ("security", {"q": "x"}),
        ("security", {"customer": "anna"}),
    ],
)
def test_a_filter_that_the_list_does_not_read_is_not_saved(desk: Sandbox, page: str, filters: dict[str, str]) -> None:
    """The view would open the whole list under a name that promises a part of it, or nothing but an error."""
    olga = desk.officer("olga", ["billing", "security"])
    assert code(olga, {"page": page, "name": "Mine", "filters": filters}) == "request.malformed"
    assert olga.get(VIEWS)["views"] == []


def test_every_filter_of_a_saved_view_narrows_its_list() -> None:
    values = {"due": "4h", "min": "20", "state": "mine"}
    for name in PARAMETERS["queue"]:
        assert read_filter({name: values.get(name, "x")}) != QueueFilter(), name
    assert set(PARAMETERS["security"]) == set(IncidentFilter.__annotations__)
    for name in {*PARAMETERS["audit"]} - {"q"}:
        value = {"from": "2026-11-30", "to": "2026-11-30", "min": "20", "max": "20"}.get(name, "x")
        assert not search_query({name: value}, now=Instant(0)).is_empty, name


def test_a_person_has_twenty_views_at_most(ada: SandboxPerson) -> None:
    for number in range(20):
        save(ada, f"Number {number}")
    assert code(ada, {"page": "audit", "name": "One more", "filters": {"q": "x"}}) == "request.conflict"
    assert len(save(ada, "Number 3", q="another")) == 20


def test_a_secret_is_not_saved_in_a_view(ada: SandboxPerson) -> None:
    body = {"page": "audit", "name": "Mine", "filters": {"q": "password: hunter2-Tr0ub4dor"}}
    assert code(ada, body) == "request.malformed"
    assert ada.get(VIEWS)["views"] == []


def test_views_are_of_one_person_and_of_lists_they_may_open(desk: Sandbox, ada: SandboxPerson) -> None:
    save(ada)
    other, olga = desk.officer("otto", ["audit"]), desk.officer("olga", ["billing"])
    assert other.get(VIEWS)["views"] == olga.get(VIEWS)["views"] == []
    save(olga, page="queue", role="billing")
    for person, page in ((olga, "audit"), (olga, "security"), (ada, "queue"), (ada, "security")):
        assert code(person, {"page": page, "name": "Mine", "filters": {"agent": "x"}}) == "person.not_allowed"
    assert code(desk.customer("anna"), {"page": "audit", "name": "Mine", "filters": {"q": "x"}}) == "person.not_allowed"
    with pytest.raises(Refused, match=r"person\.not_allowed"):
        desk.customer("anna").get(VIEWS)


def test_a_role_that_is_taken_away_takes_its_views_along(desk: Sandbox, ada: SandboxPerson) -> None:
    save(ada, customer="anna")
    store = desk.desk.context.store if desk.desk is not None else None
    assert store is not None

    async def demote() -> None:
        kept = await store.get(PersonRecord, "ada")
        await store.commit(Commit(puts=(Put(replace(kept.record, roles=("billing",)), kept.rev, kept.record),)))

    desk.room.thread.run(demote())
    assert ada.get(VIEWS)["views"] == []
    assert code(ada, {"page": "audit", "name": "Refunds"}, f"{VIEWS}/remove") == "person.not_allowed"
