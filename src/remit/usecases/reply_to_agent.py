"""Staff actions in an agent's case: replies, offers, internal notes and closing.

Only Remit sends public text into an agent's case, and only after its disclosure check.
"""

from collections.abc import Sequence
from typing import Final

from remit.domain.catalogue.model import OFFER_PARAMS, Action
from remit.domain.confirm.offers import largest_terms, single_use_scope, verify_offer_allowed, verify_terms_complete
from remit.domain.errors import Code, Fault, Refused
from remit.domain.i18n import marked
from remit.domain.ids import new_id
from remit.domain.records import (
    ActRecord,
    DeskMessage,
    EndReason,
    OfferRecord,
    PersonRecord,
    TaskState,
)
from remit.domain.secrets.find import find_secrets
from remit.domain.secrets.outbound import WithheldSpan, texts_in
from remit.domain.secrets.own_credentials import flatten_text
from remit.domain.structs import replace, struct
from remit.domain.transcript.entry import EntryDraft, Kind
from remit.domain.values import Instant, JsonObject, instant_text, parse_stored_object
from remit.engine.ask.authorization_state import AuthorizationState
from remit.engine.ask.outbox import dispatch_act
from remit.engine.context import DeskContext
from remit.engine.helpdesk_writes import helpdesk_note
from remit.engine.leaks.scan_staff_text import scan_staff_text
from remit.engine.outbound.check import (
    CheckedText,
    TextWithheld,
    case_tasks,
    check_outbound_text,
    load_listening_task,
    verify_text,
)
from remit.engine.outbound.override import Override, offered_override, verify_reason
from remit.engine.tasks import end_task, next_message
from remit.engine.transcript.record import draft_entry, keyed_digest, seal_entries
from remit.engine.words.check import free_texts
from remit.ports.store import Commit, Conflict, LimitReached, Precondition, Put, Reserve
from remit.proof.canonical import b64url, canonical, digest
from remit.usecases.desk.mentions import record_mentions
from remit.usecases.override_reply import overridden_reply, verified_override

_TRIES: Final = 8
_DAY_MS: Final = 86_400_000
_MADE: Final = "made"
_MAX_OFFERS: Final = 100
_TOO_MANY: Final = marked("This case already has too many offers.")
_MAX_OFFER_S: Final = 30 * 24 * 3600
_SAYS_TOO_MUCH: Final = marked("The terms contain details that can't be shared with this agent.")


@struct(frozen=True)
class DraftReply:
    """A reply that stands in the helpdesk already: the turn that takes it up once, and the note that it was sent."""

    turn: Reserve
    sent: str


async def reply_to_agent(
    desk: DeskContext,
    officer: PersonRecord,
    case: str,
    text: str,
    *,
    withhold: bool,
    draft: DraftReply | None = None,
    override: Override | None = None,
) -> DeskMessage:
    """Send an officer's text to the agent of a case, and note it in the case.

    With `withhold`, undisclosable parts are removed; without, a text that holds any is not sent, unless an `override`
    of exactly this check counts.

    Raises:
        Withheld: `reply.withheld` with the places.
        Refused: as `check_reply`; the state's own codes; `request.malformed`, `words.secret`, `person.not_allowed` for
            an override.
        Fault: `fault.case`, `fault.backoffice`, `fault.store`: nothing is then sent.
    """
    verify_text(text)
    if override is not None:
        if withhold:
            raise Refused(Code.REQUEST_MALFORMED, "either withhold or override")
        override = replace(override, reason=verify_reason(override.reason))
    written = text if override is None else f"{text}\n{override.reason}"
    await scan_staff_text(desk, case, written, where="reply", by=officer)
    for _ in range(_TRIES):
        state = await load_listening_task(desk, case)
        checked = await check_outbound_text(desk, state, text)
        standing = None
        if checked.held and override is not None:
            standing = await verified_override(desk, state, officer, text, checked, override)
        if checked.held and not withhold and standing is None:
            raise TextWithheld(checked, override=offered_override(desk, officer, text, checked))
        reply = _Reply(text, "" if override is None else override.reason, standing, draft)
        try:
            return await _send(desk, state, officer, checked, reply)
        except Conflict:
            continue
        except LimitReached:
            if draft is not None:
                raise  # another node took the draft up
    raise Refused(Code.TASK_BUSY, "the case kept changing", retry_after_s=1)


