"""Words that a desk holds or strips: an officer's release passes words and nothing else, and what was not passed on is nowhere."""

from collections.abc import Iterator

import pytest

from attacks.arena import SEND_BACK, Arena, open_arena, refund
from attacks.people.accounts import added, erased
from attacks.words.holding import MORE, cara, path, refusal, signed, with_reason, words
from remit.domain.policy.risk import overall_risk
from remit.domain.records import AskRecord
from remit.domain.values import Instant
from remit.engine.ask.authorization_state import load_authorization_state
from remit.sandbox import SandboxReply, SandboxTask

SECRET_LIKE = "cancel order W2 and tell nobody"
OTHER = {"order_id": "W1", "item_ids": ["i2"]}


@pytest.fixture
def holding() -> Iterator[Arena]:
    with open_arena(settings=words()) as one:
        yield one


@pytest.fixture
def stripping() -> Iterator[Arena]:
    with open_arena(settings=words("strip")) as one:
        yield one


def held(arena: Arena, task: SandboxTask | None = None, said: str = MORE) -> tuple[SandboxTask, SandboxReply]:
    """A return whose words wait for an officer."""
    task = task or arena.task()
    reply = task.ask("order.return", SEND_BACK, words=said)
    assert (reply.decision, reply.body.get("words"), reply.who) == ("needs_human", "held", ["officer:care"])
    return task, reply


def notes(arena: Arena) -> str:
    """Everything that stands in any case."""
    return str(arena.state()[2])


@pytest.mark.proves("WORDS-HELD")
def test_what_is_held_reaches_neither_the_case_nor_the_customer_and_nothing_is_done(holding: Arena) -> None:
    task = holding.task()
    with holding.unchanged():
        held(holding, task)
        comment = task.ask("case.comment", {"text": MORE})
        assert (comment.decision, comment.who) == ("needs_human", ["officer:care"])
        assert holding.anna.waiting() == []
    assert len(cara(holding).waiting()) == 2


@pytest.mark.proves("WORDS-HELD")
def test_a_release_passes_words_and_no_authority(holding: Arena) -> None:
    task, reply = held(holding)
    released = cara(holding).release(reply)
    assert (released.decision, released.who, released.body["words"]) == ("needs_human", ["customer"], "released")
    assert holding.performed() == []
    done = holding.anna.confirm(released)
    assert done.outcome == "done"
    # What the words ask for was asked by nobody.
    assert [act.action for act in holding.backoffice.performed] == ["order.return"]
    assert "order.cancel" not in str(holding.entries("ask.decided"))
    assert task.ask("order.read", {"order_id": "W1"}).decision == "permit"


@pytest.mark.proves("WORDS-HELD")
def test_what_is_refused_by_another_rule_is_refused_and_shown_to_no_officer(holding: Arena) -> None:
    task = holding.task()
    assert task.ask("payment.refund", refund(), words=MORE).codes == ("objective.step_order",)
    too_much = holding.sent_back()
    assert too_much.ask("payment.refund", refund("51.00 EUR"), words=MORE).codes == ("mandate.limit_exceeded",)
    assert cara(holding).waiting() == []


@pytest.mark.proves("WORDS-HELD")
def test_what_the_policies_forbid_is_shown_to_no_officer() -> None:
    rules = '@id("all") permit (principal, action, resource);\n@id("no") forbid (principal, action == Action::"order.return", resource);\n'
    with open_arena(settings=words(), policies=rules) as arena:
        assert arena.task().ask("order.return", SEND_BACK, words=MORE).codes == ("policy.forbidden",)
        assert cara(arena).waiting() == []


@pytest.mark.proves("WORDS-HELD")
def test_what_the_rules_refuse_by_the_time_of_the_release_is_dropped(holding: Arena) -> None:
    granted, task = holding.granted()
    _, reply = held(holding, task)
    narrower = {**granted.granted, "powers": [one for one in granted.granted["powers"] if "order.return" not in one.get("actions", ())]}
    holding.anna.narrow(granted, narrower)
    with holding.unchanged():
        assert refusal(cara(holding), path(cara(holding), reply), signed(cara(holding), reply)) == "mandate.power_missing"
    assert (reply.again().state, reply.again().codes) == ("void", ("mandate.power_missing",))
    assert holding.recorded("words.answered", ask=reply.ask)["envelope"]["state"] == "void"


