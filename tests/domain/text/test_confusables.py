"""UTS 39: its own examples, and what a desk's names look like."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.domain.text.confusables import (
    RestrictionLevel,
    are_confusable,
    deceptive_letters,
    decoded_labels,
    is_whole_script_confusable,
    mixes_scripts,
    restriction_level,
    scripts_of,
    skeleton,
)

Level = RestrictionLevel


@pytest.mark.parametrize(
    ("text", "scripts"),
    [  # UTS 39, table 1a
        ("Circle", {"Latn"}),
        ("\u0421\u0456\u0433\u0441\u04c0\u0435", {"Cyrl"}),
        ("\u0421irc\u04c0e", set()),
        ("Circ1e", {"Latn"}),
        ("C\U0001d5c2\U0001d5cbc\U0001d5c5\U0001d5be", {"Latn"}),
        ("\U0001d5a2\U0001d5c2\U0001d5cb\U0001d5bc\U0001d5c5\U0001d5be", {"*"}),
        ("\u306d\u304c\u3044", {"Hira", "Jpan"}),
        ("\u5e78", {"Hani", "Hanb", "Jpan", "Kore"}),
        ("\u5e78\u306d", {"Jpan"}),
        ("1234", {"*"}),
    ],
)
def test_scripts_of_the_standards_examples(text: str, scripts: set[str]) -> None:
    assert scripts_of(text) == scripts


@pytest.mark.parametrize(
    ("one", "other"),
    [  # UTS 39, §4 and §1; UTR 36
        ("paypal", "p\u0430yp\u0430l"),
        ("toys-r-us", "toys-\u044f-us".replace("\u044f", "r\u200d")),
        ("scope", "\u0455\u0441\u043e\u0440\u0435"),
        ("ljeto", "\u01c9eto"),
        ("O", "0"),
        ("rn", "m"),
        ("l", "I"),
        ("desordenado", "\u0501\u0435\u0455\u043erdenado"),
        ("\u00f8", "o\u0338"),
        ("so\u0337s", "s\u00f8s".replace("\u00f8", "o\u0337")),
        ("helper.example", "he1per.example"),
        ("HELPER", "\u13bb\u0395LPER"),
        ("acme", "\U0001d41acme"),
    ],
)
def test_look_alikes_have_one_skeleton(one: str, other: str) -> None:
    assert skeleton(one) == skeleton(other) or are_confusable(one, other)


def test_what_does_not_look_alike_has_another_skeleton() -> None:
    for one, other in (("acme", "acne"), ("Müller", "Muller"), ("shop", "ship"), ("日本", "日木")):
        assert not are_confusable(one, other)
    assert not are_confusable("Helper", "helper")


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("helper", Level.ASCII),
        ("Müller", Level.SINGLE_SCRIPT),
        ("\u0411\u0430\u043d\u043a", Level.SINGLE_SCRIPT),
        ("Sony ソニー株式会社", Level.HIGHLY_RESTRICTIVE),
        ("LG 전자", Level.HIGHLY_RESTRICTIVE),
        ("ShopΩ", Level.UNRESTRICTED),
        ("p\u0430ypal", Level.UNRESTRICTED),
        ("Shop ไทย", Level.MODERATELY_RESTRICTIVE),
        ("ไทย עברית", Level.UNRESTRICTED),
    ],
)
def test_restriction_levels(text: str, level: RestrictionLevel) -> None:
    assert restriction_level(text) is level


def test_a_text_of_one_script_that_looks_latin() -> None:
    assert is_whole_script_confusable("\u0455\u0441\u043e\u0440\u0435")
    assert is_whole_script_confusable("\u0391\u039a\u039c\u0395")
    assert not is_whole_script_confusable("\u0411\u0430\u043d\u043a")
    assert not is_whole_script_confusable("Müller")
    assert not is_whole_script_confusable("日本")


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("helper.example", ""),
        ("Müller & Søn, Łódź, Ångström", ""),
        ("Българска Банка", ""),
        ("株式会社 Sony", ""),
        ("p\u0430yp\u0430l", "\u0430"),
        ("\u0455\u0441\u043e\u0440\u0435 bank", "\u0455\u0441\u043e\u0440\u0435"),
        ("\u13bb\u0395LPER", "\u13bb\u0395"),
        ("ａnna@mail.example", "ａ"),  # noqa: RUF001  # full-width
        ("b\u0131ll", "\u0131"),
        ("\U0001d41acme", "\U0001d41a"),
        ("sh\u0585p", "\u0585"),
        ("ShopΩ", "Ω"),
    ],
)
def test_letters_that_are_not_the_ones_they_look_like(text: str, letters: str) -> None:
    assert deceptive_letters(text) == letters


@given(st.text(max_size=30))
def test_a_skeleton_is_its_own(text: str) -> None:
    once = skeleton(text)
    assert skeleton(once) == skeleton(skeleton(once))
    restriction_level(text)
    assert set(deceptive_letters(text)) <= set(text)


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("xn--mnchen-3ya.example", "m\u00fcnchen.example"),
        ("shop.xn--80ak6aa92e.example", "shop.\u0430\u0440\u0440\u04cf\u0435.example"),
        ("acme.example", "acme.example"),
        ("xn--99999999999999.example", "xn--99999999999999.example"),
    ],
)
def test_a_host_is_read_as_a_browser_shows_it(host: str, shown: str) -> None:
    """A label that is none stays as it is: it must not break the reading of the rest."""
    assert decoded_labels(host) == shown


def test_a_host_in_punycode_does_not_hide_its_letters() -> None:
    assert set(deceptive_letters("xn--80ak6aa92e.example")) == set("\u0430\u0440\u04cf\u0435")
    assert deceptive_letters("xn--mnchen-3ya.example") == ""


@pytest.mark.parametrize(
    ("text", "mixes"),
    [("\u0440aypal", True), ("Acme \u0410\u043a\u043c\u0435", False), ("pay\u4e00", False), ("acme", False), ("\u03b1\u0431", True)],
)
def test_a_word_mixes_scripts_only_where_no_language_does(text: str, mixes: bool) -> None:
    assert mixes_scripts(text) is mixes
