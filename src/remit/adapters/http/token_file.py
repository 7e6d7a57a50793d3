"""Files that hold the token of an account, and nothing else."""

from pathlib import Path


class NoTokenError(ValueError):
    """A file without a token."""


def read_token_file(file: Path) -> str:
    """Read a token.

    Raises:
        OSError: when the file cannot be read.
        UnicodeError: when it is no ASCII.
        NoTokenError: when it holds no token.
    """
    token = file.read_text(encoding="ascii").strip()
    if not token or not token.isprintable() or " " in token:
        raise NoTokenError
    return token