@struct(frozen=True)
class _Reply:
    """A reply as written, the reason of its override, its precondition (None: there is none), and its draft."""

    text: str
    reason: str
    standing: Precondition | None
    draft: DraftReply | None


async def _send(
    desk: DeskContext, state: AuthorizationState, officer: PersonRecord, checked: CheckedText, reply: _Reply
) -> DeskMessage:
    """Record a reply with its note, and deliver it.

    Raises:
        Conflict, LimitReached: something moved meanwhile.
    """
    draft, whole = reply.draft, reply.standing is not None
    text, held = (reply.text, ()) if whole else (checked.left, checked.held)
    message = await next_message(
        desk, state, kind="reply", text=text, held=held, overridden=checked.overridable if whole else ()
    )
    task = state.task.record
    note = (
        helpdesk_note(desk, task=task.id, case=task.case, author=f"officer:{officer.id}", public=True, text=text)
        if draft is None
        else helpdesk_note(desk, task=task.id, case=task.case, text=draft.sent)
    )
    entries = [_sent(desk, state, officer, message, whole=_whole(reply.text, held))]
    writes = _Writes((Put(message, 0), Put(note, 0)), () if draft is None else (draft.turn,), ())
    if reply.standing is not None:
        more = await overridden_reply(desk, state, officer, message, reason=reply.reason, standing=reply.standing)
        entries.append(more.entry)
        writes = _Writes((*writes.puts, *more.puts), (*writes.reserves, *more.reserves), more.preconditions)
    await _commit(desk, state, entries, writes)
    await _deliver(desk, state, note)
    return message


@struct(frozen=True, kw_only=True)
class WantedOffer:
    """An offer to make: its life in seconds, and the open offer it is an alternative to ("" for none)."""

    action: str
    terms: JsonObject
    ttl_s: int
    instead_of: str = ""


async def make_offer(desk: DeskContext, officer: PersonRecord, case: str, wanted: WantedOffer) -> OfferRecord:
    """Offer typed terms in a case; acceptance refers to the offer's id and digest, never to prose.

    Raises:
        Refused: `offer.unknown`, `offer.expired` for one that this cannot be an alternative to; `action.unknown`, `params.invalid` for terms that do not fit or lack one, `person.not_allowed` in one's
            own case or beyond what one's roles may offer, `reply.withheld` for an undisclosable text in the terms,
            `request.malformed`; the state's own codes.
        Fault: as `reply_to_agent`.

    Source: docs/model/model.md#offers.
    """
    action, terms = wanted.action, wanted.terms
    await scan_staff_text(desk, case, flatten_text(terms), where="offer", by=officer)
    found = desk.catalogue.action(action)
    _verify_offerable(found, terms, wanted.ttl_s)
    for _ in range(_TRIES):
        state = await load_listening_task(desk, case)
        if state.customer.record.key == officer.key:
            raise Refused(Code.PERSON_NOT_ALLOWED, "an officer makes no offer in their own case")
        now = desk.world.now()
        caps = await _offer_caps(desk, officer, found, case, wanted.instead_of)
        offer = OfferRecord(
            id=new_id("off", desk.world.random(16)),
            case=case,
            task=state.task.record.id,
            action=action,
            terms=canonical(terms).decode(),
            digest=digest(terms),
            by=officer.id,
            at=now,
            expires_at=Instant(now + wanted.ttl_s * 1000),
            choice=caps.choice,
        )
        desk.params.verify(action, {**terms, "offer_id": offer.id, "digest": offer.digest})
        verify_terms_complete(found, terms)
        verify_offer_allowed(desk.catalogue, officer.roles, found, terms, beside=caps.beside)
        if await _tells_too_much(desk, state, found, terms):
            # ⚔ The agent reads the terms like any other text of an officer.
            raise Refused(
                Code.REPLY_WITHHELD, "a text in the terms says what the agent may not be told", public=_SAYS_TOO_MUCH
            )
        shown: JsonObject = {
            "offer_id": offer.id,
            "digest": offer.digest,
            "action": action,
            "terms": terms,
            "expires_at": instant_text(offer.expires_at),
            **({"choice": offer.choice} if offer.choice else {}),
        }
        message = await next_message(desk, state, kind="offer", text="", offer=canonical(shown).decode())
        try:
            entry = _offered(desk, state, officer, offer, shown)
            await _commit(desk, state, (entry,), _Writes((Put(offer, 0), Put(message, 0)), caps.reserves, ()))
        except (Conflict, LimitReached):
            continue
        desk.notify.wake(f"task:{offer.task}")
        return offer
    raise Refused(Code.TASK_BUSY, "the case kept changing", retry_after_s=1)


