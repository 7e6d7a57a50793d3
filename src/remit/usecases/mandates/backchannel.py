"""Mandate requests without a browser (CIBA): started for a returning customer, answered on the consent page, polled.

The request is the same record as one pushed by PAR, the page and its JSON twin are the same: there is no second
approval. The agent names a customer; nothing it says is authority.
"""

import asyncio
import contextlib
import re
from collections.abc import Mapping
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.i18n import marked
from remit.domain.identity.oauth_refused import OAuthRefused
from remit.domain.ids import new_id
from remit.domain.mandate.model import Mandate
from remit.domain.mandate.parse import wire_mandate
from remit.domain.policy.confirmers import verify_invitation_allowed
from remit.domain.records import ConfirmationRecord, MandateRecord, PersonRecord, PushedRequest, RequestState
from remit.domain.secrets.find import find_secrets
from remit.domain.structs import struct
from remit.domain.values import Instant, Json, instant_text
from remit.domain.words.summary import check_summary
from remit.engine.agents.authenticate import Caller
from remit.engine.agents.registration import opened_risk_events
from remit.engine.ask.authorization_state import rules_precondition
from remit.engine.confirm.invite import TURN, decline_scopes, declines_in, fatigue_limits
from remit.engine.context import DeskContext
from remit.engine.notices import notice_addresses, notices_for
from remit.engine.transcript.record import code_hash
from remit.ports.store import (
    Commit,
    Conflict,
    LimitReached,
    Precondition,
    Put,
    RecordMissing,
    Replayed,
    ReplayMark,
    Reserve,
)
from remit.proof.canonical import b64url, canonical
from remit.usecases.mandates.grant import URN, RedeemedCode, invalid_grant, read_requested, redeem_granted

INTERVAL_S: Final = 5
"""Time between two polls: more are `slow_down`."""
_TRIES: Final = 5
_ACQUAINTED: Final = 50
_PAGE: Final = 50
_GRID_S: Final = 0.05
_MAX_BINDING: Final = 64
_LINKED: Final = re.compile(r"\S[.@]\S|://")
_SUBJECT: Final = marked("An agent asks for your permission")
_TEXT: Final = marked(
    "An agent that acted for you before asks to act for you again. To see the request, sign in and "
    "open your page. If you don't answer in time, the request is declined."
)


@struct(frozen=True, kw_only=True)
class BackchannelRequest:
    """Members of a decoded backchannel request beside its mandate; `ping_token` is "" where the agent polls."""

    binding: str
    jkt: str
    expires_in_s: int | None
    ping_token: str


@struct(frozen=True, kw_only=True)
class StartedRequest:
    """A request that waits for its customer, and the id its agent asks after it with."""

    auth_req_id: str
    expires_in_s: int


async def request_by_hint(
    desk: DeskContext, caller: Caller, hint: str, details: Json, wanted: BackchannelRequest
) -> StartedRequest:
    """Start a request for the customer that a `login_hint` names: their id here (`sub`), or their address.

    `details` are the request's authorization_details.

    Raises:
        OAuthRefused: `unknown_user_id`, `invalid_binding_message`.
        Refused: `mandate.invalid`, `confirmation.too_many`, `credential.replayed`.

    Source: OpenID CIBA Core 1.0 §7.1, §13; docs/model/wire.md#agents-way.
    """
    mandate = read_requested(desk, details, desk.world.now())  # ⚔ before anybody is looked up: it tells of nobody
    verify_binding(desk, wanted.binding)
    customer = await _acquainted(desk, caller.agent.record.operator, hint)
    return await start_request(desk, caller, customer, mandate, wanted)


async def start_request(
    desk: DeskContext, caller: Caller, customer: PersonRecord, mandate: Mandate, wanted: BackchannelRequest
) -> StartedRequest:
    """Store a request of a mandate for one customer, and tell them. Its binding message is verified already.

    Raises:
        Refused: `confirmation.too_many`, `credential.replayed`, `task.busy`.
    """
    wire = canonical(wire_mandate(mandate)).decode()
    for _ in range(_TRIES):
        rules = await rules_precondition(desk)
        now = desk.world.now()
        request = await _request(desk, caller, customer, wire, wanted, now)
        turn = await _verify_room_to_ask(desk, request)
        notices = notices_for(desk, customer, notice_addresses(desk, customer), subject=_SUBJECT, text=_TEXT)
        agent = caller.agent.record
        try:
            await desk.store.commit(
                Commit(
                    puts=(Put(request, 0), *notices.puts),
                    marks=caller.marks,
                    reserves=(turn,),
                    steps=opened_risk_events("mandate", agent=agent.id, operator=agent.operator, at=now),
                    preconditions=(rules, Precondition("agent", agent.id, caller.agent.rev)),
                )
            )
        except Replayed as stands:
            raise caller.replayed(stands) from None
        except (Conflict, LimitReached):
            continue
        await notices.log_unsent(desk)
        desk.notify.wake(f"person:{customer.id}")
        return StartedRequest(
            auth_req_id=auth_req_id(desk, request.id), expires_in_s=(request.expires_at - now) // 1000
        )
    raise Refused(Code.TASK_BUSY, "the agent or the customer's requests kept changing", retry_after_s=1)


