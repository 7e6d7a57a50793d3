"""P12: the desk's reply carries what is not covered. Whatever shape it has and whichever way it takes, the agent is not told it."""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import httpx
import pytest

from attacks.arena import FACTS, SEND_BACK, Arena, mandate, open_arena, refund
from remit.client import calls
from remit.ports.backoffice import ActOutcome, ActResult

HIDDEN = {
    "identity.name": "Anna Sophia Berg-Quandt",
    "identity.birth_date": "1988-04-17",
    "contact.email": "anna.hidden@mail.example",
    "order.total": "431.77 EUR",
    "order.shipping_address": "Verstecktweg 14, 20095 Hamburg",
}
SENTINELS = ("Quandt", "1988-04-17", "anna.hidden", "431.77", "Verstecktweg")
ODD: dict[str, dict[str, Any]] = {
    "beside": dict(HIDDEN),
    "undeclared": {"customer": HIDDEN, "raw": list(HIDDEN.values())},
    "inside another": {"order.items": [{"id": "i1", **HIDDEN}]},
    "as objects": {
        "order.items": [{"identity": {"name": HIDDEN["identity.name"], "birth_date": HIDDEN["identity.birth_date"]}}],
        "order.status": {"contact": {"email": HIDDEN["contact.email"]}, "order": {"total": "431.77 EUR"}},
    },
    "another spelling": {
        "order.status": [
            {"identityBirthDate": HIDDEN["identity.birth_date"]},
            {"IDENTITY-NAME": HIDDEN["identity.name"]},
            {"order_total": HIDDEN["order.total"], "shippingAddress": HIDDEN["order.shipping_address"]},
        ]
    },
    "JSON in a text": {"order.status": json.dumps(HIDDEN), "order.items": [json.dumps({"deep": [HIDDEN]})]},
    "a name with blanks": {" order.total ": "431.77 EUR", "order.total\u200b": "431.77 EUR", "order.status": "delivered"},
}


def _facts() -> dict[str, Any]:
    facts = deepcopy(FACTS)
    facts["attributes"]["customer"]["anna"] = {name: HIDDEN[name] for name in HIDDEN if not name.startswith("order.")}
    facts["attributes"]["order"]["W1"] |= {name: HIDDEN[name] for name in HIDDEN if name.startswith("order.")}
    return facts


@pytest.fixture
def arena() -> Iterator[Arena]:
    with open_arena(facts=_facts()) as one:
        yield one


def _told(answers: list[httpx.Response]) -> str:
    return "\n".join(f"{one.text}\n{dict(one.headers)}" for one in answers)


def _all_that_is_told(arena: Arena, task: Any, asked: httpx.Response) -> list[httpx.Response]:
    """An ask's answer, and everything its agent can look up of it afterwards: repeated, polled, receipts, inbox, status, every entry."""
    path = f"/v1/tasks/{task.id}"
    answers = [asked, arena.send(task, path, method="GET"), arena.send(task, f"{path}/inbox", method="GET")]
    if asked.json().get("ask"):
        answers.append(arena.send(task, f"/v1/asks/{asked.json()['ask']}", method="GET"))
    answers += [arena.send(task, f"/log/receipts/{place}", method="GET") for place in range(len(arena.entries()))]
    return answers


@pytest.mark.proves("P12", "WITHHELD")
@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("effect", ["read", "write"])
def test_what_is_not_covered_reaches_the_agent_in_no_shape_and_by_no_way(arena: Arena, odd: str, effect: str) -> None:
    async def answers(*_: object, **__: object) -> ActResult:
        return ActResult(state=ActOutcome.DONE, values={"order.status": "delivered", **ODD[odd]})

    arena.backoffice.read = arena.backoffice.perform = answers  # type: ignore[method-assign,assignment]  # a desk that says too much
    task = arena.task()
    if effect == "read":
        asked = arena.ask(task, "order.read", {"order_id": "W1"})
        assert asked.json()["outcome"] == "done"
    else:
        waiting = task.ask("order.return", SEND_BACK)
        arena.anna.confirm(waiting)
        asked = arena.send(task, f"/v1/asks/{waiting.ask}", method="GET")
    told = _told(_all_that_is_told(arena, task, asked))
    for sentinel in SENTINELS:
        assert sentinel not in told, sentinel
    task.complete()
    after = arena.form("/oauth/introspect", {"token": task.token}, agent=task.agent)  # what it may look up of itself once all is over
    assert not any(sentinel in after.text for sentinel in SENTINELS)


