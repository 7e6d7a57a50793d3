"""A visitor's request is widened, redirected, driven, swapped under its customer, or made in another's name."""

import json
import re
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from attacks.arena import Arena, code_of
from attacks.visitors.conftest import made
from desks import shop
from visiting import Documents, Visitor, documents, opened


def _redirected(arena: Arena, visitor: Visitor, scope: str = "", **changed: str) -> dict[str, str]:
    """The error the browser takes back to the client."""
    answered = arena.anna.get(f"/me/v1/visits?{urlencode(visitor.query(scope, **changed))}")
    assert answered["redirect"].startswith(visitor.redirect_uri)
    return dict(parse_qsl(urlsplit(answered["redirect"]).query))


@pytest.mark.proves("VISITOR-REQUEST")
@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"scope": "offer"}, "invalid_scope"),
        ({"scope": "return-item complain"}, "invalid_scope"),
        ({"resource": "https://another.example/mcp"}, "invalid_target"),
        ({"resource": "http://localhost/"}, "invalid_target"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"authorization_details": "[]"}, "invalid_request"),
        ({"request": "e30.e30."}, "invalid_request"),
    ],
)
def test_more_than_is_open_is_refused_and_the_client_told(arena: Arena, docs: Documents, changed: dict[str, str], error: str) -> None:
    visitor = Visitor(arena.room, docs.publish())
    told = _redirected(arena, visitor, **changed)
    assert (told["error"], told["state"], told["iss"]) == (error, visitor.state, "http://localhost")


@pytest.mark.proves("VISITOR-REQUEST")
def test_an_objective_that_is_not_open_is_not_offered(docs: Documents) -> None:
    with made(catalogue=opened(shop.CATALOGUE, {"return-item": {"powers": [{"power": "represent"}]}})) as desk:
        arena = Arena(desk)
        visitor = Visitor(arena.room, docs.publish())
        assert _redirected(arena, visitor, scope="unlock")["error"] == "invalid_scope"
        shown = arena.anna.get(f"/me/v1/visits?{urlencode(visitor.query())}")
        assert [one["objective"] for one in shown["purposes"]] == ["return-item"]
        body = {"objective": "unlock", "records": []}
        answered = arena.person("POST", f"/me/v1/visits?{urlencode(visitor.query())}", body, cookie=arena.anna.cookie)
        assert code_of(answered) == "objective.unknown"


@pytest.mark.proves("VISITOR-IDENTITY")
@pytest.mark.parametrize(
    "redirect",
    [
        "https://evil.example/callback",
        "http://127.0.0.1/other",
        "http://127.0.0.1.evil.example/callback",
        "http://localhost/callback",
        "javascript:alert(1)",
    ],
)
def test_no_browser_is_sent_to_an_address_outside_the_document(arena: Arena, docs: Documents, redirect: str) -> None:
    visitor = Visitor(arena.room, docs.publish(), redirect_uri=redirect)
    for path in ("/me/v1/visits", "/oauth/authorize"):
        for changed in ({}, {"scope": "nothing"}):
            answered = arena.person("GET", f"{path}?{urlencode(visitor.query(**changed))}", cookie=arena.anna.cookie)
            assert answered.status_code == 400
            assert "location" not in answered.headers


@pytest.mark.proves("VISITOR-IDENTITY")
@pytest.mark.parametrize(
    "client_id",
    [
        "https://169.254.169.254/client.json",
        "https://10.0.0.1/client.json",
        "https://[::1]/c",
        "https://client.example/../c",
        "https://client.example",
        "https://client.example/c#x",
        "https://u@client.example/c",
        "ftp://client.example/c",
        "https://client.example:0/c",
        "https://client.example/%2e%2e/c",
    ],
)
def test_no_document_is_read_from_an_address_that_can_name_none(arena: Arena, client_id: str) -> None:
    visitor = Visitor(arena.room, client_id)
    answered = arena.person("GET", f"/me/v1/visits?{urlencode(visitor.query())}", cookie=arena.anna.cookie)
    assert code_of(answered) in {"agent.unknown", "fault.identity"}
    assert arena.entries("agent.registered") == []


