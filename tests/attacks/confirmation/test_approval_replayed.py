"""P7: an approval is used twice, for something else, or for somebody else."""

import pytest

from attacks.arena import SEND_BACK, Arena, catalogue, code_of, mandate, open_arena, refund


@pytest.mark.proves("P7", "CONFIRM-ONCE")
def test_the_same_yes_counts_once(arena: Arena) -> None:
    _, reply, invitation = arena.waiting()
    path = f"/me/v1/confirmations/{invitation}"
    answer = {"answer": "yes", "assertion": arena.anna.passkey.get(arena.anna.get(path)["options"])}
    assert arena.person("POST", path, answer, cookie=arena.anna.cookie).is_success
    with arena.unchanged():
        assert code_of(arena.person("POST", path, answer, cookie=arena.anna.cookie)) == "confirmation.replayed"
    assert arena.performed("order.return") == [SEND_BACK]
    assert len(arena.entries("confirmation.answered")) == 1
    assert arena.recorded("act.performed", ask=reply.ask)["envelope"]["outcome"] == "done"


@pytest.mark.proves("P7", "CONFIRM-SIGNED")
def test_a_yes_to_one_ask_is_none_to_its_twin(arena: Arena) -> None:
    task, first, invitation = arena.waiting()
    second = task.ask("order.return", SEND_BACK)
    shown = arena.anna.get(f"/me/v1/confirmations/{invitation}")
    answer = {"answer": "yes", "assertion": arena.anna.passkey.get(shown["options"])}
    other = f"/me/v1/confirmations/{arena.anna.invitation(second)}"
    with arena.unchanged():
        assert code_of(arena.person("POST", other, answer, cookie=arena.anna.cookie)) == "credential.wrong_key"
    assert (first.again().state, second.again().state) == ("waiting", "waiting")


@pytest.mark.proves("P7", "CONFIRM-ONCE")
def test_a_confirmed_act_approves_no_later_call_of_the_same_action(arena: Arena) -> None:
    task, reply, _ = arena.waiting()
    assert arena.anna.confirm(reply).outcome == "done"
    with arena.unchanged():
        again = task.ask("order.return", SEND_BACK)
        assert again.needs_human
    assert arena.performed("order.return") == [SEND_BACK]


@pytest.mark.proves("P7", "CONFIRM-ONCE")
def test_an_approval_that_nobody_gave_in_time_is_a_no(arena: Arena) -> None:
    _, reply, invitation = arena.waiting()
    path = f"/me/v1/confirmations/{invitation}"
    answer = {"answer": "yes", "assertion": arena.anna.passkey.get(arena.anna.get(path)["options"])}
    arena.clock.ahead_ms += 601_000
    with arena.unchanged():
        assert code_of(arena.person("POST", path, answer, cookie=arena.anna.cookie)) == "confirmation.expired"
    arena.desk.sweep()
    assert arena.recorded("confirmation.answered", ask=reply.ask)["envelope"]["answer"] == "silence"


@pytest.mark.proves("P7", "CONFIRM-SIGNED")
def test_a_signature_under_a_mandate_grants_no_second_one(arena: Arena) -> None:
    agent = arena.agent()
    paths = [f"/me/v1/requests/{agent.push(mandate())[0].rpartition(':')[2]}" for _ in range(2)]
    shown = [arena.anna.get(path) for path in paths]
    signed = {"answer": "grant", "ceremony": shown[0]["ceremony"], "assertion": arena.anna.passkey.get(shown[0]["options"])}
    assert code_of(arena.person("POST", paths[1], signed, cookie=arena.anna.cookie)) == "confirmation.replayed"
    crossed = signed | {"ceremony": shown[1]["ceremony"]}
    assert code_of(arena.person("POST", paths[1], crossed, cookie=arena.anna.cookie)) == "credential.wrong_key"
    assert arena.entries("mandate.granted") == []
    assert arena.person("POST", paths[0], signed, cookie=arena.anna.cookie).is_success
    assert code_of(arena.person("POST", paths[0], signed, cookie=arena.anna.cookie)) == "confirmation.replayed"
    assert len(arena.entries("mandate.granted")) == 1


