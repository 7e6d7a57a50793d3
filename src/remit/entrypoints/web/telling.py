"""Entries of the transcript as sentences for people. What an entry holds is decided where it is drafted."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from remit.domain.catalogue import Catalogue
from remit.domain.errors import MEANINGS, Code
from remit.domain.ids import is_dotted
from remit.domain.plain import visible
from remit.domain.rendering_values import Names, quoted, shown
from remit.domain.rendering_values import told as titled
from remit.domain.values import Json, JsonObject
from remit.entrypoints.web.entry_details import Known, details, spoken, terms_of
from remit.entrypoints.web.plain_words import ENDINGS

_OF_SOMEBODY_ELSE: Final[Mapping[str, str]] = {
    "your own sign-in": "a person's own sign-in",
    "a recovery of your passkey": "a recovery of their passkey",
    " act for you: ": " act for them: ",
    "who you are": "who they are",
    "not yours. All it was allowed for you ended": "not theirs. All it was allowed for them ended",
}
"""Words of our own sentences that speak to the customer, for whoever else reads them."""


_LONGEST_NAME: Final = 60
_NO_AGENT: Final = frozenset({"agent.disowned", "mandate.narrowed", "mandate.revoked", "mandate.expired"})
"""Entries that name a mandate, but in which no agent had a part."""

_Teller = Callable[[JsonObject, JsonObject, Known], tuple[str, str]]


def told(
    row: Mapping[str, Json],
    catalogue: Catalogue,
    asks: Mapping[str, JsonObject] | None = None,
    *,
    names: Names | None = None,
    own: bool = True,
) -> dict[str, object]:
    """One entry as a page shows it: a sentence, how it looks (`ok`, `no`, `wait` or plain), and its content line by line.

    `asks` are the asks by id, where they are known, so that what was done can be told with its params; `names` is what
    their records are called. `own` says that the customer reads about themselves.
    """
    known = Known(catalogue, names or {}, own)
    envelope, content = _object(row["envelope"]), _object(row["content"])
    ask = (asks or {}).get(str(envelope.get("ask", "")))
    if ask is not None and "ask" not in content:
        envelope = {**envelope, "asked": ask}
    kind = str(row["kind"])
    sentence, look = _TELLERS.get(kind, _other)({**envelope, "kind": kind}, content, known)
    if not own:
        sentence = re.sub(r"^You ", "The customer ", sentence)
        for ours, theirs in _OF_SOMEBODY_ELSE.items():
            sentence = sentence.replace(ours, theirs, 1)
    return {
        "entry": row["entry"],
        "kind": kind,
        "at": row["at"],
        "sentence": sentence,
        "look": look,
        "details": list(details(content, known)),
        "by_agent": kind not in _NO_AGENT and any(name in envelope for name in ("mandate", "task", "ask")),
        "erased": row["erased"],
    }


def _decided(envelope: JsonObject, content: JsonObject, known: Known) -> tuple[str, str]:
    ask = _object(content.get("ask"))
    name, params = str(envelope.get("action", "")), _object(ask.get("params"))
    action = known.catalogue.actions.get(name)
    wish = titled(action, params, known.names) if action is not None else unlisted(name)
    match envelope.get("decision"):
        case "permit":
            return f"The agent asked, and was allowed: {wish}", ""
        case "needs_human":
            return f"The agent asked, and a person had to agree first: {wish}", "wait"
        case _:
            return f"The agent asked, and was refused: {wish} ({_why(envelope, known)})", "no"


def _why(envelope: JsonObject, known: Known) -> str:
    try:
        return spoken(MEANINGS[Code(str(envelope.get("code", "")))].title, known)
    except ValueError:
        return "no reason is recorded"


def _performed(envelope: JsonObject, content: JsonObject, known: Known) -> tuple[str, str]:
    what = _action(envelope, known)
    match envelope.get("outcome"):
        case "done":
            return f"Done: {what}", "ok"
        case "failed":
            reason = str(content.get("reason", ""))
            return f"The desk could not do it: {what}{f' ({visible(reason)})' if reason else ''}", "no"
        case "unknown":
            return f"Sent, but it is not known yet whether it was done: {what}", "wait"
        case _:
            return f"Dropped before it was done: {what}", ""


def _replied(envelope: JsonObject, content: JsonObject, known: Known) -> tuple[str, str]:
    if "told" not in envelope:
        return "The desk wrote to the agent.", ""
    titles = [
        known.catalogue.attributes[name].title if name in known.catalogue.attributes else name for name in map(str, _list(envelope["told"]))
    ]
    del content
    return (f"The agent was told: {', '.join(titles)}" if titles else "The agent asked, and was told nothing."), ""


def _to(envelope: JsonObject, known: Known) -> str:
    asked = _object(envelope.get("asked"))
    return f" to: {_action({**envelope, 'action': asked['action']}, known)}" if asked.get("action") else ""


def _answered(envelope: JsonObject, _content: JsonObject, known: Known) -> tuple[str, str]:
    who = "You" if envelope.get("as") == "customer" else "An officer of the desk"
    match envelope.get("answer"):
        case "yes":
            return f"{who} agreed{_to(envelope, known)}.", "ok"
        case "less":
            return f"{who} agreed to less than{_to(envelope, known).removeprefix(' to') or ' was asked'}.", "ok"
        case "silence":
            return f"Nobody answered in time{_to(envelope, known)}, so nothing was done.", "no"
        case "no_and_end":
            return f"{who} said no and ended the task.", "no"
        case _:
            return f"{who} said no{_to(envelope, known)}.", "no"


def _handed(envelope: JsonObject, _content: JsonObject, _known: Known) -> tuple[str, str]:
    if envelope.get("by") == "rule":
        return "Nobody of the desk answered in time, so others of the desk were asked.", "wait"
    return "An officer of the desk handed what waits over to a colleague.", ""


def _granted(envelope: JsonObject, content: JsonObject, known: Known) -> tuple[str, str]:
    name = str(content.get("agent", envelope.get("agent", "")))
    return f"You let {quoted(name)} act for you: {_objective(envelope, known)}", "ok"


def _opened(envelope: JsonObject, content: JsonObject, known: Known) -> tuple[str, str]:
    return f"{quoted(str(content.get('agent', envelope.get('agent', ''))))} began: {_objective(envelope, known)}", ""


def _ended(envelope: JsonObject, _content: JsonObject, known: Known) -> tuple[str, str]:
    return f"The task ended: {spoken(ENDINGS.get(str(envelope.get('reason', '')), 'see below'), known)}.", ""


def _blocked(envelope: JsonObject, _content: JsonObject, _known: Known) -> tuple[str, str]:
    if envelope.get("why") == "native_public_reply":
        return "An officer wrote in the helpdesk itself, unchecked. It was kept from the agent.", "no"
    return "A message of the agent was stopped.", "no"


def _enrolled(_envelope: JsonObject, content: JsonObject, _known: Known) -> tuple[str, str]:
    name = str(content.get("label", ""))
    return f"A passkey was added{f': {quoted(name)}' if name else ''}.", ""


_CHANGES: Final[Mapping[str, tuple[str, str]]] = {
    "added": ("The account was made.", ""),
    "contact": ("The address the desk writes to was changed.", "wait"),
    "invited": ("A one-time link to add a passkey was made.", ""),
    "joined": ("The company's login was connected to the account.", "wait"),
    "recovery": ("The desk started a recovery of your passkey.", "wait"),
    "resumed": ("You resumed what was paused.", "ok"),
    "unlinked": ("The account was taken off the company's login.", "wait"),
    "verified": ("The desk verified who you are, and what was paused was resumed.", "ok"),
}


def _changed(envelope: JsonObject, content: JsonObject, known: Known) -> tuple[str, str]:
    if envelope.get("passkey") == "removed":
        name = str(content.get("label", ""))
        return f"A passkey was removed{f': {quoted(name)}' if name else ''}.", "wait"
    if "roles" in envelope:
        roles = [known.catalogue.roles[one].title if one in known.catalogue.roles else one for one in map(str, _list(envelope["roles"]))]
        return f"The roles of an officer were changed: {visible(', '.join(roles)) or 'none are left'}.", ""
    change = str(envelope.get("change", ""))
    by_recovery = change == "invited" and envelope.get("how") == "recovery"
    return _CHANGES.get("recovery" if by_recovery else change, ("Something about the account was changed.", ""))


def _contested(envelope: JsonObject, _content: JsonObject, _known: Known) -> tuple[str, str]:
    return f"You contested entry {shown(envelope.get('entry'))}.", "wait"


def _offered(_envelope: JsonObject, content: JsonObject, known: Known) -> tuple[str, str]:
    terms = terms_of(_object(content.get("offer")), known)
    return f"The desk made an offer{f': {terms}' if terms else ''}.", ""


def _disowned(envelope: JsonObject, _content: JsonObject, _known: Known) -> tuple[str, str]:
    return f"You said that what {quoted(str(envelope.get('agent', '')))} did was not yours. All it was allowed for you ended.", "no"


def _stopped(envelope: JsonObject, _content: JsonObject, _known: Known) -> tuple[str, str]:
    what = str(envelope.get("what", ""))
    if what == "customer":
        return "The desk stopped everything in a customer's name.", "no"
    return f"The desk stopped the {visible(what)} {quoted(str(envelope.get('name', '')))}.", "no"


def _revoked(envelope: JsonObject, _content: JsonObject, _known: Known) -> tuple[str, str]:
    return ("The agent gave a permission back.", "") if envelope.get("by_agent") is True else ("A permission was taken back.", "no")


def _said(sentence: str, look: str = "") -> _Teller:
    return lambda _envelope, _content, _known: (sentence, look)


def _other(envelope: JsonObject, _content: JsonObject, _known: Known) -> tuple[str, str]:
    return visible(str(envelope.get("kind", ""))).replace(".", ": "), ""


_TELLERS: Final[Mapping[str, _Teller]] = {
    "act.performed": _performed,
    "act.reconciled": _performed,
    "agent.disowned": _disowned,
    "agent.registered": _said("An agent was registered."),
    "agent.resumed": _said("A suspension was lifted."),
    "agent.suspended": _stopped,
    "agent.trusted": _said("An agent's trust was changed."),
    "ask.decided": _decided,
    "confirmation.answered": _answered,
    "confirmation.handed": _handed,
    "confirmation.taken": _said("An officer of the desk looks after what waits."),
    "confirmation.expired": _said("Nobody answered in time, so nothing was done.", "no"),
    "contest.raised": _contested,
    "contest.settled": _said("A contested entry was settled.", "ok"),
    "credential.misused": _said("A program tried to use your own sign-in. It was refused.", "no"),
    "entry.erased": _said("The content of entries was erased."),
    "leak.found": _said("A secret was seen where it must not be, and made useless.", "no"),
    "mandate.declined": _said("You declined what an agent asked to be allowed.", "no"),
    "mandate.expired": _said("A permission ran out."),
    "mandate.granted": _granted,
    "mandate.narrowed": _said("You narrowed what an agent may do.", "ok"),
    "mandate.revoked": _revoked,
    "message.blocked": _blocked,
    "noise.counted": _said("Requests at people's pages were refused. So many there were:", "wait"),
    "offer.made": _offered,
    "person.enrolled": _enrolled,
    "person.changed": _changed,
    "person.recovered": _said("A new passkey replaced all others. What agents may do was paused.", "wait"),
    "policy.changed": _said("The desk's rules changed."),
    "reply.sent": _replied,
    "task.ended": _ended,
    "task.held": _said("A task was stopped until people of the desk have looked at it.", "no"),
    "task.opened": _opened,
    "task.resumed": _said("People of the desk looked at the task, and it goes on."),
}


def asks_of(rows: Sequence[Mapping[str, Json]]) -> dict[str, JsonObject]:
    """The asks that entries tell of, by id."""
    found: dict[str, JsonObject] = {}
    for row in rows:
        ask = _object(row["content"]).get("ask")
        if isinstance(ask, Mapping):
            found[str(_object(row["envelope"]).get("ask", ""))] = ask
    return found


def _action(envelope: JsonObject, known: Known) -> str:
    name = str(envelope.get("action", ""))
    action = known.catalogue.actions.get(name)
    params = _object(_object(envelope.get("asked")).get("params"))
    if action is None:
        return unlisted(name)
    return titled(action, params, known.names)


def unlisted(name: str) -> str:
    """What to call an action that the catalogue does not have. ⚔ Its name is whatever the agent wrote, and no sentence of ours quotes a message."""
    return quoted(name) if is_dotted(name) and len(name) <= _LONGEST_NAME else "something that the desk has no name for"


def _objective(envelope: JsonObject, known: Known) -> str:
    name = str(envelope.get("objective", ""))
    found = known.catalogue.objectives.get(name)
    return found.title if found is not None else visible(name)


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, Mapping) else {}


def _list(value: Json) -> Sequence[Json]:
    return value if isinstance(value, list | tuple) else ()
