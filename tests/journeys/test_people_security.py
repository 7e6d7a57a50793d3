"""Security people over the JSON twins: one person stops, two people loosen."""

import copy
import re
from dataclasses import replace
from typing import Any

import pytest

from attacks.arena import open_arena
from desks.shop import CATALOGUE, MANDATE
from remit.client.errors import Refused
from remit.client.keys import load_key, new_key
from remit.sandbox import Sandbox
from remit.sandbox.people import SandboxCustomer, SandboxPerson
from remit.sandbox.workloads import SandboxAgent
from remit.usecases.policy.adopt import approve_rules, propose_rules

AGENT = "spiffe://helper.example/shop"


@pytest.fixture
def anna(desk: Sandbox) -> SandboxCustomer:
    return desk.customer("anna", name="Anna Berg")


@pytest.fixture
def sam(desk: Sandbox) -> SandboxPerson:
    return desk.officer("sam", ["security"], name="Sam Hale")


@pytest.fixture
def lee(desk: Sandbox) -> SandboxPerson:
    return desk.officer("lee", ["admin"])


@pytest.fixture
def agent(desk: Sandbox) -> SandboxAgent:
    return desk.agent(AGENT, name="Helper")


def tier_of(person: SandboxPerson, client_id: str = AGENT) -> str:
    return next(one["tier"] for one in person.get("/security/v1/agents")["agents"] if one["client_id"] == client_id)


def refused(person: SandboxPerson, path: str, body: dict[str, Any]) -> str:
    with pytest.raises(Refused) as problem:
        person.post(path, body)
    return str(problem.value.code)


@pytest.mark.parametrize(
    ("what", "name", "title"),
    [
        ("agent", AGENT, "Helper"),
        ("operator", "helper.example", "helper.example"),
        ("customer", "anna", "Anna Berg"),
        ("objective", "return-item", CATALOGUE["objective"]["return-item"]["title"]),
    ],
)
def test_one_person_stops_it_and_two_resume_it(
    anna: SandboxCustomer, sam: SandboxPerson, lee: SandboxPerson, agent: SandboxAgent, what: str, name: str, title: str
) -> None:
    mandate = anna.grant(agent, copy.deepcopy(MANDATE) | {"max_tasks": 3})
    task = agent.open(mandate)
    assert sam.post("/security/v1/suspend", {what: name, "reason": "odd traffic"})["tasks"] == [task.id]
    assert task.ask("order.note", {"order_id": "W1001"}).refused
    proposal = sam.post("/security/v1/resume", {what: name, "reason": "explained"})["proposal"]["proposal"]
    (listed,) = lee.get("/security/v1/proposals")["proposals"]
    assert (listed["name"], listed["title"], listed["by_name"]) == (name, title, "Sam Hale")
    assert refused(sam, f"/security/v1/proposals/{proposal}", {"answer": "yes"}) == "person.not_allowed"
    assert [(one["what"], one["name"]) for one in sam.get("/security/v1/suspensions")["suspensions"]] == [(what, name)]
    lee.post(f"/security/v1/proposals/{proposal}", {"answer": "yes"})
    assert sam.get("/security/v1/suspensions")["suspensions"] == []
    assert refused(lee, f"/security/v1/proposals/{proposal}", {"answer": "yes"}) == "request.not_found"
    assert task.ask("order.note", {"order_id": "W1001"}).codes == ("task.ended",)
    assert agent.open(mandate).ask("order.read", {"order_id": "W1001"}).needs_human


@pytest.mark.parametrize(
    ("what", "name"), [("agent", AGENT), ("operator", "helper.example"), ("customer", "anna"), ("objective", "return-item")]
)
def test_what_a_stop_would_end_is_what_it_then_ends(
    desk: Sandbox, anna: SandboxCustomer, sam: SandboxPerson, agent: SandboxAgent, what: str, name: str
) -> None:
    courier = desk.agent("spiffe://courier.example/van", name="Courier")
    chain = {"chain": 1, "chain_operators": [courier.operator], "max_tasks": 3}
    mandate = anna.grant(agent, {**copy.deepcopy(MANDATE), **chain})
    first = agent.open(mandate)
    courier.open(agent.hand_on(mandate, courier, {**copy.deepcopy(MANDATE), "max_tasks": 1}))
    first.ask("order.return", {"order_id": "W1001", "item_ids": ["i1"]})
    seen = sam.get(f"/security/v1/suspend?{what}={name}")
    assert seen == {
        "what": what, "name": name, "known": True, "mandates": 2, "tasks": 2, "confirmations": 1, "acts": 0, "sent": 0, "customers": 1,
        "full": False,
    }  # fmt: skip
    assert first.ask("case.comment", {"text": "Still here."}).decision == "permit", "looking ends nothing"
    done = sam.post("/security/v1/suspend", {what: name, "reason": "odd traffic"})
    assert (len(done["tasks"]), done["confirmations"], done["acts"], done["already_sent"]) == (2, 1, 0, [])


