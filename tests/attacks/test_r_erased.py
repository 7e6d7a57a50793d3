"""What two people erased at the desk's door is gone from the working records too, and no restore brings it back."""

import pytest

from attacks.arena import SEND_BACK, Arena, code_of
from remit.sandbox.people import SandboxPerson
from remit.usecases.replay_erasures import ERASURES

AUNT = "The kettle of my aunt Gertrud leaks."


def security(arena: Arena, name: str) -> SandboxPerson:
    return arena.desk.officer(name, roles=["security"])


def erased(arena: Arena) -> None:
    made = security(arena, "sam").post("/security/v1/erasures", {"customer": "anna", "reason": "asked for it"})["proposal"]["proposal"]
    security(arena, "kim").post(f"/security/v1/proposals/{made}", {"answer": "yes"})


@pytest.mark.proves("ERASED")
def test_nothing_erased_stays_in_what_the_desk_works_with(arena: Arena) -> None:
    granted, task = arena.granted()
    assert task.ask("case.comment", {"text": AUNT}).outcome == "done"
    refused = arena.person("POST", "/security/v1/erasures", {"customer": "anna", "reason": "now"}, cookie=security(arena, "sam").cookie)
    assert code_of(refused) == "request.conflict", "while a mandate is active"
    arena.anna.revoke(granted)
    olga = arena.desk.officer("olga", roles=["billing"])
    assert any(one["params"] == {"text": AUNT} for one in olga.get(f"/desk/v1/cases/{task.case}")["asks"])
    erased(arena)
    card = olga.get(f"/desk/v1/cases/{task.case}")
    assert all(one["params"] == {} for one in card["asks"])
    assert (card["told"], card["may"]) == ([], {"lines": []})
    for person, page in ((olga, f"/desk/cases/{task.case}"), (arena.anna, "/me"), (arena.anna, f"/me/mandates/{granted.id}")):
        shown = arena.person("GET", page, cookie=person.cookie)
        assert shown.is_success, page
        assert "kettle" not in shown.text or page == f"/desk/cases/{task.case}"


@pytest.mark.proves("ERASED")
def test_an_erasure_at_the_door_names_its_keys_so_that_a_restore_repeats_it(arena: Arena) -> None:
    granted, task = arena.granted()
    task.ask("order.return", SEND_BACK)
    arena.anna.revoke(granted)
    keys = arena.run(arena.parts.vault.keys("anna"))
    erased(arena)
    entry = arena.recorded("entry.erased")
    assert set(entry["envelope"]["keys"]) == set(keys) != set()
    assert sorted(entry["desk"]["by"]) == ["kim", "sam"]
    assert len(arena.run(arena.parts.store.entries(ref=ERASURES))) == 1


@pytest.mark.proves("ERASED")
def test_nobody_erases_what_is_on_the_record_about_themselves(arena: Arena) -> None:
    sam = security(arena, "sam")
    sam.post("/security/v1/people", {"id": "sam-buys", "kind": "customer", "same_person_as": "sam"})
    refused = arena.person("POST", "/security/v1/erasures", {"customer": "sam-buys", "reason": "x"}, cookie=sam.cookie)
    assert code_of(refused) == "person.not_allowed"
    made = security(arena, "kim").post("/security/v1/erasures", {"customer": "sam-buys", "reason": "x"})["proposal"]["proposal"]
    agreed = arena.person("POST", f"/security/v1/proposals/{made}", {"answer": "yes"}, cookie=sam.cookie)
    assert code_of(agreed) == "person.not_allowed"
