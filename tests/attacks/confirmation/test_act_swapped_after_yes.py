"""P6: the approved act is swapped before it is done: other params, other facts, another meaning."""

import pytest

from attacks.arena import SEND_BACK, Arena, code_of, open_arena, refund


@pytest.mark.proves("P6", "CONFIRM-FRESH")
def test_a_yes_is_void_when_what_would_be_shown_has_changed(arena: Arena) -> None:
    task, reply, invitation = arena.waiting()
    path = f"/me/v1/confirmations/{invitation}"
    shown = arena.anna.get(path)
    arena.backoffice.put("order", "W1", owners=["anna"], name="Order W1, a diamond ring")
    answer = {"answer": "yes", "assertion": arena.anna.passkey.get(shown["options"])}
    with arena.unchanged():
        assert code_of(arena.person("POST", path, answer, cookie=arena.anna.cookie)) == "confirmation.mismatch"
    assert reply.again().state == "void"
    assert arena.recorded("confirmation.answered", ask=reply.ask)["envelope"]["state"] == "void"
    assert {"power": "request", "action": "order.return", "uses_left": 3} in list(task.status()["budgets"])


@pytest.mark.proves("P6", "CONFIRM-FRESH")
def test_a_yes_is_void_when_the_item_it_names_is_another_thing_now(arena: Arena) -> None:
    arena.backoffice.put("order", "W1", owners=["anna"], name="Order W1", contents={"i1": "Kettle"})
    _, reply, invitation = arena.waiting()
    path = f"/me/v1/confirmations/{invitation}"
    shown = arena.anna.get(path)
    assert any(line["text"] == "Items 1: i1 (Kettle)" for line in shown["rendering"]["lines"])
    arena.backoffice.put("order", "W1", owners=["anna"], name="Order W1", contents={"i1": "Diamond ring"})
    answer = {"answer": "yes", "assertion": arena.anna.passkey.get(shown["options"])}
    with arena.unchanged():
        assert code_of(arena.person("POST", path, answer, cookie=arena.anna.cookie)) == "confirmation.mismatch"
    assert reply.again().state == "void"


@pytest.mark.proves("P6", "CONFIRM-FRESH")
def test_a_yes_is_void_when_the_record_has_changed_hands(arena: Arena) -> None:
    _, reply, invitation = arena.waiting()
    path = f"/me/v1/confirmations/{invitation}"
    shown = arena.anna.get(path)
    arena.backoffice.put("order", "W1", owners=["bram"], name="Order W1, one kettle")
    answer = {"answer": "yes", "assertion": arena.anna.passkey.get(shown["options"])}
    with arena.unchanged():
        assert code_of(arena.person("POST", path, answer, cookie=arena.anna.cookie)) == "params.not_owned"
    assert reply.again().state == "void"


@pytest.mark.proves("P6", "FACTS-VERSION")
def test_facts_that_change_between_the_record_and_the_act_stop_the_act() -> None:
    armed: list[bool] = []

    def swap(point: str) -> None:
        if point == "act.sent" and armed:
            arena.backoffice.touch("order", "W1")

    with open_arena(on_point=swap) as arena:
        _, reply, _ = arena.waiting()
        armed.append(True)
        done = arena.anna.confirm(reply)
        assert (done.outcome, arena.performed("order.return")) == ("failed", [])
        assert arena.recorded("act.performed", ask=reply.ask)["envelope"]["outcome"] == "failed"


@pytest.mark.proves("P6", "CONFIRM-SIGNED")
def test_an_answer_cannot_bring_params_of_its_own(arena: Arena) -> None:
    _, reply, invitation = arena.waiting()
    path = f"/me/v1/confirmations/{invitation}"
    shown = arena.anna.get(path)
    answer = {
        "answer": "yes",
        "params": {"order_id": "W1", "item_ids": ["i1", "i2"]},
        "assertion": arena.anna.passkey.get(shown["options"]),
    }
    with arena.unchanged():
        assert code_of(arena.person("POST", path, answer, cookie=arena.anna.cookie)) == "request.malformed"
    assert reply.again().needs_human


@pytest.mark.proves("P6", "CONFIRM-LESS")
@pytest.mark.parametrize("params", [refund("40.01 EUR"), refund("20.00 EUR", payment_method_id="pm_2"), refund(), refund("20.00 USD")])
def test_a_counter_offer_is_never_more_or_something_else(arena: Arena, params: dict[str, str]) -> None:
    reply = arena.sent_back().ask("payment.refund", refund())
    path = f"/me/v1/confirmations/{arena.anna.invitation(reply)}/less"
    with arena.unchanged():
        assert code_of(arena.person("POST", path, {"params": params}, cookie=arena.anna.cookie)) == "params.invalid"
    assert reply.again().needs_human


@pytest.mark.proves("P6", "CONFIRM-LESS")
def test_a_signature_for_less_is_not_one_for_the_whole(arena: Arena) -> None:
    reply = arena.sent_back().ask("payment.refund", refund())
    path = f"/me/v1/confirmations/{arena.anna.invitation(reply)}"
    less = arena.anna.post(f"{path}/less", {"params": refund("20.00 EUR")})
    answer = {"answer": "yes", "assertion": arena.anna.passkey.get(less["options"])}
    with arena.unchanged():
        assert code_of(arena.person("POST", path, answer, cookie=arena.anna.cookie)) == "credential.wrong_key"
    assert SEND_BACK in arena.performed()