@pytest.mark.proves("VISITOR-IDENTITY")
@pytest.mark.parametrize("trick", ["redirect", "large", "another id", "secret", "no redirects", "no json", "doubled", "error"])
def test_a_document_that_is_not_what_its_address_says_lets_nobody_in(arena: Arena, docs: Documents, trick: str) -> None:
    client_id = docs.publish()
    status, headers, body = docs.answers["/client.json"]
    document = json.loads(body)
    docs.answers["/client.json"] = {
        "redirect": (302, {"location": docs.publish("/other.json")}, b""),
        "large": (200, headers, json.dumps({**document, "logo": "x" * 5200}).encode()),
        "another id": (200, headers, json.dumps({**document, "client_id": client_id + "x"}).encode()),
        "secret": (200, headers, json.dumps({**document, "client_secret": "s"}).encode()),
        "no redirects": (200, headers, json.dumps({**document, "redirect_uris": []}).encode()),
        "no json": (200, headers, b"<html>"),
        "doubled": (200, headers, body[:-1] + b',"client_id":"https://x.example/c"}'),
        "error": (500, headers, body),
    }[trick]
    assert status == 200
    visitor = Visitor(arena.room, client_id)
    answered = arena.person("GET", f"/me/v1/visits?{urlencode(visitor.query())}", cookie=arena.anna.cookie)
    assert code_of(answered) in {"agent.unknown", "fault.identity"}
    assert arena.entries("agent.registered") == []


@pytest.mark.proves("VISITOR-IDENTITY")
@pytest.mark.parametrize("moment", ["before the yes", "before the code", "before the refresh"])
def test_a_document_swapped_under_the_customer_ends_the_request(arena: Arena, docs: Documents, moment: str) -> None:
    visitor = Visitor(arena.room, docs.publish())

    def swap() -> None:
        docs.publish(redirect_uris=["http://127.0.0.1/callback", "https://evil.example/callback"])
        arena.context.client_documents._shelves.clear()  # type: ignore[attr-defined]  # it is read again

    picked = arena.anna.post(f"/me/v1/visits?{urlencode(visitor.query())}", {"objective": "return-item", "records": ["W1001"]})
    path = f"/me/v1/requests/{picked['request']}"
    shown = arena.anna.get(path)
    answer = {"answer": "grant", "ceremony": shown["ceremony"], "assertion": arena.anna.passkey.get(shown["options"])}
    if moment == "before the yes":
        swap()
        bram = arena.desk.customer("bram")
        bram.get(f"/me/v1/visits?{urlencode(visitor.query())}")  # another customer's visit reads it
        assert code_of(arena.person("POST", path, answer, cookie=arena.anna.cookie)) == "request.not_found"
        return
    redirect = arena.anna.post(path, answer)["redirect"]
    if moment == "before the code":
        swap()
        assert visitor.redeem(redirect).json()["error"] == "invalid_grant"
        return
    assert visitor.redeem(redirect).is_success
    swap()
    assert visitor.refresh().json()["error"] == "invalid_grant"
    assert code_of(visitor.ask("order.read", {"order_id": "W1001"})) == "task.ended"


@pytest.mark.proves("VISITOR-IDENTITY")
def test_two_clients_of_one_name_are_told_apart_by_their_hosts(arena: Arena, docs: Documents) -> None:
    with documents() as elsewhere:
        honest, copy = Visitor(arena.room, docs.publish(name="Helper")), Visitor(arena.room, elsewhere.publish(name="Helper"))
        pages = [arena.person("GET", f"/oauth/authorize?{urlencode(one.query())}", cookie=arena.anna.cookie).text for one in (honest, copy)]
        for page, client in zip(pages, (honest, copy), strict=True):
            assert client.client_id.split("/")[2] in page
            assert "Anyone could use this name" in page
        redirect = honest.consent(arena.anna, "return-item", ["W1001"])
        copy.verifier, copy.state = honest.verifier, honest.state
        assert copy.redeem(redirect).json()["error"] == "invalid_grant"


