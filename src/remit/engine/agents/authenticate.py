"""Authentication of OAuth endpoint callers: assertion, certificate or signed request, and a DPoP proof."""

from remit.domain.errors import Code, Refused
from remit.domain.identity.assertions import AssertionType, claimed_client
from remit.domain.identity.certificates import PresentedCertificate
from remit.domain.identity.dpop import ProofRefused, token_hash
from remit.domain.identity.federation import federated_agent
from remit.domain.identity.jws import read
from remit.domain.identity.message_signatures import SignedMessage, the_signature
from remit.domain.identity.signature_agent import signature_agent
from remit.domain.records import AgentRecord, Suspension
from remit.domain.structs import replace, struct
from remit.engine.agents.client_documents import admit_client, known_client
from remit.engine.agents.registration import registration_of
from remit.engine.context import DeskContext
from remit.ports.identity import PUBLIC_CLIENT, DocumentLane, ProvedClient
from remit.ports.store import RecordMissing, Replayed, ReplayMark, Versioned


@struct(frozen=True, kw_only=True)
class Caller:
    """An authenticated workload, and the replay marks to commit with its request's effects."""

    agent: Versioned[AgentRecord]
    actor: str
    jkt: str
    marks: tuple[ReplayMark, ...]
    resource: str = ""
    """The resource that a visitor's tokens are for; "" for the desk as a whole."""
    proof_mark: str = ""
    """The proof's mark among the replay marks ("" without one)."""

    def replayed(self, found: Replayed) -> Refused:
        """Return the refusal for a replay mark already stored: OAuth tells a used proof from a used assertion."""
        if self.proof_mark and self.proof_mark in found.args:
            return ProofRefused(Code.CREDENTIAL_REPLAYED, "the proof was used before")
        return Refused(Code.CREDENTIAL_REPLAYED, "the assertion was used before")


@struct(frozen=True, kw_only=True)
class ClientEvidence:
    """Everything by which a caller may prove itself; "" and None for what was not sent."""

    claimed_id: str
    assertion_type: str = ""
    assertion: str = ""
    certificate: PresentedCertificate | None = None
    message: SignedMessage | None = None
    newcomers: bool = False
    """Whether an agent that the desk never met may be known by its document; `admit` then stores it."""


class WrongCaller(Refused):
    """A refusal of a party other than the caller: in OAuth a matter of the grant, not of the requesting client."""


async def prove_caller(desk: DeskContext, evidence: ClientEvidence) -> Caller:
    """Authenticate a workload by whatever it sent: an assertion, a signed request or its TLS certificate.

    An assertion counts before anything beside it: requests are signed, and certificates presented, for other reasons too.
    ⚔ The registration is pinned to one way, so that no caller chooses.

    Raises:
        Refused: `agent.unknown`, `agent.suspended`, `credential.*`.
        Fault: `fault.identity`, `fault.store`.

    Source: RFC 6749 §2.3 (one authentication method for each request).
    """
    asserted = bool(evidence.assertion_type or evidence.assertion)
    if evidence.message is not None and evidence.message.signed and not asserted:
        return await prove_signer(desk, evidence.message, claimed_id=evidence.claimed_id)
    if evidence.certificate is not None and evidence.claimed_id and not asserted:
        return await _prove_certificate(desk, evidence.certificate, evidence.claimed_id)
    return await prove_client(
        desk,
        assertion_type=evidence.assertion_type,
        assertion=evidence.assertion,
        claimed_id=evidence.claimed_id,
        newcomers=evidence.newcomers,
    )


async def proves_a_key(desk: DeskContext, client_id: str) -> bool:
    """Return whether an agent is registered for some proof, and is no visitor."""
    try:
        return (await desk.store.get(AgentRecord, client_id)).record.method != PUBLIC_CLIENT
    except RecordMissing:
        return False


async def prove_signer(
    desk: DeskContext, message: SignedMessage, *, claimed_id: str = "", expected_jkt: str | None = None
) -> Caller:
    """Authenticate a workload by the signature of its request, which proves its key at once.

    Without `claimed_id`, the agent is the one that `Signature-Agent` names. ⚔ A desk whose proofs carry its own nonce takes
    no signatures, which could be made in advance.

    Raises:
        Refused: `agent.unknown`, `agent.untrusted`, `agent.suspended`, `credential.*`.
        Fault: `fault.identity`, `fault.store`.

    Source: RFC 9421; docs/decisions/0054-message-signatures.md.
    """
    if desk.proofs.nonce(desk.world.now()) is not None:
        public = "Signed requests are not accepted here: proofs need the server's own nonce."
        raise Refused(Code.CREDENTIAL_MALFORMED, "a signature where nonces are required", public=public)
    client_id = claimed_id or signature_agent(message, the_signature(message), allow_loopback=desk.terms.loopback)
    agent = await get_agent(desk, client_id)
    if agent.record.stranger and not desk.terms.strangers:  # ⚔ also those that came while the desk let strangers in
        raise Refused(Code.AGENT_UNTRUSTED, "this desk lets no strangers in")
    proved = await desk.clients.verify_message(
        message=message,
        registration=registration_of(agent.record),
        now=desk.world.now(),
        expected_jkt=expected_jkt,
    )
    return await _proved(desk, agent, proved)


async def _prove_certificate(desk: DeskContext, certificate: PresentedCertificate, claimed_id: str) -> Caller:
    """Authenticate a workload by the X.509-SVID of its TLS connection.

    Source: draft-ietf-oauth-spiffe-client-auth (spiffe_x509); RFC 8705 §2.1.
    """
    agent = await get_agent(desk, claimed_id)
    proved = await desk.clients.verify_certificate(
        certificate=certificate, registration=registration_of(agent.record), now=desk.world.now()
    )
    return await _proved(desk, agent, proved)


