"""The checks of the public AuthZEN files against a running decision point, one row each; a failure is a row with its reason."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import httpx

from conformance.authzen_vectors import vectors

CERTIFICATION = "authzen/certification-scenario-1_0.json"
SUITE = "authzen/oidf-suite-authzen-scenarios.json"
_CORRUPT = "not-the-secret"
_BROKEN = '{"subject": {"type": "user", "id": "alice"'


class Row(NamedTuple):
    """One check: its file and name, and why it failed ("" when it passed)."""

    file: str
    check: str
    reason: str


@dataclass(frozen=True)
class Point:
    """A decision point at an address, and a caller's secret."""

    base: str
    secret: str
    http: httpx.Client

    def send(self, test: Mapping[str, Any]) -> httpx.Response:
        """Send the request of a check."""
        headers = {"content-type": test.get("content_type", "application/json"), "authorization": f"Bearer {self.secret}"}
        for name, value in (test.get("headers") or {}).items():
            headers[name.lower()] = "a-request-id" if "any value" in value else value
        if test.get("send_credentials") is False:
            del headers["authorization"]
        if "corrupted" in str(test.get("note", "")):
            headers["authorization"] = f"Bearer {_CORRUPT}"
        method = test.get("method", "POST")
        body = None if method == "GET" else test.get("raw_body", json.dumps(test.get("request")))
        return self.http.request(method, f"{self.base}{test['path']}", content=body, headers=headers)


def rows(point: Point) -> Iterator[Row]:
    """Run every check of both files."""
    certification = vectors(CERTIFICATION)["tests"]
    known = {test["id"]: test for test in certification}
    for test in certification:
        yield Row(CERTIFICATION, test["id"], _reason(lambda test=test: _certify(point, test, known)))
    for test in vectors(SUITE)["tests"]:
        yield Row(SUITE, test["test"], _reason(lambda test=test: _suite(point, test)))


def _reason(check: Callable[[], None]) -> str:
    try:
        check()
    except AssertionError as failed:
        return str(failed) or "failed"
    return ""


def _certify(point: Point, test: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    expect = test["expect"]
    test = _with_token(point, test)
    for _ in range(test.get("repeat", 1)):
        answer = point.send(test)
        _is(answer.status_code, expect["status"], "status")
        for name, value in expect.get("headers", {}).items():
            _is(answer.headers.get(name), value, name)
        if expect["status"] == httpx.codes.OK:
            _matches(answer.json(), expect)
    if "required" in expect:
        _discovers(point, answer, expect)
    if "same_results_as" in expect:
        _is(_items(answer.json()), _items(point.send(known[expect["same_results_as"]]).json()), "results")


def _with_token(point: Point, test: Mapping[str, Any]) -> Mapping[str, Any]:
    """Put the token of the page before where the file has a placeholder for it."""
    page = (test.get("request") or {}).get("page") or {}
    if not str(page.get("token", "")).startswith("<"):
        return test
    first = point.send({**test, "request": {**test["request"], "page": {"limit": 1}}}).json()
    return {**test, "request": {**test["request"], "page": {"token": first["page"]["next_token"]}}}


def _discovers(point: Point, answer: httpx.Response, expect: Mapping[str, Any]) -> None:
    members = answer.json()
    assert answer.headers["content-type"].startswith(expect["content_type"]), "content type"
    for name in expect["required"]:
        assert name in members, f"{name} is missing"
    _is(members["policy_decision_point"], point.base, "policy_decision_point")


def _suite(point: Point, test: Mapping[str, Any]) -> None:
    if "malformed" in test["test"] and "raw_body" not in test:
        test = {**test, "raw_body": _BROKEN}
    accepted = test.get("accept_status") or [test.get("expect_status", 200)]
    answer = point.send(test)
    assert answer.status_code in accepted, f"status {answer.status_code}, not {accepted}"
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        assert "www-authenticate" in answer.headers, "no WWW-Authenticate"
    if "headers" in test:
        _is(answer.headers.get("x-request-id"), "a-request-id", "X-Request-ID")
    if "expect_body" not in test:
        return
    _matches(_all_pages(point, test, answer.json()), {"body": test["expect_body"], "match": test.get("match", "exact")})
    if "send twice" in str(test.get("note", "")):
        _is(point.send(test).json(), answer.json(), "the second answer")


def _all_pages(point: Point, test: Mapping[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """Follow the pages of a search that was asked for page by page."""
    results, page = list(body.get("results", ())), body.get("page", {})
    while page.get("next_token"):
        request = {**test["request"], "page": {**test["request"]["page"], "token": page["next_token"]}}
        more = point.send({**test, "request": request}).json()
        results += more["results"]
        page = more["page"]
    return {**body, **({"results": results} if "results" in body else {})}


def _matches(body: Mapping[str, Any], expect: Mapping[str, Any]) -> None:
    wanted = expect.get("body", {})
    match expect.get("match"):
        case "exact":
            _is(body, wanted, "body")
        case "results_superset":
            missing = [one for one in wanted["results"] if one not in body["results"]]
            assert not missing, f"results lack {missing}"
            assert wanted["results"] or not body["results"], f"results {body['results']}, not none"
        case "evaluations_subset":
            _is([one["decision"] for one in body["evaluations"]], [one["decision"] for one in wanted["evaluations"]], "decisions")
        case "structure":
            if "evaluations_length" in expect:
                _is(len(body["evaluations"]), expect["evaluations_length"], "evaluations")
            else:
                assert isinstance(body["results"], list), "no results"


def _items(body: Mapping[str, Any]) -> list[str]:
    found: Iterable[Any] = body["results"]
    return sorted(json.dumps(one, sort_keys=True) for one in found)


def _is(given: object, wanted: object, what: str) -> None:
    assert given == wanted, f"{what} {given}, not {wanted}"
