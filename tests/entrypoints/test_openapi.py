"""The description at /openapi.json: every address is in it, and what the doors really answer is declared there."""

import json
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import httpx
import jsonschema_rs
import pytest

from desks.kettle import CATALOGUE, FACTS, REFUND
from entrypoints.developer import Developer
from remit.entrypoints.agents.api import ADDRESSES, PATHS
from remit.entrypoints.http.app import App
from remit.entrypoints.http.routes import sandbox_routes
from remit.entrypoints.openapi.document import openapi
from remit.sandbox import Sandbox


@dataclass
class Described:
    """A developer with the document in hand, who holds every answer against it."""

    developer: Developer
    document: Mapping[str, Any]

    def held(self, method: str, path: str, answer: httpx.Response, *statuses: int) -> None:
        """The answer has one of these statuses, and its status, media type and body are as declared."""
        assert answer.status_code in statuses, (method, path, answer.status_code, answer.text[:300])
        declared = self.document["paths"][path][method]["responses"].get(str(answer.status_code))
        assert declared is not None, f"{method} {path} answers {answer.status_code}, which is not declared"
        if "content" not in declared:
            return
        media_type = answer.headers["content-type"].partition(";")[0]
        assert media_type in declared["content"], (method, path, answer.status_code, media_type)
        if media_type.endswith("json"):
            schema = {**declared["content"][media_type]["schema"], "components": self.document["components"]}
            problems = [str(one)[:200] for one in jsonschema_rs.validator_for(schema).iter_errors(answer.json())]
            assert problems == [], (method, path, answer.status_code, answer.text[:300])


@pytest.fixture(scope="module")
def described() -> Iterator[Described]:
    with Sandbox(CATALOGUE, facts=FACTS) as desk:
        developer = Developer(desk)
        yield Described(developer, desk.room.raw("GET", "/openapi.json").json())


def app_of(desk: Sandbox) -> App:
    assert desk.desk is not None
    return desk.desk.app


def in_document(document: Mapping[str, Any]) -> set[tuple[str, str]]:
    return {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}


def test_every_address_is_described_and_nothing_else_is(described: Described) -> None:
    assert in_document(described.document) == set(app_of(described.developer.desk).addresses)
    for method, path in ADDRESSES:
        found = PATHS.fullmatch(path.replace("{task}", "task_x").replace("{ask}", "ask_x"))
        assert found is not None
        assert method == ("POST" if found["what"] in {"asks", "complete"} else "GET")


def test_a_desk_that_is_no_sandbox_describes_no_controls(described: Described) -> None:
    made = described.developer.desk.desk
    assert made is not None
    parts = replace(made.context, terms=replace(made.context.terms, sandbox=False))
    assert in_document(openapi(parts)) == {one for one in made.app.addresses if not one[1].startswith("/sandbox/")}
    assert sandbox_routes(parts, None) == []


