"""Counts of routine refusals at people's routes, and of events that are none: anyone can cause them, so many become one entry."""

from collections import Counter
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.values import Instant
from remit.ports.world import World

PERIOD_S: Final = 600.0
"""Seconds of counting, from the first refusal on, before one entry."""
_COUNTED: Final = frozenset({
    *(Code.CONFIRMATION_REPLAYED, Code.CONFIRMATION_WRONG_PERSON, Code.CREDENTIAL_MALFORMED, Code.CREDENTIAL_REPLAYED),
    *(Code.CREDENTIAL_WRONG_AUDIENCE, Code.CREDENTIAL_WRONG_KEY),
    *(Code.LOGIN_INVALID, Code.PERSON_NOT_ALLOWED, Code.REQUEST_UNSUPPORTED_TYPE),
})  # fmt: skip
"""Counted codes: cross-site pages, wrong roles, foreign confirmations, bad or reused signatures; not sign-outs."""


class NoiseCounter:
    """The counts of one process."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._since = Instant(0)
        self._began_s = 0.0

    def note(self, refused: Refused, world: World) -> None:
        """Count a refusal, if it is noise."""
        if refused.code not in _COUNTED:
            return
        if not self._counts:
            self._since, self._began_s = world.now(), world.ticks()
        self._counts[refused.code.value] += 1

    def due(self, world: World) -> tuple[Counter[str], Instant]:
        """Return and reset the counts and their start, once the period is over."""
        if not self._counts or world.ticks() - self._began_s < PERIOD_S:
            return Counter(), self._since
        counts, self._counts = self._counts, Counter()
        return counts, self._since

    def again(self, counts: Counter[str], since: Instant) -> None:
        """Restore counts that could not be recorded; their period stays over."""
        self._counts += counts
        self._since = since
        self._began_s = -PERIOD_S
