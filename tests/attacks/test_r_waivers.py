"""Nobody confirms under a waiver they wrote, however its owner is spelled and whichever account they use."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from attacks.arena import Arena, catalogue, code_of, open_arena, refund
from remit.adapters.policy.cedar import CedarPolicy
from remit.domain.errors import Refused
from remit.domain.records import PersonRecord, RulesRecord
from remit.domain.values import Instant
from remit.engine.confirm.invite import WHAT
from remit.ports.store import Commit, Put
from remit.sandbox import SandboxPerson, SandboxReply
from remit.usecases.people.enrol import add_person
from remit.usecases.policy.adopt import approve_rules, propose_rules, tighten_rules

ALL = '@id("all")\npermit (principal, action, resource);\n'


def needing(who: str) -> str:
    """Policies under which a refund needs somebody, waiver or not."""
    return f"""{ALL}@id("looked-at")
forbid (principal, action == Action::"payment.refund", resource) unless {{ context.confirmed_by.contains("{who}") }};
"""


def rules(owner: str | None) -> dict[str, Any]:
    """The pack's catalogue with one waiver (or none), and refunds as a first step."""
    waiver = {"action": "payment.refund", "limit": {"amount": {"max": "10.00 EUR"}}, "reason": "goodwill", "owner": owner}
    changed = {**catalogue(), "waiver": [] if owner is None else [{**waiver, "ends": date(2099, 1, 1)}]}
    changed["objective"]["return-item"].pop("after", None)
    return changed


def asked(arena: Arena) -> SandboxReply:
    """A small refund that waits for whom the policy wants, under the waiver."""
    reply = arena.task().ask("payment.refund", refund("9.00 EUR"))
    assert reply.needs_human
    assert arena.recorded("ask.decided", ask=reply.ask)["envelope"]["waiver"] == 0
    return reply


def yes(arena: Arena, person: SandboxPerson, reply: SandboxReply) -> str:
    """The code of this person's signed yes."""
    path = f"{person.base}/confirmations/{person.invitation(reply)}"
    signed = {"answer": "yes", "assertion": person.passkey.get({"challenge": "AAAA"})}
    told = code_of(arena.person("GET", path, cookie=person.cookie)), code_of(arena.person("POST", path, signed, cookie=person.cookie))
    assert len(set(told)) == 1 or told[0] == ""
    return told[0]


OWNERS = ["olga", "OLGA", "Olga  Frey", "olga-frey", "Olga@Desk.Example", "head of support (Olga Frey)", "Ann, Olga Frey and others"]


@pytest.mark.proves("WAIVER-OWN")
@pytest.mark.parametrize("owner", OWNERS)
def test_who_wrote_a_waiver_confirms_nothing_under_it_however_they_are_spelled(owner: str) -> None:
    with open_arena(catalogue=rules(owner), policies=needing("officer:billing")) as arena:
        reply = asked(arena)
        olga = arena.desk.officer("olga", roles=["billing"], name="Olga Frey", email="olga@desk.example")
        with arena.unchanged():
            assert yes(arena, olga, reply) == "confirmation.wrong_person"
        assert arena.desk.officer("otto", roles=["billing"]).confirm(reply).outcome == "done"


@pytest.mark.proves("WAIVER-OWN")
@pytest.mark.parametrize("owner", ["officer:billing", "Billing", "billing officer", "care / billing"])
def test_a_waiver_of_a_role_bars_everybody_who_has_it(owner: str) -> None:
    with open_arena(catalogue=rules(owner), policies=needing("officer:billing")) as arena:
        reply = asked(arena)
        for name in ("olga", "otto"):
            assert yes(arena, arena.desk.officer(name, roles=["billing"]), reply) == "confirmation.wrong_person"
        assert arena.performed() == []