def test_placeholders_are_parameters_and_what_must_be_sent_is_said(described: Described) -> None:
    paths = described.document["paths"]
    for path, methods in paths.items():
        for operation in methods.values():
            named = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "path"}
            assert named == {part[1:-1] for part in path.split("/") if part.startswith("{")}
            assert operation["summary"]
    token = paths["/oauth/token"]["post"]
    assert [(one["name"], one["required"]) for one in token["parameters"]] == [("DPoP", True)]
    form = token["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
    assert {"code", "code_verifier", "redirect_uri", "subject_token", "subject_token_type", "resource", "audience"} <= set(
        form["properties"]
    )
    assert token["responses"]["200"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/TokenResponse"}
    answer = described.document["components"]["schemas"]["TokenResponse"]["properties"]
    assert {"issued_token_type", "scope", "authorization_details", "task", "case", "mandate"} <= set(answer)
    assert any(one["name"] == "DPoP" and one["required"] for one in paths["/v1/tasks/{task}/asks"]["post"]["parameters"])


def test_every_shape_that_is_named_is_there_and_named(described: Described) -> None:
    named = set(re.findall(r'"\$ref": "#/components/schemas/([A-Za-z]+)"', json.dumps(described.document)))
    assert named == set(described.document["components"]["schemas"])


def test_what_mcp_clients_are_answered_is_declared(described: Described) -> None:
    developer, held = described.developer, described.held
    task = developer.task()

    def said(method: str, params: Mapping[str, Any] | None = None, **headers: str | None) -> httpx.Response:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}}).encode()
        return developer.send(task, "POST", "/mcp", body, **{"mcp_protocol_version": "2025-11-25", **headers})

    held("post", "/mcp", said("ping"), 200)
    held("post", "/mcp", said("tools/call", {"name": "order_read", "arguments": {"order_id": "W1"}}), 200)
    held("post", "/mcp", said("tools/call", {"name": "no_such"}), 200)
    held("post", "/mcp", said("ping", mcp_protocol_version="2026-07-28"), 400)
    held("post", "/mcp", said("ping", content_type="text/plain"), 415)
    held("post", "/mcp", said("ping", authorization=None), 401)
    held("post", "/mcp", said("ping", origin="https://evil.example"), 403)
    held("post", "/mcp", developer.send(task, "POST", "/mcp", b"[]"), 400)
    noted = developer.send(task, "POST", "/mcp", b'{"jsonrpc":"2.0","method":"notifications/initialized"}')
    assert (noted.status_code, noted.content) == (202, b"")
    assert "202" in described.document["paths"]["/mcp"]["post"]["responses"]


def test_what_agents_are_answered_is_declared(described: Described) -> None:
    developer, held = described.developer, described.held
    task = developer.task()
    asks, path = "/v1/tasks/{task}/asks", f"/v1/tasks/{task.id}/asks"
    held("post", asks, developer.ask(task), 200)
    held("post", asks, developer.ask(task, {"action": "payment.refund", "params": REFUND}), 202)
    held("post", asks, developer.ask(task, idempotency_key=None), 400)
    held("post", asks, developer.ask(task, authorization=None), 401)
    held("post", asks, developer.ask(task, {"action": "no.such", "params": {}}), 403)
    held("post", asks, developer.ask(task, cookie="remit_session=sgn_x"), 403)
    developer.ask(task, idempotency_key="twice")
    held("post", asks, developer.ask(task, {"action": "order.read", "params": {"order_id": "W2"}}, idempotency_key="twice"), 409)
    held("post", asks, developer.send(task, "POST", path, b"a" * (1 << 20 | 1), idempotency_key="large"), 413)
    held("post", asks, developer.ask(task, content_type="text/plain"), 415)
    held("post", asks, developer.ask(task, {"action": "order.read", "params": {}}), 422)
    waiting = developer.ask(task, {"action": "order.lock", "params": {"order_id": "W1"}}).json()["ask"]
    for ask, query, status in ((waiting, "", 200), ("ask_x", "", 404), (waiting, "?wait=99", 400)):
        held("get", "/v1/asks/{ask}", developer.send(task, "GET", f"/v1/asks/{ask}{query}"), status)
    status = "/v1/tasks/{task}"
    held("get", status, developer.send(task, "GET", f"/v1/tasks/{task.id}"), 200)
    held("get", status, developer.send(task, "GET", f"/v1/tasks/{task.id}", cookie="remit_session=sgn_x"), 403)
    held("get", status, developer.send(task, "GET", f"/v1/tasks/{task.id}", dpop=None), 401)
    inbox = "/v1/tasks/{task}/inbox"
    held("get", inbox, developer.send(task, "GET", f"/v1/tasks/{task.id}/inbox"), 200)
    held("get", inbox, developer.send(task, "GET", f"/v1/tasks/{task.id}/inbox?wait=99"), 400)
    held("get", "/log/receipts/{entry}", developer.send(task, "GET", "/log/receipts/99999"), 404)
    held("get", "/log/receipts/{entry}", developer.desk.room.raw("GET", "/log/receipts/1", check=False), 401)
    complete = "/v1/tasks/{task}/complete"
    for body, code in ((b'{"x":1}', 400), (b" " * 1_100_000, 413), (b"{}", 200), (b"{}", 401)):
        held("post", complete, developer.send(task, "POST", f"/v1/tasks/{task.id}/complete", body), code)


