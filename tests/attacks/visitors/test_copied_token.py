"""A bearer token is copied to another machine: it changes nothing and is told nothing sensitive."""

import httpx
import pytest

from attacks.arena import Arena, code_of
from attacks.visitors.conftest import WAIVER, made
from desks import shop
from desks.building import action
from remit.engine.agents.client_documents import known_client
from visiting import Documents, Visitor, confirm, opened

RETURN = {"order_id": "W1001", "item_ids": ["i1"]}


@pytest.mark.proves("VISITOR-RIGHTS")
def test_a_write_waits_for_the_passkey_even_under_a_waiver(arena: Arena, visitor: Visitor) -> None:
    with arena.unchanged():
        answered = visitor.ask("order.return", RETURN)
        assert (answered.status_code, answered.json()["decision"], answered.json()["who"]) == (202, "needs_human", ["customer"])
    confirm(arena.anna, answered.json()["ask"])
    assert visitor.poll(answered.json()["ask"])["outcome"] == "done"
    assert arena.performed("order.return") == [RETURN]


@pytest.mark.proves("VISITOR-RIGHTS")
def test_no_waiver_takes_the_officer_away_from_a_visitors_act(docs: Documents) -> None:
    floors = {"payment": ["customer", "officer:billing"]}
    with made(catalogue={**opened({**shop.CATALOGUE, "waiver": [WAIVER]}), "floor": floors}) as desk:
        arena = Arena(desk)
        visitor = Visitor(arena.room, docs.publish()).connect(arena.anna, "return-item", ["W1001"])
        assert set(visitor.ask("order.return", RETURN).json()["who"]) == {"customer", "officer:billing"}
        assert arena.entries("ask.decided")[-1]["envelope"]["waiver"] == -1


@pytest.mark.proves("VISITOR-RIGHTS")
def test_a_routine_write_that_any_other_agent_may_do_alone_waits_for_the_passkey(docs: Documents) -> None:
    preset = {"return-item": {"powers": [{"power": "represent"}, {"power": "request", "actions": ["order.note"]}]}}
    with made(catalogue=opened(shop.CATALOGUE, preset)) as desk:
        arena = Arena(desk)
        visitor = Visitor(arena.room, docs.publish()).connect(arena.anna, "return-item", ["W1001"])
        with arena.unchanged():
            assert visitor.ask("order.note", {"order_id": "W1001"}).json()["decision"] == "needs_human"
        grant = {"type": "remit_mandate", "objective": {"type": "return-item", "target": {"order": ["W1001"]}}, **preset["return-item"]}
        assert arena.task(grant).ask("order.note", {"order_id": "W1001"}).decision == "permit"


@pytest.mark.proves("VISITOR-RIGHTS")
def test_a_sensitive_attribute_is_told_only_after_a_yes(arena: Arena, visitor: Visitor) -> None:
    answered = visitor.ask("order.read", {"order_id": "W1001"})
    assert answered.json()["decision"] == "needs_human"
    assert "Lindenweg" not in answered.text
    confirm(arena.anna, answered.json()["ask"])
    assert visitor.poll(answered.json()["ask"])["result"]["order.address"].startswith("Lindenweg")


@pytest.mark.proves("VISITOR-RIGHTS")
def test_a_read_outside_the_routine_waits_for_the_passkey(docs: Documents) -> None:
    catalogue = opened(shop.CATALOGUE, {"return-item": {"powers": [{"power": "receive", "attributes": ["order.status"]}]}})
    catalogue["action"] = {**catalogue["action"], "order.read": {**catalogue["action"]["order.read"], "area": "disclosure"}}
    with made(catalogue=catalogue) as desk:
        arena = Arena(desk)
        visitor = Visitor(arena.room, docs.publish()).connect(arena.anna, "return-item", ["W1001"])
        assert visitor.ask("order.read", {"order_id": "W1001"}).json()["decision"] == "needs_human"


@pytest.mark.proves("VISITOR-RIGHTS")
def test_looking_and_writing_in_its_case_are_all_a_visitor_does_alone(docs: Documents) -> None:
    preset = {"return-item": {"powers": [{"power": "represent"}, {"power": "receive", "attributes": ["order.status"]}]}}
    with made(catalogue=opened(shop.CATALOGUE, preset)) as desk:
        arena = Arena(desk)
        visitor = Visitor(arena.room, docs.publish()).connect(arena.anna, "return-item", ["W1001"])
        assert visitor.ask("order.read", {"order_id": "W1001"}).json()["result"] == {"order.status": "delivered"}
        assert visitor.ask("case.comment", {"text": "The kettle leaks."}).json()["decision"] == "permit"
        assert visitor.ask("case.close", {"reason": "done"}).json()["decision"] == "needs_human"


