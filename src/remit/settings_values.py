"""Single values of `remit.toml` that are more than a text or a number: the issuer, the log's name, lists of files."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from remit.domain.errors import Code, Refused

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_LOG_NAME: Final = re.compile(r"[^\s+]+")
_EXAMPLE: Final = '["policies/*.cedar"]'


def issuer_of(text: str) -> str:
    """The address people and agents use: an origin, since everything Remit serves lies directly below it.

    Raises:
        Refused: `settings.invalid`.
    """
    parts, port = _split(text)
    plain = parts.scheme == "http" and parts.hostname in LOOPBACK
    wrong = (parts.scheme != "https" and not plain) or not parts.hostname or parts.username or port == 0
    if wrong or parts.query or parts.fragment or text.endswith("/"):
        raise _invalid("server.issuer", "must be https://… without a trailing slash (http on loopback only)")
    if parts.path:
        where = f"{parts.scheme}://{parts.netloc}"
        raise _invalid(
            "server.issuer",
            f"has the path {parts.path}; the desk's pages and doors lie directly below a host: write {where}, on a host of its own",
        )
    return text


def log_name_of(text: str) -> str:
    """The transcript's name, as a signed note can carry it.

    Raises:
        Refused: `settings.invalid`.

    Source: C2SP signed-note (a key's name has no blanks and no plus).
    """
    if _LOG_NAME.fullmatch(text) is None or not text.isprintable():
        raise _invalid("log.name", "must be a name without blanks and without +, such as desk.example/log")
    return text


def files_of(given: object, key: str, base: Path, *, needed: bool) -> tuple[Path, ...]:
    """The files that a list of names and globs means, from `base` on.

    Raises:
        Refused: `settings.invalid`.
    """
    if given is None:
        raise _invalid(key, f"is missing; list the files, such as {_EXAMPLE}")
    if not isinstance(given, list) or not all(isinstance(one, str) and one for one in given):
        raise _invalid(key, f"must be a list of files, such as {_EXAMPLE}")
    found: list[Path] = []
    for one in given:
        matches = sorted(base.glob(one)) if "*" in one and not Path(one).is_absolute() else [base / one]
        if not matches or not all(path.is_file() for path in matches):
            raise _invalid(key, f"names {one}, which is not there")
        found.extend(matches)
    if needed and not found:
        raise _invalid(key, "is empty; list the files")
    return tuple(found)


def is_server(url: str) -> bool:
    """Whether a database is on PostgreSQL."""
    return url.startswith(("postgresql://", "postgres://"))


def keys_of(table: Mapping[str, Any]) -> str:
    """The database of the content keys; "" where they are in a file below `server.data`.

    Raises:
        Refused: `settings.invalid`.
    """
    url = table.get("content", "")
    if not isinstance(url, str) or (url and not is_server(url)):
        raise _invalid(
            "keys.content", "must be postgresql://… of a database for the content keys alone; without it they are in server.data"
        )
    return url


def _split(text: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise _invalid("server.issuer", "is no address; write https://… (http on loopback only)") from None
    return parts, port


def _invalid(key: str, cure: str) -> Refused:
    return Refused(Code.SETTINGS_INVALID, f"{key} {cure}")