def test_what_would_end_of_somebody_unknown_is_nothing_and_said_so(sam: SandboxPerson, anna: SandboxCustomer) -> None:
    assert sam.get("/security/v1/suspend?operator=nobody.example")["known"] is False
    for query in ("agent=spiffe://nobody.example/x", "objective=none", "", "agent=a&operator=b", "task=x"):
        with pytest.raises(Refused) as problem:
            sam.get(f"/security/v1/suspend?{query}")
        assert str(problem.value.code) in {"agent.unknown", "objective.unknown", "request.malformed"}
    with pytest.raises(Refused) as problem:
        anna.get("/security/v1/suspend?operator=helper.example")
    assert str(problem.value.code) == "person.not_allowed"


def test_raising_trust_takes_two_and_lowering_it_one(sam: SandboxPerson, lee: SandboxPerson, agent: SandboxAgent) -> None:
    del agent
    proposal = sam.post("/security/v1/agents", {"client_id": AGENT, "tier": "trusted"})["proposal"]["proposal"]
    assert tier_of(sam) == "known"
    lee.post(f"/security/v1/proposals/{proposal}", {"answer": "yes"})
    assert tier_of(sam) == "trusted"
    assert sam.post("/security/v1/agents", {"client_id": AGENT, "tier": "unproved"})["tier"] == "unproved"
    assert tier_of(sam) == "unproved"


def test_a_new_agent_begins_known_at_most(sam: SandboxPerson) -> None:
    public = load_key(new_key()).as_dict(private=False) | {"kid": "k1", "use": "sig", "alg": "ES256"}
    body = {"client_id": "spiffe://bot.example/a", "operator": "bot.example", "tier": "trusted", "keys": {"jwks": {"keys": [public]}}}
    made = sam.post("/security/v1/agents", body)
    assert (made["tier"], made["proposal"]["to"]) == ("known", "trusted")
    assert refused(sam, "/security/v1/agents", body) == "request.conflict"


def test_a_proposal_can_be_dropped_by_who_made_it(sam: SandboxPerson, agent: SandboxAgent) -> None:
    del agent
    proposal = sam.post("/security/v1/agents", {"client_id": AGENT, "tier": "trusted"})["proposal"]["proposal"]
    sam.post(f"/security/v1/proposals/{proposal}", {"answer": "no"})
    assert sam.get("/security/v1/proposals")["proposals"] == []


def test_nobody_gives_themselves_a_role(desk: Sandbox, sam: SandboxPerson, lee: SandboxPerson) -> None:
    assert refused(sam, "/security/v1/people", {"id": "sock", "kind": "officer", "roles": ["admin"]}) == "person.not_allowed"
    added = sam.post("/security/v1/people", {"id": "nia", "kind": "officer", "name": "Nia"})
    assert added["link"].startswith(desk.room.issuer + "/enrol?code=")
    proposal = sam.post("/security/v1/people/nia/roles", {"roles": ["billing"], "reason": "joined"})["proposal"]["proposal"]
    assert next(one["roles"] for one in sam.get("/security/v1/people")["people"] if one["id"] == "nia") == []
    lee.post(f"/security/v1/proposals/{proposal}", {"answer": "yes"})
    assert next(one["roles"] for one in sam.get("/security/v1/people")["people"] if one["id"] == "nia") == ["billing"]
    assert refused(sam, "/security/v1/people/nia/roles", {"roles": ["king"]}) == "request.malformed"
    assert refused(sam, "/security/v1/people/nobody/roles", {"roles": []}) == "request.not_found"


def test_a_proposal_of_roles_says_what_it_adds_and_takes_away(desk: Sandbox, sam: SandboxPerson, lee: SandboxPerson) -> None:
    desk.officer("olga", ["billing", "audit"], name="Olga Frey")
    assert refused(sam, "/security/v1/people/olga/roles", {"roles": ["audit", "billing"]}) == "request.conflict"
    sam.post("/security/v1/people/olga/roles", {"roles": ["security", "audit"]})
    shown = lee.get("/security/v1/proposals")["proposals"][0]
    assert (shown["adds"], shown["takes_away"]) == (["security"], ["billing"])
    page = desk.room.raw("GET", "/security/proposals", cookie=lee.cookie).text
    assert "Roles of Olga Frey: add Security officer; remove Billing officer" in page
    again = sam.post("/security/v1/people/olga/roles", {"roles": ["security", "audit"]})["proposal"]["proposal"]
    lee.post(f"/security/v1/proposals/{shown['proposal']}", {"answer": "yes"})
    assert refused(lee, f"/security/v1/proposals/{again}", {"answer": "yes"}) == "request.conflict"
    assert "nothing left to change" in desk.room.raw("GET", "/security/proposals", cookie=lee.cookie).text


