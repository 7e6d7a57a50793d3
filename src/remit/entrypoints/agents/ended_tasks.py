"""An ask's state after its task has ended, for the workload without a token, by its own credential.

`usecases/tasks/task` decides which asks it may read, and what of them.
"""

from typing import Final

from remit.domain.errors import Code, Fault, Refused
from remit.domain.identity.human_credentials import CredentialSigns, RequestCredentials
from remit.engine.agents.authenticate import Caller, prove_client, prove_key
from remit.engine.context import DeskContext
from remit.entrypoints.http.limits import Limits
from remit.entrypoints.http.wire import Scope, header_values, malformed_request
from remit.usecases.agents.refused_credentials import refuse_human_credential

ASSERTION: Final = b"client-assertion"
_TYPE: Final = b"client-assertion-type"
_CLIENT: Final = b"client-id"


def has_client_assertion(scope: Scope) -> bool:
    """Return whether a request carries a client assertion."""
    return bool(header_values(scope, ASSERTION) or header_values(scope, _TYPE))


async def authenticate_by_assertion(  # what came, and its probable owner
    desk: DeskContext, signs: CredentialSigns, limits: Limits, scope: Scope, *, path: str, session: str
) -> Caller:
    """Authenticate a workload by its client assertion and a DPoP proof made for just this assertion.

    ⚔ The proof's `ath` is the hash of the assertion: neither serves with another one. A token beside the assertion
    makes two credentials, which is refused. `session` is a person's session sent along ("" without).

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
    assertion, kind = _once(scope, ASSERTION), _once(scope, _TYPE)
    if authorization:
        raise malformed_request("a token or a client assertion, not both")
    proofs = header_values(scope, b"dpop")
    if len(proofs) != 1:
        detail = "no DPoP proof, or several"
        raise Refused(Code.CREDENTIAL_MISSING, detail, public="Send one DPoP proof beside the client assertion.")
    claimed = header_values(scope, _CLIENT)
    if len(claimed) > 1:
        raise malformed_request("one Client-Id header, no more")
    claimed_id = claimed[0] if claimed else ""
    caller = await prove_client(desk, assertion_type=kind, assertion=assertion, claimed_id=claimed_id)
    return prove_key(desk, caller, proofs[0], method=scope["method"], path=path, access_token=assertion)


def _once(scope: Scope, name: bytes) -> str:
    values = header_values(scope, name)
    if len(values) != 1:
        raise malformed_request("send Client-Assertion-Type and Client-Assertion, each once")
    return values[0]
