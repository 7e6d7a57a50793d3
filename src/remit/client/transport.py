"""HTTP transport to the desk: retries, nonces, client authentication, and a clock that tests can replace."""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Generic, Self, TypeVar

import httpx

from remit.client.calls import Call, Side
from remit.client.errors import ProtocolError, Unavailable
from remit.client.identities import Identity
from remit.client.keys import ProofKey
from remit.client.responses import Answered, raise_problem, retry_after_s, wants_nonce


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """`now` in seconds since 1970, for signatures; `monotonic` in seconds, for lifetimes; `sleep` for pauses."""

    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


_ANSWER_BYTES: Final = 8 * 1024 * 1024
_NONCE_TRIES: Final = 2
_LONG_POLL_MARGIN_S: Final = 10
_HEADERS: Final = {
    "client_id": "Client-Id",
    "client_assertion": "Client-Assertion",
    "client_assertion_type": "Client-Assertion-Type",
}
KEPT: Final = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=2.0)
"""Idle connections close before servers drop them (commonly 5 s): a request lost that way may not be repeatable."""
_TRY_LATER: Final = frozenset({429, 503})


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """Limits of retries: attempts for a repeatable request, and the longest single pause.

    If the desk asks for a pause longer than `longest_pause_s`, the refusal is raised instead, with the pause.
    """

    attempts: int = 4
    first_pause_s: float = 0.25
    longest_pause_s: float = 30.0


@dataclass(slots=True, kw_only=True)
class Sender:
    """The connection to one desk, as one workload with one key."""

    http: httpx.AsyncClient
    desk: str
    identity: Identity
    key: ProofKey
    clock: Clock
    retries: Retries
    timeout_s: float
    _nonces: dict[Side, str] = field(default_factory=dict)

    async def __aenter__(self) -> Self:
        await self.http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.http.__aexit__(kind, error, trace)

    async def send(self, call: Call, *, token: str | None = None) -> Answered:
        """Send until there is an answer, and return it if it is a success.

        Raises:
            Refused: when the desk says no.
            Unavailable: when it is down, or could not be reached in the attempts allowed.
            ProtocolError: when the answer is not one of a desk.
        """
        for attempt in range(1, self.retries.attempts + 1):
            last = attempt == self.retries.attempts
            try:
                answered = await self._with_nonce(call, token)
            except httpx.DecodingError as error:
                raise ProtocolError("the answer cannot be decoded") from error
            except httpx.TransportError as error:
                # A lost connection does not tell whether the desk acted; only a failed connect does.
                if last or not (call.repeatable or isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)):
                    raise _unreachable(error, self.desk) from None
                await self.clock.sleep(self._backoff_s(attempt))
                continue
            if answered.is_success:
                return answered
            pause_s = retry_after_s(answered) if answered.status in _TRY_LATER else None
            if last or not call.repeatable or pause_s is None or pause_s > self.retries.longest_pause_s:
                raise_problem(answered)
            await self.clock.sleep(pause_s)
        raise ValueError("Retries.attempts is at least 1")

    async def _with_nonce(self, call: Call, token: str | None) -> Answered:
        """Send once, and again at once with the desk's nonce when it asks for one.

        Source: RFC 9449 §8.2: the newest nonce of any answer is used from then on.
        """
        answered = await self._once(call, token)
        for _ in range(_NONCE_TRIES):
            if not (call.proves and wants_nonce(answered)):
                break
            answered = await self._once(call, token)
        return answered

    async def _once(self, call: Call, token: str | None) -> Answered:
        read = self.timeout_s + (call.wait_s + _LONG_POLL_MARGIN_S if call.wait_s else 0)
        timeout = httpx.Timeout(self.timeout_s, read=read)
        form = dict(call.form) if call.form is not None else None
        if form is not None and call.authenticates:
            form |= self.identity.credentials(issuer=self.desk, now_s=self.clock.now())
        request = self.http.build_request(
            call.method, call.url, headers=self._headers(call, token), data=form, content=call.body, timeout=timeout
        )
        try:
            response = await self.http.send(request, stream=True)
        except AttributeError as lost:
            # A server that dies during connect leaves a closed socket that anyio still inspects (seen with 4.16).
            raise httpx.ReadError("the connection was lost as it was made", request=request) from lost
        try:
            body = await _whole(response)
        finally:
            await response.aclose()
        headers = {name.lower(): value for name, value in response.headers.items()}
        if call.proves and headers.get("dpop-nonce"):
            self._nonces[call.side] = headers["dpop-nonce"]
        return Answered(status=response.status_code, headers=headers, body=body)

    def _headers(self, call: Call, token: str | None) -> dict[str, str]:
        headers = {
            "Accept": "application/json, application/problem+json",
            "Accept-Encoding": "identity",
            **call.headers,
        }
        if token is not None:
            headers["Authorization"] = f"DPoP {token}"
        if call.asserts:
            own = self.identity.credentials(issuer=self.desk, now_s=self.clock.now())
            headers |= {_HEADERS[name]: value for name, value in own.items()}
            token = own.get("client_assertion")  # the proof covers the assertion as it would a token
        if call.proves:
            nonce = self._nonces.get(call.side)
            headers["DPoP"] = self.key.proof(call.method, call.url, now_s=self.clock.now(), token=token, nonce=nonce)
        return headers

    def task_headers(self, method: str, url: str, token: str) -> dict[str, str]:
        """Return the headers that prove one request of a task, for a request that another library sends."""
        proof = self.key.proof(method, url, now_s=self.clock.now(), token=token, nonce=self._nonces.get(Side.RESOURCE))
        return {"Authorization": f"DPoP {token}", "DPoP": proof}

    def keep_nonce(self, nonce: str) -> None:
        """Keep the newest nonce of an answer that another library received."""
        self._nonces[Side.RESOURCE] = nonce

    def _backoff_s(self, attempt: int) -> float:
        """Return the pause: doubled each time, with jitter so that agents do not return in step."""
        spread = 1 + secrets.randbelow(1000) / 1000
        return min(self.retries.first_pause_s * float(2 ** (attempt - 1)) * spread, self.retries.longest_pause_s)