def test_rules_that_wait_for_a_second_person_are_not_shown_as_an_erasure() -> None:
    with open_arena() as arena:
        olga, otto = (arena.desk.officer(name, roles=["admin"]) for name in ("olga", "otto"))
        arena.run(propose_rules(replace(arena.context, rules_digest="sha-256:other"), admin=olga.id, seat="here"))
        page = arena.desk.room.raw("GET", "/security/proposals", cookie=otto.cookie).text
        assert "Activate the proposed rules" in page
        assert "Permanently erase the content of" not in page
        assert 'data-answer="yes"' not in page, "it is agreed to at the desk's own machine"


def test_two_accounts_of_one_person_are_not_two_people(desk: Sandbox, sam: SandboxPerson, lee: SandboxPerson, agent: SandboxAgent) -> None:
    del agent
    link = sam.post("/security/v1/people", {"id": "sam-again", "kind": "officer", "same_person_as": "sam"})["link"]
    assert link
    roles = sam.post("/security/v1/people/sam-again/roles", {"roles": ["security"]})["proposal"]["proposal"]
    lee.post(f"/security/v1/proposals/{roles}", {"answer": "yes"})
    again = desk.officer("sam-again", ["security"])
    proposal = sam.post("/security/v1/agents", {"client_id": AGENT, "tier": "trusted"})["proposal"]["proposal"]
    assert refused(again, f"/security/v1/proposals/{proposal}", {"answer": "yes"}) == "person.not_allowed"
    assert tier_of(sam) == "known"


def test_content_is_erased_by_two_people_and_the_envelope_stays(
    anna: SandboxCustomer, sam: SandboxPerson, lee: SandboxPerson, agent: SandboxAgent
) -> None:
    granted_one = anna.grant(agent, copy.deepcopy(MANDATE))
    assert anna.get("/me/v1/history")["entries"][0]["content"] is not None
    assert refused(sam, "/security/v1/erasures", {"customer": "anna", "reason": "asked for it"}) == "request.conflict"
    anna.revoke(granted_one)
    proposal = sam.post("/security/v1/erasures", {"customer": "anna", "reason": "asked for it"})["proposal"]["proposal"]
    lee.post(f"/security/v1/proposals/{proposal}", {"answer": "yes"})
    granted = next(one for one in anna.get("/me/v1/history")["entries"] if one["kind"] == "mandate.granted")
    assert (granted["content"], granted["erased"], granted["envelope"]["objective"]) == (None, True, "return-item")


def test_contested_content_is_not_erased(desk: Sandbox, anna: SandboxCustomer, sam: SandboxPerson, lee: SandboxPerson) -> None:
    entry = anna.get("/me/v1/history")["entries"][0]["entry"]
    proposal = sam.post("/security/v1/erasures", {"customer": "anna", "reason": "asked for it"})["proposal"]["proposal"]
    contest = anna.post(f"/me/v1/entries/{entry}/contest", {"text": "Not me."})["contest"]
    assert refused(lee, f"/security/v1/proposals/{proposal}", {"answer": "yes"}) == "request.conflict"
    assert refused(sam, "/security/v1/erasures", {"customer": "anna", "reason": "again"}) == "request.conflict"
    ada = desk.officer("ada", ["audit"])
    ada.post(f"/audit/v1/contests/{contest}", {"text": "It was your laptop."})
    lee.post(f"/security/v1/proposals/{proposal}", {"answer": "yes"})
    assert next(one for one in anna.get("/me/v1/history")["entries"] if one["kind"] == "person.enrolled")["erased"] is True


@pytest.mark.parametrize(
    "body", [{}, {"agent": AGENT, "operator": "helper.example", "reason": "x"}, {"agent": AGENT}, {"agent": "nobody", "reason": "x"}]
)
def test_what_is_to_be_stopped_must_be_said_exactly(sam: SandboxPerson, agent: SandboxAgent, body: dict[str, Any]) -> None:
    del agent
    assert refused(sam, "/security/v1/suspend", body) in {"request.malformed", "agent.unknown"}


