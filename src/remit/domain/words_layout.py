"""A message as its sentences read: without the marks of quotes, lists and headings, cut where a condition or a contrast ends.

Nothing moves: whatever is taken out leaves blanks in its place, so that what is found keeps its place in the text.
"""

import re
from typing import Final

from remit.domain.any_case import AnyCase
from remit.domain.words_topics import VERBS

_LEAD: Final = re.compile(
    r"^[ \t]*(?:(?:>[ \t]?)+|[-*+•‣◦·]+[ \t]|\(?\d{1,3}[.)][ \t]|\(?[a-zA-Z][.)][ \t]|\[[ xX]?\][ \t]|#{1,6}[ \t]|\|[ \t]?"
    r"|(?:subject|re|fwd?|aw|wg|betreff|request|action|task|steps?|todo|to do|item|message)[ \t]?:[ \t]?)+",
    re.IGNORECASE | re.MULTILINE,
)
"""What stands before a line's first word: quote marks, bullets, numbers, boxes, headings, cells, the names of headers."""
_INLINE: Final = re.compile(r"(?<=\s)\(?(?:[a-hA-H]|[ivx]{1,4}|\d{1,2})\)[ \t](?=\w)")
"""The sign of one of several things in a line: "a) … b) …", "(1) … (2) …"."""
_ANY: Final = "|".join(VERBS.values())
_ORDER: Final = AnyCase(
    rf"\s*(?:(?:then|please|pls|kindly|just|also|only|simply|go ahead and|you (?:can|may|should|could))\s){{0,4}}"
    rf"(?:{_ANY}|tell|give|show|make|do|let|put|take|use|share|grant)\b"
)
"""Somebody is told to do something: only there is a sentence cut."""
_CONDITION: Final = AnyCase(
    r"(?:(?<=[.!?;\n])|^)\s*(?:and |or |but |so |also |please ){0,4}(?:if|unless|in case|should|when(?:ever)?|once|as soon as|as long as|provided"
    r"|otherwise|or else|else|failing that|if not|instead of|rather than|instead)\b[^.!?;:,\n]{0,200}(?P<end>,)"
)
"""A condition or contrast that may lead into what is wanted: "if she is not there, refund me"."""
_THEN: Final = AnyCase(r"(?<!and)(?<!but)(?P<end>[, ])(?:then|or else|otherwise)\b,?")
_CONTRAST: Final = AnyCase(r"(?P<end>[, ])\s?(?:but(?: rather| instead)?|instead|rather)\b")
_NOT_TO: Final = re.compile(
    rf"\b(?:do not|don't|please not|never|no need to|not to|(?:does|do) ?n[o']t (?:want|need|wish)(?: you)? to|without)\s"
    rf"(?!(?:forget|hesitate|wait|fail|miss|bother|worry|mind|delay|stop|ask|tell|inform|contact|involve|check|need)\b)"
    rf"(?:{_ANY})\b(?:\s(?!(?:but|just|instead|and|or|only|then|rather|{_ANY})\b)[\w'-]+){{0,5}}",
    re.IGNORECASE,
)
"""What is said not to be wanted, up to where it ends or somebody is told to do something. ⚔ "Do not forget to cancel it" is an order."""
_LEADS: Final = AnyCase(r"^[ \t]*(?:[>|#*•+‣◦·\-\[(\d]|[a-z][.)]|[a-z][a-z. ]{0,7}:)", re.MULTILINE)
_CONDITIONS: Final = AnyCase(r"\b(?:if|unless|in case|should|when|once|as soon|as long|provided|otherwise|else|failing|instead|rather)\b")
_NEGATION: Final = AnyCase(r"n't|\bnot?\b|\bnever\b|\bwithout\b")


_SCORED: Final = re.compile(r"(?<![\w@./:-])[A-Za-z]*_[A-Za-z_]*(?![\w@/]|[.-]\w)")
"""No part of an e-mail address or a link."""


def unscored(folded: str) -> str:
    """A folded text without the marks of what is underlined, and with words that these join apart; what has a digit in it is a record's name.

    ⚔ To a rule "_cancel_ the _order_" has no word in it that ends where it ends; to people it has four.
    """
    return _SCORED.sub(lambda found: found[0].replace("_", " "), folded) if "_" in folded else folded


def laid_out(folded: str) -> str:
    """A folded text as its sentences read; as long as it was, each character in its place."""
    text = folded
    if _LEADS.search(text):
        text = _LEAD.sub(_blank, text)
    if ")" in text:
        text = _INLINE.sub(_cut, text)
    if "," in text and _CONDITIONS.search(text):
        text = _cut_before_orders(_CONDITION, text)
    if "then" in text or "else" in text or "otherwise" in text:
        text = _cut_before_orders(_THEN, text)
    if _NEGATION.search(text):
        text = _cut_before_orders(_CONTRAST, text)
        text = _NOT_TO.sub(_blank, text)
    return text


def _cut_before_orders(leads: AnyCase, text: str) -> str:
    """A new line in the place of the comma or blank before each order that is led into; a contrast leaves blanks."""
    out, at = [], 0
    order = _ORDER.fitting(text)
    for found in leads.finditer(text):
        if order(found.end()) is None:
            continue
        end = found.start("end")
        rest = text[end + 1 : found.end()]
        out += [text[at:end], "\n", " " * len(rest) if leads is _CONTRAST else rest]
        at = found.end()
    return "".join((*out, text[at:]))


def _blank(found: re.Match[str]) -> str:
    """Blanks in the place of what was found; a line stays a line."""
    return "".join("\n" if letter == "\n" else " " for letter in found[0])


def _cut(found: re.Match[str]) -> str:
    """A new line in its place."""
    return "\n" + " " * (len(found[0]) - 1)
