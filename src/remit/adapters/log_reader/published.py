"""A log as C2SP tlog-tiles publishes it, in a folder or below an address, under the same paths.

Nothing read here is trusted, and sizes are bounded.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import httpx

from remit.domain.errors import Code, Fault, Refused
from remit.domain.transcript.verification import decode_bundle
from remit.proof.checkpoint import MAX_NOTE
from remit.proof.merkle import HASH_SIZE
from remit.proof.tiles import MAX_ENTRY, WIDTH, Bundle, Tile, encode_bundle

CHECKPOINT: Final = "checkpoint"
TIMEOUT_S: Final = 20.0

_OK: Final = 200
_GONE: Final = (404, 410)
_MAX_BUNDLE: Final = WIDTH * (2 + MAX_ENTRY)


class _Published:
    """Shared by folder and address: `_fetch(path, most)` returns the bytes, or raises `_Absent`."""

    keeps_leaf_hashes: Final = True
    _fetch: Callable[[str, int], bytes]

    def checkpoint(self) -> str:
        """Return the newest signed checkpoint."""
        try:
            return self._required(CHECKPOINT, MAX_NOTE).decode("utf-8", errors="strict")
        except UnicodeDecodeError:
            raise Refused(Code.LOG_DAMAGED, "the checkpoint is not UTF-8") from None

    def tile(self, tile: Tile) -> bytes:
        """Return one tile of hashes, cut from the full one when a partial one was removed."""
        try:
            return self._fetch(tile.path, tile.width * HASH_SIZE)
        except _Absent:
            full = Tile(level=tile.level, index=tile.index, width=WIDTH)
            return self._required(full.path, WIDTH * HASH_SIZE, wanted=tile.path)[: tile.width * HASH_SIZE]

    def bundle(self, bundle: Bundle) -> bytes:
        """Return one entry bundle, cut from the full one when a partial one was removed."""
        try:
            return self._fetch(bundle.path, _MAX_BUNDLE)
        except _Absent:
            full = Bundle(index=bundle.index, width=WIDTH)
            entries = decode_bundle(full, self._required(full.path, _MAX_BUNDLE, wanted=bundle.path))
            return encode_bundle(entries[: bundle.width])

    def _required(self, path: str, most: int, *, wanted: str = "") -> bytes:
        try:
            return self._fetch(path, most)
        except _Absent:
            raise Refused(Code.LOG_DAMAGED, f"the log has no {wanted or path}") from None


class FolderLog(_Published):
    """A log copied into a folder."""

    def __init__(self, directory: Path) -> None:
        """Read below this folder."""
        self._directory = directory
        self._fetch = self._read

    def _read(self, path: str, most: int) -> bytes:
        try:
            with (self._directory / path).open("rb") as file:
                raw = file.read(most + 1)
        except (FileNotFoundError, NotADirectoryError):
            raise _Absent from None
        except OSError as error:
            raise Fault(Code.FAULT_STORE, f"{path}: {error.strerror}") from None
        _verify_bounded(raw, path, most)
        return raw


class HttpLog(_Published):
    """A log below an address, such as `https://desk.example/log`."""

    def __init__(self, prefix: str, client: httpx.Client) -> None:
        """Fetch below `prefix` with this client; redirects are not followed."""
        self._prefix = prefix.rstrip("/")
        self._client = client
        self._fetch = self._get

    def _get(self, path: str, most: int) -> bytes:
        body = bytearray()
        try:
            with self._client.stream(
                "GET", f"{self._prefix}/{path}", follow_redirects=False, timeout=TIMEOUT_S
            ) as answer:
                if answer.status_code in _GONE:
                    raise _Absent
                if answer.status_code != _OK:
                    raise Fault(Code.FAULT_STORE, f"{path}: the log answered {answer.status_code}")
                for chunk in answer.iter_bytes():
                    body += chunk
                    _verify_bounded(body, path, most)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Fault(Code.FAULT_STORE, f"{path}: {type(error).__name__}") from None
        return bytes(body)


class _Absent(Exception):  # noqa: N818  # a finding, not an error
    """The path does not exist."""


def _verify_bounded(raw: bytes | bytearray, path: str, most: int) -> None:
    """Stop at the first excess byte: an endless log must not fill the verifier's memory."""
    if len(raw) > most:
        raise Refused(Code.LOG_DAMAGED, f"{path} is longer than it can be")
