"""Canaries: evidence of who reads too much, and never a verdict (docs/model/model.md#canaries)."""

import base64
import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import httpx
import pytest

from attacks.arena import FACTS, Arena, code_of, mandate, open_arena

READ = {"order_id": "W1"}
TOKEN = "sk_live_" + "9f3b1c77d04e5a6812ab44cd"
ORDER, MAIL, ADDRESS = "W7730041", "petra.falke@decoy.example", "Geheimgasse 9, 10115 Berlin"
PLANTED = {
    TOKEN: ("token", "old payment key", "the wiki page on payments"),
    ORDER: ("record", "order of nobody", "the archive"),
    MAIL: ("email", "petra", "the address book"),
    ADDRESS: ("attribute", "petra's address", "the address book"),
}
Body = Callable[[str], dict[str, Any]]
PLACES: dict[str, Body] = {
    "words": lambda value: {"words": f"Is {value} known to you?"},
    "upper": lambda value: {"words": f"Is {value.upper()} known to you?"},
    "glued": lambda value: {"words": f"x={value};"},
    "spaced": lambda value: {"words": f"it reads  {' '.join(value.replace(' ', ''))}  here"} if " " not in value else {"words": value},
    "base64": lambda value: {"words": base64.b64encode(value.encode()).decode()},
    "params": lambda value: {"params": {"order_id": value}},
    "a name in params": lambda value: {"params": {**READ, value: 1}},
    "a file": lambda value: {
        "attachments": [{"name": "a.txt", "media_type": "text/plain", "data_b64": base64.b64encode(f"see {value}\n".encode()).decode()}]
    },
}


def _plant(arena: Arena, value: str) -> str:
    kind, name, place = PLANTED[value]
    sam = arena.desk.officer("sam", roles=["security"])
    return str(sam.post("/security/v1/canaries", {"kind": kind, "name": name, "place": place, "value": value})["id"])


def _told(arena: Arena) -> list[dict[str, str]]:
    arena.desk.sweep()
    return [dict(details) for kind, details in arena.notify.incidents if kind == "canary"]


def _ask(arena: Arena, task: Any, more: dict[str, Any]) -> httpx.Response:
    return arena.send(task, f"/v1/tasks/{task.id}/asks", {"action": "order.read", "params": READ} | more)


@pytest.mark.proves("CANARY")
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("value", PLANTED)
def test_a_canary_in_an_ask_is_on_the_record_and_told_to_security(arena: Arena, value: str, place: str) -> None:
    canary, task = _plant(arena, value), arena.task()
    kind, name, where = PLANTED[value]
    _ask(arena, task, PLACES[place](value))
    (incident,) = _told(arena)
    assert (incident["canary"], incident["planted"], incident["where"]) == (name, where, "ask")
    assert (incident["agent"], incident["task"]) == (task.agent.client_id, task.id)
    entry = arena.recorded("canary.seen")
    assert (entry["desk"]["canary"], entry["desk"]["kind"], entry["desk"]["place"]) == (canary, kind, where)
    assert arena.ask(task, "order.read", READ).status_code == 200
    planted = arena.recorded("canary.planted")
    for text in (str(entry), str(planted), str(incident)):
        assert value not in text
    shown = arena.desk.officer("sam", roles=["security"]).get("/security/v1/events")["events"]
    assert [one["content"]["name"] for one in shown if one["kind"] == "canary.seen"] == [name]


@pytest.mark.proves("CANARY")
def test_a_canary_planted_after_a_signed_text_was_read_is_seen_in_it() -> None:
    correct: dict[str, Any] = {"type": "correct-order", "target": {"order": ["W1"]}, "summary": "it goes elsewhere"}
    change = {"power": "request", "actions": ["order.change_address"], "where": {"address": {"equals": ADDRESS}}}
    facts = deepcopy(FACTS)
    facts["attributes"]["order"]["W1"]["order.status"] = "pending"
    with open_arena(facts=facts) as arena:
        task = arena.task(mandate(objective=correct, powers=[{"power": "represent"}, change], never=[]))
        asked = {"order_id": "W1", "address": ADDRESS}
        for _ in range(2):
            assert arena.ask(task, "order.change_address", asked).json()["decision"] == "permit"
        _plant(arena, ADDRESS)
        assert arena.ask(task, "order.change_address", asked).json()["decision"] == "permit"
        (incident,) = _told(arena)
        assert incident["task"] == task.id


