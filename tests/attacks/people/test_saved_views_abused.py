"""Saved views are the one thing an officer changes on their own record: they hold nothing off, and outlive no erasure."""

from typing import Any

import pytest

from attacks.arena import Arena, open_arena
from attacks.people.accounts import erased
from remit.domain.records import PersonRecord
from remit.domain.structs import replace
from remit.domain.values import Instant
from remit.ports.store import Commit, Put
from remit.sandbox.people import SandboxPerson
from remit.usecases.people.recover import vouch

VIEWS = "/staff/v1/views"


def saved(person: SandboxPerson, name: str, page: str = "audit", **filters: str) -> list[str]:
    return [one["name"] for one in person.post(VIEWS, {"page": page, "name": name, "filters": filters})["views"]]


def saves_before_each_change(arena: Arena, person: str, monkeypatch: pytest.MonkeyPatch, times: int = 3) -> None:
    """Have a person's record move, as a saved view moves it, right before a change of it is stored."""
    commit, left = arena.context.store.commit, [times]

    async def moved_first(change: Commit, **more: Any) -> Any:
        if left[0] and any(isinstance(one.record, PersonRecord) and one.record.id == person for one in change.puts):
            left[0] -= 1
            kept = await arena.context.store.get(PersonRecord, person)
            await commit(Commit(puts=(Put(replace(kept.record), kept.rev, kept.record),)))
        return await commit(change, **more)

    monkeypatch.setattr(arena.context.store, "commit", moved_first)


@pytest.mark.proves("REVIEWED-ROWS")
def test_an_officer_who_saves_views_does_not_hold_off_the_loss_of_their_roles(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    sam, lee = (arena.desk.officer(name, roles=["security"]) for name in ("sam", "lee"))
    arena.desk.officer("mallory", roles=["audit", "billing"])
    proposal = sam.post("/security/v1/people/mallory/roles", {"roles": ["billing"]})["proposal"]["proposal"]
    saves_before_each_change(arena, "mallory", monkeypatch)
    lee.post(f"/security/v1/proposals/{proposal}", {"answer": "yes"})
    assert arena.run(arena.context.store.get(PersonRecord, "mallory")).record.roles == ("billing",)


@pytest.mark.proves("REVIEWED-ROWS")
def test_a_person_who_moves_meanwhile_is_vouched_for_all_the_same(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    arena.desk.officer("mallory", roles=["audit"])
    seen = Instant(arena.context.world.now())
    saves_before_each_change(arena, "mallory", monkeypatch)
    arena.run(vouch(arena.context, "mallory", seen=seen, by="sam, lee", reason="seen"))
    assert arena.run(arena.context.store.get(PersonRecord, "mallory")).record.vouched_at == seen


@pytest.mark.proves("REVIEWED-ROWS")
@pytest.mark.parametrize(
    "filters",
    [{"customer": "anna"}, {"customer": "Ann"}, {"q": "kettle customer:ANNA"}, {"q": '"anna" refund'}, {"q": "x", "name": "About Anna"}],
)
def test_no_saved_view_keeps_the_name_of_an_erased_customer(arena: Arena, filters: dict[str, str]) -> None:
    granted, _ = arena.granted()
    arena.anna.revoke(granted)
    ada = arena.desk.officer("ada", roles=["audit"])
    name = filters.get("name", "Mine")
    filters = {one: value for one, value in filters.items() if one != "name"}
    saved(ada, "Others", q="annals kettle")
    assert saved(ada, name, **filters) == ["Others", name]
    erased(arena)
    assert [one["name"] for one in ada.get(f"{VIEWS}?page=audit")["views"]] == ["Others"]


@pytest.mark.proves("REVIEWED-ROWS")
def test_an_officer_who_saves_views_does_not_hold_off_an_erasure(monkeypatch: pytest.MonkeyPatch) -> None:
    with open_arena() as arena:
        granted, _ = arena.granted()
        arena.anna.revoke(granted)
        ada = arena.desk.officer("ada", roles=["audit"])
        saved(ada, "Mine", customer="anna")
        saves_before_each_change(arena, "ada", monkeypatch)
        erased(arena)
        assert ada.get(f"{VIEWS}?page=audit")["views"] == []