@pytest.mark.proves("VISITOR-RIGHTS")
def test_an_act_of_security_takes_the_customer_and_an_officer(docs: Documents) -> None:
    with made(catalogue={**opened(shop.CATALOGUE), "floor": {}}) as desk:
        arena = Arena(desk)
        visitor = Visitor(arena.room, docs.publish()).connect(arena.anna, "unlock")
        answered = visitor.ask("account.unlock", {})
        assert (answered.json()["decision"], set(answered.json()["who"])) == ("needs_human", {"customer", "officer:security"})
        confirm(arena.anna, answered.json()["ask"])
        assert visitor.poll(answered.json()["ask"])["decision"] == "needs_human"
        confirm(desk.officer("olga", roles=["security"]), answered.json()["ask"])
        assert visitor.poll(answered.json()["ask"])["outcome"] == "done"


@pytest.mark.proves("VISITOR-RIGHTS")
def test_a_visitor_never_binds_the_customer(arena: Arena, visitor: Visitor) -> None:
    with arena.unchanged():
        arena.refused(visitor.ask("offer.accept", {"offer_id": "off_1", "digest": "d"}), "agent.untrusted")
    preset = {"return-item": {"powers": [{"power": "accept", "actions": ["offer.accept"]}]}}
    with pytest.raises(Exception, match="never binds the customer"):
        made(catalogue=opened(shop.CATALOGUE, preset)).__enter__()
    preset = {"unlock": {"powers": [{"power": "request", "actions": ["account.unlock"]}]}}
    with pytest.raises(Exception, match=r"visitors\.officer"):
        made(catalogue=opened(shop.CATALOGUE, preset), settings={"visitors": {"enabled": True}}).__enter__()


@pytest.mark.proves("VISITOR-RIGHTS")
def test_a_visitor_hands_nothing_on_and_pushes_nothing(arena: Arena, visitor: Visitor) -> None:
    exchange = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "client_id": visitor.client_id,
        "subject_token": visitor.tokens["mandate"],
        "subject_token_type": "urn:remit:token-type:mandate",
    }
    assert visitor.form("/oauth/token", exchange).json()["error"] == "unsupported_grant_type"
    for path in ("/oauth/par", "/oauth/introspect"):
        assert visitor.form(path, {"client_id": visitor.client_id, "token": "x"}).status_code == httpx.codes.UNAUTHORIZED
    assert len(arena.entries("mandate.granted")) == 1


@pytest.mark.proves("VISITOR-RIGHTS")
def test_a_policy_for_unproved_agents_holds_for_visitors(docs: Documents) -> None:
    policies = '@id("a") permit (principal, action, resource); @id("b") forbid (principal, action == Action::"order.return", resource) when { principal.tier == "unproved" };'
    with made(policies=policies) as desk:
        arena = Arena(desk)
        visitor = Visitor(arena.room, docs.publish()).connect(arena.anna, "return-item", ["W1001"])
        arena.refused(visitor.ask("order.return", RETURN), "policy.forbidden")


@pytest.mark.proves("VISITOR-RIGHTS")
def test_an_escalation_rule_for_unproved_agents_holds_for_visitors(docs: Documents) -> None:
    rule = {
        "name": "unproved",
        "reason": "money for somebody unproved",
        "areas": ["payment"],
        "tiers": ["unproved"],
        "roles": ["billing"],
        "due": "30m",
        "then": "refuse",
    }
    with made(catalogue={**opened(shop.CATALOGUE), "escalation": [rule]}) as desk:
        arena = Arena(desk)
        visitor = Visitor(arena.room, docs.publish()).connect(arena.anna, "return-item", ["W1001"])
        assert "officer:billing" in visitor.ask("order.return", RETURN).json()["who"]


@pytest.mark.proves("VISITOR-RIGHTS")
def test_a_grant_to_a_visitor_stays_one_when_its_client_gets_keys(arena: Arena, docs: Documents, visitor: Visitor) -> None:
    keyed = {"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": docs.base + "/jwks.json"}
    docs.answers["/jwks.json"] = (
        200,
        {},
        b'{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}',
    )
    docs.publish(**keyed)
    arena.context.client_documents._shelves.clear()  # type: ignore[attr-defined]  # an hour later
    arena.run(_seen(arena, visitor.client_id))
    answered = visitor.ask("order.return", RETURN)
    assert answered.json()["decision"] == "needs_human"


async def _seen(arena: Arena, client_id: str) -> None:
    kept = await known_client(arena.context, client_id)
    assert kept is not None
    assert kept.record.tier == "unproved"


