"""Clauses of a message, their stretches and topics, each worked out once."""

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Final, NamedTuple

from remit.domain.text.normalize import CaselessPattern, IndexedText
from remit.domain.words.vocabulary import Patterns, Vocabulary

_LEAD: Final = re.compile(
    r"^[ \t]*(?:(?:>[ \t]?)+|[-*+•‣◦·]+[ \t]|\(?\d{1,3}[.)][ \t]|\(?[a-zA-Z][.)][ \t]|\[[ xX]?\][ \t]|#{1,6}[ \t]|\|[ \t]?"
    r"|(?:subject|re|fwd?|aw|wg|betreff|request|action|task|steps?|todo|to do|item|message)[ \t]?:[ \t]?)+",
    re.IGNORECASE | re.MULTILINE,
)
"""Marks before a line's first word: quote marks, bullets, numbers, boxes, headings, cells, header names."""
_INLINE: Final = re.compile(r"(?<=\s)\(?(?:[a-hA-H]|[ivx]{1,4}|\d{1,2})\)[ \t](?=\w)")
"""Sign of an inline list: "a) … b) …", "(1) … (2) …"."""
_LEADS: Final = CaselessPattern(r"^[ \t]*(?:[>|#*•+‣◦·\-\[(\d]|[a-z][.)]|[a-z][a-z. ]{0,7}:)", re.MULTILINE)
TAG: Final = re.compile(r"</?[a-z][a-z0-9]{0,9}\s?/?>", re.IGNORECASE)
_BLOCK: Final = re.compile(
    r"</?(?:table|thead|tbody|tr|td|th|ul|ol|li|p|br|hr|div|h[1-6]|blockquote)\s?/?>", re.IGNORECASE
)
"""Tag that begins or ends a line once drawn."""
_SCORED: Final = re.compile(r"(?<![\w@./:-])[A-Za-z]*_[A-Za-z_]*(?![\w@/]|[.-]\w)")
"""Not part of an e-mail address or a link."""
_WORD: Final = re.compile(r"[^\W\d_]+")
_PAUSE: Final = re.compile(r"[,:(]|\s-")
_LED: Final = 40
"""Letters before a request in which it may be led into."""
_LEADING: Final = 3
"""Words of them."""


def strip_markup(folded: str) -> str:
    """Remove underline marks and split words joined by them; names with a digit stay as they are.

    ⚔ No rule finds a word in "_cancel_ the _order_"; people read four.
    """
    return _SCORED.sub(lambda found: found[0].replace("_", " "), folded) if "_" in folded else folded


def normalize_layout(folded: str, vocabulary: Vocabulary) -> str:
    """Return the text as its sentences read: the same length, each character in its place."""
    text, patterns = folded, vocabulary.patterns
    if _LEADS.search(text):
        text = _LEAD.sub(_blank, text)
    if "<" in text:
        text = _BLOCK.sub(_cut, text)
    if ")" in text:
        text = _INLINE.sub(_cut, text)
    if "," in text and patterns.condition_word.search(text):
        text = _cut_before_orders(patterns.condition, text, patterns)
    if any(word in text for word in vocabulary.then_words):
        text = _cut_before_orders(patterns.then, text, patterns)
    if patterns.negation.search(text):
        text = _cut_before_orders(patterns.contrast, text, patterns)
        text = _without_negated(text, vocabulary)
    return text


def _without_negated(text: str, vocabulary: Vocabulary) -> str:
    out, at = [], 0
    for found in vocabulary.not_to.finditer(text):
        out += [text[at : found.start()], _blank(found)]
        at = found.end()
    return "".join((*out, text[at:])) if out else text


def _cut_before_orders(leads: CaselessPattern, text: str, patterns: Patterns) -> str:
    """Replace the comma or blank before each order led into by a newline; a contrast leaves blanks."""
    out, at = [], 0
    order = patterns.order.search_slice(text)
    for found in leads.finditer(text):
        if order(found.end()) is None:
            continue
        end = found.start("end")
        rest = text[end + 1 : found.end()]
        out += [text[at:end], "\n", " " * len(rest) if leads is patterns.contrast else rest]
        at = found.end()
    return "".join((*out, text[at:])) if out else text


def _blank(found: re.Match[str]) -> str:
    return "".join("\n" if letter == "\n" else " " for letter in found[0])


def _cut(found: re.Match[str]) -> str:
    return "\n" + " " * (len(found[0]) - 1)


class Clause:
    """One clause of the folded text, by place; `added` when a connector such as "by the way" leads into it."""

    def __init__(
        self, *, text: IndexedText, start: int, added: bool, likely: Sequence[str], vocabulary: Vocabulary
    ) -> None:
        self._likely = likely
        self._vocabulary = vocabulary
        self.text = text
        self.start = start
        self.added = added

    @property
    def end(self) -> int:
        """End position in the folded text."""
        return self.start + len(self.text)

    @cached_property
    def topics(self) -> frozenset[str]:
        """Topics it touches."""
        return self._vocabulary.topics_of(self.text, self._likely)

    @cached_property
    def stems(self) -> frozenset[str]:
        """Stems of its content words."""
        return self._vocabulary.stems(self.text)

    @cached_property
    def imperative(self) -> bool:
        """Whether it is an imperative."""
        return begins_as_order(self.text, self._vocabulary)

    @cached_property
    def expresses_request(self) -> bool:
        """Whether it states a wish."""
        return self._vocabulary.patterns.wish.search(self.text) is not None

    @cached_property
    def stretches(self) -> "Sequence[Stretch]":
        """Its parts with one verb each."""
        return tuple(_stretches(self, self._vocabulary))

    @property
    def requests_anything(self) -> bool:
        """Whether it requests anything, as an imperative or a wish."""
        return self.imperative or self.expresses_request


