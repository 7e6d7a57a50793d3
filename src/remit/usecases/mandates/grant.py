"""Mandate requests: pushed, shown, cut, signed or declined, and redeemed by code."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from remit.domain.confirm.render_ask import Rendering
from remit.domain.confirm.render_mandate import render_mandate
from remit.domain.errors import Code, Refused
from remit.domain.i18n import marked
from remit.domain.identity.binding import bound_family
from remit.domain.ids import CustomerId, MandateId, OperatorId, new_id
from remit.domain.mandate.grant import exceeds_routine, make_grant, signed_form
from remit.domain.mandate.model import Grant, Mandate
from remit.domain.mandate.narrow import verify_narrows
from remit.domain.mandate.parse import read_mandate, wire_mandate
from remit.domain.policy.confirmers import verify_passkey_may_grant
from remit.domain.policy.visitors import visitor_marks
from remit.domain.records import AgentRecord, Ceremony, MandateRecord, PersonRecord, PushedRequest, RequestState
from remit.domain.structs import replace, struct
from remit.domain.transcript.entry import Kind
from remit.domain.transcript.pseudonyms import limits_digest
from remit.domain.values import Instant, Json, JsonObject, decode_json, instant_text
from remit.engine.agents.authenticate import Caller, is_suspended, verify_not_suspended
from remit.engine.agents.registration import opened_risk_events
from remit.engine.ask.authorization_state import NEVER, rules_precondition, suspension_precondition
from remit.engine.ask.facts import fetch_facts
from remit.engine.confirm.invite import TURN, decline_scopes, declined_at
from remit.engine.context import DeskContext
from remit.engine.desk import mandate_record_names
from remit.engine.mandates.issuable import verify_issuable
from remit.engine.mandates.summary import verify_summary
from remit.engine.people.passkey import passkey_facts, verify_assertion, verify_ceremony
from remit.engine.transcript.erase import erasure_blocker
from remit.engine.transcript.record import PreparedEntries, code_hash, prepare_entry, pseudonym
from remit.ports.backoffice import RecordSummary
from remit.ports.people import VerifiedAssertion
from remit.ports.store import Commit, Conflict, Drop, Precondition, Put, RecordMissing, Replayed, Reserve, Versioned
from remit.proof.canonical import b64url, canonical, unb64url

CODE_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
URN: Final = "urn:ietf:params:oauth:request_uri:"
_LAST_PORT: Final = 65_535
_TRIES: Final = 5
_LOOPBACK: Final = re.compile(r"http://(127\.0\.0\.1|\[::1\]|localhost)(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?", re.ASCII)


@struct(frozen=True, kw_only=True)
class AuthorizationRequest:
    """A decoded pushed request: `details` is authorization_details, the rest as in RFC 9126, 7636 and 9449."""

    details: Json
    redirect_uri: str
    state: str
    code_challenge: str
    jkt: str


@struct(frozen=True, kw_only=True)
class ConsentView:
    """The mandate after any cut as the customer would sign it: rendering, nonce and challenge."""

    request: PushedRequest
    agent: AgentRecord
    mandate: JsonObject
    rendering: Rendering
    ceremony: str
    challenge: str
    choices: Mapping[str, tuple[RecordSummary, ...]]


async def push_request(desk: DeskContext, caller: Caller, wanted: AuthorizationRequest) -> PushedRequest:
    """Store an agent's mandate request until a customer answers.

    Raises:
        Refused: `mandate.invalid`, `request.malformed`, `credential.replayed`.

    Source: RFC 9126, RFC 9396.
    """
    rules = await rules_precondition(desk)
    now = desk.world.now()
    mandate = read_requested(desk, wanted.details, now)
    if CODE_CHALLENGE.fullmatch(wanted.code_challenge) is None:
        raise Refused(
            Code.REQUEST_MALFORMED, "not an S256 code_challenge", public="code_challenge must be the S256 of RFC 7636."
        )
    verify_redirect(caller.agent.record, wanted.redirect_uri)
    request = PushedRequest(
        id=new_id("req", desk.world.random(16)),
        client_id=caller.agent.record.id,
        actor=caller.actor,
        operator=caller.agent.record.operator,
        jkt=wanted.jkt,
        wire=canonical(wire_mandate(mandate)).decode(),
        redirect_uri=wanted.redirect_uri,
        state=wanted.state,
        code_challenge=wanted.code_challenge,
        phase=RequestState.PUSHED,
        created_at=now,
        expires_at=Instant(now + desk.terms.request_ttl_s * 1000),
    )
    try:
        await desk.store.commit(
            Commit(
                puts=(Put(request, 0),),
                marks=caller.marks,
                steps=opened_risk_events("mandate", agent=request.client_id, operator=request.operator, at=now),
                preconditions=(rules, Precondition("agent", caller.agent.record.id, caller.agent.rev)),
            )
        )
    except Replayed as stands:
        raise caller.replayed(stands) from None
    except Conflict:
        await rules_precondition(desk)
        raise Refused(Code.AGENT_SUSPENDED, "the agent changed meanwhile") from None
    return request


def read_requested(desk: DeskContext, details: Json, now: Instant) -> Mandate:
    """Return the mandate that an agent's `authorization_details` ask for.

    Raises:
        Refused: `mandate.invalid`.

    Source: RFC 9396 §5.
    """
    mandate = read_mandate(one_mandate(details), desk.catalogue, now=now)
    verify_summary(desk, mandate)
    return mandate


def one_mandate(details: Json) -> Json:
    """Return the one mandate of `authorization_details`, unread.

    Raises:
        Refused: `mandate.invalid`.
    """
    if not isinstance(details, (list, tuple)) or len(details) != 1:
        public = "authorization_details must contain exactly one remit_mandate."
        raise Refused(Code.MANDATE_INVALID, "authorization_details must be one remit_mandate", public=public)
    return details[0]


async def view_request(desk: DeskContext, request_id: str, customer: PersonRecord, *, cut: Json = None) -> ConsentView:
    """Show a request to the customer, whole or cut, and issue the challenge that grants exactly that.

    It is shown and signed in the language of the context's catalogue. A cut may only strike or lower what the agent
    asked; the target may be chosen from the customer's own records.

    Raises:
        Refused: `request.not_found`, also for a visitor that described itself anew; `mandate.invalid`,
            `mandate.inactive`, `agent.suspended`.
    """
    await rules_precondition(desk)
    request = (await open_request(desk, request_id, customer)).record
    now = desk.world.now()
    asked = read_mandate(decode_json(request.wire.encode()), desk.catalogue, now=request.created_at)
    mandate = asked
    if cut is not None:
        if isinstance(cut, Mapping) and "expires_at" not in cut:
            # A cut without an end keeps the requested end, not the default of seven days.
            cut = {**cut, "expires_at": instant_text(asked.expires_at)}
        mandate = read_mandate(cut, desk.catalogue, now=now)
        verify_narrows(replace(mandate, objective=replace(mandate.objective, target=asked.objective.target)), asked)
    names = await mandate_record_names(desk, customer.id, mandate, known=await _target_names(desk, mandate, customer))
    agent = (await _granted_agent(desk, request)).record
    rendering = render_mandate(mandate, desk.catalogue, names, agent=agent.name, operator=agent.operator)
    nonce = b64url(desk.world.random(16))
    wire = wire_mandate(mandate)
    grant = _grant(desk, request, customer, mandate, rendering.hash, nonce)
    ceremony = Ceremony(
        id=new_id("cer", desk.world.random(16)),
        purpose="grant",
        subject=request.id,
        challenge=grant.hash.removeprefix("sha-256:"),
        expires_at=Instant(now + desk.terms.confirmation_ttl_s * 1000),
        extra={
            "customer": customer.id,
            "wire": canonical(wire).decode(),
            "nonce": nonce,
            "rendering": rendering.hash,
            "language": desk.catalogue.say.language,
        },
    )
    await desk.store.commit(Commit(puts=(Put(ceremony, 0),)))
    choices = {kind: tuple(await desk.backoffice.records(customer.id, kind)) for kind in mandate.objective.target}
    return ConsentView(
        request=request,
        agent=agent,
        mandate=wire,
        rendering=rendering,
        ceremony=ceremony.id,
        challenge=ceremony.challenge,
        choices=choices,
    )


async def grant_mandate(
    desk: DeskContext, request_id: str, customer: PersonRecord, *, ceremony_id: str, assertion: Mapping[str, Json]
) -> str:
    """Grant the shown mandate by the customer's signed passkey, and return the redirect address.

    Raises:
        Refused: `request.not_found`, `confirmation.replayed`, `confirmation.wrong_person`, `credential.wrong_key`,
            `mandate.inactive`, `agent.suspended`.

    Source: docs/model/model.md#grant, #passkeys; RFC 6749 §4.1.2, RFC 9207 (iss).
    """
    rules = await rules_precondition(desk)
    kept = await open_request(desk, request_id, customer)
    ceremony, passkey = await verify_ceremony(
        desk, ceremony_id, purpose="grant", subject=request_id, person=customer.id, assertion=assertion
    )
    now = desk.world.now()
    mandate = read_mandate(decode_json(ceremony.record.extra["wire"].encode()), desk.catalogue, now=now)
    # ⚔ A mailbox passkey would otherwise grant an agent more than its own yes could confirm.
    above = exceeds_routine(mandate, desk.catalogue)
    verify_passkey_may_grant(passkey_facts(passkey.record, customer), above_routine=above, now=now)
    asserted = verify_assertion(desk, assertion, passkey.record, unb64url(ceremony.record.challenge))
    shown = desk.in_language(ceremony.record.extra.get("language", ""))
    grant = _shown_grant(shown, kept.record, customer, mandate, ceremony.record)
    agent = await _granted_agent(desk, kept.record)
    # ⚔ before anything is sealed: see `erase`
    granting = Precondition("person", customer.id, (await desk.store.get(PersonRecord, customer.id)).rev)
    preconditions = await _verify_none_suspended(desk, agent, customer, mandate)
    record = _mandate_record(kept.record, grant, new_id("man", desk.world.random(16)), asserted.evidence, now)
    granted = answered(desk, kept.record, RequestState.GRANTED, customer.id, mandate=record.id)
    code = b64url(desk.world.random(32))
    if not granted.addressed:  # what came by the backchannel is redeemed by its own auth_req_id
        granted = replace(
            granted, code=code_hash(desk, code), code_expires_at=Instant(now + desk.terms.code_ttl_s * 1000)
        )
    language = "" if shown is desk else shown.catalogue.say.language
    written = await _prepare_granted(desk, agent.record, record, asserted, language)
    try:
        await desk.store.commit(
            Commit(
                preconditions=(rules, *preconditions, granting),
                puts=(
                    Put(record, 0),
                    Put(granted, kept.rev, kept.record),
                    Put(replace(passkey.record, sign_count=asserted.sign_count), passkey.rev, passkey.record),
                ),
                drops=(Drop(ceremony.record, ceremony.rev),),
                reserves=(erasure_blocker(customer.id),),
                entries=written.rows,
            )
        )
    except Conflict:
        await rules_precondition(desk)
        raise Refused(Code.CONFIRMATION_REPLAYED, "the request was answered meanwhile") from None
    return _way_back(desk, granted, {"code": code})


async def _granted_agent(desk: DeskContext, request: PushedRequest) -> Versioned[AgentRecord]:
    agent = await desk.store.get(AgentRecord, request.client_id)
    await verify_not_suspended(desk, agent.record)
    _verify_document(request, agent.record)
    return agent


def _shown_grant(
    shown: DeskContext, request: PushedRequest, customer: PersonRecord, mandate: Mandate, ceremony: Ceremony
) -> Grant:
    grant = _grant(shown, request, customer, mandate, ceremony.extra["rendering"], ceremony.extra["nonce"])
    if grant.hash.removeprefix("sha-256:") != ceremony.challenge:
        raise Refused(Code.CONFIRMATION_MISMATCH, "the catalogue or the request changed since it was shown")
    return grant


async def _prepare_granted(
    desk: DeskContext, agent: AgentRecord, record: MandateRecord, asserted: VerifiedAssertion, language: str
) -> PreparedEntries:
    return await prepare_entry(
        desk,
        Kind.MANDATE_GRANTED,
        envelope={
            "mandate": record.id,
            "hash": record.hash,
            "agent": record.client_id,
            "customer": pseudonym(desk, record.customer),
            "objective": record.objective,
            "limits": limits_digest(desk.signer.keyed, record),
            **visitor_marks(agent, record.jkt),
        },
        agent={"mandate": decode_json(record.wire.encode())},
        customer={
            "mandate": decode_json(record.wire.encode()),
            "agent": agent.name,
            "operator": record.operator,
            "evidence": asserted.evidence,
        },
        # The signed hash is recomputed from the mandate in the language it was read in.
        desk={
            "signed": record.signed,
            "evidence": asserted.evidence,
            "passkey": asserted.credential_id,
            **({"language": language} if language else {}),
        },
        subject=record.customer,
        refs=(record.id, record.customer, record.client_id),
    )


async def _verify_none_suspended(
    desk: DeskContext, agent: Versioned[AgentRecord], customer: PersonRecord, mandate: Mandate
) -> tuple[Precondition, ...]:
    """Return the precondition that nothing the grant concerns is, or was since shown, suspended."""
    names = (f"customer:{customer.id}", f"objective:{mandate.objective.type}", f"operator:{agent.record.operator}")
    preconditions = [one for name in names for one in await suspension_precondition(desk, name)]
    if any(one.rev == NEVER for one in preconditions):
        raise Refused(Code.MANDATE_INACTIVE, "the customer, objective or operator is suspended")
    return (Precondition("agent", agent.record.id, agent.rev), *preconditions)


async def decline_request(desk: DeskContext, request_id: str, customer: PersonRecord) -> str:
    """Decline a request, and return the redirect address.

    Raises:
        Refused: `request.not_found`, `confirmation.replayed`.
    """
    kept = await open_request(desk, request_id, customer)
    declined = answered(desk, kept.record, RequestState.DECLINED, customer.id)
    written = await prepare_entry(
        desk,
        Kind.MANDATE_DECLINED,
        envelope={"request": kept.record.id, "agent": kept.record.client_id, "customer": pseudonym(desk, customer.id)},
        customer={"asked": decode_json(kept.record.wire.encode())},
        subject=customer.id,
        refs=(customer.id, kept.record.client_id),
    )
    try:
        await desk.store.commit(
            Commit(
                puts=(Put(declined, kept.rev, kept.record),),
                reserves=_pause_after_decline(declined, desk.world.now()),
                entries=written.rows,
            )
        )
    except Conflict:
        raise Refused(Code.CONFIRMATION_REPLAYED, "the request was answered meanwhile") from None
    return _way_back(desk, declined, {"error": "access_denied"})


def answered(
    desk: DeskContext, request: PushedRequest, phase: RequestState, customer: str, *, mandate: str = ""
) -> PushedRequest:
    """Return a request with the customer's answer, kept for an agent that polls to hear it; a ping is due now."""
    told = replace(request, phase=phase, customer=customer, mandate=mandate)
    if not request.addressed:
        return told
    now = desk.world.now()
    heard = Instant(max(request.expires_at, now + desk.terms.code_ttl_s * 1000))
    return replace(told, expires_at=heard, code_expires_at=heard, ping_at=now if request.ping else request.ping_at)


