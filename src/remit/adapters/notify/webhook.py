"""Notices to a sender of other messages (SMS, push), as signed POSTs in the form of Standard Webhooks."""

import asyncio
import base64
import hashlib
import hmac
import ssl
from collections.abc import Mapping, Sequence
from typing import Final

import httpx

from remit.domain.values import Instant, Json, instant_text
from remit.ports.notify import DeliveryFailed, DeliveryObstacle, Letter
from remit.ports.world import World
from remit.proof.canonical import canonical

TYPE: Final = "remit.notice"
_TAKEN: Final = range(200, 300)
_NEVER: Final = frozenset({400, 413, 422})
_BUSY: Final = frozenset({408, 425, 429})
_BROKEN: Final = 500
_TLS_PORT: Final = 443
_PLAIN_PORT: Final = 80


def signature(secret: bytes, *, letter_id: str, timestamp_s: int, body: bytes) -> str:
    """Return the `webhook-signature` for one secret.

    Source: Standard Webhooks 1.0.0 (HMAC-SHA256 over `id.timestamp.payload`).
    """
    signed = b"%s.%d.%s" % (letter_id.encode("ascii"), timestamp_s, body)
    return f"v1,{base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()}"


class SignedPost:
    """Signed POSTs to one address. Each of several secrets signs, so that a receiver can rotate them."""

    def __init__(
        self, url: str, *, secrets: Sequence[bytes], tls: ssl.SSLContext, timeout_s: float, world: World
    ) -> None:
        """`timeout_s` bounds each try."""
        self._url = httpx.URL(url)
        self._secrets = tuple(secrets)
        self._tls = tls
        self._timeout_s = timeout_s
        self._world = world

    async def send(self, post_id: str, body: bytes) -> None:
        """Post one body. ⚔ No redirects, no proxy of the environment, and only the status of the answer is read.

        Raises:
            DeliveryFailed: it was not accepted, as far as is known.
        """
        headers = self._signed(post_id, body)
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                httpx.AsyncClient(
                    verify=self._tls, trust_env=False, follow_redirects=False, timeout=self._timeout_s
                ) as client,
                client.stream("POST", self._url, content=body, headers=headers) as response,
            ):
                status = response.status_code
        except TimeoutError:
            raise DeliveryFailed(DeliveryObstacle.CARRIER, "the webhook does not answer in time") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as broken:
            raise DeliveryFailed(
                DeliveryObstacle.CARRIER, f"the webhook cannot be reached: {type(broken).__name__}"
            ) from None
        if status not in _TAKEN:
            raise DeliveryFailed(_holdup(status), f"the webhook answered {status}")

    async def probe(self) -> str:
        """Connect and verify the certificate. No request is sent: each would be a notice.

        Raises:
            DeliveryFailed: it cannot be reached.
        """
        tls = self._tls if self._url.scheme == "https" else None
        port = self._url.port or (_TLS_PORT if tls else _PLAIN_PORT)
        try:
            async with asyncio.timeout(self._timeout_s):
                _, writer = await asyncio.open_connection(self._url.host, port, ssl=tls)
                writer.transport.abort()
        except (OSError, TimeoutError, ValueError) as broken:
            raise DeliveryFailed(
                DeliveryObstacle.CARRIER, f"{self._url.host}:{port} cannot be reached: {type(broken).__name__}"
            ) from None
        return f"{self._url.host}:{port} can be reached" + (" over TLS" if tls else "")

    def _signed(self, letter_id: str, body: bytes) -> dict[str, str]:
        """Sign with the time of this try. ⚔ A receiver refuses old ones, so that a copy cannot be replayed later."""
        at_s = self._world.now() // 1000
        return {
            "content-type": "application/json",
            "user-agent": "remit",
            "webhook-id": letter_id,
            "webhook-timestamp": str(at_s),
            "webhook-signature": " ".join(
                signature(secret, letter_id=letter_id, timestamp_s=at_s, body=body) for secret in self._secrets
            ),
        }


class WebhookCarrier:
    """Carrier that posts notices to one address."""

    name = "webhook"
    needs_address = False

    def __init__(
        self, url: str, *, secrets: Sequence[bytes], desk: str, tls: ssl.SSLContext, timeout_s: float, world: World
    ) -> None:
        """`desk` is the desk's own address, by which a receiver tells desks apart."""
        self._post = SignedPost(url, secrets=secrets, tls=tls, timeout_s=timeout_s, world=world)
        self._desk = desk

    async def carry(self, letter: Letter) -> None:
        """Post one letter."""
        data: dict[str, Json] = {
            "id": letter.id,
            "desk": self._desk,
            "person": letter.person,
            "address": letter.address,
            "subject": letter.subject,
            "text": letter.text,
            "page": letter.page,
        }
        await self._post.send(letter.id, encode_event(TYPE, letter.at, data))

    async def probe(self) -> str:
        """Connect and verify the certificate."""
        return await self._post.probe()


def encode_event(kind: str, at: Instant, data: Mapping[str, Json]) -> bytes:
    """Encode a webhook's body: type, time and data."""
    return canonical({"type": kind, "timestamp": instant_text(at), "data": data})


def _holdup(status: int) -> DeliveryObstacle:
    """Classify a status. Redirects, missing keys or pages are the receiver's mistake: the letter waits."""
    if status in _NEVER:
        return DeliveryObstacle.NEVER
    return DeliveryObstacle.CARRIER if status >= _BROKEN or status in _BUSY else DeliveryObstacle.LETTER
