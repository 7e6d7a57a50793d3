"""Events fetched from transmitters that do not push, by one node at a time.

Source: RFC 8936 §2.
"""

import logging
from collections.abc import Mapping
from typing import Final

from remit.domain.errors import Code, Fault, Refused
from remit.domain.events.parties import Transmitter
from remit.domain.events.security_event import SetRefused
from remit.domain.values import Json, JsonObject, decode_json
from remit.engine.context import DeskContext
from remit.engine.events.parties import signals_of
from remit.ports.store import Commit, Replayed, ReplayMark
from remit.proof.canonical import canonical
from remit.usecases.events.receive import receive_event

_LOG: Final = logging.getLogger("remit.events")
_MOST: Final = 15
"""Events asked for at once: as many as fit into the longest answer that is read."""
_ROUNDS: Final = 10
"""Answers read in a row from a transmitter that says there is more."""
_OK: Final = 200
_MAX_JTI: Final = 256


async def poll_transmitters(desk: DeskContext) -> int:
    """Fetch from every transmitter that is due; return the number of events taken.

    Raises:
        Fault: `fault.store`.
    """
    taken = 0
    for transmitter in signals_of(desk.signals).transmitters.values():
        if not transmitter.poll_url or not await _is_mine(desk, transmitter):
            continue
        try:
            taken += await _fetch(desk, transmitter)
        except Fault as fault:
            if fault.code is Code.FAULT_STORE:
                raise
            _LOG.warning("%s gives no events: %s", transmitter.name, fault.detail, extra={"event": "event.unfetched"})
    return taken


async def _is_mine(desk: DeskContext, transmitter: Transmitter) -> bool:
    """Return whether this node fetches in this period: the first one to mark it does."""
    period_ms = transmitter.poll_s * 1000
    number = desk.world.now() // period_ms
    mark = ReplayMark(f"event poll {transmitter.name} {number}", (number + 2) * period_ms)
    try:
        await desk.store.commit(Commit(marks=(mark,)))
    except Replayed:
        return False
    return True


async def _fetch(desk: DeskContext, transmitter: Transmitter) -> int:
    """Fetch, take and acknowledge; each round acknowledges the events of the one before.

    ⚔ A refused token is told to its transmitter and gone there: it must not hold up the good ones behind it.
    """
    taken: list[Json] = []
    refused: dict[str, Json] = {}
    count = 0
    for _ in range(_ROUNDS):
        sets, more = await _asked(desk, transmitter, taken, refused, most=_MOST)
        taken, refused = [], {}
        for jti, token in sets.items():
            try:
                await receive_event(desk, transmitter, token)
            except SetRefused as wrong:
                refused[jti] = {"err": wrong.err, "description": wrong.description}
            else:
                taken.append(jti)
        count += len(taken)
        if not more or not sets:
            break
    if taken or refused:
        await _asked(desk, transmitter, taken, refused, most=0)
    return count


async def _asked(
    desk: DeskContext, transmitter: Transmitter, taken: list[Json], refused: Mapping[str, Json], *, most: int
) -> tuple[Mapping[str, str], bool]:
    body: JsonObject = {"maxEvents": most, "returnImmediately": True, "ack": taken, "setErrs": refused}
    reply = await signals_of(desk.signals).posts.post(
        transmitter.poll_url,
        private_network=transmitter.private_network,
        media_type="application/json",
        header=transmitter.poll_header,
        content=canonical(body),
    )
    if reply.status != _OK:
        raise Fault(Code.FAULT_IDENTITY, f"{transmitter.poll_url}: status {reply.status}")
    return _sets(reply.body, transmitter.poll_url, most=most)


def _sets(body: bytes, url: str, *, most: int) -> tuple[Mapping[str, str], bool]:
    """Read an answer. ⚔ No more events than asked for, and nothing but texts."""
    try:
        value = decode_json(body, max_bytes=len(body), max_members=1000)
    except Refused as refused:
        raise Fault(Code.FAULT_IDENTITY, f"{url}: {refused.detail}") from None
    sets = value.get("sets", {}) if isinstance(value, Mapping) else None
    if not isinstance(value, Mapping) or not isinstance(sets, Mapping) or len(sets) > most:
        raise Fault(Code.FAULT_IDENTITY, f"{url}: no answer to a poll")
    found = {jti: token for jti, token in sets.items() if isinstance(token, str) and len(jti) <= _MAX_JTI}
    return found, value.get("moreAvailable") is True
