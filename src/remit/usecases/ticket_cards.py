"""The card in a ticket: an agent's case at a glance, for officers who work in their own helpdesk.

Source: docs/model/model.md#ticket-card.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from remit.domain.confirm.case_phrases import ENDINGS, PROOFS, PROVED_NOTHING, SIGNS
from remit.domain.confirm.render_ask import RenderedLine
from remit.domain.confirm.render_mandate import render_mandate
from remit.domain.confirm.render_values import action_label, day_and_time, quoted_text
from remit.domain.errors import Refused
from remit.domain.i18n import Translator, marked
from remit.domain.policy.confirmers import OFFICER
from remit.domain.policy.risk import overall_risk, risk_signs
from remit.domain.policy.visitors import shown_tier
from remit.domain.records import (
    ActRecord,
    AgentRecord,
    AskRecord,
    ConfirmationRecord,
    MandateRecord,
    TaskRecord,
    TaskState,
    Tier,
)
from remit.domain.text.normalize import make_visible
from remit.domain.transcript.entry import Kind, Section
from remit.engine.ask.authorization_state import load_authorization_state, mandate_of
from remit.engine.context import DeskContext
from remit.engine.desk import mandate_record_names, names_if_reachable
from remit.engine.helpdesk_writes import helpdesk_write
from remit.engine.transcript.record import open_entry
from remit.ports.store import Commit, LimitReached, Put, RecordMissing, Reserve, StoredEntry

_SCOPE: Final = "ticket_cards"
_READ: Final = "read"
_PAGE: Final = 200
_PAGES: Final = 20
_TASKS: Final = 50
_OLD_MS: Final = 86_400_000
"""Age of an entry from which on it moves no card: a desk that gets a new helpdesk does not tell it of old cases."""
_FIELD_LENGTH: Final = 200
_LINE_LENGTH: Final = 500
_LINES: Final = 60
_MOVING: Final = frozenset(
    {
        Kind.ASK_DECIDED,
        Kind.CONFIRMATION_ANSWERED,
        Kind.CONFIRMATION_EXPIRED,
        Kind.CONFIRMATION_HANDED,
        Kind.MANDATE_NARROWED,
        Kind.TASK_ENDED,
        Kind.TASK_HELD,
        Kind.TASK_OPENED,
        Kind.TASK_RESUMED,
        Kind.WORDS_ANSWERED,
    }
)
"""Entries after which an officer must see another card."""
_WAITS: Final = "needs_human"
_PERMISSIONS: Final = frozenset(
    {"at", "chain", "expires", "may", "never", "objective", "power", "preapproved", "target", "tasks"}
)
"""Lines of a mandate on the card. ⚔ Not the agent's own summary."""
_GONE: Final = "gone"
_GONE_TIER: Final = marked("no longer registered")
_TIERS: Final[Mapping[str, str]] = {
    "known": marked("The operator is known."),
    "trusted": marked("The operator is known and trusted."),
    "unproved": marked("The operator is not verified. Take special care."),
    "visitor": PROVED_NOTHING,
    _GONE: marked("This agent is no longer registered. Its identity can't be verified anymore."),
}


async def write_ticket_cards(desk: DeskContext) -> int:
    """Queue a new card for each case that changed since the last look, and return how many.

    Each change counts once, over all nodes and restarts: progress is a counter that moves with the queued cards.

    Source: docs/model/model.md#ticket-card.
    """
    queued = 0
    for _ in range(_PAGES if desk.helpdesk.shows_cards else 0):
        read = (await desk.store.counters(_SCOPE)).get(_READ, 0)
        entries = await desk.store.entries(low=read, limit=_PAGE)
        if not entries:
            break
        cards = [await _queued(desk, task) for task in await _changed(desk, entries)]
        until = entries[-1].index + 1
        try:
            turn = Reserve(_SCOPE, _READ, until - read, until)
            await desk.store.commit(Commit(puts=tuple(Put(card, 0) for card in cards), reserves=(turn,)))
        except LimitReached:
            break  # another node was faster
        queued += len(cards)
    return queued


async def _changed(desk: DeskContext, entries: Sequence[StoredEntry]) -> list[TaskRecord]:
    """Return the tasks whose cards the entries move, each once."""
    found: dict[str, TaskRecord] = {}
    for entry in entries:
        if entry.row.kind not in _MOVING or entry.row.at < desk.world.now() - _OLD_MS:
            continue
        about = (await open_entry(desk, entry.row)).sections[Section.ENVELOPE].body or {}
        if entry.row.kind == Kind.ASK_DECIDED and about.get("decision") != _WAITS:
            continue
        with contextlib.suppress(RecordMissing):
            for task in await _tasks(desk, str(about.get("task", "")), str(about.get("mandate", ""))):
                found[task.id] = task
    return list(found.values())


async def _tasks(desk: DeskContext, task: str, mandate: str) -> list[TaskRecord]:
    if task:
        return [(await desk.store.get(TaskRecord, task)).record]
    live = await desk.store.find(TaskRecord, "task.live_mandate", mandate, limit=_TASKS)
    return [kept.record for kept in live]


async def _queued(desk: DeskContext, task: TaskRecord) -> ActRecord:
    """Build the outbox record that writes a task's card."""
    payload = {"do": "card", **await ticket_card(desk, task)}
    return helpdesk_write(desk, payload, task=task.id, case=task.case, at=desk.world.now())


