"""Questions as AuthZEN writes them: nothing is coerced, nothing mixed, and a batch is bounded."""

from typing import Any

import pytest

from remit.domain.decision_point.question import (
    MAX_EVALUATIONS,
    MAX_PAGE,
    Batch,
    Question,
    SearchKind,
    Semantic,
    parse_batch,
    parse_question,
    parse_search,
)
from remit.domain.errors import Code, Refused

ANNA = {"type": "user", "id": "anna", "properties": {"team": "a"}}
READ = {"name": "read"}
FILE = {"type": "file", "id": "f1"}
BODY: dict[str, Any] = {"subject": ANNA, "action": READ, "resource": FILE}


def batch(*items: Any, **members: Any) -> Batch:
    found = parse_batch({**members, "evaluations": list(items)})
    assert isinstance(found, Batch)
    return found


def test_a_question_says_what_its_denial_is_bound_to() -> None:
    assert parse_question({**BODY, "context": {"ip": "x"}, "more": 1}).as_json() == {**BODY, "context": {"ip": "x"}}
    assert parse_question(BODY).as_json() == {**BODY, "context": {}}


@pytest.mark.parametrize(
    ("member", "given", "where"),
    [
        ("subject", None, "subject"),
        ("subject", "anna", "subject"),
        ("subject", {"type": "user"}, "subject.id"),
        ("subject", {"type": "user", "id": 7}, "subject.id"),
        ("subject", {"type": "", "id": "anna"}, "subject.type"),
        ("subject", {**ANNA, "properties": []}, "subject.properties"),
        ("resource", {"type": "file", "id": "x" * 2049}, "resource.id"),
        ("action", [], "action"),
        ("action", {"name": True}, "action.name"),
        ("action", {"name": "read", "properties": "x"}, "action.properties"),
        ("context", [], "context"),
        ("context", None, "context"),
    ],
)
def test_a_value_of_another_type_is_no_question(member: str, given: Any, where: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_question({**BODY, member: given})
    assert refused.value.code is Code.REQUEST_MALFORMED
    assert refused.value.detail.startswith(f"{where} is not ")


def test_without_evaluations_a_batch_is_one_question() -> None:
    assert parse_batch(BODY) == parse_batch({**BODY, "evaluations": []}) == parse_question(BODY)


@pytest.mark.parametrize(
    "body",
    [
        {**BODY, "evaluations": {"0": BODY}},
        {**BODY, "evaluations": "all"},
        {"evaluations": [BODY], "options": []},
        {"evaluations": [BODY], "options": {"evaluations_semantic": "permit"}},
        {"evaluations": [BODY], "options": {"evaluations_semantic": 1}},
        {"evaluations": [BODY], "subject": "anna"},
    ],
)
def test_a_batch_of_another_form_is_refused_as_a_whole(body: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        parse_batch(body)
    assert refused.value.code is Code.REQUEST_MALFORMED


def test_a_batch_is_bounded() -> None:
    """⚔ A longer one would keep every other caller waiting."""
    assert len(batch(*[BODY] * MAX_EVALUATIONS).questions) == MAX_EVALUATIONS
    with pytest.raises(Refused) as refused:
        batch(*[BODY] * (MAX_EVALUATIONS + 1))
    assert refused.value.code is Code.REQUEST_TOO_LARGE


def test_a_broken_item_is_denied_alone() -> None:
    first, second, third, fourth = batch(BODY, "x", {"action": {"name": 7}}, {}, **BODY).questions
    assert first == fourth == parse_question(BODY)
    assert second is third is None


def test_an_item_takes_a_missing_id_from_the_default_and_never_its_properties() -> None:
    """⚔ A property of one subject must not speak for another."""
    (found,) = batch({"subject": {"id": "bram"}}, **BODY).questions
    assert isinstance(found, Question)
    assert (found.subject.type, found.subject.id, dict(found.subject.properties)) == ("user", "bram", {})
    (alone,) = batch({"subject": {"id": "bram"}}, action=READ, resource=FILE).questions
    assert alone is None


@pytest.mark.parametrize(
    ("semantic", "stops"),
    [(Semantic.DENY, {False}), (Semantic.PERMIT, {True}), (Semantic.EXECUTE_ALL, set[bool]())],
)
def test_a_batch_stops_at_the_answer_that_it_names(semantic: Semantic, stops: set[bool]) -> None:
    found = batch(BODY, options={"evaluations_semantic": semantic.value}).semantic
    assert {allowed for allowed in (True, False) if found.stops_at(allowed=allowed)} == stops
    assert batch(BODY).semantic is Semantic.EXECUTE_ALL


def test_a_search_ignores_the_id_that_it_looks_for() -> None:
    subject = parse_search(SearchKind.SUBJECT, BODY)
    assert (subject.question.subject.id, subject.question.resource.id, subject.question.action.name) == ("", "f1", "read")
    resource = parse_search(SearchKind.RESOURCE, {**BODY, "resource": {"type": "file"}})
    assert (resource.question.subject.id, resource.question.resource.id) == ("anna", "")
    action = parse_search(SearchKind.ACTION, {"subject": ANNA, "resource": FILE})
    assert action.question.action.name == ""
    with pytest.raises(Refused, match=r"resource\.id is not"):
        parse_search(SearchKind.SUBJECT, {**BODY, "resource": {"type": "file"}})


def test_a_page_has_a_limit_and_says_that_it_was_asked_for() -> None:
    found = parse_search(SearchKind.ACTION, {**BODY, "page": {"limit": 5, "token": "t"}})
    assert (found.limit, found.token, found.paged) == (5, "t", True)
    assert parse_search(SearchKind.ACTION, {**BODY, "page": {"limit": MAX_PAGE + 1}}).limit == MAX_PAGE
    plain = parse_search(SearchKind.ACTION, BODY)
    assert (plain.limit, plain.token, plain.paged) == (MAX_PAGE, "", False)


@pytest.mark.parametrize("page", [[], {"limit": 0}, {"limit": -1}, {"limit": True}, {"limit": "5"}, {"limit": 1.5}, {"token": 7}])
def test_a_page_of_another_form_is_refused(page: Any) -> None:
    with pytest.raises(Refused) as refused:
        parse_search(SearchKind.ACTION, {**BODY, "page": page})
    assert refused.value.code is Code.REQUEST_MALFORMED
