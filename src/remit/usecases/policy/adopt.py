"""Adoption of rules: one digest, one entry, and two people wherever the desk is reachable from outside."""

from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.ids import new_id
from remit.domain.policy.rules_outline import only_tightens, read_outline
from remit.domain.records import PersonRecord, Proposal, RulesRecord
from remit.domain.structs import struct
from remit.domain.transcript.entry import Kind
from remit.domain.values import Instant, decode_json
from remit.engine.confirm.invite import WHAT
from remit.engine.context import DeskContext
from remit.engine.transcript.record import prepare_entry
from remit.ports.store import Commit, Conflict, Drop, Put, RecordMissing, Versioned
from remit.proof.canonical import canonical

ADMIN: Final = "admin"
NEEDED: Final = 2
_AND: Final = ", "
_TWO_APPROVE: Final = (
    "Let two admins approve them: `remit policy propose --as ID`, then `remit policy approve --as OTHER-ID`."
)
_LIFE_MS: Final = 24 * 3_600_000


@struct(frozen=True, kw_only=True)
class RulesInForce:
    """The served digest, and whether it came into force just now."""

    digest: str
    changed: bool
    before: str


async def verify_rules(desk: DeskContext, *, by: str) -> RulesInForce:
    """Return the rules a desk may serve: its own on loopback, elsewhere those two people approved.

    Raises:
        Refused: `settings.invalid` when they differ from the last policy.changed entry, or two admins are missing.

    Source: docs/model/model.md#rule-digest, #two-people.
    """
    kept = await _rules(desk)
    before = "" if kept is None else kept.record.digest
    if desk.terms.loopback:
        if before == desk.rules_digest:
            return RulesInForce(digest=before, changed=False, before=before)
        return await _adopt(desk, kept, by=(by,))
    admins = {one.record.key for one in await desk.store.find(PersonRecord, "person.role", ADMIN, limit=100)}
    if len(admins) < NEEDED:
        raise Refused(
            Code.SETTINGS_INVALID,
            f"a server that can be reached from outside needs two admins; this one has {len(admins)}",
            cure="Add one: `remit person add ID --kind officer --role admin`.",
        )
    if kept is None or not _serves(desk, kept.record):
        raise Refused(
            Code.SETTINGS_INVALID,
            "catalogue, policies or settings are not those of the last policy.changed entry that two people approved, and a desk that can "
            "be reached from outside serves no others",
            cure=f"{_TWO_APPROVE} One is enough where they only tighten: `remit policy tighten --as ID`.",
        )
    return RulesInForce(digest=before, changed=False, before=before)


async def propose_rules(desk: DeskContext, *, admin: str, seat: str) -> Proposal:
    """Propose the rules this process was started with; `seat` is the place of origin, for the record.

    Raises:
        Refused: `person.not_allowed` for anyone but an admin, `request.conflict` when they are in force already.
    """
    person = await _admin(desk, admin)
    kept = await _rules(desk)
    if kept is not None and _serves(desk, kept.record):
        raise _in_force_already()
    now = desk.world.now()
    proposal = Proposal(
        id=new_id("pro", desk.world.random(16)),
        what=WHAT,
        payload=canonical({"name": WHAT, "to": desk.rules_digest, "reason": seat}).decode(),
        by=person.id,
        by_key=person.key,
        at=now,
        expires_at=Instant(now + _LIFE_MS),
    )
    await desk.store.commit(Commit(puts=(Put(proposal, 0),)))
    return proposal


async def approve_rules(desk: DeskContext, *, admin: str, seat: str) -> RulesInForce:
    """Approve the newest proposal of exactly this process's rules, as a second person.

    ⚔ The digest is compared again: rules changed after the proposal are other rules. Two accounts of one person are one
    person.

    Raises:
        Refused: `person.not_allowed`, or `request.not_found` when no other person proposed these rules within a day.
    """
    person = await _admin(desk, admin)
    now = desk.world.now()
    own = False
    for found in await _proposed(desk):
        proposal = found.record
        if now >= proposal.expires_at or _digest(proposal) != desk.rules_digest:
            continue
        if proposal.by_key == person.key:
            own = True
            continue
        return await _adopt(desk, await _rules(desk), by=(proposal.by, person.id), seat=seat, people=NEEDED)
    if own:
        cure = "Let the other one run `remit policy approve --as OTHER-ID`."
        raise Refused(
            Code.PERSON_NOT_ALLOWED, f"{person.id} proposed these rules; another admin must approve them", cure=cure
        )
    raise Refused(
        Code.REQUEST_NOT_FOUND,
        "no one proposed exactly these rules within the last day",
        cure="Let another admin propose them as the files are now: `remit policy propose --as ID`.",
    )


