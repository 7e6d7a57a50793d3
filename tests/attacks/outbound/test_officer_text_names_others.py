"""What an officer writes to an agent of other people, and of what lets somebody in (docs/model/model.md#outbound)."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from attacks.arena import FACTS, Arena, mandate, open_arena

OTHERS = [
    ("Order W9 is the one that is late.", "W9"),
    ("It is about w9, I think.", "w9"),
    ("Bram de Vos had the same.", "Bram de Vos"),
    ("Ask bram@mail.example about it.", "bram@mail.example"),
    ("Bram de Vos lives at Kantstraat 5, 1012 AB Utrecht.", "Kantstraat 5, 1012 AB Utrecht"),
    ("W9 went to kantstraat 5, 1012 ab UTRECHT", "kantstraat 5, 1012 ab UTRECHT"),
    ("His card for W9 is pm_9.", "pm_9"),
]
CODES = [
    ("Your code is 123456.", "123456"),
    ("Use 8841 to log in.", "8841"),
    ("Enter A7K9Q2 to sign in, then go on.", "A7K9Q2"),
    ("To reset it, use XK42-99PL.", "XK42-99PL"),
    ("Ihr Bestätigungscode lautet 88 41 02.", "88 41 02"),
    ("You can reset the password at acme.example/reset/9f2c", "acme.example/reset/9f2c"),
    ("Nutzen Sie 771204 zum Anmelden.", "771204"),
    ("482913 is your verification code", "482913"),
]
FREE = [
    "Order W1 was delivered on 12 May 2026.",
    "Order number 123456 of the shop has nothing to do with it.",
    "The refund takes 3 to 5 days, please send the kettle back in its box.",
    "Your discount code is SAVE10, and the postal code 22607.",
    "We answer from 09:00 to 17:30, room 4.12.",
    "Write to help@shop.example or call +49 40 123456.",
    "Error code 5021 means that the parcel is on its way.",
    "Anna may keep item i1 until 2026-12-31.",
]


@pytest.fixture
def arena() -> Iterator[Arena]:
    facts = deepcopy(FACTS)
    facts["attributes"]["customer"]["bram"] = {"identity.name": "Bram de Vos", "contact.email": "bram@mail.example"}
    facts["attributes"]["order"]["W9"] |= {"order.shipping_address": "Kantstraat 5, 1012 AB Utrecht"}
    with open_arena(facts=facts, settings={"words": {"contacts": ["help@shop.example", "+49 40 123456"]}}) as one:
        one.room.control(
            "POST", "/sandbox/v1/people", {"id": "bram", "kind": "customer", "name": "Bram de Vos", "email": "bram@mail.example"}
        )
        yield one


def _reply(arena: Arena, text: str, **more: Any) -> tuple[Any, Any]:
    task = arena.task(mandate(never=[{"power": "accept"}]))
    olga = arena.desk.officer("olga", roles=["billing"])
    answer = arena.person("POST", f"/desk/v1/cases/{task.case}/reply", {"text": text, **more}, cookie=olga.cookie)
    return answer.json(), task


@pytest.mark.proves("OUTBOUND", "OUTBOUND-OTHERS")
@pytest.mark.parametrize(("text", "part"), OTHERS)
def test_what_is_another_customers_does_not_leave(arena: Arena, text: str, part: str) -> None:
    body, task = _reply(arena, text)
    assert body["code"] == "reply.withheld", body
    held = {text[one["start"] : one["end"]]: one["why"] for one in body["held"]}
    assert any(part in stretch and why in {"other", "contact"} for stretch, why in held.items()), held
    assert task.inbox() == []
    body, task = _reply(arena, text, withhold=True)
    (message,) = task.inbox()
    assert part not in message["text"]
    assert message["withheld_kinds"] == ["data"]


@pytest.mark.proves("OUTBOUND", "OUTBOUND-OTHERS")
@pytest.mark.parametrize(("text", "part"), CODES)
def test_a_code_that_lets_somebody_in_does_not_leave(arena: Arena, text: str, part: str) -> None:
    body, task = _reply(arena, text)
    assert body["code"] == "reply.withheld", body
    assert part in {text[one["start"] : one["end"]] for one in body["held"]} or part in text[body["held"][0]["start"] :]
    assert {one["why"] for one in body["held"]} <= {"code", "link", "secret"}
    assert task.inbox() == []


@pytest.mark.proves("OUTBOUND")
@pytest.mark.parametrize("text", FREE)
def test_what_is_nobodys_secret_is_told(arena: Arena, text: str) -> None:
    body, task = _reply(arena, text)
    assert body.get("code") is None, body
    assert [one["text"] for one in task.inbox()] == [text]


@pytest.mark.proves("OUTBOUND", "OUTBOUND-OTHERS")
def test_an_address_or_number_leaves_only_where_it_is_the_desks_own_or_covered() -> None:
    facts = deepcopy(FACTS)
    wanted = mandate(never=[{"power": "accept"}])
    wanted["powers"][1]["attributes"] += ["contact.email"]
    with open_arena(facts=facts) as arena:
        olga = arena.desk.officer("olga", roles=["billing"])
        for text in ("Ask somebody@elsewhere.example.", "Call 0800 1234567.", "Call +31 20 555 01 02 for it."):
            case = arena.task(wanted).case
            answer = arena.person("POST", f"/desk/v1/cases/{case}/reply", {"text": text}, cookie=olga.cookie)
            assert answer.json()["code"] == "reply.withheld", text
            assert {one["why"] for one in answer.json()["held"]} == {"contact"}


@pytest.mark.proves("OUTBOUND-KEPT")
@pytest.mark.parametrize(("text", "part"), [*CODES, *OTHERS, ("Write to stranger@elsewhere.example.", "stranger@elsewhere.example")])
def test_what_was_taken_out_of_a_reply_is_not_on_the_record_either(arena: Arena, text: str, part: str) -> None:
    """⚔ A code would stand there for good, and another customer's data where no erasure of theirs reaches it."""
    _reply(arena, text, withhold=True)
    entry = arena.recorded("reply.sent")
    assert entry["envelope"]["withheld"]
    assert part.casefold() not in str(entry).casefold()
    assert part.casefold() not in str(arena.notify.incidents).casefold()


