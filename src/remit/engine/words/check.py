"""Holding what an agent says against what it asks: the message and every free text, with the task's last messages."""

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from remit.domain.catalogue.model import Action, MarkKind
from remit.domain.errors import Refused
from remit.domain.param_paths import values_at
from remit.domain.records import AskRecord, AskState
from remit.domain.values import JsonObject
from remit.domain.words.claims import records_of
from remit.domain.words.excess import Judged, Way, WordsState, judged_of, texts_of
from remit.domain.words.verdict import Earlier, Said, WordsVerdict, check_words
from remit.engine.ask.authorization_state import Standing
from remit.engine.ask.reply import params_of
from remit.engine.context import Parts
from remit.engine.scan_executor import LONG

_EARLIER: Final = 3
_FARTHEST: Final = 200


class SaysMore(Refused):
    """Words that say more than their ask, where the desk refuses them; `judged` tells where and why."""

    def __init__(self, judged: Judged) -> None:
        """Refused with the code of what was found."""
        super().__init__(judged.code, judged.reason)
        self.judged = judged


async def hold_words(
    parts: Parts, standing: Standing, action: Action, *, params: JsonObject, words: str | None
) -> Judged | None:
    """The deterministic words check, over the message and every free-text param, with the task's last messages.

    Words that say more, or something else, do not reach the case: where the desk does not refuse them, they are returned as judged,
    for an officer to look at or for the ask to go on without. None: they say no more.

    Raises:
        SaysMore: `words.wider`, `words.contradicts`, `words.unreadable`.

    Source: docs/model/model.md#words.
    """
    texts = list(texts_of(action, params, words))
    if not texts:
        return None
    targets = [one for ids in standing.chain[0][1].objective.target.values() for one in ids]
    before = _chains(await _said_before(parts, standing.task.record.id))
    found = await parts.long_reads.read(
        standing.task.record.client_id,
        max(
            sum(len(text) for _, text in texts), 0 if parts.lexicon.strange is None else LONG
        ),  # a model is never asked on the loop
        lambda: _hold(
            [Earlier(text=text, action=action.name, records=records_of(params, action)) for _, text in texts],
            before,
            lambda text, told: check_words(
                text,
                action=action,
                params=params,
                objective=parts.catalogue.objective(standing.mandate.objective),
                known_ids=[*targets, standing.task.record.customer],
                lexicon=parts.lexicon,
                earlier=told,
            ),
        ),
    )
    judged = judged_of([(where, verdict) for (where, _), verdict in zip(texts, found, strict=True)], parts.terms.beyond)
    if judged is not None and judged.way is Way.REFUSE:
        raise SaysMore(judged)
    return judged


def free_texts(action: Action, params: JsonObject) -> list[str]:
    """The texts among an ask's params, in the order of the schema."""
    return [
        value
        for mark in action.marked(MarkKind.FREE_TEXT)
        for value in values_at(params, mark.path)
        if isinstance(value, str)
    ]


_Told: TypeAlias = tuple[list[Earlier], list[Earlier]]
"""The messages and the texts of one ask."""


async def _said_before(parts: Parts, task: str) -> list[_Told]:
    """What a task's last asks that said something said, oldest first.

    ⚔ Asks without a word, and those that were refused, take no place among them: a message cut in two is not two messages for
    having reads in between. What was refused never reached the case: no later message continues it, and it must not spoil an honest one.
    """
    told: list[_Told] = []
    for limit in (_EARLIER, _FARTHEST):
        found = await parts.store.find(AskRecord, "ask.task", task, limit=limit, newest=True)
        told = [one for one in (_told(parts, kept.record) for kept in found) if any(one)][:_EARLIER]
        if len(told) == _EARLIER or len(found) < limit:
            break
    return told[::-1]


def _told(parts: Parts, record: AskRecord) -> _Told:
    action = parts.catalogue.actions.get(record.action)
    if record.state is AskState.REFUSED or _never_passed_on(record):
        return [], []
    params = params_of(record)
    texts = [] if action is None else free_texts(action, params)
    records = frozenset() if action is None else records_of(params, action)

    def earlier(text: str) -> Earlier:
        return Earlier(text=text, action=record.action, records=records)

    return [earlier(record.words)] if record.words else [], list(map(earlier, texts))


def _never_passed_on(record: AskRecord) -> bool:
    """Whether an ask's words were held, and are not waiting any more: nobody passed them on.

    ⚔ Those that still wait count: an officer who reads the one half must not be the only one to whom it is whole.
    """
    return record.words_state == WordsState.HELD and record.state is not AskState.WAITING


def _chains(said: Sequence[_Told]) -> tuple[tuple[Earlier, ...], ...]:
    """What a task said before as it may be read on: all of it, the messages alone, and the texts alone that stand in its case."""
    words, texts = ([one for both in said for one in both[place]] for place in (0, 1))
    chains = {
        tuple(one for both in said for kind in both for one in kind): None,
        tuple(words): None,
        tuple(texts): None,
    }
    return tuple(chain for chain in chains if chain) or ((),)  # what is wrong by itself is found behind anything


def _hold(
    texts: Sequence[Earlier],
    before: Sequence[tuple[Earlier, ...]],
    check: Callable[[str, tuple[Earlier, ...]], WordsVerdict],
) -> list[WordsVerdict]:
    """Check each text of an ask behind whatever it may be read behind. ⚔ Two texts of one ask are read on like two asks, either way round."""
    found: list[WordsVerdict] = []
    for place, text in enumerate(texts):
        others = tuple(texts[:place]) + tuple(texts[place + 1 :])
        verdict = WordsVerdict(said=Said.MATCH)
        for told in (*before, others) if others else before:
            verdict = check(text.text, told)
            if not verdict.passes:
                break
        found.append(verdict)
    return found
