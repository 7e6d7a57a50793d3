"""Reading a desk's own files: a starter pack, or the folder `remit init` made of one and the desk has changed since.

Only reading and decoding. What a catalogue, a policy or a case means is checked where it is used.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, Final

from remit.domain.errors import Code, Refused
from remit.domain.values import Json, decode_json

CATALOGUE: Final = "catalogue.toml"
_FILES: Final = (CATALOGUE, "README.md", "seed.json")
_FOLDERS: Final[Mapping[str, str]] = {"examples": ".json", "policies": ".cedar", "policy_cases": ".toml"}
_LANGUAGE: Final = re.compile(r"catalogue\.([a-z]{2,3})\.toml", re.ASCII)
_MAX_SIZE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """A desk as its files tell it, in every language it has.

    `policies` and `cases` are (file name, text) in the order of their names; `seed` is empty where there is none.
    """

    name: str
    catalogue: Mapping[str, object]
    policies: tuple[tuple[str, str], ...]
    cases: tuple[tuple[str, str], ...]
    examples: Mapping[str, Json]
    seed: Mapping[str, Any]


def pack_names() -> tuple[str, ...]:
    """The starter packs there are, as written on the command line."""
    return tuple(
        sorted(_written(one.name) for one in _packs().iterdir() if one.is_dir() and one.joinpath(CATALOGUE).is_file())
    )


def read_pack(name: str) -> Pack:
    """Read a starter pack.

    Raises:
        Refused: `settings.invalid` when there is no such pack; `catalogue.invalid` or `policy.invalid` as `perform_read`.
    """
    return read_desk(_folder(name), name=_written(name))


def pack_languages(name: str) -> tuple[str, ...]:
    """The further languages a starter pack is translated to.

    Raises:
        Refused: `settings.invalid` when there is no such pack.
    """
    return tuple(_languages(_folder(name)))


def pack_files(name: str, languages: Sequence[str] | None = None) -> Mapping[str, bytes]:
    """Every file of a starter pack by its relative path, to make a desk's own folder of; of further languages those named, or all.

    Raises:
        Refused: `settings.invalid` when there is no such pack, or when it is not translated to a language.
    """
    root = _folder(name)
    known = _languages(root)
    for one in languages or ():
        if one not in known:
            others = ", ".join(known) or "none"
            raise Refused(
                Code.SETTINGS_INVALID,
                f"the pack {_written(name)} is not translated to {one!r}; its further languages: {others}",
            )
    wanted = [known[one].name for one in (known if languages is None else languages)]
    files = {file: root.joinpath(file).read_bytes() for file in (*_FILES, *wanted) if root.joinpath(file).is_file()}
    for folder, ending in _FOLDERS.items():
        files.update({f"{folder}/{one.name}": one.read_bytes() for one in _in_folder(root, folder, ending)})
    return files


def read_desk(root: Traversable, *, name: str) -> Pack:
    """Read a folder laid out like a pack. Without policies it is still read: whoever serves it must refuse that.

    Raises:
        Refused: `catalogue.invalid`, `policy.invalid` or `settings.invalid`, naming the file and what is wrong in it.
    """
    examples = {
        one.name: _json(_text(one, Code.SETTINGS_INVALID), f"examples/{one.name}")
        for one in _in_folder(root, "examples", ".json")
    }
    seed_file = root.joinpath("seed.json")
    seed = _json(_text(seed_file, Code.SETTINGS_INVALID), "seed.json") if seed_file.is_file() else {}
    if not isinstance(seed, Mapping):
        raise Refused(Code.SETTINGS_INVALID, "seed.json: must be an object with customers and records")
    return Pack(
        name=name,
        catalogue=_catalogue(root),
        policies=tuple((one.name, _text(one, Code.POLICY_INVALID)) for one in _in_folder(root, "policies", ".cedar")),
        cases=tuple((one.name, _text(one, Code.POLICY_INVALID)) for one in _in_folder(root, "policy_cases", ".toml")),
        examples=examples,
        seed=seed,
    )


def _catalogue(root: Traversable) -> Mapping[str, object]:
    file = root.joinpath(CATALOGUE)
    if not file.is_file():
        raise Refused(
            Code.CATALOGUE_INVALID,
            f"{CATALOGUE}: there is none in this folder; `remit init --pack consumer DIR` makes one",
        )
    found = dict(_toml(file))
    own = found.get("language")
    languages: dict[str, object] = dict(own) if isinstance(own, Mapping) else {}
    for name, one in _languages(root).items():
        if name in languages:
            raise Refused(
                Code.CATALOGUE_INVALID, f"{one.name}: language.{name}: stands in {CATALOGUE} too; keep one of both"
            )
        languages[name] = _said_in(one, name)
    return {**found, "language": languages} if languages else found


def _said_in(file: Traversable, language: str) -> object:
    """What a file says in its language. ⚔ It holds nothing else: a floor or a waiver that stands there would be read by people alone.

    Raises:
        Refused: `catalogue.invalid`.
    """
    told = _toml(file)
    said = told.get("language")
    if told.keys() != {"language"} or not isinstance(said, Mapping) or said.keys() != {language}:
        detail = (
            f"holds something else than [language.{language}]; what else the catalogue says is written in {CATALOGUE}"
        )
        raise Refused(Code.CATALOGUE_INVALID, f"{file.name}: {detail}")
    return said[language]


def _languages(root: Traversable) -> dict[str, Traversable]:
    """The files of further languages (`catalogue.de.toml`), by language."""
    found = {_LANGUAGE.fullmatch(one.name): one for one in root.iterdir() if one.is_file()}
    return {match[1]: one for match, one in sorted(found.items(), key=lambda each: each[1].name) if match is not None}


def _toml(file: Traversable) -> Mapping[str, object]:
    try:
        return tomllib.loads(_text(file, Code.CATALOGUE_INVALID), parse_float=Decimal)
    except tomllib.TOMLDecodeError as problem:
        raise Refused(Code.CATALOGUE_INVALID, f"{file.name}: {problem}") from problem


def _json(text: str, file: str) -> Json:
    try:
        return decode_json(text.encode())
    except Refused as refused:
        raise Refused(Code.SETTINGS_INVALID, f"{file}: {refused.detail}") from refused


def _text(file: Traversable, code: Code) -> str:
    try:
        raw = file.read_bytes()
        if len(raw) > _MAX_SIZE:
            raise Refused(code, f"{file.name}: is larger than {_MAX_SIZE} bytes; split it")
        return raw.decode()
    except (OSError, UnicodeDecodeError) as problem:
        raise Refused(code, f"{file.name}: cannot be read as UTF-8 text: {problem}") from problem


def _in_folder(root: Traversable, folder: str, ending: str) -> Iterator[Traversable]:
    where = root.joinpath(folder)
    if where.is_dir():
        yield from sorted(
            (one for one in where.iterdir() if one.is_file() and one.name.endswith(ending)), key=lambda one: one.name
        )


def _packs() -> Traversable:
    return resources.files("remit.packs")


def _folder(name: str) -> Traversable:
    """Find a pack among those there are; a name is never used as a path before that.

    Raises:
        Refused: `settings.invalid`.
    """
    if _written(name) not in pack_names():
        raise Refused(Code.SETTINGS_INVALID, f"there is no pack {name!r}; the packs are {', '.join(pack_names())}")
    return _packs().joinpath(_written(name).replace("-", "_"))


def _written(folder: str) -> str:
    return folder.replace("_", "-")