def test_what_oauth_answers_is_declared(described: Described) -> None:
    developer, held = described.developer, described.held
    exchange = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": developer.mandate.id,
        "subject_token_type": "urn:remit:token-type:mandate",
    }
    held("post", "/oauth/token", developer.form("/oauth/token", exchange, developer.proof("POST", "/oauth/token")), 200)
    held("post", "/oauth/token", developer.form("/oauth/token", exchange), 400)
    held("post", "/oauth/token", developer.form("/oauth/token", {"x": "a" * 300_000}), 413)
    held("post", "/oauth/introspect", developer.form("/oauth/introspect", {"token": developer.task().token}), 200)
    held("post", "/oauth/introspect", developer.form("/oauth/introspect", {"token": "x"}), 200)
    held("post", "/oauth/revoke", developer.form("/oauth/revoke", {"token": "x"}), 200)
    held("post", "/oauth/par", developer.form("/oauth/par", {}), 400)
    room, form = developer.desk.room, {"content-type": "application/x-www-form-urlencoded"}
    for path in ("/oauth/par", "/oauth/token", "/oauth/introspect", "/oauth/revoke"):
        held("post", path, room.raw("POST", path, headers=form, content=b"token=x", check=False), 401)
        held("post", path, room.raw("POST", path, headers=form, content=b"a" * 300_000, check=False), 413)


def test_what_anybody_is_answered_is_declared(described: Described) -> None:
    room = described.developer.desk.room
    for path, methods in described.document["paths"].items():
        if "get" in methods and "{" not in path and not path.startswith(("/v1/tasks", "/v1/asks")):
            described.held("get", path, room.raw("GET", path, check=False), 200, 303, 400, 401, 404)
    described.held("get", "/log/tile/{path}", room.raw("GET", "/log/tile/0/x", check=False), 404)
    described.held("get", "/log/tile/{path}", room.raw("GET", "/log/tile/0/000.p/1"), 200)
    described.held("get", "/static/{name}", room.raw("GET", "/static/none.js", check=False), 404)


def test_what_people_are_answered_is_declared(described: Described) -> None:
    """Every door that changes something: without a session, as a form, too long, and with members nobody knows."""
    room = described.developer.desk.room
    signed_in = {
        "/me": described.developer.desk.customer("yusuf").cookie,
        "/desk": described.developer.desk.officer("bill", ["billing"]).cookie,
        "/security": described.developer.desk.officer("sec", ["security"]).cookie,
        "/audit": described.developer.desk.officer("aud", ["audit"]).cookie,
        "/login": "",
    }
    unknown = json.dumps({secrets.token_hex(4): 1}).encode()
    seen = set()
    for path, methods in described.document["paths"].items():
        begins = "/" + path.split("/")[1]
        if "/v1" not in path or begins not in signed_in:
            continue
        address = path.replace("{id}", "none_x")
        for method in methods:
            answers = [room.raw(method.upper(), address, cookie=cookie, check=False) for cookie in ("", signed_in[begins])]
            if method == "post":
                for kind, content in (("text/plain", b"x"), ("application/json", unknown), ("application/json", b" " * 1_100_000)):
                    sent = {"content-type": kind}
                    answers.append(room.raw("POST", address, cookie=signed_in[begins], headers=sent, content=content, check=False))
                answers.append(room.raw("POST", address, cookie=signed_in[begins], headers={"origin": "https://x.example"}, check=False))
            for answer in answers:
                described.held(method, path, answer, 200, 400, 401, 403, 404, 409, 413, 415, 422)
                seen.add(answer.status_code)
    assert seen >= {200, 400, 401, 403, 404, 413, 415}
