"""An agent's acts in sentences: the ask, the decision, and the outcome.

⚔ A name that an agent or a record has stands in them quoted; only titles and phrases of ours stand bare.
"""

from typing import Final

from remit.domain.confirm.render_values import past_title, quoted_text
from remit.domain.errors import MEANINGS, Code
from remit.domain.i18n import ENGLISH_NAME
from remit.domain.ids import is_dotted
from remit.domain.text.normalize import make_visible
from remit.domain.values import JsonObject, list_of, object_of
from remit.domain.words.excess import WordsState
from remit.entrypoints.web.entry_details import EntryContext, to_reader
from remit.entrypoints.web.entry_parties import confirmers_text

_MAX_NAME_LENGTH: Final = 60


def officer_name(content: JsonObject, known: EntryContext) -> str:
    """Return the name of the person of the desk behind an entry; "" for readers that do not see it. ⚔ No customer does."""
    return "" if known.own else make_visible(known.parties.staff.get(str(content.get("by", "")), ""))


def agent_name(envelope: JsonObject, known: EntryContext) -> str:
    """Return the entry's agent as a sentence begins with it."""
    return known.agent(envelope) or known.catalogue.say("The agent")


def act_phrase(envelope: JsonObject, known: EntryContext) -> str:
    """Return the act of an entry as people say it."""
    return _act(str(envelope.get("action", "")), object_of(envelope.get("asked")), known)


def _act(name: str, ask: JsonObject, known: EntryContext) -> str:
    action = known.catalogue.actions.get(name)
    if action is None:
        return unknown_action_label(name, known)
    return past_title(action, object_of(ask.get("params")), known.names, known.catalogue.say)


def unknown_action_label(name: str, known: EntryContext) -> str:
    """Return a label for an action outside the catalogue. ⚔ Its name is the agent's text, which we do not quote."""
    say = known.catalogue.say
    return quoted_text(name, say) if is_dotted(name) and len(name) <= _MAX_NAME_LENGTH else say("an unknown action")


def wish_of(envelope: JsonObject, content: JsonObject, known: EntryContext) -> tuple[str, bool]:
    """Return the act that a decision is about, and whether the catalogue knows it."""
    name = str(envelope.get("action", ""))
    return _act(name, object_of(content.get("ask")), known), name in known.catalogue.actions


def wish_sentence(envelope: JsonObject, content: JsonObject, known: EntryContext) -> str:
    """Return the sentence of an ask: `Helper asks to refund €20.00 for order W1001`."""
    act, is_known = wish_of(envelope, content, known)
    agent = agent_name(envelope, known)
    if not is_known:
        return known.said("{agent} asks for {act}", agent=agent, act=act)
    return known.said("{agent} asks to {act}", agent=agent, act=in_sentence(act, envelope, known))


def in_sentence(act: str, envelope: JsonObject, known: EntryContext) -> str:
    """Return a title within a sentence: its own first letter small in English, where no value begins it."""
    action = known.catalogue.actions.get(str(envelope.get("action", "")))
    ours = action is not None and not action.title.startswith("{")
    if known.catalogue.say.language != ENGLISH_NAME or not ours or not act[1:2].islower():
        return act
    return f"{act[:1].lower()}{act[1:]}"


def act_row(envelope: JsonObject, act: str, state: str, known: EntryContext) -> str:
    """Return the sentence of an act with its state: `Helper · Refund €20.00 for order W1001 · done`."""
    return f"{agent_name(envelope, known)} · {act} · {state}"


def decision_state(envelope: JsonObject, known: EntryContext) -> tuple[str, str]:
    """Return the decision of an ask, and its look."""
    match envelope.get("decision"):
        case "permit":
            if envelope.get("words") == WordsState.STRIPPED:
                return known.said("allowed without the message, which asks for more than the request"), ""
            return known.said("allowed"), ""
        case "needs_human":
            if envelope.get("words") == WordsState.HELD:
                return known.said("on hold for review, because the message asks for more than the request"), "wait"
            who = confirmers_text(list(map(str, list_of(envelope.get("who")))), known.catalogue, known.parties)
            if known.own or not who:
                return known.said("needs approval"), "wait"
            return known.said("needs approval from {who}", who=who), "wait"
        case _:
            return known.said("blocked ({why})", why=_why(envelope, known)), "no"


def _why(envelope: JsonObject, known: EntryContext) -> str:
    code = str(envelope.get("code", ""))
    return to_reader(MEANINGS[Code(code)].title, known) if code in set(Code) else known.said("no reason recorded")


def outcome_state(envelope: JsonObject, content: JsonObject, known: EntryContext) -> tuple[str, str]:
    """Return the outcome of an act, and its look."""
    match envelope.get("outcome"):
        case "done":
            return known.said("done"), "ok"
        case "failed":
            reason = str(content.get("reason", ""))
            return known.said("failed ({why})", why=make_visible(reason)) if reason else known.said("failed"), "no"
        case "unknown":
            return known.said("outcome not confirmed yet"), "wait"
        case _:
            return known.said("cancelled before it was done"), ""
