"""Values as they come in: strict JSON, money, instants, equality."""

import contextlib
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remit.domain.errors import Code, Refused
from remit.domain.mandate.conditions import comparison_key
from remit.domain.values import (
    MAX_DEPTH,
    MAX_ITEMS,
    MAX_TEXT,
    Instant,
    Json,
    clear_object_cache,
    decode_json,
    deep_equal,
    instant_text,
    parse_stored_object,
    read_back,
    verify_instant,
    verify_money,
)
from remit.proof.canonical import MAX_INTEGER, canonical

JSONS: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(min_value=-MAX_INTEGER, max_value=MAX_INTEGER)
    | st.decimals(min_value=-1000, max_value=1000, places=3).map(lambda number: number + 0)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(JSONS)
def test_what_is_written_canonically_reads_back_the_same(value: Json) -> None:
    assert deep_equal(decode_json(canonical(value)), value)


_MEMBERS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([MAX_INTEGER, MAX_INTEGER + 1, -MAX_INTEGER - 1, 2**60])
    | st.text(max_size=8)
    | st.text('ab\x00\x1f\n"\\', max_size=8)
    | st.just("x" * (MAX_ITEMS + 1))
    | JSONS
)


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(st.text("abc\x00é", max_size=3), _MEMBERS, max_size=4))
def test_an_object_that_is_read_back_unparsed_is_as_its_text_is_parsed(value: dict[str, Json]) -> None:
    try:
        text = canonical(value).decode()
    except UnicodeEncodeError:
        return  # a lone surrogate has no text
    found = read_back(value, text)
    if found is not None:
        parsed = decode_json(text.encode())
        assert isinstance(parsed, dict)
        assert list(found.items()) == list(parsed.items())
        assert list(map(type, found.values())) == list(map(type, parsed.values()))


def test_short_objects_of_plain_values_are_read_back_unparsed() -> None:
    value: dict[str, Json] = {"order_id": "W1", "amount": "20.00 EUR", "n": 3, "gift": True, "note": None}
    assert read_back(value, canonical(value).decode()) == value


@settings(max_examples=200, deadline=None)
@given(JSONS, JSONS)
def test_hashes_are_equal_exactly_where_values_are_the_same(left: Json, right: Json) -> None:
    assert (comparison_key(left) == comparison_key(right)) is deep_equal(left, right)
    assert comparison_key(left) == comparison_key(decode_json(canonical(left)))


MALFORMED = [
    b"\xef\xbb\xbf{}",
    b"\xff",
    b'{"a":1,"a":1}',
    b'{"a":1,"\\u0061":2}',
    b"NaN",
    b"Infinity",
    b"-Infinity",
    b"9007199254740992",
    b"-9007199254740992",
    b"1e400",
    b"1e-400",
    b"0." + b"1" * 80,
    b'"\\ud800"',
    b'{"\\udfff":1}',
    b'"\\u0000"',
    b'"' + b"x" * 70_000 + b'"',
    b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
    b"[" * 100_000,
    b"",
    b"{} {}",
    b"{'a':1}",
    b"[1,]",
    b"01",
    b"\x00",
    b" ",
    b"\xc2\xa0{}",
    b"{}\xc2\xa0",
    b"{}\x0b",
]


@pytest.mark.parametrize("raw", MALFORMED, ids=map(str, range(len(MALFORMED))))
def test_json_that_two_readers_could_read_differently_is_refused(raw: bytes) -> None:
    with pytest.raises(Refused) as refused:
        decode_json(raw)
    assert refused.value.code is Code.REQUEST_MALFORMED


def test_blanks_of_json_may_stand_around_a_value() -> None:
    assert decode_json(b" \t\r\n[ 1 ] \n") == [1]


def test_a_body_over_the_limit_is_too_large() -> None:
    with pytest.raises(Refused) as refused:
        decode_json(b'"' + b"x" * 100 + b'"', max_bytes=100)
    assert refused.value.code is Code.REQUEST_TOO_LARGE


def test_numbers_are_exact_and_brackets_in_texts_are_no_depth() -> None:
    assert decode_json(b"[0.1, 1.10, 9007199254740991]") == [Decimal("0.1"), Decimal("1.10"), MAX_INTEGER]
    assert decode_json(json.dumps("[" * 500).encode()) == "[" * 500


@pytest.mark.parametrize("text", ["40.00 EUR", "0.01 EUR", "999999999999.99 EUR", "5 JPY", "1.234 KWD"])
def test_money_reads_and_writes_back(text: str) -> None:
    assert str(verify_money(text)) == text


