"""The `REMIT_*` variables of a desk, and the settings they override. An unknown one is refused, never ignored."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from remit.domain.errors import Code, Refused
from remit.domain.text.nearest import nearest
from remit.settings.notify import NotifyTable

STOP_AT: Final = "REMIT_STOP_AT"
_PREFIX: Final = "REMIT_"
VARIABLES: Final[Mapping[str, tuple[str, str]]] = {
    "REMIT_DATA": ("server", "data"),
    "REMIT_DESK_DATABASE": ("desk", "database"),
    "REMIT_HOST": ("server", "host"),
    "REMIT_ISSUER": ("server", "issuer"),
    "REMIT_KEYS_CONTENT": ("keys", "content"),
    "REMIT_PORT": ("server", "port"),
    "REMIT_STORE_URL": ("store", "url"),
    "REMIT_WORDS_MODEL": ("words", "model"),
    **{f"REMIT_NOTIFY_{key.upper()}": ("notify", key) for key in sorted(NotifyTable.__struct_fields__)},
}
"""Variables, with the table and key that each overrides."""
_KNOWN: Final = (*VARIABLES, STOP_AT)
_OTHERS: Final[Mapping[str, str]] = {
    "REMIT_SHARED": "tests and benches of this source read their data there",
    r"REMIT_SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)": "Kubernetes sets them in every container beside a service named remit",
    r"REMIT_PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?": "so it does these",
}
"""Name patterns of variables of other programs, with the reason: neither settings nor mistakes."""
_NUMBERS: Final = frozenset({"port", "smtp_port", "timeout_s"})
_FLAGS: Final = frozenset({"smtp_plain_outside"})


def verify_variables(names: Iterable[str]) -> None:
    """Refuse mistyped variables and variables without a setting: they must not look effective.

    Raises:
        Refused: `settings.invalid` naming the first one.
    """
    for name in sorted(names):
        if (
            name.startswith(_PREFIX)
            and name not in _KNOWN
            and not any(re.fullmatch(one, name, re.ASCII) for one in _OTHERS)
        ):
            detail = f"{name} is an unknown variable; known are {', '.join(_KNOWN)}. Unset it, and write other settings into remit.toml"
            near = nearest(name, _KNOWN)
            cure = f"Did you mean {near}? Rename it, or unset it." if near else ""
            raise Refused(Code.SETTINGS_INVALID, detail, cure=cure)


def overlaid(raw: Mapping[str, Any], environment: Mapping[str, str]) -> tuple[Mapping[str, Any], Mapping[str, str]]:
    """Return the document with the variables over it, and each such key's variable. An empty one counts as unset."""
    tables, origins = dict(raw), dict[str, str]()
    for variable, (table, key) in VARIABLES.items():
        text = environment.get(variable)
        below = tables.get(table, {})
        if text and isinstance(below, Mapping):
            tables[table] = {**below, key: _value(key, text)}
            origins[f"{table}.{key}"] = variable
    return tables, origins


def _value(key: str, text: str) -> object:
    """Convert a text to the type of its key; an unfit one stays a text, and is refused as one."""
    if key in _NUMBERS and text.isascii() and text.isdigit():
        return int(text)
    if key in _FLAGS and text in {"true", "false"}:
        return text == "true"
    if key == "kind":
        return [one.strip() for one in text.split(",")]
    return text
