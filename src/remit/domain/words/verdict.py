"""The message must say no more than the ask: the verdict over words, texts in params, summaries and names.

Reading is in `words_reading`, facts in `words_claims`, wishes in `words_asks`. A local model may only make the verdict stricter.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from remit.domain.catalogue.model import Action, Objective
from remit.domain.text.normalize import FoldedText, collapse_blanks, fold_text
from remit.domain.values import JsonObject
from remit.domain.words.claims import plain_id, records_of, repeatable_values
from remit.domain.words.clauses import Clause, split_clauses, strip_markup
from remit.domain.words.contradictions import REACH, find_contradictions, find_denials, split_amounts
from remit.domain.words.lexicon import Lexicon
from remit.domain.words.off_topic import off_topic_pieces
from remit.domain.words.readable import hidden_markup_reason, unreadable_reason
from remit.domain.words.requests import (
    AskScope,
    UndeclaredRequest,
    ask_scope,
    desk_instructions,
    merged_scope,
    states_action,
    undeclared_requests,
)
from remit.domain.words.vocabulary import Vocabulary

_ENDS: Final = ".!?;"
_BEHIND: Final = " '\"*_)]}>"
"""What ends a sentence, and what may stand behind that. ⚔ A message before that ends in none of these is cut in two, and no whole one."""
_WRAPPED: Final = re.compile(r"(?<=[\w,'\")\]])\n(?=[a-z0-9\"'(])")
"""⚔ A line that only runs over: "please cancel" and below it "my order" is one wish. Each line is read by itself as well."""
_JOINED: Final = 3
_MAX_NAMED: Final = 1000
MAX_NAME_LENGTH: Final = 120


class WordsRelation(StrEnum):
    """What a message is, against its ask. Only `match` and `narrower` reach the case."""

    CONTRADICTS = "contradicts"
    MATCH = "match"
    NARROWER = "narrower"
    UNREADABLE = "unreadable"
    WIDER = "wider"


@dataclass(frozen=True, slots=True, kw_only=True)
class WordsSpan:
    """A stretch of the message as it came, what it is against the ask, and why it was marked."""

    start: int
    end: int
    why: str
    said: WordsRelation


@dataclass(frozen=True, slots=True, kw_only=True)
class WordsVerdict:
    """The verdict, where it hangs on, and a sentence for the desk. Spans are offsets; they never repeat the words."""

    said: WordsRelation
    spans: tuple[WordsSpan, ...] = ()
    reason: str = ""

    @property
    def passes(self) -> bool:
        """Whether the message may reach the case."""
        return self.said in {WordsRelation.MATCH, WordsRelation.NARROWER}


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierMessage:
    """An earlier message of the task, the name of the act it was sent with, and the records that were asked about, by kind."""

    text: str
    action: str = ""
    records: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class PrecedingText:
    """The end of what was said before, and the acts it was sent with: all of them, and those that were about no other record of a kind."""

    tail: str
    acts: frozenset[str]
    alike: frozenset[str]

    @classmethod
    def of(cls, earlier: Sequence[EarlierMessage], records: frozenset[tuple[str, str]]) -> "PrecedingText":
        """What a message of an ask about these records may be read on from."""
        last = earlier[-_JOINED:]
        return cls(
            tail=" ".join(_as_people_read(fold_text(one.text)).text for one in last)[-REACH:],
            acts=frozenset(one.action for one in last),
            alike=frozenset(one.action for one in last if _is_about(one.records, records)),
        )

    @property
    def is_whole(self) -> bool:
        """Whether it ends as a sentence does."""
        return self.tail.rstrip(_BEHIND)[-1:] in _ENDS


def _as_people_read(seen: FoldedText) -> FoldedText:
    """A view without what people read over: underlines, and blanks side by side."""
    return collapse_blanks(replace(seen, text=strip_markup(seen.text)))


def _is_about(theirs: frozenset[tuple[str, str]], ours: frozenset[tuple[str, str]]) -> bool:
    """Whether of each kind of record that two asks have, they have one in common."""
    both = {kind for kind, _ in theirs} & {kind for kind, _ in ours}
    return both <= {kind for kind, _ in theirs & ours}


def judge_words(
    words: str | None,
    *,
    action: Action,
    params: JsonObject,
    objective: Objective,
    lexicon: Lexicon,
    known_ids: Collection[str] = (),
    earlier: Sequence[EarlierMessage] = (),
) -> WordsVerdict:
    """Hold a message against its ask.

    `known_ids` are identifiers this task may speak of (the mandate's targets, records of earlier asks): mentioned, but
    nothing may be asked about them here. `earlier` are the task's last messages, oldest first: ⚔ a wish split over two
    messages is read across the seam. `lexicon` is the catalogue's, built once. Its model, where it has one, hears
    what all rules let pass. No words, nothing to check.

    Source: docs/model/model.md#words.
    """
    if words is None or not words.strip():
        return WordsVerdict(said=WordsRelation.MATCH)
    seen = fold_text(words)
    vocabulary = lexicon.vocabulary
    said = repeatable_values(params, action)
    why = unreadable_reason(
        words, seen.text, expected={*said, *known_ids}, languages=lexicon.languages, vocabulary=vocabulary
    ) or hidden_markup_reason(words)
    if why:
        return _of_all(words, WordsRelation.UNREADABLE, why)
    seen = _as_people_read(seen)
    before = PrecedingText.of(earlier, records_of(params, action))
    tail = before.tail
    cut = split_clauses(seen.text, vocabulary)
    scope = ask_scope(action, objective, said, lexicon, params=params)
    wrong = [*find_contradictions(seen.text, cut, action, params, said, known_ids, vocabulary)]
    wrong += split_amounts(tail, seen.text, action, params, vocabulary)
    wrong += find_denials(seen.text, scope.act.does, vocabulary)
    spans = [
        *(_span(seen, claim.start, claim.end, f"another {claim.what}", WordsRelation.CONTRADICTS) for claim in wrong),
        *(
            _span(seen, wish.start, wish.end, wish.reason, WordsRelation.WIDER)
            for wish in _wider(seen.text, cut, scope, lexicon, before)
        ),
    ] or [
        _span(seen, wish.start, wish.end, wish.reason, WordsRelation.WIDER)
        for wish in off_topic_pieces(cut, tail, scope, lexicon)
    ]
    if spans:
        return WordsVerdict(said=spans[0].said, spans=tuple(spans), reason=spans[0].why)
    return WordsVerdict(said=WordsRelation.MATCH if _says_all(seen.text, said, params) else WordsRelation.NARROWER)


def check_file_name(name: str, vocabulary: Vocabulary, *, languages: Collection[str] = ("en",)) -> WordsVerdict:
    """Hold a file's name against what a name may be. It tells nobody either what to do with something, as an agent's may ("Book a Table").

    Source: docs/model/model.md#words.
    """
    verdict = check_name(name, vocabulary, languages=languages)
    if verdict.passes and vocabulary.patterns.name_order.match(_spoken(name)):
        return _of_all(name, WordsRelation.WIDER, _ASKS)
    return verdict


def check_name(name: str, vocabulary: Vocabulary, *, languages: Collection[str] = ("en",)) -> WordsVerdict:
    """Hold a name an agent chose (a file's, its own) against what a name may be: short, readable, asking nothing."""
    if len(name) > MAX_NAME_LENGTH:  # ⚔ before anything reads it
        return _of_all(name, WordsRelation.UNREADABLE, "longer than a name")
    spoken = _spoken(name)
    why = "more than one line" if re.search(r"[\n\r\t]", name) else ""
    why = why or unreadable_reason(name, spoken, expected=(), languages=languages, vocabulary=vocabulary)
    if why:
        return _of_all(name, WordsRelation.UNREADABLE, why)
    order = next(desk_instructions(spoken, vocabulary), None) or next(
        desk_instructions(fold_text(name).text, vocabulary), None
    )
    asks = vocabulary.patterns.wish.search(spoken) is not None and bool(vocabulary.topics_of(spoken))
    if order is None and not asks:
        return WordsVerdict(said=WordsRelation.MATCH)
    return _of_all(name, WordsRelation.WIDER, order.reason if order else _ASKS)


def _spoken(name: str) -> str:
    """A name as it would be said."""
    return re.sub(r"[_.\-]+", " ", fold_text(name).text)


def _of_all(text: str, said: WordsRelation, why: str) -> WordsVerdict:
    """A verdict over all of a text."""
    return WordsVerdict(said=said, spans=(WordsSpan(start=0, end=len(text), why=why, said=said),), reason=why)


_ASKS: Final = "a name that asks for something"


def _span(seen: FoldedText, start: int, end: int, why: str, said: WordsRelation) -> WordsSpan:
    first, last = seen.span(max(0, start), max(start, end)) if start < len(seen.text) and end > 0 else (0, 0)
    return WordsSpan(start=first, end=last, why=why, said=said)


def _wider(
    folded: str, cut: Sequence[Clause], scope: AskScope, lexicon: Lexicon, before: PrecedingText
) -> Iterator[UndeclaredRequest]:
    vocabulary = lexicon.vocabulary
    yield from desk_instructions(folded, vocabulary, scope.spoken)
    yield from undeclared_requests(cut, scope, lexicon)
    if _WRAPPED.search(folded):
        yield from undeclared_requests(split_clauses(_WRAPPED.sub(" ", folded), vocabulary), scope, lexicon)
    tail = before.tail
    if not tail:
        return
    joints = [(tail, " "), (tail, "")]
    if before.is_whole:
        # ⚔ A full stop does not undo the cut. What each half touches by itself was held against its own ask.
        halves = [*split_clauses(tail, vocabulary)[-1:], *cut[:1]]
        # ⚔ What was asked of one order is not asked of another by "the order W124 too": a half that says no act of its own is read with the other's.
        acts = before.acts if cut and states_action(cut[0], scope) else before.alike
        scope = merged_scope(
            scope,
            acts,
            lexicon,
            told=frozenset(name for half in halves if half.requests_anything for name in half.topics),
        )
        joints = [(tail.rstrip(_ENDS + _BEHIND), " ")]
    across: list[tuple[int, str]] = []
    for first, seam in joints:
        joined, start = f"{first}{seam}{folded[:REACH]}", len(first) + len(seam)
        found = (
            *desk_instructions(joined, vocabulary, scope.spoken),
            *undeclared_requests(split_clauses(joined, vocabulary), scope, lexicon, across=start),
        )
        across += [
            (min(len(folded), wish.end - start), wish.reason)
            for wish in found
            if wish.start < len(first) and wish.end > start
        ]
    if across:
        # What the earlier messages ask for by themselves was held against their own asks.
        theirs = {
            wish.reason
            for wish in (
                *desk_instructions(tail, vocabulary, scope.spoken),
                *undeclared_requests(split_clauses(tail, vocabulary), scope, lexicon),
            )
        }
        for end, reason in across:
            if reason not in theirs:
                yield UndeclaredRequest(start=0, end=end, reason=f"{reason}, with the message before")


def _says_all(folded: str, said: Collection[str], params: JsonObject) -> bool:
    """Whether the words name each element of each list of the ask, or none at all."""
    spoken = plain_id(folded)
    for value in params.values():
        if isinstance(value, list | tuple) and len(value) > 1:
            named = [plain_id(str(one)) in spoken for one in value[:_MAX_NAMED]]
            if any(named) and not all(named):
                return False
    return bool(said) or bool(spoken)
