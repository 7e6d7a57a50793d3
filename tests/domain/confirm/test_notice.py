"""What a notice says of something that waits: names made harmless, one line in a subject, nothing but what may be said."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.adapters.files.translations import load_translations
from remit.domain.catalogue.model import Area
from remit.domain.confirm.notice import FOOT, WaitingInvitation, customer_notice, digest_notice, officer_notice, quoted_name
from remit.domain.i18n import ENGLISH
from remit.domain.values import Instant

UNTIL = Instant(1_790_000_000_000)


def waiting(**changed: str) -> WaitingInvitation:
    given = {"agent": "Shop helper", "operator": "helper.example", "objective": "Return something and get the money back"} | changed
    return WaitingInvitation(**given, area=Area.PAYMENT, until=UNTIL)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Shop helper", '"Shop helper"'),
        ("  Shop  ", '"Shop"'),
        ('Acme" approved "', "\"Acme' approved '\""),
        ("helper.example", '"helper[.]example"'),
        ("https://evil.example/a?b", '"https[:]//evil[.]example/a?b"'),
        ("me@evil.example", '"me[@]evil[.]example"'),
        ("Mr. Good", '"Mr. Good"'),
        ("AC/DC at 10:30", '"AC/DC at 10:30"'),
        ("a\r\nBcc: x", '"a⟨U+000D⟩⟨new line⟩Bcc: x"'),
        ("a\u202eb", '"a⟨U+202E⟩b"'),
        ("x" * 61, f'"{"x" * 59}…"'),
        ("Köln 東京", '"Köln 東京"'),
    ],
)
def test_a_name_is_quoted_and_harmless(name: str, shown: str) -> None:
    assert quoted_name(name) == shown


@given(st.text(max_size=200))
def test_no_name_ends_its_quotes_breaks_a_line_hides_or_links(name: str) -> None:
    shown = quoted_name(name)
    inner = shown[1:-1]
    assert shown[0] == shown[-1] == '"'
    assert '"' not in inner
    assert len(shown) < 60 * 3 + 10
    assert not any(unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for letter in inner)
    assert not re.search(r"\S(?:\.|://|@)[^\s\]]", inner)


@pytest.mark.parametrize("area", list(Area))
def test_each_area_is_told_in_plain_words(area: Area) -> None:
    one = WaitingInvitation(agent="a", operator="o", objective="p", area=area, until=UNTIL)
    for words in (customer_notice("Acme", one, ENGLISH), officer_notice("Acme", one, ENGLISH)):
        assert re.search(r"Topic: [a-z' -]+\.", words.text)


def test_a_customer_is_told_who_asks_why_until_when_and_that_looking_answers_nothing() -> None:
    words = customer_notice("Acme", waiting(), ENGLISH)
    assert words.subject == 'Acme: "Shop helper" needs your approval'
    for part in (
        '"Shop helper"',
        '"helper[.]example"',
        "Return something",
        "money",
        "2026-09-21 14:13 UTC",
        "doesn't answer it",
        "the request expires and nothing is done",
    ):
        assert part in words.text


def test_an_officer_is_told_how_many_wait_and_until_when_the_first() -> None:
    words = digest_notice("Acme", 3, UNTIL, ENGLISH)
    assert words.subject == "Acme: 3 requests need approval"
    assert "3 requests" in words.text
    assert "2026-09-21 14:13 UTC" in words.text


def test_the_same_is_said_in_german() -> None:
    say = load_translations()["de"]
    one = waiting()
    words = customer_notice("Acme", one, say)
    assert words.subject == 'Acme: "Shop helper" braucht Ihre Zustimmung'
    assert "Ein Agent, der bei Acme für Sie handelt" in words.text
    assert "Thema: Geld." in words.text
    assert "2026-09-21 14:13 UTC" in words.text
    assert digest_notice("Acme", 3, UNTIL, say).text.startswith("3 Anfragen von Agenten")
    assert say(FOOT) != FOOT
