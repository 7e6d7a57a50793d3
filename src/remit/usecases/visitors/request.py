"""The request of a visitor, as its customer meets it: the client, the open purposes, and the customer's records.

Nothing is stored until the signed-in customer picks a purpose; then it is a mandate request like any other.

Source: docs/model/visitors.md#request; RFC 6749 §4.1.1, RFC 7636 §4.3, RFC 8707 §2.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from remit.domain.catalogue.model import Objective
from remit.domain.errors import Code, Refused
from remit.domain.identity.binding import family_binding
from remit.domain.ids import new_id
from remit.domain.mandate.parse import read_mandate, wire_mandate
from remit.domain.policy.visitors import visitor_mandate
from remit.domain.records import AgentRecord, PersonRecord, PushedRequest, RequestState
from remit.domain.secrets.opaque import is_opaque_state
from remit.domain.structs import struct
from remit.domain.values import Instant
from remit.engine.agents.authenticate_request import MCP_DOOR, resources
from remit.engine.agents.client_documents import admit_client
from remit.engine.agents.visitors import public_client
from remit.engine.ask.authorization_state import rules_precondition
from remit.engine.context import DeskContext
from remit.engine.leaks.revoke import revoke_leaked_in_text
from remit.engine.leaks.scan import LeakSource
from remit.ports.backoffice import RecordSummary
from remit.ports.store import Commit, Conflict, Precondition, Put, Versioned
from remit.proof.canonical import canonical
from remit.usecases.mandates.grant import CODE_CHALLENGE, verify_redirect, with_query

_IMPLIED: Final = frozenset({"ask", "mandate", "offline_access"})
"""Scopes that clients copy from metadata, and that name no purpose: every visitor asks, and gets a refresh token."""
KNOWN_PARAMETERS: Final = frozenset({
    "client_id", "code_challenge", "code_challenge_method", "redirect_uri", "resource", "response_type", "scope", "state",
})  # fmt: skip


class VisitRefused(Refused):
    """A refusal that the client is told of: `redirect` is its own address, with OAuth's error."""

    def __init__(self, redirect: str, error: str, detail: str) -> None:
        super().__init__(Code.REQUEST_MALFORMED, f"{error}: {detail}", public=detail)
        self.redirect = redirect


@struct(frozen=True, kw_only=True)
class Purpose:
    """An objective that is open to visitors, with the customer's records it could be about."""

    objective: Objective
    records: tuple[RecordSummary, ...]


@struct(frozen=True, kw_only=True)
class Visit:
    """A visitor's request before a purpose is picked. `resource` is the audience of its tokens.

    `decline` is the address that takes a no to the client.
    """

    agent: Versioned[AgentRecord]
    resource: str
    state: str
    redirect_uri: str
    decline: str
    code_challenge: str
    purposes: tuple[Purpose, ...]


async def view_visit(desk: DeskContext, customer: PersonRecord, query: Mapping[str, str]) -> Visit:
    """Read a visitor's authorization request for its customer.

    ⚔ Nothing is sent back to an address before it is found in the client's own registration. A credential of this desk
    in the request's state is revoked.

    Raises:
        Refused: `agent.unknown`, `agent.suspended`, `agent.untrusted`, `request.malformed`.
        VisitRefused: for all else that is wrong.
        Fault: `fault.identity`, `fault.backoffice`.
    """
    await rules_precondition(desk)
    agent = await public_client(desk, query.get("client_id", ""), newcomers=True)
    redirect = query.get("redirect_uri", "")
    if not redirect and len(agent.record.redirect_uris) == 1:
        redirect = agent.record.redirect_uris[0]
    verify_redirect(agent.record, redirect)
    state = query.get("state", "")
    if state:
        await revoke_leaked_in_text(desk, state, LeakSource(where="request", person=customer.id), caller=customer.id)
    if not is_opaque_state(state):
        raise _refused(desk, redirect, "", "invalid_request", "state is at most 2048 visible characters, no secret")
    _verify_shape(desk, redirect, state, query)
    resource = query.get("resource", "") or desk.terms.issuer + MCP_DOOR
    if resource not in resources(desk.terms.issuer):
        raise _refused(desk, redirect, state, "invalid_target", "resource is not one of this desk")
    purposes = [
        Purpose(
            objective=objective,
            records=tuple(await desk.backoffice.records(customer.id, objective.target)) if objective.target else (),
        )
        for objective in _wanted(desk, redirect, state, query.get("scope", ""))
    ]
    return Visit(
        agent=agent,
        resource=resource,
        state=state,
        redirect_uri=redirect,
        decline=_refused(desk, redirect, state, "access_denied", "the customer said no").redirect,
        code_challenge=query["code_challenge"],
        purposes=tuple(purposes),
    )


