"""Entries of the transcript as sentences for people. Their content is decided where they are drafted."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from remit.domain.catalogue.model import Catalogue
from remit.domain.confirm.case_phrases import ENDINGS, SIGNS
from remit.domain.confirm.render_values import Names, in_quotes, plain_value, quoted_text
from remit.domain.i18n import marked
from remit.domain.text.normalize import make_visible
from remit.domain.transcript.people_named import doers
from remit.domain.values import Json, JsonObject, list_of, object_of
from remit.entrypoints.web.act_text import (
    act_phrase,
    act_row,
    agent_name,
    decision_state,
    officer_name,
    outcome_state,
    wish_of,
    wish_sentence,
)
from remit.entrypoints.web.answer_text import (
    answer_sentence,
    handover_sentence,
    taken_sentence,
    words_answer_sentence,
)
from remit.entrypoints.web.entry_details import EntryContext, entry_lines, offer_terms_text, settled_file, to_reader
from remit.entrypoints.web.entry_parties import NO_PARTIES, EntryParties, agent_label
from remit.entrypoints.web.phrases import BAITED, TRUST

_Teller = Callable[[JsonObject, JsonObject, EntryContext], tuple[str, str]]


_NO_AGENT: Final = frozenset({"agent.disowned", "mandate.narrowed", "mandate.revoked", "mandate.expired"})
"""Entries that name a mandate but involve no agent."""


def entry_text(
    row: Mapping[str, Json],
    catalogue: Catalogue,
    asks: Mapping[str, JsonObject] | None = None,
    *,
    names: Names | None = None,
    own: bool = True,
    parties: EntryParties = NO_PARTIES,
) -> dict[str, object]:
    """Return an entry for a page: a sentence, its look (`ok`, `no`, `wait` or plain), and its content line by line.

    `asks` are known asks by id, to tell acts with their params; `names` are names of their records, `parties` those of
    agents and people. `own`: the customer reads about themselves.
    """
    known = EntryContext(catalogue, names or {}, own, parties)
    envelope, content = object_of(row["envelope"]), object_of(row["content"])
    ask = (asks or {}).get(str(envelope.get("ask", "")))
    if ask is not None and "ask" not in content:
        envelope = {**envelope, "asked": ask}
    kind = str(row["kind"])
    sentence, look = _TELLERS.get(kind, _other)({**envelope, "kind": kind}, content, known)
    return {
        "entry": row["entry"],
        "kind": kind,
        "at": row["at"],
        "sentence": sentence,
        "lead": lead_of(sentence, known.agent(envelope)),
        "look": look,
        "details": list(entry_lines(content, known)),
        "by_agent": kind not in _NO_AGENT and any(name in envelope for name in ("mandate", "task", "ask")),
        "erased": row["erased"],
    }


def lead_of(sentence: str, agent: str) -> str:
    """Return the agent's name where it opens the sentence, for pages to set off."""
    return agent if agent and sentence.startswith(agent) else ""


def _decided(envelope: JsonObject, content: JsonObject, known: EntryContext) -> tuple[str, str]:
    state, look = decision_state(envelope, known)
    if envelope.get("decision") == "needs_human":
        return f"{wish_sentence(envelope, content, known)} · {state}", look
    return act_row(envelope, wish_of(envelope, content, known)[0], state, known), look


def _performed(envelope: JsonObject, content: JsonObject, known: EntryContext) -> tuple[str, str]:
    state, look = outcome_state(envelope, content, known)
    return act_row(envelope, act_phrase(envelope, known), state, known), look


def _replied(envelope: JsonObject, content: JsonObject, known: EntryContext) -> tuple[str, str]:
    agent = known.agent(envelope)
    if "told" not in envelope:
        named = officer_name(content, known)
        if named and agent:
            return known.said("{name} wrote to {agent}.", name=named, agent=agent), ""
        return _with_agent(known, agent, marked("Support wrote to {agent}."), marked("Support wrote to the agent.")), ""
    titles = [
        known.catalogue.attributes[name].title if name in known.catalogue.attributes else name
        for name in map(str, list_of(envelope["told"]))
    ]
    what = ", ".join(titles)
    if not titles:
        return _with_agent(
            known,
            agent,
            marked("Nothing was shared with {agent}."),
            marked("Nothing was shared with the agent."),
        ), ""
    return _with_agent(
        known,
        agent,
        marked("Shared with {agent}: {what}"),
        marked("Shared with the agent: {what}"),
        what=what,
    ), ""