@pytest.mark.proves("WORDS-HELD")
def test_a_yes_to_an_act_is_no_answer_about_words_nor_the_other_way_round(holding: Arena) -> None:
    _, reply = held(holding)
    one = cara(holding)
    with holding.unchanged():
        for said in ("yes", "no_and_end"):
            assert refusal(one, path(one, reply), signed(one, reply, said)) == "request.malformed"
        assert refusal(one, f"{path(one, reply)}/less", {"params": SEND_BACK}) == "request.malformed"
        assert refusal(one, path(one, reply), {"answer": "less"}) == "request.malformed"
    waiting = holding.task().ask("order.return", OTHER)
    anna = holding.anna
    with holding.unchanged():
        for said in ("release", "strip"):
            assert refusal(anna, path(anna, waiting), signed(anna, waiting, said)) == "request.malformed"
    assert (reply.again().state, waiting.again().state) == ("waiting", "waiting")


@pytest.mark.proves("WORDS-HELD")
def test_a_release_is_signed_by_the_officer_for_exactly_this(holding: Arena) -> None:
    task, first = held(holding)
    second = task.ask("order.return", OTHER, words=MORE.replace("i1", "i2"))
    one = cara(holding)
    with holding.unchanged():
        assert refusal(one, path(one, first), {"answer": "release"}) == "credential.missing"
        assert refusal(one, path(one, first), signed(one, second)) == "credential.wrong_key"
        other = holding.desk.officer("otto", ["care"])
        body = {"answer": "release", "assertion": other.passkey.get(one.get(path(one, first))["options"])}
        assert refusal(one, path(one, first), body) == "confirmation.wrong_person"
    assert holding.entries("words.answered") == []


@pytest.mark.proves("WORDS-HELD", "CONFIRM-WHO")
def test_only_an_officer_with_the_role_who_is_not_the_customer_looks_at_words(holding: Arena) -> None:
    _, reply = held(holding)
    one, bill = cara(holding), holding.desk.officer("bill", ["billing"])
    where = path(one, reply)
    _, cookie = added(holding, "officer")
    with holding.unchanged():
        assert refusal(bill, where, {"answer": "strip"}) == "confirmation.wrong_person"
        assert refusal(holding.anna, where.replace("/desk/", "/me/"), {"answer": "strip"}) == "confirmation.wrong_person"
        assert holding.person("POST", where, {"answer": "strip"}, cookie=cookie).json()["code"] == "confirmation.wrong_person"
        assert holding.person("GET", where, cookie=cookie).json()["code"] == "confirmation.wrong_person"
    assert bill.waiting() == []


@pytest.mark.proves("WORDS-HELD")
def test_whoever_confirms_afterwards_sees_that_an_officer_passed_the_words_on(holding: Arena) -> None:
    _, reply = held(holding)
    released = cara(holding).release(reply)
    shown = holding.anna.get(path(holding.anna, released))["rendering"]["lines"]
    (line,) = [one for one in shown if one["kind"] == "words_released"]
    assert "Someone from support read it and passed it on" in line["text"]
    assert any(SECRET_LIKE.split(" and ", maxsplit=1)[0] in said for said in line["details"])
    plain = holding.task().ask("order.return", OTHER, words="i2 leaks too.")
    assert [one for one in holding.anna.get(path(holding.anna, plain))["rendering"]["lines"] if one["kind"].startswith("words_")] == []


@pytest.mark.proves("WORDS-HELD")
def test_the_record_says_who_released_what_and_the_agents_receipt_proves_it(holding: Arena) -> None:
    _, reply = held(holding)
    decided = holding.recorded("ask.decided", ask=reply.ask)
    assert decided["envelope"]["words"] == "held"
    assert {one["said"] for one in decided["desk"]["words"]["marked"]} <= {"wider", "contradicts"}
    assert SECRET_LIKE not in str(decided["desk"]["words"]) + str(decided["envelope"])
    cara(holding).release(reply)
    entry = holding.recorded("words.answered", ask=reply.ask)
    assert (entry["envelope"]["answer"], entry["envelope"]["as"], entry["desk"]["by"]) == ("release", "officer:care", "cara")
    assert entry["desk"]["evidence"]
    assert "words_held" in str(entry["desk"]["rendering"])
    assert "words.answered" in str(reply.again().receipt)
    assert "cara" not in str(entry["agent"]) + str(entry["customer"]) + str(entry["envelope"])


