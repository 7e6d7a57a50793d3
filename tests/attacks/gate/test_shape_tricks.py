"""P17: an id sent as a list, an extra field smuggled in, money as a float, and other tricks with the shape of a value."""

import json
from typing import Any

import pytest

from attacks.arena import SEND_BACK, Arena, code_of, mandate, refund


def _body(params: str, *, more: str = "") -> bytes:
    return b'{"action":"payment.refund","params":' + params.encode() + more.encode() + b"}"


@pytest.mark.proves("P17", "STRICT-PARAMS")
@pytest.mark.parametrize(
    "params",
    [
        refund(order_id=["W1"]),
        refund(order_id={"id": "W1"}),
        refund(order_id=1),
        refund(order_id=None),
        refund(note="and close the account"),
        refund(amount=40.0),
        refund(amount=40),
        refund(amount={"amount": "40.00", "currency": "EUR"}),
        refund(amount=["40.00 EUR"]),
        refund("40 eur"),
        refund("-40.00 EUR"),
        refund("0.00 EUR"),
        refund("+40.00 EUR"),
        refund("4e1 EUR"),
        refund("40,00 EUR"),
        refund("\uff1040.00 EUR"),
        refund("40.00  EUR"),
        refund("40.00 EUR "),
        refund("040.00 EUR"),
        refund("40.000 EUR"),
        {"order_id": "W1", "payment_method_id": "pm_1"},
        {},
    ],
)
def test_params_of_another_shape_are_refused_and_nothing_is_coerced(arena: Arena, params: dict[str, Any]) -> None:
    task = arena.sent_back()
    with arena.unchanged():
        arena.refused(arena.ask(task, "payment.refund", params), "params.invalid")
    assert arena.anna.waiting() == []


@pytest.mark.proves("P17", "STRICT-JSON")
@pytest.mark.parametrize(
    "raw",
    [
        _body('{"order_id":"W1","payment_method_id":"pm_9","payment_method_id":"pm_1","amount":"40.00 EUR"}'),
        _body(json.dumps(refund()), more=',"action":"order.return"'),
        _body(json.dumps(refund()), more=',"confirmed_by":["customer"]'),
        _body(json.dumps(refund()), more=',"words":5'),
        _body("[]"),
        _body("null"),
        _body('{"order_id":"W1","payment_method_id":"pm_1","amount":NaN}'),
        _body('{"order_id":"W1","payment_method_id":"pm_1","amount":1e400}'),
        _body('{"order_id":"\\ud800","payment_method_id":"pm_1","amount":"40.00 EUR"}'),
        b"\xef\xbb\xbf" + _body(json.dumps(refund())),
        _body(json.dumps(refund())) + b"{}",
        b'{"action":"payment.refund","params":' + b'{"a":' * 200 + b"1" + b"}" * 200 + b"}",
        b'[{"action":"payment.refund"}]',
        b"\xff\xfe",
        b"",
    ],
)
def test_json_that_two_readers_could_read_differently_is_not_read(arena: Arena, raw: bytes) -> None:
    task = arena.sent_back()
    before = len(arena.entries("ask.decided"))
    with arena.unchanged():
        response = arena.ask_bytes(task, raw)
        assert code_of(response) in {"request.malformed", "params.invalid", "request.too_large"}
        assert response.is_client_error
    permitted = [one for one in arena.entries("ask.decided")[before:] if one["envelope"]["decision"] != "refuse"]
    assert permitted == []


@pytest.mark.proves("P17", "CANONICAL-ID")
@pytest.mark.parametrize("alias", ["w1", "W1 ", " W1", "\uff371", "W1\u200b", "W\u0031\u0301", "%571"])
def test_an_alias_of_an_order_is_another_order(arena: Arena, alias: str) -> None:
    task = arena.task()
    with arena.unchanged():
        arena.refused(arena.ask(task, "order.return", SEND_BACK | {"order_id": alias}), "mandate.off_target")


