"""A transmitter's stream management, as its receiver asks it; used by the command line."""

from collections.abc import Mapping
from typing import Final

from remit.adapters.events.verifier import discovery_url
from remit.adapters.identity.fetching import MAX_DOCUMENT, Fetcher, json_object
from remit.domain.errors import Code, Fault, Refused
from remit.domain.events.parties import Transmitter
from remit.domain.events.records import Delivery
from remit.domain.structs import struct
from remit.domain.values import Json, JsonObject, decode_json
from remit.proof.canonical import canonical

STATUSES: Final = {"enable": "enabled", "pause": "paused", "disable": "disabled"}
ACTIONS: Final = ("create", "show", "update", "replace", "verify", *STATUSES, "delete")
_DONE: Final = range(200, 300)


@struct(frozen=True, kw_only=True)
class TransmitterApi:
    """The management doors of one transmitter; `wanted` is the receiver's part of the stream."""

    transmitter: Transmitter
    fetcher: Fetcher
    header: str
    wanted: JsonObject

    async def run(self, action: str, *, state: str) -> JsonObject:
        """Carry out one action and return the answer; `state` is the one of a verification.

        Raises:
            Refused: `request.not_found` without a stream, or where the transmitter offers no such door.
            Fault: `fault.identity` with its answer.

        Source: SSF 1.0 §7, §8.1.
        """
        doors = await self._doors()
        streams = _door(doors, "configuration_endpoint")
        if action == "create":
            return await self._asked("POST", streams, self.wanted)
        stream = await self._stream(streams)
        named: JsonObject = {"stream_id": stream["stream_id"]}
        query = f"?stream_id={stream['stream_id']}"
        if action == "show":
            status = await self._asked("GET", f"{_door(doors, 'status_endpoint')}{query}")
            return {**stream, "status": status.get("status")}
        if action == "delete":
            return await self._asked("DELETE", f"{streams}{query}")
        if action == "verify":
            return await self._asked("POST", _door(doors, "verification_endpoint"), {**named, "state": state})
        if action in STATUSES:
            return await self._asked("POST", _door(doors, "status_endpoint"), {**named, "status": STATUSES[action]})
        return await self._asked("PUT" if action == "replace" else "PATCH", streams, {**named, **self.wanted})

    async def _doors(self) -> JsonObject:
        """Read the transmitter's metadata. ⚔ Metadata of another issuer would take our token elsewhere."""
        url = discovery_url(self.transmitter.issuer)
        found = json_object(await self.fetcher.fetch(url), url)
        if found.get("issuer") != self.transmitter.issuer:
            raise Fault(Code.FAULT_IDENTITY, f"{url}: it is of another issuer")
        return found

    async def _stream(self, streams: str) -> JsonObject:
        """Find the stream: the one for this audience and delivery, or the only one."""
        status, body = await self.fetcher.send("GET", streams, headers={"Authorization": self.header})
        if status not in _DONE:
            raise Fault(Code.FAULT_IDENTITY, f"{streams}: status {status}")
        listed = decode_json(body, max_bytes=MAX_DOCUMENT)
        several = listed if isinstance(listed, list) else [listed]
        found = [one for one in several if isinstance(one, Mapping) and isinstance(one.get("stream_id"), str)]
        if not found:
            raise Refused(
                Code.REQUEST_NOT_FOUND,
                f"{self.transmitter.name} has no stream for this desk",
                cure="`remit events create NAME` makes one.",
            )
        return next((one for one in found if _audience(one) == self.transmitter.audience), found[0])

    async def _asked(self, method: str, url: str, body: JsonObject | None = None) -> JsonObject:
        headers = {"Authorization": self.header, "Content-Type": "application/json"}
        content = b"" if body is None else canonical(body)
        status, answer = await self.fetcher.send(method, url, headers=headers, content=content)
        if status not in _DONE:
            said = answer[:200].decode("utf-8", errors="replace")
            raise Fault(Code.FAULT_IDENTITY, f"{method} {url}: status {status} {said}".strip())
        return json_object(answer, url) if answer else {}


def wanted_stream(transmitter: Transmitter, *, issuer: str, push_token: str, types: tuple[str, ...]) -> JsonObject:
    """Build the receiver's part of a stream: pushed to this desk with its token, or polled."""
    delivery: dict[str, Json] = {"method": Delivery.POLL.value}
    if not transmitter.poll_url:
        delivery = {
            "method": Delivery.PUSH.value,
            "endpoint_url": f"{issuer}/ssf/v1/events",
            "authorization_header": f"Bearer {push_token}",
        }
    return {"events_requested": list(types), "delivery": delivery, "description": f"Remit at {issuer}"}


def _audience(stream: JsonObject) -> Json:
    named = stream.get("aud")
    return named[0] if isinstance(named, list) and len(named) == 1 else named


def _door(doors: JsonObject, name: str) -> str:
    url = doors.get(name)
    if not isinstance(url, str):
        raise Refused(Code.REQUEST_NOT_FOUND, f"the transmitter has no {name}")
    return url
