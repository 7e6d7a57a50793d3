"""Vocabularies by language (`vocabulary/en.toml`), read once, with the words that each language is known to have."""

import tomllib
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, Final

import msgspec

from remit.domain.errors import Code, Refused
from remit.domain.secrets.fact_words import FactLists, FactWords, compile_fact_words
from remit.domain.words.parse_vocabulary import ClauseLists, Cues, Ways, WordLists, vocabulary_of
from remit.domain.words.vocabulary import Vocabulary

_COMMON: Final = "common.toml"
_FACTS: Final = "facts.toml"
_CURE: Final = "Correct that place. The file as installed is correct: install Remit again."


@cache
def read_vocabulary(*languages: str) -> Vocabulary:
    """Read the vocabulary of one or several languages, once: its patterns take a while to compile.

    Raises:
        Refused: `settings.invalid` for invalid content; the detail names file and key.
    """
    folder = resources.files("remit").joinpath("vocabulary")
    try:
        return vocabulary_in(folder, *languages)
    except Refused:
        for language in languages:
            vocabulary_in(folder, language)  # names the file that is wrong
        raise


def vocabulary_in(folder: Traversable, *languages: str) -> Vocabulary:
    """Read the vocabulary of these languages from a folder.

    Raises:
        Refused: as `read_vocabulary`.
    """
    common = _convert(_COMMON, _read(folder, _COMMON), dict[str, tuple[str, ...]])
    lists: dict[str, WordLists] = {}
    name = ""
    words: dict[str, tuple[str, ...]] = {}
    for language in languages:
        name = f"{language}.toml"
        content = _read(folder, name)
        _verify_known(name, content)
        lists[language] = _convert(name, content, WordLists)
        words[language] = _known_words(folder, language)
    try:
        return vocabulary_of(lists, words, common["neutral"])
    except Refused as refused:
        raise _wrong(name, refused.detail) from refused


@cache
def read_fact_words() -> FactWords:
    """Read the words of facts about a person, of all languages, once.

    Raises:
        Refused: as `read_vocabulary`.
    """
    content = _read(resources.files("remit").joinpath("vocabulary"), _FACTS)
    return compile_fact_words(_convert(_FACTS, content, FactLists))


def _known_words(folder: Traversable, language: str) -> tuple[str, ...]:
    name = f"words/{language}.txt"
    try:
        text = folder.joinpath(name).read_text("utf-8")
    except (ValueError, OSError) as wrong:
        raise _wrong(name, str(wrong)) from wrong
    return tuple(line for line in text.splitlines() if not line.startswith("#"))


def _read(folder: Traversable, name: str) -> Mapping[str, Any]:
    try:
        return tomllib.loads(folder.joinpath(name).read_text("utf-8"))
    except (ValueError, OSError) as wrong:
        raise _wrong(name, str(wrong)) from wrong


def _convert(name: str, found: Mapping[str, Any], kind: Any) -> Any:  # noqa: ANN401  # of the given type
    try:
        return msgspec.convert(found, kind)
    except msgspec.ValidationError as wrong:
        raise _wrong(name, str(wrong)) from wrong


def _verify_known(name: str, found: Mapping[str, Any]) -> None:
    """Verify that nothing is unread: a misplaced word would let a wish through."""
    tables = [("", found, WordLists), ("cues.", found.get("cues"), Cues)]
    tables += [("clauses.", found.get("clauses"), ClauseLists)]
    for kind in ("topics", "orders"):
        ways = found.get(kind)
        tables += [(f"{kind}.{key}.", table, Ways) for key, table in (ways.items() if isinstance(ways, dict) else ())]
    for where, table, kind_of in tables:
        known = {each.name for each in fields(kind_of)}
        for key in table if isinstance(table, dict) else ():
            if key not in known:
                raise _wrong(name, f"{where}{key}: nothing is called this")


def _wrong(name: str, problem: str) -> Refused:
    return Refused(Code.SETTINGS_INVALID, f"vocabulary/{name}: {problem}", cure=_CURE)