async def _tells_too_much(desk: DeskContext, state: AuthorizationState, action: Action, terms: JsonObject) -> bool:
    """Return whether terms say what the agent may not be told: in their texts, or by naming another customer or a record of one.

    ⚔ Typed terms are the officer's to choose, but not whose they are.
    """
    texts, typed = "\n".join(free_texts(action, terms)), "\n".join(texts_in(terms))
    if (await check_outbound_text(desk, state, texts)).held:
        return True
    return any(span.why == "other" for span in (await check_outbound_text(desk, state, typed)).held)


@struct(frozen=True, kw_only=True)
class _OfferCaps:
    """The terms of a case's other offers that count against the limit, and the turns that keep both caps exact.

    `choice` is that of the offer to be made.
    """

    beside: tuple[JsonObject, ...]
    reserves: tuple[Reserve, ...]
    choice: str


async def _offer_caps(
    desk: DeskContext, officer: PersonRecord, action: Action, case: str, instead_of: str
) -> _OfferCaps:
    """Return what a case's other offers of an action can cost together, and the officer's turn of the day.

    Of alternatives one can be accepted: the largest counts, and they are one of the day's offers.
    ⚔ Offers made at once do not see each other: each takes the next turn of its case, and the loser counts again.

    Raises:
        Refused: `person.not_allowed` when the officer has made the day's offers; `offer.unknown`, `offer.expired`.

    Source: docs/model/model.md#offers.
    """
    now = desk.world.now()
    of_case, of_day = f"offers of {case}", f"offers by {officer.key} on {now // _DAY_MS}"
    turn = (await desk.store.counters(of_case)).get(_MADE, 0)
    if not instead_of and (await desk.store.counters(of_day)).get(_MADE, 0) >= desk.terms.offers_per_day:
        public = f"You have made {desk.terms.offers_per_day} offers today, the most there are. Ask a colleague."
        raise Refused(Code.PERSON_NOT_ALLOWED, "the day's offers are made", public=public)
    made = [kept.record for kept in await desk.store.find(OfferRecord, "offer.case", case, limit=_MAX_OFFERS)]
    if len(made) >= _MAX_OFFERS:
        raise Refused(Code.PERSON_NOT_ALLOWED, "the case's offers are made", public=_TOO_MANY)
    beside, choice = _takeable([one for one in made if one.action == action.name], action, now, instead_of)
    of_days = () if instead_of else (Reserve(of_day, _MADE, 1, desk.terms.offers_per_day),)
    return _OfferCaps(beside=beside, reserves=(Reserve(of_case, _MADE, 1, turn + 1), *of_days), choice=choice)


def _takeable(
    made: Sequence[OfferRecord], action: Action, now: Instant, instead_of: str
) -> tuple[tuple[JsonObject, ...], str]:
    """Return the terms that can be accepted, or were, beside a new offer, and the new offer's choice."""
    used = {single_use_scope(one) for one in made if one.used}
    standing: dict[str, list[JsonObject]] = {}
    chosen = ""
    for one in made:
        if one.used or (now < one.expires_at and single_use_scope(one) not in used):
            standing.setdefault(single_use_scope(one), []).append(parse_stored_object(one.terms))
        if one.id == instead_of:
            chosen = one.choice or one.id
    if instead_of:
        if not chosen:
            raise Refused(Code.OFFER_UNKNOWN, "no offer of this case and action to choose instead of")
        if f"offer {chosen}" in used or f"offer {chosen}" not in standing:
            raise Refused(Code.OFFER_EXPIRED, "what it would be an alternative to was accepted or has expired")
        del standing[f"offer {chosen}"]
    return tuple(terms for several in standing.values() for terms in largest_terms(action, several)), chosen


def _verify_offerable(action: Action, terms: JsonObject, ttl_s: int) -> None:
    if not action.takes_offer:
        raise Refused(
            Code.REQUEST_MALFORMED, "not an action that accepts an offer", public=f"'{action.name}' accepts no offers."
        )
    if not terms or OFFER_PARAMS & terms.keys():
        public = marked("Enter the terms of the offer.")
        raise Refused(Code.REQUEST_MALFORMED, "terms are the params besides offer_id and digest", public=public)
    if not 0 < ttl_s <= _MAX_OFFER_S:
        public = marked("An offer is valid for at most 30 days.")
        raise Refused(Code.REQUEST_MALFORMED, "an offer stands for at most 30 days", public=public)