async def redeem_backchannel(desk: DeskContext, caller: Caller, auth_req: str) -> RedeemedCode:
    """Exchange an answered request for its grant, once, by the workload and key that started it.

    Raises:
        OAuthRefused: `authorization_pending`, `slow_down`, `expired_token`, `access_denied`.
        Refused: `grant.invalid` for every mismatch alike; `mandate.*` for a grant no longer good.

    Source: OpenID CIBA Core 1.0 §10.1, §11.
    """
    for _ in range(_TRIES):
        found = await desk.store.find(PushedRequest, "request.code", code_hash(desk, auth_req), limit=1)
        if not found or not found[0].record.addressed:
            raise invalid_grant("no such request, or it was redeemed")
        kept, request, now = found[0], found[0].record, desk.world.now()
        if (request.client_id, request.actor, request.jkt) != (caller.agent.record.id, caller.actor, caller.jkt):
            raise invalid_grant("another workload's request")
        match request.phase:
            case _ if now >= request.expires_at:
                raise OAuthRefused("expired_token", Code.CONFIRMATION_EXPIRED, "the request has expired")
            case RequestState.PUSHED:
                await _poll(desk, caller, request, now)
            case RequestState.GRANTED:
                try:
                    return await redeem_granted(desk, caller, kept, now)
                except Conflict:
                    continue
            case RequestState.DECLINED:
                raise OAuthRefused("access_denied", Code.CONFIRMATION_DECLINED, "the customer said no")
            case _:
                raise invalid_grant("the request was redeemed")
    raise Refused(Code.TASK_BUSY, "the request kept changing", retry_after_s=1)


async def pending_requests(desk: DeskContext, person: PersonRecord) -> list[Mapping[str, Json]]:
    """List the requests that agents addressed to a customer, oldest first; their content is on the consent page."""
    now = desk.world.now()
    found = await desk.store.find(PushedRequest, "request.customer", person.id, limit=_PAGE)
    return [
        {
            "request": kept.record.id,
            "agent": kept.record.client_id,
            "operator": kept.record.operator,
            "binding_message": kept.record.binding,
            "expires_at": instant_text(kept.record.expires_at),
            "page": f"/oauth/authorize?request_uri={URN}{kept.record.id}",
        }
        for kept in found
        if now < kept.record.expires_at
    ]


def auth_req_id(desk: DeskContext, request_id: str) -> str:
    """Return the id an agent asks after its request with: a keyed digest, so that it need not be stored.

    ⚔ The request's own id stands in the customer's address bar; this one does not follow from it.
    """
    return b64url(desk.signer.keyed("auth_req_id", request_id.encode()))


def verify_binding(desk: DeskContext, binding: str) -> None:
    """Verify the message that lets a customer tell which of their agents knocks: a short code or name, no more.

    ⚔ It stands on the customer's page: no orders, no links, no secret, nothing in the desk's name.

    Raises:
        OAuthRefused: `invalid_binding_message`.

    Source: OpenID CIBA Core 1.0 §7.1, §13; docs/model/model.md#summary.
    """
    if not binding:
        return
    fits = len(binding) <= _MAX_BINDING and binding.isprintable() and _LINKED.search(binding) is None
    if (
        fits
        and not any(True for _ in find_secrets(binding))
        and check_summary(binding, desk.lexicon, desk=desk.catalogue.desk).passes
    ):
        return
    raise OAuthRefused(
        "invalid_binding_message",
        Code.REQUEST_MALFORMED,
        "the binding message cannot be shown",
        public=f"binding_message is a short code or name of at most {_MAX_BINDING} characters, without an order or a link.",
    )


async def _request(
    desk: DeskContext, caller: Caller, customer: PersonRecord, wire: str, wanted: BackchannelRequest, now: Instant
) -> PushedRequest:
    agent = caller.agent.record
    request_id = new_id("req", desk.world.random(16))
    life_s = min(wanted.expires_in_s or desk.terms.request_ttl_s, desk.terms.request_ttl_s)
    expires_at = Instant(now + life_s * 1000)
    sealed = await desk.vault.seal(customer.id, wanted.ping_token.encode()) if wanted.ping_token else b""
    return PushedRequest(
        id=request_id,
        client_id=agent.id,
        actor=caller.actor,
        operator=agent.operator,
        jkt=wanted.jkt,
        wire=wire,
        redirect_uri="",
        state="",
        code_challenge="",
        phase=RequestState.PUSHED,
        created_at=now,
        expires_at=expires_at,
        code=code_hash(desk, auth_req_id(desk, request_id)),
        code_expires_at=expires_at,
        addressed=customer.id,
        binding=wanted.binding,
        ping=agent.notification_uri if wanted.ping_token else "",
        ping_token=b64url(sealed),
    )