@pytest.mark.proves("VISITOR-REQUEST")
def test_nothing_in_the_address_picks_or_ticks_anything_and_the_page_cannot_be_framed(arena: Arena, docs: Documents) -> None:
    visitor = Visitor(arena.room, docs.publish())
    query = {**visitor.query("return-item"), "objective": "return-item", "record:return-item:W1001": "on", "records": "W1001"}
    page = arena.person("GET", f"/oauth/authorize?{urlencode(query)}", cookie=arena.anna.cookie)
    assert page.status_code == 200
    assert not re.search("<input[^>]* checked", page.text)
    assert page.headers["x-frame-options"] == "DENY"
    form = urlencode({"objective": "return-item", "record:return-item:W1001": "on"}).encode()
    headers = {"content-type": "application/x-www-form-urlencoded", "origin": "https://evil.example"}
    posted = arena.room.raw(
        "POST", f"/oauth/authorize?{urlencode(query)}", cookie=arena.anna.cookie, headers=headers, content=form, check=False
    )
    assert (posted.status_code, "location" in posted.headers) == (403, False)


@pytest.mark.proves("VISITOR-REQUEST")
def test_another_customer_can_neither_see_nor_answer_a_picked_request(arena: Arena, docs: Documents) -> None:
    visitor = Visitor(arena.room, docs.publish())
    picked = arena.anna.post(f"/me/v1/visits?{urlencode(visitor.query())}", {"objective": "return-item", "records": ["W1001"]})
    bram = arena.desk.customer("bram")
    path = f"/me/v1/requests/{picked['request']}"
    assert code_of(arena.person("GET", path, cookie=bram.cookie)) == "request.not_found"
    assert code_of(arena.person("POST", path, {"answer": "decline"}, cookie=bram.cookie)) == "request.not_found"
    assert arena.anna.get(path)["request"] == picked["request"]


@pytest.mark.proves("VISITOR-REQUEST")
def test_a_customer_cannot_be_led_to_pick_somebody_elses_record(arena: Arena, docs: Documents) -> None:
    visitor = Visitor(arena.room, docs.publish())
    picked = arena.anna.post(f"/me/v1/visits?{urlencode(visitor.query())}", {"objective": "return-item", "records": ["W2002"]})
    assert code_of(arena.person("GET", f"/me/v1/requests/{picked['request']}", cookie=arena.anna.cookie)) == "params.not_owned"


@pytest.mark.proves("VISITOR-IDENTITY")
def test_registration_is_off_unless_set_limited_and_shown_by_no_name_alone() -> None:
    body = {"redirect_uris": ["http://127.0.0.1/callback"], "client_name": "Your Bank", "token_endpoint_auth_method": "none"}
    with made() as desk:
        assert desk.room.raw("POST", "/oauth/register", body, check=False).status_code == 404
    with made(settings={"visitors": {"enabled": True, "officer": "security", "registration": "dynamic"}}) as desk:
        arena = Arena(desk)
        registered = arena.room.raw("POST", "/oauth/register", body).json()
        visitor = Visitor(arena.room, registered["client_id"])
        page = arena.person("GET", f"/oauth/authorize?{urlencode(visitor.query())}", cookie=arena.anna.cookie).text
        assert "calls itself" in page
        assert visitor.connect(arena.anna, "return-item", ["W1001"]).tokens["token_type"] == "Bearer"
        assert arena.entries("task.opened")[-1]["envelope"]["known_by"] == "dynamic"
        for wrong in (
            {"redirect_uris": ["http://evil.example/"]},
            {"redirect_uris": []},
            {"token_endpoint_auth_method": "client_secret_basic"},
            {"grant_types": ["password"]},
        ):
            assert arena.room.raw("POST", "/oauth/register", {**body, **wrong}, check=False).status_code == 400
        statuses = [arena.room.raw("POST", "/oauth/register", body, check=False).status_code for _ in range(12)]
        assert statuses[-1] == 429
