"""One officer makes an account and says it is the customer's: that must make nobody the customer, and stay in no dark corner."""

import pytest

from attacks.arena import SEND_BACK, Arena, code_of
from attacks.people.accounts import added, security


@pytest.mark.proves("CONFIRM-WHO")
@pytest.mark.parametrize("base", ["/me/v1", "/desk/v1"])
@pytest.mark.parametrize("kind", ["customer", "officer"])
def test_another_account_of_the_customer_neither_sees_nor_answers(arena: Arena, kind: str, base: str) -> None:
    task, _, invitation = arena.waiting()
    key, cookie = added(arena, kind)
    path = f"{base}/confirmations/{invitation}"
    own = arena.anna.get(f"/me/v1/confirmations/{invitation}")
    yes = {"answer": "yes", "assertion": key.get(own["options"])}
    with arena.unchanged():
        refused = [
            arena.person("GET", path, cookie=cookie),
            arena.person("POST", path, yes, cookie=cookie),
            arena.person("POST", path, {"answer": "no"}, cookie=cookie),
            arena.person("POST", f"{path}/less", {"params": SEND_BACK}, cookie=cookie),
        ]
    assert {code_of(one) for one in refused} == {"confirmation.wrong_person"}
    assert arena.entries("confirmation.answered") == []
    assert arena.anna.waiting()[0]["confirmation"] == invitation
    assert task.ask("case.read", {}).decision == "permit"


@pytest.mark.proves("CONFIRM-WHO")
def test_who_adds_an_account_is_on_the_record(arena: Arena) -> None:
    assert arena.anna.id == "anna"
    security(arena).post("/security/v1/people", {"id": "second", "kind": "customer", "same_person_as": "anna"})
    entries = arena.entries("person.changed")
    assert [one["envelope"]["change"] for one in entries] == ["added", "invited"]
    assert {one["desk"]["by"] for one in entries} == {"sam"}
    assert {one["envelope"]["person"] for one in entries} == {arena.recorded("person.enrolled", **{"as": "customer"})["envelope"]["person"]}


@pytest.mark.proves("CONFIRM-WHO")
def test_nobody_is_called_like_a_role(arena: Arena) -> None:
    sam = security(arena)
    for kind in ("customer", "officer"):
        refused = arena.person("POST", "/security/v1/people", {"id": "officer:billing", "kind": kind}, cookie=sam.cookie)
        assert code_of(refused) == "request.malformed"


@pytest.mark.proves("CONFIRM-WHO")
@pytest.mark.parametrize("unseen", ["\u200b", "\u202e", "\u00a0", "\u2066", "\x7f", "\u2028", " "])
def test_nobody_looks_like_somebody_else_by_letters_that_are_not_seen(arena: Arena, unseen: str) -> None:
    refused = arena.person("POST", "/security/v1/people", {"id": f"an{unseen}na", "kind": "customer"}, cookie=security(arena).cookie)
    assert code_of(refused) == "request.malformed"
