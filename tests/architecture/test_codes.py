"""The codes: closed, alphabetised, each with a status, a title, a cure and a line in the documents."""

import ast
import re
from enum import StrEnum

import pytest

from architecture.sources import ROOT, modules
from remit.domain import errors, records
from remit.domain.errors import MEANINGS, Code, Fault, Refused
from remit.domain.policy import risk
from remit.entrypoints.http.replies import STATUS, oauth_error_response, problem_response

ALL = list(Code)
RESERVED = {
    Code.DESK_UNAVAILABLE: "an act waits in the outbox when the desk is down, so nobody has to be told no",
}
"""Codes of the public contract that this version never answers with, and why."""


def test_codes_are_nouns_with_a_problem_in_the_order_of_the_alphabet() -> None:
    values = [code.value for code in ALL]
    assert values == sorted(values)
    assert all(re.fullmatch(r"[a-z]+\.[a-z_]+", value) for value in values)
    assert all(code.name == code.value.replace(".", "_").upper() for code in ALL)


def test_tables_of_codes_miss_none_and_keep_the_order() -> None:
    assert list(STATUS) == ALL
    assert list(MEANINGS) == ALL


@pytest.mark.parametrize("code", ALL)
def test_every_code_has_a_title_and_a_cure_in_plain_sentences(code: Code) -> None:
    meaning = MEANINGS[code]
    assert 8 <= len(meaning.title) <= 80
    assert not meaning.title.endswith(".")
    assert meaning.cure.endswith(".")
    assert code.value not in meaning.title


@pytest.mark.parametrize("code", ALL)
def test_every_code_becomes_an_answer_that_says_it_and_no_detail_of_the_desk(code: Code) -> None:
    error = Fault(code, "a detail") if code.value.startswith("fault.") else Refused(code, "a detail")
    answer = problem_response(error, issuer="https://desk.example")
    assert answer.status == STATUS[code] >= 400
    assert f'"code":"{code.value}"'.encode() in answer.body.replace(b'": "', b'":"')
    assert b"a detail" not in answer.body
    oauth = oauth_error_response(error)
    assert oauth.status >= 400
    assert code.value.encode() in oauth.body
    assert b"a detail" not in oauth.body


@pytest.mark.parametrize("code", ALL)
def test_every_code_is_raised_somewhere_or_reserved_with_a_reason(code: Code) -> None:
    uses = re.compile(rf"\bCode\.{code.name}\b")
    places = [
        one.name for one in modules() if one.name not in {"domain/errors.py", "entrypoints/http/replies.py"} and uses.search(one.text)
    ]
    assert bool(places) is (code not in RESERVED), f"{code.value} is raised in {places}"


def test_every_code_is_documented() -> None:
    page = (ROOT / "docs" / "codes.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `([a-z]+\.[a-z_]+)` \|", page, re.MULTILINE) == [code.value for code in ALL]


def test_faults_are_ours_and_never_the_callers() -> None:
    assert all(STATUS[code] >= 500 for code in ALL if code.value.startswith("fault."))


@pytest.mark.parametrize("room", [errors, records, risk], ids=lambda one: one.__name__.rpartition(".")[2])
def test_closed_lists_are_in_the_order_of_the_alphabet(room: object) -> None:
    lists = [one for one in vars(room).values() if isinstance(one, type) and issubclass(one, StrEnum) and one is not StrEnum]
    assert lists
    for one in lists:
        assert [each.value for each in one] == sorted(each.value for each in one), one.__name__


def test_status_codes_are_written_nowhere_but_at_the_doors() -> None:
    knows = {
        one.name
        for one in modules()
        if one.room in {"domain", "usecases", "ports"}
        for node in ast.walk(one.tree)
        if isinstance(node, ast.keyword) and node.arg in {"status", "status_code"} and isinstance(node.value, ast.Constant)
    }
    assert knows == set()