def _pause_after_decline(declined: PushedRequest, now: Instant) -> tuple[Reserve, ...]:
    """Return the start of the customer's pause from an operator whose request came by the backchannel.

    ⚔ A request in a browser was opened by the customer: declining it starts no pause.

    Source: docs/model/model.md#anti-fatigue.
    """
    if not declined.addressed:
        return ()
    (scope,) = decline_scopes(declined.customer, (declined.operator,))
    return (Reserve(scope, TURN, 1, None), Reserve(scope, declined_at(now), 1, None))


def _way_back(desk: DeskContext, request: PushedRequest, answer: Mapping[str, str]) -> str:
    """Return where the browser goes after the answer: to the agent with it, or to the customer's own page."""
    if request.addressed:
        return f"{desk.terms.issuer}/me"
    query = {**answer, "iss": desk.terms.issuer} | ({"state": request.state} if request.state else {})
    return with_query(request.redirect_uri, query)


@struct(frozen=True, kw_only=True)
class RedeemedCode:
    """The grant a code was exchanged for, and the time its preconditions were checked."""

    mandate: MandateRecord
    at: Instant


async def redeem_code(
    desk: DeskContext, caller: Caller, *, code: str, verifier: str, redirect_uri: str
) -> RedeemedCode:
    """Exchange a code for its grant, once, by the same workload, key, verifier and address.

    ⚔ The customer may have revoked it since: the grant must still be good, up to the very commit.

    Raises:
        Refused: `grant.invalid` for every mismatch alike; `mandate.*` for a grant no longer good.

    Source: RFC 6749 §4.1.3, RFC 7636, RFC 9449 §10 (dpop_jkt).
    """
    challenge = b64url(hashlib.sha256(verifier.encode()).digest())
    for _ in range(_TRIES):
        found = await desk.store.find(PushedRequest, "request.code", code_hash(desk, code), limit=1)
        if not found:
            raise invalid_grant("no such code, or it was used")
        kept = found[0]
        request = kept.record
        now = desk.world.now()
        if (
            request.phase is not RequestState.GRANTED
            or request.addressed
            or now >= request.code_expires_at
            or (request.client_id, request.actor, request.jkt) != (caller.agent.record.id, caller.actor, caller.jkt)
            or request.redirect_uri != redirect_uri
            or not hmac.compare_digest(challenge, request.code_challenge)
        ):
            raise invalid_grant("the code is not this caller's, is used, or has expired")
        try:
            return await redeem_granted(desk, caller, kept, now)
        except Conflict:
            continue
    raise Refused(Code.TASK_BUSY, "the mandate kept changing", retry_after_s=1)


