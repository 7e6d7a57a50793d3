"""What a refusal says would cure it, used to get more than was asked, to probe records, or to have a secret written down."""

import base64
import json
from typing import Any

import httpx
import pytest

from attacks.arena import Arena, code_of, mandate
from remit.domain.values import Instant, instant_text

TOKEN = "sk_live_" + "51HxQ9vKz8LmN3pRtYw"


def remediation(answer: httpx.Response) -> Any:
    """What the refusal says would cover the ask; None where it says nothing."""
    header = answer.headers["www-authenticate"]
    assert 'error="insufficient_authorization"' in header
    if "authorization_remediation" not in header:
        return None
    said = header.split('authorization_remediation="')[1].partition('"')[0]
    return json.loads(base64.urlsafe_b64decode(said + "=" * (-len(said) % 4)))["authorization_details"][0]


@pytest.mark.proves("REMEDY")
def test_what_is_granted_by_the_cure_lets_exactly_that_ask_through_and_once(arena: Arena) -> None:
    task = arena.task()
    wanted = {"order_id": "W1", "item_ids": ["i3"]}
    more = remediation(arena.ask(task, "order.return", wanted))
    cured = arena.task(more)
    for params, code in (
        ({"order_id": "W1", "item_ids": ["i1"]}, "mandate.limit_exceeded"),
        ({"order_id": "W1", "item_ids": ["i3", "i1"]}, "mandate.limit_exceeded"),
        ({"order_id": "W2", "item_ids": ["i3"]}, "mandate.off_target"),
    ):
        assert code_of(arena.ask(cured, "order.return", params)) == code
    assert code_of(arena.ask(cured, "order.read", {"order_id": "W1"})) == "mandate.power_missing"
    assert arena.ask(cured, "order.return", wanted).json()["decision"] == "needs_human"
    assert code_of(arena.ask(cured, "order.return", wanted)) == "mandate.uses_spent"


@pytest.mark.proves("REMEDY", "FACTS-INSIDE")
def test_the_cure_for_another_record_reads_alike_whosever_it_is_and_nobody_looks(arena: Arena) -> None:
    looked: list[Any] = []
    facts, records = arena.backoffice.facts, arena.backoffice.records

    async def counted_facts(asked: Any, *, customer: str) -> Any:
        looked.append(asked)
        return await facts(asked, customer=customer)

    async def counted_records(*asked: Any) -> Any:
        looked.append(asked)
        return await records(*asked)

    task = arena.task()
    arena.backoffice.facts, arena.backoffice.records = counted_facts, counted_records  # type: ignore[method-assign]  # they count
    said = {}
    for order in ("W2", "W9", "W404"):  # her own, another customer's, nobody's
        answer = arena.ask(task, "order.return", {"order_id": order, "item_ids": ["i1"]})
        assert code_of(answer) == "mandate.off_target"
        more = remediation(answer)
        assert more["objective"]["target"] == {"order": [order]}
        cure = json.dumps(more)
        said[order] = cure.replace(order, "W1")
    assert len(set(said.values())) == 1
    assert looked == []
    assert not any(other in said["W2"] for other in ("W9", "pm_9", "bram", "i9"))


@pytest.mark.proves("REMEDY", "SECRETS")
def test_no_secret_is_written_into_a_cure(arena: Arena) -> None:
    granted, task = arena.granted(mandate(powers=[{"power": "represent"}]))
    asked = {"order_id": TOKEN}
    answer = arena.ask(task, "order.read", asked)
    assert code_of(answer) in {"mandate.power_missing", "mandate.off_target"}
    assert remediation(answer) is None

    end = Instant(arena.clock.now() + 30_000)
    arena.anna.narrow(granted, mandate(powers=[{"power": "represent"}], expires_at=instant_text(end)))
    arena.clock.ahead_ms += 30_001
    answer = arena.ask(task, "order.read", asked)
    assert code_of(answer) == "mandate.expired"
    assert remediation(answer) is None
    assert TOKEN not in str(answer.headers) + answer.text
