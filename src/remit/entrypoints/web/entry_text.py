"""Entries of the transcript as sentences for people. Their content is decided where they are drafted."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from remit.domain.catalogue.model import Catalogue
from remit.domain.confirm.case_phrases import ENDINGS, SIGNS
from remit.domain.confirm.render_values import Names, past_title, plain_value, quoted_text
from remit.domain.errors import MEANINGS, Code
from remit.domain.i18n import marked
from remit.domain.ids import is_dotted
from remit.domain.text.normalize import make_visible
from remit.domain.values import Json, JsonObject
from remit.domain.words.excess import WordsState
from remit.entrypoints.web.entry_details import EntryContext, entry_lines, offer_terms_text, settled_file, to_reader
from remit.entrypoints.web.phrases import BAITED, TIERS

_MAX_NAME_LENGTH: Final = 60


def answer_sentence(envelope: JsonObject, _content: JsonObject, known: EntryContext) -> tuple[str, str]:
    """Describe a person's answer to a confirmation."""
    asked, answer = object_of(envelope.get("asked")), str(envelope.get("answer"))
    who = "customer" if envelope.get("as") == "customer" else "desk"
    answers = _ANSWERED[_WITHOUT_PEOPLE.get(answer, who)]
    with_act, without, look = answers.get(answer, answers["no"])
    if asked.get("action"):
        return known.said(with_act, act=act_phrase({**envelope, "action": asked["action"]}, known)), look
    return known.said(without), look


_ANSWERED: Final[Mapping[str, Mapping[str, tuple[str, str, str]]]] = {
    "customer": {
        "less": (marked("You allowed less than requested: {act}"), marked("You allowed less than requested."), "ok"),
        "no": (marked("You declined: {act}"), marked("You declined the request."), "no"),
        "no_and_end": (
            marked("You declined the request and ended the task."),
            marked("You declined the request and ended the task."),
            "no",
        ),
        "yes": (marked("You approved: {act}"), marked("You approved the request."), "ok"),
    },
    "desk": {
        "less": (
            marked("Someone from support allowed less than requested: {act}"),
            marked("Someone from support allowed less than requested."),
            "ok",
        ),
        "no": (
            marked("Someone from support declined: {act}"),
            marked("Someone from support declined the request."),
            "no",
        ),
        "no_and_end": (
            marked("Someone from support declined the request and ended the task."),
            marked("Someone from support declined the request and ended the task."),
            "no",
        ),
        "yes": (
            marked("Someone from support approved: {act}"),
            marked("Someone from support approved the request."),
            "ok",
        ),
    },
    "agent": {
        "no": (
            marked("The agent withdrew its request: {act}. Nothing was done."),
            marked("The agent withdrew its request. Nothing was done."),
            "",
        )
    },
    "nobody": {
        "no": (
            marked("No one answered in time: {act}. Nothing was done."),
            marked("No one answered in time. Nothing was done."),
            "no",
        )
    },
}
"""Answers by person and word: the sentence with the act, the one without, and its look."""
_WITHOUT_PEOPLE: Final[Mapping[str, str]] = {"silence": "nobody", "withdrawn": "agent"}


def handover_sentence(envelope: JsonObject, _content: JsonObject, known: EntryContext) -> tuple[str, str]:
    """Describe a handover."""
    if envelope.get("by") == "rule":
        return known.said("No one from support answered in time. The request went to other team members."), "wait"
    return known.said("Someone from support handed the request over to a colleague."), ""


_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "no": (marked("Someone from support declined the agent's message and the request with it."), "no"),
    "release": (marked("Someone from support passed on the agent's message. This alone doesn't allow anything."), ""),
    "silence": (marked("No one reviewed the agent's message in time. Nothing was done."), "no"),
    "strip": (marked("Someone from support continued the request without the agent's message."), ""),
    "withdrawn": (marked("The agent withdrew its request. Nothing was done."), ""),
}


def words_answer_sentence(envelope: JsonObject, _content: JsonObject, known: EntryContext) -> tuple[str, str]:
    """Describe an officer's answer on held words."""
    sentence, look = _WORDS.get(str(envelope.get("answer")), _WORDS["no"])
    return known.said(sentence), look


def act_phrase(envelope: JsonObject, known: EntryContext) -> str:
    """Return the act of an entry as people say it."""
    name = str(envelope.get("action", ""))
    action = known.catalogue.actions.get(name)
    params = object_of(object_of(envelope.get("asked")).get("params"))
    if action is None:
        return unknown_action_label(name, known)
    return past_title(action, params, known.names, known.catalogue.say)


def unknown_action_label(name: str, known: EntryContext) -> str:
    """Return a label for an action outside the catalogue. ⚔ Its name is the agent's text, which we do not quote."""
    return quoted_text(name) if is_dotted(name) and len(name) <= _MAX_NAME_LENGTH else known.said("an unknown action")