async def redeem_granted(
    desk: DeskContext, caller: Caller, kept: Versioned[PushedRequest], now: Instant
) -> RedeemedCode:
    """Use up a granted request, once, if its mandate still stands.

    Raises:
        Refused: `mandate.*` for a grant no longer good, `credential.replayed`.
        Conflict: something changed meanwhile: look again.
    """
    mandate = await desk.store.get(MandateRecord, kept.record.mandate)
    preconditions = (
        Precondition("agent", caller.agent.record.id, caller.agent.rev),
        *await verify_issuable(desk, mandate, now),
    )
    # A visitor's code stays known until it expires: used twice, it ends what it gave.
    code_kept = kept.record.code if bound_family(kept.record.jkt) else ""
    used = replace(kept.record, phase=RequestState.USED, code=code_kept)
    try:
        await desk.store.commit(
            Commit(preconditions=preconditions, puts=(Put(used, kept.rev, kept.record),), marks=caller.marks)
        )
    except Replayed as stands:
        raise caller.replayed(stands) from None
    return RedeemedCode(mandate=mandate.record, at=now)


def invalid_grant(detail: str) -> Refused:
    """Build the one refusal of every unusable grant, so that it discloses nothing."""
    return Refused(Code.GRANT_INVALID, detail)


def with_query(address: str, query: Mapping[str, str]) -> str:
    """Return an address with members added to its query."""
    return f"{address}{'&' if '?' in address else '?'}{urlencode(query)}"


