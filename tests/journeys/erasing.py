"""Erasing at a desk that keeps its data in a folder."""

from typing import Any, cast

from contracts.store_plugs import NOW, mandate, new, person, task
from journeys.kept_desk import START, ask, confirmation, note_about
from remit.domain.records import (
    AskState,
    ConfirmationRecord,
    ConfirmationState,
    DeskMessage,
    OfferRecord,
    PasskeyRecord,
    PersonRecord,
    Proposal,
    TaskState,
)
from remit.domain.transcript.entry import Section
from remit.domain.values import Instant
from remit.engine.context import DeskContext
from remit.engine.transcript.erase import ERASURES, Erasure
from remit.engine.transcript.record import open_entry
from remit.usecases.people.dual_control import ProposedChange, change_of, propose_change, settle_proposal

DAY_S = 86_400


ANN = person("ann", kind="officer", key="ann", roles=("admin",))


BOB = person("bob", kind="officer", key="bob", roles=("security",))


TWIN = person("twin", kind="officer", key="ann", roles=("admin",))


CLERK = person("clerk", kind="officer", key="clerk", roles=("billing",))


SELF = person("self", kind="officer", key="c1", roles=("admin",))


GONE = Instant(START + 40 * DAY_S * 1000)


async def fill(desk: DeskContext) -> None:
    closed = confirmation("con", "ask1")
    await desk.store.commit(new(person("c1"), person("c2"), ANN, BOB, TWIN, CLERK, SELF))
    await desk.store.commit(
        new(
            mandate(state="revoked", wire='{"summary":"my private story"}', evidence='{"e":1}'),
            task(state=TaskState.ENDED),
            ask("ask1", AskState.DONE, params='{"order_id":"W123"}', words="private words", result='{"order.status":"lost"}', reserved=()),
            ConfirmationRecord(**{name: getattr(closed, name) for name in closed.__slots__} | {"state": ConfirmationState.ANSWERED}),
            DeskMessage(id="msg", task="t1", n=1, at=NOW, kind="reply", text="private reply"),
            OfferRecord(
                id="off",
                case="case1",
                task="t1",
                action="offer.take",
                terms='{"amount":"1.00 EUR"}',
                digest="d",
                by="o",
                at=NOW,
                expires_at=NOW,
            ),
            PasskeyRecord(id="key", person="c1", public_key="k", sign_count=0, how="vouched", label="l", created_at=NOW),
        )
    )
    for number in range(3):
        await note_about(desk, "c1", f"private note {number}")
    await note_about(desk, "c2", "somebody else's")


def keeping(desk: DeskContext, retention_s: int) -> DeskContext:
    cast("Any", desk.terms).retention_s = retention_s
    return desk


async def propose_erasure(desk: DeskContext, *, customer: str, reason: str, by: PersonRecord, retention_s: int) -> Proposal:
    return await propose_change(keeping(desk, retention_s), by, ProposedChange(what="erase", name=customer, reason=reason))


async def erase(desk: DeskContext, *, proposal: str, by: PersonRecord, retention_s: int) -> Erasure:
    made = await settle_proposal(keeping(desk, retention_s), by, proposal, agree=True)
    newest = (await desk.store.entries(ref=ERASURES, limit=1, newest=True))[0]
    envelope: Any = (await open_entry(desk, newest.row)).sections[Section.ENVELOPE].body
    return Erasure(customer=change_of(made).name, keys=len(envelope["keys"]), records=envelope["records"])


async def erased(desk: DeskContext) -> Any:
    made = await propose_erasure(desk, customer="c1", reason="asked to be forgotten", by=ANN, retention_s=30 * DAY_S)
    return await erase(desk, proposal=made.id, by=BOB, retention_s=30 * DAY_S)


async def contents(desk: DeskContext, customer: str) -> list[Any]:
    return [(await open_entry(desk, one.row)).sections.get(Section.CUSTOMER) for one in await desk.store.entries(ref=customer)]