async def tighten_rules(desk: DeskContext, *, admin: str, seat: str) -> RulesInForce:
    """Adopt this process's rules as one person, where they only tighten those in force.

    Raises:
        Refused: `person.not_allowed` for anyone but an admin, and where they may also loosen something;
            `request.conflict` when they are in force already.

    Source: docs/model/model.md#rule-digest.
    """
    person = await _admin(desk, admin)
    kept = await _rules(desk)
    if kept is not None and kept.record.digest == desk.rules_digest:
        raise _in_force_already()
    if kept is None or not _approved(kept.record) or not _tightens(desk, kept.record):
        raise Refused(Code.PERSON_NOT_ALLOWED, "these rules do more than add policies that forbid", cure=_TWO_APPROVE)
    # The former rules' authors stay recorded: their waivers stay theirs.
    return await _adopt(desk, kept, by=(person.id,), seat=seat, people=1, above=tuple(kept.record.by.split(_AND)))


def _in_force_already() -> Refused:
    return Refused(Code.REQUEST_CONFLICT, "these rules are in force already", cure="Nothing needs to be done.")


def _serves(desk: DeskContext, rules: RulesRecord) -> bool:
    """Return whether this process's rules may be served to the outside."""
    return rules.digest == desk.rules_digest and _approved(rules)


def _approved(rules: RulesRecord) -> bool:
    """Return whether two people adopted these rules, or those they only tighten; on loopback none is asked."""
    return len(rules.by.split(_AND)) >= NEEDED


def _tightens(desk: DeskContext, before: RulesRecord) -> bool:
    """⚔ Compare with the rules stored in force: files changed in between prove nothing."""
    known = read_outline(before.outline)
    return known is not None and only_tightens(known, desk.rules_outline)


async def _adopt(
    desk: DeskContext,
    kept: Versioned[RulesRecord] | None,
    *,
    by: tuple[str, ...],
    seat: str = "",
    people: int = 0,
    above: tuple[str, ...] = (),
) -> RulesInForce:
    before = "" if kept is None else kept.record.digest
    written = await prepare_entry(
        desk,
        Kind.POLICY_CHANGED,
        envelope={"digest": desk.rules_digest, "before": before, "people": people},
        desk={
            "by": list(by),
            "seat": seat,
            "catalogue": desk.catalogue.digest,
            "policies": desk.policy.digest,
            "waivers": len(desk.catalogue.waivers),
            "words_model": desk.rules_outline.words_model,
        },
        refs=(WHAT,),
    )
    rules = RulesRecord(
        id=WHAT,
        digest=desk.rules_digest,
        at=desk.world.now(),
        by=_AND.join((*above, *by)),
        outline=desk.rules_outline.text(),
    )
    put = Put(rules, 0) if kept is None else Put(rules, kept.rev, kept.record)
    # ⚔ A proposal against the former rules is no proposal against these.
    drops = tuple(Drop(one.record, one.rev) for one in await _proposed(desk))
    try:
        await desk.store.commit(Commit(puts=(put,), drops=drops, entries=written.rows))
    except Conflict:
        raise Refused(Code.TASK_BUSY, "the rules changed meanwhile; try again", retry_after_s=1) from None
    return RulesInForce(digest=desk.rules_digest, changed=True, before=before)


async def _proposed(desk: DeskContext) -> list[Versioned[Proposal]]:
    """Return pending rules proposals, newest first."""
    found = await desk.store.find(Proposal, "proposal.open", "", limit=1000, newest=True)
    return [one for one in found if one.record.what == WHAT]


async def _rules(desk: DeskContext) -> Versioned[RulesRecord] | None:
    try:
        return await desk.store.get(RulesRecord, WHAT)
    except RecordMissing:
        return None


async def _admin(desk: DeskContext, person_id: str) -> PersonRecord:
    try:
        person = (await desk.store.get(PersonRecord, person_id)).record
    except RecordMissing:
        raise Refused(Code.PERSON_NOT_ALLOWED, f"there is no {person_id}") from None
    if ADMIN not in person.roles:
        raise Refused(Code.PERSON_NOT_ALLOWED, f"{person_id} is no admin")
    return person


def _digest(proposal: Proposal) -> str:
    payload = decode_json(proposal.payload.encode())
    return str(payload.get("to", "")) if isinstance(payload, dict) else ""
