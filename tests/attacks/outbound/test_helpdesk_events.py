"""Events of the company's own helpdesk: they wake Remit and say nothing that counts.

Source: docs/model/model.md#helpdesk-events.
"""

import hashlib
import hmac
import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from attacks.arena import Arena, code_of
from remit.domain.errors import Code, Refused
from remit.domain.identity.event_signatures import EVENT_SCHEMES, EventScheme, verify_event
from remit.domain.values import Instant
from remit.engine.context import DeskContext

SECRET = b"a secret of the helpdesk"
PATH = "/helpdesk/v1/events"
EVENT = {"ticket": 1, "transaction": 7, "type": "Set"}


def listen(context: DeskContext, secret: bytes = SECRET) -> None:
    """What the settings of a company's own helpdesk do."""
    object.__setattr__(context, "event_scheme", EVENT_SCHEMES["rt"])
    object.__setattr__(context, "event_secret", secret)


@pytest.fixture
def woken(arena: Arena) -> Arena:
    listen(arena.context)
    return arena


def signature(body: bytes, secret: bytes = SECRET) -> str:
    return "sha256=" + hmac.new(secret, body, "sha256").hexdigest()


def send(arena: Arena, event: Any = EVENT, **headers: str) -> httpx.Response:
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    sent = {"content-type": "application/json", "x-rt-signature": signature(body), **headers}
    return arena.room.raw("POST", PATH, headers={name: value for name, value in sent.items() if value}, content=body, check=False)


def count_reads(arena: Arena) -> list[str]:
    """The cases that are read at the helpdesk from now on."""
    reads: list[str] = []
    read = arena.helpdesk.read

    async def counted(case: str) -> Any:
        reads.append(case)
        return await read(case)

    arena.helpdesk.read = counted  # type: ignore[method-assign]  # only watched
    return reads


def state(arena: Arena) -> str:
    return "ended" if arena.entries("task.ended") else "open"


NATIVE: dict[str, Callable[[Arena, str], Any]] = {
    "closed": lambda arena, case: arena.helpdesk.close_natively(case),
    "requester": lambda arena, case: arena.helpdesk.change_requester(case, "mallory@mail.example"),
    "nothing": lambda arena, case: arena.helpdesk.reassign(case, "olga"),
}


@pytest.mark.proves("HELPDESK-EVENT")
@pytest.mark.parametrize("what", NATIVE)
def test_an_event_ends_what_the_ticket_itself_ends_and_nothing_else(woken: Arena, what: str) -> None:
    task = woken.task()
    woken.run(NATIVE[what](woken, task.case))
    woken.desk.sweep()
    assert state(woken) == "open", "nothing was read yet"
    assert send(woken).status_code == 202
    woken.desk.sweep()
    assert state(woken) == ("open" if what == "nothing" else "ended")


@pytest.mark.proves("HELPDESK-EVENT")
@pytest.mark.parametrize("event", [EVENT | {"type": "Status", "status": "resolved"}, EVENT | {"merged_into": 2, "owner": "eve"}])
def test_what_an_event_says_beside_its_ticket_counts_for_nothing(woken: Arena, event: Any) -> None:
    """⚔ Whoever learned the secret can still only make Remit look."""
    woken.task()
    with woken.unchanged():
        assert send(woken, event).status_code == 202
        woken.desk.sweep()
    assert state(woken) == "open"


FORGERIES: dict[str, tuple[dict[str, str], Code]] = {
    "no signature": ({"x-rt-signature": ""}, Code.CREDENTIAL_MISSING),
    "another secret": ({"x-rt-signature": signature(json.dumps(EVENT).encode(), b"guessed")}, Code.CREDENTIAL_WRONG_KEY),
    "another body": ({"x-rt-signature": signature(b"{}")}, Code.CREDENTIAL_WRONG_KEY),
    "no prefix": ({"x-rt-signature": signature(json.dumps(EVENT).encode()).removeprefix("sha256=")}, Code.CREDENTIAL_WRONG_KEY),
    "letters that are none": ({"x-rt-signature": "sha256=\x7f"}, Code.CREDENTIAL_WRONG_KEY),
}


