"""Telling people: notices that are recorded together with what they tell of, and sent by `send_notices`.

Where a desk only logs them they are no records: they are logged after the record, and lost with the process.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from remit.domain.confirmers import OFFICER, YOUNG_MS
from remit.domain.ids import new_id
from remit.domain.records import ConfirmationRecord, NoticeRecord, NoticeStage, Person
from remit.domain.values import Instant
from remit.ports.store import Commit, Put
from remit.usecases.parts import Parts

_KEPT_MS: Final = 3 * 24 * 3600 * 1000
"""So long it is tried to send a notice that nothing runs out for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """A notice for the log."""

    person: str
    address: str
    subject: str
    text: str
    page: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notices:
    """What people are told of one change: `puts` go into its commit, `recorded` comes after it."""

    puts: tuple[Put, ...] = ()
    lines: tuple[_Line, ...] = ()

    def __add__(self, more: "Notices") -> "Notices":
        """These and more."""
        return Notices(puts=self.puts + more.puts, lines=self.lines + more.lines)

    async def recorded(self, parts: Parts) -> None:
        """The change is recorded: log what is only logged."""
        for line in self.lines:
            await parts.notify.tell(person=line.person, address=line.address, subject=line.subject, text=line.text, page=line.page)


async def tell_person(parts: Parts, person: Person, *, subject: str, text: str) -> None:
    """Tell somebody at once what happened to their own access, where it was recorded already.

    Raises:
        Fault: `fault.store` when the notice cannot be recorded; then nobody is told.
    """
    notices = about_access(parts, person, subject=subject, text=text)
    if notices.puts:
        await parts.store.commit(Commit(puts=notices.puts))
    await notices.recorded(parts)


def about_access(parts: Parts, person: Person, *, subject: str, text: str) -> Notices:
    """The notices of what happens to somebody's own access.

    ⚔ Whoever moved the address and then takes the account over would otherwise be the only one who is told.

    Source: docs/model/model.md#passkeys.
    """
    return notices_to(parts, person, addresses(parts, person), subject=subject, text=text)


def notices_to(parts: Parts, person: Person, at: Iterable[str], *, subject: str, text: str) -> Notices:
    """The notices for one person at each of some addresses, in the language they chose. `subject` and `text` are texts of ours."""
    say = parts.catalogue.said_in(person.language).say
    subject, text, page = say(subject), say(text), f"{parts.terms.issuer}/me"
    if not parts.carriers:
        return Notices(lines=tuple(_Line(person=person.id, address=one, subject=subject, text=text, page=page) for one in at))
    now = parts.world.now()
    return Notices(
        puts=tuple(
            Put(
                NoticeRecord(
                    id=new_id("ntc", parts.world.random(16)),
                    stage=NoticeStage.SENDING,
                    to=person.id,
                    at=now,
                    due_at=now,
                    until=Instant(now + _KEPT_MS),
                    left=tuple(carrier.name for carrier in parts.carriers),
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


def about_invitation(parts: Parts, invitation: ConfirmationRecord, *, to: Iterable[str] | None = None) -> Notices:
    """The notices for everybody whose answer an invitation still needs; or for those it was handed `to`, a role or an officer's id."""
    answered = {answer.confirms_as for answer in invitation.answers}
    asked = [who for who in invitation.who if who not in answered] if to is None else list(to)
    if not parts.carriers:
        return Notices(
            lines=tuple(
                _Line(
                    person=invitation.customer if who == "customer" else who,
                    address="",
                    subject="Your answer is needed",  # a line of the log is for who runs the desk
                    text="An agent asks for something that needs your yes.",
                    page=f"{parts.terms.issuer}/confirm/{invitation.id}",
                )
                for who in asked
            )
        )
    return Notices(puts=tuple(Put(_invited(parts, invitation, who), 0) for who in asked))


def _invited(parts: Parts, invitation: ConfirmationRecord, who: str) -> NoticeRecord:
    now = parts.world.now()
    return NoticeRecord(
        id=new_id("ntc", parts.world.random(16)),
        stage=NoticeStage.SPREADING if who.startswith(OFFICER) else NoticeStage.SENDING,
        to=invitation.customer if who == "customer" else who,
        at=now,
        due_at=now,
        until=invitation.expires_at,
        left=tuple(carrier.name for carrier in parts.carriers),
        about=(invitation.id,),
    )


def addresses(parts: Parts, person: Person) -> tuple[str, ...]:
    """Where a person is told: their address and, while the change of it is young, the one from before."""
    moved = person.contact_changed_at and parts.world.now() - person.contact_changed_at < YOUNG_MS
    return (person.email, person.contact_before) if moved and person.contact_before else (person.email,)