NOT_MONEY: list[Any] = [
    "0.00 EUR", "0 EUR", "-1.00 EUR", "+1.00 EUR", "01.00 EUR", "1.001 EUR", "1.5 JPY", "1,00 EUR", "1.00EUR", "1.00  EUR", "1.00 eur",
    "1.00 EURO", "1. EUR", ".5 EUR", "1e3 EUR", "1.00 EUR\n", " 1.00 EUR", "\uff11.00 EUR", "1.00 \u0415UR", "1000000000000 EUR", 1, Decimal(1), None, True, ["1 EUR"],
]  # fmt: skip


@pytest.mark.parametrize("value", NOT_MONEY, ids=map(str, range(len(NOT_MONEY))))
def test_what_only_looks_like_money_is_refused(value: Any) -> None:
    with pytest.raises(Refused) as refused:
        verify_money(value)
    assert refused.value.code is Code.PARAMS_INVALID


NOT_TIMES: list[Any] = [
    "2026-12-01",
    "2026-12-01T00:00:00",
    "2026-02-30T00:00:00Z",
    "2026-12-01 00:00:00Z",
    "2026-12-01T25:00:00Z",
    5,
    None,
    "0000-01-01T00:00:00Z",
]


@pytest.mark.parametrize("value", NOT_TIMES, ids=map(str, range(len(NOT_TIMES))))
def test_what_is_no_instant_is_refused(value: Any) -> None:
    with pytest.raises(Refused) as refused:
        verify_instant(value)
    assert refused.value.code is Code.PARAMS_INVALID


@settings(max_examples=100, deadline=None)
@given(st.integers(min_value=0, max_value=4_000_000_000_000))
def test_an_instant_reads_back_to_the_millisecond(moment: int) -> None:
    assert verify_instant(instant_text(Instant(moment))) == moment


UNLIKE: list[tuple[Any, Any]] = [
    (True, 1),
    (False, 0),
    ("5", 5),
    (None, ""),
    (None, False),
    ([], {}),
    ("a", ["a"]),
    ([1], [1, 1]),
    ({"a": 1}, {"a": True}),
]


@pytest.mark.parametrize(("left", "right"), UNLIKE, ids=map(str, range(len(UNLIKE))))
def test_nothing_is_coerced_in_comparing(left: Any, right: Any) -> None:
    assert not deep_equal(left, right)
    assert not deep_equal(right, left)
    assert comparison_key(left) != comparison_key(right)


def test_five_is_five_however_it_is_written() -> None:
    assert deep_equal(5, Decimal("5.0"))
    assert comparison_key(5) == comparison_key(Decimal("5.00"))


FILES = ("attachments", "data_b64")


def test_the_data_of_a_file_may_be_as_long_as_the_body_and_nothing_else_may() -> None:
    long = "A" * (MAX_TEXT + 1)
    value = {"words": "hi", "attachments": [{"name": "a", "data_b64": long}, {"name": "b", "data_b64": "AA=="}]}
    assert decode_json(json.dumps(value).encode(), files=FILES) == value
    for other in (
        {"attachments": [{"name": long, "data_b64": "AA=="}]},
        {"attachments": [{"name": "a", "data_b64": "ä" * (MAX_TEXT + 1)}]},
        {"attachments": [{"name": "a", "data_b64": [long]}]},
        {"attachments": {"data_b64": long}},
        {"attachments": [long]},
        {"params": {"data_b64": long}},
        {"data_b64": long},
    ):
        with pytest.raises(Refused) as refused:
            decode_json(json.dumps(other).encode(), files=FILES)
        assert refused.value.code is Code.REQUEST_MALFORMED
    with pytest.raises(Refused):
        decode_json(json.dumps(value).encode())


def test_json_with_more_members_or_items_than_anybody_needs_is_refused() -> None:
    for value in ({str(n): n for n in range(MAX_ITEMS + 1)}, list(range(MAX_ITEMS + 1))):
        with pytest.raises(Refused) as refused:
            decode_json(json.dumps(value).encode())
        assert refused.value.code is Code.REQUEST_MALFORMED
    assert len(decode_json(json.dumps(list(range(MAX_ITEMS))).encode())) == MAX_ITEMS  # type: ignore[arg-type]  # a list


def test_exact_numbers_stay_exact() -> None:
    assert decode_json(b'{"x": 0.1000000000000001}') == {"x": Decimal("0.1000000000000001")}


