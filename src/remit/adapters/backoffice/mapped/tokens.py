"""Tokens of a mapped system, read from their files again when these change."""

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path

from remit.adapters.backoffice.mapped.mapping import Auth
from remit.adapters.http.token_file import read_token_file


class TokenHeader(Mapping[str, str]):
    """The header that carries a token, beside the fixed ones.

    A system whose tokens expire is given new ones by the company's own job, which replaces the file; a file that is being
    written, or gone, leaves the token as it was.
    """

    def __init__(self, auth: Auth, file: Path, fixed: Mapping[str, str] | None = None) -> None:
        """Read the token.

        Raises:
            OSError: when the file cannot be read.
            ValueError: when it holds no token.
        """
        self._auth = auth
        self._file = file
        self._fixed = fixed or {}
        self._seen = _stamp(file)
        self._value = _header(auth, file)

    def __getitem__(self, name: str) -> str:
        if name != self._auth.header:
            return self._fixed[name]
        try:
            seen = _stamp(self._file)
            if seen != self._seen:
                self._value, self._seen = _header(self._auth, self._file), seen
        except (OSError, ValueError):
            pass
        return self._value

    def __iter__(self) -> Iterator[str]:
        return iter((self._auth.header, *self._fixed))

    def __len__(self) -> int:
        return 1 + len(self._fixed)


def _stamp(file: Path) -> tuple[int, int, int]:
    found = file.stat()
    return found.st_mtime_ns, found.st_size, found.st_ino


def _header(auth: Auth, file: Path) -> str:
    """Return the value of the header.

    Raises:
        OSError: when the file cannot be read.
        ValueError: when it holds no token.
    """
    token = read_token_file(file)
    if auth.scheme == "Basic":
        token = base64.b64encode(f"{token}:".encode()).decode()
    return f"{auth.scheme} {token}".strip()