def _with_agent(known: EntryContext, agent: str, with_name: str, without: str, **values: object) -> str:
    """Return a sentence about the agent, with its name where that is known."""
    return known.said(with_name, agent=agent, **values) if agent else known.said(without, **values)


def _about_agent(with_name: str, without: str, look: str = "") -> _Teller:
    """Return the teller of one sentence about the entry's agent."""
    return lambda envelope, _content, known: (_with_agent(known, known.agent(envelope), with_name, without), look)


def _named_agent(envelope: JsonObject, content: JsonObject, known: EntryContext) -> str:
    """Return the agent of a permission or a task, which the entry names itself."""
    name = str(content.get("agent", envelope.get("agent", "")))
    return known.agent(envelope) or agent_label(name, known.catalogue)


def _overridden(_envelope: JsonObject, content: JsonObject, known: EntryContext) -> tuple[str, str]:
    titles = [
        known.catalogue.attributes[name].title if name in known.catalogue.attributes else name
        for name in map(str, list_of(content.get("attributes", ())))
    ]
    if not titles:
        return known.said("Someone from support shared data outside the permission with the agent."), "wait"
    shared = make_visible(", ".join(titles))
    return known.said(
        "Someone from support shared data outside the permission with the agent: {what}", what=shared
    ), "wait"


def _granted(envelope: JsonObject, content: JsonObject, known: EntryContext) -> tuple[str, str]:
    return known.said(
        "You allowed {agent} to act for you: {purpose}",
        agent=_named_agent(envelope, content, known),
        purpose=_objective(envelope, known),
    ), "ok"


def _opened(envelope: JsonObject, content: JsonObject, known: EntryContext) -> tuple[str, str]:
    return known.said(
        "{agent} started a task: {purpose}",
        agent=_named_agent(envelope, content, known),
        purpose=_objective(envelope, known),
    ), ""


def _ended(envelope: JsonObject, _content: JsonObject, known: EntryContext) -> tuple[str, str]:
    why = to_reader(ENDINGS.get(str(envelope.get("reason", "")), marked("see details")), known)
    return _with_agent(
        known, known.agent(envelope), marked("{agent} · task ended: {why}"), marked("Task ended: {why}"), why=why
    ), ""


def _blocked(envelope: JsonObject, content: JsonObject, known: EntryContext) -> tuple[str, str]:
    if envelope.get("why") == "native_public_reply":
        return known.said(
            "Someone from support replied directly in the helpdesk. The reply wasn't checked and wasn't "
            "passed on to the agent."
        ), "no"
    return _about_agent(
        marked("A message from {agent} was blocked."), marked("A message from the agent was blocked."), "no"
    )(envelope, content, known)


def _enrolled(_envelope: JsonObject, content: JsonObject, known: EntryContext) -> tuple[str, str]:
    name = str(content.get("label", ""))
    return known.said("Passkey added: {name}", name=quoted_text(name, known.catalogue.say)) if name else known.said(
        "A passkey was added."
    ), ""


_CHANGES: Final[Mapping[str, tuple[str, str]]] = {
    "added": (marked("The account was created."), ""),
    "contact": (marked("The e-mail address for notifications was changed."), "wait"),
    "invited": (marked("A one-time link to add a passkey was created."), ""),
    "joined": (marked("The company's login was connected to the account."), "wait"),
    "recovery": (marked("Support started a passkey recovery."), "wait"),
    "resumed": (marked("You ended the pause."), "ok"),
    "unlinked": (marked("The company's login was disconnected from the account."), "wait"),
    "verified": (marked("Support confirmed in person who you are and ended the pause."), "ok"),
}


def _changed(envelope: JsonObject, content: JsonObject, known: EntryContext) -> tuple[str, str]:
    if envelope.get("passkey") == "removed":
        name = str(content.get("label", ""))
        return known.said(
            "Passkey removed: {name}", name=quoted_text(name, known.catalogue.say)
        ) if name else known.said("A passkey was removed."), "wait"
    if "roles" in envelope:
        roles = [
            known.catalogue.roles[one].title if one in known.catalogue.roles else one
            for one in map(str, list_of(envelope["roles"]))
        ]
        left = make_visible(", ".join(roles)) if roles else known.said("none")
        return known.said("A team member's roles were changed. Now: {roles}", roles=left), ""
    change = str(envelope.get("change", ""))
    by_recovery = change == "invited" and envelope.get("how") == "recovery"
    sentence, look = _CHANGES.get("recovery" if by_recovery else change, (marked("The account was changed."), ""))
    return known.said(sentence), look


def _contested(envelope: JsonObject, _content: JsonObject, known: EntryContext) -> tuple[str, str]:
    return known.said(
        "You disputed entry {entry}.", entry=plain_value(envelope.get("entry"), known.catalogue.say)
    ), "wait"


