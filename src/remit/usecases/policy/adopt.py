"""Taking new rules into force: one digest, one entry, and two people wherever the desk can be reached from outside.

What the rules are is in `wiring` and `domain`; here stands only whose yes they need.
"""

from dataclasses import dataclass
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.ids import new_id
from remit.domain.policy.rules_outline import only_tightens, read_outline
from remit.domain.records import PersonRecord, Proposal, RulesRecord
from remit.domain.transcript.entry import Kind
from remit.domain.values import Instant, decode_json
from remit.engine.confirm.invite import WHAT
from remit.engine.context import DeskContext
from remit.engine.transcript.record import draft_entry, seal_entries
from remit.ports.store import Commit, Conflict, Drop, Versioned, RecordMissing, Put
from remit.proof.canonical import canonical

ADMIN: Final = "admin"
NEEDED: Final = 2
_AND: Final = ", "
_TWO_APPROVE: Final = (
    "Let two admins approve them: `remit policy propose --as ID`, then `remit policy approve --as OTHER-ID`."
)
_LIFE_MS: Final = 24 * 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesInForce:
    """The digest that is served, and whether it came into force just now."""

    digest: str
    changed: bool
    before: str


async def verify_rules(parts: DeskContext, *, by: str) -> RulesInForce:
    """Return the rules a desk may serve: on loopback what it was started with, elsewhere what two people approved.

    Raises:
        Refused: `settings.invalid` when they differ from the last policy.changed entry, or two admins are missing.

    Source: docs/model/model.md#rule-digest, #two-people.
    """
    kept = await _rules(parts)
    before = "" if kept is None else kept.record.digest
    if parts.terms.loopback:
        if before == parts.rules_digest:
            return RulesInForce(digest=before, changed=False, before=before)
        return await _adopt(parts, kept, by=(by,))
    admins = {one.record.key for one in await parts.store.find(PersonRecord, "person.role", ADMIN, limit=100)}
    if len(admins) < NEEDED:
        raise Refused(
            Code.SETTINGS_INVALID,
            f"a desk that can be reached from outside needs two admins; this one has {len(admins)}",
            cure="Add one: `remit person add ID --kind officer --role admin`.",
        )
    if kept is None or not _serves(parts, kept.record):
        raise Refused(
            Code.SETTINGS_INVALID,
            "catalogue, policies or settings are not those of the last policy.changed entry that two people approved, and a desk that can "
            "be reached from outside serves no others",
            cure=f"{_TWO_APPROVE} One is enough where they only tighten: `remit policy tighten --as ID`.",
        )
    return RulesInForce(digest=before, changed=False, before=before)


async def propose_rules(parts: DeskContext, *, admin: str, seat: str) -> Proposal:
    """Propose the rules this process was started with. `seat` says from where, for the record.

    Raises:
        Refused: `person.not_allowed` for anybody but an admin, `request.conflict` when they are in force already.
    """
    person = await _admin(parts, admin)
    kept = await _rules(parts)
    if kept is not None and _serves(parts, kept.record):
        raise _in_force_already()
    now = parts.world.now()
    proposal = Proposal(
        id=new_id("pro", parts.world.random(16)),
        what=WHAT,
        payload=canonical({"name": WHAT, "to": parts.rules_digest, "reason": seat}).decode(),
        by=person.id,
        by_key=person.key,
        at=now,
        expires_at=Instant(now + _LIFE_MS),
    )
    await parts.store.commit(Commit(puts=(Put(proposal, 0),)))
    return proposal


async def approve_rules(parts: DeskContext, *, admin: str, seat: str) -> RulesInForce:
    """Approve the newest proposal of exactly the rules this process was started with, as a second person.

    ⚔ The digest is compared again: rules that were changed after the proposal are other rules. Two accounts of one
    person are one person.

    Raises:
        Refused: `person.not_allowed`, or `request.not_found` when nobody else proposed these rules within a day.
    """
    person = await _admin(parts, admin)
    now = parts.world.now()
    own = False
    for found in await _proposed(parts):
        proposal = found.record
        if now >= proposal.expires_at or _digest(proposal) != parts.rules_digest:
            continue
        if proposal.by_key == person.key:
            own = True
            continue
        return await _adopt(parts, await _rules(parts), by=(proposal.by, person.id), seat=seat, people=NEEDED)
    if own:
        cure = "Let the other one run `remit policy approve --as OTHER-ID`."
        raise Refused(
            Code.PERSON_NOT_ALLOWED, f"{person.id} proposed these rules; another admin must approve them", cure=cure
        )
    raise Refused(
        Code.REQUEST_NOT_FOUND,
        "nobody proposed exactly these rules within the last day",
        cure="Let another admin propose them as they stand in the files now: `remit policy propose --as ID`.",
    )


