"""What a notice says of something that waits: names made harmless, one line in a subject, nothing but what may be said."""

import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.adapters.files.translations import load_translations
from remit.domain.catalogue.model import Area
from remit.domain.confirm import notice
from remit.domain.confirm.notice import FOOT, WaitingInvitation, customer_notice, digest_notice, officer_notice, quoted_name
from remit.domain.i18n import ENGLISH, Translator
from remit.domain.values import Instant

UNTIL = Instant(1_790_000_000_000)


def waiting(**changed: str) -> WaitingInvitation:
    given = {"agent": "Shop helper", "operator": "helper.example", "objective": "Return something and get the money back"} | changed
    return WaitingInvitation(**given, area=Area.PAYMENT, until=UNTIL)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Shop helper", "“Shop helper”"),
        ("  Shop  ", "“Shop”"),
        ('Acme" approved "', "“Acme' approved '”"),
        ("Acme” approved „", "“Acme' approved '”"),
        ("helper.example", "“helper[.]example”"),
        ("https://evil.example/a?b", "“https[:]//evil[.]example/a?b”"),
        ("me@evil.example", "“me[@]evil[.]example”"),
        ("Mr. Good", "“Mr. Good”"),
        ("AC/DC at 10:30", "“AC/DC at 10:30”"),
        ("a\r\nBcc: x", "“a⟨U+000D⟩⟨new line⟩Bcc: x”"),
        ("a\u202eb", "“a⟨U+202E⟩b”"),
        ("x" * 61, f"“{'x' * 59}…”"),
        ("Köln 東京", "“Köln 東京”"),
    ],
)
def test_a_name_is_quoted_and_harmless(name: str, shown: str) -> None:
    assert quoted_name(name, ENGLISH) == shown


@given(st.text(max_size=200))
def test_no_name_ends_its_quotes_breaks_a_line_hides_or_links(name: str) -> None:
    shown = quoted_name(name, ENGLISH)
    inner = shown[1:-1]
    assert (shown[0], shown[-1]) == ("“", "”")
    assert not set(inner) & set('"“”„‟«»')
    assert len(inner) <= 60
    assert not any(unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for letter in inner)
    assert not re.search(r"\S(?:\.|://|@)[^\s\]]", inner)


@pytest.mark.parametrize("area", list(Area))
def test_each_area_is_told_in_plain_words(area: Area) -> None:
    one = WaitingInvitation(agent="a", operator="o", objective="p", area=area, until=UNTIL)
    for words in (customer_notice("Acme", one, ENGLISH), officer_notice("Acme", one, ENGLISH)):
        assert re.search(r"Topic: [a-z' -]+\.", words.text)


def test_a_customer_reads_a_whole_mail() -> None:
    words = customer_notice("Acme", waiting(), ENGLISH)
    assert words.subject == "Acme: “Shop helper” needs your approval"
    first, facts, *rest = words.text.split("\n\n")
    assert first == "An agent acting for you at Acme has made a request that needs your approval."
    assert facts.split("\n") == [
        "Agent: “Shop helper”, run by “helper[.]example”. We didn't choose the agent's name.",
        "Purpose: Return something and get the money back.",
        "Topic: money.",
        "Answer by 21 September 2026, 14:13 UTC.",
    ]
    assert rest == [
        "If you don't answer in time, the request expires and nothing is done.",
        "Sign in with your passkey to see the full request on this page. Opening the page doesn't answer it.",
    ]


def test_an_officer_is_told_how_many_wait_and_until_when_the_first() -> None:
    words = digest_notice("Acme", 3, UNTIL, ENGLISH)
    assert words.subject == "Acme: 3 requests need approval"
    assert "3 requests" in words.text
    assert "by 21 September 2026, 14:13 UTC." in words.text


def test_the_same_is_said_in_german() -> None:
    say = load_translations()["de"]
    one = waiting()
    words = customer_notice("Acme", one, say)
    assert words.subject == "Acme: „Shop helper“ braucht Ihre Zustimmung"
    assert "Ein Agent, der bei Acme für Sie handelt" in words.text
    assert "Agent: „Shop helper“, betrieben von „helper[.]example“." in words.text
    assert "Thema: Geld." in words.text
    assert "bis zum 21. September 2026, 14:13 UTC." in words.text
    assert digest_notice("Acme", 3, UNTIL, say).text.startswith("3 Anfragen von Agenten")
    assert say(FOOT) != FOOT


@pytest.mark.parametrize("say", [ENGLISH, load_translations()["de"]], ids=["en", "de"])
@pytest.mark.parametrize("desk", ["Acme", "The Very Long Name Of A Company And Its Subsidiaries Ltd."])
@pytest.mark.parametrize("agent", ["Helper", "a." * 90, "x" * 200])
def test_a_subject_is_no_longer_than_mail_programs_show(say: Translator, desk: str, agent: str) -> None:
    for made in (customer_notice, officer_notice):
        assert len(made(desk, waiting(agent=agent), say).subject) <= 70
    assert len(digest_notice(desk, 200, UNTIL, say).subject) <= 70


def test_the_subjects_of_other_notices_are_short_titles() -> None:
    say = load_translations()["de"]
    folder = Path(notice.__file__).parents[2]
    found = [
        subject
        for file in [*folder.glob("usecases/**/*.py"), *folder.glob("engine/**/*.py")]
        for subject in re.findall(r'(?:subject ?= ?|_SUBJECT: Final = )marked\("([^"]+)"\)', file.read_text(encoding="utf-8"))
    ]
    assert len(found) > 8
    for one in found:
        assert max(len(one), len(say(one))) <= 70
        assert not one.endswith(".")
