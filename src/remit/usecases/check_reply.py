"""Holding an officer's text against what the agent of a case may be told, before any of it is sent.

What may be told is the mandate's; finding it in a text is in `domain/outbound`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from remit.domain.catalogue import Catalogue, PowerKind
from remit.domain.catalogue_actions import builtin_attributes
from remit.domain.errors import Code, Refused
from remit.domain.mandate import Mandate, Power
from remit.domain.names import matches
from remit.domain.outbound import Held, find_held, speaking, without
from remit.domain.records import AskRecord, AskState, Message, TaskRecord, TaskState
from remit.domain.speech import said
from remit.domain.values import Json, decode, kept_object, same
from remit.usecases.end import end_task
from remit.usecases.hold_words import free_texts
from remit.usecases.parts import Parts
from remit.usecases.read_case import case_ending
from remit.usecases.standing import Standing, load_standing, verify_standing

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

    Source: 2-model.md §7 (Outbound).
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


def tellable(mandate: Mandate, catalogue: Catalogue) -> frozenset[str]:
    """The attributes an agent may be told under a mandate: named itself, or the everyday returns of a read that is named; never what `never` names."""
    told: set[str] = set()
    for power in mandate.powers:
        if power.power is PowerKind.RECEIVE:
            told.update(power.attributes or ())
            for name in power.actions or ():
                returns = catalogue.actions[name].returns if name in catalogue.actions else ()
                told.update(one for one in returns if not catalogue.attributes[one].sensitive)
    for negative in mandate.never:
        if negative.power is PowerKind.RECEIVE:
            told -= _silenced(negative, catalogue)
    return frozenset(told)


def _silenced(negative: Power, catalogue: Catalogue) -> set[str]:
    """What one negative keeps from being told in prose: what it names, all returns of the reads it names, or everything."""
    if negative.attributes is None and negative.actions is None:
        return set(catalogue.attributes)
    kept = {name for name in catalogue.attributes if any(matches(pattern, name) for pattern in negative.attributes or ())}
    for name, action in catalogue.actions.items():
        if any(matches(pattern, name) for pattern in negative.actions or ()):
            kept.update(action.returns)
    return kept


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
    values = await _untold(parts, standing)
    held = find_held(text, values)
    return Checked(task=standing.task.record.id, held=held, left=without(text, held))


async def cut_messages(parts: Parts, standing: Standing, messages: Sequence[Message]) -> Sequence[Message]:
    """Messages as they may be delivered on this standing. Those that were held against another one are held again.

    ⚔ What a customer took away after an officer had written it stands in the inbox still.

    Raises:
        Fault: `fault.backoffice`: facts that cannot be read let nothing out.

    Source: 2-model.md §4, §7 (Outbound).
    """
    said = {one.n: _said(parts.catalogue, one) for one in messages if one.epochs != standing.epochs}
    if not any(said.values()):
        return messages
    values = await _untold(parts, standing)
    client = standing.task.record.client_id
    held = await parts.long_reads.read(
        client, sum(map(len, said.values())), lambda: {n: find_held(text, values) for n, text in said.items()}
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
    withheld = message.withheld + len(held)
    if message.offer:
        return replace(message, offer="", withheld=withheld)
    return replace(message, text=without(message.text, held), withheld=withheld)


async def _untold(parts: Parts, standing: Standing) -> Mapping[str, Json]:
    """The customer's actual values of everything that the agent of this standing may not be told.

    ⚔ Not whole attributes: what is covered of the records it acts for says nothing of the customer's other ones, and a yes to
    telling one value is none to telling another.

    Raises:
        Fault: `fault.backoffice`.
    """
    customer = standing.task.record.customer
    told = await _told_before(parts, standing.task.record)
    known = parts.catalogue.attributes
    covered = frozenset(known).intersection(*(tellable(mandate, parts.catalogue) for _, mandate in standing.chain))
    # What the case is called and how it stands is no secret from its own agent, and nothing the backoffice knows of.
    uncovered = sorted(known.keys() - {one for one in covered if not known[one].sensitive} - builtin_attributes().keys())
    values = dict(await parts.backoffice.attributes(customer, uncovered))
    for name in told.keys() & covered & values.keys():
        values[name] = [one for one in _each(values[name]) if not any(same(one, heard) for heard in told[name])]
    target = _target(standing)
    elsewhere = sorted(one for one in covered if not known[one].sensitive and one.partition(".")[0] in target)
    others = await parts.backoffice.attributes(customer, elsewhere, beside=target)
    return {**values, **{name: speaking(value) for name, value in others.items()}}


def _target(standing: Standing) -> Mapping[str, frozenset[str]]:
    """The records a task acts for, by kind, as the narrowest mandate above it says."""
    target: dict[str, frozenset[str]] = {}
    for _, mandate in standing.chain:
        for kind, ids in mandate.objective.target.items():
            target[kind] = target.get(kind, frozenset(ids)) & frozenset(ids)
    return target


def _each(value: Json) -> Sequence[Json]:
    return value if isinstance(value, Sequence) and not isinstance(value, str) else (value,)


async def _told_before(parts: Parts, task: TaskRecord) -> Mapping[str, Sequence[Json]]:
    """The sensitive values the customer already agreed to have told in this task, by attribute."""
    told: dict[str, list[Json]] = {}
    for kept in await parts.store.find(AskRecord, "ask.task", task.id, limit=1000, newest=True):
        ask = kept.record
        if ask.state is AskState.DONE and "customer" in ask.confirmed_by and ask.result:
            values = decode(ask.result.encode())
            for name, value in (values if isinstance(values, Mapping) else {}).items():
                if name in ask.covered:
                    told.setdefault(name, []).extend(_each(value))
    return told
