"""Check of an agent's words against its ask: the message and every free text, with its last messages."""

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from remit.domain.catalogue.model import Action, MarkKind
from remit.domain.catalogue.patterns import is_tight_value
from remit.domain.catalogue.texts import ParamText
from remit.domain.errors import Code, Refused
from remit.domain.param_paths import values_at
from remit.domain.records import AskRecord
from remit.domain.structs import struct
from remit.domain.text.normalize import is_western
from remit.domain.values import JsonObject
from remit.domain.words.claims import records_of
from remit.domain.words.excess import (
    MESSAGE,
    ExcessWords,
    ExcessWordsRules,
    WordsHandling,
    ask_texts,
    is_indispensable,
    judge_excess,
)
from remit.domain.words.param_text import is_plain_value, judge_param_text
from remit.domain.words.recognition import UNRECOGNISED
from remit.domain.words.requests import OTHER_PURPOSE
from remit.domain.words.verdict import EarlierMessage, WordsRelation, WordsVerdict, judge_words
from remit.engine.ask.authorization_state import AuthorizationState
from remit.engine.ask.plan import AskPlan
from remit.engine.ask.reply import recorded_params
from remit.engine.context import DeskContext
from remit.engine.scan_executor import LONG

_EARLIER: Final = 3


class ExcessWordsRefused(Refused):
    """A refusal of words that exceed their ask; `judged` tells where and why."""

    def __init__(self, judged: ExcessWords, *, param: str = "") -> None:
        """Refuse with the code of the finding; `param` is the param it stands in, where that is no free text."""
        public = f"The param '{param}' {_SAYS[judged.code]}; send the value alone." if param else None
        super().__init__(judged.code, judged.reason, public=public)
        self.judged = judged


_SAYS: Final = {
    Code.WORDS_CONTRADICTS: "names something else than the ask",
    Code.WORDS_UNREADABLE: "cannot be read",
    Code.WORDS_WIDER: "says more than a value",
}


async def check_words(
    desk: DeskContext,
    state: AuthorizationState,
    plan: AskPlan,
    *,
    params: JsonObject,
    words: str | None,
    ask: str = "",
) -> ExcessWords | None:
    """Check the words of an ask deterministically: message and free-text params, with the task's last messages.

    Words that exceed the ask do not reach the case: unless the desk refuses them, they are returned as judged, for
    review or for the ask to proceed without. None: nothing exceeds it. Any other text among the params is refused if it
    says more than a value. `ask`: its id where it was recorded before, so that it is not read behind itself.

    Raises:
        SaysMore: `words.wider`, `words.contradicts`, `words.unreadable`.

    Source: docs/model/model.md#words, #declared-texts.
    """
    action = plan.action
    texts = list(ask_texts(action, params, words))
    values = _open_values(plan, params) if action.open_texts else []
    if not texts and not values:
        return None
    judge = _judge_of(desk, state, action, params)
    before = _chains(await _earlier_texts(desk, state.task.record.id, but=ask))
    mine = [EarlierMessage(text=text, action=action.name, records=records_of(params, action)) for _, text in texts]
    written = [*(text for _, text in texts), *(one.text.text for one in values)]
    # A model is never asked on the loop; a value that was signed, or is built like a name, is shown to none.
    listened = desk.lexicon.off_topic is not None and (texts or not all(map(_Value.is_known, values)))
    # Nor is a pattern compiled there.
    compiled = desk.lexicon.is_prepared and all(map(is_western, written))
    size = max(sum(map(len, written)), LONG if listened or not compiled else 0)

    def judge_all() -> tuple[list[WordsVerdict], tuple[str, WordsVerdict] | None]:
        desk.lexicon.prepare()
        return _hold(mine, before, judge.message), _first_excess(values, before, judge, mine)

    found, param = await desk.scan_executor.read(state.task.record.client_id, size, judge_all)
    if param is not None:
        # ⚔ A value is the act itself: it is neither stripped nor released, whatever the desk does with words.
        beyond = judge_excess([param], _REFUSED)
        if beyond is not None:
            raise ExcessWordsRefused(beyond, param=param[0])
    places = [(where, verdict) for (where, _), verdict in zip(texts, found, strict=True)]
    if desk.terms.beyond.unrecognised is WordsHandling.STRIP:
        places = [(where, verdict) for where, verdict in places if not _stays(action, params, where, verdict)]
    judged = judge_excess(places, desk.terms.beyond)
    if judged is not None and judged.way is WordsHandling.REFUSE:
        raise ExcessWordsRefused(judged)
    return judged


def _stays(action: Action, params: JsonObject, where: str, verdict: WordsVerdict) -> bool:
    """Return whether a text without which there is no ask only has words that nothing recognises.

    ⚔ A speech act in it that is not the ask's is no such word.
    """
    return where != MESSAGE and is_indispensable(action, params, where) and _only_unknown(verdict)


def _only_unknown(verdict: WordsVerdict) -> bool:
    unknown = all(span.why in {UNRECOGNISED, OTHER_PURPOSE} for span in verdict.spans)
    return unknown and verdict.said is WordsRelation.UNRECOGNISED


_REFUSED: Final = ExcessWordsRules()


