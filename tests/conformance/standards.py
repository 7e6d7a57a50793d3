"""Which tests hold each row of `docs/standards.md`, as `standards.toml` has it."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
_TOML: Final = Path(__file__).with_name("standards.toml")
_TITLE: Final = re.compile(r"^\| (?!standard |---)([^|]+) \|", re.MULTILINE)
_HEAD: Final = """
## Where each standard is tested

By the rows of [standards.md](standards.md), which says how far each goes.

| standard | revision | tests |
|---|---|---|
"""


def standards_named() -> list[str]:
    """Give the titles of the page's rows, in its order."""
    return _TITLE.findall((ROOT / "docs" / "standards.md").read_text(encoding="utf-8"))


def entries() -> dict[str, Mapping[str, Any]]:
    """Read the entries, by the first words of their rows."""
    return tomllib.loads(_TOML.read_text(encoding="utf-8"))


def entry_of(title: str, known: Mapping[str, object]) -> str | None:
    """Give the longest entry that a row's title begins with."""
    return max((name for name in known if title.startswith(name)), key=len, default=None)


def standards_section() -> str:
    """Write the table of `docs/conformance.md`."""
    known = entries()
    lines = []
    for title in standards_named():
        if (name := entry_of(title, known)) is not None:
            tests = ", ".join(f"`{path}`" for path in known[name]["tests"])
            lines.append(f"| {name} | {known[name].get('revision', 'the RFC')} | {tests} |\n")
    return _HEAD + "".join(lines)