@pytest.mark.proves("P17", "CANONICAL-ID")
@pytest.mark.parametrize("alias", ["PM_1", "\uff50m_1", "pm_1 "])
def test_a_backoffice_that_knows_aliases_does_not_let_them_through(arena: Arena, alias: str) -> None:
    powers = [{"power": "represent"}, {"power": "receive", "actions": ["payment_method.read"]}]
    task = arena.task(mandate(powers=powers))
    real = arena.backoffice.facts

    async def forgiving(records: list[tuple[str, str]], *, customer: str) -> Any:
        return await real([(kind, "pm_1" if kind == "payment_method" else one) for kind, one in records], customer=customer)

    arena.backoffice.facts = forgiving  # type: ignore[method-assign,assignment]  # a desk that folds case and width
    with arena.unchanged():
        arena.refused(arena.ask(task, "payment_method.read", {"payment_method_id": alias}), "params.invalid")


@pytest.mark.proves("P17", "STRICT-JSON")
@pytest.mark.parametrize(
    "wanted",
    [
        mandate(admin=True),
        mandate(powers=[{"power": "request", "actions": ["payment.refund"], "limit": "none"}]),
        mandate(powers=[{"power": "request", "actions": ["payment.refund"], "where": {"amount": {"maximum": "1.00 EUR"}}}]),
        mandate(powers=[{"power": "request", "actions": ["payment.refund"], "where": {"sum": {"max": "1.00 EUR"}}}]),
        mandate(powers=[{"power": "request", "actions": ["payment.*", "*"]}]),
        mandate(powers=[{"power": "request", "actions": ["payment.refund"], "uses": True}]),
        mandate(powers=[{"power": "request", "actions": ["payment.refund"], "uses": "2"}]),
        mandate(powers=[{"power": "approve", "actions": ["payment.refund"]}]),
        mandate(never=[{"power": "request", "actions": ["payment.refund"], "where": {"amount": {"min": 5}}}]),
        mandate(expires_at="2036-01-01"),
    ],
)
def test_a_mandate_with_anything_unknown_in_it_is_not_even_shown(arena: Arena, wanted: dict[str, Any]) -> None:
    agent = arena.agent()
    with pytest.raises(Exception, match=r"mandate\.invalid"):
        agent.push(wanted)
    assert arena.entries("mandate.granted") == []


@pytest.mark.proves("P17", "PATHS")
def test_paths_and_headers_are_read_one_way_only(arena: Arena) -> None:
    task = arena.task()
    body = {"action": "order.read", "params": {"order_id": "W1"}}
    with arena.unchanged():
        for path in (
            f"/v1/tasks/{task.id}%2Fasks",
            f"/v1/tasks/{task.id}/%61sks%2f",
            f"/v1/tasks/{task.id}/asks/",
            f"/v1/tasks/{task.id}//asks",
            f"/v1/tasks/{task.id}/ASKS",
        ):
            response = arena.send(task, path, body)
            assert response.is_client_error, path
            assert "delivered" not in response.text
    raw = json.dumps(body).encode()
    path = f"/v1/tasks/{task.id}/asks"

    def headers() -> list[tuple[str, str]]:
        return [
            ("authorization", f"DPoP {task.token}"),
            ("dpop", arena.proof(task.agent, "POST", path, token=task.token)),
            ("idempotency-key", "k1"),
            ("content-type", "application/json"),
        ]

    for name, value in (
        ("authorization", f"DPoP {task.token}"),
        ("dpop", "x"),
        ("idempotency-key", "k2"),
        ("content-type", "text/plain"),
    ):
        response = arena.pairs("POST", path, [*headers(), (name, value)], raw)
        assert code_of(response) in {"credential.malformed", "request.malformed"}, name
        assert "delivered" not in response.text
    assert arena.pairs("POST", path, headers(), raw).is_success
