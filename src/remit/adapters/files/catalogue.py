"""Catalogue of the desk from TOML files, merged into the plain data that `domain/policy/rulebook` reads.

Errors name the file, the key and the cure.
"""

import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final

from remit.adapters.files.translations import load_translations
from remit.domain.catalogue.model import Catalogue
from remit.domain.errors import Code, Refused
from remit.domain.i18n import Translator
from remit.domain.policy.rulebook import read_catalogue

_MAX_BYTES: Final = 4 * 1024 * 1024
_MAX_TOLD_LENGTH: Final = 200


def load_catalogue(source: Path | Sequence[Path] | Mapping[str, object], *, today: date | None) -> Catalogue:
    """Read the catalogue from a file, a folder of `*.toml`, several files, or the data itself.

    Raises:
        Refused: `catalogue.invalid`, the detail naming file, key and cure.
    """
    if isinstance(source, Mapping):
        return read_catalogue(source, today=today, speeches=_speeches(source))
    origins: dict[str, str] = {}
    data = read_files(_files(source), origins)
    if not data:
        names = ", ".join(map(str, _files(source)))
        raise Refused(Code.CATALOGUE_INVALID, f"{names}: is empty; write [desk] with name and currency")
    try:
        return read_catalogue(data, today=today, speeches=_speeches(data))
    except Refused as refused:
        raise Refused(refused.code, f"{_origin(refused.detail, origins)}{refused.detail}") from refused


def _speeches(data: Mapping[str, object]) -> Mapping[str, Translator]:
    return load_translations() if "language" in data else {}


def read_files(files: Sequence[Path], origins: dict[str, str]) -> Mapping[str, object]:
    """Merge the files; `origins` collects the file of each key. A key in two files is refused.

    Raises:
        Refused: `catalogue.invalid`.
    """
    merged: dict[str, object] = {}
    for file in files:
        for kind, value in _read(file).items():
            _merge(merged, kind, value, str(file), origins)
    return merged


def _files(source: Path | Sequence[Path]) -> Sequence[Path]:
    given = [source] if isinstance(source, Path) else list(source)
    files: list[Path] = []
    for path in given:
        files.extend(sorted(path.glob("*.toml")) if path.is_dir() else [path])
    if not files:
        names = ", ".join(map(str, given))
        raise Refused(Code.CATALOGUE_INVALID, f"{names}: no .toml file is there; write one, or copy a starter pack")
    return files


def _read(file: Path) -> Mapping[str, object]:
    try:
        raw = file.read_bytes()
    except OSError as error:
        problem = f"{file}: cannot be read ({error.strerror}); check the path and its permissions"
        raise Refused(Code.CATALOGUE_INVALID, problem) from error
    if len(raw) > _MAX_BYTES:
        raise Refused(Code.CATALOGUE_INVALID, f"{file}: is larger than {_MAX_BYTES} bytes; split or shorten it")
    try:
        return tomllib.loads(raw.decode("utf-8"), parse_float=Decimal)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise Refused(Code.CATALOGUE_INVALID, f"{file}: is no TOML: {error}; correct that place") from error


def read_text(file: Path) -> str:
    """Return the text of a file of policies or of policy cases.

    Raises:
        Refused: `policy.invalid`, the detail naming the file.
    """
    try:
        return file.read_text(encoding="utf-8")
    except OSError as problem:
        cure = "Check that it is there, and that the account Remit runs as may read it."
        raise Refused(Code.POLICY_INVALID, f"{str(file)[:_MAX_TOLD_LENGTH]}: {problem.strerror}", cure=cure) from None
    except UnicodeDecodeError as problem:
        why = f"{problem.reason} at byte {problem.start}"
        detail = f"{file}: is no UTF-8 text ({why})"
        raise Refused(Code.POLICY_INVALID, detail, cure="Write it as UTF-8 text.") from None
    except ValueError as problem:  # a path with a NUL in it
        detail = f"{str(file)[:_MAX_TOLD_LENGTH]!r}: is no path ({problem})"
        raise Refused(Code.POLICY_INVALID, detail, cure="Name a file that is there.") from None


def _merge(merged: dict[str, object], kind: str, value: object, file: str, origins: dict[str, str]) -> None:
    here = merged.get(kind)
    if isinstance(value, list):
        earlier = here if isinstance(here, list) else []
        origins.update({f"{kind}[{len(earlier) + place}]": file for place in range(len(value))})
        merged[kind] = [*earlier, *value]
        return
    if kind == "desk" or not isinstance(value, dict):
        if here is not None:
            raise _twice(kind, file, origins)
        origins[kind] = file
        merged[kind] = value
        return
    together: dict[str, object] = dict(here) if isinstance(here, dict) else {}
    for name, entry in value.items():
        key = f"{kind}.{name}" if kind in {"floor", "language"} else f'{kind}."{name}"'
        if name in together:
            raise _twice(key, file, origins)
        origins[key] = file
        together[name] = entry
    merged[kind] = together


def _twice(key: str, file: str, origins: Mapping[str, str]) -> Refused:
    problem = f"{file}: {key}: is in {origins.get(key, 'another file')} too; keep one of the two"
    return Refused(Code.CATALOGUE_INVALID, problem)


def _origin(detail: str, origins: Mapping[str, str]) -> str:
    """Return the file of the key that a refusal begins with, as `file: `."""
    found = [key for key in origins if detail.startswith((f"{key}.", f"{key}:"))]
    return f"{origins[max(found, key=len)]}: " if found else f"{', '.join(sorted(set(origins.values())))}: "
