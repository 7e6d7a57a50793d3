"""Files of a desk: a starter pack, or the folder that `remit init` made of one.

Files are only read and decoded; catalogue, policies and cases are checked where they are used.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, Final

from remit.domain.errors import Code, Refused
from remit.domain.structs import struct
from remit.domain.values import Json, decode_json

CATALOGUE: Final = "catalogue.toml"
_FILES: Final = (CATALOGUE, "README.md", "seed.json")
_FOLDERS: Final[Mapping[str, str]] = {"examples": ".json", "policies": ".cedar", "policy_cases": ".toml"}
_LANGUAGE: Final = re.compile(r"catalogue\.([a-z]{2,3})\.toml", re.ASCII)
_MAX_SIZE: Final = 1024 * 1024


@struct(frozen=True, kw_only=True)
class Pack:
    """Files of a desk, in all its languages.

    `policies` and `cases` are (file name, text) ordered by name; `seed` is empty where there is none.
    """

    name: str
    catalogue: Mapping[str, object]
    policies: tuple[tuple[str, str], ...]
    cases: tuple[tuple[str, str], ...]
    examples: Mapping[str, Json]
    seed: Mapping[str, Any]


def pack_names() -> tuple[str, ...]:
    """Return the starter packs, as written on the command line."""
    folders = (folder for folder in _packs().iterdir() if folder.is_dir())
    return tuple(sorted(_written(folder.name) for folder in folders if folder.joinpath(CATALOGUE).is_file()))


def read_pack(name: str) -> Pack:
    """Read a starter pack.

    Raises:
        Refused: `settings.invalid` for an unknown pack; `catalogue.invalid` or `policy.invalid` as `read_desk`.
    """
    return read_desk(_folder(name), name=_written(name))


def pack_languages(name: str) -> tuple[str, ...]:
    """Return the further languages of a starter pack.

    Raises:
        Refused: `settings.invalid` for an unknown pack.
    """
    return tuple(_languages(_folder(name)))


def pack_files(name: str, languages: Sequence[str] | None = None) -> Mapping[str, bytes]:
    """Return a starter pack's files by relative path, to make a desk's folder of; with the named languages, or all.

    Raises:
        Refused: `settings.invalid` for an unknown pack or a missing translation.
    """
    root = _folder(name)
    known = _languages(root)
    for language in languages or ():
        if language not in known:
            others = ", ".join(known) or "none"
            problem = f"the pack {_written(name)} is not translated to {language!r}; its further languages: {others}"
            raise Refused(Code.SETTINGS_INVALID, problem)
    wanted = [known[language].name for language in (known if languages is None else languages)]
    files = {file: root.joinpath(file).read_bytes() for file in (*_FILES, *wanted) if root.joinpath(file).is_file()}
    for folder, ending in _FOLDERS.items():
        files.update({f"{folder}/{file.name}": file.read_bytes() for file in _in_folder(root, folder, ending)})
    return files


def read_desk(root: Traversable, *, name: str) -> Pack:
    """Read a folder laid out like a pack. Without policies it is still read: serving must refuse that.

    Raises:
        Refused: `catalogue.invalid`, `policy.invalid` or `settings.invalid`, naming the file and the error in it.
    """
    examples = {
        file.name: _json(_text(file, Code.SETTINGS_INVALID), f"examples/{file.name}")
        for file in _in_folder(root, "examples", ".json")
    }
    seed_file = root.joinpath("seed.json")
    seed = _json(_text(seed_file, Code.SETTINGS_INVALID), "seed.json") if seed_file.is_file() else {}
    if not isinstance(seed, Mapping):
        raise Refused(Code.SETTINGS_INVALID, "seed.json: must be an object with customers and records")
    return Pack(
        name=name,
        catalogue=_catalogue(root),
        policies=_texts(root, "policies", ".cedar"),
        cases=_texts(root, "policy_cases", ".toml"),
        examples=examples,
        seed=seed,
    )


def _catalogue(root: Traversable) -> Mapping[str, object]:
    file = root.joinpath(CATALOGUE)
    if not file.is_file():
        problem = f"{CATALOGUE}: there is none in this folder; `remit init --pack consumer DIR` makes one"
        raise Refused(Code.CATALOGUE_INVALID, problem)
    content = dict(_toml(file))
    own = content.get("language")
    languages: dict[str, object] = dict(own) if isinstance(own, Mapping) else {}
    for name, translation in _languages(root).items():
        if name in languages:
            problem = f"{translation.name}: language.{name}: is in {CATALOGUE} too; keep one of the two"
            raise Refused(Code.CATALOGUE_INVALID, problem)
        languages[name] = _said_in(translation, name)
    return {**content, "language": languages} if languages else content


def _said_in(file: Traversable, language: str) -> object:
    """Return a file's texts in its language. ⚔ It holds nothing else: a floor or waiver in it would not take effect.

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
    """Return the files of further languages (`catalogue.de.toml`), by language."""
    found = {_LANGUAGE.fullmatch(file.name): file for file in root.iterdir() if file.is_file()}
    return {match[1]: file for match, file in sorted(found.items(), key=lambda each: each[1].name) if match is not None}


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
        files = (file for file in where.iterdir() if file.is_file() and file.name.endswith(ending))
        yield from sorted(files, key=lambda file: file.name)


def _texts(root: Traversable, folder: str, ending: str) -> tuple[tuple[str, str], ...]:
    return tuple((file.name, _text(file, Code.POLICY_INVALID)) for file in _in_folder(root, folder, ending))


def _packs() -> Traversable:
    return resources.files("remit.packs")


def _folder(name: str) -> Traversable:
    """Return the folder of a pack; a name is never used as a path before it is known.

    Raises:
        Refused: `settings.invalid`.
    """
    if _written(name) not in pack_names():
        raise Refused(Code.SETTINGS_INVALID, f"there is no pack {name!r}; the packs are {', '.join(pack_names())}")
    return _packs().joinpath(_written(name).replace("-", "_"))


def _written(folder: str) -> str:
    return folder.replace("_", "-")
