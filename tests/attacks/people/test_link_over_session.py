"""A one-time link opened where somebody else is signed in: it takes nobody's session unnoticed, and names only its own person."""

from typing import Any

import pytest

from attacks.arena import ISSUER, Arena, code_of
from remit.sandbox.passkey import SoftPasskey


def link(arena: Arena, person: str = "anna", name: str = "Anna Berg") -> str:
    body = {"id": person, "kind": "customer", "name": name, "how": "link"}
    return str(arena.room.control("POST", "/sandbox/v1/people", body)["code"])


def enrol(arena: Arena, code: str, cookie: str, **more: Any) -> Any:
    """Begin and finish in a browser that has this session; returns the first refusal, or the last answer."""
    begun = arena.person("POST", "/login/v1/enrol", {"code": code, **more}, cookie=cookie)
    if begun.is_error:
        return begun
    shown = begun.json()
    body = {"ceremony": shown["ceremony"], "response": SoftPasskey(ISSUER).create(shown["options"]), **more}
    return arena.person("POST", "/login/v1/enrol", body, cookie=cookie)


def who(arena: Arena, cookie: str) -> str:
    answered = arena.person("GET", "/me/v1", cookie=cookie)
    return str(answered.json()["id"]) if answered.is_success else code_of(answered)


@pytest.mark.proves("SESSION-KEPT")
def test_a_link_does_not_take_anothers_session_unasked(arena: Arena) -> None:
    bram, code = arena.desk.customer("bram"), link(arena)
    refused = enrol(arena, code, bram.cookie)
    assert code_of(refused) == "request.conflict"
    assert "set-cookie" not in refused.headers
    assert who(arena, bram.cookie) == "bram"
    done = enrol(arena, code, bram.cookie, replaces=True)
    assert done.is_success, done.text
    assert who(arena, done.headers["set-cookie"].partition(";")[0]) == "anna"
    assert who(arena, bram.cookie) == "person.not_signed_in", "the one before is over, not only forgotten"


@pytest.mark.proves("SESSION-KEPT")
def test_nor_does_it_where_the_other_signed_in_after_it_began(arena: Arena) -> None:
    code = link(arena)
    begun = arena.person("POST", "/login/v1/enrol", {"code": code}).json()
    bram = arena.desk.customer("bram")
    body = {"ceremony": begun["ceremony"], "response": SoftPasskey(ISSUER).create(begun["options"])}
    assert code_of(arena.person("POST", "/login/v1/enrol", body, cookie=bram.cookie)) == "request.conflict"
    assert who(arena, bram.cookie) == "bram"


def test_ones_own_link_needs_no_question(arena: Arena) -> None:
    anna = arena.anna
    assert enrol(arena, link(arena), anna.cookie).is_success
    assert enrol(arena, link(arena), "").is_success


def shown(arena: Arena, code: str, cookie: str = "") -> str:
    return str(arena.person("GET", f"/enrol?code={code}", cookie=cookie, headers={"accept": "text/html"}).text)


@pytest.mark.proves("LINK-NAMES")
def test_a_link_names_its_person_to_its_holder_and_any_other_code_names_nobody(arena: Arena) -> None:
    code = link(arena)
    assert "Create a passkey for Anna Berg" in shown(arena, code)
    assert "Create a passkey for Anna Berg" in shown(arena, code), "looking spends nothing"
    for other in ("x", code[:-1], code + "x", code.swapcase()):
        assert "Anna" not in shown(arena, other)
        assert "This link no longer works" in shown(arena, other)
    assert enrol(arena, code, "").is_success
    assert "Anna" not in shown(arena, code), "a used one is as good as none"


@pytest.mark.proves("LINK-NAMES")
def test_an_expired_link_names_nobody(arena: Arena) -> None:
    code = link(arena)
    arena.clock.ahead_ms += 366 * 24 * 3_600_000
    assert "Anna" not in shown(arena, code)


def test_the_page_says_whose_session_would_end(arena: Arena) -> None:
    bram = arena.desk.customer("bram", name="Bram Vos")
    text = shown(arena, link(arena), bram.cookie)
    assert "<strong>You're signed in as Bram Vos.</strong> Creating Anna Berg's passkey signs Bram Vos out here." in text
    assert "Sign Bram Vos out and create passkey" in text
