"""Officers' views of agent cases: customer, purpose, permissions and conversation."""

import contextlib
from collections.abc import Mapping

from remit.domain.confirm.offers import single_use_scope
from remit.domain.confirm.render_ask import rendering_json
from remit.domain.confirm.render_mandate import render_mandate
from remit.domain.errors import Fault, Refused
from remit.domain.mandate.cover import may_speak
from remit.domain.policy.visitors import shown_tier
from remit.domain.records import (
    AgentRecord,
    AskRecord,
    DeskMessage,
    MandateRecord,
    OfferRecord,
    PersonRecord,
    TaskRecord,
)
from remit.domain.structs import struct
from remit.domain.values import Json, decode_json, instant_text
from remit.engine.ask.authorization_state import load_authorization_state, mandate_of
from remit.engine.ask.reply import recorded_params
from remit.engine.context import DeskContext
from remit.engine.desk import (
    authentication_facts,
    confirmation_answers,
    mandate_record_names,
    names_if_reachable,
    risk_facts,
    task_timeline,
)
from remit.engine.leaks.scan_staff_text import scan_native_notes
from remit.engine.outbound.check import case_tasks, disclosable_attributes
from remit.ports.store import RecordMissing
from remit.usecases.confirm.held_words import marked_texts
from remit.usecases.files import case_files
from remit.usecases.tasks.task import remaining_budgets

_PAGE = 50


@struct(frozen=True)
class _Parties:
    agent: str
    tier: str
    customer: str


async def list_cases(desk: DeskContext) -> list[Mapping[str, Json]]:
    """List the newest agent cases, newest first; a case with several tasks appears once."""
    rows: dict[str, Mapping[str, Json]] = {}
    for kept in await desk.store.find(TaskRecord, "task.all", "", limit=_PAGE * 2, newest=True):
        task = kept.record
        if task.case not in rows and len(rows) < _PAGE:
            rows[task.case] = await _row(desk, task)
    return list(rows.values())


async def case_card(desk: DeskContext, case: str) -> Mapping[str, Json]:
    """Return everything about one case at a glance.

    Raises:
        Refused: `request.not_found`.
        Fault: `fault.store`. An unreachable helpdesk leaves its part out and is named in `unreadable`.
    """
    task = (await case_tasks(desk, case))[-1]
    record = (await desk.store.get(MandateRecord, task.mandate)).record
    row = await _row(desk, task)
    card: dict[str, Json] = {**row, "mandate": record.id, "ends_at": instant_text(task.ends_at)}
    card |= await _permissions(desk, task, record, str(row["agent_name"]))
    card["proof"] = await authentication_facts(desk, task)
    card["risk"] = None
    if task.state != "ended":
        state = await load_authorization_state(desk, task.id)
        card["budgets"] = list(remaining_budgets(state))
        card["risk"] = risk_facts(desk, state)
    card["asks"] = await _asks(desk, task)
    card["messages"] = await _messages(desk, task)
    card["offers"] = await _offers(desk, case)
    card["files"] = list(await case_files(desk, case))
    card["timeline"] = list(await task_timeline(desk, task))
    try:
        await scan_native_notes(desk, task)
        view = await desk.helpdesk.read(case)
        card["subject"], card["open"] = view.subject, view.open
        card["notes"] = [
            {
                "n": one.n,
                "at": one.at,
                "author": one.author,
                "public": one.public,
                "native": one.native,
                "text": one.text,
            }
            for one in await desk.helpdesk.notes(case)
        ]
        card["unreadable"] = ""
    except Fault as fault:
        card |= {"subject": "", "open": None, "notes": [], "unreadable": fault.code.value}
    return card


async def _permissions(desk: DeskContext, task: TaskRecord, record: MandateRecord, agent: str) -> dict[str, Json]:
    disclosed = frozenset[str]()
    speaks: bool | None = None
    may: Json = {"lines": []}
    # Erased content, or content the catalogue no longer covers, is not shown.
    with contextlib.suppress(Refused):
        mandate = mandate_of(desk.catalogue, record)
        speaks = may_speak(mandate)
        disclosed = disclosable_attributes(mandate, desk.catalogue)
        names = await names_if_reachable(mandate_record_names(desk, task.customer, mandate))
        may = rendering_json(render_mandate(mandate, desk.catalogue, names, agent=agent, operator=task.operator))
    attributes = desk.catalogue.attributes
    told_rows: list[Json] = [
        {"name": one, "title": attributes[one].title, "sensitive": attributes[one].sensitive}
        for one in sorted(disclosed)
    ]
    not_told: list[Json] = [
        {"name": name, "title": one.title, "sensitive": one.sensitive}
        for name, one in sorted(attributes.items())
        if name not in disclosed
    ]
    return {"may": may, "speaks": speaks, "told": told_rows, "not_told": not_told}


async def _row(desk: DeskContext, task: TaskRecord) -> Mapping[str, Json]:
    parties = await _parties(desk, task)
    return {
        "case": task.case,
        "task": task.id,
        "state": task.state.value,
        "reason": task.reason,
        "opened_at": instant_text(task.opened_at),
        "agent": task.client_id,
        "agent_name": parties.agent,
        "tier": parties.tier,
        "operator": task.operator,
        "customer": task.customer,
        "customer_name": parties.customer,
        "objective": task.objective,
    }


async def _parties(desk: DeskContext, task: TaskRecord) -> _Parties:
    try:
        agent = (await desk.store.get(AgentRecord, task.client_id)).record
        customer = (await desk.store.get(PersonRecord, task.customer)).record
    except RecordMissing:
        return _Parties(task.client_id, "unproved", task.customer)
    return _Parties(agent.name, shown_tier(agent, task.jkt).value, customer.name)


async def _asks(desk: DeskContext, task: TaskRecord) -> list[Json]:
    found = await desk.store.find(AskRecord, "ask.task", task.id, limit=_PAGE, newest=True)
    return [
        {
            "ask": one.record.id,
            "action": one.record.action,
            "params": recorded_params(one.record),
            "words": one.record.words,
            "words_state": one.record.current_words_state,
            "texts": marked_texts(desk, one.record),
            "state": one.record.state.value,
            "code": one.record.code,
            "at": instant_text(one.record.at),
            "who": list(one.record.who),
            "confirmed_by": list(one.record.confirmed_by),
            "confirmation": one.record.confirmation,
            "answers": await confirmation_answers(desk, one.record),
        }
        for one in found
    ]


async def _messages(desk: DeskContext, task: TaskRecord) -> list[Json]:
    found = await desk.store.find(DeskMessage, "message.task", task.id, limit=_PAGE, newest=True)
    return [
        {
            "n": one.record.n,
            "at": instant_text(one.record.at),
            "kind": one.record.kind,
            "text": one.record.text,
            "withheld": one.record.withheld,
        }
        for one in found
    ]


async def _offers(desk: DeskContext, case: str) -> list[Json]:
    now = desk.world.now()
    found = await desk.store.find(OfferRecord, "offer.case", case, limit=_PAGE, newest=True)
    chosen = {single_use_scope(one.record) for one in found if one.record.used}
    return [
        {
            "offer": one.record.id,
            "action": one.record.action,
            "terms": decode_json(one.record.terms.encode()),
            "by": one.record.by,
            "expires_at": instant_text(one.record.expires_at),
            "state": "used"
            if one.record.used
            else "expired"
            if now >= one.record.expires_at or single_use_scope(one.record) in chosen
            else "open",
            "choice": one.record.choice,
        }
        for one in found
    ]
