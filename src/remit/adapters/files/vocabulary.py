"""Vocabularies by language (`vocabulary/en.toml`), read once, and the common words of languages (`common.toml`)."""

import tomllib
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, Final

import msgspec

from remit.domain.errors import Code, Refused
from remit.domain.words.parse_vocabulary import Cues, Ways, WordLists, vocabulary_of
from remit.domain.words.vocabulary import Vocabulary

_COMMON: Final = "common.toml"
_CURE: Final = "Correct that place. A file as it was installed is whole: install Remit again."


@cache
def read_vocabulary(language: str) -> Vocabulary:
    """Read the vocabulary of a language, once: its patterns take a while to compile.

    Raises:
        Refused: `settings.invalid` for invalid content; the detail names file and key.
    """
    return vocabulary_in(resources.files("remit").joinpath("vocabulary"), language)


def vocabulary_in(folder: Traversable, language: str) -> Vocabulary:
    """Read the vocabulary of a language from a folder.

    Raises:
        Refused: as `read_vocabulary`.
    """
    name = f"{language}.toml"
    common = _convert(_COMMON, _read(folder, _COMMON), dict[str, tuple[str, ...]])
    content = _read(folder, name)
    _verify_known(name, content)
    try:
        return vocabulary_of(language, _convert(name, content, WordLists), common)
    except Refused as refused:
        raise _wrong(name, refused.detail) from refused


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