async def tighten_rules(parts: DeskContext, *, admin: str, seat: str) -> RulesInForce:
    """Take the rules this process was started with into force as one person, where they only tighten those in force.

    Raises:
        Refused: `person.not_allowed` for anybody but an admin, and where they may also loosen something; `request.conflict`
            when they are in force already.

    Source: docs/model/model.md#rule-digest.
    """
    person = await _admin(parts, admin)
    kept = await _rules(parts)
    if kept is not None and kept.record.digest == parts.rules_digest:
        raise _in_force_already()
    if kept is None or not _approved(kept.record) or not _tightens(parts, kept.record):
        raise Refused(
            Code.PERSON_NOT_ALLOWED,
            "these rules do more than add policies that forbid whoever has confirmed",
            cure=_TWO_APPROVE,
        )
    # Whoever brought in what these rules add to is told as before: their waivers stay theirs.
    return await _adopt(parts, kept, by=(person.id,), seat=seat, people=1, above=tuple(kept.record.by.split(_AND)))


def _in_force_already() -> Refused:
    return Refused(Code.REQUEST_CONFLICT, "these rules are in force already", cure="Nothing needs to be done.")


def _serves(parts: DeskContext, rules: RulesRecord) -> bool:
    """Whether what this process was started with may be served to the outside."""
    return rules.digest == parts.rules_digest and _approved(rules)


def _approved(rules: RulesRecord) -> bool:
    """Whether two people brought these rules, or those that they only tighten, into force: on loopback nobody is asked."""
    return len(rules.by.split(_AND)) >= NEEDED


def _tightens(parts: DeskContext, before: RulesRecord) -> bool:
    """⚔ What is compared is kept with the rules in force: files that were changed in between prove nothing."""
    known = read_outline(before.outline)
    return known is not None and only_tightens(known, parts.rules_outline)


async def _adopt(
    parts: DeskContext,
    kept: Versioned[RulesRecord] | None,
    *,
    by: tuple[str, ...],
    seat: str = "",
    people: int = 0,
    above: tuple[str, ...] = (),
) -> RulesInForce:
    before = "" if kept is None else kept.record.digest
    written = await seal_entries(
        parts,
        draft_entry(
            parts,
            Kind.POLICY_CHANGED,
            envelope={"digest": parts.rules_digest, "before": before, "people": people},
            desk={
                "by": list(by),
                "seat": seat,
                "catalogue": parts.catalogue.digest,
                "policies": parts.policy.digest,
                "waivers": len(parts.catalogue.waivers),
            },
            refs=(WHAT,),
        ),
    )
    rules = RulesRecord(
        id=WHAT,
        digest=parts.rules_digest,
        at=parts.world.now(),
        by=_AND.join((*above, *by)),
        outline=parts.rules_outline.text(),
    )
    put = Put(rules, 0) if kept is None else Put(rules, kept.rev, kept.record)
    # ⚔ What was proposed against the rules of before is no proposal against these.
    drops = tuple(Drop(one.record, one.rev) for one in await _proposed(parts))
    try:
        await parts.store.commit(Commit(puts=(put,), drops=drops, entries=written.rows))
    except Conflict:
        raise Refused(Code.TASK_BUSY, "the rules changed meanwhile; try again", retry_after_s=1) from None
    return RulesInForce(digest=parts.rules_digest, changed=True, before=before)


async def _proposed(parts: DeskContext) -> list[Versioned[Proposal]]:
    """What is proposed of rules, newest first."""
    found = await parts.store.find(Proposal, "proposal.open", "", limit=1000, newest=True)
    return [one for one in found if one.record.what == WHAT]


async def _rules(parts: DeskContext) -> Versioned[RulesRecord] | None:
    try:
        return await parts.store.get(RulesRecord, WHAT)
    except RecordMissing:
        return None


async def _admin(parts: DeskContext, person_id: str) -> PersonRecord:
    try:
        person = (await parts.store.get(PersonRecord, person_id)).record
    except RecordMissing:
        raise Refused(Code.PERSON_NOT_ALLOWED, f"there is no {person_id}") from None
    if ADMIN not in person.roles:
        raise Refused(Code.PERSON_NOT_ALLOWED, f"{person_id} is no admin")
    return person


def _digest(proposal: Proposal) -> str:
    payload = decode_json(proposal.payload.encode())
    return str(payload.get("to", "")) if isinstance(payload, dict) else ""
