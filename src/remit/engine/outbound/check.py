"""Disclosure check of staff text against the agent's mandate, before any of it is sent."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from remit.domain.catalogue.actions import builtin_attributes
from remit.domain.catalogue.model import Catalogue, MarkKind, PowerKind
from remit.domain.errors import Code, Refused
from remit.domain.i18n import said
from remit.domain.ids import matches
from remit.domain.mandate.model import Mandate, Power
from remit.domain.records import AskRecord, AskState, DeskMessage, PersonRecord, TaskRecord, TaskState
from remit.domain.secrets.fact_text import FactReader
from remit.domain.secrets.outbound import (
    OtherCustomersData,
    Undisclosable,
    WithheldSpan,
    contacts_in,
    find_all_withheld,
    identifying_parts,
    in_order,
    mask_spans,
    person_names_in,
    reading_cost,
    record_ids_in,
    text_readings,
    texts_in,
    titled_names_in,
    withheld_kinds,
    without_named,
    without_overlap,
)
from remit.domain.secrets.own_credentials import flatten_text
from remit.domain.structs import replace, struct
from remit.domain.text.normalize import name_endings
from remit.domain.values import Json, decode_json, deep_equal, parse_stored_object
from remit.engine.ask.authorization_state import AuthorizationState, load_authorization_state, verify_active
from remit.engine.ask.case_state import case_ending
from remit.engine.ask.facts import fetch_facts
from remit.engine.context import DeskContext
from remit.engine.outbound.stated import EXACT, MOST_ASKS, label_rules, stated_values, with_titles
from remit.engine.tasks import end_task
from remit.engine.words.check import free_texts

_MAX_STRANGERS: Final = 5
_EARLIER: Final = 5
_EARLIER_LENGTH: Final = 4000
"""Messages, and letters of them, that a text is read behind."""
_MAX_STAFF: Final = 1000


def disclosable_attributes(mandate: Mandate, catalogue: Catalogue) -> frozenset[str]:
    """Return the attributes a mandate discloses: named, or everyday returns of a named read; never those in `never`."""
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
    """Return the attributes a negative withholds in prose: named ones, all returns of named reads, or everything."""
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
    """Find the parts of a text that the agent in this state may not be told.

    Raises:
        Fault: `fault.backoffice`: unreadable facts disclose nothing.

    Source: docs/model/model.md#outbound.
    """
    customer, task = state.task.record.customer, state.task.record.id
    asks = [kept.record for kept in await desk.store.find(AskRecord, "ask.task", task, limit=MOST_ASKS, newest=True)]
    disclosed, named = _agreed_values(asks), _named_values(desk.catalogue, state, asks)
    known = desk.catalogue.attributes
    covered = frozenset(known).intersection(
        *(disclosable_attributes(mandate, desk.catalogue) for _, mandate in state.chain)
    )
    everyday = {one for one in covered if not known[one].sensitive}
    # The case's title and status are no secret to its own agent, and unknown to the backoffice.
    uncovered = sorted(known.keys() - everyday - builtin_attributes().keys())
    # ⚔ Not whole attributes: coverage of target records does not extend to the customer's other ones, nor consent to
    # one value to another.
    values = dict(await desk.backoffice.attributes(customer, uncovered))
    for name in disclosed.keys() & covered & values.keys():
        values[name] = [
            one for one in _each(values[name]) if not any(deep_equal(one, told) for told in disclosed[name])
        ]
    target = _target(state)
    elsewhere = sorted(one for one in everyday if one.partition(".")[0] in target)
    others = await desk.backoffice.attributes(customer, elsewhere, beside=target)
    mentions = await desk.scan_executor.read(state.task.record.client_id, len(text), lambda: _said(text))
    contacts: tuple[str, ...] = (*desk.terms.contacts, *_own_pages(desk))
    told = sorted(everyday - builtin_attributes().keys())
    stated = stated_values(
        desk.catalogue,
        desk.fact_words,
        asks=asks,
        root=state.chain[-1][1],
        named=named,
        uncovered={**values, **others},
        covered=await desk.backoffice.attributes(customer, told if any(map(str.isdigit, text)) else []),
        elsewhere=others,
    )
    if mentions.contacts:
        contacts = await _contacts(desk, customer, told, disclosed)
    values |= {name: identifying_parts(value) for name, value in others.items()}
    either = named | _heard_values(asks)
    unnamed = {n: without_named(value, named if known[n].sensitive else either) for n, value in values.items()}
    return Undisclosable(
        values={name: with_titles(desk.catalogue, name, value) for name, value in unnamed.items()},
        others=await _other_customers(desk, state, mentions),
        contacts=contacts,
        everyday=frozenset(
            name for name in values if not known[name].sensitive and name.partition(".")[0] in desk.catalogue.resources
        ),
        about=frozenset(name for name in values if name.partition(".")[0] in target),
        rules=label_rules(desk.catalogue, values, desk.fact_words, target),
        stated=stated,
        received=covered,
        facts=_fact_reader(desk, elsewhere, [name for name in uncovered if known[name].sensitive]),
        earlier=await _earlier_replies(desk, task),
    )


def _fact_reader(desk: DeskContext, elsewhere: Collection[str], sensitive: Collection[str]) -> FactReader:
    return FactReader(
        words=desk.fact_words,
        today=datetime.fromtimestamp(desk.world.now() / 1000, UTC).date(),
        quiet=frozenset(elsewhere),
        sensitive=frozenset(sensitive),
    )


async def _earlier_replies(desk: DeskContext, task: str) -> str:
    """Return the last texts of officers that this agent can read. ⚔ What is split over replies is one text."""
    found = await desk.store.find(DeskMessage, "message.task", task, limit=_EARLIER, newest=True)
    return "\n".join(kept.record.text for kept in reversed(found) if kept.record.text)[-_EARLIER_LENGTH:]


class _Mentions(NamedTuple):
    """Candidates in a text: records, addresses and numbers, people, and family names behind a title."""

    records: tuple[str, ...]
    contacts: tuple[str, ...]
    people: tuple[str, ...]
    titled: tuple[str, ...]


def _said(text: str) -> _Mentions:
    seen = text_readings(text)
    return _Mentions(record_ids_in(seen), contacts_in(seen), person_names_in(seen), titled_names_in(seen))


async def _other_customers(desk: DeskContext, state: AuthorizationState, mentions: _Mentions) -> OtherCustomersData:
    """Find other customers' data in a text, including known values of customers it identifies.

    ⚔ An identified customer's values are then searched for in the same text.
    """
    customer = state.task.record.customer
    records = await _other_records(desk, customer, mentions.records)
    people = await _other_people(desk, customer, [*mentions.contacts, *mentions.people])
    titled = await _other_titled(desk, state, mentions.titled)
    whom = sorted(
        {
            *(owner for owners in records.values() for owner in owners[1]),
            *(person.id for person in people.values()),
            *(person for persons in titled.values() for person in persons),
        }
    )[:_MAX_STRANGERS]
    names = sorted(desk.catalogue.attributes.keys() - builtin_attributes().keys())
    values = (
        [value for one in whom for value in (await desk.backoffice.attributes(one, names)).values()] if names else []
    )
    named = {name: kind for name, (kind, _) in records.items()} | {
        mentions: "email" if "@" in mentions else "name" for mentions in people
    }
    return OtherCustomersData(named={**dict.fromkeys(titled, "name"), **named}, values=tuple(values))


async def _other_titled(desk: DeskContext, state: AuthorizationState, titled: Sequence[str]) -> Mapping[str, list[str]]:
    """Return family names behind a title that are neither this customer's nor an officer's, with the customers known by them.

    ⚔ An unknown person is another person: most customers of a desk never came to Remit. A desk that does not know its
    customer's own name recognises only customers it knows.
    """
    if not titled:
        return {}
    own = await _own_names(desk, state)
    staff = {
        name
        for kept in await desk.store.find(PersonRecord, "person.kind", "officer", limit=_MAX_STAFF)
        for name in name_endings(kept.record.name)
    }
    found: dict[str, list[str]] = {}
    for name in titled:
        if name in own or name in staff:
            continue
        people = [kept.record.id for kept in await desk.store.find(PersonRecord, "person.family", name, limit=10)]
        if own or people:
            found[name] = people
    return found


async def _own_names(desk: DeskContext, state: AuthorizationState) -> frozenset[str]:
    """Return the names this customer may be addressed by."""
    customer = state.customer.record
    called = sorted(name for name in desk.catalogue.attributes if name.rpartition(".")[2].endswith("name"))
    values = await desk.backoffice.attributes(customer.id, called) if called else {}
    texts = [customer.name, *texts_in(values)]
    return frozenset(name for text in texts for name in name_endings(text))


async def _other_records(
    desk: DeskContext, customer: str, named: Sequence[str]
) -> Mapping[str, tuple[str, tuple[str, ...]]]:
    """Return record numbers in a text that belong to other customers only: kind and owners.

    ⚔ The desk is asked, since only it knows owners, not shapes. An unowned record is not secret.
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


