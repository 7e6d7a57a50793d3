"""Canonical JSON: one text for one value."""

import json
import math
import struct
from collections import UserDict, UserList
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET, Raw, Struct

from remit.domain.transcript.entry import Kind
from remit.domain.values import decode_json
from remit.proof import canonical as module
from remit.proof.canonical import b64url, canonical, digest, unb64url, written


class _Struct(Struct):
    a: int = 1


class _Text(str):
    __slots__ = ()


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
LETTERS = st.text(st.sampled_from('a/"\\\n\x00\x1f\x7fé\u2028\ud7ff\ue000\uffff\U00010000\U0010ffff\ud800'), max_size=3)
WHOLE = st.sampled_from([0, -1, 2**53 - 1, 2**53, -(2**53) + 1, -(2**53), 2**63, 2**64, -(2**63) - 1, 10**30])
ODD: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from([b"a", bytearray(b"a"), memoryview(b"a"), {1}, frozenset(["a"]), date(2026, 1, 1), UUID(int=1), object(), ..., 1j]),
    st.sampled_from(
        [range(2), written({"b": [1], "a": "é"}), Kind.ASK_DECIDED, -0.0, 1.0, 1e-7, 1e21, math.nan, Decimal("1.50"), Decimal("NaN")]
    ),
    st.sampled_from([Raw(b"0"), _Struct(), UNSET, _Text('"1')]),
)
"""Values that are not JSON, or that JCS writes otherwise than msgspec."""
NAMES = LETTERS | st.sampled_from([Kind.ASK_DECIDED, 1, None, True, b"a"])


def _holding(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    arrays = st.lists(inner, max_size=3)
    objects = st.dictionaries(LETTERS, inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=2)
    return arrays | arrays.map(tuple) | arrays.map(UserList) | objects | objects.map(MappingProxyType) | objects.map(UserDict)


ANY = st.recursive(st.none() | st.booleans() | WHOLE | LETTERS | ODD, _holding, max_leaves=10)


def _outcome(write: Callable[[], bytes]) -> bytes | type[Exception]:
    try:
        return write()
    except Exception as raised:  # noqa: BLE001  # which one is compared
        return type(raised)


@settings(max_examples=1000)
@given(ANY)
def test_a_value_is_written_the_same_with_and_without_msgspec(value: Any) -> None:
    assert _outcome(lambda: canonical(value)) == _outcome(lambda: module._written(value).encode())
    assert _outcome(lambda: canonical([written(value)])) == _outcome(lambda: canonical([value]))


@pytest.mark.parametrize("value", [{"b": [1, None, True], "a": {"é": "ü", "z": ""}}, [], {}, "a", {"a": [[{"b": [{}]}]]}, written({})])
def test_what_an_entry_is_made_of_is_written_by_msgspec(value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    slowly = module._written(value).encode()
    monkeypatch.setattr(module, "_written", _never)
    assert canonical(value) == slowly


@pytest.mark.parametrize("value", [{1}, [{1}], {"a": frozenset(["b"])}, [b"a"], [Raw(b"0")], date(2026, 1, 1), {1: 2}, _Struct()])
def test_what_msgspec_alone_takes_for_json_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        canonical(value)


def test_no_text_but_one_written_before_is_inserted_as_it_is() -> None:
    assert canonical({"a": _Text("1"), _Text("b"): written([1])}) == b'{"a":"1","b":[1]}'


def test_names_above_two_units_are_left_to_the_slow_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_written", _never)
    assert canonical({"\uffff": 1, "a": 2}) == '{"a":2,"\uffff":1}'.encode()
    with pytest.raises(AssertionError):
        canonical({"\uffff": 1, "\U00010000": 2})


def _never(value: object) -> str:
    raise AssertionError(value)


@settings(max_examples=200)
@given(JSON)
def test_what_is_written_reads_back_as_the_same_value(value: Any) -> None:
    assert json.loads(canonical(value), parse_int=float) == value


@settings(max_examples=100)
@given(JSON)
def test_writing_what_was_written_changes_nothing(value: Any) -> None:
    once = canonical(value)
    assert canonical(json.loads(once, parse_float=Decimal)) == once


@settings(max_examples=100)
@given(st.dictionaries(TEXT, st.integers(0, 9), max_size=6))
def test_the_order_of_members_never_matters(members: Any) -> None:
    assert canonical(members) == canonical(dict(reversed(members.items())))


def test_a_name_that_only_equals_a_text_is_written_as_that_text() -> None:
    assert canonical({Kind.ASK_DECIDED: 1}) == canonical({"ask.decided": 1}) == b'{"ask.decided":1}'


@pytest.mark.parametrize("name", [1, None, b"a", ("a",)])
def test_what_is_no_text_is_no_name_whatever_was_written_before(name: Any) -> None:
    canonical({"a": 1})
    for _ in range(2):
        with pytest.raises(TypeError):
            canonical({name: 1})


def test_keys_are_sorted_by_utf_16_units_not_by_code_points() -> None:
    assert canonical({"\ufb33": 1, "\U0001f602": 2}) == '{"\U0001f602":2,"\ufb33":1}'.encode()


@pytest.mark.parametrize(
    ("bits", "expected"),
    [  # RFC 8785, appendix B
        ("0000000000000000", "0"),
        ("8000000000000000", "0"),
        ("0000000000000001", "5e-324"),
        ("8000000000000001", "-5e-324"),
        ("7fefffffffffffff", "1.7976931348623157e+308"),
        ("4340000000000000", "9007199254740992"),
        ("c340000000000000", "-9007199254740992"),
        ("4430000000000000", "295147905179352830000"),
        ("44b52d02c7e14af5", "9.999999999999997e+22"),
        ("44b52d02c7e14af6", "1e+23"),
        ("44b52d02c7e14af7", "1.0000000000000001e+23"),
        ("444b1ae4d6e2ef4e", "999999999999999700000"),
        ("444b1ae4d6e2ef4f", "999999999999999900000"),
        ("444b1ae4d6e2ef50", "1e+21"),
        ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
        ("3eb0c6f7a0b5ed8d", "0.000001"),
        ("41b3de4355555553", "333333333.3333332"),
        ("41b3de4355555554", "333333333.33333325"),
        ("41b3de4355555555", "333333333.3333333"),
        ("becbf647612f3696", "-0.0000033333333333333333"),
        ("43143ff3c1cb0959", "1424953923781206.2"),
    ],
)
def test_numbers_are_written_as_ecmascript_writes_them(bits: str, expected: str) -> None:
    number = struct.unpack(">d", bytes.fromhex(bits))[0]
    assert canonical(number).decode() == expected


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, Decimal("NaN"), Decimal("Infinity")])
def test_what_is_no_number_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="not JSON"):
        canonical([number])


