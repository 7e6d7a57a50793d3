"""Look-alike characters and their scripts (`src/remit/vocabulary/unicode`), made anew from Unicode's files.

Usage: python bench/confusables.py CONFUSABLES SCRIPTS SCRIPT_EXTENSIONS PROPERTY_VALUE_ALIASES

The files of one Unicode version: security/confusables.txt, and ucd's Scripts.txt, ScriptExtensions.txt and PropertyValueAliases.txt.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_HERE: Final = Path(__file__).parent.parent / "src/remit/vocabulary/unicode"
_NOTICE: Final = "# Unicode {version}, © Unicode, Inc. Terms: license.txt. Made by bench/confusables.py."


def rows(path: Path) -> Iterator[tuple[str, ...]]:
    """Yield the fields of each line with data."""
    for line in path.read_text("utf-8-sig").splitlines():
        if data := line.partition("#")[0].strip():
            yield tuple(field.strip() for field in data.split(";"))


def version(path: Path) -> str:
    """Return the version that a file names."""
    found = re.search(r"(?:Version: |-)(\d+\.\d+\.\d+)", path.read_text("utf-8-sig")[:600])
    return found[1] if found else ""


def confusables(path: Path) -> list[str]:
    """Return each character and its prototype, as code points."""
    return sorted(f"{source};{prototype}" for source, prototype, _ in rows(path))


def scripts(path: Path, extensions: Path, aliases: Path) -> list[str]:
    """Return ranges of characters with their scripts' codes; extensions stand for the script."""
    codes = {name: code for kind, code, name, *_ in rows(aliases) if kind == "sc"}
    of: dict[int, str] = {}
    for span, name in rows(path):
        of |= dict.fromkeys(_points(span), codes[name])
    for span, several in rows(extensions):
        of |= dict.fromkeys(_points(span), several)
    out: list[tuple[int, int, str]] = []
    for point, script in sorted(of.items()):
        if out and out[-1][1] == point - 1 and out[-1][2] == script:
            out[-1] = (out[-1][0], point, script)
        else:
            out.append((point, point, script))
    return [f"{first:04X}..{last:04X};{script}" for first, last, script in out]


def _points(span: str) -> range:
    first, _, last = span.partition("..")
    return range(int(first, 16), int(last or first, 16) + 1)


def write(name: str, lines: list[str], of: str) -> None:
    """Write a file behind its notice."""
    path = _HERE / name
    path.write_text("\n".join((_NOTICE.format(version=of), *lines, "")), "utf-8")
    print(name, len(lines), path.stat().st_size)


if __name__ == "__main__":
    likenesses, script_names, more, value_aliases = (Path(name) for name in sys.argv[1:5])
    write("confusables.txt", confusables(likenesses), version(likenesses))
    write("scripts.txt", scripts(script_names, more, value_aliases), version(script_names))