async def _other_people(desk: DeskContext, customer: str, names: Sequence[str]) -> Mapping[str, PersonRecord]:
    """Return other known customers whose address or full name is in a text.

    ⚔ A name that this customer shares identifies no one else.
    """
    found: dict[str, PersonRecord] = {}
    for one in names:
        index = "person.email" if "@" in one else "person.name"
        people = [kept.record for kept in await desk.store.find(PersonRecord, index, in_order(one).lower(), limit=10)]
        customers = [person for person in people if person.kind == "customer"]
        if customers and all(person.id != customer for person in customers):
            found[one] = customers[0]
    return found


async def _contacts(
    desk: DeskContext, customer: str, everyday: Sequence[str], disclosed: Mapping[str, Sequence[Json]]
) -> tuple[str, ...]:
    """Return the disclosable addresses and numbers: the desk's own, and covered ones of this customer."""
    values = await desk.backoffice.attributes(customer, everyday)
    known = flatten_text({**values, **{name: list(heard) for name, heard in disclosed.items()}}).split("\n")
    covered = [
        one for one in known if not one.startswith("@")
    ]  # ⚔ a whole host is the desk's to name, not a customer's
    host = urlsplit(desk.terms.issuer).hostname or ""
    return (*desk.terms.contacts, *_own_pages(desk), *covered, f"@{host}")


