"""Rows of the officers' queue: confirmations for an officer's roles, filtered, the most urgent first."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from decimal import Decimal, InvalidOperation
from typing import Final

from remit.domain import saved_views
from remit.domain.confirm.confirmation import current_assignment
from remit.domain.errors import Code, Refused
from remit.domain.i18n import marked
from remit.domain.policy.confirmers import OFFICER, Confirmer, RequiredConfirmers, verify_confirmer
from remit.domain.policy.escalation import amounts_of
from remit.domain.records import AgentRecord, AskRecord, ConfirmationRecord, PersonRecord, Tier
from remit.domain.structs import replace, struct
from remit.domain.values import Instant, Json, JsonObject, instant_text, verify_money
from remit.engine.ask.reply import recorded_params
from remit.engine.confirm.invite import rendering_in_language
from remit.engine.context import DeskContext
from remit.ports.store import RecordMissing
from remit.usecases.confirm.answer import required_confirmers
from remit.usecases.confirm.held_words import marked_texts
from remit.usecases.desk.mentions import list_mentions

PAGE: Final = 25
"""Rows of one page of the queue."""
_MOST: Final = 500
_OWN: Final = 200
_COLLEAGUES: Final = 50
_MINUTE_MS: Final = 60_000
_URGENT_MS: Final = 15 * _MINUTE_MS
DUE: Final[Mapping[str, int]] = {"1h": 60 * _MINUTE_MS, "4h": 240 * _MINUTE_MS, "24h": 1440 * _MINUTE_MS}
"""Choices of the filter by due time, with the time left."""
FILTERS: Final = saved_views.PARAMETERS["queue"]
"""The names of the filters in an address."""
STATES: Final = ("mine", "free", "mentioned")
"""Choices of the filter by state: assigned to the officer, to nobody, or with a mention of the officer."""


@struct(frozen=True, kw_only=True)
class QueueFilter:
    """A filter of the queue; empty members filter nothing. `customer` and `agent` are parts of a name, or an id."""

    role: str = ""
    due: str = ""
    least: Decimal | None = None
    agent: str = ""
    customer: str = ""
    state: str = ""


@struct(frozen=True, kw_only=True)
class QueueList:
    """A page of the queue: its rows, the number of rows that fit the filter, and of all."""

    rows: Sequence[Mapping[str, Json]]
    fit: int
    all: int


def read_filter(query: Mapping[str, str]) -> QueueFilter:
    """Read a filter from the parameters of an address; others are left alone.

    Raises:
        Refused: `request.malformed` for an unknown due time or state, or an amount that is no number.
    """
    amount, due, state = query.get("min", "").strip().replace(",", "."), query.get("due", ""), query.get("state", "")
    try:
        least = Decimal(amount) if amount else None
    except InvalidOperation:
        least = Decimal("NaN")
    if (due and due not in DUE) or (state and state not in STATES) or (least is not None and not least.is_finite()):
        public = marked("Enter a number as the amount, and choose the other filters from their lists.")
        raise Refused(Code.REQUEST_MALFORMED, "an unknown filter", public=public)
    return QueueFilter(
        role=query.get("role", ""),
        due=due,
        least=least,
        agent=query.get("agent", "").strip(),
        customer=query.get("customer", "").strip(),
        state=state,
    )


@struct(frozen=True)
class _Reader:
    """Reads each ask, agent and person of the rows once."""

    desk: DeskContext
    asks: dict[str, AskRecord] = field(default_factory=dict)
    agents: dict[str, AgentRecord | None] = field(default_factory=dict)
    people: dict[str, PersonRecord | None] = field(default_factory=dict)

    async def ask(self, ask: str) -> AskRecord:
        if ask not in self.asks:
            self.asks[ask] = (await self.desk.store.get(AskRecord, ask)).record
        return self.asks[ask]

    async def agent(self, client_id: str) -> AgentRecord | None:
        if client_id not in self.agents:
            try:
                self.agents[client_id] = (await self.desk.store.get(AgentRecord, client_id)).record
            except RecordMissing:
                self.agents[client_id] = None
        return self.agents[client_id]

    async def person(self, person_id: str) -> PersonRecord | None:
        if person_id not in self.people:
            try:
                self.people[person_id] = (await self.desk.store.get(PersonRecord, person_id)).record
            except RecordMissing:
                self.people[person_id] = None
        return self.people[person_id]


@struct(frozen=True)
class _Reading:
    """One officer's look at the queue: records, colleagues by role, and where the officer is mentioned."""

    officer: PersonRecord
    read: _Reader
    now: Instant
    colleagues: Mapping[str, Sequence[PersonRecord]]
    mentions: Sequence[Mapping[str, Json]]

    def mentioned(self, record: ConfirmationRecord, ask: AskRecord) -> Mapping[str, Json] | None:
        return next(
            (one for one in self.mentions if one["confirmation"] == record.id or one["case"] == ask.case),
            None,
        )