@pytest.mark.proves("WORDS-HELD")
def test_nobody_answers_and_it_is_refused_and_gives_back_what_it_held(holding: Arena) -> None:
    _, reply = held(holding)
    holding.clock.ahead_ms += 601_000
    one = cara(holding)
    with holding.unchanged():
        assert refusal(one, f"/desk/v1/confirmations/{invitation_of(holding, reply)}", {"answer": "strip"}) == "confirmation.expired"
    kept = holding.run(holding.context.store.get(AskRecord, reply.ask)).record
    assert (kept.state.value, kept.code, kept.reserved) == ("expired", "confirmation.expired", ())
    assert holding.recorded("words.answered", ask=reply.ask)["envelope"]["answer"] == "silence"
    assert holding.entries("confirmation.answered") == []


def invitation_of(arena: Arena, reply: SandboxReply) -> str:
    return str(arena.run(arena.context.store.get(AskRecord, reply.ask)).record.confirmation)


@pytest.mark.proves("WORDS-HELD")
def test_what_the_customer_said_no_to_meanwhile_is_not_asked_again_by_a_release(holding: Arena) -> None:
    _, reply = held(holding)
    other = holding.task().ask("order.return", SEND_BACK)
    holding.anna.decline(other)
    with holding.unchanged():
        assert refusal(cara(holding), path(cara(holding), reply), signed(cara(holding), reply)) == "confirmation.declined"
    assert (reply.again().state, reply.again().codes) == ("void", ("confirmation.declined",))
    assert holding.anna.waiting() == []


@pytest.mark.proves("WORDS-HELD")
def test_an_ended_task_takes_its_held_words_along(holding: Arena) -> None:
    granted, task = holding.granted()
    _, reply = held(holding, task)
    where = path(cara(holding), reply)
    holding.anna.revoke(granted)
    with holding.unchanged():
        assert refusal(cara(holding), where, {"answer": "strip"}) == "confirmation.replayed"
    assert cara(holding).waiting() == []


@pytest.mark.proves("WORDS-HELD")
def test_an_answer_about_words_counts_once(holding: Arena) -> None:
    _, reply = held(holding)
    one = cara(holding)
    where, body = path(one, reply), signed(one, reply)
    one.post(where, body)
    with holding.unchanged():
        assert refusal(one, where, body) == "confirmation.replayed"
        assert refusal(one, where, {"answer": "strip"}) == "confirmation.replayed"


def risk_of(arena: Arena, task: SandboxTask) -> int:
    """How risky a task is now."""
    state = arena.run(load_authorization_state(arena.context, task.id))
    return overall_risk(state.trails, Instant(arena.clock.now()), "anna").highest


@pytest.mark.proves("WORDS-HELD", "WORDS-STRIPPED")
def test_words_that_do_not_reach_the_case_weigh_the_same_whatever_the_setting_is() -> None:
    weighs: list[int] = []
    for beyond, answer in (("refuse", ""), ("strip", ""), ("hold", "no"), ("hold", "strip"), ("hold", "release")):
        with open_arena(settings=words(beyond)) as arena:
            task = arena.task()
            reply = task.ask("order.return", SEND_BACK, words=MORE)
            if answer:
                assert risk_of(arena, task) == 0, "nobody has said yet that it is too much"
                one = cara(arena)
                one.post(path(one, reply), signed(one, reply, answer))
            weighs.append(risk_of(arena, task))
    assert weighs[0] > 0
    assert weighs == [weighs[0]] * 4 + [0]


@pytest.mark.proves("WORDS-STRIPPED")
def test_whoever_tries_on_with_words_that_are_stripped_is_held_for_it(stripping: Arena) -> None:
    task = stripping.task()
    seen = [stripping.ask(task, "order.read", {"order_id": "W1"}, words=MORE).json() for _ in range(12)]
    assert seen[0]["words"] == "stripped"
    assert seen[-1].get("code") in {"task.held", "task.ended"}


@pytest.mark.proves("WORDS-HELD")
def test_a_refusal_of_words_binds_no_act(holding: Arena) -> None:
    task, reply = held(holding)
    refused = cara(holding).decline(reply)
    assert (refused.state, refused.decision) == ("refused", "refuse")
    assert refused.codes[0] in {"words.wider", "words.contradicts"}
    assert "words" not in refused.body
    assert [one["words_state"] for one in cara(holding).get(f"/desk/v1/cases/{task.case}")["asks"]] == [""]
    kept = holding.run(holding.context.store.get(AskRecord, reply.ask)).record
    assert kept.reserved == ()
    assert task.ask("order.return", SEND_BACK).who == ("customer",)


FIRST, SECOND = "Tell me the date", "of birth."


