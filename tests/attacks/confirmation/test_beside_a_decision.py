"""What stands beside an officer's decision: the customer's facts, for the role that is asked; and many are only declined."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pytest

from attacks.arena import Arena, open_arena, refund
from attacks.escalated import RULE, asked, desk
from remit.client.errors import Refused
from remit.domain.policy.decision import RecordFacts
from remit.domain.records import AskRecord
from remit.domain.structs import replace
from remit.domain.values import Json, JsonObject
from remit.ports.backoffice import ActOutcome, ActResult
from remit.sandbox import SandboxPerson, SandboxReply
from remit.usecases.desk.record_facts import facts_for_officer


class Talkative:
    """A backoffice that answers whoever asks for whatever, and remembers what it was asked."""

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.asked: list[tuple[str, str]] = []

    async def facts(self, records: Sequence[tuple[str, str]], *, customer: str) -> Sequence[RecordFacts | None]:
        self.asked.append(("facts", customer))
        owners = frozenset({self.owner})
        return [RecordFacts(id=one, owners=owners, relation="owner", as_of=0, version="1", name="Kettle") for _, one in records]

    async def read(self, action: str, params: Mapping[str, Json], *, customer: str) -> ActResult:
        self.asked.append((f"{action} {params}", customer))
        return ActResult(
            state=ActOutcome.DONE,
            values={
                "order.status": "delivered",
                "order.total": "99.00 EUR",
                "order.shipping_address": "Lindenweg 4",
                "contact.phone": "+49 40 1",
            },
        )

    async def attributes(
        self, customer: str, names: Sequence[str], *, beside: Mapping[str, Collection[str]] | None = None
    ) -> Mapping[str, Json]:
        del beside
        self.asked.append(("attributes", customer))
        return dict.fromkeys(names, f"{customer}'s")


def facts(arena: Arena, reply: SandboxReply, backoffice: Talkative, *, shown: tuple[str, ...] | None = None) -> JsonObject:
    """The facts beside an ask, where the backoffice keeps nothing back."""
    ask = arena.run(arena.context.store.get(AskRecord, reply.ask)).record
    context, catalogue = arena.context, arena.context.catalogue
    action = replace(catalogue.action("payment.refund"), shown_to_officers=shown)
    catalogue = replace(catalogue, actions={**catalogue.actions, "payment.refund": action})
    return arena.run(facts_for_officer(replace(context, backoffice=backoffice, catalogue=catalogue), ask, "return-item"))


def about(person: SandboxPerson, reply: SandboxReply) -> Any:  # JSON
    row = next(one for one in person.waiting() if one["ask"] == reply.ask)
    return person.get(f"/desk/v1/confirmations/{row['confirmation']}/about")


@pytest.mark.proves("CONFIRM-BESIDE")
def test_facts_beside_a_decision_are_never_of_another_customers_record() -> None:
    with open_arena(**desk(RULE)) as arena:
        _, reply = asked(arena)
        foreign, own = Talkative("bram"), Talkative("anna")
        told = facts(arena, reply, foreign)
        assert [(one["missing"], one["values"], one["name"]) for one in told["records"]] == [(True, [], "W1"), (True, [], "pm_1")]  # type: ignore[union-attr,index,call-overload]
        assert foreign.asked == [("facts", "anna")], "nothing was read of a record that is not the customer's"
        assert "99.00 EUR" in str(facts(arena, reply, own))


@pytest.mark.proves("CONFIRM-BESIDE")
def test_facts_beside_a_decision_are_the_customers_and_no_more_than_is_listed() -> None:
    with open_arena(**desk(RULE)) as arena:
        _, reply = asked(arena)
        backoffice = Talkative("anna")
        told = facts(arena, reply, backoffice, shown=("order.total", "account.state"))
        assert {customer for _, customer in backoffice.asked} == {"anna"}
        assert "delivered" not in str(told)
        assert "+49 40 1" not in str(told)
        assert "anna's" in str(told["customer"])
        unlisted = str(facts(arena, reply, Talkative("anna")))
        assert "99.00 EUR" in unlisted
        for sensitive in ("+49 40 1", "Lindenweg 4"):
            assert sensitive not in unlisted, "nothing sensitive that is not listed"


@pytest.mark.proves("CONFIRM-BESIDE")
def test_what_stands_beside_a_decision_is_for_its_role_alone_and_for_no_agent() -> None:
    with open_arena(**desk(RULE)) as arena:
        task, reply = asked(arena)
        olga, sam = arena.desk.officer("olga", ["billing"]), arena.desk.officer("sam", ["security"])
        confirmation = olga.waiting()[0]["confirmation"]
        olga.post(f"/desk/v1/cases/{task.case}/notes", {"text": "She is a good customer."})
        assert "She is a good customer." in str(about(olga, reply))
        for other in (sam, arena.anna):
            with pytest.raises(Refused) as refused:
                other.get(f"/desk/v1/confirmations/{confirmation}/about")
            assert refused.value.code in {"confirmation.wrong_person", "person.not_allowed"}
        page = arena.room.raw("GET", f"/confirm/{confirmation}", cookie=sam.cookie, check=False)
        assert (page.status_code, "She is a good customer." in page.text) == (403, False)
        arena.anna.confirm(reply)
        olga.confirm(reply)
        seen = f"{reply.again()} {arena.anna.get('/me/v1/history')}"
        assert "She is a good customer." not in seen
        assert "Facts now" not in arena.room.raw("GET", "/me", cookie=arena.anna.cookie).text


@pytest.mark.proves("CONFIRM-MANY")
def test_several_at_once_are_declined_and_never_agreed_to() -> None:
    with open_arena(**desk({**RULE, "at_least": "5.00 EUR"})) as arena:
        task, first = asked(arena, refund("20.00 EUR"))
        second = task.ask("payment.refund", refund("10.00 EUR"))
        olga = arena.desk.officer("olga", ["billing"])
        rows = olga.waiting()
        signed = olga.passkey.get(olga.get(f"/desk/v1/confirmations/{rows[0]['confirmation']}")["options"])
        both = [one["confirmation"] for one in rows]
        for more in ({"answer": "yes"}, {"answer": "yes", "assertion": signed}, {"said": "yes"}):
            with pytest.raises(Refused) as refused:
                olga.post("/desk/v1/decline", {"confirmations": both, **more})
            assert refused.value.code == "request.malformed"
        assert first.again().needs_human
        assert [one["state"] for one in olga.post("/desk/v1/decline", {"confirmations": both})["results"]] == ["declined"] * 2
        assert {one["envelope"]["answer"] for one in arena.entries("confirmation.answered")} == {"no"}
        assert second.again().codes == ("confirmation.declined",)
        assert arena.performed("payment.refund") == []


@pytest.mark.proves("CONFIRM-MANY")
def test_several_at_once_are_each_checked_like_one() -> None:
    with open_arena(**desk(RULE)) as arena:
        _, reply = asked(arena)
        olga, sam = arena.desk.officer("olga", ["billing"]), arena.desk.officer("sam", ["security"])
        confirmation = olga.waiting()[0]["confirmation"]
        (result,) = sam.post("/desk/v1/decline", {"confirmations": [confirmation]})["results"]
        assert result["code"] == "confirmation.wrong_person"
        with pytest.raises(Refused) as refused:
            arena.anna.post("/desk/v1/decline", {"confirmations": [confirmation]})
        assert refused.value.code == "person.not_allowed"
        assert reply.again().needs_human
