"""Notices and their letters: an invitation's letter lists only confirmations that still wait."""

from collections.abc import Iterable
from typing import Final

from remit.domain.catalogue.model import CUSTOMER, Area, Catalogue
from remit.domain.confirm.notice import (
    FOOT,
    NoticeText,
    WaitingInvitation,
    customer_notice,
    digest_notice,
    officer_notice,
)
from remit.domain.errors import Fault, Refused
from remit.domain.i18n import Translator, marked
from remit.domain.ids import new_id
from remit.domain.policy.confirmers import OFFICER, YOUNG_MS
from remit.domain.records import (
    AgentRecord,
    AskRecord,
    ConfirmationRecord,
    ConfirmationState,
    NoticeRecord,
    NoticeStage,
    PersonRecord,
    TaskRecord,
)
from remit.domain.structs import struct
from remit.domain.values import Instant
from remit.engine.context import DeskContext
from remit.ports.notify import Letter
from remit.ports.store import Commit, Put, RecordMissing

_NO_AGENT: Final = marked("an agent")


async def write_letter(desk: DeskContext, notice: NoticeRecord) -> Letter | None:
    """Write a letter, or None when nothing it would tell waits any more.

    ⚔ It links only to `/confirm/{id}`, `/desk` and `/me`, which do nothing by being opened; it carries no code.

    Raises:
        Fault: `fault.store`.
    """
    reader = await _reader(desk, notice.to)
    spoken = desk.catalogue.in_language("" if reader is None else reader.language)
    if not notice.about:
        return _letter(
            notice, notice.address, NoticeText(subject=notice.subject, text=notice.text), notice.page, spoken.say
        )
    open_ones = [one for confirmation in notice.about if (one := await _waiting(desk, confirmation)) is not None]
    if not open_ones:
        return None
    address = "" if reader is None else reader.email
    first = open_ones[0]
    if len(open_ones) > 1:
        words = digest_notice(desk.catalogue.desk, len(open_ones), min(one.due for one in open_ones), spoken.say)
        return _letter(notice, address, words, f"{desk.terms.issuer}/desk", spoken.say)
    # After its due time another group is asked, and it has ended for this officer.
    said = await _said(desk, first, spoken, until=first.expires_at if notice.to == first.customer else first.due)
    words = (customer_notice if notice.to == first.customer else officer_notice)(desk.catalogue.desk, said, spoken.say)
    return _letter(notice, address, words, f"{desk.terms.issuer}/confirm/{first.id}", spoken.say)


def _letter(notice: NoticeRecord, address: str, words: NoticeText, page: str, say: Translator) -> Letter:
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


async def _waiting(desk: DeskContext, confirmation_id: str) -> ConfirmationRecord | None:
    try:
        found = (await desk.store.get(ConfirmationRecord, confirmation_id)).record
    except RecordMissing:
        return None
    return found if found.state is ConfirmationState.WAITING else None


async def _reader(desk: DeskContext, person: str) -> PersonRecord | None:
    try:
        return (await desk.store.get(PersonRecord, person)).record
    except RecordMissing:
        return None


async def _said(
    desk: DeskContext, confirmation: ConfirmationRecord, spoken: Catalogue, *, until: Instant
) -> WaitingInvitation:
    """Return an invitation's disclosable facts: no agent text, no record, no amount."""
    task = (await desk.store.get(TaskRecord, confirmation.task)).record
    ask = (await desk.store.get(AskRecord, confirmation.ask)).record
    try:
        agent = (await desk.store.get(AgentRecord, task.client_id)).record.name
    except RecordMissing:
        agent = spoken.say(_NO_AGENT)
    try:
        objective = spoken.objective(task.objective).title
        area = desk.catalogue.action(ask.action).area
    except Refused:  # gone from the catalogue
        objective, area = task.objective, Area.ROUTINE
    return WaitingInvitation(agent=agent, operator=task.operator, objective=objective, area=area, until=until)


_KEPT_MS: Final = 3 * 24 * 3600 * 1000
"""Time limit for sending a notice without an expiry."""


@struct(frozen=True, kw_only=True)
class _LoggedNotice:
    """A notice for the log."""

    person: str
    address: str
    subject: str
    text: str
    page: str


@struct(frozen=True, kw_only=True)
class _LoggedInvitation:
    """A notice of an invitation for the log, written once the invitation and its ask are recorded."""

    invitation: ConfirmationRecord
    who: str


@struct(frozen=True, kw_only=True)
class Notices:
    """The notices of one change: `puts` join its commit, `recorded` follows it."""

    puts: tuple[Put, ...] = ()
    lines: tuple[_LoggedNotice | _LoggedInvitation, ...] = ()

    def __add__(self, more: "Notices") -> "Notices":
        """Return these notices and more."""
        return Notices(puts=self.puts + more.puts, lines=self.lines + more.lines)

    async def log_unsent(self, desk: DeskContext) -> None:
        """Log the log-only notices once the change is recorded."""
        for each in self.lines:
            line = await _logged_invitation(desk, each) if isinstance(each, _LoggedInvitation) else each
            await desk.notify.tell(
                person=line.person, address=line.address, subject=line.subject, text=line.text, page=line.page
            )


