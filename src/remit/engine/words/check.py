"""Check of an agent's words against its ask: the message and every free text, with its last messages."""

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from remit.domain.catalogue.model import Action, MarkKind
from remit.domain.errors import Refused
from remit.domain.param_paths import values_at
from remit.domain.records import AskRecord, AskState
from remit.domain.values import JsonObject
from remit.domain.words.claims import records_of
from remit.domain.words.excess import ExcessWords, WordsHandling, WordsState, ask_texts, judge_excess
from remit.domain.words.verdict import EarlierMessage, WordsRelation, WordsVerdict, judge_words
from remit.engine.ask.authorization_state import AuthorizationState
from remit.engine.ask.reply import recorded_params
from remit.engine.context import DeskContext
from remit.engine.scan_executor import LONG

_EARLIER: Final = 3
_FARTHEST: Final = 200


class ExcessWordsRefused(Refused):
    """A refusal of words that exceed their ask; `judged` tells where and why."""

    def __init__(self, judged: ExcessWords) -> None:
        """Refuse with the code of the finding."""
        super().__init__(judged.code, judged.reason)
        self.judged = judged


async def check_words(
    desk: DeskContext, state: AuthorizationState, action: Action, *, params: JsonObject, words: str | None
) -> ExcessWords | None:
    """Check the words of an ask deterministically: message and free-text params, with the task's last messages.

    Words that exceed the ask do not reach the case: unless the desk refuses them, they are returned as judged, for
    review or for the ask to proceed without. None: nothing exceeds it.

    Raises:
        SaysMore: `words.wider`, `words.contradicts`, `words.unreadable`.

    Source: docs/model/model.md#words.
    """
    texts = list(ask_texts(action, params, words))
    if not texts:
        return None
    targets = [one for ids in state.chain[0][1].objective.target.values() for one in ids]
    before = _chains(await _earlier_texts(desk, state.task.record.id))
    found = await desk.scan_executor.read(
        state.task.record.client_id,
        max(
            sum(len(text) for _, text in texts), 0 if desk.lexicon.off_topic is None else LONG
        ),  # a model is never asked on the loop
        lambda: _hold(
            [EarlierMessage(text=text, action=action.name, records=records_of(params, action)) for _, text in texts],
            before,
            lambda text, told: judge_words(
                text,
                action=action,
                params=params,
                objective=desk.catalogue.objective(state.mandate.objective),
                known_ids=[*targets, state.task.record.customer],
                lexicon=desk.lexicon,
                earlier=told,
            ),
        ),
    )
    judged = judge_excess(
        [(where, verdict) for (where, _), verdict in zip(texts, found, strict=True)], desk.terms.beyond
    )
    if judged is not None and judged.way is WordsHandling.REFUSE:
        raise ExcessWordsRefused(judged)
    return judged


def free_texts(action: Action, params: JsonObject) -> list[str]:
    """Return the free texts among an ask's params, in schema order."""
    return [
        value
        for mark in action.marked(MarkKind.FREE_TEXT)
        for value in values_at(params, mark.path)
        if isinstance(value, str)
    ]


_Told: TypeAlias = tuple[list[EarlierMessage], list[EarlierMessage]]
"""The messages and the texts of one ask."""


async def _earlier_texts(desk: DeskContext, task: str) -> list[_Told]:
    """Return the texts of a task's last asks with any, oldest first.

    ⚔ Asks without words, and refused ones, take no place: a message cut in two must not be separated by reads. Refused
    text never reached the case: no later message continues it, and it must not spoil an honest one.
    """
    texts: list[_Told] = []
    for limit in (_EARLIER, _FARTHEST):
        found = await desk.store.find(AskRecord, "ask.task", task, limit=limit, newest=True)
        texts = [one for one in (_told(desk, kept.record) for kept in found) if any(one)][:_EARLIER]
        if len(texts) == _EARLIER or len(found) < limit:
            break
    return texts[::-1]


def _told(desk: DeskContext, record: AskRecord) -> _Told:
    action = desk.catalogue.actions.get(record.action)
    if record.state is AskState.REFUSED or _never_released(record):
        return [], []
    params = recorded_params(record)
    texts = [] if action is None else free_texts(action, params)
    records = frozenset() if action is None else records_of(params, action)

    def earlier(text: str) -> EarlierMessage:
        return EarlierMessage(text=text, action=record.action, records=records)

    return [earlier(record.words)] if record.words else [], list(map(earlier, texts))


def _never_released(record: AskRecord) -> bool:
    """Return whether an ask's words were held and then not released.

    ⚔ Waiting ones count: the officer reading one half must not be the only one to see the whole.
    """
    return record.words_state == WordsState.HELD and record.state is not AskState.WAITING


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