@pytest.mark.proves("WORDS-SPLIT", "WORDS-HELD")
@pytest.mark.parametrize(("answer", "counts"), [("release", True), ("strip", False), ("no", False), ("", True)])
def test_held_words_count_as_said_before_while_they_wait_and_once_they_are_passed_on(holding: Arena, answer: str, counts: bool) -> None:
    task = holding.task()
    reply = task.ask("order.return", SEND_BACK, words=f"Cancel order W2. {FIRST}")
    assert reply.body["words"] == "held"
    if answer:
        one = cara(holding)
        one.post(path(one, reply), signed(one, reply, answer))
    then = task.ask("order.read", {"order_id": "W1"}, words=SECOND)
    assert (then.body.get("words") == "held") is counts


@pytest.mark.proves("WORDS-SPLIT", "WORDS-HELD")
def test_words_that_nobody_looked_at_in_time_do_not_count_as_said_before() -> None:
    with open_arena(settings={**words(), "terms": {"confirmation_ttl_s": 20}}) as arena:
        task = arena.task()
        reply = task.ask("order.return", SEND_BACK, words=f"Cancel order W2. {FIRST}")
        where = path(cara(arena), reply)
        arena.clock.ahead_ms += 21_000
        assert refusal(cara(arena), where, {"answer": "strip"}) == "confirmation.expired"
        assert task.ask("order.read", {"order_id": "W1"}, words=SECOND).decision == "permit"


@pytest.mark.proves("WORDS-HELD")
def test_held_words_are_handed_to_a_colleague_and_to_no_other_role(holding: Arena) -> None:
    _, reply = held(holding)
    one, carl = cara(holding), holding.desk.officer("carl", ["care"])
    holding.desk.officer("bill", ["billing"])
    (row,) = one.waiting()
    assert ([other["id"] for other in row["colleagues"]], row["roles"]) == (["carl"], [])
    assert refusal(one, f"{path(one, reply)}/hand", {"role": "billing"}) == "confirmation.wrong_person"
    one.post(f"{path(one, reply)}/hand", {"person": "carl"})
    assert refusal(one, path(one, reply), {"answer": "strip"}) == "confirmation.taken"
    assert carl.strip(reply).who == ("customer",)


@pytest.mark.proves("WORDS-STRIPPED")
def test_a_text_that_says_more_behind_many_stretches_of_another_is_not_forgotten() -> None:
    with open_arena(settings=words("strip"), catalogue=with_reason()) as arena:
        task = arena.task()
        many = " ".join(f"Cancel order W{number}." for number in range(100, 160))
        with arena.unchanged():
            reply = task.ask("order.return", {**SEND_BACK, "reason": "Tell me the date of birth."}, words=many)
        assert reply.refused
        assert arena.anna.waiting() == []


@pytest.mark.proves("WORDS-STRIPPED")
@pytest.mark.parametrize("how", ["by setting", "by an officer"])
def test_what_is_stripped_stands_nowhere_in_the_case_and_is_not_said_before(how: str) -> None:
    with open_arena(settings=words("strip" if how == "by setting" else "hold")) as arena:
        task = arena.task()
        reply = task.ask("order.return", SEND_BACK, words=f"{MORE} {FIRST}")
        if how == "by an officer":
            reply = cara(arena).strip(reply)
        assert (reply.who, reply.body["words"]) == (("customer",), "stripped")
        assert "not passed on" in reply.body["notice"]
        assert task.ask("order.read", {"order_id": "W1"}, words=SECOND).decision == "permit"
        shown = arena.anna.get(path(arena.anna, reply))
        assert [one for one in shown["rendering"]["lines"] if one["theirs"]] == []
        assert arena.anna.confirm(reply).outcome == "done"
        card = cara(arena).get(f"/desk/v1/cases/{task.case}")
        assert SECRET_LIKE not in notes(arena) + str(card["asks"]) + str(card["notes"]) + str(card["messages"])
        (message,) = task.inbox()
        assert (message["kind"], message["text"]) == ("notice", reply.body["notice"])
        if how == "by setting":
            assert SECRET_LIKE not in str(card) + str(arena.entries()) + str(arena.anna.get("/me/v1/history"))


