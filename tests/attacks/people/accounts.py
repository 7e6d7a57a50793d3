"""Accounts as the desk's own people make, recover and erase them."""

import httpx

from attacks.arena import ISSUER, Arena
from remit.sandbox.passkey import SoftPasskey
from remit.sandbox.people import SandboxPerson


def security(arena: Arena, name: str = "sam") -> SandboxPerson:
    return arena.desk.officer(name, roles=["security"])


def recovered(arena: Arena, sam: SandboxPerson) -> tuple[SoftPasskey, str]:
    """A passkey made with the link that an officer handed out, and the session it gives."""
    assert arena.anna.id == "anna"
    made = sam.post("/security/v1/people/anna/recover", {})
    return enrolled(arena, made["link"].partition("code=")[2])


def enrolled(arena: Arena, code: str) -> tuple[SoftPasskey, str]:
    begun = arena.room.call("POST", "/login/v1/enrol", {"code": code})
    key = SoftPasskey(ISSUER)
    done = arena.person("POST", "/login/v1/enrol", {"ceremony": begun["ceremony"], "response": key.create(begun["options"])})
    assert done.is_success, done.text
    return key, done.headers["set-cookie"].partition(";")[0]


def added(arena: Arena, kind: str) -> tuple[SoftPasskey, str]:
    """A passkey and a session of an account that one officer made, and said to be Anna's too; old enough to count."""
    ahead, arena.clock.ahead_ms = arena.clock.ahead_ms, arena.clock.ahead_ms - 73 * 3_600_000
    made = security(arena).post("/security/v1/people", {"id": f"second-{kind}", "kind": kind, "same_person_as": "anna"})
    begun = arena.room.call("POST", "/login/v1/enrol", {"code": made["link"].partition("code=")[2]})
    key = SoftPasskey(ISSUER)
    body = {"ceremony": begun["ceremony"], "response": key.create(begun["options"])}
    assert arena.person("POST", "/login/v1/enrol", body).is_success
    arena.clock.ahead_ms = ahead
    begun = arena.room.call("POST", "/login/v1/sign-in", {})
    done = arena.person("POST", "/login/v1/sign-in", {"ceremony": begun["ceremony"], "assertion": key.get(begun["options"])})
    return key, done.headers["set-cookie"].partition(";")[0]


def proposed(arena: Arena) -> str:
    made = security(arena, "sam").post("/security/v1/erasures", {"customer": "anna", "reason": "asked for it"})
    return str(made["proposal"]["proposal"])


def agreed(arena: Arena, proposal: str) -> httpx.Response:
    return arena.person("POST", f"/security/v1/proposals/{proposal}", {"answer": "yes"}, cookie=security(arena, "kim").cookie)


def erased(arena: Arena) -> None:
    assert agreed(arena, proposed(arena)).is_success
