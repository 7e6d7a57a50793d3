"""Single values of `remit.toml` beyond a text or a number: addresses, the log's name, files."""

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import SplitResult, urlsplit

from msgspec import Meta

from remit.domain.ids import is_loopback
from remit.settings.decode import InvalidSetting

Text = Annotated[str, Meta(min_length=1)]
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_LOG_NAME: Final = re.compile(r"[^\s+]+")
_SQLITE: Final = "sqlite:///"


def issuer_of(text: str) -> str:
    """Parse the public address: an origin, since everything Remit serves lies directly below it.

    Raises:
        InvalidSetting: `settings.invalid`.
    """
    parts, port = _split(text)
    plain = parts.scheme == "http" and parts.hostname in LOOPBACK
    wrong = (parts.scheme != "https" and not plain) or not parts.hostname or parts.username or port == 0
    if wrong or parts.query or parts.fragment or text.endswith("/"):
        raise InvalidSetting("server.issuer", "must be https://… without a trailing slash (http on loopback only)")
    if parts.path:
        where = f"{parts.scheme}://{parts.netloc}"
        problem = f"has the path {parts.path}; the server's pages and APIs are directly below a host: write {where}, on a host of its own"
        raise InvalidSetting("server.issuer", problem)
    return text


def log_name_of(text: str) -> str:
    """Parse the transcript's name, as a signed note can carry it.

    Raises:
        InvalidSetting: `settings.invalid`.

    Source: C2SP signed-note (a key's name has no blanks and no plus).
    """
    if _LOG_NAME.fullmatch(text) is None or not text.isprintable():
        raise InvalidSetting("log.name", "must be a name without blanks and without +, such as desk.example/log")
    return text


def files_of(given: Sequence[str] | None, key: str, base: Path, *, needed: bool) -> tuple[Path, ...]:
    """Return the files of a list of names and globs, from `base` on.

    Raises:
        InvalidSetting: `settings.invalid`.
    """
    if given is None:
        raise InvalidSetting(key, 'is missing; list the files, such as ["policies/*.cedar"]')
    found: list[Path] = []
    for name in given:
        matches = sorted(base.glob(name)) if "*" in name and not Path(name).is_absolute() else [base / name]
        if not matches or not all(path.is_file() for path in matches):
            raise InvalidSetting(key, f"names {name}, which is not there")
        found.extend(matches)
    if needed and not found:
        raise InvalidSetting(key, "is empty; list the files")
    return tuple(found)


def file_of(name: str, key: str, base: Path, *, note: str = "") -> Path:
    """Return one existing file, from `base` on.

    Raises:
        InvalidSetting: `settings.invalid`.
    """
    path = base / name
    if not path.is_file():
        raise InvalidSetting(key, f"names {path}, which is not there", note=note)
    return path


def optional_file(name: str | None, key: str, base: Path, *, note: str = "") -> Path | None:
    """Return one existing file, as `file_of`; None where none is named.

    Raises:
        InvalidSetting: `settings.invalid`.
    """
    return None if name is None else file_of(name, key, base, note=note)


def verify_role(role: str, key: str, roles: Collection[str]) -> None:
    """Verify that a role, where one is named, is one of the catalogue's.

    Raises:
        InvalidSetting: `settings.invalid`.
    """
    if role and role not in roles:
        known = ", ".join(sorted(roles)) or "none; declare one as [role.…]"
        raise InvalidSetting(key, f"is no role of the catalogue; known are {known}")


def is_postgres_url(url: str) -> bool:
    """Return whether a database is on PostgreSQL."""
    return url.startswith(("postgresql://", "postgres://"))


def carries_password(url: str) -> bool:
    """Return whether a database's address carries a password: before the host, or among its parameters."""
    user = url.partition("://")[2].rpartition("@")[0]  # ⚔ an unquoted password may hold any of the other signs
    return ":" in user or "password=" in url.lower()


def store_of(url: str, base: Path) -> str:
    """Parse the store's address; a relative SQLite file starts at `base`.

    Raises:
        InvalidSetting: `settings.invalid` for a store this version has no plug for.
    """
    if url.startswith(_SQLITE):
        return f"{_SQLITE}{base / url.removeprefix(_SQLITE)}"
    if not is_postgres_url(url):
        raise InvalidSetting("store.url", "is neither sqlite:///PATH nor postgresql://USER@HOST/DATABASE")
    return url


def content_keys_of(url: str) -> str:
    """Parse the database of the content keys; "" where they are in a file below `server.data`.

    Raises:
        InvalidSetting: `settings.invalid`.
    """
    if url and not is_postgres_url(url):
        problem = "must be postgresql://… of a database for the content keys alone; without it they are in server.data"
        raise InvalidSetting("keys.content", problem)
    return url


def post_address(text: str, key: str, *, note: str = "") -> str:
    """Parse an address for posting: https, or http on this machine alone.

    Raises:
        InvalidSetting: `settings.invalid`, which names the `key`.
    """
    try:
        parts = urlsplit(text)
        known = bool(parts.hostname) and parts.port != 0 and text.isascii() and text.isprintable() and " " not in text
        known = known and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or "")))
        known = known and parts.username is None and parts.password is None and not parts.fragment
    except ValueError:
        known = False
    if not known:
        problem = "must be an https address (http on loopback only), without user, password or fragment"
        raise InvalidSetting(key, problem, note=note)
    return text


def _split(text: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise InvalidSetting("server.issuer", "is no address; write https://… (http on loopback only)") from None
    return parts, port
