"""What an officer's text may not say, however it is written."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remit.domain.secrets.outbound import WithheldSpan, find_withheld, mask_spans

VALUES = {
    "identity.birth_date": "1988-04-17",
    "contact.phone": "+49 40 5550100",
    "contact.address": "Lindenweg 4, 20095 Hamburg",
    "account.credit": "12.50 EUR",
    "card.ending": ["4242", "0031"],
    "account.blocked": True,
    "order.pieces": 2,
    "profile": {"nick": "Annabel"},
    "identity.name": "Zoë Müller",
    "identity.email": "zoe.m@mail.example",
    "order.total": Decimal("1234.50"),
    "card.token": "pm-7Q4-22",
}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("born 17 April 1988", "identity.birth_date"),
        ("born April 17, 1988", "identity.birth_date"),
        ("born 17.4.1988", "identity.birth_date"),
        ("born 1988/04/17", "identity.birth_date"),
        ("call 0049 40 555-0100 or +49(40)5550100", "contact.phone"),
        ("to LINDENWEG 4 20095 HAMBURG", "contact.address"),
        ("credit of 12.50 eur", "account.credit"),
        ("the card 4242", "card.ending"),
        ("hello \uff21\uff4e\uff4e\uff41\uff42\uff45\uff4c", "profile"),
        ("hello An\u200bnabel", "profile"),
        ("for Muller, Zoe", "identity.name"),
        ("for ZOE MUELLER", "identity.name"),
        ("for Zoe\u0308 Mu\u0308ller", "identity.name"),
        ("zoe dot m (at) mail.example", "identity.email"),
        ("a total of 1.234,50", "order.total"),
        ("the card pm 7 q4 22", "card.token"),
        ("call (0) 40 5550100", "contact.phone"),
    ],
)
def test_a_value_is_found_in_other_spellings(text: str, name: str) -> None:
    held = find_withheld(text, VALUES)
    assert held
    assert name in {one.name for one in held} or {one.why for one in held} == {"secret"}


@pytest.mark.parametrize(
    "text", ["Your order was delivered.", "We have 2 of them, yes.", "It takes 14242 steps", "Annabelle is another name", ""]
)
def test_what_says_none_of_it_is_free(text: str) -> None:
    assert find_withheld(text, VALUES) == ()


@pytest.mark.parametrize("text", ["see https://a.example/x", "see www.a.example", "write mailto:a@b.example", "see a.example/path?x=1"])
def test_links_are_held(text: str) -> None:
    assert [one.why for one in find_withheld(text, {})] == ["link"]


def test_a_secret_is_held() -> None:
    assert [one.why for one in find_withheld("your password is hunter2!x9", {})] == ["secret"]


def test_what_is_withheld_is_replaced_and_the_rest_kept() -> None:
    text = "Born 17 April 1988, card 4242."
    assert mask_spans(text, find_withheld(text, VALUES)) == "Born [withheld], card [withheld]."


@given(before=st.text(max_size=30), after=st.text(max_size=30), value=st.sampled_from(["Annabel", "Lindenweg 4, 20095 Hamburg"]))
@settings(max_examples=60, deadline=None)
def test_a_value_between_spaces_never_gets_through(before: str, after: str, value: str) -> None:
    text = f"{before} {value} {after}"
    held = find_withheld(text, {"x": value})
    assert value not in mask_spans(text, held)
    assert all(0 <= one.start < one.end <= len(text) for one in held)
    assert list(held) == sorted(held)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 10)), max_size=6))
@settings(max_examples=60, deadline=None)
def test_overlapping_parts_are_taken_out_once(spans: list[tuple[int, int]]) -> None:
    text = "abcdefghijklmnopqrstuvwxyz0123456789ABCD"
    held = [WithheldSpan(start=start, end=start + size, why="link") for start, size in spans]
    left = mask_spans(text, held)
    gone = {place for start, size in spans for place in range(start, start + size)}
    assert left.replace("[withheld]", "") == "".join(letter for place, letter in enumerate(text) if place not in gone)