@pytest.mark.parametrize("value", ["\ud800", {"\udfff": 1}, ["a\udc00"], {"é\ud800": 1}])
def test_a_lone_surrogate_is_refused(value: Any) -> None:
    with pytest.raises(UnicodeEncodeError):
        canonical(value)


@pytest.mark.parametrize("value", [b"bytes", {1, 2}, object(), {1: "a"}, {None: "a"}, {True: "a"}, bytearray(b"x")])
def test_what_is_not_json_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        canonical(value)


@pytest.mark.parametrize(
    "value",
    [
        "a",
        Kind.ASK_DECIDED,
        written({"b": 1}),
        True,
        None,
        0,
        -(2**53) + 1,
        2**53 - 1,
        2**60,
        -(2**60),
        0.5,
        Decimal("1.50"),
        {},
        {"b": [1]},
        UserDict({"b": [1]}),
        [],
        ["b", {"c": None}],
        ("b",),
        UserList(["b"]),
    ],
)
def test_a_value_is_written_the_same_wherever_it_stands(value: Any) -> None:
    alone = canonical(value)
    assert canonical({"a": value}) == b'{"a":%b}' % alone
    assert canonical(UserDict({"a": value})) == b'{"a":%b}' % alone
    assert canonical([value]) == canonical(UserList([value])) == b"[%b]" % alone


def test_true_is_not_written_as_one() -> None:
    assert canonical([True, False, None, 1, 0]) == b"[true,false,null,1,0]"


def test_every_control_character_has_its_one_escape() -> None:
    short = {8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r", 34: '\\"', 92: "\\\\"}
    for code in range(0x80):
        expected = short.get(code, f"\\u{code:04x}" if code < 0x20 else chr(code))
        assert canonical(chr(code)).decode() == f'"{expected}"'


def test_empty_objects_and_arrays_are_written() -> None:
    assert canonical({"a": [], "b": {}, "c": [[], {}]}) == b'{"a":[],"b":{},"c":[[],{}]}'


def test_equal_numbers_have_equal_digests_however_they_were_sent() -> None:
    assert digest(decode_json(b'{"a":5.0}')) == digest(decode_json(b'{"a":5}')) == digest(decode_json(b'{"a":50e-1}'))


@given(st.binary(max_size=40))
def test_base64url_reads_back(raw: bytes) -> None:
    assert unb64url(b64url(raw)) == raw


@pytest.mark.parametrize("text", ["QQ==", "QR", "A", "a+b_", "a/b_", "QQ\n", " QQ", "Q Q", "ü"])
def test_base64url_has_one_text_for_each_value(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        unb64url(text)