@pytest.mark.proves("OUTBOUND-KEPT")
def test_this_customers_own_values_are_kept_for_the_desk_as_they_were_written(arena: Arena) -> None:
    text = "It goes to Lindenweg 4, 20095 Hamburg, I see."
    _, task = _reply(arena, text, withhold=True)
    entry = arena.recorded("reply.sent")
    assert (entry["desk"]["whole"], entry["desk"]["text"]) == (text, "It goes to [withheld], I see.")
    assert text not in str(task.inbox())


LINKS = [
    ("Go to acme.example:8443/reset/9f2c now.", "acme.example:8443/reset/9f2c"),
    ("Go to acme.example?t=9f2c now.", "acme.example?t=9f2c"),
    ("Go to b\u00fccher.example/reset/9f2c now.", "b\u00fccher.example/reset/9f2c"),
    ("Go to 203.0.113.7/reset now.", "203.0.113.7/reset"),
    ("Go to acme.example:8443 now.", "acme.example:8443"),
]


@pytest.mark.proves("OUTBOUND")
@pytest.mark.parametrize(("text", "part"), LINKS)
def test_a_link_is_one_without_its_scheme_too(arena: Arena, text: str, part: str) -> None:
    _, task = _reply(arena, text, withhold=True)
    (message,) = task.inbox()
    assert part not in message["text"]
    assert "link" in message["withheld_kinds"]


@pytest.mark.proves("OUTBOUND")
@pytest.mark.parametrize(
    "text", ["It was rated 4.5/5 by others.", "Did you look at acme.example? It says so.", "It is size 10.5 or 11/12."]
)
def test_what_only_has_a_dot_and_a_stroke_is_no_link(arena: Arena, text: str) -> None:
    body, task = _reply(arena, text)
    assert [one["text"] for one in task.inbox()] == [text], body


@pytest.mark.proves("OUTBOUND", "OUTBOUND-OTHERS")
def test_no_value_of_a_customer_lets_addresses_of_a_whole_host_through() -> None:
    """\u2694 Else whoever names something of theirs "@elsewhere.example" has every address there told."""
    facts = deepcopy(FACTS)
    facts["attributes"]["order"]["W1"]["order.items"] = ["i1", "@elsewhere.example", "me@own.example"]
    with open_arena(facts=facts) as arena:
        text = "Write to stranger@elsewhere.example, or to me@own.example."
        _, task = _reply(arena, text, withhold=True)
        assert [one["text"] for one in task.inbox()] == ["Write to [withheld], or to me@own.example."]
