"""Refresh tokens and codes are replayed, forged, raced; tokens are taken to other resources."""

import base64
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from attacks.arena import Arena, code_of
from visiting import Documents, Visitor

READ = {"order_id": "W1001"}


@pytest.mark.proves("VISITOR-TOKENS")
def test_a_refresh_token_used_twice_ends_the_task_and_the_customer_is_told(arena: Arena, visitor: Visitor) -> None:
    stolen = visitor.tokens["refresh_token"]
    assert visitor.refresh().is_success
    answered = visitor.refresh(stolen, scope="return-item")
    assert answered.json()["error"] == "invalid_grant"
    arena.recorded("task.ended", reason="refresh_reused")
    assert code_of(visitor.ask("order.read", READ)) == "task.ended"
    assert visitor.refresh().json()["error"] == "invalid_grant"
    assert [one for one in arena.notify.told if "used twice" in one.subject and one.person == "anna"]


@pytest.mark.proves("VISITOR-TOKENS")
def test_the_very_same_request_gets_the_very_same_answer_for_ten_seconds(arena: Arena, visitor: Visitor) -> None:
    first = visitor.tokens["refresh_token"]
    answer = visitor.refresh(first)
    arena.clock.ahead_ms += 9_000
    assert visitor.refresh(first).json() == answer.json()
    arena.clock.ahead_ms += 2_000
    assert visitor.refresh(first).json()["error"] == "invalid_grant"
    arena.recorded("task.ended", reason="refresh_reused")


@pytest.mark.proves("VISITOR-TOKENS")
def test_a_forged_or_foreign_refresh_token_ends_nothing(arena: Arena, docs: Documents, visitor: Visitor) -> None:
    family, number, mac = visitor.tokens["refresh_token"].split(".")
    forged = [
        f"{family}.{number}.{mac[::-1]}",
        f"{family}.2.{mac}",
        f"{family[:-1]}{'e' if family[-1] == 'a' else 'a'}.{number}.{mac}",
        "fam",
        f"{family}.0.{mac}",
    ]
    for token in forged:
        assert visitor.refresh(token).json()["error"] == "invalid_grant"
    other = Visitor(arena.room, docs.publish("/other.json"))
    assert other.refresh(visitor.tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert visitor.refresh(resource="http://localhost/mcp").json()["error"] == "invalid_grant"
    assert arena.entries("task.ended") == []
    assert visitor.refresh().is_success


@pytest.mark.proves("VISITOR-TOKENS")
def test_a_code_used_twice_ends_what_it_gave(arena: Arena, docs: Documents) -> None:
    visitor = Visitor(arena.room, docs.publish())
    redirect = visitor.consent(arena.anna, "return-item", ["W1001"])
    assert visitor.redeem(redirect).is_success
    assert visitor.redeem(redirect).json()["error"] == "invalid_grant"
    assert code_of(visitor.ask("order.read", READ)) == "task.ended"


@pytest.mark.proves("VISITOR-TOKENS")
@pytest.mark.parametrize(
    "changed", [{"code_verifier": "a" * 43}, {"redirect_uri": "http://127.0.0.1/callback"}, {"resource": "http://localhost/mcp"}]
)
def test_a_stolen_code_is_no_use_elsewhere(arena: Arena, docs: Documents, changed: dict[str, str]) -> None:
    visitor = Visitor(arena.room, docs.publish())
    redirect = visitor.consent(arena.anna, "return-item", ["W1001"])
    assert visitor.redeem(redirect, **changed).json()["error"] == "invalid_grant"
    other = docs.publish("/other.json", name="Helper")
    assert visitor.redeem(redirect, client_id=other).json()["error"] == "invalid_grant"
    assert arena.entries("task.opened") == []
    assert dict(parse_qsl(urlsplit(redirect).query))["iss"] == "http://localhost"


@pytest.mark.proves("VISITOR-TOKENS")
def test_a_token_for_one_resource_is_not_taken_at_another(arena: Arena, docs: Documents) -> None:
    visitor = Visitor(arena.room, docs.publish(), resource="http://localhost/mcp").connect(arena.anna, "return-item", ["W1001"])
    assert code_of(visitor.ask("order.read", READ)) == "credential.wrong_audience"


@pytest.mark.proves("VISITOR-TOKENS")
def test_a_bearer_token_is_not_made_more_by_a_proof_beside_it(arena: Arena, visitor: Visitor) -> None:
    task = arena.task({"type": "remit_mandate", "objective": {"type": "unlock"}, "powers": [{"power": "represent"}]})
    assert (
        code_of(visitor.send("GET", f"/v1/tasks/{visitor.tokens['task']}", dpop=arena.proof(task.agent, "GET", "/v1")))
        == "credential.malformed"
    )
    assert (
        code_of(arena.send(task, f"/v1/tasks/{task.id}", method="GET", headers={"authorization": f"Bearer {task.token}", "dpop": ""}))
        == "credential.wrong_key"
    )


@pytest.mark.proves("VISITOR-TOKENS")
def test_a_family_ends_with_its_task_and_by_revocation(arena: Arena, docs: Documents) -> None:
    visitor = Visitor(arena.room, docs.publish()).connect(arena.anna, "return-item", ["W1001"])
    arena.clock.ahead_ms += 16 * 60_000
    assert visitor.refresh().json()["error"] == "invalid_grant"
    again = Visitor(arena.room, docs.publish()).connect(arena.anna, "return-item", ["W1001"])
    assert again.form("/oauth/revoke", {"client_id": docs.publish("/other.json"), "token": again.tokens["refresh_token"]}).is_success
    assert again.refresh().is_success
    assert again.form("/oauth/revoke", {"client_id": again.client_id, "token": again.tokens["refresh_token"]}).is_success
    assert code_of(again.ask("order.read", READ)) == "task.ended"


@pytest.mark.proves("VISITOR-TOKENS")
def test_suspending_the_client_or_its_host_ends_it_at_once(arena: Arena, visitor: Visitor) -> None:
    arena.desk.suspend(operator=visitor.client_id.split("/")[2], reason="seen elsewhere")
    assert code_of(visitor.ask("order.read", READ)) in {"agent.suspended", "task.ended"}
    assert visitor.refresh().is_error


@pytest.mark.proves("VISITOR-TOKENS")
@pytest.mark.parametrize("place", ["words", "cut over words and params", "a file", "an earlier one", "turned round"])
def test_a_refresh_token_in_an_ask_ends_its_task_before_anything_else(arena: Arena, docs: Documents, visitor: Visitor, place: str) -> None:
    token = visitor.tokens["refresh_token"]
    if place == "an earlier one":
        visitor.refresh()
    body: dict[str, Any] = {"action": "order.read", "params": dict(READ), "words": f"I hold {token}."}
    if place == "a file":
        data = base64.b64encode(f"refresh={token}\n".encode()).decode()
        body |= {"words": "see the file", "attachments": [{"name": "log.txt", "media_type": "text/plain", "data_b64": data}]}
    elif place == "cut over words and params":
        body |= {"words": token[:40], "params": {"order_id": token[40:]}}
    elif place == "turned round":
        body |= {"words": token[::-1]}
    other = Visitor(arena.room, docs.publish("/other.json")).connect(arena.anna, "return-item", ["W1001"])
    other.send("POST", f"/v1/tasks/{other.tokens['task']}/asks", body)
    assert code_of(visitor.ask("order.read", READ)) == "task.ended"
    assert visitor.refresh().json()["error"] == "invalid_grant"
    arena.recorded("leak.found", task=visitor.tokens["task"])
    assert other.refresh().is_success


@pytest.mark.proves("VISITOR-TOKENS")
def test_a_refresh_asks_for_no_other_purpose(visitor: Visitor) -> None:
    for scope in ("unlock", "return-item unlock", "offline_access unlock"):
        assert visitor.refresh(scope=scope).json()["error"] == "invalid_scope"
    assert visitor.refresh(scope="ask return-item").json()["scope"] == "return-item"


@pytest.mark.proves("VISITOR-TOKENS")
def test_two_uses_of_a_code_at_one_time_are_two_uses(arena: Arena, docs: Documents) -> None:
    visitor = Visitor(arena.room, docs.publish())
    redirect = visitor.consent(arena.anna, "return-item", ["W1001"])
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: visitor.redeem(redirect), range(2)))
    assert [one for one in answers if not one.is_success]
    if visitor.tokens:
        assert code_of(visitor.ask("order.read", READ)) == "task.ended"
    arena.recorded("mandate.revoked")