async def note_internally(desk: DeskContext, officer: PersonRecord, case: str, text: str) -> None:
    """Add an internal note to a case, unseen by agents and free of secrets; a colleague named with `@` is told.

    Raises:
        Refused: `request.not_found`, `words.secret`, `request.malformed`.
        Fault: `fault.case`.
    """
    verify_text(text)
    await scan_staff_text(desk, case, text, where="note", by=officer)
    if find_secrets(text):
        raise Refused(Code.WORDS_SECRET, "the note carries a secret")
    key = f"note_{b64url(desk.world.random(16))}"
    await desk.helpdesk.note(case=case, key=key, author=f"officer:{officer.id}", public=False, text=text)
    await record_mentions(desk, officer, text, case=case)


async def close_case(desk: DeskContext, case: str) -> tuple[str, ...]:
    """Close a case: its tasks end first, so that nothing acts in between.

    Raises:
        Refused: `request.not_found`.
        Fault: `fault.case`: the tasks have ended, the case is still open; closing it again is harmless.
    """
    ended: list[str] = []
    for task in await case_tasks(desk, case):
        if task.state is not TaskState.ENDED:
            await end_task(desk, task.id, EndReason.CASE_CLOSED)
            ended.append(task.id)
    await desk.helpdesk.close(case=case, key=f"close_{case}")
    return tuple(ended)


def _whole(text: str, held: Sequence[WithheldSpan]) -> str:
    """Return the record's version of an edited text: whole if only this customer's own values were removed.

    ⚔ A code, a reset link or another customer's address would stay on this customer's record for good, beyond the reach
    of that other one's erasure.
    """
    if not held:
        return ""
    own = all(one.why == "attribute" for one in held) and not find_secrets(
        text
    )  # the wider place stands for those inside
    return text if own else "(removed: it contains a secret)"


def _sent(
    desk: DeskContext, state: AuthorizationState, officer: PersonRecord, message: DeskMessage, *, whole: str
) -> EntryDraft:
    task = state.task.record
    return draft_entry(
        desk,
        Kind.REPLY_SENT,
        envelope={
            "task": task.id,
            "case": task.case,
            "message": message.n,
            "digest": keyed_digest(desk, message.text),
            "withheld": message.withheld,
            "kinds": list(message.kinds),
        },
        agent={"text": message.text},
        customer={"text": message.text},
        desk={"by": officer.id, "text": message.text, "whole": whole},
        subject=task.customer,
        refs=(task.id, task.case, task.customer),
    )


def _offered(
    desk: DeskContext, state: AuthorizationState, officer: PersonRecord, offer: OfferRecord, shown: JsonObject
) -> EntryDraft:
    task = state.task.record
    return draft_entry(
        desk,
        Kind.OFFER_MADE,
        envelope={
            "task": task.id,
            "case": task.case,
            "offer": offer.id,
            "action": offer.action,
            "digest": keyed_digest(desk, offer.digest),
        },
        agent={"offer": shown},
        customer={"offer": shown},
        desk={"by": officer.id, "offer": shown},
        subject=task.customer,
        refs=(offer.id, task.id, task.case, task.customer),
    )


@struct(frozen=True)
class _Writes:
    """Writes of the same commit as entries."""

    puts: tuple[Put, ...]
    reserves: tuple[Reserve, ...]
    preconditions: tuple[Precondition, ...]


async def _commit(desk: DeskContext, state: AuthorizationState, entries: Sequence[EntryDraft], writes: _Writes) -> None:
    written = await seal_entries(desk, *entries)
    await desk.store.commit(
        Commit(
            preconditions=(*state.preconditions, *writes.preconditions),
            puts=writes.puts,
            reserves=writes.reserves,
            entries=written.rows,
        )
    )


async def _deliver(desk: DeskContext, state: AuthorizationState, note: ActRecord) -> None:
    """Wake waiting readers, and write the note now or leave it in the outbox."""
    desk.notify.wake(f"task:{state.task.record.id}")
    try:
        await dispatch_act(desk, note.id)
    except Fault:
        return