SHAPES = st.recursive(
    st.integers(-9, 9) | st.booleans() | st.none() | st.text('a,[]{}"\\:é', max_size=6),
    lambda inside: st.lists(inside, max_size=8) | st.dictionaries(st.text('a,[]{}"\\', max_size=3), inside, max_size=8),
    max_leaves=40,
)


def members(value: object) -> tuple[int, int]:
    """How many members and items a value has in all, and how many empty containers."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    counts = [members(one) for one in inside]
    empty = isinstance(value, dict | list) and not value
    return sum(count for count, _ in counts) + len(counts), sum(none for _, none in counts) + empty


@pytest.mark.proves("LIMITS")
@given(SHAPES, st.integers(0, 40), st.booleans())
def test_no_more_members_are_decoded_than_were_counted(value: object, most: int, plain: bool) -> None:
    count, empty = members(value)
    code = None
    try:
        decode_json(json.dumps(value, ensure_ascii=plain).encode(), max_members=most)
    except Refused as refused:
        code = refused.code
    assert code in {None, Code.REQUEST_TOO_LARGE}
    assert count + empty > most if code else count <= most


@pytest.mark.proves("LIMITS")
@given(st.text('a,[]{}"\\', max_size=60))
def test_what_is_no_json_is_counted_too(text: str) -> None:
    with contextlib.suppress(Refused):
        assert members(decode_json(text.encode(), max_members=5))[0] <= 5


@pytest.mark.parametrize(
    "raw",
    [
        b'{"n": 0.' + b"1" * 64 + b"}",
        b'{"n": 1e1000}',
        b'{"n": 1e-1000}',
        b'{"n": 1e400}',
        b'{"n": 1e-30}',
        b'{"n": 0.12345678901234567890}',
        b'{"n": 123456789012345678}',
        b'{"n": 9007199254740993}',
    ],
)
def test_a_number_on_which_arithmetic_fails_or_that_would_be_signed_as_another_is_refused(raw: bytes) -> None:
    with pytest.raises(Refused) as refused:
        decode_json(raw)
    assert refused.value.code is Code.REQUEST_MALFORMED


def test_a_number_at_the_edge_is_kept_exactly() -> None:
    assert decode_json(b'{"n": [9007199254740991, 1e-20, 0e99, 0.1]}') == {"n": [2**53 - 1, Decimal("1e-20"), 0, Decimal("0.1")]}


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_that_its_zone_moves_out_of_the_calendar_is_refused(text: str) -> None:
    """It could not be written again."""
    with pytest.raises(Refused) as refused:
        verify_instant(text)
    assert refused.value.code is Code.PARAMS_INVALID


@pytest.mark.parametrize("text", ["[]", '"a"', "3", "null", "[1"])
def test_what_was_stored_as_params_is_an_object(text: str) -> None:
    for stored in (text, text + " " * 3000):
        with pytest.raises(Refused) as refused:
            parse_stored_object(stored)
        assert refused.value.code is Code.REQUEST_MALFORMED


def test_erased_params_do_not_survive_in_the_cache() -> None:
    text = '{"order_id": "W1"}'
    first = parse_stored_object(text)
    assert parse_stored_object(text) is first
    clear_object_cache()
    assert parse_stored_object(text) is not first
    assert parse_stored_object(text) == first


@pytest.mark.parametrize(
    ("value", "path", "allowed"),
    [
        ({"a": {"files": [{"data": "LONG"}]}}, ("a", "files", "data"), True),
        ({"files": [{"data": "LONG"}]}, ("files", "data"), True),
        ({"files": [{"name": "LONG"}]}, ("files", "data"), False),
        ({"files": [{"data": ["LONG"]}]}, ("files", "data"), False),
        ({"files": ["LONG"]}, ("files", "data"), False),
        ({"files": {"data": "LONG"}}, ("files", "data"), False),
        ({"files": [{"data": "\u00e9LONG"}]}, ("files", "data"), False),
        (["LONG"], ("files", "data"), False),
        ({"other": "LONG"}, ("files", "data"), False),
    ],
)
def test_only_a_files_data_may_be_as_long_as_the_whole(value: Json, path: tuple[str, ...], allowed: bool) -> None:
    raw = json.dumps(value, ensure_ascii=False).replace("LONG", "x" * (MAX_TEXT + 1)).encode()
    with contextlib.nullcontext() if allowed else pytest.raises(Refused):
        assert decode_json(raw, max_bytes=10_000_000, files=path) is not None