@pytest.mark.proves("P7", "DECLINE-BINDS")
def test_a_decline_binds_the_act_for_every_agent_of_the_operator(arena: Arena) -> None:
    _, reply, _ = arena.waiting()
    arena.anna.decline(reply)
    other = arena.task(agent=arena.agent("spiffe://helper.example/second"))
    with arena.unchanged():
        arena.refused(arena.ask(other, "order.return", SEND_BACK), "confirmation.declined")
    assert arena.anna.waiting() == []


@pytest.mark.proves("P7", "DECLINE-BINDS")
def test_an_officers_no_binds_too_and_no_other_officer_is_asked() -> None:
    with open_arena(catalogue=catalogue(floor={"payment": ["customer", "officer:billing"]}), policies=None) as arena:
        task = arena.task()
        arena.desk.officer("otto", roles=["billing"]).decline(task.ask("order.return", SEND_BACK))
        other = arena.task(agent=arena.agent("spiffe://helper.example/second"))
        with arena.unchanged():
            arena.refused(arena.ask(task, "order.return", SEND_BACK), "confirmation.declined")
            arena.refused(arena.ask(other, "order.return", SEND_BACK), "confirmation.declined")
        assert arena.desk.officer("olga", roles=["billing"]).waiting() == []
        assert task.ask("order.return", {**SEND_BACK, "item_ids": ["i2"]}).needs_human  # the customer said no to nothing: no pause


@pytest.mark.proves("P7", "DECLINE-BINDS")
@pytest.mark.parametrize("again", ["40 EUR", "40.0 EUR", "40.00 EUR"])
def test_an_amount_spelt_otherwise_is_the_act_that_was_declined(again: str) -> None:
    with open_arena(settings={"terms": {"decline_pause_s": 1}}) as arena:
        task = arena.sent_back()
        arena.anna.decline(task.ask("payment.refund", refund("40.00 EUR")))
        arena.clock.ahead_ms += 2_000
        assert task.ask("payment.refund", refund(again)).codes == ("confirmation.declined",)
        assert task.ask("payment.refund", refund("39.99 EUR")).needs_human


@pytest.mark.proves("P7", "FATIGUE")
def test_officers_are_not_tired_out_by_many_questions_either() -> None:
    rules = catalogue()
    rules["action"]["order.return"]["area"] = "routine"
    asks_billing = """@id("case") permit (principal, action in Action::"case.*", resource);
        @id("billing") permit (principal, action, resource) when { context.confirmed_by.contains("officer:billing") };"""
    powers = [{"power": "represent"}, {"power": "request", "actions": ["order.return"], "uses": 50}]
    with open_arena(catalogue=rules, policies=asks_billing) as arena:
        task = arena.task(mandate(powers=powers))
        assert [tuple(task.ask("order.return", SEND_BACK).who) for _ in range(5)] == [("officer:billing",)] * 5
        with arena.unchanged():
            arena.refused(arena.ask(task, "order.return", SEND_BACK), "confirmation.too_many")


@pytest.mark.proves("P7", "FATIGUE")
def test_nobody_is_tired_out_by_many_questions(arena: Arena) -> None:
    powers = [{"power": "represent"}, {"power": "request", "actions": ["order.return"], "uses": 50}]
    task = arena.task(mandate(powers=powers))
    for _ in range(5):
        assert task.ask("order.return", SEND_BACK).needs_human
    other = arena.task(mandate(powers=powers), agent=arena.agent("spiffe://helper.example/second"))
    with arena.unchanged():
        arena.refused(arena.ask(other, "order.return", SEND_BACK), "confirmation.too_many")
    assert len(arena.anna.waiting()) == 5
