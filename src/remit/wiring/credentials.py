"""Files that connections need: tokens of accounts, and the authorities by which a server is verified."""

import ssl
from pathlib import Path
from typing import Final

from remit.adapters.http.token_file import NoTokenError, read_token_file
from remit.settings import InvalidSetting

_EVERYBODY: Final = 0o007


def read_token(path: Path, key: str) -> str:
    """Read the token of an account, named by the setting `key`.

    Raises:
        InvalidSetting: `settings.invalid`.
    """
    try:
        return read_token_file(path)
    except NoTokenError:
        raise InvalidSetting(key, f"{path} holds no token") from None
    except (OSError, UnicodeError) as broken:
        raise InvalidSetting(key, f"{path} cannot be used: {type(broken).__name__}") from None


def tls_context(ca: Path | None, key: str) -> ssl.SSLContext:
    """⚔ Build a context of its own that always verifies certificates and names; with a file, by its authorities alone.

    Raises:
        InvalidSetting: `settings.invalid`.
    """
    try:
        return ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError):
        raise InvalidSetting(key, f"names {ca}, which holds no certificates and cannot be used; write PEM") from None


def read_secret(path: Path, key: str) -> str:
    """⚔ Read a file of secrets, refused if other users of this machine can read it.

    Raises:
        InvalidSetting: `settings.invalid`.
    """
    try:
        if path.stat().st_mode & _EVERYBODY:
            raise InvalidSetting(key, f"names {path}, which everybody here can read; chmod o= {path}")
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as problem:
        raise InvalidSetting(
            key, f"names {path}, which cannot be read: {type(problem).__name__}; check owner and mode"
        ) from None
    if not text:
        raise InvalidSetting(key, f"names {path}, which is empty")
    return text