async def request_visit(
    desk: DeskContext, customer: PersonRecord, visit: Visit, *, objective: str, records: Sequence[str]
) -> PushedRequest:
    """Make the mandate request of the purpose and records a customer picked, for them to cut and sign.

    Raises:
        Refused: `objective.unknown` for a purpose the client did not ask for, `mandate.invalid`, `task.busy`, as
            `admit_client`.
    """
    picked = [one.objective for one in visit.purposes if one.objective.name == objective]
    if not picked:
        raise Refused(Code.OBJECTIVE_UNKNOWN, f"{objective!r} was not asked for")
    kept, now = await admit_client(desk, visit.agent), desk.world.now()
    agent = kept.record
    mandate = read_mandate(visitor_mandate(picked[0], records, now=now), desk.catalogue, now=now)
    request = PushedRequest(
        id=new_id("req", desk.world.random(16)),
        client_id=agent.id,
        actor=agent.actor,
        operator=agent.operator,
        jkt=family_binding(new_id("fam", desk.world.random(16))),
        wire=canonical(wire_mandate(mandate)).decode(),
        redirect_uri=visit.redirect_uri,
        state=visit.state,
        code_challenge=visit.code_challenge,
        phase=RequestState.PUSHED,
        created_at=now,
        expires_at=Instant(now + desk.terms.request_ttl_s * 1000),
        customer=customer.id,
        resource=visit.resource,
        document=agent.document,
    )
    try:
        # ⚔ No sign of risk: a customer made it, and any customer could make many in a client's name.
        await desk.store.commit(
            Commit(
                puts=(Put(request, 0),),
                preconditions=(await rules_precondition(desk), Precondition("agent", agent.id, kept.rev)),
            )
        )
    except Conflict:
        raise Refused(Code.TASK_BUSY, "the client changed meanwhile", retry_after_s=1) from None
    return request


def named_purposes(scope: str) -> tuple[str, ...]:
    """Return the purposes that a scope names, each once."""
    return tuple(dict.fromkeys(name for name in scope.split(" ") if name and name not in _IMPLIED))


def open_objectives(desk: DeskContext) -> tuple[Objective, ...]:
    """Return the objectives that visitors may ask for: the scopes of this desk."""
    return tuple(one for one in desk.catalogue.objectives.values() if one.visitors is not None)


def visitor_scopes(desk: DeskContext) -> list[str]:
    """Return the scopes that visitors may ask for: the objectives open to them; none where none are let in."""
    return [] if desk.visitors is None else [one.name for one in open_objectives(desk)]


def _verify_shape(desk: DeskContext, redirect: str, state: str, query: Mapping[str, str]) -> None:
    if query.get("response_type") != "code":
        raise _refused(desk, redirect, state, "unsupported_response_type", "response_type is code")
    if query.get("response_mode", "query") != "query" or "request" in query:
        raise _refused(desk, redirect, state, "invalid_request", "answers go by query; request objects are not read")
    challenged = CODE_CHALLENGE.fullmatch(query.get("code_challenge", "")) is not None
    if query.get("code_challenge_method") != "S256" or not challenged:
        raise _refused(desk, redirect, state, "invalid_request", "PKCE with S256 is required")
    if "authorization_details" in query:
        raise _refused(
            desk, redirect, state, "invalid_request", "authorization_details are pushed, by a client with a key"
        )


def _wanted(desk: DeskContext, redirect: str, state: str, scope: str) -> Sequence[Objective]:
    """Return the objectives of a scope, all open ones without one. ⚔ One that is not open to visitors is refused."""
    known = {one.name: one for one in open_objectives(desk)}
    names = named_purposes(scope)
    if not set(names) <= known.keys():
        raise _refused(desk, redirect, state, "invalid_scope", f"scopes here are {' '.join(known)}")
    return [known[name] for name in names] or list(known.values())


def _refused(desk: DeskContext, redirect: str, state: str, error: str, detail: str) -> VisitRefused:
    query = {"error": error, "error_description": detail, "iss": desk.terms.issuer}
    return VisitRefused(with_query(redirect, query | ({"state": state} if state else {})), error, detail)
