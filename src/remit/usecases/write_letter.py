"""Writing the letter of a recorded notice: of an invitation it tells what still waits at the moment it leaves."""

from typing import Final

from remit.domain.catalogue import Area, Catalogue
from remit.domain.errors import Refused
from remit.domain.notice_words import FOOT, Waiting, Words, customer_words, gathered_words, officer_words
from remit.domain.records import AgentRecord, AskRecord, ConfirmationRecord, ConfirmationState, NoticeRecord, Person, TaskRecord
from remit.domain.speech import Speech, marked
from remit.domain.values import Instant
from remit.ports.notify import Letter
from remit.ports.store import Missing
from remit.usecases.parts import Parts

_NO_AGENT: Final = marked("an agent")


async def write_letter(parts: Parts, notice: NoticeRecord) -> Letter | None:
    """The letter, or None when nothing of what it would tell waits any more.

    ⚔ Only `/confirm/{id}`, `/desk` and `/me` are named, none of which does anything by being opened; there is no code in it.

    Raises:
        Fault: `fault.store`.
    """
    reader = await _reader(parts, notice.to)
    spoken = parts.catalogue.said_in("" if reader is None else reader.language)
    if not notice.about:
        return _letter(notice, notice.address, Words(subject=notice.subject, text=notice.text), notice.page, spoken.say)
    open_ones = [one for confirmation in notice.about if (one := await _waiting(parts, confirmation)) is not None]
    if not open_ones:
        return None
    address = "" if reader is None else reader.email
    first = open_ones[0]
    if len(open_ones) > 1:
        words = gathered_words(parts.catalogue.desk, len(open_ones), min(one.due for one in open_ones), spoken.say)
        return _letter(notice, address, words, f"{parts.terms.issuer}/desk", spoken.say)
    # After its due time a role is not asked any more: others are, and it has ended for this officer.
    said = await _said(parts, first, spoken, until=first.expires_at if notice.to == first.customer else first.due)
    words = (customer_words if notice.to == first.customer else officer_words)(parts.catalogue.desk, said, spoken.say)
    return _letter(notice, address, words, f"{parts.terms.issuer}/confirm/{first.id}", spoken.say)


def _letter(notice: NoticeRecord, address: str, words: Words, page: str, say: Speech) -> Letter:
    return Letter(
        id=notice.id,
        at=notice.at,
        person=notice.to,
        address=address,
        subject=words.subject,
        text=words.text,
        page=page,
        foot=say(FOOT),
        language=say.language,
    )


async def _waiting(parts: Parts, confirmation_id: str) -> ConfirmationRecord | None:
    try:
        found = (await parts.store.get(ConfirmationRecord, confirmation_id)).record
    except Missing:
        return None
    return found if found.state is ConfirmationState.WAITING else None


async def _reader(parts: Parts, person: str) -> Person | None:
    try:
        return (await parts.store.get(Person, person)).record
    except Missing:
        return None


async def _said(parts: Parts, confirmation: ConfirmationRecord, spoken: Catalogue, *, until: Instant) -> Waiting:
    """What may be said of an invitation: nothing of what the agent wrote, no record, no amount."""
    task = (await parts.store.get(TaskRecord, confirmation.task)).record
    ask = (await parts.store.get(AskRecord, confirmation.ask)).record
    try:
        agent = (await parts.store.get(AgentRecord, task.client_id)).record.name
    except Missing:
        agent = spoken.say(_NO_AGENT)
    try:
        objective = spoken.objective(task.objective).title
        area = parts.catalogue.action(ask.action).area
    except Refused:  # the catalogue names it no more
        objective, area = task.objective, Area.ROUTINE
    return Waiting(agent=agent, operator=task.operator, objective=objective, area=area, until=until)