async def notify_access_change(desk: DeskContext, person: PersonRecord, *, subject: str, text: str) -> None:
    """Notify a person at once of a recorded change to their own access.

    Raises:
        Fault: `fault.store` when the notice cannot be recorded; it is then not sent.
    """
    notices = access_notices(desk, person, subject=subject, text=text)
    if notices.puts:
        await desk.store.commit(Commit(puts=notices.puts))
    await notices.log_unsent(desk)


def access_notices(desk: DeskContext, person: PersonRecord, *, subject: str, text: str) -> Notices:
    """Return the notices of a change to a person's own access.

    ⚔ After moving the address, an attacker taking over the account would otherwise be the only one notified.

    Source: docs/model/model.md#passkeys.
    """
    return notices_for(desk, person, notice_addresses(desk, person), subject=subject, text=text)


def notices_for(desk: DeskContext, person: PersonRecord, at: Iterable[str], *, subject: str, text: str) -> Notices:
    """Return a person's notices at the given addresses, in their language; `subject` and `text` are texts of ours."""
    say = desk.catalogue.in_language(person.language).say
    subject, text, page = say(subject), say(text), f"{desk.terms.issuer}/me"
    if not desk.carriers:
        return Notices(
            lines=tuple(
                _LoggedNotice(person=person.id, address=one, subject=subject, text=text, page=page) for one in at
            )
        )
    now = desk.world.now()
    return Notices(
        puts=tuple(
            Put(
                NoticeRecord(
                    id=new_id("ntc", desk.world.random(16)),
                    stage=NoticeStage.SENDING,
                    to=person.id,
                    at=now,
                    due_at=now,
                    until=Instant(now + _KEPT_MS),
                    left=tuple(carrier.name for carrier in desk.carriers),
                    address=one,
                    subject=subject,
                    text=text,
                    page=page,
                ),
                0,
            )
            for one in at
        )
    )


def invitation_notices(
    desk: DeskContext, invitation: ConfirmationRecord, *, to: Iterable[str] | None = None
) -> Notices:
    """Return notices to everyone an invitation still needs; or to those it was handed `to`, a role or officer's id."""
    answered = {answer.confirms_as for answer in invitation.answers}
    asked = [who for who in invitation.who if who not in answered] if to is None else list(to)
    if not desk.carriers:
        return Notices(lines=tuple(_LoggedInvitation(invitation=invitation, who=who) for who in asked))
    return Notices(puts=tuple(Put(_invited(desk, invitation, who), 0) for who in asked))


async def _logged_invitation(desk: DeskContext, line: _LoggedInvitation) -> _LoggedNotice:
    """Write an invitation's notice for the log, as its letter would be: agent, operator, purpose, deadline.

    The change is recorded: a store that cannot be read now costs the notice these facts and nothing else.
    """
    invitation, to_customer = line.invitation, line.who == CUSTOMER
    person, address, spoken = invitation.customer if to_customer else line.who, "", desk.catalogue
    words = NoticeText(
        subject=spoken.say(marked("Your answer is needed")),
        text=spoken.say(marked("An agent made a request that needs your answer.")),
    )
    try:
        reader = await _reader(desk, person)
        if reader is not None:
            address, spoken = reader.email, spoken.in_language(reader.language)
        said = await _said(desk, invitation, spoken, until=invitation.expires_at if to_customer else invitation.due)
        words = (customer_notice if to_customer else officer_notice)(desk.catalogue.desk, said, spoken.say)
    except (Fault, RecordMissing):
        pass
    page = f"{desk.terms.issuer}/confirm/{invitation.id}"
    return _LoggedNotice(
        person=person, address=address, subject=words.subject, text=" ".join(words.text.split()), page=page
    )


def _invited(desk: DeskContext, invitation: ConfirmationRecord, who: str) -> NoticeRecord:
    now = desk.world.now()
    return NoticeRecord(
        id=new_id("ntc", desk.world.random(16)),
        stage=NoticeStage.SPREADING if who.startswith(OFFICER) else NoticeStage.SENDING,
        to=invitation.customer if who == "customer" else who,
        at=now,
        due_at=now,
        until=invitation.expires_at,
        left=tuple(carrier.name for carrier in desk.carriers),
        about=(invitation.id,),
    )


def notice_addresses(desk: DeskContext, person: PersonRecord) -> tuple[str, ...]:
    """Return a person's addresses: the present one and, soon after a change, the former one."""
    moved = person.contact_changed_at and desk.world.now() - person.contact_changed_at < YOUNG_MS
    return (person.email, person.contact_before) if moved and person.contact_before else (person.email,)
