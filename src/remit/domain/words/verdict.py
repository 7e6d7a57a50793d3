"""Verdict over a message, texts in params, summaries and names: they must say no more than the ask."""

import re
from collections.abc import Collection, Iterator, Sequence
from enum import StrEnum
from typing import Final

from remit.domain.catalogue.model import Action, Objective
from remit.domain.structs import replace, struct
from remit.domain.text.normalize import FoldedText, collapse_blanks, fold_text
from remit.domain.values import JsonObject
from remit.domain.words.claims import plain_id, records_of, repeatable_values
from remit.domain.words.clauses import Clause, reports, split_clauses, strip_markup
from remit.domain.words.contradictions import REACH, find_contradictions, find_denials, split_amounts
from remit.domain.words.lexicon import Lexicon
from remit.domain.words.off_topic import off_topic_pieces
from remit.domain.words.readable import hidden_markup_reason, neutral_words, unreadable_reason
from remit.domain.words.recognition import unrecognised_clauses, without_told
from remit.domain.words.requests import (
    OTHER_PURPOSE,
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
"""Sentence ends, and signs that may follow them. ⚔ A message ending in none of these is cut in two, not complete."""
_WRAPPED: Final = re.compile(r"(?<=[\w,'\")\]])\n(?=[a-z0-9\"'(])")
"""⚔ Run-over line: "please cancel" and below it "my order" are one wish. Each line is also read by itself."""
_JOINED: Final = 3
_MAX_NAMED: Final = 1000
MAX_NAME_LENGTH: Final = 120


class WordsRelation(StrEnum):
    """Relation of a message to its ask. Only `match` and `narrower` reach the case."""

    CONTRADICTS = "contradicts"
    MATCH = "match"
    NARROWER = "narrower"
    UNREADABLE = "unreadable"
    UNRECOGNISED = "unrecognised"
    WIDER = "wider"


@struct(frozen=True, kw_only=True)
class WordsSpan:
    """Stretch of the original message, its relation to the ask, and why it was marked."""

    start: int
    end: int
    why: str
    said: WordsRelation


@struct(frozen=True, kw_only=True)
class WordsVerdict:
    """Verdict, the stretches it rests on, and a sentence for the desk. Spans are offsets and never repeat the words."""

    said: WordsRelation
    spans: tuple[WordsSpan, ...] = ()
    reason: str = ""

    @property
    def passes(self) -> bool:
        """Whether the message may reach the case."""
        return self.said in {WordsRelation.MATCH, WordsRelation.NARROWER}


@struct(frozen=True, kw_only=True)
class EarlierMessage:
    """Earlier message of the task, the action it was sent with, and the records of that ask, by kind."""

    text: str
    action: str = ""
    records: frozenset[tuple[str, str]] = frozenset()


@struct(frozen=True, kw_only=True)
class PrecedingText:
    """End of the preceding messages and their actions: all of them, and those about no other record of a kind."""

    tail: str
    acts: frozenset[str]
    alike: frozenset[str]

    @classmethod
    def of(cls, earlier: Sequence[EarlierMessage], records: frozenset[tuple[str, str]]) -> "PrecedingText":
        """Collect the text that a message about these records continues."""
        last = earlier[-_JOINED:]
        return cls(
            tail=" ".join(_as_read(fold_text(message.text)).text for message in last)[-REACH:],
            acts=frozenset(message.action for message in last),
            alike=frozenset(message.action for message in last if _shares_records(message.records, records)),
        )

    @property
    def is_whole(self) -> bool:
        """Whether it ends as a complete sentence."""
        return self.tail.rstrip(_BEHIND)[-1:] in _ENDS


def _as_read(seen: FoldedText) -> FoldedText:
    """Return the text without signs people read over: underlines and repeated blanks."""
    return collapse_blanks(replace(seen, text=strip_markup(seen.text)))


def _shares_records(theirs: frozenset[tuple[str, str]], ours: frozenset[tuple[str, str]]) -> bool:
    """Return whether two asks share a record of every kind of record that both have."""
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
    """Compare a message with its ask.

    `known_ids` are further identifiers of the task (mandate targets, records of earlier asks): they may be mentioned
    but not requested. `earlier` are the task's last messages, oldest first: ⚔ a wish split over two messages is read
    across the seam. The lexicon's model, if any, hears what all rules let pass.

    Source: docs/model/model.md#words.
    """
    if words is None or not words.strip():
        return WordsVerdict(said=WordsRelation.MATCH)
    seen = fold_text(words)
    said = repeatable_values(params, action)
    expected = {*said, *known_ids}
    why = unreadable_reason(words, seen.text, expected=expected, vocabulary=lexicon.vocabulary)
    if why := why or hidden_markup_reason(words):
        return whole_verdict(words, WordsRelation.UNREADABLE, why)
    seen = _as_read(seen)
    before = PrecedingText.of(earlier, records_of(params, action))
    lexicon = lexicon.reading(f"{before.tail} {seen.text}", neutral_words(expected, lexicon.vocabulary))
    vocabulary = lexicon.vocabulary
    folded = vocabulary.indexed(seen.text)
    cut = split_clauses(folded, vocabulary)
    scope = ask_scope(action, objective, said, lexicon, params=params)
    wrong = [*find_contradictions(folded, cut, action, params, said, known_ids, vocabulary, lexicon.kinds)]
    wrong += split_amounts(before.tail, folded, action, params, vocabulary)
    wrong += find_denials(folded, scope.act.does, vocabulary)
    spans = [
        *(_span(seen, claim.start, claim.end, f"another {claim.what}", WordsRelation.CONTRADICTS) for claim in wrong),
        *(_excess(seen, request) for request in _wider(folded, cut, scope, lexicon, before)),
    ]
    unknown = unrecognised_clauses(cut, scope, lexicon, continues=any(one.text != words for one in earlier))
    spans = spans or [_unrecognised(seen, clause) for clause in unknown]
    spans = spans or [_excess(seen, request) for request in off_topic_pieces(cut, before.tail, scope, lexicon)]
    if spans:
        first = min(spans, key=lambda span: span.said is WordsRelation.UNRECOGNISED)
        return WordsVerdict(said=first.said, spans=tuple(spans), reason=first.why)
    return WordsVerdict(said=WordsRelation.MATCH if _says_all(seen.text, said, params) else WordsRelation.NARROWER)


def check_file_name(name: str, vocabulary: Vocabulary) -> WordsVerdict:
    """Verify that a file's name is short, readable, requests nothing and orders nothing ("Book a Table").

    Source: docs/model/model.md#words.
    """
    verdict = check_name(name, vocabulary)
    if verdict.passes and vocabulary.patterns.name_order.match(_spoken(name)):
        return whole_verdict(name, WordsRelation.WIDER, _ASKS)
    return verdict


def check_name(name: str, vocabulary: Vocabulary) -> WordsVerdict:
    """Verify that a name chosen by an agent (a file's, its own) is short, readable and requests nothing."""
    if len(name) > MAX_NAME_LENGTH:  # ⚔ before anything reads it
        return whole_verdict(name, WordsRelation.UNREADABLE, "longer than a name")
    spoken = _spoken(name)
    why = "more than one line" if re.search(r"[\n\r\t]", name) else ""
    why = why or unreadable_reason(name, spoken, expected=(), vocabulary=vocabulary, name=True)
    if why:
        return whole_verdict(name, WordsRelation.UNREADABLE, why)
    spellings = (spoken, fold_text(name).text)
    order = next((order for text in spellings for order in desk_instructions(text, vocabulary)), None)
    asks = vocabulary.patterns.wish.search(spoken) is not None and bool(vocabulary.topics_of(spoken))
    if order is None and not asks:
        return WordsVerdict(said=WordsRelation.MATCH)
    return whole_verdict(name, WordsRelation.WIDER, order.reason if order else _ASKS)


def _spoken(name: str) -> str:
    return re.sub(r"[_.\-]+", " ", fold_text(name).text)


def whole_verdict(text: str, said: WordsRelation, why: str) -> WordsVerdict:
    """Return the verdict that marks a text as a whole."""
    return WordsVerdict(said=said, spans=(WordsSpan(start=0, end=len(text), why=why, said=said),), reason=why)


_ASKS: Final = "a name that asks for something"


def _span(seen: FoldedText, start: int, end: int, why: str, said: WordsRelation) -> WordsSpan:
    first, last = seen.span(max(0, start), max(start, end)) if start < len(seen.text) and end > 0 else (0, 0)
    return WordsSpan(start=first, end=last, why=why, said=said)


def _excess(seen: FoldedText, request: UndeclaredRequest) -> WordsSpan:
    # ⚔ A likeness proves no request, neither an honest nor another one: such words are unrecognised.
    likeness = request.reason.startswith(OTHER_PURPOSE)
    said = WordsRelation.UNRECOGNISED if likeness else WordsRelation.WIDER
    return _span(seen, request.start, request.end, request.reason, said)


def _unrecognised(seen: FoldedText, clause: UndeclaredRequest) -> WordsSpan:
    return _span(seen, clause.start, clause.end, clause.reason, WordsRelation.UNRECOGNISED)


def _wider(
    folded: str, cut: Sequence[Clause], scope: AskScope, lexicon: Lexicon, before: PrecedingText
) -> Iterator[UndeclaredRequest]:
    vocabulary = lexicon.vocabulary
    yield from desk_instructions(folded, vocabulary, scope.spoken)
    yield from without_told(undeclared_requests(cut, scope, lexicon), cut, scope)
    if "\n" in folded and _WRAPPED.search(folded):
        lines = split_clauses(_WRAPPED.sub(" ", folded), vocabulary)
        yield from without_told(undeclared_requests(lines, scope, lexicon), lines, scope)
    if before.tail:
        yield from _wider_across(folded, cut, scope, lexicon, before)


def _wider_across(
    folded: str, cut: Sequence[Clause], scope: AskScope, lexicon: Lexicon, before: PrecedingText
) -> Iterator[UndeclaredRequest]:
    """Yield requests split over the seam between the preceding messages and this one."""
    vocabulary = lexicon.vocabulary
    tail = vocabulary.indexed(before.tail)
    joints: list[tuple[str, str]] = [(tail, " "), (tail, "")]
    if before.is_whole:
        # ⚔ A full stop does not undo the cut. The topics of each half were compared with its own ask.
        halves = [*split_clauses(tail, vocabulary)[-1:], *cut[:1]]
        # ⚔ "The order W124 too" must not repeat a request on another record: without an act of its own, a half is read
        # with the other's.
        acts = before.acts if cut and (states_action(cut[0], scope) or _only_reports(cut[0], lexicon)) else before.alike
        told = frozenset(name for half in halves if half.requests_anything for name in half.topics)
        scope = merged_scope(scope, acts, lexicon, told=told)
        joints = [(tail.rstrip(_ENDS + _BEHIND), " ")]
    across: list[tuple[int, str]] = []
    for first, seam in joints:
        joined, start = f"{first}{seam}{folded[:REACH]}", len(first) + len(seam)
        across += [
            (min(len(folded), request.end - start), request.reason)
            for request in _requests_in(joined, scope, lexicon, across=start)
            if request.start < len(first) and request.end > start
        ]
    if across:
        # Requests within the earlier messages were compared with their own asks.
        theirs = {request.reason for request in _requests_in(tail, scope, lexicon)}
        for end, reason in across:
            if reason not in theirs:
                yield UndeclaredRequest(start=0, end=end, reason=f"{reason}, with the message before")


def _only_reports(clause: Clause, lexicon: Lexicon) -> bool:
    """Return whether a clause reports from its first word on: it asks for nothing with the message before.

    ⚔ A thing of the desk's in it may be what the message before asks for: "please cancel", "booked trip".
    """
    text, vocabulary = clause.text, lexicon.vocabulary
    first, _, rest = text.partition(" ")
    if clause.requests_anything or not reports(first, text, vocabulary):
        return False
    return all(act.nouns.isdisjoint(vocabulary.stems(rest)) for act in lexicon.acts)


def _requests_in(
    text: str, scope: AskScope, lexicon: Lexicon, *, across: int | None = None
) -> Iterator[UndeclaredRequest]:
    text = lexicon.vocabulary.indexed(text)
    yield from desk_instructions(text, lexicon.vocabulary, scope.spoken)
    yield from undeclared_requests(split_clauses(text, lexicon.vocabulary), scope, lexicon, across=across)


def _says_all(folded: str, said: Collection[str], params: JsonObject) -> bool:
    """Return whether the words name each element of each list of the ask, or none at all."""
    spoken = plain_id(folded)
    for value in params.values():
        if isinstance(value, list | tuple) and len(value) > 1:
            named = [plain_id(str(element)) in spoken for element in value[:_MAX_NAMED]]
            if any(named) and not all(named):
                return False
    return bool(said) or bool(spoken)