async def pending_confirmations(
    desk: DeskContext, person: PersonRecord, wanted: QueueFilter | None = None
) -> list[Mapping[str, Json]]:
    """List the confirmations waiting for a person: a customer's oldest first, an officer's most urgent first."""
    if person.kind != "customer":
        return list((await officer_queue(desk, person, wanted or QueueFilter())).rows)
    now = desk.world.now()
    found = await desk.store.find(ConfirmationRecord, "confirmation.waiting", person.id, limit=_OWN, newest=True)
    return [
        invitation_row(desk, kept.record, (await desk.store.get(AskRecord, kept.record.ask)).record)
        for kept in reversed(found)
        if now < kept.record.due
    ]


async def officer_queue(
    desk: DeskContext, officer: PersonRecord, wanted: QueueFilter, *, page: int | None = None
) -> QueueList:
    """List the confirmations waiting for an officer's roles, by due time; those of other roles are left out.

    `page` is one page of `PAGE` rows, from 1; without, all rows. Those the person may not answer, as the customer or
    after answering already, have `yours` false.
    """
    now, read = desk.world.now(), _Reader(desk)
    found: list[tuple[ConfirmationRecord, str]] = []
    for role in officer.roles:
        kept = await desk.store.find(ConfirmationRecord, "confirmation.waiting", f"{OFFICER}{role}", limit=_MOST)
        found.extend((one.record, role) for one in kept if now < one.record.due)
    found.sort(key=lambda one: one[0].due)
    mentions = await list_mentions(desk, officer)
    reading = _Reading(officer, read, now, await _colleagues(desk, officer), mentions)
    fit = [one for one in found if await _fits(desk, reading, wanted, *one)]
    shown = fit if page is None else fit[(page - 1) * PAGE : page * PAGE]
    rows = [await _row(desk, reading, record, role) for record, role in shown]
    return QueueList(rows=rows, fit=len(fit), all=len(found))


async def _colleagues(desk: DeskContext, officer: PersonRecord) -> Mapping[str, Sequence[PersonRecord]]:
    return {
        role: [one.record for one in await desk.store.find(PersonRecord, "person.role", role, limit=_COLLEAGUES)]
        for role in officer.roles
    }


async def _fits(
    desk: DeskContext, reading: _Reading, wanted: QueueFilter, record: ConfirmationRecord, role: str
) -> bool:
    """Return whether a row fits; the ask and its parties are read only where the filter needs them."""
    if not _fits_waiting(reading, wanted, record, role):
        return False
    if wanted.customer:
        customer = await reading.read.person(record.customer)
        if not _says(wanted.customer, record.customer, customer.name if customer is not None else ""):
            return False
    if wanted.least is None and not wanted.agent and wanted.state != "mentioned":
        return True
    return await _fits_ask(desk, reading, wanted, record)


def _fits_waiting(reading: _Reading, wanted: QueueFilter, record: ConfirmationRecord, role: str) -> bool:
    if (wanted.role and role != wanted.role) or (wanted.due and record.due - reading.now > DUE[wanted.due]):
        return False
    if wanted.state not in {"mine", "free"}:
        return True
    held = current_assignment(record, f"{OFFICER}{role}", reading.now)
    if wanted.state == "free":
        return held is None
    return held is not None and held.person_key == reading.officer.key


async def _fits_ask(desk: DeskContext, reading: _Reading, wanted: QueueFilter, record: ConfirmationRecord) -> bool:
    ask = await reading.read.ask(record.ask)
    if wanted.state == "mentioned" and reading.mentioned(record, ask) is None:
        return False
    if wanted.agent:
        agent = await reading.read.agent(ask.client_id)
        if not _says(wanted.agent, ask.client_id, agent.name if agent is not None else "", ask.operator):
            return False
    return wanted.least is None or _has_amount(desk, ask, wanted.least)


def _says(part: str, *names: str) -> bool:
    return any(part.casefold() in name.casefold() for name in names)


def _has_amount(desk: DeskContext, ask: AskRecord, least: Decimal) -> bool:
    """Return whether an amount of an ask is large enough; another currency cannot be compared and counts as such."""
    amounts = amounts_of(desk.catalogue.actions.get(ask.action), recorded_params(ask))
    for one in amounts:
        try:
            money = verify_money(one)
        except Refused:
            return True
        if money.currency != desk.catalogue.currency or money.amount >= least:
            return True
    return False


