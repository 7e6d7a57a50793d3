"""Escalation rules: nobody gets round them, and what is not answered in time is handed on or refused, never done."""

import copy
from pathlib import Path
from typing import Any

import pytest

from attacks.arena import Arena, catalogue, code_of, open_arena, refund
from remit.client.errors import Refused
from remit.domain.records import AskRecord, Tier
from remit.sandbox import SandboxPerson, SandboxReply, SandboxTask
from remit.usecases.agents.register import set_tier

ALL = '@id("all")\npermit (principal, action, resource);\n'
CARE = '@id("care")\nforbid (principal, action == Action::"payment.refund", resource) unless { context.confirmed_by.contains("officer:care") };\n'
RULE: dict[str, Any] = {
    "name": "large",
    "reason": "much money at once",
    "actions": ["payment.refund"],
    "at_least": "30.00 EUR",
    "tiers": ["known", "unproved"],
    "roles": ["billing"],
    "due": "1h",
    "then": {"role": "care", "due": "30m"},
}
HOUR = 3_600_000


def desk(*rules: dict[str, Any], policies: str = ALL, fees: bool = False) -> dict[str, Any]:
    """An arena's options: the pack with these rules alone, no waiver, and a refund as a first step."""
    changed: dict[str, Any] = {**copy.deepcopy(catalogue()), "waiver": [], "escalation": list(rules)}
    changed["objective"]["return-item"].pop("after", None)
    if fees:
        refunds = changed["action"]["payment.refund"]
        refunds["params"]["properties"]["fees"] = {"type": "array", "items": {"x-money": True}}
        refunds["title"] += " with {fees}"
    # Nobody is signed out while these tests let hours pass: it is the answer that comes too late.
    return {"catalogue": changed, "policies": policies, "settings": {"terms": {"session_idle_s": 28_800}}}


def at(person: SandboxPerson, reply: SandboxReply) -> str:
    """The address of an invitation at this person's door."""
    return f"{person.base}/confirmations/{person.invitation(reply)}"


def signed(person: SandboxPerson, path: str) -> dict[str, Any]:
    """A yes to what this person is shown now."""
    return {"answer": "yes", "assertion": person.passkey.get(person.get(path)["options"])}


def asked(arena: Arena, params: dict[str, Any] | None = None) -> tuple[SandboxTask, SandboxReply]:
    """A refund under a fresh task."""
    task = arena.task()
    return task, task.ask("payment.refund", params or refund("40.00 EUR"))


def stands(arena: Arena, reply: SandboxReply) -> tuple[str, str]:
    """State and code of an ask, as the desk keeps it: an agent's token does not live as long as people may take."""
    ask = arena.run(arena.context.store.get(AskRecord, reply.ask)).record
    return ask.state.value, ask.code


def tier(arena: Arena, to: Tier) -> None:
    """Change the agent's tier, as two people have agreed."""
    arena.run(set_tier(arena.context, arena.agent().client_id, to, by="ann, bea"))


@pytest.mark.proves("ESCALATION")
def test_an_amount_that_is_cut_into_several_params_is_one_amount() -> None:
    with open_arena(**desk(RULE, fees=True)) as arena:
        _, whole = asked(arena, refund("40.00 EUR"))
        _, cut = asked(arena, refund("10.00 EUR", fees=["10.00 EUR", "10.00 EUR"]))
        _, less = asked(arena, refund("10.00 EUR", fees=["10.00 EUR", "9.99 EUR"]))
        assert (set(whole.who), set(cut.who), set(less.who)) == (
            {"customer", "officer:billing"},
            {"customer", "officer:billing"},
            {"customer"},
        )
        assert arena.anna.confirm(cut).state == "waiting"
        assert arena.performed("payment.refund") == []


@pytest.mark.proves("ESCALATION")
def test_an_amount_in_another_currency_is_taken_to_be_that_much() -> None:
    mandate = copy.deepcopy(arena_mandate())
    with open_arena(**desk(RULE)) as arena:
        task = arena.task(mandate)
        assert set(task.ask("payment.refund", refund("1.00 KWD")).who) == {"customer", "officer:billing"}
        assert set(task.ask("payment.refund", refund("1.00 EUR")).who) == {"customer"}


