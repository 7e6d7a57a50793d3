"""Writing TOML: tables of texts, numbers, flags, lists and inline tables."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Final

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


def table_text(path: Sequence[str], members: Mapping[str, object], *, note: str = "") -> str:
    """Return one table with its header; nested tables are written inline."""
    head = "".join(f"# {line}\n" for line in note.splitlines())
    lines = [f"{_key(name)} = {value_text(value)}" for name, value in members.items()]
    return f"{head}[{'.'.join(map(_key, path))}]\n" + "".join(f"{line}\n" for line in lines) + "\n"


def value_text(value: object) -> str:
    """Return one value."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case Mapping():
            inside = ", ".join(f"{_key(str(name))} = {value_text(one)}" for name, one in value.items())
            return f"{{ {inside} }}" if inside else "{}"
        case list() | tuple():
            return f"[{', '.join(value_text(one) for one in value)}]"
        case _:
            return _quoted(str(value))


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _quoted(name)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
