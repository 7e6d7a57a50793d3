"""Whether a message can be read at all, and cutting it into clauses.

What the clauses say is for `words_claims` and `words_asks`.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from remit.domain.plain import hides
from remit.domain.secret_disguises import encoded

_WORD: Final = re.compile(r"[^\W\d_]{2,}")
_RUN: Final = re.compile(r"[^\W_]+")
_SPACED: Final = re.compile(r"(?<![^\W_])[^\W\d_](?:[ .*_-]{1,2}[^\W\d_]){4,}(?![^\W_])")
_LEET: Final = re.compile(r"(?<![\w@$])(?=[\w@$]*[a-z])(?=[\w@$]*[0-9@$])[\w@$]{5,24}(?![\w@$])", re.IGNORECASE)
_UNLEET: Final = str.maketrans("013457@$", "oieastas")
_CUT: Final = re.compile(
    r"[.!?;](?=\s|$)|\n+|[,:]?\s(?=(?:and also|also|and then|by the way|btw|one more thing|p\.?s\.?|before that|after that|and while you(?: are|'re)|while you(?: are|'re)"
    r"|additionally|in addition|besides|plus|furthermore|moreover|afterwards|and please|please also|but first|oh and|as well as)\b)",
    re.IGNORECASE,
)
_STOPWORDS: Final = {
    "en": [
        "the",
        "a",
        "an",
        "is",
        "are",
        "was",
        "i",
        "my",
        "me",
        "you",
        "your",
        "it",
        "to",
        "of",
        "and",
        "for",
        "with",
        "on",
        "in",
        "that",
        "this",
        "have",
        "has",
        "be",
        "not",
        "do",
        "can",
        "please",
    ],
    "de": [
        "der",
        "die",
        "das",
        "und",
        "ist",
        "ich",
        "sie",
        "nicht",
        "mein",
        "meine",
        "bitte",
        "mit",
        "auf",
        "ein",
        "eine",
        "den",
        "dem",
        "von",
        "zu",
        "für",
        "auch",
        "wird",
        "sofort",
        "geld",
        "konto",
    ],
    "es": [
        "el",
        "la",
        "los",
        "las",
        "que",
        "es",
        "mi",
        "por",
        "favor",
        "para",
        "con",
        "una",
        "del",
        "en",
        "y",
        "al",
        "se",
        "su",
        "cuenta",
        "dinero",
        "pedido",
        "quiero",
    ],
    "fr": [
        "le",
        "la",
        "les",
        "des",
        "est",
        "et",
        "mon",
        "ma",
        "mes",
        "je",
        "vous",
        "pour",
        "avec",
        "une",
        "du",
        "au",
        "sur",
        "ne",
        "pas",
        "svp",
        "compte",
        "commande",
        "veuillez",
    ],
    "it": [
        "il",
        "lo",
        "la",
        "gli",
        "che",
        "è",
        "mio",
        "mia",
        "per",
        "con",
        "una",
        "del",
        "di",
        "e",
        "non",
        "conto",
        "favore",
        "ordine",
        "voglio",
    ],
    "nl": [
        "de",
        "het",
        "een",
        "en",
        "is",
        "ik",
        "mijn",
        "niet",
        "met",
        "op",
        "van",
        "voor",
        "dat",
        "u",
        "naar",
        "alsjeblieft",
        "geld",
        "rekening",
    ],
    "pt": [
        "o",
        "os",
        "as",
        "que",
        "é",
        "meu",
        "minha",
        "por",
        "favor",
        "para",
        "com",
        "uma",
        "do",
        "da",
        "em",
        "não",
        "conta",
        "pedido",
        "quero",
        "dinheiro",
    ],
    "tr": ["bir", "ve", "bu", "için", "lütfen", "benim", "hesap", "para", "ile", "değil"],
}
_KNOWN: Final = {language: frozenset(words) for language, words in _STOPWORDS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One clause of the folded text, by its place. `added` says a connector such as "by the way" leads into it."""

    text: str
    start: int
    added: bool


def unreadable(words: str, folded: str, *, expected: Collection[str], languages: Collection[str], verbs: Collection[str]) -> str:
    """Say why a message cannot be read, empty when it can.

    ⚔ Hidden and directional characters, mixed alphabets, spelled-out, encoded or digit-for-letter words and languages
    nobody configured carry requests past every later rule. `expected` are values of the ask, which may be written as
    they are.

    Source: 2-model.md §6.
    """
    if _hidden(words):
        return "hidden or directional characters"
    known = {one.casefold() for value in expected for one in _RUN.findall(value)}
    for match in _WORD.finditer(words):
        scripts = {_script(letter) for letter in match[0]}
        if match[0].casefold() not in known and (len(scripts) > 1 or not scripts <= {"LATIN"}):
            return "letters of another or a mixed alphabet"
    if _SPACED.search(folded):
        return "words written letter by letter"
    if any(token not in expected for token in encoded(folded)):
        return "encoded text"
    if any(match[0].lower().translate(_UNLEET) in verbs for match in _LEET.finditer(folded)):
        return "digits in place of letters"
    return next((f"a sentence in another language ({other})" for other in _foreign(folded, languages)), "")


def _hidden(words: str) -> bool:
    """Hidden characters anywhere, except the joiners and selectors that emoji are made of."""
    for place, letter in enumerate(words):
        if not hides(letter):
            continue
        before = words[place - 1] if place else ""
        emoji = letter in "\u200d\ufe0f\ufe0e" and before and unicodedata.category(before) in {"So", "Sk", "Mn", "Cf", "Po"}
        if not emoji:
            return True
    return False


def _script(letter: str) -> str:
    if letter.isascii() or unicodedata.combining(letter):
        return "LATIN"
    name = unicodedata.name(unicodedata.normalize("NFKC", letter)[0], "?")
    return "LATIN" if letter in "ªº" else name.split(" ")[0]


def _foreign(folded: str, languages: Collection[str]) -> Iterator[str]:
    ours = frozenset().union(*(_KNOWN.get(language, frozenset()) for language in languages))
    for sentence in re.split(r"[.!?\n]+", folded.lower()):
        tokens = re.findall(r"[^\W\d_]+", sentence)
        here = sum(token in ours for token in tokens)
        for language, stops in _KNOWN.items():
            there = sum(token in stops - ours for token in tokens)
            if language not in languages and there >= 2 and there > here:  # noqa: PLR2004  # one foreign word is a name
                yield language


def clauses(folded: str) -> list[Clause]:
    """Cut a folded text into clauses at sentence ends, lines and connectors that add a wish."""
    out: list[Clause] = []
    at = 0
    for cut in [*_CUT.finditer(folded), None]:
        end = cut.start() if cut else len(folded)
        text = folded[at : end + 1 if cut and cut[0] == "?" else end].strip()
        if text:
            out.append(Clause(text=text, start=at, added=_ADDED.match(text) is not None))
        at = cut.end() if cut else end
    return out


_ADDED: Final = re.compile(
    r"(?:and |oh,? |but )?(?:also|then|by the way|btw|one more thing|p\.?s\b\.?|before that|after that|while you(?: are|'re)|additionally|in addition|besides|plus|furthermore|moreover"
    r"|afterwards|please also|first)\b",
    re.IGNORECASE,
)
