"""What an OAuth request wishes for and cannot get is refused in OAuth's own words: silence would give more than was asked."""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from attacks.arena import ISSUER, Arena, mandate, pushed
from attacks.sub_agents import CATALOGUE, FACTS, TYPE, note
from attacks.sub_agents import mandate as branch
from remit.sandbox import Sandbox

EVIL = "https://evil.example"
JWT = "urn:ietf:params:oauth:token-type:jwt"
NARROWER = json.dumps([mandate(powers=[{"power": "represent"}], never=[])])
WRONG: dict[str, tuple[Mapping[str, str], str]] = {
    "a scope that is none": ({"scope": "admin"}, "invalid_scope"),
    "a scope that is none beside one that is": ({"scope": "ask admin"}, "invalid_scope"),
    "another audience": ({"audience": EVIL}, "invalid_target"),
    "another resource": ({"resource": EVIL}, "invalid_target"),
}
WRONG_EXCHANGE: dict[str, tuple[Mapping[str, str], str]] = {
    **WRONG,
    "details of an unknown type": ({"authorization_details": '[{"type":"evil"}]'}, "invalid_authorization_details"),
    "details that are none": ({"authorization_details": "x"}, "invalid_authorization_details"),
    "narrower details": ({"authorization_details": NARROWER}, "invalid_authorization_details"),
    "an actor's type without an actor": ({"actor_token_type": JWT}, "invalid_request"),
}
WRONG_PUSH: dict[str, tuple[Mapping[str, str], str]] = {
    **WRONG,
    "an answer in a fragment": ({"response_mode": "fragment"}, "invalid_request"),
    "an answer by a form": ({"response_mode": "form_post"}, "invalid_request"),
    "a request object": ({"request": "x.y.z"}, "request_not_supported"),
}
RIGHT: Mapping[str, str] = {"scope": "mandate ask", "audience": ISSUER, "resource": ISSUER}


def said(answer: httpx.Response) -> tuple[int, Any, Any]:
    body = answer.json()
    return answer.status_code, body.get("error"), body.get("code")


@pytest.mark.proves("ASKED-NO-MORE")
@pytest.mark.parametrize("case", WRONG_EXCHANGE)
def test_an_exchange_gives_nothing_where_it_cannot_give_what_was_wished_for(arena: Arena, case: str) -> None:
    agent = arena.agent()
    found = arena.anna.grant(agent, mandate())
    wrong, error = WRONG_EXCHANGE[case]
    with arena.unchanged():
        assert said(arena.exchange(agent, found.id, **wrong)) == (400, error, "request.malformed")
    assert arena.entries("task.opened") == []
    taken = arena.exchange(agent, found.id, **RIGHT).json()
    assert (taken["scope"], taken["issued_token_type"]) == ("ask", "urn:ietf:params:oauth:token-type:access_token")


@pytest.mark.proves("ASKED-NO-MORE")
def test_a_code_is_not_used_up_by_a_wish_that_cannot_be_given(arena: Arena) -> None:
    agent = arena.agent()
    request_uri, state = agent.push(mandate())
    path = f"/me/v1/requests/{request_uri.rpartition(':')[2]}"
    shown = arena.anna.get(path)
    assertion = arena.anna.passkey.get(shown["options"])
    redirect = arena.anna.post(path, {"answer": "grant", "ceremony": shown["ceremony"], "assertion": assertion})["redirect"]
    code = redirect.partition("code=")[2].partition("&")[0]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": "http://127.0.0.1/callback"}
    form["code_verifier"] = agent._verifiers[state]
    for wrong, error in WRONG_EXCHANGE.values():
        answer = arena.form("/oauth/token", {**form, **wrong}, agent=agent, key=agent)
        assert said(answer) == (400, error, "request.malformed")
    assert arena.form("/oauth/token", {**form, **RIGHT}, agent=agent, key=agent).json()["scope"] == "mandate"


@pytest.mark.proves("ASKED-NO-MORE")
def test_nobody_who_asks_for_one_scope_gets_the_other(arena: Arena) -> None:
    agent = arena.agent()
    assert said(pushed(arena, agent, scope="ask")) == (400, "invalid_scope", "request.malformed")
    assert pushed(arena, agent, scope="mandate").status_code == 201
    found = arena.anna.grant(agent, mandate())
    assert said(arena.exchange(agent, found.id, scope="mandate")) == (400, "invalid_scope", "request.malformed")
    assert arena.entries("task.opened") == []
    assert arena.exchange(agent, found.id, scope="ask").json()["scope"] == "ask"