async def _acquainted(desk: DeskContext, operator: str, hint: str) -> PersonRecord:
    """Return the customer of a hint, where this operator holds something of theirs that they did not take back.

    ⚔ An unknown customer and one who never granted this operator answer alike: after the same reads, at the same tick.

    Raises:
        OAuthRefused: `unknown_user_id`.
        Fault: `fault.store`.
    """
    began_s = desk.world.ticks()
    people = await _named(desk, hint)
    mandates = await desk.store.find(
        MandateRecord, "mandate.customer", people[0].id if people else hint, newest=True, limit=_ACQUAINTED
    )
    granted = any(
        one.record.operator == operator and not one.record.parent and one.record.state != "revoked" for one in mandates
    )
    if len(people) == 1 and granted:
        return people[0]
    spent_s = desk.world.ticks() - began_s
    await asyncio.sleep(_GRID_S - spent_s % _GRID_S)
    raise OAuthRefused(
        "unknown_user_id",
        Code.MANDATE_UNKNOWN,
        "no customer by that hint who granted this operator anything",
        public="No customer with this hint has an active grant for your operator.",
        public_cure="Ask the customer for the first mandate in their browser (POST /oauth/par).",
    )


async def _named(desk: DeskContext, hint: str) -> list[PersonRecord]:
    """Return the customers that a hint may mean. ⚔ An address of several means none of them."""
    found = {
        one.record.id: one.record for one in await desk.store.find(PersonRecord, "person.email", hint.lower(), limit=2)
    }
    with contextlib.suppress(RecordMissing):
        found = {hint: (await desk.store.get(PersonRecord, hint)).record}
    return [one for one in found.values() if one.kind == "customer"]


async def _verify_room_to_ask(desk: DeskContext, request: PushedRequest) -> Reserve:
    """Verify that the customer may be asked once more for this operator; return the turn to take.

    Raises:
        Refused: `confirmation.too_many`.

    Source: docs/model/model.md#anti-fatigue.
    """
    customer, operator = request.addressed, request.operator
    (scope,) = decline_scopes(customer, (operator,))
    limit = desk.terms.waiting_per_pair + 1
    counters = await desk.store.counters(scope)
    confirmations = await desk.store.find(
        ConfirmationRecord, "confirmation.pair", f"{customer} {operator}", limit=limit
    )
    requests = await desk.store.find(PushedRequest, "request.customer", customer, limit=_PAGE)
    now = desk.world.now()
    open_ones = [one for one in requests if one.record.operator == operator and now < one.record.expires_at]
    verify_invitation_allowed(
        waiting=len(confirmations) + len(open_ones),
        declines=declines_in(counters),
        now=now,
        settings=fatigue_limits(desk),
    )
    return Reserve(scope, TURN, 1, counters.get(TURN, 0) + 1)


async def _poll(desk: DeskContext, caller: Caller, request: PushedRequest, now: Instant) -> None:
    """Answer a poll of a request that still waits.

    ⚔ A poll is a mark of its moment and never writes the request: an agent that polls could otherwise keep the
    customer's answer from being recorded.

    Raises:
        OAuthRefused: always.
        Refused: `credential.replayed`.
    """
    await spend_poll(desk, caller, f"poll {request.id}", request.created_at, now)
    raise OAuthRefused("authorization_pending", Code.CONFIRMATION_REQUIRED, "the customer has not answered yet")


async def spend_poll(desk: DeskContext, caller: Caller, name: str, since: Instant, now: Instant) -> None:
    """Record a poll of something that waits `since` a moment: one in each interval.

    Raises:
        OAuthRefused: `slow_down`.
        Refused: `credential.replayed`.

    Source: OpenID CIBA Core 1.0 §11; RFC 8628 §3.5.
    """
    turn = (now - since) // (INTERVAL_S * 1000)
    mark = ReplayMark(f"{name} {turn}", since + (turn + 1) * INTERVAL_S * 1000)
    try:
        await desk.store.commit(Commit(marks=(*caller.marks, mark)))
    except Replayed as stands:
        if mark.key not in stands.args:
            raise caller.replayed(stands) from None
        raise OAuthRefused(
            "slow_down", Code.REQUEST_RATE_LIMITED, "polled too early", retry_after_s=INTERVAL_S
        ) from None
