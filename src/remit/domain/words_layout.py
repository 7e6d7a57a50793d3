"""A message as its sentences read: without the marks of quotes, lists and headings, cut where a condition or a contrast ends.

Nothing moves: whatever is taken out leaves blanks in its place, so that what is found keeps its place in the text.
"""

import re
from typing import Final

from remit.domain.any_case import AnyCase
from remit.domain.words_vocabulary import Patterns, Vocabulary

_LEAD: Final = re.compile(
    r"^[ \t]*(?:(?:>[ \t]?)+|[-*+•‣◦·]+[ \t]|\(?\d{1,3}[.)][ \t]|\(?[a-zA-Z][.)][ \t]|\[[ xX]?\][ \t]|#{1,6}[ \t]|\|[ \t]?"
    r"|(?:subject|re|fwd?|aw|wg|betreff|request|action|task|steps?|todo|to do|item|message)[ \t]?:[ \t]?)+",
    re.IGNORECASE | re.MULTILINE,
)
"""What stands before a line's first word: quote marks, bullets, numbers, boxes, headings, cells, the names of headers."""
_INLINE: Final = re.compile(r"(?<=\s)\(?(?:[a-hA-H]|[ivx]{1,4}|\d{1,2})\)[ \t](?=\w)")
"""The sign of one of several things in a line: "a) … b) …", "(1) … (2) …"."""
_LEADS: Final = AnyCase(r"^[ \t]*(?:[>|#*•+‣◦·\-\[(\d]|[a-z][.)]|[a-z][a-z. ]{0,7}:)", re.MULTILINE)
_SCORED: Final = re.compile(r"(?<![\w@./:-])[A-Za-z]*_[A-Za-z_]*(?![\w@/]|[.-]\w)")
"""No part of an e-mail address or a link."""


def unscored(folded: str) -> str:
    """A folded text without the marks of what is underlined, and with words that these join apart; what has a digit in it is a record's name.

    ⚔ To a rule "_cancel_ the _order_" has no word in it that ends where it ends; to people it has four.
    """
    return _SCORED.sub(lambda found: found[0].replace("_", " "), folded) if "_" in folded else folded


def laid_out(folded: str, vocabulary: Vocabulary) -> str:
    """A folded text as its sentences read; as long as it was, each character in its place."""
    text, patterns = folded, vocabulary.patterns
    if _LEADS.search(text):
        text = _LEAD.sub(_blank, text)
    if ")" in text:
        text = _INLINE.sub(_cut, text)
    if "," in text and patterns.condition_word.search(text):
        text = _cut_before_orders(patterns.condition, text, patterns)
    if any(word in text for word in vocabulary.then_words):
        text = _cut_before_orders(patterns.then, text, patterns)
    if patterns.negation.search(text):
        text = _cut_before_orders(patterns.contrast, text, patterns)
        text = vocabulary.not_to.sub(_blank, text)
    return text


def _cut_before_orders(leads: AnyCase, text: str, patterns: Patterns) -> str:
    """A new line in the place of the comma or blank before each order that is led into; a contrast leaves blanks."""
    out, at = [], 0
    order = patterns.order.fitting(text)
    for found in leads.finditer(text):
        if order(found.end()) is None:
            continue
        end = found.start("end")
        rest = text[end + 1 : found.end()]
        out += [text[at:end], "\n", " " * len(rest) if leads is patterns.contrast else rest]
        at = found.end()
    return "".join((*out, text[at:]))


def _blank(found: re.Match[str]) -> str:
    """Blanks in the place of what was found; a line stays a line."""
    return "".join("\n" if letter == "\n" else " " for letter in found[0])


def _cut(found: re.Match[str]) -> str:
    """A new line in its place."""
    return "\n" + " " * (len(found[0]) - 1)