def _own_pages(desk: DeskContext) -> tuple[str, str]:
    """Return the desk's own pages that every customer knows. ⚔ No other: those below them give access."""
    return desk.terms.issuer, f"{desk.terms.issuer}/me"


def _target(state: AuthorizationState) -> Mapping[str, frozenset[str]]:
    """Return the target records of a task, by kind, as its narrowest ancestor mandate says."""
    target: dict[str, frozenset[str]] = {}
    for _, mandate in state.chain:
        for kind, ids in mandate.objective.target.items():
            target[kind] = target.get(kind, frozenset(ids)) & frozenset(ids)
    return target


def _each(value: Json) -> Sequence[Json]:
    return value if isinstance(value, Sequence) and not isinstance(value, str) else (value,)


def _agreed_values(asks: Iterable[AskRecord]) -> Mapping[str, Sequence[Json]]:
    """Return the sensitive values the customer agreed to disclose in this task, by attribute."""
    told: dict[str, list[Json]] = {}
    for ask in asks:
        if ask.state is AskState.DONE and "customer" in ask.confirmed_by and ask.result:
            values = decode_json(ask.result.encode())
            for name, value in (values if isinstance(values, Mapping) else {}).items():
                if name in ask.covered:
                    told.setdefault(name, []).extend(_each(value))
    return told


def _heard_values(asks: Iterable[AskRecord]) -> frozenset[str]:
    """Return the texts that results of this task told the agent."""
    heard: set[str] = set()
    for ask in asks:
        if ask.state is AskState.DONE and ask.result:
            result = decode_json(ask.result.encode())
            if isinstance(result, Mapping):
                heard.update(texts_in({name: value for name, value in result.items() if name in ask.covered}))
    return frozenset(heard)