def _offered(_envelope: JsonObject, content: JsonObject, known: EntryContext) -> tuple[str, str]:
    terms = offer_terms_text(object_of(content.get("offer")), known)
    return known.said("Support made an offer: {terms}", terms=terms) if terms else known.said(
        "Support made an offer."
    ), ""


def _disowned(envelope: JsonObject, _content: JsonObject, known: EntryContext) -> tuple[str, str]:
    agent = known.agent(envelope) or in_quotes(str(envelope.get("agent", "")), known.catalogue.say)
    return known.said(
        "You reported activity by {agent} as unauthorized. Every permission you gave it has ended.", agent=agent
    ), "no"


_STOPPED: Final[Mapping[str, str]] = {
    "agent": marked("Support stopped the agent {name}."),
    "objective": marked("Support stopped the purpose {name}."),
    "operator": marked("Support stopped all agents of the operator {name}."),
}


def _stopped(envelope: JsonObject, _content: JsonObject, known: EntryContext) -> tuple[str, str]:
    sentence = _STOPPED.get(str(envelope.get("what", "")))
    if sentence is None:
        return known.said("Support stopped everything agents do for a customer."), "no"
    return known.said(sentence, name=stopped_name(envelope, known.parties, known.catalogue)), "no"


def stopped_name(envelope: JsonObject, parties: EntryParties, catalogue: Catalogue) -> str:
    """Return the name of the stopped party: an agent's, a purpose's title, or the operator."""
    what, name = envelope.get("what"), str(envelope.get("name", ""))
    if what == "agent" and name in parties.agents:
        return parties.agents[name]
    if what == "objective" and name in catalogue.objectives:
        return in_quotes(catalogue.objectives[name].title, catalogue.say)
    return quoted_text(name, catalogue.say)


def _revoked(envelope: JsonObject, _content: JsonObject, known: EntryContext) -> tuple[str, str]:
    agent = known.agent(envelope)
    if envelope.get("by_agent") is True:
        return known.said("{agent} gave up a permission.", agent=agent_name(envelope, known)), ""
    if envelope.get("by_customer") is True and agent:
        return known.said("You revoked the permission of {agent}.", agent=agent), "no"
    return _with_agent(
        known, agent, marked("The permission of {agent} was revoked."), marked("A permission was revoked.")
    ), "no"


_SIGNALLED: Final[Mapping[str, str]] = {
    "grants": marked("The company's login reported a sign-out. All agent permissions of this account have ended."),
    "sessions": marked("The company's login reported a change. This account was signed out here."),
    "tasks": marked("The company's login reported a sign-out. All running agent tasks of this account were ended."),
}


def _signalled(envelope: JsonObject, _content: JsonObject, known: EntryContext) -> tuple[str, str]:
    """Describe an event of another party; of an agent or operator it is for the desk alone."""
    if envelope.get("what") not in {"customer", "officer", "sid"}:
        return known.said("An operator reported a change to its agents."), "wait"
    return known.said(_SIGNALLED.get(str(envelope.get("effect")), _SIGNALLED["sessions"])), "wait"


def _said(sentence: str, look: str = "") -> _Teller:
    return lambda _envelope, _content, known: (known.said(sentence), look)


def _other(envelope: JsonObject, _content: JsonObject, _known: EntryContext) -> tuple[str, str]:
    return make_visible(str(envelope.get("kind", ""))).replace(".", ": "), ""