async def prove_client(
    desk: DeskContext, *, assertion_type: str, assertion: str, claimed_id: str, newcomers: bool = False
) -> Caller:
    """Authenticate a workload by its client assertion. `claimed_id` is the `client_id` parameter, "" when not sent.

    With `newcomers`, an agent that the desk never met may be known by its document; `admit` then stores it.

    Raises:
        Refused: `agent.unknown`, `agent.suspended`, `credential.*`.
        Fault: `fault.identity`, `fault.store`.
    """
    if not (assertion_type or assertion):
        raise Refused(
            Code.CREDENTIAL_MISSING,
            "no client assertion",
            public="Agents identify themselves here with a client assertion.",
            public_cure="Send client_assertion_type and client_assertion: a fresh private_key_jwt, or a JWT-SVID.",
        )
    client_id = _claimed(desk, assertion_type, assertion)
    agent = await _find_agent(desk, client_id, claimed_id, newcomers=newcomers)
    if agent.record.method == PUBLIC_CLIENT:
        public = "This client is registered without keys, so it cannot prove one."
        raise Refused(Code.CREDENTIAL_WRONG_KEY, "a public client", public=public)
    now = desk.world.now()
    proved = await desk.clients.verify_client(
        unverified_type=assertion_type,
        unverified_assertion=assertion,
        registration=registration_of(agent.record),
        issuer=desk.terms.issuer,
        now=now,
    )
    return await _proved(desk, agent, proved)


async def _proved(desk: DeskContext, agent: Versioned[AgentRecord], proved: ProvedClient) -> Caller:
    """Use a proof up, and return the caller unless it is suspended."""
    if proved.replay_key is not None:
        desk.replay_cache.use_assertion(proved.replay_key)
    await verify_not_suspended(desk, agent.record)
    marks = () if proved.replay_key is None else (ReplayMark(proved.replay_key, proved.expires_at),)
    return Caller(agent=agent, actor=proved.actor, jkt=proved.jkt, marks=marks)


def _claimed(desk: DeskContext, assertion_type: str, assertion: str) -> str:
    """Return the claimed client: the agent that a rule maps a listed issuer's token to, or the token's own."""
    if desk.terms.federation and assertion_type == AssertionType.JWT_BEARER:
        agent = federated_agent(read(assertion).claims, desk.terms.federation)
        if agent is not None:
            return agent
    return claimed_client(assertion_type, assertion)


async def admit(desk: DeskContext, caller: Caller) -> Caller:
    """Return a proved caller whose registration is stored.

    Raises:
        Refused: as `admit_client`.
    """
    return caller if caller.agent.rev else replace(caller, agent=await admit_client(desk, caller.agent))


async def verify_not_suspended(desk: DeskContext, agent: AgentRecord) -> None:
    """Verify that neither the agent nor its operator is suspended.

    Raises:
        Refused: `agent.suspended`.
    """
    if agent.suspended:
        raise Refused(Code.AGENT_SUSPENDED, "the agent is suspended")
    if await is_suspended(desk, f"operator:{agent.operator}"):
        raise Refused(Code.AGENT_SUSPENDED, "the operator is suspended")


async def get_agent(desk: DeskContext, client_id: str) -> Versioned[AgentRecord]:
    """Return a registered agent.

    Raises:
        Refused: `agent.unknown`.
    """
    try:
        return await desk.store.get(AgentRecord, client_id)
    except RecordMissing:
        raise Refused(Code.AGENT_UNKNOWN, f"no agent {client_id!r}") from None


async def is_suspended(desk: DeskContext, name: str) -> bool:
    """Return whether an operator, customer or objective (`kind:name`) is suspended now."""
    try:
        return (await desk.store.get(Suspension, name)).record.active
    except RecordMissing:
        return False


def prove_key(
    desk: DeskContext,
    caller: Caller,
    unverified_proof: str,
    *,
    method: str,
    path: str,
    access_token: str | None = None,
    expected_jkt: str | None = None,
) -> Caller:
    """Return the caller with the key it holds, proved by a DPoP proof beside its assertion.

    Raises:
        Refused: `credential.*`. Where only the nonce, unknowable before, was missing, the assertion may be sent again.

    Source: RFC 9449 §5, §8.
    """
    try:
        proof = desk.proofs.verify_proof(
            unverified_proof,
            method=method,
            url=desk.terms.issuer + path,
            now=desk.world.now(),
            ath=None if access_token is None else token_hash(access_token),
            expected_jkt=expected_jkt,
        )
    except Refused as refused:
        if refused.code is Code.CREDENTIAL_NONCE:
            for mark in caller.marks:
                desk.replay_cache.allow_reuse(mark.key)
        raise
    desk.replay_cache.use_proof(proof.replay_key)
    marks = (*caller.marks, ReplayMark(proof.replay_key, proof.expires_at))
    return Caller(agent=caller.agent, actor=caller.actor, jkt=proof.jkt, marks=marks, proof_mark=proof.replay_key)


async def _find_agent(desk: DeskContext, client_id: str, claimed_id: str, *, newcomers: bool) -> Versioned[AgentRecord]:
    """Find the registration: by client_id, or for a JWT-SVID by SPIFFE ID."""
    for candidate in dict.fromkeys([one for one in (claimed_id, client_id) if one]):
        kept = await known_client(desk, candidate, newcomers=DocumentLane.UNPROVED if newcomers else None)
        if kept is not None and claimed_id in {"", kept.record.id}:
            return kept
    found = await desk.store.find(AgentRecord, "agent.actor", client_id, limit=1)
    if found and claimed_id in {"", found[0].record.id}:
        return found[0]
    raise Refused(Code.AGENT_UNKNOWN, f"no agent {client_id[:80]!r}")