@pytest.mark.proves("WAIVER-OWN")
def test_another_account_of_the_same_person_is_barred_too() -> None:
    with open_arena(catalogue=rules("frey2"), policies=needing("officer:billing")) as arena:
        reply = asked(arena)
        again = PersonRecord(id="frey2", kind="officer", key="olga", name="O. F.", email="", roles=("billing",), created_at=Instant(1))
        arena.run(add_person(arena.context, again))
        for name in ("frey2", "olga"):
            assert yes(arena, arena.desk.officer(name, roles=["billing"]), reply) == "confirmation.wrong_person"


@pytest.mark.proves("WAIVER-OWN")
def test_who_proposed_the_rules_is_barred_whatever_they_wrote_as_owner() -> None:
    with open_arena(catalogue=rules("the whole team"), policies=needing("officer:billing")) as arena:
        olga, otto = (arena.desk.officer(name, roles=["billing"]) for name in ("olga", "otto"))
        adopted = RulesRecord(id=WHAT, digest=arena.context.rules_digest, at=Instant(1), by="olga, otto")
        arena.run(arena.context.store.commit(Commit(puts=(Put(adopted, 0),))))
        reply = asked(arena)
        assert yes(arena, olga, reply) == "confirmation.wrong_person"
        assert otto.confirm(reply).outcome == "done"


@pytest.mark.proves("WAIVER-OWN")
def test_who_proposed_a_waiver_is_barred_after_the_rules_were_tightened_too() -> None:
    policies = needing("officer:billing")
    stop = '@id("stop") forbid (principal, action == Action::"order.cancel", resource);'
    with open_arena(catalogue=rules("the whole team"), policies=policies) as arena:
        parts = arena.context
        olga, otto = (arena.desk.officer(name, roles=["billing", "admin"]) for name in ("olga", "otto"))
        arena.run(propose_rules(parts, admin="olga", seat="here"))
        arena.run(approve_rules(parts, admin="otto", seat="here"))
        arena.run(propose_rules(replace(parts, rules_digest="sha-256:other"), admin="olga", seat="here"))
        tighter = CedarPolicy([("rules.cedar", policies + stop)], parts.catalogue)
        object.__setattr__(parts, "policy", tighter)
        object.__setattr__(parts, "rules_digest", "sha-256:tighter")
        object.__setattr__(parts, "rules_outline", replace(parts.rules_outline, forbids=frozenset({"sha-256:stop"})))
        assert arena.run(tighten_rules(parts, admin="olga", seat="here")).changed
        reply = asked(arena)
        assert yes(arena, olga, reply) == "confirmation.wrong_person"
        assert otto.confirm(reply).outcome == "done"
        # What was proposed against the rules of before cannot bring them back by one more yes.
        with pytest.raises(Refused):
            arena.run(approve_rules(replace(parts, rules_digest="sha-256:other"), admin="otto", seat="here"))


@pytest.mark.proves("WAIVER-OWN")
def test_a_customer_who_wrote_it_does_not_confirm_either() -> None:
    with open_arena(catalogue=rules("Anna"), policies=needing("customer")) as arena:
        assert yes(arena, arena.anna, asked(arena)) == "confirmation.wrong_person"


@pytest.mark.proves("WAIVER-OWN")
def test_an_ask_that_falls_under_it_only_when_it_is_confirmed_is_not_done(tmp_path: Path) -> None:
    policies = needing("officer:billing")
    with open_arena(catalogue=rules(None), policies=policies, store=tmp_path) as arena:
        reply = arena.task().ask("payment.refund", refund("9.00 EUR"))
        assert set(reply.who) == {"customer", "officer:billing"}
        assert arena.anna.confirm(reply).needs_human
        olga = arena.desk.officer("olga", roles=["billing"])
        path = f"/desk/v1/confirmations/{olga.invitation(reply)}"
    with open_arena(catalogue=rules("olga"), policies=policies, store=tmp_path) as arena:
        shown = arena.person("GET", path, cookie=olga.cookie).json()
        answer = {"answer": "yes", "assertion": olga.passkey.get(shown["options"])}
        with arena.unchanged():
            assert code_of(arena.person("POST", path, answer, cookie=olga.cookie)) == "confirmation.wrong_person"