@pytest.mark.proves("VISITOR-EVIDENCE")
def test_the_card_in_a_ticket_and_the_case_say_that_nothing_was_proved(arena: Arena, visitor: Visitor) -> None:
    arena.helpdesk.shows_cards = True
    for _ in range(2):
        arena.desk.sweep()
    (card,) = arena.helpdesk.cards[visitor.tokens["case"]]
    assert "Not verified: anyone could use its name." in card.text
    assert "Verified identity" not in card.text
    assert "(visitor)" in card.identity
    officer = arena.desk.officer("olga", roles=["admin", "billing"])
    page = arena.person("GET", f"/desk/cases/{visitor.tokens['case']}", cookie=officer.cookie).text
    assert "Anyone could have copied its token" in page
    assert "key checked again with every request" not in page


@pytest.mark.proves("VISITOR-TOKENS")
def test_a_token_in_the_state_of_a_request_is_revoked(arena: Arena, docs: Documents, visitor: Visitor) -> None:
    other = Visitor(arena.room, docs.publish("/other.json"))
    other.state = visitor.tokens["access_token"]
    arena.anna.get(f"/me/v1/visits?{urlencode(other.query())}")
    assert code_of(visitor.ask("order.read", READ)) == "task.ended"


@pytest.mark.proves("VISITOR-TOKENS")
def test_an_address_left_out_is_the_only_one_of_the_client(arena: Arena, docs: Documents) -> None:
    one = Visitor(arena.room, docs.publish(), redirect_uri="http://127.0.0.1/callback")
    assert one.redeem(one.consent(arena.anna, "return-item", ["W1001"]), redirect_uri="").is_success
    addresses = ["http://127.0.0.1/callback", "http://127.0.0.1/other"]
    several = Visitor(arena.room, docs.publish("/several.json", redirect_uris=addresses), redirect_uri="http://127.0.0.1/callback")
    assert several.redeem(several.consent(arena.anna, "return-item", ["W1001"]), redirect_uri="").json()["error"] == "invalid_grant"