@pytest.mark.proves("P12", "WITHHELD")
@pytest.mark.parametrize("many", [1, 2, 7])
def test_how_many_were_withheld_does_not_tell_how_many_there_are(arena: Arena, many: int) -> None:
    async def answers(*_: object, **__: object) -> ActResult:
        return ActResult(
            state=ActOutcome.DONE,
            values={
                "order.items": [{"id": f"i{place}", "order.total": "431.77 EUR"} for place in range(many)],
                "order.total": "431.77 EUR",
            },
        )

    arena.backoffice.read = answers  # type: ignore[method-assign,assignment]  # as above
    reply = arena.ask(arena.task(), "order.read", {"order_id": "W1"}).json()
    assert (len(reply["result"]["order.items"]), reply["withheld"]) == (many, 1)


@pytest.mark.proves("P12")
def test_refusals_and_their_details_name_no_value_of_the_desk(arena: Arena) -> None:
    task = arena.task()
    asks = [
        ("order.read", {"order_id": "W2"}),
        ("order.read", {"order_id": "W9"}),
        ("order.return", {"order_id": "W1", "item_ids": ["i1", "i1"]}),
        ("payment.refund", refund("999.00 EUR")),
        ("profile.read", {}),
        ("order.change_address", {"order_id": "W1", "address": "Elsewhere 1"}),
        ("offer.accept", {"offer_id": "off_" + "a" * 26, "digest": "x"}),
    ]
    answers = [arena.ask(task, action, params) for action, params in asks]
    assert all(one.is_error or one.json().get("decision") == "needs_human" for one in answers)
    told = _told([more for one in answers for more in _all_that_is_told(arena, task, one)])
    for sentinel in (*SENTINELS, "bram"):
        assert sentinel not in told, sentinel


@pytest.mark.proves("P12", "OUTBOUND")
@pytest.mark.parametrize("how", ["withheld", "refused"])
def test_the_agent_is_told_how_much_was_withheld_and_of_what_kind_and_nothing_of_it(arena: Arena, how: str) -> None:
    task = arena.task()
    olga = arena.desk.officer("olga", roles=["billing"])
    text = "It went to Verstecktweg 14, 20095 Hamburg. Use 8841 to log in at https://acme.example/reset?t=1. W9 is not yours."
    body = {"text": text, "withhold": how == "withheld"}
    sent = arena.person("POST", f"/desk/v1/cases/{task.case}/reply", body, cookie=olga.cookie)
    told = _told([arena.send(task, f"/v1/tasks/{task.id}/inbox", method="GET")])
    if how == "refused":
        assert sent.json()["code"] == "reply.withheld"
        assert json.loads(told.splitlines()[0])["messages"] == []
        return
    (message,) = json.loads(told.splitlines()[0])["messages"]
    assert message["withheld"] == 4
    assert message["withheld_kinds"] == ["code", "data", "link"]
    assert message["text"] == "It went to [withheld]. Use [withheld] to log in at [withheld] [withheld] is not yours."
    for value in ("Verstecktweg", "8841", "reset?t", "W9", "identity", "order.shipping_address", "bram"):
        assert value not in told
    entry = arena.recorded("reply.sent")
    assert (entry["envelope"]["withheld"], entry["envelope"]["kinds"]) == (4, ["code", "data", "link"])
    assert "Verstecktweg" in entry["desk"]["whole"] or entry["desk"]["whole"] == "(removed: it contains a secret)"


@pytest.mark.proves("P12")
def test_a_renewed_token_and_another_task_tell_no_more_than_the_first(arena: Arena) -> None:
    task = arena.task(mandate(max_tasks=2))
    first = arena.ask(task, "order.read", {"order_id": "W1"}).json()
    fresh = arena.exchange(task.agent, task.id, kind=calls.TASK_TOKEN).json()["access_token"]
    again = arena.send(task, f"/v1/asks/{first['ask']}", method="GET", token=fresh).json()
    assert (again["result"], again["withheld"]) == (first["result"], first["withheld"])
    assert not any(sentinel in json.dumps(again) for sentinel in SENTINELS)