async def open_request(desk: DeskContext, request_id: str, customer: PersonRecord) -> Versioned[PushedRequest]:
    """Return a request that still waits for its answer.

    ⚔ A visitor's is for the customer that picked it, an addressed one for that customer; for others there is none.

    Raises:
        Refused: `request.not_found`, `confirmation.replayed`.
    """
    try:
        kept = await desk.store.get(PushedRequest, request_id.removeprefix(URN))
    except RecordMissing:
        raise Refused(Code.REQUEST_NOT_FOUND, "no such request") from None
    if kept.record.customer not in {"", customer.id} or kept.record.addressed not in {"", customer.id}:
        raise Refused(Code.REQUEST_NOT_FOUND, "another customer's request")
    if desk.world.now() >= kept.record.expires_at:
        public = marked("This request has expired. The agent must ask again.")
        raise Refused(Code.REQUEST_NOT_FOUND, "the request has expired", public=public)
    if kept.record.phase is not RequestState.PUSHED:
        raise Refused(Code.CONFIRMATION_REPLAYED, "the request was answered already")
    return kept


async def active_agent(desk: DeskContext, client_id: str) -> AgentRecord:
    """Return the requesting agent, unless it is suspended.

    Raises:
        Refused: `agent.suspended`.
    """
    agent = (await desk.store.get(AgentRecord, client_id)).record
    await verify_not_suspended(desk, agent)
    return agent


