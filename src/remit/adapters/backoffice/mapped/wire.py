"""The exchanges with a mapped system: two accounts, one breaker, every act sent once."""

import hashlib
from collections.abc import Mapping

from remit.adapters.backoffice.breaker import ACT_S, READ_S, CircuitBreaker
from remit.adapters.backoffice.mapped.requests import Request
from remit.adapters.http.connection import HttpAnswer, HttpConnections
from remit.adapters.http.faults import ExchangeFault, Problem
from remit.ports.world import World


class Wire:
    """Requests with the header of the account that reads, or of the one that acts."""

    def __init__(
        self, connections: HttpConnections, world: World, *, reading: Mapping[str, str], acting: Mapping[str, str]
    ) -> None:
        """`reading` and `acting` are the headers that carry the two tokens."""
        self._connections = connections
        self._reading = reading
        self._acting = acting
        self._breaker = CircuitBreaker(world.ticks)

    async def read(self, path: str, *, as_actor: bool = False) -> HttpAnswer:
        """Ask by GET with the account that reads, or with the one that acts for a key that only it can see.

        Raises:
            Fault: `fault.backoffice`.
        """
        request = Request(method="GET", path=path, headers={}, body=b"")
        return await self._send(request, self._acting if as_actor else self._reading, timeout_s=READ_S, once=False)

    async def act(self, request: Request, *, mark: str = "") -> HttpAnswer:
        """Send one act, once, with the account that acts; with a `mark`, by the token of that mark alone.

        Raises:
            Fault: `fault.backoffice`; nothing was sent if its problem is `unreached`.
        """
        account = dict(self._acting)
        if mark and _mark_of(account) != mark:
            raise ExchangeFault(Problem.UNREACHED, "the token that acts was replaced meanwhile")
        return await self._send(request, account, timeout_s=ACT_S, once=True)

    def acting_mark(self) -> str:
        """Return a mark of the token that acts: another one after it was replaced."""
        return _mark_of(self._acting)

    def verify_closed(self) -> None:
        """Let an act through to be entered and sent, or refuse it.

        Raises:
            Fault: `fault.backoffice`; nothing was sent.
        """
        self._breaker.verify_closed()

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()

    async def _send(self, request: Request, account: Mapping[str, str], *, timeout_s: float, once: bool) -> HttpAnswer:
        if not once:
            self._breaker.verify_closed()
        return await self._breaker.watch(
            self._connections.send(
                request.method,
                request.path,
                headers={**request.headers, **account},
                body=request.body,
                timeout_s=timeout_s,
                once=once,
            )
        )


def _mark_of(account: Mapping[str, str]) -> str:
    return hashlib.sha256(repr(sorted(account.items())).encode()).hexdigest()[:16]
