"""Redemption of an ID-JAG: the company's provider identifies the customer; the customer's own mandate decides.

⚔ It is never authority by itself: it finds a mandate that stands, or asks the customer as the backchannel does.
Source: draft-ietf-oauth-identity-assertion-authz-grant; docs/decisions/0056-what-an-id-jag-stands-for.md.
"""

from collections.abc import Mapping

from remit.domain.errors import Code, Refused
from remit.domain.identity.id_jag import IdJag
from remit.domain.identity.oidc_login import login_id, text_claim
from remit.domain.mandate.model import Mandate
from remit.domain.mandate.narrow import verify_narrows
from remit.domain.mandate.parse import read_mandate, wire_mandate
from remit.domain.records import MandateRecord, PersonRecord, PushedRequest
from remit.domain.structs import replace, struct
from remit.domain.values import Instant, Json, decode_json
from remit.engine.agents.authenticate import Caller
from remit.engine.ask.authorization_state import mandate_of
from remit.engine.context import DeskContext
from remit.engine.mandates.issuable import verify_issuable
from remit.ports.store import Commit, Conflict, Precondition, RecordMissing, Replayed, ReplayMark, Versioned
from remit.usecases.mandates.backchannel import BackchannelRequest, StartedRequest, auth_req_id, start_request
from remit.usecases.mandates.grant import RedeemedCode, invalid_grant, read_requested

_MANY = 50


@struct(frozen=True)
class _Wanted:
    """A mandate that is asked for; `open_end` where the wish names no end, and any standing end will do."""

    mandate: Mandate
    open_end: bool

    def until(self, ends: Instant) -> Mandate:
        """Return the wish as it compares with something that ends then."""
        return replace(self.mandate, expires_at=min(self.mandate.expires_at, ends)) if self.open_end else self.mandate


async def redeem_id_jag(
    desk: DeskContext, caller: Caller, unverified: str, details: Json
) -> RedeemedCode | StartedRequest:
    """Redeem an ID-JAG, once: for a mandate that this customer granted, or else by a request that waits for them.

    `details` are the request's own authorization_details, None without; they may only narrow those in the grant.

    Raises:
        Refused: `grant.invalid` for every grant that is not this caller's, alike; `mandate.*`, `confirmation.too_many`,
            `credential.replayed`.
        Fault: `fault.identity`, `fault.store`.
    """
    if desk.provider is None or desk.logins is None or not desk.logins.id_jag:
        raise invalid_grant("no provider's grants are taken")
    grant = await desk.provider.verify_id_jag(
        unverified,
        audience=desk.terms.issuer,
        client_id=caller.agent.record.id,
        actor=caller.actor,
        jkt=caller.jkt,
        now=desk.world.now(),
    )
    await _use_once(desk, grant)
    person = await _person(desk, grant)
    wanted = _wanted(desk, grant, details)
    standing = await _standing(desk, caller, person, wanted)
    if standing is not None:
        return await _issue(desk, caller, standing)
    if wanted is None:
        raise Refused(
            Code.GRANT_INVALID,
            "no mandate stands, and none is asked for",
            public="This customer has no active grant for you; their identity alone grants nothing.",
            public_cure="Send authorization_details with the grant; the customer then decides on their own page.",
        )
    return await _ask(desk, caller, person, wanted)


async def _use_once(desk: DeskContext, grant: IdJag) -> None:
    """⚔ A grant that was seen before, by any node, brings nothing."""
    mark = ReplayMark(f"id-jag {login_id(grant.issuer, grant.jti)}", grant.until)
    try:
        await desk.store.commit(Commit(marks=(mark,)))
    except Replayed:
        raise invalid_grant("the ID-JAG was used before") from None


async def _person(desk: DeskContext, grant: IdJag) -> PersonRecord:
    """Return the customer of the login, or of the claim that the settings map to customers."""
    login = login_id(grant.issuer, grant.subject)
    for kept in await desk.store.find(PersonRecord, "person.login", login, limit=_MANY):
        if kept.record.kind == "customer":
            return kept.record
    named = text_claim(grant.claims, "" if desk.logins is None else desk.logins.customer_claim)
    try:
        person = (await desk.store.get(PersonRecord, named)).record
    except RecordMissing:
        raise invalid_grant("the ID-JAG names no customer of this desk") from None
    if person.kind != "customer" or person.login not in {"", login}:
        raise invalid_grant("the ID-JAG names an account of another login")
    return person


def _wanted(desk: DeskContext, grant: IdJag, details: Json) -> _Wanted | None:
    """Return the mandate that is asked for. ⚔ A request goes no further than the grant."""
    now = desk.world.now()
    most = None if grant.details is None else _Wanted(read_requested(desk, grant.details, now), _open(grant.details))
    if details is None:
        return most
    wanted = _Wanted(read_requested(desk, details, now), _open(details))
    if most is not None:
        verify_narrows(wanted.until(most.mandate.expires_at), most.mandate)
    return wanted


def _open(details: Json) -> bool:
    return isinstance(details, list | tuple) and not any(
        isinstance(one, Mapping) and "expires_at" in one for one in details
    )


async def _standing(
    desk: DeskContext, caller: Caller, person: PersonRecord, wanted: _Wanted | None
) -> Versioned[MandateRecord] | None:
    """Return the newest mandate this customer granted this workload and key, if it covers the wish."""
    found = await desk.store.find(MandateRecord, "mandate.live_agent", caller.agent.record.id, newest=True, limit=_MANY)
    for kept in found:
        record = kept.record
        own = (record.customer, record.actor, record.jkt) == (person.id, caller.actor, caller.jkt)
        if not own or record.parent or record.tasks >= record.max_tasks:
            continue
        try:
            await verify_issuable(desk, kept, desk.world.now())
            if wanted is not None:
                verify_narrows(wanted.until(record.expires_at), mandate_of(desk.catalogue, record))
        except Refused:
            continue
        return kept
    return None


async def _issue(desk: DeskContext, caller: Caller, standing: Versioned[MandateRecord]) -> RedeemedCode:
    now = desk.world.now()
    agent = Precondition("agent", caller.agent.record.id, caller.agent.rev)
    try:
        preconditions = (agent, *await verify_issuable(desk, standing, now))
        await desk.store.commit(Commit(preconditions=preconditions, marks=caller.marks))
    except Replayed as stands:
        raise caller.replayed(stands) from None
    except Conflict:
        raise Refused(Code.TASK_BUSY, "the mandate changed meanwhile", retry_after_s=1) from None
    return RedeemedCode(mandate=standing.record, at=now)


async def _ask(desk: DeskContext, caller: Caller, person: PersonRecord, wanted: _Wanted) -> StartedRequest:
    """Ask the customer; the same question that waits already is not asked twice."""
    now = desk.world.now()
    for kept in await desk.store.find(PushedRequest, "request.customer", person.id, limit=_MANY):
        waits = kept.record
        own = (waits.client_id, waits.actor, waits.jkt) == (caller.agent.record.id, caller.actor, caller.jkt)
        if not own or now >= waits.expires_at:
            continue
        asked = read_mandate(decode_json(waits.wire.encode()), desk.catalogue, now=waits.created_at)
        if wire_mandate(asked) == wire_mandate(wanted.until(asked.expires_at)):
            left_s = (waits.expires_at - now) // 1000
            return StartedRequest(auth_req_id=auth_req_id(desk, waits.id), expires_in_s=left_s)
    wish = BackchannelRequest(binding="", jkt=caller.jkt, expires_in_s=None, ping_token="")
    return await start_request(desk, caller, person, wanted.mandate, wish)
