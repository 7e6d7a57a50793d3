"""Governance frameworks of a report (`frameworks/*.toml`): facts that exercise a control, and controls left out.

A file is named by its place in a report and the framework's name: `10-owasp-asi.toml`.
"""

import tomllib
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final

import msgspec

from remit.domain.errors import Code, Refused
from remit.domain.evidence.facts import EvidenceFact
from remit.domain.evidence.frameworks import Control, Framework, UncoveredControl

_ENDING: Final = ".toml"


class _Control(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    title: str
    does: str
    shown: tuple[EvidenceFact, ...]
    beside: tuple[EvidenceFact, ...] = ()


class _Silence(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    title: str
    why: str


class _Framework(msgspec.Struct, forbid_unknown_fields=True):
    title: str
    controls: tuple[_Control, ...]
    silent: tuple[_Silence, ...]
    rest: str = ""


def framework_names() -> tuple[str, ...]:
    """Return the names of the frameworks in report order, without reading them."""
    return tuple(_name(file) for file in _files())


@cache
def read_frameworks() -> tuple[Framework, ...]:
    """Read every framework, once.

    Raises:
        Refused: `settings.invalid` for invalid content, such as an unknown fact; the detail names file and key.
    """
    return tuple(read_framework(_name(file), file) for file in _files())


def read_framework(name: str, file: Traversable) -> Framework:
    """Read one framework.

    Raises:
        Refused: as `read_frameworks`.
    """
    try:
        content = msgspec.convert(tomllib.loads(file.read_text("utf-8")), _Framework)
    except (ValueError, OSError) as wrong:  # errors of TOML and msgspec are ValueErrors
        cure = (
            "Correct that place; facts are listed in `domain/evidence/facts`. "
            "The file as installed is correct: install Remit again."
        )
        raise Refused(Code.SETTINGS_INVALID, f"frameworks/{file.name}: {wrong}", cure=cure) from wrong
    return Framework(
        name=name,
        title=content.title,
        controls=tuple(Control(**msgspec.structs.asdict(control)) for control in content.controls),
        silent=tuple(UncoveredControl(**msgspec.structs.asdict(control)) for control in content.silent),
        rest=content.rest,
    )


def _files() -> list[Traversable]:
    folder = resources.files("remit").joinpath("frameworks")
    return sorted((file for file in folder.iterdir() if file.name.endswith(_ENDING)), key=lambda file: file.name)


def _name(file: Traversable) -> str:
    return file.name.removesuffix(_ENDING).partition("-")[2]
