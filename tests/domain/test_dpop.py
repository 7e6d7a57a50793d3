"""Nonces without a store, and addresses in one spelling."""

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.identity_minting import refusal
from remit.domain.dpop import NONCE_WINDOW_MS, issue_nonce, normalised, verify_nonce
from remit.domain.errors import Code, Refused
from remit.domain.values import Instant

SECRET, OTHER = b"s" * 32, b"t" * 32
INSTANTS = st.integers(0, 2**52).map(Instant)


def refused(nonce: str | None, secret: bytes, now: Instant) -> None:
    with pytest.raises(Refused) as caught:
        verify_nonce(nonce, secret, now)
    assert caught.value.code is Code.CREDENTIAL_NONCE


@given(INSTANTS, st.integers(0, NONCE_WINDOW_MS))
def test_a_nonce_counts_for_at_least_a_minute_on_every_node(now: Instant, later: int) -> None:
    nonce = issue_nonce(SECRET, now)
    assert verify_nonce(nonce, SECRET, Instant(now + later)) == nonce


@given(INSTANTS)
def test_an_old_foreign_or_future_nonce_does_not_count(now: Instant) -> None:
    nonce = issue_nonce(SECRET, now)
    refused(nonce, SECRET, Instant(now + 2 * NONCE_WINDOW_MS))
    refused(nonce, OTHER, now)
    refused(issue_nonce(SECRET, Instant(now + NONCE_WINDOW_MS)), SECRET, now)


@given(st.none() | st.text(max_size=40))
def test_no_text_is_taken_for_a_nonce(text: str | None) -> None:
    refused(text, SECRET, Instant(10**12))


@given(st.integers(0, 31), st.sampled_from("AQaz09-_"))
def test_a_changed_letter_makes_it_another_nonce(place: int, letter: str) -> None:
    nonce = issue_nonce(SECRET, Instant(10**12))
    if nonce[place] != letter:
        refused(nonce[:place] + letter + nonce[place + 1 :], SECRET, Instant(10**12))


@given(st.text(max_size=40) | st.text("/.%2eE5aé?#@:[]", max_size=40).map(lambda text: f"https://a{text}"))
def test_the_one_spelling_is_its_own_spelling(text: str) -> None:
    code = refusal(partial(normalised, text))
    assert code in {None, Code.CREDENTIAL_MALFORMED}
    if code is None:
        assert normalised(normalised(text)) == normalised(text)


@pytest.mark.parametrize(
    ("url", "spelling"),
    [
        ("https://A.example", "https://a.example/"),
        ("http://a.example:80/x", "http://a.example/x"),
        ("http://a.example:443/x", "http://a.example:443/x"),
        ("https://a.example/a/./b/../c", "https://a.example/a/c"),
        ("https://a.example/../../x", "https://a.example/x"),
        ("https://a.example/a/..", "https://a.example/"),
        ("https://a.example/%7euser%2f", "https://a.example/~user%2F"),
        ("https://a.example/%2e%2e/x", "https://a.example/x"),
        ("https://[2001:DB8::1]:443/x?y#z", "https://[2001:db8::1]/x"),
    ],
)
def test_addresses_are_normalised_as_rfc_3986_says(url: str, spelling: str) -> None:
    assert normalised(url) == spelling