_TELLERS: Final[Mapping[str, _Teller]] = {
    "act.performed": _performed,
    "act.reconciled": _performed,
    "agent.disowned": _disowned,
    "agent.registered": _about_agent(marked("{agent} was registered."), marked("An agent was registered.")),
    "agent.resumed": _said("A stop was lifted."),
    "agent.suspended": _stopped,
    "agent.trusted": _about_agent(
        marked("The trust level of {agent} was changed."), marked("An agent's trust level was changed.")
    ),
    "ask.decided": _decided,
    "attachment.settled": settled_file,
    **{kind: _said(sentence, "no" if kind == "canary.seen" else "") for kind, sentence in BAITED.items()},
    "confirmation.answered": answer_sentence,
    "confirmation.handed": handover_sentence,
    "confirmation.taken": taken_sentence,
    "confirmation.expired": _said("No one answered in time. Nothing was done.", "no"),
    "contest.raised": _contested,
    "contest.settled": _said("A dispute was resolved.", "ok"),
    "credential.misused": _said("A program tried to use your own sign-in and was blocked.", "no"),
    "event.received": _signalled,
    "entry.erased": _said("The content of entries was erased."),
    "leak.found": _said("A leaked secret was found and made invalid.", "no"),
    "mandate.declined": _about_agent(
        marked("You declined to give {agent} a permission."),
        marked("You declined an agent's request for permission."),
        "no",
    ),
    "mandate.expired": _about_agent(marked("The permission of {agent} expired."), marked("A permission expired.")),
    "mandate.granted": _granted,
    "mandate.narrowed": _about_agent(
        marked("You limited what {agent} may do."), marked("You limited what an agent may do."), "ok"
    ),
    "mandate.revoked": _revoked,
    "message.blocked": _blocked,
    "noise.counted": _said("Requests to the web pages were blocked. See the details for the counts.", "wait"),
    "offer.made": _offered,
    "person.enrolled": _enrolled,
    "person.changed": _changed,
    "person.recovered": _said(
        "A new passkey replaced all others. All agent permissions of this account were paused.", "wait"
    ),
    "policy.changed": _said("The rules were changed."),
    "reply.overridden": _overridden,
    "reply.reviewed": _said("A second person reviewed a reply."),
    "reply.sent": _replied,
    "task.ended": _ended,
    "task.held": _about_agent(
        marked("{agent} · task put on hold for review"), marked("A task was put on hold for review."), "no"
    ),
    "task.opened": _opened,
    "task.resumed": _about_agent(
        marked("Support reviewed the task of {agent} and resumed it."),
        marked("Support reviewed the task and resumed it."),
    ),
    "transcript.exported": _said("The audit log was exported."),
    "words.answered": words_answer_sentence,
    "incident.assigned": _said("An incident got another owner."),
    "incident.closed": _said("An incident was closed.", "ok"),
    "incident.noted": _said("A note was added to an incident."),
    "incident.opened": _said("An incident was opened.", "wait"),
}


def entry_asks(rows: Sequence[Mapping[str, Json]]) -> dict[str, JsonObject]:
    """Return the asks in these entries, by id."""
    found: dict[str, JsonObject] = {}
    for row in rows:
        ask = object_of(row["content"]).get("ask")
        if isinstance(ask, Mapping):
            found[str(object_of(row["envelope"]).get("ask", ""))] = ask
    return found


def _objective(envelope: JsonObject, known: EntryContext) -> str:
    name = str(envelope.get("objective", ""))
    found = known.catalogue.objectives.get(name)
    return found.title if found is not None else make_visible(name)


_HIGH: Final = 40
"""Risk from which a decision is shown as urgent."""


def decision_row(
    row: Mapping[str, Json], catalogue: Catalogue, parties: EntryParties = NO_PARTIES, names: Names | None = None
) -> dict[str, object]:
    """Describe a decision: `sentence`, `look`, `agent` and its name, `operator`, `risk` of 100, whether `high`, `signs`, `case`."""
    envelope, content = object_of(row["envelope"]), object_of(row["content"])
    risk, signs = content.get("risk", envelope.get("risk")), content.get("signs")  # older entries have it outside
    level = risk if isinstance(risk, int) else 0
    return {
        **entry_text(row, catalogue, names=names, own=False, parties=parties),
        "agent": str(envelope.get("agent", "")),
        "agent_name": parties.agents.get(str(envelope.get("agent", "")), ""),
        "operator": str(envelope.get("operator", "")),
        "case": str(envelope.get("case", "")),
        "risk": level,
        "high": level >= _HIGH,
        "signs": [
            catalogue.say(SIGNS[one])
            for one in (signs if isinstance(signs, list | tuple) else ())
            if isinstance(one, str) and one in SIGNS
        ],
    }


def change_row(row: Mapping[str, Json], catalogue: Catalogue, parties: EntryParties = NO_PARTIES) -> dict[str, object]:
    """Describe a change: `sentence`, `about`, `before` and `now` where it has them, `by`, and the given `reason`."""
    envelope, content = object_of(row["envelope"]), object_of(row["content"])
    return {
        **entry_text(row, catalogue, own=False, parties=parties),
        "about": str(content.get("person") or envelope.get("agent") or envelope.get("name") or ""),
        "before": _tier(envelope.get("from"), catalogue),
        "now": _tier(envelope.get("to"), catalogue),
        "by": ", ".join(parties.staff.get(one, one) for one in doers(content)),
        "reason": str(content.get("reason", "")),
    }


def _tier(value: Json | None, catalogue: Catalogue) -> str:
    return catalogue.say(TRUST[str(value)]) if value in TRUST else make_visible(str(value or ""))
