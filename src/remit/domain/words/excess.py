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
from remit.domain.values import Json, JsonObject, kept_object
from remit.domain.words.verdict import Said, WordsVerdict
from remit.proof.canonical import canonical

MESSAGE: Final = "words"
"""Where the message itself stands; a text among the params stands at its path."""
MOST_MARKED: Final = 40
"""⚔ Of so many stretches each is kept; a message may be nothing else, and the record would grow beyond it."""
_CODES: Final[Mapping[Said, Code]] = {
    Said.CONTRADICTS: Code.WORDS_CONTRADICTS,
    Said.UNREADABLE: Code.WORDS_UNREADABLE,
    Said.WIDER: Code.WORDS_WIDER,
}

_WHY: Final[Mapping[Code, str]] = {
    Code.WORDS_CONTRADICTS: "it says something else than the ask",
    Code.WORDS_UNREADABLE: "it cannot be read",
    Code.WORDS_WIDER: "it says more than the ask",
}


class Way(StrEnum):
    """What is done with words that say more than their ask, or that cannot be read."""

    HOLD = "hold"
    REFUSE = "refuse"
    STRIP = "strip"


_STRICTEST: Final = (Way.REFUSE, Way.HOLD, Way.STRIP)


class WordsState(StrEnum):
    """How the words of an ask stand, where they said more than it."""

    HELD = "held"
    RELEASED = "released"
    STRIPPED = "stripped"


@dataclass(frozen=True, slots=True, kw_only=True)
class BeyondRules:
    """The desk's setting: the way of what says more, and of what cannot be read; `officer` is the role that looks at what is held."""

    beyond: Way = Way.REFUSE
    unreadable: Way = Way.REFUSE
    officer: str = ""

    def way_of(self, said: Said) -> Way:
        """What is done with such words."""
        return self.unreadable if said is Said.UNREADABLE else self.beyond


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """A stretch of one text of an ask that says more. ⚔ Where it stands and why, never what it says."""

    where: str
    start: int
    end: int
    said: Said
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """An ask whose words say more than it: what they are, what is done with them, and each stretch, what counts first."""

    said: Said
    way: Way
    marked: tuple[Marked, ...]

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
class Without:
    """What is left of an ask without the texts that say more."""

    params: JsonObject
    words: str | None


def texts_of(action: Action | None, params: JsonObject, words: str | None) -> Iterator[tuple[str, str]]:
    """Every text of an ask that reaches people, with where it stands: the message, and the params that are free text, in the schema's order."""
    if words is not None and words.strip():
        yield MESSAGE, words
    for mark in action.marked(MarkKind.FREE_TEXT) if action is not None else ():
        for number, value in enumerate(values_at(params, mark.path), 1):
            if isinstance(value, str) and value.strip():
                yield str(mark.path) if number == 1 else f"{mark.path}#{number}", value


def judged_of(found: Sequence[tuple[str, WordsVerdict]], rules: BeyondRules) -> Judged | None:
    """What is done with an ask by the verdicts over its texts; None where all of them pass.

    ⚔ Where one text cannot be read and another says more, the stricter of both ways counts.
    """
    wrong = [(where, verdict) for where, verdict in found if verdict.said in _CODES]
    if not wrong:
        return None
    way = next(one for one in _STRICTEST if any(rules.way_of(verdict.said) is one for _, verdict in wrong))
    said = next(verdict.said for _, verdict in wrong if rules.way_of(verdict.said) is way)
    marked = [
        Marked(where=where, start=span.start, end=span.end, said=span.said, why=span.why)
        for where, verdict in wrong
        for span in verdict.spans
    ]
    marked.sort(key=lambda one: one.said is not said)  # what counts is never cut off
    return Judged(said=said, way=way, marked=tuple(marked[:MOST_MARKED]))


def without_texts(action: Action, params: JsonObject, words: str | None, places: Collection[str]) -> Without | None:
    """The ask without the texts in these places; None where it cannot do without one.

    A text that the schema requires, or that stands inside something else, is what is asked itself.
    """
    required = action.schema.get("required", ())
    left = dict(params)
    for where in sorted({*places} - {MESSAGE}):
        if where not in left or (isinstance(required, Sequence) and where in required):
            return None
        del left[where]
    return Without(params=left, words=None if MESSAGE in places else words)


def releasing_role(catalogue: Catalogue, action: Action, rule: Escalation | None, otherwise: str) -> str:
    """Whose officers look at the held words of an ask: whom its escalation rule asks first, else who confirms its area, else the desk's own choice."""
    if rule is not None:
        return rule.steps[0].roles[0]
    of_area = {word.removeprefix(OFFICER) for word in catalogue.floors[action.area] if word.startswith(OFFICER)}
    return next((role for role in catalogue.roles if role in of_area), otherwise)


def kept_marks(judged: Judged) -> str:
    """The stretches as an ask keeps them, as JSON text."""
    return canonical({"marked": [marked_json(one) for one in judged.marked]}).decode()


def marked_json(one: Marked) -> JsonObject:
    """One stretch as JSON."""
    return {"where": one.where, "start": one.start, "end": one.end, "said": one.said.value, "why": one.why}


def read_marks(text: str) -> tuple[Marked, ...]:
    """Read what an ask keeps; nothing of what is damaged or was never kept."""
    try:
        found = kept_object(text)["marked"] if text else ()
    except (Refused, KeyError):
        return ()
    rows = found if isinstance(found, list | tuple) else ()
    return tuple(one for row in rows if isinstance(row, Mapping) and (one := _read(row)) is not None)


def code_of_marks(text: str) -> Code:
    """The code of what an ask keeps: what its words are refused with. What counts stands first."""
    return next((_CODES[one.said] for one in read_marks(text)), Code.WORDS_UNREADABLE)


def notice_of(code: Code) -> str:
    """What an agent is told whose message was left out."""
    return f"Your message was not passed on: {_WHY[code]} ({code}). The ask went on without it."


def _read(row: Mapping[str, Json]) -> Marked | None:
    where, start, end, said, why = (row.get(name) for name in ("where", "start", "end", "said", "why"))
    if not isinstance(where, str) or not isinstance(start, int) or not isinstance(end, int) or not isinstance(why, str):
        return None
    return Marked(where=where, start=start, end=end, said=Said(str(said)), why=why) if said in set(Said) else None
