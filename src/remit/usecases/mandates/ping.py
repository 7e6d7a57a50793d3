"""Pings about answered backchannel requests: claimed by one node, sent, tried again, given up.

A ping carries no answer and no token, only the id to ask after (CIBA ping mode); an agent that misses it can poll.
"""

import logging
from typing import Final

from remit.domain.records import NEVER, PushedRequest
from remit.domain.structs import replace
from remit.domain.values import Instant
from remit.engine.context import DeskContext
from remit.ports.notify import DeliveryFailed, DeliveryObstacle
from remit.ports.store import Commit, Conflict, Put, RecordMissing, Versioned
from remit.ports.vault import ContentErased
from remit.proof.canonical import canonical, unb64url
from remit.usecases.mandates.backchannel import auth_req_id

_LOG: Final = logging.getLogger("remit.pings")
_PAGE: Final = 50
_AGAIN_MS: Final = (5_000, 30_000)
"""Time before a ping that was not taken is tried again; after that the agent has to poll."""


async def send_pings(desk: DeskContext) -> int:
    """Send due pings, and return their number.

    Raises:
        Fault: `fault.store`; due pings stay.

    Source: OpenID CIBA Core 1.0 §10.2.
    """
    done = 0
    for kept in await desk.store.find(PushedRequest, "due.ping", "", high=desk.world.now(), limit=_PAGE):
        try:
            done += await _send(desk, kept)
        except (Conflict, RecordMissing):
            continue  # another node has it, or the agent was faster
    return done


async def _send(desk: DeskContext, kept: Versioned[PushedRequest]) -> int:
    request = kept.record
    last = request.ping_tries >= len(_AGAIN_MS)
    again = NEVER if last else Instant(desk.world.now() + _AGAIN_MS[request.ping_tries])
    claimed = replace(request, ping_at=again, ping_tries=request.ping_tries + 1)
    # ⚔ Of several nodes that found it one gets past here. A crash behind it costs one try.
    await desk.store.commit(Commit(puts=(Put(claimed, kept.rev, request),)))
    try:
        bearer = (await desk.vault.unseal(request.addressed, unb64url(request.ping_token))).decode()
        body = canonical({"auth_req_id": auth_req_id(desk, request.id)})
        await desk.callbacks.post(request.ping, bearer=bearer, body=body)
    except ContentErased:
        return 0
    except DeliveryFailed as unsent:
        _LOG.warning("a ping to %s was not taken: %s", request.client_id, unsent.reason, extra={"event": "ping.failed"})
        if unsent.holdup is not DeliveryObstacle.NEVER:
            return 1
    if not last:
        await desk.store.commit(Commit(puts=(Put(replace(claimed, ping_at=NEVER), kept.rev + 1, claimed),)))
    return 1
