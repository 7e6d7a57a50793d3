"""Accepting an offer: the terms that the desk recorded, once, while whoever made it may still make it.

Source: docs/model/model.md#offers.
"""

from collections.abc import Collection, Mapping

from remit.domain.catalogue import OFFER_PARAMS, Action, PowerKind
from remit.domain.errors import Code, Fault, Refused
from remit.domain.offers import verify_offered
from remit.domain.records import OfferRecord, Person, Reserved
from remit.domain.values import JsonObject, decode, same
from remit.ports.store import Expect, Missing
from remit.usecases.parts import Parts
from remit.usecases.standing import Standing
from remit.usecases.verify_officer import desk_officer


async def with_terms(
    parts: Parts, standing: Standing, action: Action, params: JsonObject, held: Collection[Reserved]
) -> tuple[JsonObject, list[tuple[Reserved, int | None]], tuple[Expect, ...]]:
    """For an accepted offer, the mandate's tests apply to the terms the desk recorded, never to prose. It can be used once.

    `held` is what this very ask has reserved before. Returns the params with the terms, the offer's one use, and whom
    the record must find as they are now.

    Raises:
        Refused: `offer.unknown`, `offer.expired`.
    """
    offer_id = params.get("offer_id")
    if action.power is not PowerKind.ACCEPT or not isinstance(offer_id, str):
        return params, [], ()
    use = Reserved(scope=f"offer {offer_id}", key="used", amount=1)
    try:
        offer = (await parts.store.get(OfferRecord, offer_id)).record
    except Missing:
        raise Refused(Code.OFFER_UNKNOWN, "no such offer") from None
    if offer.case != standing.task.record.case or offer.action != action.name or offer.digest != params.get("digest"):
        raise Refused(Code.OFFER_UNKNOWN, "another case's offer, another action, or other terms")
    taken = (await parts.store.counters(use.scope)).get(use.key, 0) - (use in held)
    if taken or parts.world.now() >= offer.expires_at:
        raise Refused(Code.OFFER_EXPIRED, "the offer was used or has expired")
    terms = decode(offer.terms.encode())
    if not isinstance(terms, Mapping):
        raise Fault(Code.FAULT_STORE, "an offer's terms are damaged")
    expects = await _verify_still_made(parts, offer, action, terms)
    # ⚔ Nor does the agent add terms of its own: they were within nobody's limit, and the offer's digest says nothing of them.
    if params.keys() - OFFER_PARAMS - terms.keys() or any(
        name in params and not same(params[name], value) for name, value in terms.items()
    ):
        raise Refused(Code.OFFER_UNKNOWN, "the params say other terms than the offer")
    return {**params, **terms}, [(use, 1)], expects


async def _verify_still_made(parts: Parts, offer: OfferRecord, action: Action, terms: JsonObject) -> tuple[Expect, ...]:
    """Check that whoever made an offer may still make it, and say so for the record to compare.

    ⚔ What somebody offered counts for nothing once their role is gone, also when it goes between this and the record.

    Raises:
        Refused: `offer.expired`.
    """
    try:
        kept = await parts.store.get(Person, offer.by)
    except Missing:
        raise _gone("whoever made the offer is not known any more") from None
    try:
        officer = desk_officer(parts, kept.record)
        verify_offered(parts.catalogue, officer.roles, action, terms)
    except Refused as refused:
        raise _gone(refused.detail) from None
    return (Expect(Person.KIND, officer.id, kept.rev),)


def _gone(detail: str) -> Refused:
    return Refused(Code.OFFER_EXPIRED, detail, public="The offer stands no more.")