def _named_values(catalogue: Catalogue, state: AuthorizationState, asks: Iterable[AskRecord]) -> frozenset[str]:
    """Return the texts that the agent named itself: in asks that were not refused, and in the mandate as signed.

    ⚔ Not those that would tell the desk an attribute: a guess of one is to stay a guess.
    """
    named: set[str] = set()
    for ask in asks:
        action = catalogue.actions.get(ask.action)
        if action is not None and ask.state is not AskState.REFUSED:
            hidden = {mark.path.steps[0] for mark in action.marked(MarkKind.ATTRIBUTE)}
            params = parse_stored_object(ask.params)
            named.update(texts_in({name: value for name, value in params.items() if name not in hidden}))
    _, root = state.chain[-1]
    for power in root.powers:
        marked = {
            mark.path
            for name in power.actions or ()
            if name in catalogue.actions
            for mark in catalogue.actions[name].marked(MarkKind.ATTRIBUTE)
        }
        for condition in power.where:
            if condition.op in EXACT and condition.path not in marked:
                named.update(texts_in(condition.value))
    return frozenset(named)


MAX_TEXT_LENGTH: Final = 8000


@struct(frozen=True, kw_only=True)
class CheckedText:
    """A checked text: parts to withhold, and the remainder.

    `found` are all findings, with those inside others; `overridable` the attributes of which an officer may send the
    values all the same, none if anything else was found; `customer_key` is whose case it is.
    """

    task: str
    held: tuple[WithheldSpan, ...]
    left: str
    found: tuple[WithheldSpan, ...] = ()
    overridable: tuple[str, ...] = ()
    customer_key: str = ""


class TextWithheld(Refused):  # the refusal also carries the places
    """The text holds undisclosable parts; nothing was sent."""

    def __init__(self, checked: CheckedText, *, override: str = "") -> None:
        """Carry the check's result, and the token that binds an override to it ("": there is none)."""
        count = len(checked.held)
        super().__init__(
            Code.REPLY_WITHHELD,
            f"{count} parts must be withheld",
            public=said("{count} part can't be shared with this agent.", count=1)
            if count == 1
            else said("{count} parts can't be shared with this agent.", count=count),
        )
        self.checked = checked
        self.override = override


async def check_reply(desk: DeskContext, case: str, text: str) -> CheckedText:
    """Check an officer's text against the disclosures allowed in a case, without sending it.

    Raises:
        Refused: `request.malformed`, `request.not_found`, `task.ended` when no agent reads this case any more.
        Fault: `fault.backoffice`: unreadable facts disclose nothing.

    Source: docs/model/model.md#outbound.
    """
    verify_text(text)
    return await check_outbound_text(desk, await load_listening_task(desk, case), text)


async def case_tasks(desk: DeskContext, case: str) -> list[TaskRecord]:
    """Return the tasks of a case, oldest first.

    Raises:
        Refused: `request.not_found`.
    """
    found = await desk.store.find(TaskRecord, "task.case", case, limit=100)
    if not found:
        raise Refused(Code.REQUEST_NOT_FOUND, "no agent's case of that name")
    return [one.record for one in found]


def verify_text(text: str) -> None:
    """Verify that there is a text, and not too much of it.

    Raises:
        Refused: `request.malformed`.
    """
    if not text.strip() or len(text) > MAX_TEXT_LENGTH:
        public = said("Enter a text of at most {count} characters.", count=MAX_TEXT_LENGTH)
        raise Refused(Code.REQUEST_MALFORMED, "no text, or too much", public=public)


async def load_listening_task(desk: DeskContext, case: str) -> AuthorizationState:
    """Load the state of the task that still reads a case, with the case itself read again.

    Raises:
        Refused: `request.not_found`, `task.ended`.
        Fault: `fault.case`.
    """
    live = [one for one in await case_tasks(desk, case) if one.state is not TaskState.ENDED]
    if not live:
        raise Refused(Code.TASK_ENDED, "no agent reads this case any more")
    state = await load_authorization_state(desk, live[-1].id)
    verify_active(state, desk.world.now(), desk.terms, waiting=True)
    ended = await case_ending(desk, state.task.record.case)
    if ended is not None:
        await end_task(desk, state.task.record.id, ended)
        raise Refused(Code.TASK_ENDED, f"the task ended: {ended}")
    return state


async def check_outbound_text(desk: DeskContext, state: AuthorizationState, text: str) -> CheckedText:
    """Check a text against the disclosures allowed in a state."""
    untold = await find_undisclosable(desk, state, text)
    client = state.task.record.client_id
    found = await desk.scan_executor.read(client, reading_cost(text, untold), lambda: find_all_withheld(text, untold))
    held = without_overlap(found)
    return CheckedText(
        task=state.task.record.id,
        held=held,
        left=mask_spans(text, held),
        found=found,
        overridable=overridable_names(found, overridable_attributes(state, desk.catalogue)),
        customer_key=state.customer.record.key,
    )


