"""An ask's state after its task has ended, for the workload without a token, by its own credential.

`usecases/tasks/task` decides which asks it may read, and what of them.
"""

from typing import Final

from remit.domain.errors import Code, Fault, Refused
from remit.domain.identity.human_credentials import CredentialSigns, RequestCredentials
from remit.engine.agents.authenticate import Caller, ClientEvidence, prove_caller, prove_key
from remit.engine.context import DeskContext
from remit.entrypoints.http.client_certificates import presented_certificate
from remit.entrypoints.http.limits import Limits
from remit.entrypoints.http.signed_requests import is_signed, signed_message
from remit.entrypoints.http.wire import Scope, header_values, malformed_request
from remit.usecases.agents.refused_credentials import refuse_human_credential

ASSERTION: Final = b"client-assertion"
_TYPE: Final = b"client-assertion-type"
_CLIENT: Final = b"client-id"
_PROOFS: Final = frozenset({ASSERTION, _TYPE, _CLIENT, b"signature-input", b"signature"})


def has_client_assertion(scope: Scope) -> bool:
    """Return whether a request carries a client assertion."""
    return bool(header_values(scope, ASSERTION) or header_values(scope, _TYPE))


def proves_client(scope: Scope) -> bool:
    """Return whether a request proves the client itself, without a token."""
    if header_values(scope, b"authorization"):
        return has_client_assertion(scope)
    return any(name in _PROOFS for name, _ in scope["headers"])


async def authenticate_client(  # what came, and its probable owner
    desk: DeskContext, signs: CredentialSigns, limits: Limits, scope: Scope, *, path: str, session: str
) -> Caller:
    """Authenticate a workload in headers, by the methods of the OAuth endpoints.

    ⚔ A DPoP proof beside an assertion carries its hash as `ath`: neither serves with another one. A token beside the
    assertion makes two credentials, which is refused. `session` is a person's session sent along ("" without).

    Raises:
        Refused: `agent.*`, `credential.*`, `request.malformed_request`, `request.rate_limited`.
        Fault: `fault.identity`, `fault.store`.

    Source: RFC 7521 §4.2; RFC 9449 §4.3; docs/decisions/0015-asking-after-the-end.md.
    """
    limits.verify_peer(scope)
    try:
        caller = await _prove(desk, signs, scope, path, session)
    except Fault:
        raise
    except Exception:  # ⚔ any unproved request is counted
        limits.count_unproved(scope)
        raise
    limits.verify_client(caller.agent.record.id)
    return caller


async def _prove(desk: DeskContext, signs: CredentialSigns, scope: Scope, path: str, session: str) -> Caller:
    cookies, authorization = header_values(scope, b"cookie"), header_values(scope, b"authorization")
    form = {
        "client_assertion": "".join(header_values(scope, ASSERTION)[:1])
    }  # ⚔ looked at first: half a credential hides no session
    await refuse_human_credential(
        desk, RequestCredentials(authorization=authorization, cookies=cookies, form=form), signs, session
    )
    if authorization:
        raise malformed_request("a token or a client assertion, not both")
    evidence = ClientEvidence(
        claimed_id=_once(scope, _CLIENT),
        assertion_type=_once(scope, _TYPE),
        assertion=_once(scope, ASSERTION),
        certificate=presented_certificate(scope),
        message=signed_message(scope, desk.terms.issuer),
    )
    if bool(evidence.assertion) != bool(evidence.assertion_type):
        raise malformed_request("send Client-Assertion-Type and Client-Assertion, each once")
    proofs = header_values(scope, b"dpop")
    signed = is_signed(scope) and not evidence.assertion
    if len(proofs) != (0 if signed else 1):
        detail = "no DPoP proof, or several"
        raise Refused(Code.CREDENTIAL_MISSING, detail, public="Send one DPoP proof beside the client assertion.")
    caller = await prove_caller(desk, evidence)
    if caller.jkt:  # it signed: nothing is read of a body
        return caller
    return prove_key(
        desk, caller, proofs[0], method=scope["method"], path=path, access_token=evidence.assertion or None
    )


def _once(scope: Scope, name: bytes) -> str:
    values = header_values(scope, name)
    if len(values) > 1:
        raise malformed_request("send Client-Assertion-Type, Client-Assertion and Client-Id once each")
    return values[0] if values else ""
