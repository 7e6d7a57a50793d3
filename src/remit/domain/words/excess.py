"""Words that exceed their ask: refused, held for an officer, or stripped from it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Final

from remit.domain.catalogue.model import Action, Catalogue, Escalation, MarkKind
from remit.domain.errors import Code, Refused
from remit.domain.mandate.cover import MAY_NOT_SPEAK
from remit.domain.param_paths import values_at
from remit.domain.policy.confirmers import OFFICER
from remit.domain.structs import struct
from remit.domain.values import Json, JsonObject, parse_stored_object
from remit.domain.words.verdict import WordsRelation, WordsVerdict
from remit.proof.canonical import canonical

MESSAGE: Final = "words"
"""Place of the message itself; a text among the params stands at its path."""
_MAX_TOLD: Final = 8
MAX_MARKED: Final = 40
"""⚔ Stretches kept: a message may consist of nothing else, and the record would outgrow it."""
_CODES: Final[Mapping[WordsRelation, Code]] = {
    WordsRelation.CONTRADICTS: Code.WORDS_CONTRADICTS,
    WordsRelation.UNREADABLE: Code.WORDS_UNREADABLE,
    WordsRelation.UNRECOGNISED: Code.WORDS_WIDER,
    WordsRelation.WIDER: Code.WORDS_WIDER,
}

_WHY: Final[Mapping[Code, str]] = {
    Code.MANDATE_POWER_MISSING: f"the mandate has {MAY_NOT_SPEAK}",
    Code.WORDS_CONTRADICTS: "it says something else than the ask",
    Code.WORDS_UNREADABLE: "it cannot be read",
    Code.WORDS_WIDER: "it says more than the ask",
}


class WordsHandling(StrEnum):
    """Handling of words that exceed their ask or cannot be read."""

    HOLD = "hold"
    REFUSE = "refuse"
    STRIP = "strip"


_STRICTEST: Final = (WordsHandling.REFUSE, WordsHandling.HOLD, WordsHandling.STRIP)


class WordsState(StrEnum):
    """State of an ask's excess words."""

    HELD = "held"
    RELEASED = "released"
    STRIPPED = "stripped"


@struct(frozen=True, kw_only=True)
class ExcessWordsRules:
    """Desk settings: handling of excess words; `officer` is the role that reviews held words.

    `beyond` handles recognised excess, `unrecognised` words that neither match the ask nor are its context.
    """

    beyond: WordsHandling = WordsHandling.REFUSE
    unrecognised: WordsHandling = WordsHandling.STRIP
    unreadable: WordsHandling = WordsHandling.REFUSE
    officer: str = ""

    def handling_of(self, said: WordsRelation) -> WordsHandling:
        """Return the handling of such words."""
        match said:
            case WordsRelation.UNREADABLE:
                return self.unreadable
            case WordsRelation.UNRECOGNISED:
                return self.unrecognised
            case _:
                return self.beyond


@struct(frozen=True, kw_only=True)
class ExcessSpan:
    """Stretch of one text of an ask that exceeds it. ⚔ Place and reason, never the words themselves."""

    where: str
    start: int
    end: int
    said: WordsRelation
    why: str


@struct(frozen=True, kw_only=True)
class ExcessWords:
    """Excess words of an ask: their relation, their handling, and each stretch, decisive ones first."""

    said: WordsRelation
    way: WordsHandling
    marked: tuple[ExcessSpan, ...]

    @property
    def code(self) -> Code:
        """Code they are refused with."""
        return _code(next(span for span in self.marked if span.said is self.said))

    @property
    def reason(self) -> str:
        """Sentence for the desk."""
        return next(span.why for span in self.marked if span.said is self.said)

    @property
    def places(self) -> frozenset[str]:
        """Texts they stand in."""
        return frozenset(span.where for span in self.marked)


@struct(frozen=True, kw_only=True)
class StrippedAsk:
    """Rest of an ask without its excess texts."""

    params: JsonObject
    words: str | None


def ask_texts(action: Action | None, params: JsonObject, words: str | None) -> Iterator[tuple[str, str]]:
    """Yield each text of an ask that reaches people, with its place: the message, free-text params in schema order."""
    if words is not None and words.strip():
        yield MESSAGE, words
    for mark in action.marked(MarkKind.FREE_TEXT) if action is not None else ():
        for number, value in enumerate(values_at(params, mark.path), 1):
            if isinstance(value, str) and value.strip():
                yield str(mark.path) if number == 1 else f"{mark.path}#{number}", value


def judge_forbidden_speech(action: Action, params: JsonObject, words: str | None) -> ExcessWords | None:
    """Mark every text of an ask whose agent may not speak, to be stripped; None where it says nothing.

    Source: docs/model/model.md#powers.
    """
    marked = tuple(
        [
            ExcessSpan(where=where, start=0, end=len(text), said=WordsRelation.WIDER, why=MAY_NOT_SPEAK)
            for where, text in spoken_texts(action, params, words)
        ]
    )
    return ExcessWords(said=WordsRelation.WIDER, way=WordsHandling.STRIP, marked=marked) if marked else None


