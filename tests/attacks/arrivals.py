"""Agents that arrive by another proof than a client assertion, driven by our own client over a transport that dresses its requests."""

from collections.abc import Callable, Mapping
from typing import Any

import httpx

from attacks.arena import Arena
from contracts.certificate_minting import Certified
from contracts.identity_minting import mint
from contracts.message_signing import MessageKey, Signing
from remit.client.agent import Agent
from remit.client.keys import new_key
from remit.client.transport import Retries
from remit.sandbox import SandboxAgent
from remit.sandbox.backend import Room
from remit.sandbox.workloads import REDIRECT

FRONT = {"mtls": {"proxies": ["127.0.0.1"]}}
CI = "https://ci.example"
BUILD = "repo:helper/shop:environment:live"

Dress = Callable[[httpx.Request], None]


class Named:
    """A client that names itself in the form and proves itself elsewhere."""

    def __init__(self, client_id: str, **more: str) -> None:
        self._form = {"client_id": client_id, **more}

    def client_id(self, **_: Any) -> str:
        return self._form["client_id"]

    def credentials(self, **_: Any) -> dict[str, str]:
        return dict(self._form)


class Federated(Named):
    """A workload of a CI service that brings the service's token."""

    def __init__(self, client_id: str, **claims: Any) -> None:
        super().__init__(client_id)
        self.claims = claims
        self.header: dict[str, Any] = {"alg": "ES256", "kid": "ci", "typ": "JWT"}
        self.key = "ci"

    def credentials(self, *, issuer: str = "", now_s: float = 0, **_: Any) -> dict[str, str]:
        claims = {"iss": CI, "sub": BUILD, "aud": issuer, "iat": int(now_s), "exp": int(now_s) + 300, **self.claims}
        token = mint(self.header, {name: value for name, value in claims.items() if value is not None}, name=self.key)
        kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        return {**self._form, "client_assertion_type": kind, "client_assertion": token}


class Dressed(httpx.AsyncBaseTransport):
    """A transport that changes each request before it leaves."""

    def __init__(self, inner: httpx.AsyncBaseTransport, dress: Dress) -> None:
        self.inner, self.dress = inner, dress

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.dress(request)
        return await self.inner.handle_async_request(request)


class ArrivingAgent(SandboxAgent):
    """A registered agent with a way of its own to prove itself."""

    def __init__(
        self,
        room: Room,
        client_id: str,
        *,
        method: str,
        keys: Mapping[str, Any],
        identity: Named,
        dress: Dress,
        key: Any = None,
        operator: str = "helper.example",
        register: bool = True,
    ) -> None:
        self._room, self.client_id, self.operator, self.tier = room, client_id, operator, "known"
        if register:
            body = {
                "client_id": client_id,
                "operator": operator,
                "keys": dict(keys),
                "method": method,
                "name": "Shop helper",
                "redirect_uris": [REDIRECT],
            }
            room.control("POST", "/sandbox/v1/agents", body)
        self.identity = identity  # type: ignore[assignment]  # another kind of identity
        self.key = key or new_key()
        self.client = Agent(
            desk=room.issuer,
            identity=identity,
            key=self.key,
            transport=Dressed(room.transport, lambda request: self.dress(request)),  # noqa: PLW0108  # a test may change it
            retries=Retries(attempts=1),
        )
        self.dress = dress
        self._verifiers: dict[str, str] = {}


def presenting(*chain: Certified) -> Dress:
    """Write a certificate into the headers, as the desk's TLS front does."""

    def dress(request: httpx.Request) -> None:
        request.headers["client-cert"] = chain[0].field
        if chain[1:]:
            request.headers["client-cert-chain"] = ", ".join(one.field for one in chain[1:])

    return dress


def signing(how: Signing) -> Dress:
    """Sign each request, in place of the DPoP proof."""

    def dress(request: httpx.Request) -> None:
        request.headers.pop("dpop", None)
        if "authorization" in request.headers or request.method == "POST" or "client-id" in request.headers:
            given = {name.lower(): value for name, value in request.headers.items()}
            request.headers.update(how.headers(request.method, str(request.url), given, request.content))

    return dress


def signing_agent(arena: Arena, how: Signing, *more: MessageKey, client_id: str = "signer", **changed: Any) -> ArrivingAgent:
    """An agent that signs each request; it has `more` keys."""
    return ArrivingAgent(
        arena.room,
        client_id,
        method="http_message_signature",
        keys={"jwks": {"keys": [{**one.public, "kid": one.name} for one in (how.key, *more)]}},
        identity=Named(client_id),
        dress=signing(how),
        key=how.key.pem,
        **changed,
    )
