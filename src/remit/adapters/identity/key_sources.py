"""Current keys of files and addresses, without a background task: each use reads again when due."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

from remit.adapters.identity.fetching import MAX_DOCUMENT, TIMEOUT_S, Fetcher
from remit.adapters.identity.key_sets import KeySet, verify_bundle, verify_jwks
from remit.adapters.identity.keys import PublicKey
from remit.domain.errors import Code, Fault, Refused
from remit.domain.values import Instant, Json, decode_json
from remit.ports.identity import InlineKeys, KeyFile, KeySource, KeyUrl, SpiffeBundleFile, SpiffeBundleUrl

MAX_AGE_MS: Final = 3_600_000
RETRY_MS: Final = 10_000
MAX_SOURCES: Final = 4096
MAX_INLINE: Final = 512

_CLOCK_STEP_MS: Final = 60_000
_LONG_AGO: Final = Instant(-(2**53))

RemoteSource: TypeAlias = KeyFile | KeyUrl | SpiffeBundleFile | SpiffeBundleUrl


@dataclass(slots=True)
class _CachedKeySet:
    """Keys last read from one source, with the times of the last failure and the last unknown kid."""

    keys: KeySet | None = None
    read_at: Instant = _LONG_AGO
    failed_at: Instant = _LONG_AGO
    missed_at: Instant = _LONG_AGO
    failure: str = ""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def usable(self, now: Instant) -> bool:
        """Whether the keys may still be used although a newer read failed."""
        return self.keys is not None and -_CLOCK_STEP_MS < now - self.read_at < MAX_AGE_MS

    def due(self, now: Instant, *, missed: bool) -> bool:
        """Whether to read now.

        ⚔ Invented kids, or a source that is down, cause at most one read in ten seconds.
        """
        aged = self.keys is None or not -_CLOCK_STEP_MS < now - self.read_at < self.keys.refresh_ms
        return (aged and _apart(now, self.failed_at)) or (
            missed and _apart(now, self.missed_at) and _apart(now, self.failed_at)
        )


class KeySources:
    """Finder of the key that a token's header names, in the registration's source."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self._shelves: OrderedDict[RemoteSource, _CachedKeySet] = OrderedDict()
        self._inline: OrderedDict[int, tuple[Mapping[str, Json], KeySet]] = OrderedDict()

    async def verify_key(self, source: KeySource, *, kid: str | None, alg: str, now: Instant) -> PublicKey:
        """Return the matching key, reading the source once more when it does not know the `kid`.

        Raises:
            Refused: `credential.wrong_key`.
            Fault: `fault.identity` without current keys.
        """
        keys = await self.key_set(source, now=now)
        if not isinstance(source, InlineKeys) and not keys.named(kid):
            keys = await self.key_set(source, now=now, missed=True)
        return keys.verify_choice(kid, alg)

    async def key_set(self, source: KeySource, *, now: Instant, missed: bool = False) -> KeySet:
        """Return the current keys of a source.

        Raises:
            Fault: `fault.identity`.
        """
        if isinstance(source, InlineKeys):
            return self._own(source.jwks)
        shelf = self._shelf(source)
        if shelf.due(now, missed=missed) and (missed or not (shelf.lock.locked() and shelf.usable(now))):
            async with shelf.lock:  # one read at a time; the next caller finds it done and not due
                if shelf.due(now, missed=missed):
                    await self._read(shelf, source, now, missed=missed)
        if shelf.keys is None or not shelf.usable(now):
            raise Fault(
                Code.FAULT_IDENTITY,
                f"no current keys from {_place(source)}: {shelf.failure.removeprefix(f'{_place(source)}: ')}",
                retry_after_s=RETRY_MS // 1000,
            )
        return shelf.keys

    def _own(self, jwks: Mapping[str, Json]) -> KeySet:
        """Return a registration's own keys, parsed once per object, which is kept so that its id stays unique."""
        known = self._inline.get(id(jwks))
        if known is not None and known[0] is jwks:
            return known[1]
        try:
            keys = verify_jwks(jwks)
        except Refused as refused:
            raise Fault(Code.FAULT_IDENTITY, refused.detail) from None
        self._inline[id(jwks)] = (jwks, keys)
        if len(self._inline) > MAX_INLINE:
            self._inline.popitem(last=False)
        return keys

    def _shelf(self, source: RemoteSource) -> _CachedKeySet:
        shelf = self._shelves.setdefault(source, _CachedKeySet())
        self._shelves.move_to_end(source)
        if len(self._shelves) > MAX_SOURCES:
            self._shelves.popitem(last=False)
        return shelf

    async def _read(self, shelf: _CachedKeySet, source: RemoteSource, now: Instant, *, missed: bool) -> None:
        """Read a source; after a failure the old keys stay until an hour after they were read."""
        if missed:
            shelf.missed_at = now
        try:
            shelf.keys = _parsed(source, await self._document(source))
        except (Fault, Refused) as failed:
            shelf.failed_at, shelf.failure = now, failed.detail
        else:
            shelf.read_at, shelf.failed_at = now, _LONG_AGO

    async def _document(self, source: RemoteSource) -> bytes:
        if isinstance(source, KeyUrl | SpiffeBundleUrl):
            return await self._fetcher.fetch(source.url)
        try:
            async with asyncio.timeout(TIMEOUT_S):
                return await asyncio.to_thread(_file, source.path)
        except (OSError, TimeoutError, ValueError) as failed:
            raise Fault(Code.FAULT_IDENTITY, f"{source.path}: {type(failed).__name__}") from failed


def _place(source: RemoteSource) -> str:
    """Return the address of a source, as registered."""
    return source.url if isinstance(source, KeyUrl | SpiffeBundleUrl) else source.path


def _parsed(source: RemoteSource, document: bytes) -> KeySet:
    value = decode_json(document, max_bytes=MAX_DOCUMENT)
    return verify_bundle(value) if isinstance(source, SpiffeBundleFile | SpiffeBundleUrl) else verify_jwks(value)


def _file(path: str) -> bytes:
    with Path(path).open("rb") as stream:
        return stream.read(MAX_DOCUMENT + 1)


def _apart(now: Instant, earlier: Instant) -> bool:
    return not -_CLOCK_STEP_MS < now - earlier < RETRY_MS