class Stretch(NamedTuple):
    """Part of a clause with one verb of its own."""

    text: IndexedText
    start: int
    end: int
    asks: bool
    clause: Clause


def _stretches(clause: Clause, vocabulary: Vocabulary) -> Iterator[Stretch]:
    """Yield the stretches of a clause; what a wish without a thing leads into is asked for: "I would like, that …"."""
    cues, led = vocabulary.clauses, False
    requests = [(found.start(), (cues.leads_on,)) for found in cues.requests.finditer(clause.text)]
    commands = [(found.start(), (cues.leads_on, cues.commands_led)) for found in cues.commands.finditer(clause.text)]
    begun = frozenset(at for at, _ in requests)
    cuts = [found.span() for found in cues.splits.finditer(clause.text)]
    cuts += _request_cuts(clause.text, (*requests, *commands))
    for first, last in _parts(clause.text, sorted(cuts)):
        text = clause.text if last - first == len(clause.text) else clause.text.part(first, last)
        asks = led or first in begun or begins_as_order(text, vocabulary) or _wishes(text, vocabulary)
        led = asks and not vocabulary.stems(text)
        yield Stretch(text=text, start=clause.start + first, end=clause.start + last, asks=asks, clause=clause)


def _parts(text: str, cuts: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield start and end of each part of a clause that is not blank."""
    at = 0
    for start, end in (*cuts, (len(text), len(text))):
        whole = text[at : max(at, start)]
        if stripped := whole.strip():
            first = at + len(whole) - len(whole.lstrip())
            yield first, first + len(stripped)
        at = max(at, end)


def _request_cuts(text: str, begun: Sequence[tuple[int, tuple[CaselessPattern, ...]]]) -> Iterator[tuple[int, int]]:
    """Yield where a request begins that nothing before it leads into: "where is my card I want to close it".

    ⚔ A request that runs on from another one is a part of its own.
    """
    for start, leads in begun:
        before = " ".join(text[max(0, start - _LED) : start].split()[-_LEADING:])
        if before and not any(led.search(before) for led in leads):
            yield start, start


def _wishes(text: str, vocabulary: Vocabulary) -> bool:
    """Return whether a stretch wants something without beginning as a command; what somebody cannot do is a state."""
    patterns, cues = vocabulary.patterns, vocabulary.clauses
    wishes = (found for found in patterns.wish.finditer(text) if cues.negated.search(f"{found[0]} ") is None)
    return any(True for _ in wishes) or cues.asks.search(text) is not None or orders_behind(text, patterns)


def begins_as_order(text: IndexedText, vocabulary: Vocabulary) -> bool:
    """Return whether a text begins as an imperative does; a past tense in its place reports: "cancelled by mistake"."""
    found = vocabulary.patterns.imperative.match(text)
    return found is not None and not (_WORD.fullmatch(found[0]) and reports(text[: found.end()], text, vocabulary))


def reports(begin: str, text: str, vocabulary: Vocabulary) -> bool:
    """Return whether a text reports with its first words, and nothing makes it a wish, an order or an addition."""
    cues = vocabulary.clauses
    return (
        cues.is_report(text, begin)
        and cues.more.search(text) is None
        and cues.towards.search(text) is None
        and not orders_behind(text, vocabulary.patterns)
    )


def orders_behind(text: str, patterns: Patterns) -> bool:
    """Return whether an order stands behind a pause: "it is off, cancel it"."""
    order = patterns.order.search_slice(text)
    return any(order(found.end()) for found in _PAUSE.finditer(text))


def split_clauses(folded: str, vocabulary: Vocabulary) -> list[Clause]:
    """Cut a folded text into clauses at sentence ends, newlines and connectors that add a wish."""
    read = vocabulary.indexed(folded)
    laid = normalize_layout(read, vocabulary)
    read = read if laid == read else vocabulary.indexed(laid)
    likely = vocabulary.likely_topics(read)
    out: list[Clause] = []
    at = 0
    for cut in [*vocabulary.patterns.cut.finditer(read), None]:
        end = cut.start() if cut else len(read)
        whole = read[at : end + 1 if cut and cut[0] == "?" else end].rstrip()
        if stripped := whole.lstrip():
            start = at + len(whole) - len(stripped)
            text = read.part(start, at + len(whole))
            added = vocabulary.patterns.added.match(text) is not None
            out.append(Clause(text=text, start=start, added=added, likely=likely, vocabulary=vocabulary))
        at = cut.end() if cut else end
    return out