async def ticket_card(desk: DeskContext, task: TaskRecord) -> Mapping[str, str]:
    """Return the card's two short values and its text, in the desk's own language.

    ⚔ A foreign value is quoted on one line, so that it cannot pass for a line of the card. Words of the agent, params,
    attributes and names of people stay out: a helpdesk's notes outlive an erasure. Signs of a canary stay out too.
    """
    say = desk.catalogue.say
    waiting = [
        kept.record for kept in await desk.store.find(ConfirmationRecord, "confirmation.task", task.id, limit=_TASKS)
    ]
    name, tier, method = await _agent(desk, task)
    state = _state(desk, task, waiting)
    lines = [
        f"Remit: {state}",
        say(
            "{agent}, run by {operator}, acts for the customer {customer}.",
            agent=quoted_text(name, say),
            operator=quoted_text(task.operator, say),
            customer=quoted_text(task.customer, say),
        ),
        say(_TIERS[tier]),
        *_proof(desk, task, tier, method),
        *await _risk(desk, task),
        *await _waits(desk, waiting),
        *await _permissions(desk, task),
        say("Approvals count only on Remit's own page, with a passkey: {page}", page=_page(desk, task)),
        say("A public reply here is a draft. Remit checks it before the agent gets it."),
    ]
    return {
        "identity": f"{quoted_text(name, say)}, {quoted_text(task.operator, say)} ({say(_GONE_TIER) if tier == _GONE else tier})"[
            :_FIELD_LENGTH
        ],
        "state": state[:_FIELD_LENGTH],
        "text": "\n".join(line[:_LINE_LENGTH] for line in lines[:_LINES]),
    }


async def _agent(desk: DeskContext, task: TaskRecord) -> tuple[str, str, str]:
    try:
        agent = (await desk.store.get(AgentRecord, task.client_id)).record
    except RecordMissing:
        return task.client_id, _GONE, ""
    return agent.name, shown_tier(agent, task.jkt).value, agent.method


def _proof(desk: DeskContext, task: TaskRecord, tier: str, method: str) -> list[str]:
    """Return the line about an agent's proof. ⚔ A visitor has none, and of one without a record none is known."""
    say = desk.catalogue.say
    if tier in {Tier.VISITOR, _GONE}:
        return []
    how = say(PROOFS[method]) if method in PROOFS else make_visible(method)
    return [say("Verified identity: {actor} ({how}).", actor=quoted_text(task.actor, say), how=how)]


def _page(desk: DeskContext, task: TaskRecord) -> str:
    return f"{desk.terms.issuer}/desk/cases/{task.case}"


def _state(desk: DeskContext, task: TaskRecord, waiting: list[ConfirmationRecord]) -> str:
    say = desk.catalogue.say
    if task.state is TaskState.ENDED:
        return say("ended: {why}", why=say(ENDINGS.get(task.reason, task.reason)))
    if task.state is TaskState.HELD:
        return say("on hold for security review")
    if waiting:
        return say("waiting for approval by {who}", who=_who(waiting[0], desk))
    return say("the agent is working")


def _who(invitation: ConfirmationRecord, desk: DeskContext) -> str:
    """Name the confirmers that an invitation still waits for."""
    say, roles = desk.catalogue.say, desk.catalogue.roles
    answered = {answer.confirms_as for answer in invitation.answers}
    names = []
    for word in sorted(set(invitation.step or invitation.who) - answered):
        role = word.removeprefix(OFFICER)
        title = roles[role].title if role in roles else role
        names.append(say("the customer") if role == word else say("a colleague ({role})", role=make_visible(title)))
    return ", ".join(names)


async def _risk(desk: DeskContext, task: TaskRecord) -> list[str]:
    say, now = desk.catalogue.say, desk.world.now()
    if task.state is TaskState.ENDED:
        return []
    try:
        trails = (await load_authorization_state(desk, task.id)).trails
    except Refused:
        return []
    # ⚔ A canary that the helpdesk's people know of is no bait any more.
    signs = [say(SIGNS[one]) for one in risk_signs(trails, now, task.customer) if one in SIGNS and one != "canary"]
    risk = overall_risk(trails, now, task.customer).highest
    told = say("Risk: {risk} of 100.", risk=risk)
    return [" ".join([told, say("Reasons: {signs}.", signs="; ".join(signs))]) if signs else told]


async def _waits(desk: DeskContext, waiting: list[ConfirmationRecord]) -> list[str]:
    say, lines = desk.catalogue.say, []
    for one in waiting:
        try:
            name = (await desk.store.get(AskRecord, one.ask)).record.action
        except RecordMissing:
            continue
        action = desk.catalogue.actions.get(name)
        page = f"{desk.terms.issuer}/confirm/{one.id}"
        lines.append(
            say(
                "{action}: waiting for approval by {who} until {when}: {page}",
                action=quoted_text(name, say) if action is None else action_label(action),
                who=_who(one, desk),
                when=day_and_time(one.due, say),
                page=page,
            )
        )
    return lines


async def _permissions(desk: DeskContext, task: TaskRecord) -> list[str]:
    """Return the mandate's lines as its customer signed them; none of one that the catalogue no longer covers."""
    say: Translator = desk.catalogue.say
    try:
        mandate = mandate_of(desk.catalogue, (await desk.store.get(MandateRecord, task.mandate)).record)
    except (Refused, RecordMissing):
        return []
    names = await names_if_reachable(mandate_record_names(desk, task.customer, mandate))
    rendered = render_mandate(mandate, desk.catalogue, names)
    return [say("Permission signed by the customer:"), *(f"- {line}" for line in _flat(rendered.lines))]


def _flat(lines: tuple[RenderedLine, ...]) -> Iterator[str]:
    for line in lines:
        if line.kind in _PERMISSIONS and not line.theirs:
            yield f"{line.text} ({'; '.join(line.details)})" if line.details else line.text
