"""The starting point of an agent developer: an agent at one desk and its mandates. Async; `sync` mirrors it.

Only the order of steps: `calls` builds requests, `responses` reads answers, `consent` covers the browser.
"""

import asyncio
import contextlib
import inspect
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self, TypeAlias, Unpack

import httpx

from remit.client import calls, consent, responses
from remit.client.connection import Door
from remit.client.consent import Consent, LoopbackListener
from remit.client.delegation import Introduction
from remit.client.discovery import desk_url
from remit.client.errors import Miswritten, ProtocolError, Refused, StillWaiting
from remit.client.identities import Identity, verify_identity
from remit.client.keys import KeySource, ProofKey
from remit.client.replies import AnswerView
from remit.client.requests import mandate_details
from remit.client.responses import Granted
from remit.client.task import Task
from remit.client.transport import KEPT, Clock, Retries, Sender
from remit.client.values import Json, Wish


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A sub-mandate of another agent, which opens it with `agent.mandate(branch.id)`. Ends with its parent mandate."""

    id: str
    authorization_details: tuple[Mapping[str, Json], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mandate:
    """A mandate that the customer granted.

    `authorization_details` is what they signed, which may be less than was requested; empty for a mandate known only by
    its id.
    """

    id: str
    authorization_details: tuple[Mapping[str, Json], ...] = ()
    door: Door = field(repr=False, compare=False)

    def task(self) -> Task:
        """Return a new task under this mandate: `async with mandate.task() as task`."""
        return Task(self.door, mandate=self.id)

    async def hand_on(self, introduction: Introduction, **wish: Unpack[Wish]) -> Branch:
        """Issue a sub-mandate to another agent, if the customer allowed a `chain` to its operator.

        The sub-mandate uses up the tasks, totals and uses of this mandate.

        Raises:
            Miswritten: when the wish or the introduction is malformed; nothing was sent.
            Refused: `grant.invalid` when the customer allowed no such agent, `mandate.invalid` when the sub-mandate
                would widen anything, `agent.*` and `credential.*` of the other agent, and whatever stops this mandate.
            Unavailable: when no answer came. The introduction may be spent: look at `/me`, or ask for a new one.

        Source: RFC 8693 §2.1 (actor_token); docs/model/model.md#chain.
        """
        if not isinstance(introduction, Introduction):
            raise Miswritten(
                "request.malformed",
                detail=f"an introduction is an `Introduction`, not a {type(introduction).__name__}.",
                cure="Give what the other agent's `agent.introduce()` returned; `Introduction.from_text` reads its text.",
            )
        call = calls.branch(await self.door.desk(), mandate=self.id, details=mandate_details(wish), other=introduction)
        cut = responses.read_branch(await self.door.send(call))
        return Branch(id=cut.mandate, authorization_details=cut.authorization_details)


OnUrl: TypeAlias = Callable[[str], object]
_CONSENT_S: Final = 900.0
_SLOW_DOWN_S: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class MandateRequest:
    """A pending mandate request: the customer must open `url` within `expires_in_s` seconds."""

    url: str = field(repr=False)
    expires_in_s: int


class Agent:
    """An agent at one desk: `async with Agent(desk=…, identity=…, key=…) as agent`.

    `identity` authenticates the workload. Mandates are bound to `key` (EC P-256: PEM, JWK or joserfc key). Without one
    a new key is made, and its mandates die with this process: keep one (`new_key()`) for mandates that should outlive
    it.
    """

    def __init__(
        self,
        *,
        desk: str,
        identity: Identity,
        key: KeySource | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        timeout: float = 30.0,
        retries: Retries | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Prepare the agent; nothing is sent yet. `timeout` is in seconds per answer; long polls add their own wait.

        Raises:
            Miswritten: when `desk` is not an https address (http only on loopback), or `identity` is not an identity.
            IdentityUnusable: when the key cannot be used.
        """
        url = desk_url(desk)
        verify_identity(identity)
        proof_key = ProofKey(key)
        # Redirects are never followed: a token must not travel to where an answer points.
        http = httpx.AsyncClient(transport=transport, timeout=timeout, limits=KEPT, follow_redirects=False)
        sender = Sender(
            http=http,
            desk=url,
            identity=identity,
            key=proof_key,
            clock=clock or Clock(),
            retries=retries or Retries(),
            timeout_s=timeout,
        )
        self._door = Door(sender=sender)
        self._awaited: dict[str, Consent[Mandate]] = {}
        self._redeeming: set[asyncio.Task[Mandate]] = set()
        self.desk = url
        self.key_thumbprint: str = proof_key.thumbprint

    def __repr__(self) -> str:
        return f"Agent(desk={self.desk!r}, key_thumbprint={self.key_thumbprint!r})"

    async def __aenter__(self) -> Self:
        await self._door.sender.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for redeeming in tuple(self._redeeming):
            redeeming.cancel()
        await asyncio.gather(*self._redeeming, return_exceptions=True)
        await self._door.close()
        await self._door.sender.__aexit__(kind, error, trace)

    @property
    def door(self) -> Door:
        """The connection all calls of this agent use; for tools that send calls of their own."""
        return self._door

    async def catalogue(self) -> Json:
        """Return the desk's public catalogue: actions with their schemas, objectives, attributes."""
        return (await self._door.send(calls.public(f"{self.desk}/v1/catalogue"))).json()

    def mandate(self, mandate_id: str) -> Mandate:
        """Return a mandate granted earlier to this agent and this key."""
        return Mandate(id=mandate_id, door=self._door)

    def introduce(self) -> Introduction:
        """Build the introduction that another agent needs to issue this one a sub-mandate.

        It proves this agent's identity and key, for a single use within a short time.

        Raises:
            IdentityUnusable: when the identity cannot be read or has expired.
        """
        sender = self._door.sender
        own = sender.identity.credentials(issuer=self.desk, now_s=sender.clock.now())
        return Introduction(
            client_id=own["client_id"],
            assertion_type=own["client_assertion_type"],
            assertion=own["client_assertion"],
            key_thumbprint=self.key_thumbprint,
        )

    async def look_back(self, ask_id: str, *, wait: int = 0) -> AnswerView:
        """Return the state of an earlier ask of this agent and key, even after its task has ended.

        It has decision, outcome and receipt, but no attributes. The desk holds the answer for up to `wait` seconds
        while the outcome is open.

        Raises:
            Refused: when the ask was refused or came to nothing (`task.ended`, …), or is not of this agent and key
                (`request.not_found`).
            Unavailable: when the desk cannot be reached.
            ProtocolError: when the desk answers for another ask.
        """
        call = calls.ask_afterwards(await self._door.desk(), ask_id=ask_id, wait_s=wait)
        answer = responses.read_answer(await self._door.send(call))
        if answer.ask != ask_id:
            raise ProtocolError("the desk answered for another ask")
        return AnswerView(answer)

    async def request_mandate(
        self,
        *,
        redirect_uri: str | None = None,
        on_url: OnUrl | None = None,
        timeout: float = _CONSENT_S,  # noqa: ASYNC109  # a person's time, told as StillWaiting
        **wish: Unpack[Wish],
    ) -> Mandate:
        """Ask the customer for a mandate: hand them an address and wait until they have signed.

        The address goes to `on_url`, or to standard error without one. Without `redirect_uri` a listener on this
        machine receives the answer; with one, your own server passes the redirect to `finish`. `timeout` is in seconds.

        Raises:
            Miswritten: when the wish is malformed; nothing was sent.
            Refused: when the desk or the customer said no (`mandate.invalid`, `oauth.access_denied`, …).
            StillWaiting: when the customer has not answered in time.
            ProtocolError: when the redirect is not the desk's answer to this request.
        """
        async with self._way_back(redirect_uri) as way_back:
            waiting, request = await self._push(wish, redirect_uri=way_back)
            try:
                async with asyncio.timeout(timeout):
                    await _hand_over(request.url, on_url)
                    return await waiting.granted
            except TimeoutError as error:
                raise StillWaiting("the customer has not answered the mandate request yet") from error
            finally:
                self._awaited.pop(waiting.state, None)

    async def begin(self, *, redirect_uri: str, **wish: Unpack[Wish]) -> MandateRequest:
        """Begin a mandate request without waiting: send the customer to `url`, then give the redirect to `finish`.

        Raises:
            Miswritten: when the wish is malformed; nothing was sent.
            Refused: when the desk does not take the request.
        """
        _, request = await self._push(wish, redirect_uri=redirect_uri)
        return request

    async def finish(self, redirect_url: str) -> Mandate:
        """Take the redirect that ends a mandate request; a `request_mandate` waiting for it continues, too.

        Raises:
            ProtocolError: when it answers no request of this agent, or comes from another desk.
            Refused: when the customer or the desk said no.
        """
        return await asyncio.shield(self._receive(redirect_url))

    async def request_mandate_backchannel(
        self, *, login_hint: str, binding_message: str | None = None, **wish: Unpack[Wish]
    ) -> Mandate:
        """Ask a returning customer for a mandate without a browser (CIBA), and wait for the answer.

        The customer must have granted this operator something before.

        Raises:
            Miswritten: when the wish is malformed; nothing was sent.
            Refused: when the desk or the customer said no, or the request expired (`oauth.expired_token`).
            ProtocolError: when the desk has no backchannel.

        Source: OpenID CIBA Core 1.0 §7 and §11 (poll mode).
        """
        desk = await self._door.desk()
        if desk.backchannel_endpoint is None:
            raise ProtocolError("the desk has no backchannel endpoint")
        call = calls.backchannel_request(
            desk.backchannel_endpoint,
            login_hint=login_hint,
            details=mandate_details(wish),
            binding_message=binding_message,
            jkt=self.key_thumbprint,
        )
        pending = responses.read_backchannel(await self._door.send(call))
        interval_s = pending.interval_s
        while True:
            await self._door.sender.clock.sleep(interval_s)
            try:
                answered = await self._door.send(calls.backchannel_grant(desk, auth_req_id=pending.auth_req_id))
            except Refused as refused:
                if refused.oauth_error == "slow_down":
                    interval_s += _SLOW_DOWN_S
                elif refused.oauth_error != "authorization_pending":
                    raise
            else:
                return self._mandate(responses.read_granted(answered))

    async def _push(self, wish: Wish, *, redirect_uri: str) -> tuple[Consent[Mandate], MandateRequest]:
        desk = await self._door.desk()
        client_id = self._door.sender.identity.client_id(issuer=desk.issuer, now_s=self._door.sender.clock.now())
        waiting: Consent[Mandate] = Consent(
            redirect_uri=redirect_uri, granted=asyncio.get_running_loop().create_future()
        )
        call = calls.pushed_request(
            desk,
            details=mandate_details(wish),
            redirect_uri=redirect_uri,
            state=waiting.state,
            challenge=waiting.challenge,
            jkt=self.key_thumbprint,
        )
        pushed = responses.read_pushed(await self._door.send(call))
        self._awaited[waiting.state] = waiting
        url = calls.consent_url(desk, client_id=client_id, request_uri=pushed.request_uri)
        return waiting, MandateRequest(url=url, expires_in_s=pushed.expires_in_s)

    @contextlib.asynccontextmanager
    async def _way_back(self, redirect_uri: str | None) -> AsyncIterator[str]:
        """Yield the redirect address: the developer's own, or that of a listener open while it is needed."""
        if redirect_uri is not None:
            yield redirect_uri
            return
        async with LoopbackListener(self._accept) as listener:
            yield listener.redirect_uri

    def _accept(self, redirect_url: str) -> bool:
        """Return whether a redirect at our listener was awaited; its result goes to the waiting call."""
        try:
            self._receive(redirect_url)
        except ProtocolError:
            return False
        except Refused:
            return True
        return True

    def _receive(self, redirect_url: str) -> asyncio.Task[Mandate]:
        """Check a redirect and begin to redeem its code. A state serves once."""
        members = consent.redirect_members(redirect_url)
        waiting = self._awaited.get(members.get("state", ""))
        if waiting is None:
            # A redirect with an unknown state must not end the wait of the genuine ones.
            raise ProtocolError("the redirect answers no mandate request of this agent (state)")
        del self._awaited[waiting.state]
        try:
            code = consent.verify_redirect(members, issuer=self.desk)
        except (ProtocolError, Refused) as error:
            waiting.fail(error)
            raise
        redeeming = asyncio.create_task(self._redeem(waiting, code))
        self._redeeming.add(redeeming)
        redeeming.add_done_callback(self._redeeming.discard)
        redeeming.add_done_callback(waiting.settle)
        return redeeming

    async def _redeem(self, waiting: Consent[Mandate], code: str) -> Mandate:
        desk = await self._door.desk()
        call = calls.code_grant(desk, code=code, redirect_uri=waiting.redirect_uri, verifier=waiting.verifier)
        return self._mandate(responses.read_granted(await self._door.send(call)))

    def _mandate(self, granted: Granted) -> Mandate:
        return Mandate(id=granted.mandate, authorization_details=granted.authorization_details, door=self._door)


async def _hand_over(url: str, on_url: OnUrl | None) -> None:
    if on_url is None:
        sys.stderr.write(f"Open this address to see what the agent asks for, and to grant or decline it:\n{url}\n")
        return
    given = on_url(url)
    if inspect.isawaitable(given):
        await given