def _bare(response: httpx.Response) -> tuple[int, dict[str, str], Any]:
    """A reply without what is random in every reply: ids, receipts, and the length they give it."""
    body = response.json()
    for name in ("ask", "receipt", "poll"):
        body.pop(name, None)
    headers = {name: value for name, value in response.headers.items() if name not in {"date", "content-length", "x-request-id"}}
    return response.status_code, headers, body


@pytest.mark.proves("CANARY-SILENT")
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("value", PLANTED)
def test_a_reply_is_the_same_whether_a_canary_is_in_the_ask_or_not(arena: Arena, value: str, place: str) -> None:
    """⚔ Else an agent would learn by trying which values are bait."""
    unplanted, task = arena.task(), arena.task(agent=arena.agent("spiffe://elsewhere.example/x"))
    before = [_bare(_ask(arena, unplanted, PLACES[place](value))) for _ in range(2)]
    _plant(arena, value)
    after = [_bare(_ask(arena, task, PLACES[place](value))) for _ in range(2)]
    assert after == before
    assert arena.ask(task, "order.read", READ).status_code == arena.ask(unplanted, "order.read", READ).status_code == 200
    assert len(_told(arena)) == 1
    assert _bare(_ask(arena, task, PLACES[place](value)))[0] == before[0][0], "nor once it is on the record"
    assert len(_told(arena)) == len(arena.entries("canary.seen")) == 1, "told once"


@pytest.mark.proves("CANARY-SILENT")
def test_nothing_is_written_while_an_ask_with_a_canary_is_answered(arena: Arena) -> None:
    """⚔ A reply that waits for one more commit takes longer."""
    _plant(arena, TOKEN)
    task = arena.task()
    commits: list[int] = []
    real = arena.context.store.commit

    async def counted(change: Any) -> Any:
        commits.append(len(change.entries))
        return await real(change)

    arena.context.store.commit = counted  # type: ignore[method-assign]  # only looked at
    arena.desk.sweep()
    counts = []
    for words in (f"The key is {TOKEN[:-1]}e", f"The key is {TOKEN}"):
        commits.clear()
        arena.ask(task, "order.read", READ, words=words)
        counts.append(list(commits))
    assert counts[0] == counts[1]
    assert len(_told(arena)) == 1


@pytest.mark.proves("CANARY")
def test_many_canaries_raise_the_risk_and_hold_nobody_alone(arena: Arena) -> None:
    for value in PLANTED:
        _plant(arena, value)
    task = arena.task()
    for value in PLANTED:
        _ask(arena, task, {"params": {**READ, "note": value}})
    assert len(_told(arena)) == len(PLANTED)
    card = arena.desk.officer("olga", roles=["billing"]).get(f"/desk/v1/cases/{task.case}")
    assert 30 <= card["risk"]["level"] < 40
    assert card["risk"]["signs"][0] == "canary"
    for one in (task, arena.task()):
        assert arena.ask(one, "order.read", READ).json()["decision"] == "permit"


@pytest.mark.proves("CANARY")
def test_a_canary_presented_as_a_credential_is_told_and_answered_like_any_other(arena: Arena) -> None:
    task, other = arena.task(), "rs_" + "Zk4-" * 10 + "abc"
    sam = arena.desk.officer("sam", roles=["security"])
    baits = {"a token": "eyJhbGciOiJFUzI1NiJ9.bait.canary77", "a session": other, "a link": "Bait4Link9" * 3 + "Zq"}

    def tried() -> list[tuple[int, str]]:
        found = [
            arena.send(task, f"/v1/tasks/{task.id}", method="GET", token=baits["a token"]),
            arena.person("GET", "/me/v1", cookie=f"remit_session={baits['a session']}"),
            arena.person("POST", "/login/v1/enrol", {"code": baits["a link"]}),
            arena.exchange(task.agent, baits["a token"]),
        ]
        return [(one.status_code, str(one.json().get("code", one.json().get("error")))) for one in found]

    before = tried()
    for name, value in baits.items():
        sam.post("/security/v1/canaries", {"kind": "token", "name": name, "place": "a drawer", "value": value})
    arena.desk.sweep()
    assert tried() == before
    assert {(one["canary"], one["where"]) for one in _told(arena)} == {(name, "presented") for name in baits}
    assert arena.person("GET", "/me/v1", cookie=arena.anna.cookie).status_code == 200


