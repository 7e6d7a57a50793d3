"""Parameter paths."""

from typing import Any

import pytest

from remit.domain.param_paths import ABSENT, ParamPath, parse_path, values_at


@pytest.mark.parametrize("text", ["order_id", "address.city", "items[*].id", "items[*]", "rows[*][*].a-b", "_x"])
def test_a_path_reads_and_writes_back(text: str) -> None:
    assert str(parse_path(text)) == text


@pytest.mark.parametrize(
    "text",
    ["", ".", "a.", ".a", "a..b", "a[0]", "a[*", "[*]", "a[*]b", "a b", "1a", "é", "a\n", "a[*].", "$.a", "a" * 201],
    ids=map(str, range(16)),
)
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="path"):
        parse_path(text)


WALKS: list[tuple[str, Any, list[Any]]] = [
    ("a", {"a": 1}, [1]),
    ("a", {"a": None}, [None]),
    ("a", {}, [ABSENT]),
    ("a.b", {"a": {"b": 2}}, [2]),
    ("a.b", {"a": 5}, [ABSENT]),
    ("a.b", {"a": [{"b": 2}]}, [ABSENT]),
    ("a[*]", {"a": [1, 2]}, [1, 2]),
    ("a[*]", {"a": []}, [ABSENT]),
    ("a[*]", {"a": "text"}, [ABSENT]),
    ("a[*].b", {"a": [{"b": 1}, {}, 3]}, [1, ABSENT, ABSENT]),
    ("a[*][*]", {"a": [[1], []]}, [1, ABSENT]),
]


@pytest.mark.parametrize(("path", "params", "found"), WALKS, ids=map(str, range(len(WALKS))))
def test_walking_a_path_says_absent_wherever_it_leads_nowhere(path: str, params: Any, found: list[Any]) -> None:
    assert list(values_at(params, parse_path(path))) == found


def test_a_path_knows_whether_it_goes_through_every_element() -> None:
    assert parse_path("a[*].b").has_wildcard
    assert not parse_path("a.b").has_wildcard
    assert ParamPath(("a",)).child(None) == parse_path("a[*]")