@pytest.mark.proves("HELPDESK-EVENT")
@pytest.mark.parametrize("how", FORGERIES)
def test_an_event_that_is_not_signed_as_agreed_wakes_nothing(woken: Arena, how: str) -> None:
    woken.task()
    headers, code = FORGERIES[how]
    reads = count_reads(woken)
    answer = send(woken, **{"x-rt-signature": "", **headers})
    assert (answer.status_code, code_of(answer)) == (401, code.value)
    woken.desk.sweep()
    assert reads == []


@pytest.mark.proves("HELPDESK-EVENT")
@pytest.mark.parametrize(
    "event", [{}, {"ticket": ""}, {"ticket": "1 or 2"}, {"ticket": True}, {"ticket": ["1"]}, {"ticket": "x" * 101}, b"[]", b"{"]
)
def test_an_event_without_a_ticket_is_refused(woken: Arena, event: Any) -> None:
    assert code_of(send(woken, event)) == "request.malformed"


@pytest.mark.proves("HELPDESK-EVENT")
def test_events_of_a_helpdesk_that_signs_none_wake_too(arena: Arena) -> None:
    listen(arena.context, b"")
    task = arena.task()
    arena.run(arena.helpdesk.close_natively(task.case))
    assert send(arena, **{"x-rt-signature": ""}).status_code == 202
    arena.desk.sweep()
    assert state(arena) == "ended"


@pytest.mark.proves("HELPDESK-EVENT")
def test_no_reply_tells_which_tickets_are_ours(woken: Arena) -> None:
    woken.task()
    ours, others = send(woken), send(woken, {"ticket": 4711})
    assert (ours.status_code, ours.content) == (others.status_code, others.content)


@pytest.mark.proves("HELPDESK-EVENT")
def test_a_flood_of_events_costs_a_bounded_number_of_readings(woken: Arena) -> None:
    """⚔ A replayed event is read once a round, and no flood makes the list of tickets longer."""
    task = woken.task()
    reads = count_reads(woken)
    for _ in range(50):
        send(woken)
    for number in range(2, 3000):
        woken.context.woken_tickets.add(str(number))
    assert len(woken.context.woken_tickets.take(10_000)) == 1000
    for _ in range(50):
        send(woken)
    woken.desk.sweep()
    woken.desk.sweep()
    assert reads == [task.case]


@pytest.mark.proves("HELPDESK-EVENT")
def test_a_desk_with_its_own_helpdesk_has_no_such_door(arena: Arena) -> None:
    assert code_of(send(arena)) == "request.not_found"


@pytest.mark.proves("HELPDESK-EVENT")
def test_a_scheme_with_a_time_takes_no_old_event() -> None:
    """As several products sign: base64 of an HMAC over a time, a dot and the body."""
    scheme = EventScheme(header="x-signature", algorithm="sha256", base64=True, time_header="x-time", separator=".", ticket=("id",))
    headers = {"x-time": "1700000000", "x-signature": b64encode(hmac.new(SECRET, b"1700000000.{}", hashlib.sha256).digest()).decode()}

    def verify(at_s: int, scheme: EventScheme = scheme, **changed: str) -> None:
        verify_event(scheme, SECRET, lambda name: {**headers, **changed}.get(name, ""), b"{}", Instant(at_s * 1000))

    verify(1_700_000_100)
    for at_s, changed, code in (
        (1_700_000_400, {}, Code.CREDENTIAL_EXPIRED),
        (1_699_999_600, {}, Code.CREDENTIAL_EXPIRED),
        (1_700_000_000, {"x-time": "1700000001"}, Code.CREDENTIAL_WRONG_KEY),
        (1_700_000_000, {"x-time": ""}, Code.CREDENTIAL_MISSING),
        (1_700_000_000, {"x-time": "9" * 50}, Code.CREDENTIAL_MISSING),
    ):
        with pytest.raises(Refused) as refused:
            verify(at_s, **changed)
        assert refused.value.code is code
    with pytest.raises(Refused):
        verify(1_700_000_000, replace(scheme, separator=":"))