def arena_mandate() -> dict[str, Any]:
    """A mandate that does not look at the amount."""
    powers: list[dict[str, Any]] = [
        {"power": "represent"},
        {"power": "request", "actions": ["payment.refund"], "uses": 20, "where": {"payment_method_id": {"equals": "pm_1"}}},
    ]
    return {
        "type": "remit_mandate",
        "objective": {"type": "return-item", "target": {"order": ["W1"]}, "summary": "send back the kettle"},
        "powers": powers,
        "never": [{"power": "accept"}],
    }


@pytest.mark.proves("ESCALATION")
def test_a_rule_adds_people_to_those_whom_policies_and_floors_ask_for() -> None:
    with open_arena(**desk(RULE, policies=ALL + CARE)) as arena:
        _, reply = asked(arena)
        assert set(reply.who) == {"customer", "officer:care", "officer:billing"}
        assert arena.anna.confirm(reply).state == "waiting"
        assert arena.desk.officer("cara", ["care"]).confirm(reply).state == "waiting"
        assert arena.performed("payment.refund") == []
        assert arena.desk.officer("bill", ["billing"]).confirm(reply).outcome == "done"
        entry = arena.recorded("ask.decided", ask=reply.ask, decision="needs_human")
        assert (entry["desk"]["escalation"]["rule"], entry["desk"]["escalation"]["roles"]) == ("large", ["billing"])
        assert "escalation" not in str(entry["agent"]) + str(entry["customer"]) + str(entry["envelope"])


@pytest.mark.proves("ESCALATION")
def test_instead_replaces_only_whom_the_policies_can_do_without_and_nobody_of_the_floor() -> None:
    either = (
        '@id("either")\nforbid (principal, action == Action::"payment.refund", resource) '
        'unless { context.confirmed_by.containsAny(["officer:billing", "officer:travel"]) };\n'
    )
    rule = {**RULE, "roles": ["travel"], "instead": True, "then": "refuse"}
    with open_arena(**desk(policies=ALL + either)) as arena:
        assert set(asked(arena)[1].who) == {"customer", "officer:billing"}
    with open_arena(**desk(rule, policies=ALL + either)) as arena:
        reply = asked(arena)[1]
        assert set(reply.who) == {"customer", "officer:travel"}
        assert arena.anna.confirm(reply).state == "waiting"
        assert arena.desk.officer("travis", ["travel"]).confirm(reply).outcome == "done"
    with open_arena(**desk(rule, policies=ALL + CARE)) as arena:
        assert set(asked(arena)[1].who) == {"customer", "officer:care", "officer:travel"}
    options = desk(rule, policies=ALL)
    options["catalogue"]["floor"]["payment"] = ["customer", "officer:billing"]
    with open_arena(**options) as arena:
        assert set(asked(arena)[1].who) == {"customer", "officer:billing", "officer:travel"}


@pytest.mark.proves("ESCALATION")
def test_what_policies_refuse_is_not_done_because_a_rule_brings_in_somebody_they_would_listen_to() -> None:
    both = '@id("both")\nforbid (principal, action == Action::"payment.refund", resource) unless { context.confirmed_by.containsAll(["officer:care", "officer:billing"]) };\n'
    with open_arena(**desk({**RULE, "roles": ["billing", "care"], "then": "refuse"}, policies=ALL + both)) as arena:
        _, reply = asked(arena)
        assert (reply.decision, reply.codes) == ("refuse", ("policy.forbidden",))


@pytest.mark.proves("ESCALATION")
def test_an_agent_whose_trust_is_raised_meanwhile_still_waits_for_the_officer_it_was_asked_of() -> None:
    with open_arena(**desk(RULE)) as arena:
        _, reply = asked(arena)
        bill, travis = arena.desk.officer("bill", ["billing"]), arena.desk.officer("travis", ["travel"])
        tier(arena, Tier.TRUSTED)
        assert arena.anna.confirm(reply).state == "waiting"
        # Nor does the rule, which fits no more, let it be handed to a role that it did not name.
        told = arena.person("POST", f"{at(bill, reply)}/hand", {"role": "travel"}, cookie=bill.cookie)
        assert code_of(told) == "confirmation.wrong_person"
        with pytest.raises(Refused):
            travis.confirm(reply)
        assert arena.performed("payment.refund") == []
        assert bill.confirm(reply).outcome == "done"


