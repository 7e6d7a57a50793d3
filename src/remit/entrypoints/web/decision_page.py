"""The confirmation page around the signed lines: the trust in the agent, key facts, and a past decision."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from remit.domain.catalogue.model import Action, MarkKind
from remit.domain.confirm.render_values import fill_title, param_meanings
from remit.domain.errors import MEANINGS, Code
from remit.domain.i18n import marked
from remit.domain.policy.visitors import shown_tier
from remit.domain.records import AgentRecord, AskRecord, AskState, ConfirmationState, PersonRecord, TaskRecord, Tier
from remit.domain.values import JsonObject, instant_text, list_of
from remit.engine.ask.reply import recorded_params
from remit.engine.context import DeskContext
from remit.engine.desk import names_if_reachable, record_names
from remit.entrypoints.web.phrases import SENTENCES, TIERS
from remit.ports.store import RecordMissing
from remit.usecases.confirm.decision import NO_ANSWER, ConfirmationDecision

_VISITOR: Final = marked("It isn't verified. Every change it requests needs your passkey.")
_KEY: Final = frozenset({MarkKind.MONEY, MarkKind.RECIPIENT, MarkKind.RESOURCE})
_OWN: Final[Mapping[str, str]] = {
    "less": marked("You approved less than requested"),
    "no": marked("You declined this"),
    "no_and_end": marked("You declined this and ended the agent's task"),
    "release": marked("You passed on the agent's message"),
    "strip": marked("You left out the agent's message"),
    "yes": marked("You approved this"),
}
_OTHERS: Final[Mapping[str, str]] = {
    "less": marked("{who} approved less than requested"),
    "no": marked("{who} declined this"),
    "no_and_end": marked("{who} declined this and ended the agent's task"),
    "release": marked("{who} passed on the agent's message"),
    "strip": marked("{who} left out the agent's message"),
    "yes": marked("{who} approved this"),
}
_OUTCOMES: Final[Mapping[AskState, tuple[str, str]]] = {
    AskState.ACTING: ("wait", marked("It's being done now.")),
    AskState.DECLINED: ("", marked("Nothing was done.")),
    AskState.DONE: ("ok", marked("Done.")),
    AskState.EXPIRED: ("", marked("Nothing was done. The agent can ask again.")),
    AskState.FAILED: ("no", marked("Failed. Nothing was changed.")),
    AskState.PERMITTED: ("wait", marked("It will be done in a moment.")),
    AskState.REFUSED: ("no", marked("Blocked. Nothing was done.")),
    AskState.UNKNOWN: ("wait", marked("Sent, but the outcome isn't confirmed yet. This page will show it.")),
    AskState.VOID: ("", marked("Cancelled. Nothing was done.")),
    AskState.WAITING: ("wait", marked("Someone else must also approve before anything is done.")),
}
_AGAIN: Final = (
    marked("This agent can't ask for exactly this again."),
    marked("If you change your mind, contact us, or let the agent ask for something different."),
)


async def agent_shown(desk: DeskContext, ask: AskRecord) -> dict[str, Any]:
    """Return the agent of an ask as the page shows it: its record, tier, and the tier in words."""
    try:
        agent = (await desk.store.get(AgentRecord, ask.client_id)).record
        task = (await desk.store.get(TaskRecord, ask.task)).record
    except RecordMissing:
        return {"agent": None, "tier": "", "trust": ""}
    tier = shown_tier(agent, task.jkt).value
    return {"agent": agent, "tier": tier, "trust": trust_line(desk, tier)}


def trust_line(desk: DeskContext, tier: str) -> str:
    """Return the trust in an agent as a sentence of its own."""
    text = _VISITOR if tier == Tier.VISITOR else TIERS[tier]
    return desk.catalogue.say(text, desk=desk.catalogue.desk)


def key_lines(action: Action, params: JsonObject, lines: Sequence[JsonObject]) -> list[JsonObject]:
    """Return the signed lines that a page never folds: money, records, recipients, and all that the title leaves out.

    ⚔ A text or a detail that stands in no title would be signed unseen. All of the params where the signed lines are
    not those of today's catalogue: none is then hidden.
    """
    meanings = param_meanings(action, params)
    shown = [line for line in lines if line["kind"] == "param"]
    if len(meanings) != len(shown):
        return shown
    return [line for line, (kind, titled) in zip(shown, meanings, strict=True) if kind in _KEY or not titled]


async def decided_page(desk: DeskContext, person: PersonRecord, shown: ConfirmationDecision) -> dict[str, Any]:
    """Return the content of the page of an answered confirmation, in the language of the context."""
    say, ask = desk.catalogue.say, shown.ask
    lines = [one for one in list_of(shown.rendering.get("lines")) if isinstance(one, Mapping)]
    acts = [str(line["text"]) for line in lines if line["kind"] == "act"]
    look, outcome = _OUTCOMES.get(ask.state, ("", marked("Nothing was done.")))
    customer = person.kind == "customer"
    return {
        "title": await _title(desk, person, shown),
        "at": "" if shown.given is None else instant_text(shown.given.at),
        "act": acts[0] if acts else "",
        "instead": await _instead(desk, shown),
        "look": look,
        "outcome": say(outcome),
        "reason": _reason(desk, ask),
        "next": [say(one) for one in _AGAIN] if ask.state is AskState.DECLINED and customer else [],
        "undo": shown.undoable,
        "lines": lines,
        "confirmation": shown.confirmation.id,
    }


async def _title(desk: DeskContext, person: PersonRecord, shown: ConfirmationDecision) -> str:
    say, given = desk.catalogue.say, shown.given
    if given is None or shown.answer == NO_ANSWER:
        if shown.confirmation.state is ConfirmationState.EXPIRED:
            return say("No one answered in time")
        if shown.ask.code == Code.CONFIRMATION_EXPIRED.value:
            return say("The agent withdrew its request")
        return say("This request was cancelled")
    if shown.own:
        return say(_OWN.get(given.answer, _OWN["no"]))
    return say(_OTHERS.get(given.answer, _OTHERS["no"]), who=await _who(desk, person, shown))


async def _who(desk: DeskContext, person: PersonRecord, shown: ConfirmationDecision) -> str:
    """Name another person's part. ⚔ Customers learn no names of staff."""
    given = shown.given
    if given is None or person.kind == "customer":
        return desk.catalogue.say("Someone from support")
    if given.confirms_as == "customer":
        return desk.catalogue.say("The customer")
    try:
        other = (await desk.store.get(PersonRecord, given.person)).record
    except RecordMissing:
        return desk.catalogue.say("Someone from support")
    return other.name or other.id


async def _instead(desk: DeskContext, shown: ConfirmationDecision) -> str:
    """Return the lesser act of a counter-offer; "" for any other answer."""
    ask, action = shown.ask, desk.catalogue.actions.get(shown.ask.action)
    if ask.id == shown.confirmation.ask or action is None:
        return ""
    params = recorded_params(ask)
    names = await names_if_reachable(record_names(desk, ask.customer, [(action, params)], {}))
    return fill_title(action, params, names, desk.catalogue.say)


def _reason(desk: DeskContext, ask: AskRecord) -> str:
    """Return why it failed, in the desk's words, or why it was cancelled or blocked, in ours."""
    say = desk.catalogue.say
    if ask.state is AskState.FAILED:
        return say.again(ask.reason) or ask.reason
    if ask.state not in {AskState.VOID, AskState.REFUSED} or ask.code not in set(Code):
        return ""
    code = Code(ask.code)
    return f"{say(SENTENCES[code][0] if code in SENTENCES else MEANINGS[code].title)}."
