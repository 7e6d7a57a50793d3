"""Holding what an agent says against what it asks: the message and every free text, with the task's last messages."""

from collections.abc import Mapping
from typing import Final

from remit.domain.catalogue import Action, MarkKind
from remit.domain.errors import Code, Refused
from remit.domain.paths import values_at
from remit.domain.records import AskRecord, AskState
from remit.domain.values import JsonObject
from remit.domain.words import Said, check_words
from remit.usecases.parts import Parts
from remit.usecases.standing import Standing

_EARLIER: Final = 3
_WORDS: Final[Mapping[Said, Code]] = {
    Said.CONTRADICTS: Code.WORDS_CONTRADICTS,
    Said.UNREADABLE: Code.WORDS_UNREADABLE,
    Said.WIDER: Code.WORDS_WIDER,
}


async def hold_words(parts: Parts, standing: Standing, action: Action, *, params: JsonObject, words: str | None) -> None:
    """The deterministic words check, over the message and every free-text param, with the task's last messages.

    Words that say more, or something else, do not reach the case.

    Raises:
        Refused: `words.wider`, `words.contradicts`, `words.unreadable`.

    Source: 2-model.md §6.
    """
    texts = [words] if words is not None else []
    for mark in action.marked(MarkKind.FREE_TEXT):
        texts.extend(value for value in values_at(params, mark.path) if isinstance(value, str))
    if not any(text.strip() for text in texts):
        return
    earlier = await parts.store.find(AskRecord, "ask.task", standing.task.record.id, limit=_EARLIER, newest=True)
    targets = [one for ids in standing.chain[0][1].objective.target.values() for one in ids]
    # What was refused never reached the case: no later message continues it, and it must not spoil an honest one.
    before = tuple(one.record.words for one in reversed(earlier) if one.record.words and one.record.state is not AskState.REFUSED)
    said = "\n".join(texts)
    verdict = await parts.long_reads.read(
        standing.task.record.client_id,
        len(said),
        lambda: check_words(
            said,
            action=action,
            params=params,
            catalogue=parts.catalogue,
            objective=parts.catalogue.objective(standing.mandate.objective),
            known_ids=targets,
            lexicon=parts.lexicon,
            earlier=before,
        ),
    )
    code = _WORDS.get(verdict.said)
    if code is not None:
        raise Refused(code, verdict.reason)