async def _target_names(desk: DeskContext, mandate: Mandate, customer: PersonRecord) -> Mapping[tuple[str, str], str]:
    """Resolve the target records to names, and verify that each is the customer's own."""
    if await is_suspended(desk, f"objective:{mandate.objective.type}") or await is_suspended(
        desk, f"customer:{customer.id}"
    ):
        raise Refused(Code.MANDATE_INACTIVE, "the customer or objective is suspended")
    records = [(kind, record_id) for kind, ids in mandate.objective.target.items() for record_id in ids]
    facts = await fetch_facts(desk, records, customer=customer.id)
    names: dict[tuple[str, str], str] = {}
    for (kind, record_id), fact in zip(records, facts, strict=True):
        if not desk.catalogue.resources[kind].public and (
            fact is None or customer.id not in fact.owners or fact.id != record_id
        ):
            raise Refused(Code.PARAMS_NOT_OWNED, f"{kind} {record_id} is not the customer's")
        names[kind, record_id] = fact.name if fact is not None and fact.name else record_id
    return names


def _verify_document(request: PushedRequest, agent: AgentRecord) -> None:
    """⚔ Verify that a visitor is still the client the customer looks at: its document says where the code goes.

    Raises:
        Refused: `request.not_found`.
    """
    if bound_family(request.jkt) and request.document != agent.document:
        public = marked("The agent changed its details in the meantime. Let it ask again.")
        raise Refused(Code.REQUEST_NOT_FOUND, "the client's document changed", public=public)


