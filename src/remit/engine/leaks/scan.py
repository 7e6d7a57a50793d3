"""Scan of a text for this desk's credentials, reported foreign ones, and canaries."""

from collections.abc import Iterable, Mapping
from typing import Final

from remit.domain.records import CanaryRecord
from remit.domain.secrets.canaries import CanaryShape, canary_candidates
from remit.domain.secrets.issuer_credentials import IssuedCredential, IssuerRule, find_issued_credentials
from remit.domain.secrets.own_credentials import (
    MIN_LENGTH,
    OwnCredential,
    deobfuscate,
    find_own_credentials,
    is_too_short,
)
from remit.domain.structs import struct
from remit.domain.values import Instant
from remit.engine.scan_executor import LONG, ScanExecutor
from remit.ports.signer import Signer
from remit.ports.store import Store
from remit.ports.world import World
from remit.proof.canonical import b64url

_FRESH_S: Final = 5.0
"""Seconds the cached canaries stay valid; a canary planted on another node is known after that."""
MAX_CANARIES: Final = 1000
_MAX_LENGTH: Final = 16_384
_MAX_SEEN: Final = 1000


@struct(frozen=True, kw_only=True)
class LeakSource:
    """The place of a finding, and its known sender ("" otherwise).

    Places: an `ask`, an agent's `request`, an officer's `reply`, `offer`, `note` or `hand_over`, a `contest`, a
    `reason` or `result` of the desk, a helpdesk's `native_note`, or `presented` as a credential.
    """

    where: str
    agent: str = ""
    task: str = ""
    person: str = ""


@struct(frozen=True, kw_only=True)
class CanarySighting:
    """A canary first seen, by its id, among the remembered ones."""

    canary: str
    at: LeakSource
    first: Instant


@struct(frozen=True, kw_only=True)
class LeakFindings:
    """The findings of a scan."""

    traces: tuple[OwnCredential, ...] = ()
    owned: tuple[IssuedCredential, ...] = ()
    canaries: tuple[str, ...] = ()


_NOTHING: Final = LeakFindings()


class LeakScanner:
    """The scanner of one process, with canary sightings not yet recorded."""

    def __init__(
        self, *, owners: tuple[IssuerRule, ...], store: Store, signer: Signer, world: World, scan_executor: ScanExecutor
    ) -> None:
        """Set up the scanner; `owners` are the rules of the settings."""
        self.owners = owners
        self._store, self._signer, self._world, self._long_reads = store, signer, world, scan_executor
        self.canaries: Mapping[str, CanaryRecord] = {}
        """The canaries as last read, by id."""
        self._read_s: float | None = None
        self._seen: dict[tuple[str, LeakSource], Instant] = {}

    async def scan(self, text: str, at: LeakSource, *, caller: str) -> LeakFindings:
        """Scan a text, off the event loop where it is long.

        ⚔ A canary is only noted: no answer to this text waits for it, or reads it.

        Raises:
            Fault: `fault.store`; nothing is then known of the text.

        Source: docs/model/model.md#leaks, #canaries.
        """
        known = await self._canaries()
        if not known and not self.owners and (len(text) < MIN_LENGTH or is_too_short(text)):
            short = find_own_credentials((text,))
            return LeakFindings(traces=short) if short else _NOTHING
        if len(text) < LONG:
            found = self._found(text, known)
        else:
            found = await self._long_reads.read(caller, len(text), lambda: self._found(text, known))
        for canary in found.canaries:
            self._note(canary, at)
        return found

    def present(self, values: Iterable[str], at: LeakSource) -> None:
        """Note each canary among texts as they stand, by the cached canaries."""
        for canary in self._matches([value[:_MAX_LENGTH] for value in values], self.canaries) if self.canaries else ():
            self._note(canary, at)

    async def refresh_canaries(self) -> None:
        """Refresh stale canaries: `present` reads no store.

        Raises:
            Fault: `fault.store`.
        """
        await self._canaries()

    async def seeks_values(self) -> bool:
        """Return whether it looks for more than this desk's own credentials: canaries, or credentials of issuers.

        Raises:
            Fault: `fault.store`.
        """
        return bool(self.owners or await self._canaries())

    def forget(self) -> None:
        """Force a fresh read after a canary was planted or removed here."""
        self._read_s = None

    def take(self) -> tuple[CanarySighting, ...]:
        """Take the sightings so far; recording them is then the caller's."""
        seen, self._seen = self._seen, {}
        return tuple(CanarySighting(canary=canary, at=at, first=first) for (canary, at), first in seen.items())

    def again(self, seen: Iterable[CanarySighting]) -> None:
        """Return sightings that could not be recorded."""
        for one in seen:
            self._seen.setdefault((one.canary, one.at), one.first)

    def keyed(self, plain: str) -> str:
        """Return the id of a canary's stored record."""
        return b64url(self._signer.keyed("canary", plain.encode("utf-8", errors="surrogatepass"))[:16])

    async def _canaries(self) -> Mapping[str, CanaryRecord]:
        now_s = self._world.ticks()
        if self._read_s is None or now_s - self._read_s >= _FRESH_S:
            found = await self._store.find(CanaryRecord, "canary.all", "", limit=MAX_CANARIES)
            self.canaries, self._read_s = {kept.record.id: kept.record for kept in found}, now_s
        return self.canaries

    def _found(self, text: str, known: Mapping[str, CanaryRecord]) -> LeakFindings:
        seen = deobfuscate(text, whole=bool(known or self.owners))
        others = find_issued_credentials(seen, self.owners) if self.owners else ()
        return LeakFindings(
            traces=find_own_credentials(seen), owned=others, canaries=self._matches(seen, known) if known else ()
        )

    def _matches(self, seen: Iterable[str], known: Mapping[str, CanaryRecord]) -> tuple[str, ...]:
        shapes = {CanaryShape(one.atoms, one.letters) for one in known.values()}
        return tuple(dict.fromkeys(one for one in map(self.keyed, canary_candidates(seen, shapes)) if one in known))

    def _note(self, canary: str, at: LeakSource) -> None:
        if len(self._seen) < _MAX_SEEN:
            self._seen.setdefault((canary, at), self._world.now())