@pytest.mark.proves("ESCALATION")
def test_an_agent_whose_trust_falls_meanwhile_needs_the_officer_after_all() -> None:
    with open_arena(**desk(RULE)) as arena:
        arena.agent()
        tier(arena, Tier.TRUSTED)
        _, reply = asked(arena)
        assert set(reply.who) == {"customer"}
        tier(arena, Tier.KNOWN)
        assert arena.anna.confirm(reply).codes == ("confirmation.mismatch",)
        assert arena.performed("payment.refund") == []


@pytest.mark.proves("ESCALATION")
def test_a_yes_that_comes_after_its_time_is_not_taken_though_nobody_swept() -> None:
    with open_arena(**desk({**RULE, "then": "refuse"})) as arena:
        _, reply = asked(arena)
        bill = arena.desk.officer("bill", ["billing"])
        path = at(bill, reply)
        late, customers = signed(bill, path), signed(arena.anna, at(arena.anna, reply))
        assert arena.person("POST", at(arena.anna, reply), customers, cookie=arena.anna.cookie).is_success
        arena.clock.ahead_ms += HOUR  # the desk was down meanwhile: nothing has seen that time passed
        assert code_of(arena.person("POST", path, late, cookie=bill.cookie)) == "confirmation.expired"
        assert stands(arena, reply) == ("expired", "confirmation.expired")
        assert arena.performed("payment.refund") == []
        assert arena.recorded("confirmation.answered", ask=reply.ask)["desk"]["rule"] == "large"


@pytest.mark.proves("ESCALATION")
def test_a_yes_for_what_was_due_while_the_server_was_down_is_not_taken_after_its_start(tmp_path: Path) -> None:
    options = {**desk({**RULE, "then": "refuse"}), "store": tmp_path}
    with open_arena(**options) as arena:
        _, reply = asked(arena)
        bill = arena.desk.officer("bill", ["billing"])
        path = at(bill, reply)
        assert arena.anna.confirm(reply).state == "waiting"
        late = signed(bill, path)
    with open_arena(**options) as again:
        again.clock.ahead_ms += HOUR
        # The desk's own round may come first and end the task, which has nothing to wait for any more.
        assert code_of(again.person("POST", path, late, cookie=bill.cookie)) in {"confirmation.expired", "confirmation.replayed"}
        assert stands(again, reply)[0] in {"expired", "void"}
        assert again.performed("payment.refund") == []


@pytest.mark.proves("ESCALATION")
def test_a_yes_of_a_role_whose_time_is_over_does_not_count_once_another_is_asked() -> None:
    with open_arena(**desk(RULE)) as arena:
        _, reply = asked(arena)
        bill, cara = arena.desk.officer("bill", ["billing"]), arena.desk.officer("cara", ["care"])
        path = at(bill, reply)
        late = signed(bill, path)
        assert arena.anna.confirm(reply).state == "waiting"
        arena.clock.ahead_ms += HOUR
        assert code_of(arena.person("POST", path, late, cookie=bill.cookie)) == "confirmation.wrong_person"
        handed = arena.recorded("confirmation.handed")
        assert (handed["envelope"]["from"], handed["envelope"]["to"], handed["envelope"]["by"]) == (
            ["officer:billing"],
            ["officer:care"],
            "rule",
        )
        assert arena.performed("payment.refund") == []
        path = at(cara, reply)
        assert arena.person("POST", path, signed(cara, path), cookie=cara.cookie).is_success
        assert stands(arena, reply) == ("done", "")


@pytest.mark.proves("ESCALATION")
def test_a_desk_that_was_down_for_long_gives_nobody_more_time() -> None:
    with open_arena(**desk(RULE)) as arena:
        _, reply = asked(arena)
        cara = arena.desk.officer("cara", ["care"])
        assert arena.anna.confirm(reply).state == "waiting"
        arena.clock.ahead_ms += HOUR + HOUR // 2  # an hour for billing, then half an hour for care: both are over
        assert cara.waiting() == []
        arena.desk.sweep()
        assert stands(arena, reply) == ("expired", "confirmation.expired")
        assert arena.entries("confirmation.handed") == []
        assert arena.performed("payment.refund") == []


