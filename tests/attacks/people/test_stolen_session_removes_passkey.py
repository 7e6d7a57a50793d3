"""Removing a passkey takes a passkey: a stolen session, or a passkey from a mailbox, locks nobody out."""

import asyncio
from typing import Any

import httpx
import pytest

from attacks.arena import ISSUER, Arena, code_of
from remit.sandbox.passkey import SoftPasskey


def enrolled(arena: Arena, how: str = "vouched", person: str = "anna") -> tuple[SoftPasskey, str, str]:
    """One more passkey of a person's: itself, the session it gives, and its id."""
    code = arena.room.control("POST", "/sandbox/v1/people", {"id": person, "kind": "customer", "how": how})["code"]
    begun = arena.room.call("POST", "/login/v1/enrol", {"code": code})
    key = SoftPasskey(ISSUER)
    made = key.create(begun["options"])
    done = arena.person("POST", "/login/v1/enrol", {"ceremony": begun["ceremony"], "response": made})
    return key, done.headers["set-cookie"].partition(";")[0], made["id"]


def begun(arena: Arena, passkey: str, cookie: str) -> dict[str, Any]:
    """The challenge that removes a passkey."""
    shown: dict[str, Any] = arena.person("POST", f"/me/v1/passkeys/{passkey}/remove", {}, cookie=cookie).json()
    return shown


def removed(arena: Arena, passkey: str, cookie: str, signer: SoftPasskey) -> httpx.Response:
    """A removal, signed by a passkey."""
    shown = begun(arena, passkey, cookie)
    signed = {"ceremony": shown["ceremony"], "assertion": signer.get(shown["options"])}
    return arena.person("POST", f"/me/v1/passkeys/{passkey}/remove", signed, cookie=cookie)


def kept(arena: Arena, cookie: str) -> list[str]:
    """The ids of the passkeys there are."""
    return [one["id"] for one in arena.person("GET", "/me/v1/passkeys", cookie=cookie).json()["passkeys"]]


@pytest.mark.proves("PASSKEY-REMOVE")
def test_a_stolen_session_removes_nothing(arena: Arena) -> None:
    anna = arena.anna
    _, _, second = enrolled(arena)
    before = kept(arena, anna.cookie)
    shown = begun(arena, second, anna.cookie)
    own = SoftPasskey(ISSUER)
    forged = own.get(shown["options"])
    forged["id"] = forged["rawId"] = anna.passkey.get(shown["options"])["id"]
    path = f"/me/v1/passkeys/{second}/remove"
    tried = [
        arena.person("POST", path, {"ceremony": shown["ceremony"]}, cookie=anna.cookie),
        arena.person("POST", path, {"ceremony": shown["ceremony"], "assertion": own.get(shown["options"])}, cookie=anna.cookie),
        arena.person("POST", path, {"ceremony": shown["ceremony"], "assertion": forged}, cookie=anna.cookie),
    ]
    assert [code_of(one) for one in tried] == ["", "confirmation.wrong_person", "credential.wrong_key"]
    assert kept(arena, anna.cookie) == before
    assert arena.entries("person.changed") == []


@pytest.mark.proves("PASSKEY-REMOVE")
def test_a_signature_given_for_one_passkey_removes_no_other(arena: Arena) -> None:
    anna = arena.anna
    second, cookie, second_id = enrolled(arena)
    first_id = next(one for one in kept(arena, cookie) if one != second_id)
    shown = begun(arena, second_id, anna.cookie)
    signed = {"ceremony": shown["ceremony"], "assertion": second.get(shown["options"])}
    assert code_of(arena.person("POST", f"/me/v1/passkeys/{first_id}/remove", signed, cookie=anna.cookie)) == "confirmation.replayed"
    sign_in = arena.room.call("POST", "/login/v1/sign-in", {})
    other = {"ceremony": shown["ceremony"], "assertion": second.get(sign_in["options"])}
    assert code_of(arena.person("POST", f"/me/v1/passkeys/{second_id}/remove", other, cookie=anna.cookie)) == "credential.wrong_key"
    assert len(kept(arena, anna.cookie)) == 2
    assert arena.person("POST", f"/me/v1/passkeys/{second_id}/remove", signed, cookie=anna.cookie).is_success
    assert kept(arena, anna.cookie) == [first_id]
    assert [one["envelope"]["passkey"] for one in arena.entries("person.changed")] == ["removed"]


@pytest.mark.proves("PASSKEY-REMOVE", "PASSKEY-YOUNG")
def test_a_passkey_from_a_mailbox_removes_itself_but_none_that_counts(arena: Arena) -> None:
    anna = arena.anna
    (first_id,) = kept(arena, anna.cookie)
    young, cookie, young_id = enrolled(arena, "link")
    assert code_of(removed(arena, first_id, cookie, young)) == "confirmation.wrong_person"
    assert sorted(kept(arena, anna.cookie)) == sorted([first_id, young_id])
    assert removed(arena, young_id, cookie, young).is_success
    assert kept(arena, anna.cookie) == [first_id]


@pytest.mark.proves("PASSKEY-REMOVE", "PASSKEY-YOUNG")
def test_of_passkeys_that_wait_the_older_one_removes_the_younger_alone(arena: Arena) -> None:
    older, cookie, older_id = enrolled(arena, "link", person="cleo")
    arena.clock.ahead_ms = 60_000
    younger, late, younger_id = enrolled(arena, "link", person="cleo")
    assert code_of(removed(arena, older_id, late, younger)) == "confirmation.wrong_person"
    assert removed(arena, younger_id, cookie, older).is_success
    assert kept(arena, cookie) == [older_id]


@pytest.mark.proves("PASSKEY-REMOVE")
def test_two_removals_at_once_leave_one(arena: Arena) -> None:
    anna = arena.anna
    (first_id,) = kept(arena, anna.cookie)
    second, cookie, second_id = enrolled(arena)
    asked = []
    for passkey, session, signer in ((first_id, anna.cookie, anna.passkey), (second_id, cookie, second)):
        shown = begun(arena, passkey, session)
        body = {"ceremony": shown["ceremony"], "assertion": signer.get(shown["options"])}
        asked.append((f"/me/v1/passkeys/{passkey}/remove", body, session))
    transport = arena.room.transport
    assert transport is not None

    async def both() -> list[httpx.Response]:
        sent = [
            httpx.Request("POST", ISSUER + path, json=body, headers={"cookie": session, "content-type": "application/json"})
            for path, body, session in asked
        ]
        return list(await asyncio.gather(*(transport.handle_async_request(one) for one in sent)))

    answers = arena.run(both())
    assert sorted(one.is_success for one in answers) == [False, True]