def object_of(value: Json) -> JsonObject:
    """Return a part of an entry; empty where it is absent."""
    return value if isinstance(value, Mapping) else {}


_NO_AGENT: Final = frozenset({"agent.disowned", "mandate.narrowed", "mandate.revoked", "mandate.expired"})
"""Entries that name a mandate but involve no agent."""

_Teller = Callable[[JsonObject, JsonObject, EntryContext], tuple[str, str]]


def entry_text(
    row: Mapping[str, Json],
    catalogue: Catalogue,
    asks: Mapping[str, JsonObject] | None = None,
    *,
    names: Names | None = None,
    own: bool = True,
) -> dict[str, object]:
    """Return an entry for a page: a sentence, its look (`ok`, `no`, `wait` or plain), and its content line by line.

    `asks` are known asks by id, to tell acts with their params; `names` are names of their records. `own`: the customer
    reads about themselves.
    """
    known = EntryContext(catalogue, names or {}, own)
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
        "look": look,
        "details": list(entry_lines(content, known)),
        "by_agent": kind not in _NO_AGENT and any(name in envelope for name in ("mandate", "task", "ask")),
        "erased": row["erased"],
    }


_LOOKED_AT: Final = marked("On hold for review, because the message asks for more than the request: {act}")


def _decided(envelope: JsonObject, content: JsonObject, known: EntryContext) -> tuple[str, str]:
    ask = object_of(content.get("ask"))
    name, params = str(envelope.get("action", "")), object_of(ask.get("params"))
    action = known.catalogue.actions.get(name)
    wish = (
        unknown_action_label(name, known)
        if action is None
        else past_title(action, params, known.names, known.catalogue.say)
    )
    match envelope.get("decision"):
        case "permit":
            if envelope.get("words") == WordsState.STRIPPED:
                return known.said(
                    "Allowed without the message, which asks for more than the request: {act}", act=wish
                ), ""
            return known.said("Allowed: {act}", act=wish), ""
        case "needs_human":
            held = envelope.get("words") == WordsState.HELD
            return known.said(_LOOKED_AT if held else "Waiting for approval: {act}", act=wish), "wait"
        case _:
            return known.said("Blocked: {act} ({why})", act=wish, why=_why(envelope, known)), "no"


def _why(envelope: JsonObject, known: EntryContext) -> str:
    code = str(envelope.get("code", ""))
    return to_reader(MEANINGS[Code(code)].title, known) if code in set(Code) else known.said("no reason recorded")


def _performed(envelope: JsonObject, content: JsonObject, known: EntryContext) -> tuple[str, str]:
    what = act_phrase(envelope, known)
    match envelope.get("outcome"):
        case "done":
            return known.said("Done: {act}", act=what), "ok"
        case "failed":
            reason = str(content.get("reason", ""))
            if reason:
                return known.said("Failed: {act} ({why})", act=what, why=make_visible(reason)), "no"
            return known.said("Failed: {act}", act=what), "no"
        case "unknown":
            return known.said("Outcome not confirmed yet: {act}", act=what), "wait"
        case _:
            return known.said("Cancelled before it was done: {act}", act=what), ""


def _replied(envelope: JsonObject, _content: JsonObject, known: EntryContext) -> tuple[str, str]:
    if "told" not in envelope:
        return known.said("Support wrote to the agent."), ""
    titles = [
        known.catalogue.attributes[name].title if name in known.catalogue.attributes else name
        for name in map(str, _list(envelope["told"]))
    ]
    if not titles:
        return known.said("Nothing was shared with the agent."), ""
    return known.said("Shared with the agent: {what}", what=", ".join(titles)), ""


def _overridden(_envelope: JsonObject, content: JsonObject, known: EntryContext) -> tuple[str, str]:
    titles = [
        known.catalogue.attributes[name].title if name in known.catalogue.attributes else name
        for name in map(str, _list(content.get("attributes", ())))
    ]
    if not titles:
        return known.said("Someone from support shared data outside the permission with the agent."), "wait"
    shared = make_visible(", ".join(titles))
    return known.said(
        "Someone from support shared data outside the permission with the agent: {what}", what=shared
    ), "wait"


def _granted(envelope: JsonObject, content: JsonObject, known: EntryContext) -> tuple[str, str]:
    name = str(content.get("agent", envelope.get("agent", "")))
    return known.said(
        "You allowed {agent} to act for you: {purpose}", agent=quoted_text(name), purpose=_objective(envelope, known)
    ), "ok"


def _opened(envelope: JsonObject, content: JsonObject, known: EntryContext) -> tuple[str, str]:
    name = str(content.get("agent", envelope.get("agent", "")))
    return known.said(
        "{agent} started a task: {purpose}", agent=quoted_text(name), purpose=_objective(envelope, known)
    ), ""


