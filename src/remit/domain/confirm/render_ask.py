"""The rendering of one ask, in plain words, as people see it before they sign; pages only lay it out.

A mandate's rendering is in `render_mandate`, the look of single values in `render_values`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from remit.domain.catalogue.model import Action, Attribute, Catalogue, Effect, MarkKind
from remit.domain.confirm.explain_words import explain_marks
from remit.domain.confirm.render_values import Names, action_label, amount, fill_title, list_params, quoted_text
from remit.domain.i18n import ENGLISH_NAME, Translator, marked
from remit.domain.structs import struct
from remit.domain.text.normalize import make_visible
from remit.domain.values import JsonObject
from remit.domain.words.excess import ExcessSpan, WordsState, ask_texts
from remit.proof.canonical import digest

STATUS: Final = frozenset({"budget", "done"})
"""Line kinds of the momentary state: signed with the rest, but free to move on before the act."""


@struct(frozen=True, kw_only=True)
class RenderedLine:
    """One rendered line.

    `text` and `details` are safe to show: no control, invisible or directional characters are left. `place` is the
    power's place in the mandate, so that a page can strike or lower it. `theirs` sets the agent's own words apart.
    """

    kind: str
    text: str
    details: tuple[str, ...] = ()
    place: int | None = None
    theirs: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """The lines and their digests.

    `hash` covers every line the signer saw. `act_hash` leaves out the momentary state (done before, budget left):
    if it changes between the yes and the act, the yes is void.
    """

    lines: tuple[RenderedLine, ...]
    hash: str = field(init=False)
    act_hash: str = field(init=False)

    def __post_init__(self) -> None:
        """Compute both digests here, so that no rendering carries a foreign digest."""
        object.__setattr__(self, "hash", digest([line_json(line) for line in self.lines]))
        object.__setattr__(
            self, "act_hash", digest([line_json(line) for line in self.lines if line.kind not in STATUS])
        )


def line_json(line: RenderedLine) -> JsonObject:
    """Return one line as JSON."""
    return {
        "details": list(line.details),
        "kind": line.kind,
        "place": line.place,
        "text": line.text,
        "theirs": line.theirs,
    }


def rendering_json(rendering: Rendering) -> JsonObject:
    """Return a rendering as JSON, for pages."""
    return {"hash": rendering.hash, "lines": [line_json(line) for line in rendering.lines]}


@struct(frozen=True, kw_only=True)
class Budget:
    """The rest a mandate allows for one action: uses and totals left, None without a limit."""

    action: str
    uses_left: int | None
    total_left: str | None


@struct(frozen=True, kw_only=True)
class PerformedAct:
    """An act done under this mandate, with its outcome."""

    action: Action
    params: JsonObject
    outcome: str


@struct(frozen=True, kw_only=True)
class AskDetails:
    """A recorded ask and all its context for a confirmer.

    `names` are record names, resolved fresh from the backoffice; `told` the attributes the agent would be told;
    `words` and `files` the agent's own. `marked` are the spans where its texts exceed the ask, and `words_state`
    says whether those wait for an officer or were passed on.
    """

    action: Action
    params: JsonObject
    names: Names
    agent: str
    operator: str
    customer: str
    told: Sequence[str] = ()
    words: str | None = None
    words_state: str = ""
    marked: Sequence[ExcessSpan] = ()
    files: Sequence[str] = ()
    done: Sequence[PerformedAct] = ()
    budgets: Sequence[Budget] = ()
    chain: Sequence[str] = ()


def render_ask(ask: AskDetails, catalogue: Catalogue) -> Rendering:
    """Render the effect of confirming this ask, in the catalogue's language, with every parameter listed.

    Source: docs/model/model.md#confirm-shown, #titles.
    """
    say, action = catalogue.say, _in_words(ask.action, catalogue)
    lines = [
        RenderedLine(kind="desk", text=make_visible(catalogue.desk)),
        RenderedLine(
            kind="who",
            text=_who(ask, say),
            details=tuple(say("Acts through {agent}", agent=quoted_text(agent, say)) for agent in ask.chain),
        ),
        RenderedLine(kind="act", text=fill_title(action, ask.params, ask.names, say)),
        *(
            RenderedLine(kind="param", text=text, details=details)
            for text, details in list_params(action, ask.params, ask.names, say)
        ),
        *_notices(ask, catalogue),
        *(_done(one, ask.names, catalogue) for one in ask.done),
        *(_budget(budget, catalogue) for budget in ask.budgets),
        *_beyond(ask, catalogue),
        *_theirs(ask, say),
    ]
    return Rendering(lines=tuple(lines))


def _in_words(action: Action, catalogue: Catalogue) -> Action:
    """Return the action as the catalogue titles it in a further language."""
    return action if catalogue.say.language == ENGLISH_NAME else catalogue.actions.get(action.name, action)


def _who(ask: AskDetails, say: Translator) -> str:
    return say(
        "{agent}, run by {operator}, requests this for {customer}.",
        agent=quoted_text(ask.agent, say),
        operator=quoted_text(ask.operator, say),
        customer=quoted_text(ask.customer, say),
    )


def _notices(ask: AskDetails, catalogue: Catalogue) -> list[RenderedLine]:
    say = catalogue.say
    lines: list[RenderedLine] = []
    if ask.action.effect is Effect.WRITE:
        lines.append(RenderedLine(kind="effect", text=say("This makes a change in our systems.")))
        if not ask.action.reversible:
            lines.append(RenderedLine(kind="irreversible", text=say("This cannot be undone.")))
    else:
        lines.append(RenderedLine(kind="effect", text=say("This only looks something up.")))
    if ask.action.marked(MarkKind.RECIPIENT):
        lines.append(
            RenderedLine(
                kind="recipient",
                text=say("Check the recipient: money, access or data goes to the place named above."),
            )
        )
    lines.extend(_told(name, catalogue.attributes, say) for name in ask.told)
    return lines


def _told(name: str, attributes: Mapping[str, Attribute], say: Translator) -> RenderedLine:
    attribute = attributes.get(name)
    text = say("Will be shared with the agent: {what}", what=make_visible(attribute.title if attribute else name))
    return RenderedLine(
        kind="told", text=text, details=(say("This is sensitive."),) if attribute is None or attribute.sensitive else ()
    )


_OUTCOMES: Final[Mapping[str, str]] = {
    "done": marked("done"),
    "unknown": marked("outcome not confirmed yet"),
}


def _done(performed: PerformedAct, names: Names, catalogue: Catalogue) -> RenderedLine:
    act = fill_title(_in_words(performed.action, catalogue), performed.params, names, catalogue.say, with_ids=True)
    outcome = catalogue.say(_OUTCOMES.get(performed.outcome, make_visible(performed.outcome)))
    return RenderedLine(
        kind="done", text=catalogue.say("Earlier under this permission: {act}", act=act), details=(outcome,)
    )


def _budget(budget: Budget, catalogue: Catalogue) -> RenderedLine:
    say, action = catalogue.say, catalogue.actions.get(budget.action)
    left = []
    if budget.uses_left is not None:
        left.append(say.plural("{count} more time", "{count} more times", budget.uses_left))
    if budget.total_left is not None:
        total = ", ".join(amount(make_visible(one), say) for one in budget.total_left.split(", "))
        left.append(say("{amount} in total", amount=total))
    name = action_label(action) if action else make_visible(budget.action)
    text = say(
        "Remaining for “{action}” after this: {left}.",
        action=name,
        left=", ".join(left) if left else say("no limit"),
    )
    return RenderedLine(kind="budget", text=text)


_BEYOND: Final[Mapping[str, str]] = {
    WordsState.HELD: marked(
        "The agent's message asks for more than the request. You only decide about the message: passing "
        "it on allows nothing and does nothing."
    ),
    WordsState.RELEASED: marked(
        "The agent's message asks for more than the request. Someone from support read it and passed it "
        "on. It allows nothing."
    ),
}


def _beyond(ask: AskDetails, catalogue: Catalogue) -> list[RenderedLine]:
    """Render the exceeding spans. ⚔ Confirmers of an ask whose words an officer passed on see where these exceed it."""
    texts = dict(ask_texts(ask.action, ask.params, ask.words))
    found = [span for span in ask.marked if span.where in texts]
    if ask.words_state not in _BEYOND or not found:
        return []
    details = explain_marks(found, texts, catalogue)
    return [
        RenderedLine(kind=f"words_{ask.words_state}", text=catalogue.say(_BEYOND[ask.words_state]), details=details)
    ]


def _theirs(ask: AskDetails, say: Translator) -> list[RenderedLine]:
    lines = [
        RenderedLine(kind="file", text=say("The agent attached: {name}", name=quoted_text(name, say)), theirs=True)
        for name in ask.files
    ]
    if ask.words is not None:
        text = say("Message from the agent (it decides nothing):")
        lines.append(RenderedLine(kind="words", text=text, details=_paragraphs(ask.words), theirs=True))
    return lines


def _paragraphs(words: str) -> tuple[str, ...]:
    return tuple(make_visible(line) for line in words.split("\n"))


def still_matches(shown: Rendering, now: Rendering) -> bool:
    """Return whether the current effect still matches the shown one. False voids the yes (`confirmation.mismatch`)."""
    return shown.act_hash == now.act_hash
