"""Whether anything may be issued under a mandate now: a token, a task, a branch; and what the commit that issues it must compare."""

from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.mandate.grant import verify_current
from remit.domain.mandate.narrow import verify_handed_on
from remit.domain.records import MandateRecord, Person
from remit.domain.values import Instant
from remit.engine.ask.authorization_state import (
    NEVER,
    actor_expects,
    mandate_of,
    rules_expected,
    suspension_expects,
    verify_actors,
)
from remit.engine.context import Parts
from remit.ports.store import Expect, Kept, Missing

MOST_ACTORS: Final = 5


async def verify_may_issue(
    parts: Parts, kept: Kept[MandateRecord], now: Instant, *, further: int = 0
) -> tuple[Expect, ...]:
    """Check that something may be issued under a mandate, and return what must still stand when it is.

    ⚔ What is issued while something it stands on is stopped would live on when that is resumed: a task opened meanwhile
    never ended. ⚔ No chain has more than five actors, the `further` ones counted in; none is ever cut short instead.

    Raises:
        Refused: `mandate.expired`; `mandate.inactive`, also where the customer has taken back that it is handed on, and while
            its customer or objective is suspended or the customer's mandates are paused; `agent.suspended` for anybody of the chain up to the root; `request.malformed` for a chain
            that would be too long.

    Source: docs/model/standards.md#issuance, #depth; docs/decisions/0018-five-actors.md.
    """
    rules = await rules_expected(parts)
    mandate = kept.record
    chain = [kept, *await _above(parts, mandate)]
    if len(chain) + further > MOST_ACTORS:
        raise Refused(
            Code.REQUEST_MALFORMED,
            "the actor chain would be too long",
            public=f"A token names at most {MOST_ACTORS} actors; this would be one more.",
            public_cure="Act under the mandate yourself, or have it handed on by an agent nearer to its root.",
        )
    expects = [Expect("mandate", one.record.id, one.rev) for one in chain]
    for one in chain:
        expects.extend(await actor_expects(parts, one.record.client_id, one.record.operator))
    verify_actors(expects, client_id=mandate.client_id, operator=mandate.operator)
    for one in chain[1:]:
        _verify_live(one.record, now)
    verify_usable(parts, mandate, now)
    if len(chain) > 1:
        verify_handed_on([(one.record.operator, mandate_of(parts.catalogue, one.record)) for one in chain])
    for name in (f"customer:{mandate.customer}", f"objective:{mandate.objective}"):
        expects.extend(await suspension_expects(parts, name))
    if any(one.rev == NEVER for one in expects):
        raise Refused(Code.MANDATE_INACTIVE, "the customer or objective is suspended")
    customer = await parts.store.get(Person, mandate.customer)
    if customer.record.paused:
        raise Refused(
            Code.MANDATE_INACTIVE,
            "the customer's mandates are paused",
            public="The customer's mandates are paused at the moment.",
        )
    return (rules, *expects, Expect("person", customer.record.id, customer.rev))


def verify_usable(parts: Parts, mandate: MandateRecord, now: Instant) -> None:
    """Check that a mandate, taken by itself, can be used now.

    Raises:
        Refused: `mandate.expired`, `mandate.inactive`.
    """
    _verify_live(mandate, now)
    mandate_of(parts.catalogue, mandate)
    verify_current(mandate.action_digests, parts.catalogue)


def _verify_live(mandate: MandateRecord, now: Instant) -> None:
    # ⚔ Tokens count in seconds: none is issued in a mandate's last one, or it would outlive it.
    if mandate.state == "expired" or now // 1000 >= mandate.expires_at // 1000:
        raise Refused(Code.MANDATE_EXPIRED, "the mandate has expired")
    if mandate.state != "active":
        raise Refused(Code.MANDATE_INACTIVE, f"the mandate is {mandate.state}")


async def _above(parts: Parts, mandate: MandateRecord) -> list[Kept[MandateRecord]]:
    """The mandates that one was cut from, nearest first.

    Raises:
        Refused: `mandate.inactive` when one is gone.
    """
    chain: list[Kept[MandateRecord]] = []
    while mandate.parent:
        try:
            chain.append(await parts.store.get(MandateRecord, mandate.parent))
        except Missing:
            raise Refused(Code.MANDATE_INACTIVE, "a mandate above is gone") from None
        mandate = chain[-1].record
    return chain
