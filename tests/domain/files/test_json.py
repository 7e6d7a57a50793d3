"""JSON and recorded sessions: what is read, what is held back, and what of a recorded request never stays."""

import base64
import json
import sys
from typing import Any

import pytest

from remit.domain.files.detect import FileHeld, FileKind, HoldReason
from remit.domain.files.json import json_kind, read_json, scrub_json
from remit.domain.files.scrub import FileScrubber

KEY = "AKIAQ3EGRIY2VX7KZ4PT"


def scrubbed(value: Any, kind: FileKind = FileKind.JSON) -> tuple[Any, FileScrubber]:
    scrub = FileScrubber("the file")
    return json.loads(scrub_json([value], kind, scrub)), scrub


def recorded(**request: Any) -> tuple[Any, FileScrubber]:
    """The request of a recorded session without its secrets."""
    found, scrub = scrubbed({"log": {"entries": [{"request": request}]}}, FileKind.HAR)
    return found["log"]["entries"][0]["request"], scrub


@pytest.mark.parametrize("text", ['{"a": "\\ud800"}', '["\\uDFFF and \\ud83d"]', '{"\\udbff": 1}'])
def test_a_lone_half_of_a_letter_is_held_back(text: str) -> None:
    """JSON can say it, but nobody can store or show it."""
    with pytest.raises(FileHeld) as why:
        read_json(text)
    assert why.value.why is HoldReason.UNREADABLE


def test_both_halves_of_a_letter_are_one() -> None:
    assert read_json('{"a": "\\ud83d\\ude00"}') == {"a": "\U0001f600"}


@pytest.mark.skipif(sys.platform == "emscripten", reason="WebAssembly has no depth of the stack that Python can see")
@pytest.mark.parametrize("text", ["[" * 100_000 + "]" * 100_000, '{"a":' * 100_000 + "1" + "}" * 100_000])
def test_a_document_too_deep_for_its_reader_is_held_back(text: str) -> None:
    with pytest.raises(FileHeld) as why:
        read_json(text)
    assert why.value.why is HoldReason.TOO_MUCH


def test_a_document_deeper_than_any_honest_one_is_held_back() -> None:
    deep: Any = "x"
    for _ in range(70):
        deep = [deep]
    with pytest.raises(FileHeld) as why:
        scrubbed(deep)
    assert why.value.why is HoldReason.TOO_MUCH


@pytest.mark.parametrize("text", ['{"a": 1}\n{"a": \n', "[1\n[2", "[1]", '{"a": 1}\nplain'])
def test_lines_of_which_one_is_no_document_are_no_documents(text: str) -> None:
    found = json_kind(text)
    assert found is None or found[0] is FileKind.JSON


def test_a_name_that_stands_twice_in_one_line_is_two_documents() -> None:
    with pytest.raises(FileHeld) as why:
        json_kind('{"a": 1}\n{"a": 1, "a": 2}')
    assert why.value.why is HoldReason.TWO_FORMATS


def test_names_that_are_secrets_are_removed_and_stay_different() -> None:
    found, scrub = scrubbed({KEY: 1, KEY.replace("T", "U"): 2, "order_id": "W1"})
    assert KEY not in json.dumps(found)
    assert sorted(map(str, found.values())) == ["1", "2", "W1"], "no member is lost"
    assert sum(scrub.counts.values()) == 2


@pytest.mark.parametrize("value", ["s3ss10n", 471193])
def test_a_header_with_credentials_goes_whatever_it_looks_like(value: object) -> None:
    found, scrub = scrubbed({"authorization": value, "Cookie": True, "accept": "a"})
    assert found == {"authorization": "[header removed]", "Cookie": True, "accept": "a"}
    assert scrub.counts == {"header": 1}


def test_of_a_recorded_request_cookies_headers_and_keys_are_removed() -> None:
    found, scrub = recorded(
        headers=[{"name": "Authorization", "value": "abc"}, {"name": "Accept", "value": "text/html"}],
        cookies=[{"name": "theme", "value": "dark"}],
        queryString=[{"name": "api_key", "value": "abc"}, {"name": "page", "value": "2"}, {"key": "sid", "value": "abc"}],
        params={"session_id": "abc", "page": "2"},
    )
    assert [one["value"] for one in found["headers"]] == ["[header removed]", "text/html"]
    assert [one["value"] for one in found["cookies"]] == ["[cookie removed]"]
    assert [one["value"] for one in found["queryString"]] == ["[parameter removed]", "2", "[parameter removed]"]
    assert found["params"]["page"] == "2"
    assert "abc" not in json.dumps(found)
    assert scrub.counts["parameter"] == 2


