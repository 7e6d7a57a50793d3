"""Holding an officer's text against what the agent of a case may be told, before any of it is sent.

What may be told is the mandate's; finding it in a text is in `domain/secrets/outbound`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from remit.domain.catalogue.actions import builtin_attributes
from remit.domain.catalogue.model import Catalogue, PowerKind
from remit.domain.errors import Code, Refused
from remit.domain.i18n import said
from remit.domain.ids import matches
from remit.domain.mandate.model import Mandate, Power
from remit.domain.records import AskRecord, AskState, DeskMessage, PersonRecord, TaskRecord, TaskState
from remit.domain.secrets.outbound import (
    OtherCustomersData,
    WithheldSpan,
    contacts_in,
    find_withheld,
    identifying_parts,
    mask_spans,
    person_names_in,
    record_ids_in,
    text_readings,
    withheld_kinds,
)
from remit.domain.secrets.own_credentials import flatten_text
from remit.domain.values import Json, decode_json, deep_equal, parse_stored_object
from remit.engine.ask.authorization_state import AuthorizationState, load_authorization_state, verify_active
from remit.engine.ask.case_state import case_ending
from remit.engine.ask.facts import fetch_facts
from remit.engine.context import DeskContext
from remit.engine.tasks import end_task
from remit.engine.words.check import free_texts

_MAX_STRANGERS: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Undisclosable:
    """Actual `values` by attribute, what is of `others`, and the `contacts` that may be told all the same."""

    values: Mapping[str, Json]
    others: OtherCustomersData
    contacts: tuple[str, ...]


def disclosable_attributes(mandate: Mandate, catalogue: Catalogue) -> frozenset[str]:
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
    kept = {
        name for name in catalogue.attributes if any(matches(pattern, name) for pattern in negative.attributes or ())
    }
    for name, action in catalogue.actions.items():
        if any(matches(pattern, name) for pattern in negative.actions or ()):
            kept.update(action.returns)
    return kept


async def find_undisclosable(desk: DeskContext, state: AuthorizationState, text: str) -> Undisclosable:
    """What of a text the agent of this standing may not be told.

    Raises:
        Fault: `fault.backoffice`: facts that cannot be read let nothing out.

    Source: docs/model/model.md#outbound.
    """
    customer = state.task.record.customer
    told = await _told_before(desk, state.task.record)
    known = desk.catalogue.attributes
    covered = frozenset(known).intersection(
        *(disclosable_attributes(mandate, desk.catalogue) for _, mandate in state.chain)
    )
    everyday = {one for one in covered if not known[one].sensitive}
    # What the case is called and how it stands is no secret from its own agent, and nothing the backoffice knows of.
    uncovered = sorted(known.keys() - everyday - builtin_attributes().keys())
    # ⚔ Not whole attributes: what is covered of the records it acts for says nothing of the customer's other ones, and a yes to telling
    # one value is none to telling another.
    values = dict(await desk.backoffice.attributes(customer, uncovered))
    for name in told.keys() & covered & values.keys():
        values[name] = [one for one in _each(values[name]) if not any(deep_equal(one, heard) for heard in told[name])]
    target = _target(state)
    elsewhere = sorted(one for one in everyday if one.partition(".")[0] in target)
    others = await desk.backoffice.attributes(customer, elsewhere, beside=target)
    said = await desk.scan_executor.read(state.task.record.client_id, len(text), lambda: _said(text))
    contacts: tuple[str, ...] = ()
    if said.contacts:
        contacts = await _contacts(desk, customer, sorted(everyday - builtin_attributes().keys()), told)
    return Undisclosable(
        values={**values, **{name: identifying_parts(value) for name, value in others.items()}},
        others=await _strangers(desk, customer, said),
        contacts=contacts,
    )


class _Mentions(NamedTuple):
    """What a text could name: records, addresses and numbers, people."""

    records: tuple[str, ...]
    contacts: tuple[str, ...]
    people: tuple[str, ...]


def _said(text: str) -> _Mentions:
    seen = text_readings(text)
    return _Mentions(record_ids_in(seen), contacts_in(seen), person_names_in(seen))


async def _strangers(desk: DeskContext, customer: str, said: _Mentions) -> OtherCustomersData:
    """What in a text is other customers', and what the desk knows of those whom it names by a record, an address or a name.

    ⚔ Whoever is named is then told nothing of: their values are looked for in the same text.
    """
    records = await _others_records(desk, customer, said.records)
    people = await _others_people(desk, customer, [*said.contacts, *said.people])
    whom = sorted(
        {*(owner for owners in records.values() for owner in owners[1]), *(one.id for one in people.values())}
    )[:_MAX_STRANGERS]
    names = sorted(desk.catalogue.attributes.keys() - builtin_attributes().keys())
    values = (
        [value for one in whom for value in (await desk.backoffice.attributes(one, names)).values()] if names else []
    )
    named = {name: kind for name, (kind, _) in records.items()} | {
        said: "email" if "@" in said else "name" for said in people
    }
    return OtherCustomersData(named=named, values=tuple(values))


async def _others_records(
    desk: DeskContext, customer: str, named: Sequence[str]
) -> Mapping[str, tuple[str, tuple[str, ...]]]:
    """What in a text is the number of a record that belongs to other customers and not to this one: its kind, and whose it is.

    ⚔ The desk is asked, not the look: whose a record is, is known nowhere else. A record of nobody's is nobody's secret.
    """
    kinds = [kind for kind, one in desk.catalogue.resources.items() if not one.public]
    asked = [(kind, name) for said in named for name in dict.fromkeys((said, said.upper())) for kind in kinds]
    if not asked:
        return {}
    facts = await fetch_facts(desk, asked, customer=customer)
    return {
        name: (kind, tuple(sorted(fact.owners)))
        for (kind, name), fact in zip(asked, facts, strict=True)
        if fact and fact.owners and customer not in fact.owners
    }


async def _others_people(desk: DeskContext, customer: str, said: Sequence[str]) -> Mapping[str, PersonRecord]:
    """What in a text is the address or the full name of another customer whom this desk knows, and of whom.

    ⚔ A name that this customer has too tells of nobody else.
    """
    found: dict[str, PersonRecord] = {}
    for one in said:
        index = "person.email" if "@" in one else "person.name"
        people = [kept.record for kept in await desk.store.find(PersonRecord, index, one.lower(), limit=10)]
        customers = [person for person in people if person.kind == "customer"]
        if customers and all(person.id != customer for person in customers):
            found[one] = customers[0]
    return found


async def _contacts(
    desk: DeskContext, customer: str, everyday: Sequence[str], told: Mapping[str, Sequence[Json]]
) -> tuple[str, ...]:
    """The addresses and numbers that may be told: the desk's own, and what is covered of this customer's."""
    values = await desk.backoffice.attributes(customer, everyday)
    known = flatten_text({**values, **{name: list(heard) for name, heard in told.items()}}).split("\n")
    covered = [one for one in known if not one.startswith("@")]  # ⚔ a whole host is the desk's to name, no customer's
    host = urlsplit(desk.terms.issuer).hostname or ""
    return (*desk.terms.contacts, *covered, f"@{host}")


def _target(state: AuthorizationState) -> Mapping[str, frozenset[str]]:
    """The records a task acts for, by kind, as the narrowest mandate above it says."""
    target: dict[str, frozenset[str]] = {}
    for _, mandate in state.chain:
        for kind, ids in mandate.objective.target.items():
            target[kind] = target.get(kind, frozenset(ids)) & frozenset(ids)
    return target


def _each(value: Json) -> Sequence[Json]:
    return value if isinstance(value, Sequence) and not isinstance(value, str) else (value,)


async def _told_before(desk: DeskContext, task: TaskRecord) -> Mapping[str, Sequence[Json]]:
    """The sensitive values the customer already agreed to have told in this task, by attribute."""
    told: dict[str, list[Json]] = {}
    for kept in await desk.store.find(AskRecord, "ask.task", task.id, limit=1000, newest=True):
        ask = kept.record
        if ask.state is AskState.DONE and "customer" in ask.confirmed_by and ask.result:
            values = decode_json(ask.result.encode())
            for name, value in (values if isinstance(values, Mapping) else {}).items():
                if name in ask.covered:
                    told.setdefault(name, []).extend(_each(value))
    return told


MAX_TEXT_LENGTH: Final = 8000


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedText:
    """A text held against what the agent of a case may be told: what would be withheld, and what would be left."""

    task: str
    held: tuple[WithheldSpan, ...]
    left: str


class TextWithheld(Refused):  # a refusal that says what and where
    """The text says what the agent may not be told. Nothing was sent."""

    def __init__(self, checked: CheckedText) -> None:
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


async def check_reply(desk: DeskContext, case: str, text: str) -> CheckedText:
    """Hold an officer's text against what the agent of a case may be told. Nothing is sent.

    Raises:
        Refused: `request.malformed`, `request.not_found`, `task.ended` when no agent hears this case any more.
        Fault: `fault.backoffice`: facts that cannot be read let nothing out.

    Source: docs/model/model.md#outbound.
    """
    verify_text(text)
    return await check_outbound_text(desk, await load_listening_task(desk, case), text)


async def case_tasks(desk: DeskContext, case: str) -> list[TaskRecord]:
    """The tasks of a case, oldest first.

    Raises:
        Refused: `request.not_found`.
    """
    found = await desk.store.find(TaskRecord, "task.case", case, limit=100)
    if not found:
        raise Refused(Code.REQUEST_NOT_FOUND, "no agent's case of that name")
    return [one.record for one in found]


def verify_text(text: str) -> None:
    """Check that there is a text, and not too much of it.

    Raises:
        Refused: `request.malformed`.
    """
    if not text.strip() or len(text) > MAX_TEXT_LENGTH:
        raise Refused(
            Code.REQUEST_MALFORMED,
            "no text, or too much",
            public=said("Write something, in at most {count} characters.", count=MAX_TEXT_LENGTH),
        )


async def load_listening_task(desk: DeskContext, case: str) -> AuthorizationState:
    """The standing of the task that still hears a case, with the case itself read again.

    Raises:
        Refused: `request.not_found`, `task.ended`.
        Fault: `fault.case`.
    """
    live = [one for one in await case_tasks(desk, case) if one.state is not TaskState.ENDED]
    if not live:
        raise Refused(Code.TASK_ENDED, "no agent hears this case any more")
    state = await load_authorization_state(desk, live[-1].id)
    verify_active(state, desk.world.now(), desk.terms, waiting=True)
    ended = await case_ending(desk, state.task.record.case)
    if ended is not None:
        await end_task(desk, state.task.record.id, ended)
        raise Refused(Code.TASK_ENDED, f"the task ended: {ended}")
    return state


async def check_outbound_text(desk: DeskContext, state: AuthorizationState, text: str) -> CheckedText:
    """Hold a text against what the agent of this standing may be told."""
    untold = await find_undisclosable(desk, state, text)
    client = state.task.record.client_id
    held = await desk.scan_executor.read(client, len(text), lambda: _held(text, untold))
    return CheckedText(task=state.task.record.id, held=held, left=mask_spans(text, held))


def _held(text: str, untold: Undisclosable) -> tuple[WithheldSpan, ...]:
    return find_withheld(text, untold.values, others=untold.others, contacts=untold.contacts)


async def cut_messages(
    desk: DeskContext, state: AuthorizationState, messages: Sequence[DeskMessage]
) -> Sequence[DeskMessage]:
    """Messages as they may be delivered on this standing. Those that were held against another one are held again.

    ⚔ What a customer took away after an officer had written it stands in the inbox still.

    Raises:
        Fault: `fault.backoffice`: facts that cannot be read let nothing out.

    Source: docs/model/model.md#standing-again, #outbound.
    """
    said = {one.n: _message_text(desk.catalogue, one) for one in messages if one.epochs != state.epochs}
    if not any(said.values()):
        return messages
    untold = await find_undisclosable(desk, state, "\n".join(said.values()))
    client = state.task.record.client_id
    held = await desk.scan_executor.read(
        client,
        sum(map(len, said.values())),
        lambda: {n: _held(text, untold) for n, text in said.items()},
    )
    return [_cut(one, held[one.n]) if held.get(one.n) else one for one in messages]


def _message_text(catalogue: Catalogue, message: DeskMessage) -> str:
    """What an officer wrote in a message: its text, or the texts in the terms that it offers."""
    if not message.offer:
        return message.text
    told = parse_stored_object(message.offer)
    action, terms = catalogue.actions.get(str(told.get("action"))), told.get("terms")
    return "\n".join(free_texts(action, terms)) if action is not None and isinstance(terms, Mapping) else ""


def _cut(message: DeskMessage, held: Sequence[WithheldSpan]) -> DeskMessage:
    """A message without what may not be told. ⚔ Terms are accepted as they are or not at all: of an offer that says too much nothing is told."""
    withheld, kinds = message.withheld + len(held), tuple(sorted({*message.kinds, *withheld_kinds(held)}))
    if message.offer:
        return replace(message, offer="", withheld=withheld, kinds=kinds)
    return replace(message, text=mask_spans(message.text, held), withheld=withheld, kinds=kinds)
