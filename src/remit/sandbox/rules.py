"""The rules given to a sandbox: places of a catalogue's files and of policies, or the policies themselves."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from remit.wiring import read_policies

ALLOW_ALL: Final = "permit(principal, action, resource);"
_CEDAR: Final = re.compile(r"\b(permit|forbid)\s*\(")


def catalogue_given(
    given: str | Path | Sequence[str | Path] | Mapping[str, Any],
) -> tuple[Path, ...] | Mapping[str, object]:
    """Return the files and folders of a catalogue, or its table."""
    if isinstance(given, Mapping):
        return given
    return tuple(Path(one) for one in ([given] if isinstance(given, str | Path) else given))


def policies_given(given: str | Path | Sequence[str | Path] | None) -> tuple[tuple[str, str], ...]:
    """Return the policies as (name, text). An existing path's text is a path; other Cedar text is policies."""
    if given is None:
        return (("sandbox.cedar", ALLOW_ALL),)
    if isinstance(given, str) and not _exists(given) and (not given.strip() or _CEDAR.search(given)):
        return (("policies.cedar", given),)
    files = [Path(given)] if isinstance(given, str | Path) else [Path(one) for one in given]
    found = [
        one for file in files for one in (sorted(file.glob("*.cedar")) if _exists(file) and file.is_dir() else [file])
    ]
    cure = "name a file or a folder that is there, or give the policies themselves: permit(…) or forbid(…)"
    return read_policies(found, cure=cure)


def _exists(path: str | Path) -> bool:
    try:
        return Path(path).exists()
    except (OSError, ValueError):
        return False  # too long for a path, or a NUL in it: a text
