"""People's JSON about their passkeys, recovery, contests and receipts. Enrolment and sign-in are in `people.api`."""

from collections.abc import Mapping
from typing import Final

import msgspec

from remit.domain.errors import Fault, Refused
from remit.domain.structs import struct
from remit.entrypoints.agents.api import AgentApi
from remit.entrypoints.http.bodies import read_as
from remit.entrypoints.http.replies import HttpResponse, json_response, problem_response
from remit.entrypoints.http.wire import Receive, Scope, header_values
from remit.entrypoints.people.api import AssertedIn, PeopleApi
from remit.entrypoints.staff.audit import AuditApi, receipt_response
from remit.usecases.mandates.disown import disown
from remit.usecases.mandates.resume import begin_resuming, pause_state, resume_mandates
from remit.usecases.people import overview as views
from remit.usecases.people.remove_passkey import begin_removal, remove_passkey
from remit.usecases.tasks.task import entry_receipt
from remit.usecases.transcript.contest import contest_entry


@struct(frozen=True)
class AccessApi:
    """Handlers of one desk."""

    people: PeopleApi

    async def passkeys(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /me/v1/passkeys."""
        body = {"passkeys": await views.list_passkeys(self.people.context, await self.people.who(scope))}
        return json_response(200, body)

    async def remove_passkey(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """POST /me/v1/passkeys/{id}/remove: begin, then finish with a remaining passkey; never the last one."""
        person = await self.people.who(scope)
        body = await read_as(scope, receive, AssertedIn)
        if body.assertion is None:
            begun = await begin_removal(self.people.context, person, found["id"])
            return json_response(200, {"ceremony": begun.ceremony, "options": begun.options})
        ended = await remove_passkey(
            self.people.context, person, found["id"], ceremony_id=body.ceremony, assertion=body.assertion
        )
        return json_response(200, {"signed_out": ended})

    async def resume(self, scope: Scope, receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET and POST /me/v1/resume, /desk/v1/resume: the paused powers; begin, then finish with a trusted passkey."""
        person = await self.people.who(scope)
        if scope["method"] == "GET":
            return json_response(200, await pause_state(self.people.context, person))
        body = await read_as(scope, receive, AssertedIn)
        if body.assertion is None:
            begun = await begin_resuming(self.people.context, person)
            return json_response(200, {"ceremony": begun.ceremony, "options": begun.options})
        await resume_mandates(self.people.context, person, ceremony_id=body.ceremony, assertion=body.assertion)
        return json_response(200, {"paused": False})


class ContestIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A customer's reason for contesting an entry."""

    text: str


class DisownIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A customer's statement on an agent's act that was not theirs."""

    text: str = ""


@struct(frozen=True)
class ContestApi:
    """Handlers of one desk."""

    people: PeopleApi

    async def contests(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /me/v1/contests: the customer's contests, and whether they are settled."""
        body = {"contests": await views.list_contests(self.people.context, await self.people.who(scope, "customer"))}
        return json_response(200, body)

    async def contest(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """POST /me/v1/entries/{id}/contest."""
        person = await self.people.who(scope, "customer")
        body = await read_as(scope, receive, ContestIn)
        made = await contest_entry(self.people.context, person, found["id"], body.text)
        return json_response(201, {"contest": made.id, "entry": made.entry})

    async def disown(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """POST /me/v1/entries/{id}/disown: "this wasn't me". Ends that agent for this customer; tells security."""
        person = await self.people.who(scope, "customer")
        body = await read_as(scope, receive, DisownIn)
        done = await disown(self.people.context, person, found["id"], body.text)
        return json_response(
            201,
            {
                "agents": list(done.agents),
                "mandates": list(done.mandates),
                "tasks": list(done.tasks),
                "already_sent": list(done.already_sent),
                "took_ms": done.took_ms,
                "contest": done.contest,
            },
        )


BEGINS: Final = "/log/receipts/"


@struct(frozen=True)
class ReceiptsApi:
    """Handlers of one desk."""

    agents: AgentApi
    audit: AuditApi

    async def receipt(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """GET /log/receipts/{entry}: a C2SP tlog-proof, for a party to the entry alone."""
        if not presents_token(scope):
            return await self.audit.people.run(self.audit.receipt, scope, receive, found)
        desk = self.agents.context
        try:
            workload = await self.agents.prove(scope)
            self.agents.limits.verify_client(workload.limited_as)
            return receipt_response(found["entry"], await entry_receipt(desk, workload, found["entry"]))
        except (Refused, Fault) as error:
            return problem_response(error, issuer=desk.terms.issuer)


def presents_token(scope: Scope) -> bool:
    """Return whether an agent calls, with a proof or our own token. A session beside it is a borrowed one."""
    return bool(header_values(scope, b"dpop")) or any(
        one[:5].lower() == "dpop " for one in header_values(scope, b"authorization")
    )
