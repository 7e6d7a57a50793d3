"""What an agent wrote, as an officer sees it: each text, what of it says more than the ask, why, and sentence by sentence."""

from collections.abc import Mapping

from remit.domain.records import AskRecord
from remit.domain.values import Json
from remit.domain.words_beyond import MESSAGE, Without, read_marks, texts_of, without_texts
from remit.domain.words_sentences import sentences
from remit.domain.words_told import told_why
from remit.usecases.parts import Parts
from remit.usecases.replies import params_of


def words_shown(parts: Parts, ask: AskRecord) -> list[Mapping[str, Json]]:
    """Each text of an ask of which something says more than it, and its message beside that, in the reader's language; nothing of an ask of which nothing does.

    ⚔ Nothing of a text is left out, and nothing in it is a word of the desk's.

    Raises:
        Fault: `fault.store` for params that are damaged.
    """
    catalogue = parts.catalogue
    marked = read_marks(ask.marked)
    shown: list[Mapping[str, Json]] = []
    if not marked:
        return shown
    for where, text in texts_of(catalogue.actions.get(ask.action), params_of(ask), ask.words or None):
        found = [one for one in marked if one.where == where]
        if where != MESSAGE and not found:
            continue
        shown.append(
            {
                "where": where,
                "text": text,
                "found": [
                    {"start": one.start, "end": one.end, "said": one.said.value, "why": told_why(one.why, catalogue)} for one in found
                ],
                "sentences": [
                    {"start": one.start, "end": one.end, "said": one.said.value, "why": [told_why(why, catalogue) for why in one.whys]}
                    for one in sentences(text, found)
                ],
            }
        )
    return shown


def without_words(parts: Parts, ask: AskRecord) -> Without | None:
    """What is left of an ask without what it says more; None where it cannot go on without it.

    Raises:
        Fault: `fault.store` for params that are damaged.
    """
    marks, action = read_marks(ask.marked), parts.catalogue.actions.get(ask.action)
    if not marks or action is None:
        return None
    return without_texts(action, params_of(ask), ask.words or None, {one.where for one in marks})