@pytest.mark.proves("ESCALATION")
def test_nothing_is_handed_on_to_somebody_whose_yes_the_rules_would_not_take() -> None:
    billing = CARE.replace("care", "billing")
    with open_arena(**desk(RULE, policies=ALL + billing)) as arena:
        _, reply = asked(arena)
        cara = arena.desk.officer("cara", ["care"])
        arena.clock.ahead_ms += HOUR
        arena.desk.sweep()
        assert cara.waiting() == []
        assert stands(arena, reply) == ("expired", "confirmation.expired")


@pytest.mark.proves("HANDED-OVER")
def test_what_waits_is_not_handed_round_the_rules() -> None:
    with open_arena(**desk(policies=ALL + CARE.replace("care", "billing"))) as arena:
        _, reply = asked(arena)
        bill, cara = arena.desk.officer("bill", ["billing"]), arena.desk.officer("cara", ["care"])
        told = arena.person("POST", f"{at(bill, reply)}/hand", {"role": "care"}, cookie=bill.cookie)
        assert code_of(told) == "confirmation.wrong_person"
        assert cara.waiting() == []
        assert set(reply.again().who) == {"customer", "officer:billing"}


@pytest.mark.proves("HANDED-OVER", "CONFIRM-WHO")
def test_what_waits_is_not_handed_to_the_customer_nor_to_who_has_answered_nor_to_who_lacks_the_role() -> None:
    with open_arena(**desk(RULE, policies=ALL + CARE)) as arena:
        _, reply = asked(arena)
        dora, cara = arena.desk.officer("dora", ["care"]), arena.desk.officer("cara", ["care", "billing"])
        arena.desk.officer("travis", ["travel"])
        path = f"{at(dora, reply)}/hand"
        assert cara.confirm(reply).state == "waiting"
        for person in ("cara", "anna", "travis"):
            told = arena.person("POST", path, {"person": person}, cookie=dora.cookie)
            assert code_of(told) == "confirmation.wrong_person", person
        # Who has answered once does not take the rest either, whatever roles they have.
        assert code_of(arena.person("POST", path.replace("/hand", "/take"), {}, cookie=cara.cookie)) == "confirmation.wrong_person"


@pytest.mark.proves("HANDED-OVER")
def test_nobody_keeps_what_they_took_for_ever_and_meanwhile_nobody_else_answers() -> None:
    with open_arena(**desk({**RULE, "then": "refuse"})) as arena:
        _, reply = asked(arena)
        bill, bea = arena.desk.officer("bill", ["billing"]), arena.desk.officer("bea", ["billing"])
        path = at(bill, reply)
        assert arena.person("POST", f"{path}/take", {}, cookie=bill.cookie).is_success
        assert arena.anna.confirm(reply).state == "waiting"
        assert code_of(arena.person("POST", f"{path}/take", {}, cookie=bea.cookie)) == "confirmation.taken"
        assert code_of(arena.person("POST", f"{path}/hand", {"person": "bea"}, cookie=bea.cookie)) == "confirmation.taken"
        assert code_of(arena.person("POST", path, signed(bea, path), cookie=bea.cookie)) == "confirmation.taken"
        assert code_of(arena.person("POST", path, {"answer": "no"}, cookie=bea.cookie)) == "confirmation.taken"
        less = arena.person("POST", f"{path}/less", {"params": refund("5.00 EUR")}, cookie=bea.cookie).json()
        lessened = {"answer": "less", "assertion": bea.passkey.get(less["options"])}
        assert code_of(arena.person("POST", path, lessened, cookie=bea.cookie)) == "confirmation.taken"
        assert arena.performed("payment.refund") == []
        arena.clock.ahead_ms += 600_000
        assert arena.person("POST", path, signed(bea, path), cookie=bea.cookie).is_success
        assert stands(arena, reply) == ("done", "")


@pytest.mark.proves("HANDED-OVER")
def test_who_takes_it_again_and_again_does_not_crowd_the_agents_receipt_out() -> None:
    with open_arena(**desk({**RULE, "then": "refuse"})) as arena:
        _, reply = asked(arena)
        bill = arena.desk.officer("bill", ["billing"])
        path = at(bill, reply)
        for _ in range(20):
            assert arena.person("POST", f"{path}/take", {}, cookie=bill.cookie).is_success
        assert arena.anna.confirm(reply).state == "waiting"
        assert bill.confirm(reply).outcome == "done"
        told = str(reply.again().receipt)
        assert "act.performed" in told
        assert "confirmation.taken" not in told
