"""Refusals at people's doors: on the record in numbers, however many there are, and without a word of whoever makes them."""

from typing import Any

import pytest

from attacks.arena import Arena, code_of, open_arena
from attacks.failing.disk import Disk
from remit.adapters.world.system import SystemWorld
from remit.domain.errors import Code, Fault, Refused
from remit.engine.noise import PERIOD_S, NoiseCounter
from remit.usecases.background.sweep import record_noise

FOREIGN = {"origin": "https://helper.example", "sec-fetch-site": "cross-site"}
FORM = {"content-type": "application/x-www-form-urlencoded", **FOREIGN}


class Later:
    """The desk's own count of time, moved on by hand; its rounds, one at a time."""

    def __init__(self, arena: Arena) -> None:
        self.seconds = 1000.0
        self._arena = arena
        arena.context.world.ticks = lambda: self.seconds  # type: ignore[method-assign]  # only the clock is held

    def round(self, after_s: float = 0.0) -> list[dict[str, Any]]:
        """What a round so much later finds on the record of noise."""
        self.seconds += after_s
        desk = self._arena.desk.desk
        assert desk is not None
        self._arena.run(desk.jobs.round())
        return self._arena.entries("noise.counted")


@pytest.mark.proves("NOISE", "P16")
def test_what_people_and_pages_were_refused_is_one_entry_of_numbers(arena: Arena) -> None:
    later = Later(arena)
    found, task = arena.granted()
    reply = task.ask("order.return", {"order_id": "W1", "item_ids": ["i1"]})
    path = f"/me/v1/confirmations/{arena.anna.invitation(reply)}"
    wrong = {"answer": "yes", "assertion": arena.anna.passkey.get({**arena.anna.get(path)["options"], "challenge": "AAAA"})}
    bram = arena.desk.customer("bram")
    for _ in range(50):
        arena.person("POST", f"/me/v1/mandates/{found.id}/revoke", {}, cookie=arena.anna.cookie, headers=FOREIGN)
    for language in (b"de", b"<script>alert(1)</script>"):
        arena.room.raw("POST", "/language", cookie=arena.anna.cookie, headers=FORM, content=b"language=" + language, check=False)
    assert code_of(arena.person("POST", path, wrong, cookie=arena.anna.cookie)) == "credential.wrong_key"
    assert code_of(arena.person("POST", path, {"answer": "no"}, cookie=bram.cookie)) == "confirmation.wrong_person"
    assert arena.person("GET", "/me/v1").status_code == 401
    assert later.round(599.0) == []
    (entry,) = later.round(2.0)
    numbers = {"confirmation.wrong_person": 1, "credential.wrong_key": 1, "person.not_allowed": 52}
    assert entry["envelope"]["refused"] == entry["desk"]["refused"] == numbers
    assert set(entry["envelope"]) == {"rules", "refused", "since", "kind", "at"}
    assert set(entry["desk"]) == {"refused", "since"}
    assert (entry["agent"], entry["customer"]) == (None, None)
    sam = arena.desk.officer("sam", ["security"])
    assert "person.not_allowed" in arena.person("GET", "/security", cookie=sam.cookie).text


@pytest.mark.proves("NOISE")
def test_where_nothing_was_refused_nothing_is_written_and_nothing_twice(arena: Arena) -> None:
    later = Later(arena)
    arena.waiting()
    assert later.round(10_000.0) == []
    arena.person("POST", "/login/v1/sign-out", {}, headers=FOREIGN)
    assert len(later.round(601.0)) == 1
    assert len(later.round(10_000.0)) == 1


@pytest.mark.proves("NOISE", "FAIL-CLOSED")
def test_what_could_not_be_recorded_is_counted_on() -> None:
    disk = Disk("store.before_commit")
    with open_arena(on_point=disk) as arena:
        later = Later(arena)
        arena.person("POST", "/login/v1/sign-out", {}, headers=FOREIGN)
        disk.broken = True
        later.seconds += 601.0
        with pytest.raises(Fault):
            arena.run(record_noise(arena.context))
        arena.person("POST", "/login/v1/sign-out", {}, headers=FOREIGN)
        disk.broken = False
        later.round()
        # A round of the desk's own may hold a part of them at this moment, and puts it back when it has failed.
        counted = sum(entry["envelope"]["refused"]["person.not_allowed"] for entry in later.round(601.0))
        assert counted == 2


@pytest.mark.proves("NOISE", "FAIL-CLOSED")
def test_what_is_refused_while_a_round_fails_does_not_put_off_what_was_due() -> None:
    noise, world = NoiseCounter(), SystemWorld()
    ticks = [1000.0]
    world.ticks = lambda: ticks[0]  # type: ignore[method-assign]  # only the clock is held
    noise.note(Refused(Code.PERSON_NOT_ALLOWED, "one"), world)
    ticks[0] += PERIOD_S
    counts, since = noise.due(world)
    noise.note(Refused(Code.PERSON_NOT_ALLOWED, "two"), world)
    noise.again(counts, since)
    assert noise.due(world) == ({"person.not_allowed": 2}, since)
    assert noise.due(world)[0] == {}
