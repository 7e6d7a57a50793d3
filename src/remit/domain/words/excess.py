"""What a desk does with words that say more than their ask: refuse, hold them for an officer, or send the ask without them.

Where they stand and why is found in `words`; this is what is kept of that, and what is left of an ask without its words.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from remit.domain.catalogue.model import Action, Catalogue, Escalation, MarkKind
from remit.domain.errors import Code, Refused
from remit.domain.param_paths import values_at
from remit.domain.policy.confirmers import OFFICER
from remit.domain.values import Json, JsonObject, parse_stored_object
from remit.domain.words.verdict import WordsRelation, WordsVerdict
from remit.proof.canonical import canonical

MESSAGE: Final = "words"
"""Where the message itself stands; a text among the params stands at its path."""
MAX_MARKED: Final = 40
"""⚔ Of so many stretches each is kept; a message may be nothing else, and the record would grow beyond it."""
_CODES: Final[Mapping[WordsRelation, Code]] = {
    WordsRelation.CONTRADICTS: Code.WORDS_CONTRADICTS,
    WordsRelation.UNREADABLE: Code.WORDS_UNREADABLE,
    WordsRelation.WIDER: Code.WORDS_WIDER,
}

_WHY: Final[Mapping[Code, str]] = {
    Code.WORDS_CONTRADICTS: "it says something else than the ask",
    Code.WORDS_UNREADABLE: "it cannot be read",
    Code.WORDS_WIDER: "it says more than the ask",
}


class WordsHandling(StrEnum):
    """What is done with words that say more than their ask, or that cannot be read."""

    HOLD = "hold"
    REFUSE = "refuse"
    STRIP = "strip"


_STRICTEST: Final = (WordsHandling.REFUSE, WordsHandling.HOLD, WordsHandling.STRIP)


class WordsState(StrEnum):
    """How the words of an ask stand, where they said more than it."""

    HELD = "held"
    RELEASED = "released"
    STRIPPED = "stripped"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExcessWordsRules:
    """The desk's setting: the way of what says more, and of what cannot be read; `officer` is the role that looks at what is held."""

    beyond: WordsHandling = WordsHandling.REFUSE
    unreadable: WordsHandling = WordsHandling.REFUSE
    officer: str = ""

    def handling_of(self, said: WordsRelation) -> WordsHandling:
        """What is done with such words."""
        return self.unreadable if said is WordsRelation.UNREADABLE else self.beyond


@dataclass(frozen=True, slots=True, kw_only=True)
class ExcessSpan:
    """A stretch of one text of an ask that says more. ⚔ Where it stands and why, never what it says."""

    where: str
    start: int
    end: int
    said: WordsRelation
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExcessWords:
    """An ask whose words say more than it: what they are, what is done with them, and each stretch, what counts first."""

    said: WordsRelation
    way: WordsHandling
    marked: tuple[ExcessSpan, ...]

    @property
    def code(self) -> Code:
        """The code it is refused with."""
        return _CODES[self.said]

    @property
    def reason(self) -> str:
        """A sentence for the desk."""
        return next(one.why for one in self.marked if one.said is self.said)

    @property
    def places(self) -> frozenset[str]:
        """The texts it stands in."""
        return frozenset(one.where for one in self.marked)


@dataclass(frozen=True, slots=True, kw_only=True)
class StrippedAsk:
    """What is left of an ask without the texts that say more."""

    params: JsonObject
    words: str | None


def ask_texts(action: Action | None, params: JsonObject, words: str | None) -> Iterator[tuple[str, str]]:
    """Every text of an ask that reaches people, with where it stands: the message, and the params that are free text, in the schema's order."""
    if words is not None and words.strip():
        yield MESSAGE, words
    for mark in action.marked(MarkKind.FREE_TEXT) if action is not None else ():
        for number, value in enumerate(values_at(params, mark.path), 1):
            if isinstance(value, str) and value.strip():
                yield str(mark.path) if number == 1 else f"{mark.path}#{number}", value


def judge_excess(found: Sequence[tuple[str, WordsVerdict]], rules: ExcessWordsRules) -> ExcessWords | None:
    """What is done with an ask by the verdicts over its texts; None where all of them pass.

    ⚔ Where one text cannot be read and another says more, the stricter of both ways counts.
    """
    wrong = [(where, verdict) for where, verdict in found if verdict.said in _CODES]
    if not wrong:
        return None
    way = next(one for one in _STRICTEST if any(rules.handling_of(verdict.said) is one for _, verdict in wrong))
    said = next(verdict.said for _, verdict in wrong if rules.handling_of(verdict.said) is way)
    marked = [
        ExcessSpan(where=where, start=span.start, end=span.end, said=span.said, why=span.why)
        for where, verdict in wrong
        for span in verdict.spans
    ]
    marked.sort(key=lambda one: one.said is not said)  # what counts is never cut off
    return ExcessWords(said=said, way=way, marked=tuple(marked[:MAX_MARKED]))


def strip_texts(action: Action, params: JsonObject, words: str | None, places: Collection[str]) -> StrippedAsk | None:
    """The ask without the texts in these places; None where it cannot do without one.

    A text that the schema requires, or that stands inside something else, is what is asked itself.
    """
    required = action.schema.get("required", ())
    left = dict(params)
    for where in sorted({*places} - {MESSAGE}):
        if where not in left or (isinstance(required, Sequence) and where in required):
            return None
        del left[where]
    return StrippedAsk(params=left, words=None if MESSAGE in places else words)


def releasing_role(catalogue: Catalogue, action: Action, rule: Escalation | None, otherwise: str) -> str:
    """Whose officers look at the held words of an ask: whom its escalation rule asks first, else who confirms its area, else the desk's own choice."""
    if rule is not None:
        return rule.steps[0].roles[0]
    of_area = {word.removeprefix(OFFICER) for word in catalogue.floors[action.area] if word.startswith(OFFICER)}
    return next((role for role in catalogue.roles if role in of_area), otherwise)


def encode_marks(judged: ExcessWords) -> str:
    """The stretches as an ask keeps them, as JSON text."""
    return canonical({"marked": [mark_json(one) for one in judged.marked]}).decode()


def mark_json(one: ExcessSpan) -> JsonObject:
    """One stretch as JSON."""
    return {"where": one.where, "start": one.start, "end": one.end, "said": one.said.value, "why": one.why}


def read_marks(text: str) -> tuple[ExcessSpan, ...]:
    """Read what an ask keeps; nothing of what is damaged or was never kept."""
    try:
        found = parse_stored_object(text)["marked"] if text else ()
    except (Refused, KeyError):
        return ()
    rows = found if isinstance(found, list | tuple) else ()
    return tuple(one for row in rows if isinstance(row, Mapping) and (one := _read(row)) is not None)


def code_of_marks(text: str) -> Code:
    """The code of what an ask keeps: what its words are refused with. What counts stands first."""
    return next((_CODES[one.said] for one in read_marks(text)), Code.WORDS_UNREADABLE)


def strip_notice(code: Code) -> str:
    """What an agent is told whose message was left out."""
    return f"Your message was not passed on: {_WHY[code]} ({code}). The ask went on without it."


def _read(row: Mapping[str, Json]) -> ExcessSpan | None:
    where, start, end, said, why = (row.get(name) for name in ("where", "start", "end", "said", "why"))
    if not isinstance(where, str) or not isinstance(start, int) or not isinstance(end, int) or not isinstance(why, str):
        return None
    return (
        ExcessSpan(where=where, start=start, end=end, said=WordsRelation(str(said)), why=why)
        if said in set(WordsRelation)
        else None
    )