@struct(frozen=True)
class _Value:
    """A text among the params that is no free text; `signed`: the customer signed a mandate with it."""

    text: ParamText
    signed: bool

    def is_known(self) -> bool:
        """Return whether it is read without a model."""
        return self.signed or is_plain_value(self.text.text)


def _open_values(plan: AskPlan, params: JsonObject) -> list[_Value]:
    """Return the texts among the params that nothing says the meaning of, but short names as programs give them.

    A text that the customer signed is read once for each set of records.
    """
    found: list[_Value] = []
    for one in plan.action.param_texts(params):
        signed = not one.is_name and one.text in plan.signed.get(one.path, ())
        if one.text.strip() and not is_tight_value(one.text) and not plan.knows(one.where, one.text):
            found.append(_Value(one, signed))
    return found


@struct(frozen=True)
class _Judge:
    """Judges the texts of one ask: a message by all of its values, a value by the others."""

    message: Callable[[str, tuple[EarlierMessage, ...]], WordsVerdict]
    value: Callable[[_Value, tuple[EarlierMessage, ...]], WordsVerdict]


def _judge_of(desk: DeskContext, state: AuthorizationState, action: Action, params: JsonObject) -> _Judge:
    targets = [one for ids in state.chain[0][1].objective.target.values() for one in ids]
    known = [*targets, state.task.record.customer]
    objective = desk.catalogue.objective(state.mandate.objective)

    def message(text: str, told: tuple[EarlierMessage, ...]) -> WordsVerdict:
        return judge_words(
            text,
            action=action,
            params=params,
            objective=objective,
            known_ids=known,
            lexicon=desk.lexicon,
            earlier=told,
        )

    def value(one: _Value, told: tuple[EarlierMessage, ...]) -> WordsVerdict:
        return judge_param_text(
            one.text.text,
            action=action,
            params=params,
            objective=objective,
            known_ids=known,
            lexicon=desk.lexicon,
            earlier=told,
            signed=one.signed,
        )

    return _Judge(message, value)


def _first_excess(
    values: Sequence[_Value],
    before: Sequence[tuple[EarlierMessage, ...]],
    judge: _Judge,
    texts: Sequence[EarlierMessage],
) -> tuple[str, WordsVerdict] | None:
    """Return the first value that says more than a value, with its place; also behind the texts of the ask itself."""
    for one in values:
        for told in (*before, tuple(texts)) if texts else before:
            verdict = judge.value(one, told)
            if not verdict.passes and not _only_unknown(verdict):
                return one.text.where, verdict
    return None


def free_texts(action: Action, params: JsonObject) -> list[str]:
    """Return the texts among an ask's params that are read as sentences: free texts, then others that look like one."""
    found = [
        value
        for mark in action.marked(MarkKind.FREE_TEXT)
        for value in values_at(params, mark.path)
        if isinstance(value, str)
    ]
    found += [one.text for one in action.param_texts(params) if not is_plain_value(one.text)]
    return found


_Told: TypeAlias = tuple[list[EarlierMessage], list[EarlierMessage]]
"""The messages and the texts of one ask."""


async def _earlier_texts(desk: DeskContext, task: str, *, but: str) -> list[_Told]:
    """Return the texts of a task's last asks with any, oldest first, without those of the ask `but`.

    ⚔ Asks without text, and refused ones, take no place: a message cut in two must not be separated by reads.
    """
    found = await desk.store.find(AskRecord, "ask.spoken", task, limit=_EARLIER + bool(but), newest=True)
    return [_told(desk, kept.record) for kept in found if kept.record.id != but][:_EARLIER][::-1]


def _told(desk: DeskContext, record: AskRecord) -> _Told:
    action, params = desk.catalogue.actions.get(record.action), recorded_params(record)
    texts = [] if action is None else free_texts(action, params)
    records = frozenset() if action is None else records_of(params, action)

    def earlier(text: str) -> EarlierMessage:
        return EarlierMessage(text=text, action=record.action, records=records)

    return [earlier(record.words)] if record.words else [], list(map(earlier, texts))


def _chains(earlier: Sequence[_Told]) -> tuple[tuple[EarlierMessage, ...], ...]:
    """Return a task's earlier texts as readable sequences: all, messages alone, and case texts alone."""
    words, texts = ([one for both in earlier for one in both[place]] for place in (0, 1))
    chains = {
        tuple(one for both in earlier for kind in both for one in kind): None,
        tuple(words): None,
        tuple(texts): None,
    }
    return tuple(chain for chain in chains if chain) or ((),)  # a text wrong by itself is found behind anything


def _hold(
    texts: Sequence[EarlierMessage],
    before: Sequence[tuple[EarlierMessage, ...]],
    check: Callable[[str, tuple[EarlierMessage, ...]], WordsVerdict],
) -> list[WordsVerdict]:
    """Check each text behind every possible predecessor. ⚔ Two texts of one ask are read both ways, like two asks."""
    found: list[WordsVerdict] = []
    for place, text in enumerate(texts):
        others = tuple(texts[:place]) + tuple(texts[place + 1 :])
        verdict = WordsVerdict(said=WordsRelation.MATCH)
        for told in (*before, others) if others else before:
            verdict = check(text.text, told)
            if not verdict.passes:
                break
        found.append(verdict)
    return found
