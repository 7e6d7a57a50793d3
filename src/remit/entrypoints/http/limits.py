"""Rate limits of one process: per proved agent, per session, per unproved address, and for all unproved together.

Kept in memory, so that a refusal costs nothing and writes nothing; refusals are logged in one line a minute.
"""

import ipaddress
import logging
from collections import Counter, OrderedDict
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from remit.domain.errors import Refused
from remit.domain.policy.rate_limit import RateLimit, TokenBucket, tokens_left, verify_not_exhausted
from remit.entrypoints.http.wire import Scope, header_values
from remit.ports.world import World

_LOG: Final = logging.getLogger("remit.limits")
_KEPT: Final = 10_000
_TELL_S: Final = 60.0
_NET_V6: Final = 64
_HOST_V6: Final = 128 - _NET_V6
_MAX_LENGTH: Final = 64
_ALL: Final = ""


class _Buckets:
    """The buckets of one kind. The least recently used is evicted first: eviction only refills its owner's bucket."""

    def __init__(self, rate: RateLimit) -> None:
        self._rate = rate
        self._known: OrderedDict[str, TokenBucket] = OrderedDict()

    def verify(self, key: str, now_s: float) -> float:
        """Verify that a caller has a request left.

        Raises:
            Refused: `request.rate_limited`.
        """
        return verify_not_exhausted(tokens_left(self._known.get(key), self._rate, now_s), self._rate)

    def take(self, key: str, now_s: float) -> None:
        """Count a request of a caller, whether or not one was left."""
        left = tokens_left(self._known.get(key), self._rate, now_s)
        self._known[key] = TokenBucket(max(0.0, left - 1.0), now_s)
        self._known.move_to_end(key)
        if len(self._known) > _KEPT:
            self._known.popitem(last=False)


class Limits:
    """The limits of one process.

    `numbers` are the settings of `[limits]`; `peer_header` names the header in which the desk's own proxy gives the
    caller's address ("" without one). With `outside`, calls from this machine come through a proxy; without that header
    its callers cannot be told apart, so only their sum is limited. `world` gives the seconds.
    """

    def __init__(self, numbers: Mapping[str, int], *, peer_header: str, outside: bool, world: World) -> None:
        self._clients = _Buckets(RateLimit(per_s=numbers["client_per_s"], burst=numbers["client_burst"]))
        self._peers = _Buckets(RateLimit(per_s=numbers["peer_per_s"], burst=numbers["peer_burst"]))
        self._sessions = _Buckets(RateLimit(per_s=numbers["peer_per_s"], burst=numbers["peer_burst"]))
        self._unproved = _Buckets(RateLimit(per_s=numbers["unproved_per_s"], burst=numbers["unproved_burst"]))
        self._header = peer_header.lower().encode("latin-1")
        self._outside = outside
        self._world = world
        self.refused: Counter[str] = Counter()
        """Refusals since the start of this process: of proved agents, of sessions, of unproved requests."""
        self._untold = 0
        self._told_s = -_TELL_S

    def verify_client(self, client_id: str) -> None:
        """Count a request of a proved agent.

        Raises:
            Refused: `request.rate_limited`.
        """
        self._count("client", self._clients, client_id)

    def verify_session(self, cookie: str) -> None:
        """Count a request of a signed-in session.

        ⚔ People's acts are recorded for good. Not per person: the thief of one session would keep its owner from ending
        it.

        Raises:
            Refused: `request.rate_limited`.
        """
        self._count("session", self._sessions, cookie)

    def verify_peer(self, scope: Scope) -> None:
        """Verify that an unproved address may try; nothing is counted.

        ⚔ Proving costs a signature and a read of the store: repeated failures are stopped before that.

        Raises:
            Refused: `request.rate_limited`.
        """
        now_s = self._world.ticks()
        try:
            peer = self._peer(scope)
            if peer:
                self._peers.verify(peer, now_s)
            self._unproved.verify(_ALL, now_s)
        except Refused:
            self._tell("unproved", now_s)
            raise

    def count_unproved(self, scope: Scope) -> None:
        """Count an unproved request, at its address and in the sum of all."""
        now_s = self._world.ticks()
        peer = self._peer(scope)
        if peer:
            self._peers.take(peer, now_s)
        self._unproved.take(_ALL, now_s)

    def _count(self, limit: str, buckets: _Buckets, key: str) -> None:
        now_s = self._world.ticks()
        try:
            buckets.verify(key, now_s)
        except Refused:
            self._tell(limit, now_s)
            raise
        buckets.take(key, now_s)

    def _peer(self, scope: Scope) -> str:
        """Return the caller's address ("" for a proxy that gives none); the network for IPv6, which one machine owns.

        ⚔ Only the last word of such a header comes from the nearest proxy; the first comes from the caller.
        """
        addresses = header_values(scope, self._header) if self._header else ()
        address = addresses[-1].rpartition(",")[2].strip() if addresses else str((scope.get("client") or ("",))[0])
        peer, here = (_known_place if len(address) <= _MAX_LENGTH else _place)(address)
        return "" if self._outside and not addresses and here else peer

    def _tell(self, limit: str, now_s: float) -> None:
        self.refused[limit] += 1
        self._untold += 1
        if now_s - self._told_s >= _TELL_S:
            _LOG.warning("%d requests were refused as too many", self._untold, extra={"event": "requests.limited"})
            self._untold, self._told_s = 0, now_s


def _place(address: str) -> tuple[str, bool]:
    """Return the key for counting an address, and whether it is this machine."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address[:_MAX_LENGTH], False
    if isinstance(known, ipaddress.IPv4Address):
        return str(known), known.is_loopback
    name = known.ipv4_mapped or ipaddress.IPv6Network((int(known) >> _HOST_V6 << _HOST_V6, _NET_V6))
    return str(name), known.is_loopback


_known_place: Final = lru_cache(maxsize=4096)(_place)
"""Cached, because callers come back."""
