"""Holding an officer's text against what the agent of a case may be told, before any of it is sent.

What may be told is the mandate's; finding it in a text is in `domain/outbound`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from remit.domain.catalogue import Catalogue
from remit.domain.errors import Code, Refused
from remit.domain.outbound import Held, find_held, kinds_of, without
from remit.domain.records import Message, TaskRecord, TaskState
from remit.domain.speech import said
from remit.domain.values import kept_object
from remit.usecases.end import end_task
from remit.usecases.hold_words import free_texts
from remit.usecases.parts import Parts
from remit.usecases.read_case import case_ending
from remit.usecases.standing import Standing, load_standing, verify_standing
from remit.usecases.untold import Untold, untold_in

LONGEST: Final = 8000


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A text held against what the agent of a case may be told: what would be withheld, and what would be left."""

    task: str
    held: tuple[Held, ...]
    left: str


class Withheld(Refused):  # a refusal that says what and where
    """The text says what the agent may not be told. Nothing was sent."""

    def __init__(self, checked: Checked) -> None:
        """Carry what was found."""
        count = len(checked.held)
        super().__init__(
            Code.REPLY_WITHHELD,
            f"{count} parts must be withheld",
            public=said("{count} part may not be told to this agent.", count=1)
            if count == 1
            else said("{count} parts may not be told to this agent.", count=count),
        )
        self.checked = checked


async def check_reply(parts: Parts, case: str, text: str) -> Checked:
    """Hold an officer's text against what the agent of a case may be told. Nothing is sent.

    Raises:
        Refused: `request.malformed`, `request.not_found`, `task.ended` when no agent hears this case any more.
        Fault: `fault.backoffice`: facts that cannot be read let nothing out.

    Source: docs/model/model.md#outbound.
    """
    verify_text(text)
    return await held_against(parts, await listening(parts, case), text)


async def tasks_of(parts: Parts, case: str) -> list[TaskRecord]:
    """The tasks of a case, oldest first.

    Raises:
        Refused: `request.not_found`.
    """
    found = await parts.store.find(TaskRecord, "task.case", case, limit=100)
    if not found:
        raise Refused(Code.REQUEST_NOT_FOUND, "no agent's case of that name")
    return [one.record for one in found]


def verify_text(text: str) -> None:
    """Check that there is a text, and not too much of it.

    Raises:
        Refused: `request.malformed`.
    """
    if not text.strip() or len(text) > LONGEST:
        raise Refused(
            Code.REQUEST_MALFORMED, "no text, or too much", public=said("Write something, in at most {count} characters.", count=LONGEST)
        )


async def listening(parts: Parts, case: str) -> Standing:
    """The standing of the task that still hears a case, with the case itself read again.

    Raises:
        Refused: `request.not_found`, `task.ended`.
        Fault: `fault.case`.
    """
    live = [one for one in await tasks_of(parts, case) if one.state is not TaskState.ENDED]
    if not live:
        raise Refused(Code.TASK_ENDED, "no agent hears this case any more")
    standing = await load_standing(parts, live[-1].id)
    verify_standing(standing, parts.world.now(), parts.terms, waiting=True)
    ended = await case_ending(parts, standing.task.record.case)
    if ended is not None:
        await end_task(parts, standing.task.record.id, ended)
        raise Refused(Code.TASK_ENDED, f"the task ended: {ended}")
    return standing


async def held_against(parts: Parts, standing: Standing, text: str) -> Checked:
    """Hold a text against what the agent of this standing may be told."""
    untold = await untold_in(parts, standing, text)
    client = standing.task.record.client_id
    held = await parts.long_reads.read(client, len(text), lambda: _held(text, untold))
    return Checked(task=standing.task.record.id, held=held, left=without(text, held))


def _held(text: str, untold: Untold) -> tuple[Held, ...]:
    return find_held(text, untold.values, others=untold.others, contacts=untold.contacts)


async def cut_messages(parts: Parts, standing: Standing, messages: Sequence[Message]) -> Sequence[Message]:
    """Messages as they may be delivered on this standing. Those that were held against another one are held again.

    ⚔ What a customer took away after an officer had written it stands in the inbox still.

    Raises:
        Fault: `fault.backoffice`: facts that cannot be read let nothing out.

    Source: docs/model/model.md#standing-again, #outbound.
    """
    said = {one.n: _said(parts.catalogue, one) for one in messages if one.epochs != standing.epochs}
    if not any(said.values()):
        return messages
    untold = await untold_in(parts, standing, "\n".join(said.values()))
    client = standing.task.record.client_id
    held = await parts.long_reads.read(
        client,
        sum(map(len, said.values())),
        lambda: {n: _held(text, untold) for n, text in said.items()},
    )
    return [_cut(one, held[one.n]) if held.get(one.n) else one for one in messages]


def _said(catalogue: Catalogue, message: Message) -> str:
    """What an officer wrote in a message: its text, or the texts in the terms that it offers."""
    if not message.offer:
        return message.text
    told = kept_object(message.offer)
    action, terms = catalogue.actions.get(str(told.get("action"))), told.get("terms")
    return "\n".join(free_texts(action, terms)) if action is not None and isinstance(terms, Mapping) else ""


def _cut(message: Message, held: Sequence[Held]) -> Message:
    """A message without what may not be told. ⚔ Terms are accepted as they are or not at all: of an offer that says too much nothing is told."""
    withheld, kinds = message.withheld + len(held), tuple(sorted({*message.kinds, *kinds_of(held)}))
    if message.offer:
        return replace(message, offer="", withheld=withheld, kinds=kinds)
    return replace(message, text=without(message.text, held), withheld=withheld, kinds=kinds)