def overridable_attributes(state: AuthorizationState, catalogue: Catalogue) -> frozenset[str]:
    """Return the attributes of which an officer may send this customer's values although they were marked.

    ⚔ No sensitive one that the mandate does not receive, and none that it forbids: *never* cannot be overridden.
    """
    received = frozenset(catalogue.attributes).intersection(
        *(disclosable_attributes(mandate, catalogue) for _, mandate in state.chain)
    )
    forbidden: set[str] = set()
    for _, mandate in state.chain:
        for negative in mandate.never:
            if negative.power is PowerKind.RECEIVE:
                forbidden |= _silenced(negative, catalogue)
    known = catalogue.attributes
    return frozenset(
        name for name in known if name not in forbidden and (not known[name].sensitive or name in received)
    )


def overridable_names(found: Sequence[WithheldSpan], allowed: frozenset[str]) -> tuple[str, ...]:
    """Return the attributes to override, if all that was found are values of allowed ones; else none.

    ⚔ Not only the widest finding of each place: a secret inside a value stays one.
    """
    if not found or any(one.why != "attribute" or one.name not in allowed for one in found):
        return ()
    return tuple(sorted({one.name for one in found}))


def _held(
    text: str, untold: Undisclosable, *, earlier: str | None = None, overridden: Collection[str] = ()
) -> tuple[WithheldSpan, ...]:
    before = untold.earlier if earlier is None else earlier
    found = find_all_withheld(text, replace(untold, earlier=before))
    return without_overlap([one for one in found if one.why != "attribute" or one.name not in overridden])


async def cut_messages(
    desk: DeskContext, state: AuthorizationState, messages: Sequence[DeskMessage]
) -> Sequence[DeskMessage]:
    """Cut messages for delivery in this state; those checked in another are checked again.

    ⚔ A permission the customer withdrew after the text was written may still be used in the inbox.

    Raises:
        Fault: `fault.backoffice`: unreadable facts disclose nothing.

    Source: docs/model/model.md#standing-again, #outbound.
    """
    texts = {one.n: _message_text(desk.catalogue, one) for one in messages if one.epochs != state.epochs}
    if not any(texts.values()):
        return messages
    untold = await find_undisclosable(desk, state, "\n".join(texts.values()))
    earlier, before = {}, ""
    for one in sorted(messages, key=lambda one: one.n):
        earlier[one.n] = before
        before = f"{before}\n{one.text}"[-_EARLIER_LENGTH:] if before else one.text[-_EARLIER_LENGTH:]
    # ⚔ What the customer forbids since then is cut all the same.
    allowed = overridable_attributes(state, desk.catalogue)
    overridden = {one.n: allowed.intersection(one.overridden) for one in messages}
    client = state.task.record.client_id
    held = await desk.scan_executor.read(
        client,
        sum(reading_cost(text, replace(untold, earlier=earlier[n])) for n, text in texts.items()),
        lambda: {n: _held(text, untold, earlier=earlier[n], overridden=overridden[n]) for n, text in texts.items()},
    )
    return [_cut(one, held[one.n]) if held.get(one.n) else one for one in messages]


def _message_text(catalogue: Catalogue, message: DeskMessage) -> str:
    """Return an officer's text in a message: its text, or the texts in its offered terms."""
    if not message.offer:
        return message.text
    offer = parse_stored_object(message.offer)
    action, terms = catalogue.actions.get(str(offer.get("action"))), offer.get("terms")
    return "\n".join(free_texts(action, terms)) if action is not None and isinstance(terms, Mapping) else ""


def _cut(message: DeskMessage, held: Sequence[WithheldSpan]) -> DeskMessage:
    """Cut a message. ⚔ Terms are accepted whole or not at all: an offer that says too much is withheld whole."""
    withheld, kinds = message.withheld + len(held), tuple(sorted({*message.kinds, *withheld_kinds(held)}))
    if message.offer:
        return replace(message, offer="", withheld=withheld, kinds=kinds)
    return replace(message, text=mask_spans(message.text, held), withheld=withheld, kinds=kinds)