async def eligible_recipients(
    desk: DeskContext, record: ConfirmationRecord, ask: AskRecord, word: str, people: Iterable[PersonRecord]
) -> list[PersonRecord]:
    """Return the officers among `people` that may answer for a role, excluding the customer and earlier confirmers."""
    confirmers = await required_confirmers(desk, record, ask)
    return [one for one in people if _may(confirmers, word, one)]


def _may(confirmers: RequiredConfirmers, word: str, person: PersonRecord) -> bool:
    if person.kind != "officer" or person.paused:
        return False
    try:
        facts = Confirmer(key=person.key, roles=frozenset(person.roles))
        return verify_confirmer(replace(confirmers, who=frozenset({*confirmers.given, word})), facts) == word
    except Refused:
        return False


async def _row(desk: DeskContext, reading: _Reading, record: ConfirmationRecord, role: str) -> Mapping[str, Json]:
    read, officer = reading.read, reading.officer
    ask = await read.ask(record.ask)
    agent, customer = await read.agent(ask.client_id), await read.person(record.customer)
    word = f"{OFFICER}{role}"
    able = await eligible_recipients(desk, record, ask, word, (*reading.colleagues.get(role, ()), officer))
    yours = any(one.id == officer.id for one in able)
    mention = reading.mentioned(record, ask)
    return {
        **invitation_row(desk, record, ask),
        "role": role,
        "case": ask.case,
        "customer": record.customer,
        "customer_name": customer.name if customer is not None else record.customer,
        "agent": ask.client_id,
        "agent_name": agent.name if agent is not None else ask.client_id,
        "tier": (agent.tier if agent is not None else Tier.UNPROVED).value,
        "amounts": list(amounts_of(desk.catalogue.actions.get(ask.action), recorded_params(ask))),
        "risk": record.risk,
        "signs": list(record.signs),
        "rule": record.rule,
        "reason": rule_reason(desk, record) if word in record.step else "",
        "due_at": instant_text(record.due),
        "urgency": _urgency(record, reading.now),
        "then": list(record.then[0].roles) if record.then and word in record.step else [],
        "answered": sorted({one.confirms_as for one in record.answers}),
        "yours": yours,
        "taken": assignment_json(record, word, officer, reading.now),
        "mentioned": None if mention is None else dict(mention),
        "colleagues": [{"id": one.id, "name": one.name} for one in able if one.key != officer.key],
        "roles": handover_roles(desk, record, word),
        "words": list(marked_texts(desk, ask)) if record.words else [],
    }


def invitation_row(desk: DeskContext, record: ConfirmationRecord, ask: AskRecord) -> Mapping[str, Json]:
    """Return a waiting confirmation as all confirmers see it."""
    return {
        "confirmation": record.id,
        "ask": ask.id,
        "action": ask.action,
        "operator": ask.operator,
        "rendering": rendering_in_language(record, desk.catalogue.say.language),
        "who": list(record.who),
        "at": instant_text(record.at),
        "expires_at": instant_text(record.expires_at),
        "page": f"/confirm/{record.id}",
    }


def _urgency(record: ConfirmationRecord, now: Instant) -> str:
    """Return `urgent`, `soon` or `calm`, by the share of time that is left."""
    left, whole = record.due - now, max(record.due - record.at, 1)
    if left <= _URGENT_MS or left * 4 <= whole:
        return "urgent"
    return "soon" if left * 2 <= whole else "calm"


def rule_reason(desk: DeskContext, record: ConfirmationRecord) -> str:
    """Return the rule's reason in the reader's language, while the rule still states the same."""
    return next(
        (one.reason for one in desk.catalogue.escalations if one.name == record.rule and one.meant == record.reason),
        record.reason,
    )


def assignment_json(record: ConfirmationRecord, word: str, officer: PersonRecord, now: Instant) -> JsonObject | None:
    """Return the officer at work on a confirmation, as people see it."""
    held = current_assignment(record, word, now)
    if held is None:
        return None
    return {
        "by": held.person,
        "name": held.name,
        "until": instant_text(held.until),
        "mine": held.person_key == officer.key,
    }


def handover_roles(desk: DeskContext, record: ConfirmationRecord, word: str) -> list[Json]:
    """Return the roles it might be handed to; whether the rules accept their yes is evaluated on hand-over."""
    if record.words:
        return []
    named = {role for step in record.then for role in step.roles} if word in record.step else set(desk.catalogue.roles)
    return [*sorted(one for one in named if f"{OFFICER}{one}" not in record.who)]