@pytest.mark.proves("CANARY")
def test_a_canary_in_what_leaves_is_told(arena: Arena) -> None:
    _plant(arena, ORDER)
    task = arena.task()
    olga = arena.desk.officer("olga", roles=["billing"])
    answer = arena.person("POST", f"/desk/v1/cases/{task.case}/reply", {"text": f"It is like {ORDER}."}, cookie=olga.cookie)
    assert answer.status_code == 201, "evidence, not verdict"
    (incident,) = _told(arena)
    assert (incident["where"], incident["person"]) == ("reply", "olga")


@pytest.mark.proves("CANARY")
def test_a_canary_among_the_desks_records_is_told_when_it_is_told() -> None:
    facts = deepcopy(FACTS)
    facts["attributes"]["order"]["W1"]["order.items"] = ["i1", "i-bait-990077"]
    with open_arena(facts=facts) as arena:
        _told_of_a_record(arena)


def _told_of_a_record(arena: Arena) -> None:
    sam = arena.desk.officer("sam", roles=["security"])
    sam.post("/security/v1/canaries", {"kind": "attribute", "name": "bait item", "place": "an order", "value": "i-bait-990077"})
    task = arena.task()
    assert task.ask("order.read", READ).outcome == "done"
    assert [one["where"] for one in _told(arena)] == ["result"]


@pytest.mark.proves("CANARY")
def test_no_agent_finds_a_canarys_entry_among_its_own(arena: Arena) -> None:
    """⚔ What was noticed of it must not be there to look up."""
    _plant(arena, TOKEN)
    task = arena.task()
    _ask(arena, task, PLACES["words"](TOKEN))
    assert len(_told(arena)) == 1
    entry = arena.recorded("canary.seen")
    receipt = arena.send(task, f"/log/receipts/{entry['index']}", method="GET")
    assert code_of(receipt) == "request.not_found"
    history = arena.anna.get("/me/v1/history")
    assert "canary" not in json.dumps(history)


@pytest.mark.proves("CANARY")
@pytest.mark.parametrize("value", ["pending", "W1", "refund", "Anna Berg", "1234567", "x" * 300])
def test_what_honest_people_say_by_chance_is_no_canary(arena: Arena, value: str) -> None:
    sam = arena.desk.officer("sam", roles=["security"])
    body = {"kind": "record", "name": "n", "place": "p", "value": value}
    assert code_of(arena.person("POST", "/security/v1/canaries", body, cookie=sam.cookie)) == "request.malformed"


@pytest.mark.proves("CANARY")
def test_a_canary_that_was_taken_away_is_looked_for_no_more(arena: Arena) -> None:
    canary = _plant(arena, TOKEN)
    sam, task = arena.desk.officer("sam", roles=["security"]), arena.task()
    listed = sam.get("/security/v1/canaries")["canaries"]
    assert [(one["id"], "value" in one) for one in listed] == [(canary, False)]
    sam.post(f"/security/v1/canaries/{canary}/remove", {})
    _ask(arena, task, PLACES["words"](TOKEN))
    assert _told(arena) == []
    assert code_of(arena.person("POST", f"/security/v1/canaries/{canary}/remove", {}, cookie=sam.cookie)) == "request.not_found"


@pytest.mark.proves("CANARY")
def test_no_receipt_tells_a_canary_from_its_like_nor_how_near_a_threshold_is(arena: Arena) -> None:
    _plant(arena, TOKEN)
    alike = TOKEN[:-1] + "0"
    seen = [_ask(arena, arena.task(), {"words": f"Is {value} known to you?"}) for value in (alike, TOKEN)]
    seen += [_ask(arena, arena.task(), {}) for _ in range(2)]
    for reply in seen:
        receipt = json.dumps(reply.json()["receipt"])
        assert "ask.decided" in receipt
        assert "risk" not in receipt
        assert "canary" not in receipt
    risks = [entry["desk"]["risk"] for entry in arena.entries("ask.decided")]
    assert max(risks) > 0, "the desk reads it"
