"""Structured fields: parsed strictly, written canonically, and as another implementation does."""

import http_sf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.domain.identity.structured_fields import InnerList, Item, NotStructured, Token, parse_dictionary, parse_item

KEYS = st.from_regex(r"[a-z*][a-z0-9_.*-]{0,8}", fullmatch=True)
BARE = st.one_of(
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=12),
    st.integers(-999_999_999_999_999, 999_999_999_999_999),
    st.booleans(),
    st.binary(max_size=12),
    st.from_regex(r"[A-Za-z*][A-Za-z0-9:/!#$%&'*+.^_`|~-]{0,8}", fullmatch=True).map(Token),
)
PARAMETERS = st.dictionaries(KEYS, BARE, max_size=3)
ITEMS = st.builds(Item, BARE, PARAMETERS)
MEMBERS = st.one_of(ITEMS, st.builds(InnerList, st.lists(ITEMS, max_size=4), PARAMETERS))


def written(found: dict[str, Item | InnerList]) -> str:
    return ", ".join(f"{key}={member}" for key, member in found.items())


@given(st.dictionaries(KEYS, MEMBERS, min_size=1, max_size=4))
def test_what_is_written_is_read_back(found: dict[str, Item | InnerList]) -> None:
    again = parse_dictionary(written(found))
    assert list(again) == list(found)
    assert written(dict(again)) == written(found)


@given(st.dictionaries(KEYS, MEMBERS, min_size=1, max_size=4))
def test_another_implementation_reads_the_same(found: dict[str, Item | InnerList]) -> None:
    there = http_sf.parse(written(found).encode(), tltype="dictionary")
    assert list(there) == list(found)
    for key, member in found.items():
        value, parameters = there[key]
        assert list(parameters) == list(member.parameters)
        if isinstance(member, InnerList):
            assert len(value) == len(member.items)
        elif isinstance(member.value, Token):
            assert str(value) == str.__str__(member.value)
        else:
            assert value == member.value


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=40))
def test_nothing_is_read_that_another_implementation_refuses(text: str) -> None:
    try:
        found = parse_dictionary(text)
    except NotStructured:
        return
    if text.strip(" "):
        assert list(http_sf.parse(text.encode(), tltype="dictionary")) == list(found)


@pytest.mark.parametrize(
    "text",
    [
        "a=1, a=2",
        "a;b=1;b=2",
        "a=1.5",
        "a=@1",
        'a=%"x"',
        "a=(1 2",
        "a=(1,2)",
        "a=(1  2",
        'a="\\x"',
        'a="x',
        "a=:YQ:",
        "A=1",
        "a=1,",
        "a=1 b",
        "a=?2",
        "ä=1",
        "a=",
        "a=1234567890123456",
    ],
)
def test_what_is_loose_is_refused(text: str) -> None:
    with pytest.raises(NotStructured):
        parse_dictionary(text)


def test_lists_and_parameters_are_bounded() -> None:
    for text in (", ".join(f"a{n}" for n in range(65)), f"a=({' '.join('1' * 65)})", "a" + "".join(f";b{n}" for n in range(65))):
        with pytest.raises(NotStructured):
            parse_dictionary(text)


def test_an_item_stands_alone() -> None:
    assert parse_item('"x";a').parameters == {"a": True}
    assert parse_dictionary("") == {}
    assert str(parse_dictionary("a=(  1   2 );q;r=?0")["a"]) == "(1 2);q;r=?0"
    with pytest.raises(NotStructured):
        parse_item('"x" y')
