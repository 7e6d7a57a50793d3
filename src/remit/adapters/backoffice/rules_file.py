"""A file of rules about a company's system: TOML of a bounded size, read into its own type."""

import tomllib
from pathlib import Path
from typing import TypeVar

import msgspec

from remit.domain.errors import Code, Refused

T = TypeVar("T")


def read_rules_file(file: Path, kind: type[T], *, max_bytes: int, cure: str) -> tuple[T, bytes]:
    """Read a file, and return its content and its bytes.

    Raises:
        Refused: `settings.invalid`, naming the file.
    """
    try:
        raw = file.read_bytes()
        if len(raw) > max_bytes:
            raise invalid_rule(file, "", f"has more than {max_bytes} bytes", cure=cure)
        return msgspec.convert(tomllib.loads(raw.decode()), kind), raw
    except OSError as broken:
        raise invalid_rule(file, "", f"cannot be read: {type(broken).__name__}", cure=cure) from None
    except (ValueError, msgspec.ValidationError) as broken:
        raise invalid_rule(file, "", f"is malformed: {broken}", cure=cure) from None


def invalid_rule(file: Path, key: str, problem: str, *, cure: str) -> Refused:
    """Build the refusal of a key of a file, or of the whole file."""
    return Refused(Code.SETTINGS_INVALID, f"{file}{f': {key}' if key else ''} {problem}", cure=cure)
