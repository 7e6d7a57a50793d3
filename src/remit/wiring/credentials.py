"""Files that connections need: tokens of accounts, and the authorities by which a server is verified."""

import ssl
from pathlib import Path

from remit.adapters.http.token_file import NoTokenError, read_token_file
from remit.settings import InvalidSetting


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
