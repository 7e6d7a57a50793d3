"""Whether a token, task or sub-mandate may be issued under a mandate, and the preconditions of issuing."""

from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.mandate.grant import verify_current
from remit.domain.mandate.narrow import verify_delegation_chain
from remit.domain.records import MandateRecord, PersonRecord
from remit.domain.structs import replace, struct
from remit.domain.values import Instant
from remit.engine.ask.authorization_state import (
    NEVER,
    actor_preconditions,
    mandate_of,
    rules_precondition,
    suspension_precondition,
    verify_actors,
)
from remit.engine.cache import BoundedCache
from remit.engine.context import DeskContext
from remit.engine.mandates.signed import verify_consent
from remit.ports.store import Precondition, RecordMissing, Versioned

MAX_ACTORS: Final = 5
_KEPT: Final = 512
"""Mandates cached at least."""


@struct(frozen=True)
class _Judged:
    """A root mandate that was found issuable, and all else that it was judged by; valid while none of it changed.

    Its count of tasks is left out: it changes with each task, and nothing here depends on it.
    """

    mandate: MandateRecord
    stood_on: tuple[Precondition, ...]


_judged: Final[BoundedCache[tuple[str, str], _Judged]] = BoundedCache(_KEPT)


def clear_judged_mandates() -> None:
    """Clear the cached mandates: erased content must not stay in memory."""
    _judged.clear()


async def verify_issuable(
    desk: DeskContext, kept: Versioned[MandateRecord], now: Instant, *, further: int = 0
) -> tuple[Precondition, ...]:
    """Verify that something may be issued under a mandate, and return the preconditions of issuing it.

    ⚔ Anything issued during a suspension would live on when that is lifted: a task opened meanwhile would never end. ⚔
    No chain has more than five actors, including the `further` ones; none is ever truncated.

    Raises:
        Refused: `mandate.expired`; `mandate.inactive`, also where the customer has taken back that it is handed on, and
            while its customer or objective is suspended or the customer's mandates are paused; `agent.suspended` for
            anybody of the chain up to the root; `request.malformed` for a chain that would be too long.

    Source: docs/model/standards.md#issuance, #depth; docs/decisions/0018-five-actors.md.
    """
    mandate, own = replace(kept.record, tasks=0), Precondition("mandate", kept.record.id, kept.rev)
    known = _judged.get((desk.rules_digest, mandate.id))
    if known is not None and known.mandate == mandate and await desk.store.unchanged(known.stood_on):
        _verify_live(mandate, now)
        return (*known.stood_on, own)
    preconditions = await _judge(desk, kept, now, further)
    if not mandate.parent:  # actors above a sub-mandate may change on their own; the `further` ones fit below a root
        stood_on = tuple([one for one in preconditions if one != own])
        _judged.put((desk.rules_digest, mandate.id), _Judged(mandate, stood_on))
    return preconditions


async def _judge(
    desk: DeskContext, kept: Versioned[MandateRecord], now: Instant, further: int
) -> tuple[Precondition, ...]:
    """Judge a mandate by all it stands on, and return that as preconditions."""
    rules = await rules_precondition(desk)
    mandate = kept.record
    chain = [kept, *await _above(desk, mandate)]
    if len(chain) + further > MAX_ACTORS:
        raise Refused(
            Code.REQUEST_MALFORMED,
            "the actor chain would be too long",
            public=f"A token names at most {MAX_ACTORS} actors; this would be one too many.",
            public_cure="Act under the mandate yourself, or have an agent nearer to its root pass it on.",
        )
    preconditions = [Precondition("mandate", one.record.id, one.rev) for one in chain]
    for one in chain:
        preconditions.extend(await actor_preconditions(desk, one.record.client_id, one.record.operator))
    verify_actors(preconditions, client_id=mandate.client_id, operator=mandate.operator)
    for one in chain[1:]:
        _verify_live(one.record, now)
    verify_usable(desk, mandate, now)
    for one in chain:
        await verify_consent(desk, one.record)
    if len(chain) > 1:
        verify_delegation_chain([(one.record.operator, mandate_of(desk.catalogue, one.record)) for one in chain])
    for name in (f"customer:{mandate.customer}", f"objective:{mandate.objective}"):
        preconditions.extend(await suspension_precondition(desk, name))
    if NEVER in [one.rev for one in preconditions]:
        raise Refused(Code.MANDATE_INACTIVE, "the customer or objective is suspended")
    customer = await desk.store.get(PersonRecord, mandate.customer)
    if customer.record.paused:
        public = "The customer's mandates are paused."
        raise Refused(Code.MANDATE_INACTIVE, "the customer's mandates are paused", public=public)
    return (rules, *preconditions, Precondition("person", customer.record.id, customer.rev))


def verify_usable(desk: DeskContext, mandate: MandateRecord, now: Instant) -> None:
    """Verify that a mandate, taken by itself, can be used now.

    Raises:
        Refused: `mandate.expired`, `mandate.inactive`.
    """
    _verify_live(mandate, now)
    mandate_of(desk.catalogue, mandate)
    verify_current(mandate.action_digests, desk.catalogue)


def _verify_live(mandate: MandateRecord, now: Instant) -> None:
    # ⚔ Tokens count in seconds: one issued in a mandate's last second would outlive it.
    if mandate.state == "expired" or now // 1000 >= mandate.expires_at // 1000:
        raise Refused(Code.MANDATE_EXPIRED, "the mandate has expired")
    if mandate.state != "active":
        raise Refused(Code.MANDATE_INACTIVE, f"the mandate is {mandate.state}")


async def _above(desk: DeskContext, mandate: MandateRecord) -> list[Versioned[MandateRecord]]:
    """Return the ancestors of a mandate, nearest first."""
    chain: list[Versioned[MandateRecord]] = []
    while mandate.parent:
        try:
            chain.append(await desk.store.get(MandateRecord, mandate.parent))
        except RecordMissing:
            raise Refused(Code.MANDATE_INACTIVE, "a mandate above is gone") from None
        mandate = chain[-1].record
    return chain
