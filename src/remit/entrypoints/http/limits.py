"""Limits of one process: requests per proved agent, per session, per unproved address and of all unproved together;
bytes of bodies, unproved and in flight, per address and in all.

Kept in memory, so that a refusal costs nothing and writes nothing; refusals are logged in one line a minute.
"""

import ipaddress
import logging
from collections import Counter, OrderedDict
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.policy.rate_limit import RateLimit, TokenBucket, tokens_left, verify_not_exhausted
from remit.entrypoints.http.bodies import CALLER_PROVED
from remit.entrypoints.http.wire import Scope, header_values
from remit.ports.world import World

_LOG: Final = logging.getLogger("remit.limits")
_KEPT: Final = 10_000
_TELL_S: Final = 60.0
_NET_V6: Final = 64
_HOST_V6: Final = 128 - _NET_V6
_MAX_LENGTH: Final = 64
_ALL: Final = ""
_HELD: Final = "remit.held"
"""The address of a request, and the bytes of its body that are in flight."""
_REGISTRATIONS: Final = 10
_REGISTRATIONS_PER_S: Final = 1 / 60
_MOST_TIMES: Final = 20
"""Registrations of all addresses together, as a multiple of one's."""


class _Buckets:
    """The buckets of one kind. The least recently used is evicted first: eviction only refills its owner's bucket.

    `debt` is how far beyond its end a bucket is charged: what is known only afterwards is paid off before the next.
    """

    def __init__(self, rate: RateLimit, *, debt: int = 0) -> None:
        self._rate = rate
        self._burst = float(rate.burst)
        self._least = -float(debt)
        self._known: OrderedDict[str, TokenBucket] = OrderedDict()

    def verify(self, key: str, now_s: float) -> float:
        """Verify that a caller has a request left, and return how many; most addresses are not counted yet.

        Raises:
            Refused: `request.rate_limited`.
        """
        known = self._known.get(key)
        if known is None and self._burst >= 1:
            return self._burst
        return verify_not_exhausted(tokens_left(known, self._rate, now_s), self._rate)

    def take(self, key: str, now_s: float, count: int = 1, left: float | None = None) -> None:
        """Count a caller's request, or its bytes, whether or not as many were left; `left` is what `verify` returned."""
        if left is None:
            left = tokens_left(self._known.get(key), self._rate, now_s)
        self._known[key] = TokenBucket(max(self._least, left - count), now_s)
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
        self._callers = _Buckets(RateLimit(per_s=numbers["caller_per_s"], burst=numbers["caller_burst"]))
        self._sessions = _Buckets(RateLimit(per_s=numbers["peer_per_s"], burst=numbers["peer_burst"]))
        self._unproved = _Buckets(RateLimit(per_s=numbers["unproved_per_s"], burst=numbers["unproved_burst"]))
        self._peer_bytes = _bytes(numbers["peer_bytes_per_s"], numbers["peer_bytes_burst"])
        self._unproved_bytes = _bytes(numbers["unproved_bytes_per_s"], numbers["unproved_bytes_burst"])
        self._registrations = _Buckets(RateLimit(per_s=_REGISTRATIONS_PER_S, burst=_REGISTRATIONS))
        self._all_registrations = _Buckets(
            RateLimit(per_s=_MOST_TIMES * _REGISTRATIONS_PER_S, burst=_MOST_TIMES * _REGISTRATIONS)
        )
        self._most_held = numbers["in_flight_bytes"]
        self._most_held_of_peer = numbers["peer_in_flight_bytes"]
        self._held = 0
        self._held_of: dict[str, int] = {}
        self._header = peer_header.lower().encode("latin-1")
        self._outside = outside
        self._world = world
        self.refused: Counter[str] = Counter()
        """Refusals since the start of this process: of proved agents, sessions, unproved requests, bodies, connections."""
        self._untold = 0
        self._told_s = -_TELL_S

    def verify_client(self, client_id: str) -> None:
        """Count a request of a proved agent.

        Raises:
            Refused: `request.rate_limited`.
        """
        self._count("client", self._clients, client_id)

    def verify_caller(self, name: str) -> None:
        """Count a request of a proved caller of the decision point.

        Raises:
            Refused: `request.rate_limited`.
        """
        self._count("caller", self._callers, name)

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
            self.note_refused("unproved")
            raise

    def count_unproved(self, scope: Scope) -> None:
        """Count an unproved request, at its address and in the sum of all."""
        now_s = self._world.ticks()
        peer = self._peer(scope)
        if peer:
            self._peers.take(peer, now_s)
        self._unproved.take(_ALL, now_s)

    def count_registration(self, scope: Scope) -> None:
        """Count a client that registers itself, at its address and in the sum of all: each one is stored.

        Raises:
            Refused: `request.rate_limited`.
        """
        peer = self._peer(scope)
        if peer:
            self._count("registrations", self._registrations, peer)
        self._count("registrations", self._all_registrations, _ALL)

    def hold_body(self, scope: Scope, size: int) -> None:
        """Count bytes of a body until the request is answered; ⚔ the first ones of an unproved body need room.

        Raises:
            Refused: `request.rate_limited`.
        """
        held: tuple[str, int] | None = scope.get(_HELD)
        try:
            if held is None:
                held = scope[_HELD] = self._peer(scope), 0
                if CALLER_PROVED not in scope:
                    self._verify_bytes(held[0])
            peer, before = held
            if self._held + size > self._most_held:
                raise _too_much("too many bodies are being read")
            of_peer = self._held_of.get(peer, 0) + size
            if peer and of_peer > self._most_held_of_peer:
                raise _too_much("too many bodies of this address are being read")
        except Refused:
            self.note_refused("bodies")
            raise
        scope[_HELD] = peer, before + size
        self._held += size
        self._held_of[peer] = of_peer

    def release_body(self, scope: Scope) -> None:
        """Forget the body of an answered request; an unproved one is charged to its address, and to the sum of all."""
        held: tuple[str, int] | None = scope.pop(_HELD, None)
        if held is None:
            return
        peer, size = held
        self._held -= size
        rest = self._held_of.pop(peer, 0) - size
        if rest:
            self._held_of[peer] = rest
        if CALLER_PROVED not in scope:
            now_s = self._world.ticks()
            if peer:
                self._peer_bytes.take(peer, now_s, size)
            self._unproved_bytes.take(_ALL, now_s, size)

    def _verify_bytes(self, peer: str) -> None:
        now_s = self._world.ticks()
        if peer:
            self._peer_bytes.verify(peer, now_s)
        self._unproved_bytes.verify(_ALL, now_s)

    def connection_peer(self, address: str) -> str:
        """Return the address whose connections are counted together; "" for a proxy of the desk's own."""
        peer, here = (_known_place if len(address) <= _MAX_LENGTH else _place)(address)
        return "" if self._header or (self._outside and here) else peer

    def _count(self, limit: str, buckets: _Buckets, key: str) -> None:
        now_s = self._world.ticks()
        try:
            left = buckets.verify(key, now_s)
        except Refused:
            self.note_refused(limit)
            raise
        buckets.take(key, now_s, left=left)

    def _peer(self, scope: Scope) -> str:
        """Return the caller's address ("" for a proxy that gives none); the network for IPv6, which one machine owns.

        ⚔ Only the last word of such a header comes from the nearest proxy; the first comes from the caller.
        """
        addresses = header_values(scope, self._header) if self._header else ()
        address = addresses[-1].rpartition(",")[2].strip() if addresses else str((scope.get("client") or ("",))[0])
        peer, here = (_known_place if len(address) <= _MAX_LENGTH else _place)(address)
        return "" if self._outside and not addresses and here else peer

    def note_refused(self, limit: str) -> None:
        """Count a refusal, and log their number once a minute."""
        now_s = self._world.ticks()
        self.refused[limit] += 1
        self._untold += 1
        if now_s - self._told_s >= _TELL_S:
            _LOG.warning("%d requests were refused as too many", self._untold, extra={"event": "requests.limited"})
            self._untold, self._told_s = 0, now_s


def _bytes(per_s: int, burst: int) -> _Buckets:
    """Return buckets of bytes, which may be overdrawn once by what came in at the same time."""
    return _Buckets(RateLimit(per_s=per_s, burst=burst), debt=burst)


def _too_much(detail: str) -> Refused:
    public = "Too many bodies are being read right now."
    return Refused(Code.REQUEST_RATE_LIMITED, detail, public=public, retry_after_s=1)


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
