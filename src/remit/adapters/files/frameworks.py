"""The frameworks a report speaks of (`frameworks/*.toml`): which facts exercise a control, and of which controls nothing is said.

A file is called by its place in a report and the framework's name: `10-owasp-asi.toml`.
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
    """The frameworks there are, in the order of a report. Nothing is read for it."""
    return tuple(_name(one) for one in _files())


@cache
def read_frameworks() -> tuple[Framework, ...]:
    """Read every framework, once.

    Raises:
        Refused: `settings.invalid` for a file that says something else than it may, such as a fact there is not; the detail names file and key.
    """
    return tuple(read_framework(_name(one), one) for one in _files())


def read_framework(name: str, file: Traversable) -> Framework:
    """Read one framework.

    Raises:
        Refused: as `read_frameworks`.
    """
    try:
        told = msgspec.convert(tomllib.loads(file.read_text("utf-8")), _Framework)
    except (ValueError, OSError) as wrong:  # those of TOML and of msgspec are of the first
        cure = "Correct that place; facts are listed in `domain/evidence/facts`. A file as it was installed is whole: install Remit again."
        raise Refused(Code.SETTINGS_INVALID, f"frameworks/{file.name}: {wrong}", cure=cure) from wrong
    return Framework(
        name=name,
        title=told.title,
        controls=tuple(Control(**msgspec.structs.asdict(one)) for one in told.controls),
        silent=tuple(UncoveredControl(**msgspec.structs.asdict(one)) for one in told.silent),
        rest=told.rest,
    )


def _files() -> list[Traversable]:
    return sorted(
        (one for one in resources.files("remit").joinpath("frameworks").iterdir() if one.name.endswith(_ENDING)),
        key=lambda one: one.name,
    )


def _name(file: Traversable) -> str:
    return file.name.removesuffix(_ENDING).partition("-")[2]
