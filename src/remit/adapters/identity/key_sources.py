"""Current keys of files and addresses, without a background task: each use reads again when due."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol, TypeAlias

from remit.adapters.identity.directories import MEDIA_TYPE, directory_address, verify_directory
from remit.adapters.identity.fetching import MAX_DOCUMENT, TIMEOUT_S, Fetcher, keys_address
from remit.adapters.identity.key_sets import KeySet, verify_bundle, verify_jwks
from remit.adapters.identity.keys import PublicKey
from remit.domain.errors import Code, Fault, Refused
from remit.domain.structs import replace
from remit.domain.values import Instant, Json, decode_json
from remit.ports.identity import (
    FederatedIssuer,
    InlineKeys,
    KeyFile,
    KeySource,
    KeyUrl,
    SignatureDirectory,
    SpiffeBundle,
    SpiffeBundleFile,
    SpiffeBundleUrl,
    SpiffeWorkloadApi,
)

MAX_AGE_MS: Final = 3_600_000
RETRY_MS: Final = 10_000
MAX_SOURCES: Final = 4096
MAX_INLINE: Final = 512

_CLOCK_STEP_MS: Final = 60_000
_LONG_AGO: Final = Instant(-(2**53))

_DISCOVERY: Final = "/.well-known/openid-configuration"

RemoteSource: TypeAlias = KeyFile | KeyUrl | SpiffeBundle | FederatedIssuer | SignatureDirectory


class WorkloadBundles(Protocol):
    """Bundles of a Workload API."""

    def key_set(self, trust_domain: str) -> KeySet:
        """Return the bundle of one trust domain; may block for seconds.

        Raises:
            Fault: `fault.identity`.
        """
        ...


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

    def __init__(self, fetcher: Fetcher, bundles: WorkloadBundles | None = None) -> None:
        """`bundles` are those of the desk's own Workload API, None without one."""
        self._fetcher = fetcher
        self._bundles = bundles
        self._shelves: OrderedDict[RemoteSource, _CachedKeySet] = OrderedDict()
        self._inline: OrderedDict[int, tuple[Mapping[str, Json], KeySet]] = OrderedDict()

    async def verify_key(self, source: KeySource, *, kid: str | None, alg: str, now: Instant) -> PublicKey:
        """Return the matching key, reading the source once more when it does not know the `kid`.

        Raises:
            Refused: `credential.wrong_key`.
            Fault: `fault.identity` without current keys.
        """
        if isinstance(source, InlineKeys):
            return self._own(source.jwks).verify_choice(kid, alg)
        keys = await self.key_set(source, now=now)
        if not keys.named(kid):
            keys = await self.key_set(source, now=now, missed=True)
        return keys.verify_choice(kid, alg)

    async def verify_signer(self, source: KeySource, *, thumbprint: str, now: Instant) -> PublicKey:
        """Return the key with this thumbprint, reading the source once more when it does not know it.

        Raises:
            Refused: `credential.wrong_key`.
            Fault: `fault.identity` without current keys.
        """
        found = (await self.key_set(source, now=now)).signer(thumbprint)
        if found is None and not isinstance(source, InlineKeys):
            found = (await self.key_set(source, now=now, missed=True)).signer(thumbprint)
        if found is None:
            raise Refused(
                Code.CREDENTIAL_WRONG_KEY,
                "no key with this thumbprint",
                public="'keyid' must be the RFC 7638 thumbprint of a key that this agent is known by.",
            )
        return found

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
            shelf.keys = await self._load(source, now)
        except (Fault, Refused) as failed:
            shelf.failed_at, shelf.failure = now, failed.detail
        else:
            shelf.read_at, shelf.failed_at = now, _LONG_AGO

    async def _load(self, source: RemoteSource, now: Instant) -> KeySet:
        match source:
            case KeyUrl() | KeyFile():
                return _jwks(await self._document(source))
            case SpiffeBundleUrl() | SpiffeBundleFile():
                return verify_bundle(decode_json(await self._document(source), max_bytes=MAX_DOCUMENT))
            case SpiffeWorkloadApi(trust_domain=domain):
                return await self._workload_bundle(domain)
            case FederatedIssuer():
                return await self._issuer_keys(source)
            case SignatureDirectory(origin=origin):
                fetched = await self._fetcher.ask("GET", directory_address(origin), headers={"Accept": MEDIA_TYPE})
                return verify_directory(origin, fetched, now=now)

    async def _document(self, source: KeyUrl | KeyFile | SpiffeBundleUrl | SpiffeBundleFile) -> bytes:
        if isinstance(source, KeyUrl | SpiffeBundleUrl):
            return await self._fetcher.fetch(source.url)
        return await _file(source.path)

    async def _workload_bundle(self, trust_domain: str) -> KeySet:
        if self._bundles is None:
            raise Fault(Code.FAULT_IDENTITY, "there is no Workload API; set spiffe.workload_api")
        try:
            async with asyncio.timeout(2 * TIMEOUT_S):
                return await asyncio.to_thread(self._bundles.key_set, trust_domain)
        except TimeoutError:
            raise Fault(Code.FAULT_IDENTITY, "the Workload API does not answer") from None

    async def _issuer_keys(self, source: FederatedIssuer) -> KeySet:
        """Read an issuer's keys, by its discovery document unless they are in a file."""
        if source.jwks_file:
            return _jwks(await _file(source.jwks_file))
        fetcher = replace(self._fetcher, allow_private=source.private)
        where = f"{source.issuer.removesuffix('/')}{_DISCOVERY}"
        return _jwks(await fetcher.fetch(await keys_address(fetcher, where, issuer=source.issuer)))


def _place(source: RemoteSource) -> str:
    """Return the address of a source, as registered."""
    match source:
        case KeyUrl(url=place) | SpiffeBundleUrl(url=place) | KeyFile(path=place) | SpiffeBundleFile(path=place):
            return place
        case SpiffeWorkloadApi(trust_domain=domain):
            return f"the Workload API for {domain}"
        case FederatedIssuer(issuer=place) | SignatureDirectory(origin=place):
            return place


def _jwks(document: bytes) -> KeySet:
    return verify_jwks(decode_json(document, max_bytes=MAX_DOCUMENT))


async def _file(path: str) -> bytes:
    try:
        async with asyncio.timeout(TIMEOUT_S):
            return await asyncio.to_thread(_read_file, path)
    except (OSError, TimeoutError, ValueError) as failed:
        raise Fault(Code.FAULT_IDENTITY, f"{path}: {type(failed).__name__}") from failed


def _read_file(path: str) -> bytes:
    with Path(path).open("rb") as stream:
        return stream.read(MAX_DOCUMENT + 1)


def _apart(now: Instant, earlier: Instant) -> bool:
    return not -_CLOCK_STEP_MS < now - earlier < RETRY_MS