def test_others_see_and_do_nothing_here(desk: Sandbox, anna: SandboxCustomer) -> None:
    for person in (anna, desk.officer("olga", ["billing"]), desk.officer("ada", ["audit"])):
        for page in ("agents", "agents/x", "operators/x", "suspensions", "incidents", "events", "proposals", "people"):
            with pytest.raises(Refused) as problem:
                person.get(f"/security/v1/{page}")
            assert problem.value.code == "person.not_allowed"
        assert refused(person, "/security/v1/suspend", {"operator": "helper.example", "reason": "x"}) == "person.not_allowed"
        assert refused(person, "/security/v1/resume", {"operator": "helper.example"}) == "person.not_allowed"
        assert refused(person, "/security/v1/erasures", {"customer": "anna", "reason": "x"}) == "person.not_allowed"


def test_incidents_come_from_the_record(sam: SandboxPerson, agent: SandboxAgent) -> None:
    del agent
    sam.post("/security/v1/suspend", {"agent": AGENT, "reason": "odd traffic"})
    first = sam.get("/security/v1/events")["events"][0]
    assert (first["kind"], first["content"]["by"], first["content"]["reason"]) == ("agent.suspended", "sam", "odd traffic")


def test_security_sees_what_agents_ask_just_now_with_the_risk_and_what_it_comes_from(
    desk: Sandbox, anna: SandboxCustomer, sam: SandboxPerson, agent: SandboxAgent
) -> None:
    task = agent.open(anna.grant(agent, copy.deepcopy(MANDATE)))
    for number in range(8):
        assert task.ask("order.read", {"order_id": f"W90{number}"}).refused
    assert task.ask("case.comment", {"text": "Still here."}).needs_human, "it is held back for its risk"
    rows = sam.get("/security/v1/decisions")["decisions"]
    assert [one["entry"] for one in rows] == sorted((one["entry"] for one in rows), reverse=True)
    assert len(rows) == 9
    assert {one["kind"] for one in rows} == {"ask.decided"}
    newest = rows[0]
    assert newest["envelope"]["agent"] == AGENT
    assert newest["content"]["risk"] > rows[-1]["content"]["risk"] == 0
    assert newest["content"]["signs"] == ["refusals"]
    page = desk.room.raw("GET", "/security", cookie=sam.cookie).text
    now = page[page.index('data-live-part="now"') : page.index('aria-labelledby="happened"')]
    assert now.count('<li class="entry') == 9
    assert f"Risk: {newest['content']['risk']} of 100" in now
    assert "<strong>Helper</strong> · Look at order W907 · blocked (" in now
    assert AGENT in now


def test_security_sees_what_was_changed_when_and_by_whom(
    desk: Sandbox, anna: SandboxCustomer, sam: SandboxPerson, lee: SandboxPerson, agent: SandboxAgent
) -> None:
    agent.open(anna.grant(agent, copy.deepcopy(MANDATE)))
    sam.post("/security/v1/people", {"id": "nina", "kind": "officer"})
    sam.post("/security/v1/agents", {"client_id": AGENT, "tier": "unproved"})
    rows = lee.get("/security/v1/changes")["changes"]
    newest = rows[0]
    assert (newest["kind"], newest["content"]["by"]) == ("agent.trusted", "sam")
    assert (newest["envelope"]["from"], newest["envelope"]["to"]) == ("known", "unproved")
    assert {one["kind"] for one in rows} >= {"agent.registered", "agent.trusted", "person.changed"}
    page = desk.room.raw("GET", "/security/admin", cookie=sam.cookie).text
    changed = page[page.index('data-live-part="changed"') :]
    assert "The trust level of Helper was changed." in re.sub(r"<[^>]+>", "", changed)
    assert "by Sam Hale" in changed
    assert AGENT in changed


def test_security_sees_who_changed_the_rules() -> None:
    with open_arena() as arena:
        olga, otto = (arena.desk.officer(name, roles=["admin"]) for name in ("olga", "otto"))
        newer = replace(arena.context, rules_digest="sha-256:other")
        arena.run(propose_rules(newer, admin=olga.id, seat="here"))
        arena.run(approve_rules(newer, admin=otto.id, seat="here"))
        rows = otto.get("/security/v1/changes")["changes"]
        assert [one["content"]["by"] for one in rows if one["kind"] == "policy.changed"] == [["olga", "otto"]]
        page = arena.desk.room.raw("GET", "/security/admin", cookie=olga.cookie).text
        assert re.search(r"The rules were changed\.</span> <span class=\"fine\">by olga, otto</span>", page)


@pytest.mark.parametrize("path", ["/security/v1/decisions", "/security/v1/changes"])
def test_what_security_sees_is_for_security_alone(desk: Sandbox, anna: SandboxCustomer, path: str) -> None:
    for person in (anna, desk.officer("olga", ["billing"]), desk.officer("aud", ["audit"])):
        with pytest.raises(Refused) as problem:
            person.get(path)
        assert str(problem.value.code) == "person.not_allowed"
