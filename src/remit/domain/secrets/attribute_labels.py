"""Words that name an attribute in a text, and whether one stands beside a place.

⚔ A word said of many things ("active", "card") tells a value where its sentence names the attribute, or the sentence
before, where this one only goes on from it ("You asked for the state. It is active.").
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import field
from typing import Final

from remit.domain.secrets.fact_words import FactWords
from remit.domain.secrets.value_tokens import Span, TokenText
from remit.domain.structs import struct
from remit.domain.text.tokens import plain_word

_ENDS: Final = re.compile(r"[!?\n]+|\.(?=\s|$)")
_LETTERS: Final = re.compile(r"[^\W\d_]+")
_HEAD: Final = re.compile(
    r"\s(?:a|an|the|of|for|in|from|on|to|by|with|that|einer|ein|eines|eine|des|der|dem|den|von|vom|beim|für|im|am|zum|zur)\s",
    re.IGNORECASE,
)
_SENTENCE_LIKE: Final = re.compile(
    r"(?:what|whether|where|how|when|who|was|ob|wo|wie|wann|wer|wohin|day|tag)\b", re.IGNORECASE
)
_MIN_LABEL: Final = 3
_MIN_ENDING: Final = 5
"""Letters of a label that may end a compound: Kontostatus."""
_ENDINGS: Final = frozenset({"", "s", "es", "e", "n", "en", "er", "em"})
_COMMON: Final = frozenset(
    [
        "all",
        "any",
        "can",
        "day",
        "days",
        "first",
        "four",
        "free",
        "full",
        "has",
        "have",
        "how",
        "last",
        "more",
        "most",
        "new",
        "next",
        "not",
        "old",
        "one",
        "tag",
        "tage",
        "erste",
        "letzte",
        "neue",
        "neuer",
    ]
)
"""Words of a title that name no attribute."""
_SHORT: Final = 3
"""Words of a sentence that says nothing of its own."""
_FEW: Final = 5
_PHRASE: Final = 5
"""Words of a phrase that is written as one."""
_AGREE: Final = "agree"
_THUMBS: Final = re.compile(
    "[\U0001f44d\U0001f44e\U0001f44c\U0001f44f\U0001f197\U0001f4af\u2705\u2611\u2713\u2714\u274c\u2716\u2717\u2718\U0001f6ab\U0001f645\U0001f646]"
)
"""Emoji that say yes or no."""
_WISHES: Final = frozenset(
    {"regards", "wishes", "greetings", "words", "support", "help", "reply", "message", "of", "to", "and", "patience"}
)
"""What follows "kind" as a courtesy."""


def label_words(
    name: str, titles: Iterable[str], words: FactWords | None, things: Collection[str] = frozenset()
) -> frozenset[str]:
    """Return the words that name an attribute, in plain letters: of its name, the heads of its titles, and synonyms.

    `things` name records and their kinds: before the last word of a title's head they say of what ("account status").

    ⚔ Where there is none, all words of its titles count ("where it goes"), else the short ones of its name (`device.os`):
    without a label, no text tells the attribute.
    """
    parts, titles = [word for word in re.split(r"[._-]", name.rpartition(".")[2]) if word], tuple(titles)
    said = [word for word in parts if len(word) >= _MIN_LABEL]
    for title in titles:
        if not _SENTENCE_LIKE.match(title):
            head = _LETTERS.findall(_HEAD.split(title)[0])
            named = [word for word in head[:-1] if plain_word(word) not in things] + head[-1:]
            said += [word for word in named if len(word) >= _MIN_LABEL and word.lower() not in _COMMON]
    if not said:
        every = [word for title in titles for word in _LETTERS.findall(title) if not _SENTENCE_LIKE.fullmatch(word)]
        said = [word for word in every if len(word) > _MIN_LABEL and plain_word(word) not in things] or parts
    own = {plain_word(word) for word in said}
    own |= {word.removesuffix("s") for word in own if len(word) >= _MIN_LABEL}
    same = {} if words is None else words.labels
    return frozenset(own | {other for word in own for other in same.get(word, ())})


@struct(frozen=True, kw_only=True)
class LabelRules:
    """Knowledge of attributes besides their values, by name: the words that name each, and those it can be.

    Of `sensitive` ones a word of a few letters counts beside its label anywhere in a text, a longer one alone; of those
    of records `apart` from the case, which nothing in a text points at, also a longer one beside its label.
    """

    labels: Mapping[str, frozenset[str]] = field(default_factory=dict)
    listed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    sensitive: frozenset[str] = frozenset()
    apart: frozenset[str] = frozenset()
    words: FactWords | None = None

    def of(self, name: str) -> frozenset[str]:
        """Return the words that name an attribute."""
        return self.labels.get(name) or label_words(name, (), self.words)


class Sentences:
    """The sentences of a text, by the places of their ends, with the words of each."""

    def __init__(self, read: TokenText, words: FactWords | None = None) -> None:
        """Cut a text into sentences."""
        self._read = read
        self._kinds: Callable[[str], frozenset[str]] = (lambda _: frozenset()) if words is None else words.cues.kinds
        ends = [(match.start(), match.end()) for match in _ENDS.finditer(read.text)]
        edges = [0, *(end for _, end in ends), len(read.text)]
        stops = [*(start for start, _ in ends), len(read.text)]
        self._bounds = [(low, high) for low, high in zip(edges, stops, strict=False) if read.text[low:high].strip()]
        self._lows = [low for low, _ in self._bounds]
        self._starts = [token.start for token in read.tokens]
        self._known: dict[tuple[int, int, frozenset[str]], bool] = {}

    def around(self, span: Span) -> tuple[int, int]:
        """Return the first and the last sentence that a span touches."""
        first = max(0, bisect_right(self._lows, span[0]) - 1)
        return first, max(first, bisect_left(self._lows, span[1]) - 1)

    def _place(self, first: int, last: int, span: Span) -> Span:
        """Return the place of sentences and a span, without the blanks around them."""
        low, high = min(self._bounds[first][0], span[0]), max(self._bounds[last][1], span[1])
        text = self._read.text
        while low < high and text[low].isspace():
            low += 1
        while low < high and text[high - 1].isspace():
            high -= 1
        return low, high

    def has_label(self, span: Span, labels: Collection[str], *, anywhere: bool = False) -> bool:
        """Return whether a label stands in the sentence of a span, or in the one before that it leans on, or after."""
        if anywhere:
            return self._named(0, len(self._bounds) - 1, frozenset(labels))
        first, last = self.around(span)
        if first and self._leans(first):
            first -= 1
            if first and self._leans(first):
                first -= 1
        if last + 1 < len(self._bounds) and self._begins_leaning(last + 1):
            last += 1
        return self._named(first, last, frozenset(labels))

    def beside_cue(self, span: Span, kind: str) -> Span | None:
        """Return the sentences of a span with a word of a kind, theirs or a short or leaning one's beside them, whole."""
        if not self._bounds:
            return None
        first, last = self.around(span)
        before, after = first - 1, last + 1
        told = self._cued(first, last, kind)
        if before >= 0 and (self._count(before) <= _SHORT or self._leans(first)) and self._cued(before, before, kind):
            told, first = True, before
        near = after < len(self._bounds) and (self._count(after) <= _FEW or self._begins_leaning(after))
        if near and self._cued(after, after, kind):
            told, last = True, after
        return self._place(first, last, span) if told else None

    def _named(self, first: int, last: int, labels: frozenset[str]) -> bool:
        # Each stretch is read once: a word that stands a thousand times in it costs no more.
        key = (first, last, labels)
        if key not in self._known:
            self._known[key] = any(self._is_label(at, labels) for at in self._tokens(first, last))
        return self._known[key]

    def _cued(self, first: int, last: int, kind: str) -> bool:
        key = (first, last, frozenset({f"cue {kind}"}))
        if key not in self._known:
            self._known[key] = any(self._has_cue(at, kind) for at in range(first, last + 1))
        return self._known[key]

    def _has_cue(self, number: int, kind: str) -> bool:
        """Return whether a sentence has a word of a kind, or a phrase written as one, or an emoji of it."""
        kinds, tokens = self._kinds, self._tokens(number, number)
        words = [self._read.tokens[at].word for at in tokens]
        for at in range(len(words)):
            joined = ""
            for word in words[at : at + _PHRASE]:
                joined += word
                if kind in kinds(joined):
                    return True
        low, high = self._bounds[number]
        if kind == _AGREE and _THUMBS.search(self._read.text, low, high):
            return True
        alone = f"{kind}alone"
        for edge in filter(None, (tokens[:1], tokens[-1:], tokens[:2], tokens[-2:])):  # two of them: o.k.
            joined = "".join(self._read.tokens[at].word for at in edge)
            if alone in kinds(joined) and self._is_alone(edge, low, high):
                return True
        return False

    def _is_alone(self, edge: range, low: int, high: int) -> bool:
        """Return whether words begin their sentence and a sign parts them from the rest, or end it in that way."""
        text, start, end = self._read.text, self._read.tokens[edge[0]].start, self._read.tokens[edge[-1]].end
        before, after = text[low:start].strip(), text[end:high].strip()
        return (not before and (not after or not after[0].isalnum())) or (not after and not before[-1].isalnum())

    def _tokens(self, first: int, last: int) -> range:
        if not self._bounds:
            return range(0)
        low, high = self._bounds[first][0], self._bounds[last][1]
        return range(bisect_left(self._starts, low), bisect_left(self._starts, high))

    def _count(self, number: int) -> int:
        return len(self._tokens(number, number))

    def _leans(self, number: int) -> bool:
        return self._count(number) <= _SHORT or self._begins_leaning(number)

    def _begins_leaning(self, number: int) -> bool:
        tokens = self._tokens(number, number)
        return bool(tokens) and "leans" in self._kinds(self._read.tokens[tokens[0]].word)

    def _is_label(self, at: int, labels: Collection[str]) -> bool:
        tokens = self._read.tokens
        word = tokens[at].word
        if word == "kind" and at + 1 < len(tokens) and tokens[at + 1].word in _WISHES:
            return False
        return bool(word) and names_label(word, labels)


def names_label(word: str, labels: Collection[str]) -> bool:
    """Return whether a plain word is a label, in another form or at the end of a compound."""
    if word in labels:
        return True
    for label in labels:
        if word.startswith(label) and word[len(label) :] in _ENDINGS:
            return True
        if len(label) >= _MIN_ENDING and (word.endswith(label) or word.removesuffix("s").endswith(label)):
            return True
    return False