def test_of_a_recorded_address_keys_are_removed_from_query_and_anchor() -> None:
    found, _ = recorded(url="https://a.example/x?page=2&api_key=abc&flag&empty=#access_token=def&tab=1")
    assert (
        found["url"] == "https://a.example/x?page=2&api_key=%5Bparameter+removed%5D&flag&empty=#access_token=%5Bparameter+removed%5D&tab=1"
    )
    assert recorded(url="/orders/W1")[0]["url"] == "/orders/W1"
    assert recorded(url="https://a.example/?q=1#top")[0]["url"] == "https://a.example/?q=1#top"


def test_a_recorded_form_is_read_as_one() -> None:
    found, _ = recorded(postData={"mimeType": "application/x-www-form-urlencoded; charset=utf-8", "text": "user=anna&client_secret=abc"})
    assert found["postData"]["text"] == "user=anna&client_secret=%5Bparameter+removed%5D"
    assert found["postData"]["mimeType"] == "application/x-www-form-urlencoded; charset=utf-8"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("", {"encoding": "base64", "text": ""}),
        (None, {"encoding": "base64", "text": None}),
        ("no base64!", {"encoding": "", "text": "[unreadable_body removed]"}),
        (base64.b64encode(b"\xff\xfe\x00").decode(), {"encoding": "", "text": "[unreadable_body removed]"}),
        (base64.b64encode(b"all is well").decode(), {"encoding": "base64", "text": base64.b64encode(b"all is well").decode()}),
    ],
)
def test_a_recorded_body_is_read_or_removed(text: str | None, left: dict[str, object]) -> None:
    assert recorded(content={"encoding": "base64", "text": text})[0]["content"] == left


def test_a_secret_in_an_encoded_body_is_removed_and_known_as_seen() -> None:
    body = base64.b64encode(f"key {KEY}".encode()).decode()
    found, scrub = recorded(content={"encoding": "base64", "text": body})
    assert KEY not in base64.b64decode(found["content"]["text"]).decode()
    assert f"key {KEY}" in scrub.seen, "a credential of this desk in it must still be revoked"


def test_a_document_in_a_text_is_read_and_left_as_written_where_nothing_was_found() -> None:
    calm, secret = '{"a":  1}', json.dumps({"password": "hunter2Zebra!"})
    found, scrub = scrubbed({"one": calm, "two": secret, "three": "{no document", "four": secret})
    assert found["one"] == calm
    assert found["three"] == "{no document"
    assert json.loads(found["two"]) == json.loads(found["four"])
    assert "hunter2" not in json.dumps(found)
    assert sum(scrub.counts.values()) == 2


def test_a_number_split_over_a_list_is_one() -> None:
    found, _ = scrubbed({"card": ["4111", "1111", "1111", "1111"], "sizes": [4, 1, True], "order": ["W1", "W2"]})
    assert "4111" not in json.dumps(found["card"])
    assert found["sizes"] == [4, 1, True]
    assert found["order"] == ["W1", "W2"]


@pytest.mark.parametrize("long", [KEY, "a" * 500])
def test_a_place_says_no_secret_and_no_long_name(long: str) -> None:
    _, scrub = scrubbed({f"{long} password": "hunter2Zebra!"})
    assert scrub.taken
    assert all(long not in one.where and len(one.where) <= 200 for one in scrub.taken)


def test_of_very_many_removed_pieces_the_first_are_told_and_all_counted() -> None:
    found, scrub = scrubbed([{"authorization": f"x{number}"} for number in range(3000)])
    assert {one["authorization"] for one in found} == {"[header removed]"}
    assert scrub.counts == {"header": 3000}
    assert 0 < len(scrub.taken) < 3000
    _, scrub = scrubbed([{"password": f"hunter{number}Zebra!"} for number in range(3000)])
    assert sum(scrub.counts.values()) == 3000
    assert 0 < len(scrub.taken) < 3000
    assert 0 < len(scrub.values) < 3000


def test_a_text_without_letters_is_left() -> None:
    scrub = FileScrubber("the file")
    assert scrub.plain("") == ""
    assert scrub.labelled("password", "") == ""
    assert scrub.scrub_adjacent(["", ""], "a") == ["", ""]
    assert not scrub.counts