@pytest.mark.proves("VISITOR-EVIDENCE")
def test_entries_say_that_nothing_was_proved_and_how_it_was_known(arena: Arena, visitor: Visitor) -> None:
    visitor.ask("order.return", RETURN)
    for kind in ("mandate.granted", "task.opened", "ask.decided"):
        envelope = arena.entries(kind)[-1]["envelope"]
        assert (envelope["tier"], envelope["known_by"], envelope["proved"]) == ("visitor", "document", "nothing")
    task = arena.task(shop.MANDATE)
    task.ask("order.read", {"order_id": "W1001"})
    assert "tier" not in arena.entries("ask.decided")[-1]["envelope"]


@pytest.mark.proves("VISITOR-RIGHTS")
def test_a_desk_that_lets_no_visitors_in_takes_none_of_their_tokens(arena: Arena, visitor: Visitor) -> None:
    object.__setattr__(arena.context, "visitors", None)
    assert visitor.ask("order.read", {"order_id": "W1001"}).json()["code"] == "credential.revoked"
    assert visitor.refresh().json()["code"] == "credential.missing"


@pytest.mark.proves("VISITOR-RIGHTS")
def test_a_visitor_can_be_given_no_other_tier(arena: Arena, visitor: Visitor) -> None:
    body = {"client_id": visitor.client_id, "tier": "unproved"}
    officers = [arena.desk.officer(name, roles=["admin"]) for name in ("olga", "omar")]
    proposed = officers[0].post("/security/v1/agents", body)["proposal"]
    settled = arena.person("POST", f"/security/v1/proposals/{proposed['proposal']}", {"answer": "yes"}, cookie=officers[1].cookie)
    assert code_of(settled) == "agent.untrusted"
    assert arena.person("POST", "/security/v1/agents", {**body, "tier": "visitor"}, cookie=officers[0].cookie).status_code == 400
    assert visitor.ask("order.return", RETURN).json()["decision"] == "needs_human"


@pytest.mark.proves("VISITOR-RIGHTS")
def test_comparing_a_guess_with_something_sensitive_waits_for_the_passkey(docs: Documents) -> None:
    guess = action(
        "Compare the date of birth",
        "request",
        "routine",
        {"birth_date": {"type": "string", "x-attribute": "identity.birth_date"}},
        effect="read",
    )
    preset = {
        "unlock": {
            "powers": [
                {"power": "request", "actions": ["identity.compare"], "uses": 3},
                {"power": "disclose", "attributes": ["identity.birth_date"]},
            ]
        }
    }
    catalogue = opened({**shop.CATALOGUE, "action": {**shop.CATALOGUE["action"], "identity.compare": guess}}, preset)
    catalogue["objective"]["unlock"]["actions"] = ["account.unlock", "identity.compare"]
    with made(catalogue=catalogue) as desk:
        arena = Arena(desk)
        visitor = Visitor(arena.room, docs.publish()).connect(arena.anna, "unlock")
        assert visitor.ask("identity.compare", {"birth_date": "1990-01-01"}).json()["decision"] == "needs_human"


@pytest.mark.proves("VISITOR-RIGHTS")
def test_no_late_yes_carries_out_what_a_visitor_asked_before_the_desk_shut_them_out(arena: Arena, visitor: Visitor) -> None:
    asked = visitor.ask("order.return", RETURN).json()["ask"]
    object.__setattr__(arena.context, "visitors", None)
    with arena.unchanged(), pytest.raises(Exception, match=r"agent\.untrusted"):
        confirm(arena.anna, asked)
    assert arena.performed("order.return") == []


@pytest.mark.proves("VISITOR-RIGHTS")
def test_over_a2a_a_visitor_looks_and_asks_and_changes_nothing(arena: Arena, docs: Documents) -> None:
    visitor = Visitor(arena.room, docs.publish(), resource=f"{arena.room.issuer}/a2a").connect(arena.anna, "return-item", ["W1001"])

    def sent(action: str, params: dict[str, object]) -> httpx.Response:
        parts = [{"data": {"action": action, "params": params}}]
        message = {"messageId": "m1" + action, "role": "ROLE_USER", "parts": parts}
        body = {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": message}}
        return visitor.send("POST", "/a2a", body, **{"a2a-version": "1.0"})

    with arena.unchanged():
        task = sent("order.return", RETURN).json()["result"]["task"]
        assert task["status"]["state"] == "TASK_STATE_AUTH_REQUIRED"
        assert visitor.ask("order.return", RETURN).status_code == 401  # its token is for /a2a alone
    card = arena.room.call("GET", "/.well-known/agent-card.json")
    assert card["securityRequirements"][1:] == [{"schemes": {"visitor": {"list": [one]}}} for one in ("unlock", "return-item")]
    other = Visitor(arena.room, docs.publish("/other.json")).connect(arena.anna, "return-item", ["W1001"])
    assert other.send("POST", "/a2a", {}, **{"a2a-version": "1.0"}).json()["code"] == "credential.wrong_audience"