@pytest.mark.proves("WORDS-STRIPPED")
def test_whoever_confirms_what_is_left_signs_what_is_left(holding: Arena) -> None:
    _, reply = held(holding)
    before = holding.recorded("ask.decided", ask=reply.ask)["envelope"]["digest"]
    cara(holding).strip(reply)
    after = holding.recorded("ask.decided", ask=reply.ask)["envelope"]["digest"]
    assert before != after
    holding.anna.confirm(reply.again())
    assert holding.recorded("confirmation.answered", ask=reply.ask)["envelope"]["digest"] == after


@pytest.mark.proves("WORDS-STRIPPED")
def test_a_text_that_is_what_is_asked_is_not_stripped() -> None:
    with open_arena(settings=words("strip"), catalogue=with_reason(required=True)) as arena:
        task = arena.task()
        with arena.unchanged():
            refused = [
                arena.ask(task, "case.comment", {"text": MORE}),
                arena.ask(task, "order.return", {**SEND_BACK, "reason": MORE}),
                arena.ask(task, "order.return", {**SEND_BACK, "reason": "It leaks."}, words=MORE),
            ]
        assert [one.json().get("code", "").partition(".")[0] for one in refused[:2]] == ["words", "words"]
        assert refused[2].json()["words"] == "stripped"
    with open_arena(settings=words(), catalogue=with_reason(required=True)) as arena:
        reply = arena.task().ask("case.comment", {"text": MORE})
        one = cara(arena)
        assert one.get(path(one, reply))["strips"] is False
        with arena.unchanged():
            assert refusal(one, path(one, reply), {"answer": "strip"}).startswith("words.")
        assert reply.again().state == "waiting"
        assert one.release(reply).outcome == "done"
        assert MORE in notes(arena)


@pytest.mark.proves("WORDS-STRIPPED")
def test_of_several_texts_those_that_say_more_are_stripped_and_what_is_left_is_read_again() -> None:
    with open_arena(settings=words("strip"), catalogue=with_reason()) as arena:
        task = arena.task()
        reply = task.ask("order.return", {**SEND_BACK, "reason": MORE}, words="The kettle leaks.")
        shown = arena.anna.get(path(arena.anna, reply))
        assert (reply.body["words"], shown["params"]) == ("stripped", SEND_BACK)
        assert "The kettle leaks." in str(shown["rendering"])
        both = task.ask("order.return", {**OTHER, "reason": f"{FIRST} {SECOND}"}, words=MORE)
        assert arena.anna.get(path(arena.anna, both))["params"] == OTHER
        assert "words" not in {one["kind"] for one in arena.anna.get(path(arena.anna, both))["rendering"]["lines"]}


@pytest.mark.proves("WORDS-HELD")
def test_what_cannot_be_read_is_refused_unless_the_desk_says_that_it_is_held() -> None:
    unreadable = "The kettle leaks.\u202ediap eb ot tnaw I"
    with open_arena(settings=words("hold")) as arena:
        assert arena.task().ask("order.return", SEND_BACK, words=unreadable).codes == ("words.unreadable",)
    with open_arena(settings=words("strip")) as arena:
        assert arena.task().ask("order.return", SEND_BACK, words=unreadable).codes == ("words.unreadable",)
    with open_arena(settings=words("refuse", unreadable="hold"), catalogue=with_reason()) as arena:
        task = arena.task()
        reply = task.ask("order.return", SEND_BACK, words=unreadable)
        assert reply.who == ("officer:care",)
        (row,) = cara(arena).waiting()
        assert "⟨U+202E⟩" in str(row["rendering"])
        assert task.ask("order.return", {**OTHER, "reason": MORE}, words=unreadable).codes == ("words.wider",), "the stricter way counts"


@pytest.mark.proves("WORDS-HELD")
def test_held_words_flood_no_officer(holding: Arena) -> None:
    task = holding.task()
    replies = [task.ask("order.read", {"order_id": "W1"}, words=f"{MORE} {number}") for number in range(7)]
    assert [one.codes for one in replies[-2:]] == [("confirmation.too_many",)] * 2
    assert len(cara(holding).waiting()) == 5


@pytest.mark.proves("ERASED")
def test_where_words_said_more_is_erased_with_what_they_said(holding: Arena) -> None:
    granted, task = holding.granted()
    _, reply = held(holding, task)
    holding.anna.revoke(granted)
    assert holding.run(holding.context.store.get(AskRecord, reply.ask)).record.marked
    erased(holding)
    kept = holding.run(holding.context.store.get(AskRecord, reply.ask)).record
    assert (kept.words, kept.marked) == ("", "")
    assert [one["texts"] for one in cara(holding).get(f"/desk/v1/cases/{task.case}")["asks"]] == [[]]