def _grant(
    desk: DeskContext, request: PushedRequest, customer: PersonRecord, mandate: Mandate, rendering_hash: str, nonce: str
) -> Grant:
    return make_grant(
        mandate_id=MandateId(""),
        iss=desk.terms.issuer,
        sub=CustomerId(customer.id),
        client_id=request.client_id,
        actor=request.actor,
        operator=OperatorId(request.operator),
        jkt=request.jkt,
        mandate=mandate,
        catalogue=desk.catalogue,
        rendering_hash=rendering_hash,
        nonce=nonce,
    )


def _mandate_record(
    request: PushedRequest, grant: Grant, mandate_id: str, evidence: str, now: Instant
) -> MandateRecord:
    mandate = grant.mandate
    return MandateRecord(
        id=mandate_id,
        version=1,
        state="active",
        customer=grant.sub,
        client_id=request.client_id,
        actor=request.actor,
        operator=request.operator,
        jkt=request.jkt,
        objective=mandate.objective.type,
        wire=canonical(grant.wire).decode(),
        hash=grant.hash,
        signed=canonical(signed_form(grant)).decode(),
        action_digests=dict(grant.action_digests),
        evidence=evidence,
        granted_at=now,
        expires_at=mandate.expires_at,
        max_tasks=mandate.max_tasks,
        tasks=0,
        root=mandate_id,
    )


def verify_redirect(agent: AgentRecord, redirect_uri: str) -> None:
    """Verify that a redirect address is registered, byte for byte; on loopback with any port.

    Raises:
        Refused: `request.malformed`.

    Source: RFC 9700 §2.1, RFC 8252 §7.3.
    """
    if redirect_uri in agent.redirect_uris:
        return
    if is_loopback_redirect(redirect_uri) and any(
        is_loopback_redirect(known) and _without_port(known) == _without_port(redirect_uri)
        for known in agent.redirect_uris
    ):
        return
    public = "redirect_uri is not registered for this agent."
    raise Refused(Code.REQUEST_MALFORMED, "redirect_uri is not registered", public=public)


def is_loopback_redirect(address: str) -> bool:
    """Return whether an address is a loopback one with a valid port."""
    found = _LOOPBACK.fullmatch(address)
    return found is not None and (found[2] is None or 0 < int(found[2][1:]) <= _LAST_PORT)


def _without_port(address: str) -> str:
    return re.sub(r":[0-9]+(?=/|$)", "", address, count=1)
