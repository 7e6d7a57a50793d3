"""Messages about incidents to a receiver of the settings: signed POSTs, or lines of a file."""

import asyncio
import errno
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from remit.adapters.identity.fetching import Fetcher, verify_url
from remit.adapters.notify.webhook import signature
from remit.domain.errors import Fault, Refused
from remit.domain.incidents.records import DeliveryRecord, Severity
from remit.domain.structs import struct
from remit.domain.values import Json
from remit.ports.notify import DeliveryFailed, DeliveryObstacle
from remit.ports.world import World
from remit.proof.canonical import canonical

_TAKEN: Final = range(200, 300)
_NEVER: Final = frozenset({400, 413, 422})
_MODE: Final = 0o640

Body = Callable[[DeliveryRecord], Json]


@struct(frozen=True, kw_only=True)
class IncidentWebhook:
    """Receiver of signed POSTs (port `IncidentReceiver`). Each of several secrets signs, so that one can be changed."""

    name: str
    names_customers: bool
    least: Severity
    url: str
    body: Body
    secrets: Sequence[bytes]
    fetcher: Fetcher
    world: World

    async def send(self, delivery: DeliveryRecord) -> None:
        """Post one message. ⚔ No redirects, no proxy of the environment, addresses by the rules of every fetch.

        Source: Standard Webhooks 1.0.0 (webhook-id, webhook-timestamp, webhook-signature: v1, HMAC-SHA256).
        """
        raw = canonical(self.body(delivery))
        headers = {"Content-Type": "application/json", "User-Agent": "remit", **self._signed(delivery.id, raw)}
        try:
            status, _ = await self.fetcher.send("POST", self.url, headers=headers, content=raw)
        except Fault as failed:
            # ⚔ The address may itself be a secret, as a chat's are: the reason is told without it.
            raise DeliveryFailed(DeliveryObstacle.CARRIER, failed.detail.replace(self.url, "it")) from None
        if status not in _TAKEN:
            obstacle = DeliveryObstacle.NEVER if status in _NEVER else DeliveryObstacle.LETTER
            raise DeliveryFailed(obstacle, f"it answered {status}")

    def _signed(self, message_id: str, raw: bytes) -> dict[str, str]:
        """Sign with the time of this try. ⚔ A receiver refuses old ones, so that a copy cannot be replayed later."""
        at_s = self.world.now() // 1000
        signatures = [signature(one, letter_id=message_id, timestamp_s=at_s, body=raw) for one in self.secrets]
        stamped = {"webhook-id": message_id, "webhook-timestamp": str(at_s)}
        return {**stamped, "webhook-signature": " ".join(signatures)} if signatures else stamped

    async def probe(self) -> str:
        """Verify the address and resolve its name; nothing is sent: each request would be a message."""
        try:
            host = verify_url(
                self.url, allow_loopback=self.fetcher.allow_loopback, allow_private=self.fetcher.allow_private
            ).host
            await asyncio.get_running_loop().getaddrinfo(host, None)
        except Refused as refused:
            raise DeliveryFailed(DeliveryObstacle.CARRIER, refused.detail) from None
        except OSError as broken:
            raise DeliveryFailed(
                DeliveryObstacle.CARRIER, f"its name has no address: {type(broken).__name__}"
            ) from None
        return f"{urlsplit(self.url).hostname} has an address"


@struct(frozen=True, kw_only=True)
class IncidentFile:
    """Receiver of lines of JSON in a file that a collector reads (port `IncidentReceiver`)."""

    name: str
    names_customers: bool
    least: Severity
    path: Path
    body: Body

    async def send(self, delivery: DeliveryRecord) -> None:
        """Append one line, on disk before it counts as taken. ⚔ A link in the file's place is not followed."""
        line = canonical(self.body(delivery)) + b"\n"
        try:
            await asyncio.to_thread(self._append, line)
        except OSError as broken:
            raise DeliveryFailed(DeliveryObstacle.CARRIER, f"the file takes no line: {type(broken).__name__}") from None

    def _append(self, line: bytes) -> None:
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, _MODE)
        try:
            if os.write(handle, line) < len(line):
                raise OSError(errno.ENOSPC, "a part of a line was written")
            os.fsync(handle)
        finally:
            os.close(handle)

    async def probe(self) -> str:
        """Verify that its folder can be written."""
        if not await asyncio.to_thread(os.access, self.path.parent, os.W_OK):
            raise DeliveryFailed(DeliveryObstacle.CARRIER, f"{self.path.parent} cannot be written")
        return f"{self.path} can be written"