def spoken_texts(action: Action, params: JsonObject, words: str | None) -> Iterator[tuple[str, str]]:
    """Yield each text of an ask in which its agent speaks: the message and every free text, with its place."""
    declared = {MESSAGE, *(str(mark.path) for mark in action.marked(MarkKind.FREE_TEXT))}
    for where, text in ask_texts(action, params, words):
        if where.partition("#")[0] in declared:
            yield where, text


def judge_excess(found: Sequence[tuple[str, WordsVerdict]], rules: ExcessWordsRules) -> ExcessWords | None:
    """Return the handling of an ask by the verdicts over its texts; None where all pass.

    ⚔ Where one text is unreadable and another exceeds the ask, the stricter handling applies.
    """
    wrong = [(where, verdict) for where, verdict in found if verdict.said in _CODES]
    if not wrong:
        return None
    way = next(way for way in _STRICTEST if any(rules.handling_of(verdict.said) is way for _, verdict in wrong))
    said = next(verdict.said for _, verdict in wrong if rules.handling_of(verdict.said) is way)
    marked = [
        ExcessSpan(where=where, start=span.start, end=span.end, said=span.said, why=span.why)
        for where, verdict in wrong
        for span in verdict.spans
    ]
    marked.sort(key=lambda span: span.said is not said)  # decisive stretches are never cut off
    return ExcessWords(said=said, way=way, marked=tuple(marked[:MAX_MARKED]))


def is_indispensable(action: Action, params: JsonObject, where: str) -> bool:
    """Return whether an ask cannot proceed without the text in this place."""
    return strip_texts(action, params, None, {where}) is None


def strip_texts(action: Action, params: JsonObject, words: str | None, places: Collection[str]) -> StrippedAsk | None:
    """Return the ask without the texts in these places; None where one is indispensable.

    A text that the schema requires, or that stands inside another value, is part of the request itself.
    """
    required = action.schema.get("required", ())
    left = dict(params)
    for where in sorted({*places} - {MESSAGE}):
        if where not in left or (isinstance(required, Sequence) and where in required):
            return None
        del left[where]
    return StrippedAsk(params=left, words=None if MESSAGE in places else words)


def releasing_role(catalogue: Catalogue, action: Action, rule: Escalation | None, otherwise: str) -> str:
    """Return the role that reviews held words: by the escalation rule, else the area's confirmer, else `otherwise`."""
    if rule is not None:
        return rule.steps[0].roles[0]
    of_area = {word.removeprefix(OFFICER) for word in catalogue.floors[action.area] if word.startswith(OFFICER)}
    return next((role for role in catalogue.roles if role in of_area), otherwise)


def encode_marks(judged: ExcessWords) -> str:
    """Return the stretches as stored, as JSON text."""
    return canonical({"marked": [mark_json(span) for span in judged.marked]}).decode()


def mark_json(span: ExcessSpan) -> JsonObject:
    """Return one stretch as JSON."""
    return {"where": span.where, "start": span.start, "end": span.end, "said": span.said.value, "why": span.why}


def read_marks(text: str) -> tuple[ExcessSpan, ...]:
    """Read stored stretches; damaged or missing ones are skipped."""
    try:
        rows = parse_stored_object(text)["marked"] if text else ()
    except (Refused, KeyError):
        return ()
    spans = (_read(row) for row in rows if isinstance(row, Mapping)) if isinstance(rows, list | tuple) else ()
    return tuple(span for span in spans if span is not None)


def code_of_marks(text: str) -> Code:
    """Return the code that stored words are refused with: the first, decisive stretch decides."""
    return next((_code(span) for span in read_marks(text)), Code.WORDS_UNREADABLE)


def _code(span: ExcessSpan) -> Code:
    return Code.MANDATE_POWER_MISSING if span.why == MAY_NOT_SPEAK else _CODES[span.said]


def strip_notice(code: Code, marks: Sequence[ExcessSpan] = ()) -> str:
    """Return the notice to an agent whose message was stripped, with the places in its own words and their reasons."""
    places = "; ".join(f"{span.where} {span.start}-{span.end} {span.why}" for span in marks[:_MAX_TOLD])
    return f"Your message was not passed on: {_WHY[code]} ({code}). The ask went on without it." + (
        f" Leave out or say in the ask's own words: {places}." if places else ""
    )


def _read(row: Mapping[str, Json]) -> ExcessSpan | None:
    match row:
        case {"where": str(where), "start": int(start), "end": int(end), "said": str(said), "why": str(why)}:
            known = said in set(WordsRelation)
            return ExcessSpan(where=where, start=start, end=end, said=WordsRelation(said), why=why) if known else None
        case _:
            return None