class Chain:
    """A mandate that may be handed on, whose agent, and who may have a branch of it."""

    def __init__(self, desk: Sandbox) -> None:
        self.arena = Arena(desk)
        self.top, self.below = desk.agent("top", operator="owner"), desk.agent("below", operator="courier")
        powers = ({"power": "represent"}, note(uses=2))
        wanted = branch(*powers, chain=1, chain_operators=["courier"], max_tasks=3)
        self.granted = desk.customer("yu").grant(self.top, wanted)

    def cut(self, **more: str) -> httpx.Response:
        given = self.below.identity.credentials(issuer=ISSUER, now_s=self.arena.clock.now() / 1000)
        form = {
            "requested_token_type": TYPE,
            "actor_token": given["client_assertion"],
            "actor_token_type": given["client_assertion_type"],
            "authorization_details": json.dumps([branch(note(uses=1))]),
            "dpop_jkt": self.below.client.key_thumbprint,
        }
        return self.arena.exchange(self.top, self.granted.id, **{**form, **more})

    def branches(self) -> int:
        return sum("parent" in one["envelope"] for one in self.arena.entries("mandate.granted"))


@pytest.fixture
def chain() -> Iterator[Chain]:
    with Sandbox(CATALOGUE, facts=FACTS) as desk:
        yield Chain(desk)


@pytest.mark.proves("ASKED-NO-MORE", "P18")
@pytest.mark.parametrize("case", WRONG)
def test_a_branch_is_not_cut_for_another_target_or_scope(chain: Chain, case: str) -> None:
    wrong, error = WRONG[case]
    assert said(chain.cut(**wrong)) == (400, error, "request.malformed")
    assert chain.branches() == 0
    assert chain.cut(**RIGHT).json()["issued_token_type"] == TYPE


@pytest.mark.proves("GRANT-BOUND")
@pytest.mark.parametrize("jkt", ["junk", "A" * 42, "A" * 44, "A" * 42 + "=", "A" * 42 + "\n", "\u00e4" * 43])
def test_a_grant_is_bound_to_a_thumbprint_or_not_asked_for(chain: Chain, jkt: str) -> None:
    assert said(chain.cut(dpop_jkt=jkt)) == (400, "invalid_request", "request.malformed")
    assert chain.branches() == 0
    details = json.dumps([branch(note(uses=1))])
    assert said(pushed(chain.arena, chain.top, authorization_details=details, dpop_jkt=jkt)) == (
        400,
        "invalid_request",
        "request.malformed",
    )
    assert pushed(chain.arena, chain.top, authorization_details=details).status_code == 201
    assert chain.cut().status_code == 200


@pytest.mark.proves("ASKED-NO-MORE")
@pytest.mark.parametrize("case", WRONG_PUSH)
def test_a_request_is_not_kept_where_it_wishes_for_what_there_is_not(arena: Arena, case: str) -> None:
    agent = arena.agent()
    wrong, error = WRONG_PUSH[case]
    assert said(pushed(arena, agent, **wrong)) == (400, error, "request.malformed")
    assert pushed(arena, agent, **RIGHT, response_mode="query").status_code == 201


EMPTY: Mapping[str, str] = dict.fromkeys(
    ("scope", "audience", "resource", "requested_token_type", "authorization_details", "actor_token", "actor_token_type"), ""
)


@pytest.mark.proves("ASKED-NO-MORE", "HUMAN-CREDENTIAL")
def test_a_parameter_without_a_value_was_not_sent(arena: Arena) -> None:
    agent = arena.agent()
    found = arena.anna.grant(agent, mandate(max_tasks=20))
    for name in (*EMPTY, "password", "username", "otp"):
        assert arena.exchange(agent, found.id, **{name: ""}).status_code == 200, name
    assert arena.exchange(agent, found.id, **EMPTY).status_code == 200
    for name in ("request_uri", "request", "response_mode", "scope", "resource", "password"):
        assert pushed(arena, agent, **{name: ""}).status_code == 201, name
    asked = urlencode({"request_uri": pushed(arena, agent).json()["request_uri"], "client_id": "", "state": ""})
    assert arena.room.raw("GET", f"/oauth/authorize?{asked}", cookie=arena.anna.cookie).status_code == 200
    assert [kind for kind, _ in arena.notify.incidents if kind == "human_credential"] == []
    assert arena.entries("credential.misused") == []
    for name in ("dpop_jkt", "code_challenge", "redirect_uri", "authorization_details", "response_type"):
        assert said(pushed(arena, agent, **{name: ""})) == (400, "invalid_request", "request.malformed"), name
    assert said(arena.form("/oauth/introspect", {"token": ""}, agent=agent)) == (400, "invalid_request", "request.malformed")
