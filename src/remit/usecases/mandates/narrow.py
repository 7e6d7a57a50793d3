"""Narrowing of a live mandate by its customer, without a new consent."""

from remit.domain.errors import Code, Refused
from remit.domain.mandate.narrow import verify_narrows
from remit.domain.mandate.parse import read_mandate, wire_mandate
from remit.domain.records import MandateRecord, PersonRecord
from remit.domain.structs import replace
from remit.domain.transcript.entry import Kind
from remit.domain.transcript.pseudonyms import limits_digest
from remit.domain.values import JsonObject, instant_text
from remit.engine.ask.authorization_state import mandate_of, rules_precondition
from remit.engine.context import DeskContext
from remit.engine.transcript.record import prepare_entry, pseudonym
from remit.ports.store import Commit, Conflict, Put, RecordMissing
from remit.proof.canonical import canonical


async def narrow_mandate(desk: DeskContext, mandate_id: str, person: PersonRecord, wire: JsonObject) -> MandateRecord:
    """Replace one's own active mandate by a narrower one; each power keeps its counters and place in the root grant.

    Raises:
        Refused: `mandate.unknown`, `mandate.inactive`, `mandate.invalid` when it would widen anything.

    Source: docs/model/model.md#narrowing.
    """
    rules = await rules_precondition(desk)
    try:
        kept = await desk.store.get(MandateRecord, mandate_id)
    except RecordMissing:
        raise Refused(Code.MANDATE_UNKNOWN, "no such mandate") from None
    old = kept.record
    if old.customer != person.id:
        raise Refused(Code.MANDATE_UNKNOWN, "another customer's mandate")
    if old.state != "active":
        raise Refused(Code.MANDATE_INACTIVE, f"the mandate is {old.state}")
    before = mandate_of(desk.catalogue, old)
    if "expires_at" not in wire:
        wire = {**wire, "expires_at": instant_text(before.expires_at)}
    after = read_mandate(wire, desk.catalogue, now=desk.world.now())
    places = verify_narrows(after, before)
    roots = tuple(old.power_roots[place] if old.power_roots else place for place in places)
    new = replace(
        old,
        version=old.version + 1,
        wire=canonical(wire_mandate(after)).decode(),
        expires_at=after.expires_at,
        max_tasks=after.max_tasks,
        power_roots=roots,
    )
    written = await prepare_entry(
        desk,
        Kind.MANDATE_NARROWED,
        envelope={
            "mandate": old.id,
            "version": new.version,
            "customer": pseudonym(desk, person.id),
            "limits": limits_digest(desk.signer.keyed, new),
        },
        agent={"mandate": wire_mandate(after)},
        customer={"mandate": wire_mandate(after)},
        subject=person.id,
        refs=(old.id, person.id, old.client_id),
    )
    try:
        await desk.store.commit(Commit(preconditions=(rules,), puts=(Put(new, kept.rev, old),), entries=written.rows))
    except Conflict:
        raise Refused(Code.TASK_BUSY, "the mandate changed meanwhile", retry_after_s=1) from None
    return new