def _unreachable(error: httpx.TransportError, desk: str) -> Unavailable:
    never = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
    what = f"nothing can be reached at {desk}" if never else f"no answer came from {desk}"
    cure = f"{'Check the address. ' if never else ''}Try again later; repeat an ask with the same idempotency key."
    title = "The desk cannot be reached"
    return Unavailable("desk.unavailable", title=title, detail=f"{what} ({type(error).__name__}).", cure=cure)


async def _whole(response: httpx.Response) -> bytes:
    """Read the body up to a limit: a desk, or an impostor, must not fill our memory."""
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > _ANSWER_BYTES:
            raise ProtocolError("the answer is larger than 8 MiB")
        parts.append(part)
    return b"".join(parts)


T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Runs a coroutine once for all concurrent callers; a failure reaches all of them, and only them."""

    __slots__ = ("_flight",)

    def __init__(self) -> None:
        self._flight: asyncio.Task[T] | None = None

    async def run(self, work: Callable[[], Coroutine[None, None, T]]) -> T:
        """Join the running call, or start one. A cancelled caller leaves; the call goes on for the others."""
        if self._flight is None:
            self._flight = asyncio.create_task(work())
            self._flight.add_done_callback(self._land)
        return await asyncio.shield(self._flight)

    async def stop(self) -> None:
        """Cancel the running call, and wait until it has ended."""
        flight = self._flight
        if flight is not None:
            flight.cancel()
            await asyncio.wait([flight])

    def _land(self, flight: asyncio.Task[T]) -> None:
        self._flight = None
        if not flight.cancelled():
            # Retrieve the error even if every caller has left, so that asyncio does not report it as forgotten.
            flight.exception()