def _ended(envelope: JsonObject, _content: JsonObject, known: EntryContext) -> tuple[str, str]:
    why = to_reader(ENDINGS.get(str(envelope.get("reason", "")), marked("see details")), known)
    return known.said("Task ended: {why}", why=why), ""


def _blocked(envelope: JsonObject, _content: JsonObject, known: EntryContext) -> tuple[str, str]:
    if envelope.get("why") == "native_public_reply":
        return known.said(
            "Someone from support replied directly in the helpdesk. The reply wasn't checked and wasn't "
            "passed on to the agent."
        ), "no"
    return known.said("A message from the agent was blocked."), "no"


def _enrolled(_envelope: JsonObject, content: JsonObject, known: EntryContext) -> tuple[str, str]:
    name = str(content.get("label", ""))
    return known.said("Passkey added: {name}", name=quoted_text(name)) if name else known.said(
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
        return known.said("Passkey removed: {name}", name=quoted_text(name)) if name else known.said(
            "A passkey was removed."
        ), "wait"
    if "roles" in envelope:
        roles = [
            known.catalogue.roles[one].title if one in known.catalogue.roles else one
            for one in map(str, _list(envelope["roles"]))
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
    agent = quoted_text(str(envelope.get("agent", "")))
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
    return known.said(sentence, name=quoted_text(str(envelope.get("name", "")))), "no"


def _revoked(envelope: JsonObject, _content: JsonObject, known: EntryContext) -> tuple[str, str]:
    if envelope.get("by_agent") is True:
        return known.said("The agent gave up a permission."), ""
    return known.said("A permission was revoked."), "no"


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
    "agent.registered": _said("An agent was registered."),
    "agent.resumed": _said("A stop was lifted."),
    "agent.suspended": _stopped,
    "agent.trusted": _said("An agent's trust level was changed."),
    "ask.decided": _decided,
    "attachment.settled": settled_file,
    **{kind: _said(sentence, "no" if kind == "canary.seen" else "") for kind, sentence in BAITED.items()},
    "confirmation.answered": answer_sentence,
    "confirmation.handed": handover_sentence,
    "confirmation.taken": _said("Someone from support is working on the request."),
    "confirmation.expired": _said("No one answered in time. Nothing was done.", "no"),
    "contest.raised": _contested,
    "contest.settled": _said("A dispute was resolved.", "ok"),
    "credential.misused": _said("A program tried to use your own sign-in and was blocked.", "no"),
    "event.received": _signalled,
    "entry.erased": _said("The content of entries was erased."),
    "leak.found": _said("A leaked secret was found and made invalid.", "no"),
    "mandate.declined": _said("You declined an agent's request for permission.", "no"),
    "mandate.expired": _said("A permission expired."),
    "mandate.granted": _granted,
    "mandate.narrowed": _said("You limited what an agent may do.", "ok"),
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
    "task.held": _said("A task was put on hold for review.", "no"),
    "task.opened": _opened,
    "task.resumed": _said("Support reviewed the task and resumed it."),
    "words.answered": words_answer_sentence,
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


def _list(value: Json) -> Sequence[Json]:
    return value if isinstance(value, list | tuple) else ()


_HIGH: Final = 40
"""Risk from which a decision is shown as urgent."""


def decision_row(row: Mapping[str, Json], catalogue: Catalogue) -> dict[str, object]:
    """Describe a decision: `sentence`, `look`, `agent`, `operator`, `risk` of 100, whether `high`, `signs`, `case`."""
    envelope, content = _object(row["envelope"]), _object(row["content"])
    risk, signs = content.get("risk", envelope.get("risk")), content.get("signs")  # older entries have it outside
    level = risk if isinstance(risk, int) else 0
    return {
        **entry_text(row, catalogue, own=False),
        "agent": str(envelope.get("agent", "")),
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


def change_row(row: Mapping[str, Json], catalogue: Catalogue) -> dict[str, object]:
    """Describe a change: `sentence`, `about`, `before` and `now` where it has them, `by`, and the given `reason`."""
    envelope, content = _object(row["envelope"]), _object(row["content"])
    by = content.get("by")
    return {
        **entry_text(row, catalogue, own=False),
        "about": str(content.get("person") or envelope.get("agent") or envelope.get("name") or ""),
        "before": _tier(envelope.get("from"), catalogue),
        "now": _tier(envelope.get("to"), catalogue),
        "by": ", ".join(map(str, by)) if isinstance(by, list | tuple) else str(by or ""),
        "reason": str(content.get("reason", "")),
    }


def _tier(value: Json | None, catalogue: Catalogue) -> str:
    return catalogue.say(TIERS.get(str(value), marked("not said")), desk=catalogue.desk) if value else ""


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, Mapping) else {}
