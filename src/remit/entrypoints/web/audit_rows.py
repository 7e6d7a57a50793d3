"""Rows of the audit log in words: an ask with its decision, answers and outcome in one line, or another entry."""

from collections.abc import Mapping, Sequence
from typing import Final

from remit.domain.catalogue.model import CUSTOMER, Catalogue
from remit.domain.confirm.distinct_names import passes_for_person
from remit.domain.confirm.render_values import Names, in_quotes
from remit.domain.errors import MEANINGS, Code
from remit.domain.i18n import Translator, marked
from remit.domain.policy.confirmers import OFFICER
from remit.domain.text.normalize import make_visible
from remit.domain.transcript.entry import Kind
from remit.entrypoints.web.act_text import act_phrase
from remit.entrypoints.web.entry_details import EntryContext, envelope_lines
from remit.entrypoints.web.entry_parties import NO_PARTIES, EntryParties
from remit.entrypoints.web.entry_text import entry_asks, entry_text
from remit.entrypoints.web.record_names import NO_NAMES
from remit.usecases.transcript.rows import RowAnswer, TranscriptRow

STATES: Final[Mapping[str, tuple[str, str]]] = {
    "declined": (marked("Declined"), "no"),
    "done": (marked("Done"), "ok"),
    "expired": (marked("Expired"), "no"),
    "failed": (marked("Failed"), "no"),
    "needs_human": (marked("Waiting for approval"), "wait"),
    "permit": (marked("Allowed"), ""),
    "refuse": (marked("Blocked"), "no"),
    "unknown": (marked("Outcome not confirmed yet"), "wait"),
    "void": (marked("Cancelled"), ""),
    "withdrawn": (marked("Withdrawn"), ""),
}
"""What became of an ask, and its look."""
DECISIONS: Final[Mapping[str, str]] = {
    "permit": marked("Allowed"),
    "needs_human": marked("Needed approval"),
    "refuse": marked("Blocked"),
    "approved": marked("Approved"),
    "declined": marked("Declined"),
    "expired": marked("Expired"),
    "withdrawn": marked("Withdrawn"),
    "done": marked("Done"),
    "failed": marked("Failed"),
    "unknown": marked("Outcome not confirmed yet"),
}
"""Decisions, answers and outcomes to look for."""
KINDS: Final[Mapping[str, str]] = {
    "ask": marked("Requests"),
    "confirmation": marked("Approvals"),
    "act": marked("Actions"),
    "mandate": marked("Permissions"),
    "task": marked("Tasks"),
    "agent": marked("Agents"),
    "person": marked("People"),
    "contest": marked("Disputes"),
    "leak": marked("Leaks"),
    "canary": marked("Canaries"),
    "policy": marked("Rules"),
    "entry": marked("Erasures"),
    "transcript": marked("Exports"),
}
"""Groups of kinds to look for."""
_BY: Final[Mapping[str, str]] = {
    "less": marked("less allowed by {name}"),
    "no": marked("declined by {name}"),
    "no_and_end": marked("declined by {name}"),
    "release": marked("message passed on by {name}"),
    "strip": marked("continued without the message by {name}"),
    "yes": marked("approved by {name}"),
}
_ALONE: Final[Mapping[str, str]] = {
    "silence": marked("no one answered in time"),
    "withdrawn": marked("withdrawn by the agent"),
}


def row_text(
    row: TranscriptRow, catalogue: Catalogue, names: Names = NO_NAMES, parties: EntryParties = NO_PARTIES
) -> dict[str, object]:
    """Return a row for the page: `agent`, `act`, `answers`, `state` with its `look`, and its entries as sentences.

    `names` are those of the records of its ask, `parties` those of its agent and customer.
    """
    say = catalogue.say
    asks = entry_asks(row.entries)
    entries = [
        {
            **entry_text(one, catalogue, asks, names=names, own=False, parties=parties),
            "envelope": envelope_lines(one["envelope"], say),
        }
        for one in row.entries
    ]
    newest = entries[-1]
    state, look = STATES.get(row.state, ("", str(newest["look"])))
    return {
        "entry": row.entry,
        "first": row.first,
        "at": row.at,
        "is_ask": bool(row.ask) and row.kind == Kind.ASK_DECIDED,
        "agent": _agent(row, say),
        "agent_id": row.agent,
        "customer": make_visible(row.customer_name or row.customer),
        "customer_id": row.customer,
        "case": row.case,
        "act": _act(row, catalogue, names) if row.action or row.decision else "",
        "answers": _answers(row.answers, catalogue),
        "why": _why(row, say),
        "state": say(state) if state else "",
        "look": look,
        "sentence": newest["sentence"],
        "officers": [make_visible(one) for one in row.officers],
        "about": make_visible(row.about),
        "erased": row.erased,
        "entries": entries,
    }


def _agent(row: TranscriptRow, say: Translator) -> str:
    """Return the agent's name, in quotes where it is that of a person of the row. ⚔ It chose it itself."""
    name, people = row.agent_name or row.agent, (row.customer_name, *row.officers, *(one.name for one in row.answers))
    quoted = name and any(one and passes_for_person(name, one) for one in people)
    return in_quotes(name, say) if quoted else make_visible(name)


def row_sentence(row: TranscriptRow, catalogue: Catalogue) -> str:
    """Return a row in one line: `Helper · Refund €20.00 for order W1001 · approved by Anna · Done`."""
    told = row_text(row, catalogue)
    if not told["is_ask"]:
        return " · ".join([str(told["sentence"]), *row.officers])
    answers = told["answers"] if isinstance(told["answers"], list) else []
    parts = [told["agent"], told["act"], *answers, told["state"], told["why"]]
    return " · ".join(str(one) for one in parts if one)


def _act(row: TranscriptRow, catalogue: Catalogue, names: Names) -> str:
    known = EntryContext(catalogue, names, own=False)
    return act_phrase({"action": row.action, "asked": {"params": row.params}}, known)


def _why(row: TranscriptRow, say: Translator) -> str:
    return say(MEANINGS[Code(row.code)].title) if row.state == "refuse" and row.code in set(Code) else ""


def _answers(answers: Sequence[RowAnswer], catalogue: Catalogue) -> list[str]:
    found = [_answer(one, catalogue) for one in answers]
    return list(dict.fromkeys(one for one in found if one))


def _answer(one: RowAnswer, catalogue: Catalogue) -> str:
    say = catalogue.say
    if one.answer in _ALONE:
        return say(_ALONE[one.answer])
    with_name = _BY.get(one.answer)
    if with_name is None:
        return ""
    if one.role == CUSTOMER:
        name = make_visible(one.name) or say("the customer")
    else:
        name = make_visible(one.name) or say("someone from support")
        role = catalogue.roles.get(one.role.removeprefix(OFFICER))
        if one.name and role is not None:
            name = f"{name} ({make_visible(role.title)})"
    return say(with_name, name=name)
