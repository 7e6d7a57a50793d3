"""Security people's JSON about incidents, and about one agent or operator."""

from collections.abc import Mapping
from typing import Final

import msgspec

from remit.domain.incidents.records import Resolution
from remit.domain.records import PersonRecord
from remit.domain.structs import struct
from remit.engine.context import DeskContext
from remit.entrypoints.http.bodies import read_as
from remit.entrypoints.http.replies import HttpResponse, json_response
from remit.entrypoints.http.wire import Receive, Scope, malformed_request, query_parameters, whole_number
from remit.entrypoints.people.api import PeopleApi
from remit.entrypoints.staff.audit import LIMIT
from remit.usecases.desk.agent_profile import read_agent, read_operator
from remit.usecases.incidents.handle import GUARDS, assign_incident, close_incident, note_incident
from remit.usecases.incidents.view import FILTERS, IncidentFilter, list_incidents, read_incident

MINE: Final = "me"
"""The owner that means the signed-in person."""


class NoteIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A note on an incident."""

    text: str


class AssignIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The new owner: a person's id, `me`, or "" for none."""

    owner: str


class CloseIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The reason to close an incident, and the finding."""

    reason: str
    resolution: str = Resolution.RESOLVED.value


def incident_filter(asked: Mapping[str, str], person: PersonRecord) -> IncidentFilter:
    """Return the filter of an address; `owner=me` is the signed-in person.

    Raises:
        Refused: `request.malformed` for an unknown member or word.
    """
    unknown = sorted(set(asked) - set(FILTERS))
    if unknown:
        raise malformed_request(f"a list of incidents has no filter {unknown[0]}")
    given = {name: value for name, value in asked.items() if value}
    found = IncidentFilter(**(given | ({"owner": person.id} if given.get("owner") == MINE else {})))
    found.verify()
    return found


@struct(frozen=True)
class IncidentApi:
    """Handlers of one desk."""

    people: PeopleApi

    @property
    def context(self) -> DeskContext:
        """The desk's parts."""
        return self.people.context

    async def _person(self, scope: Scope) -> PersonRecord:
        return await self.people.officer(scope, *sorted(GUARDS))

    async def incidents(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /security/v1/incidents?state=&severity=&kind=&agent=&operator=&owner=: those not closed by default."""
        person = await self._person(scope)
        wanted = incident_filter(query_parameters(scope), person)
        return json_response(200, {"incidents": await list_incidents(self.context, wanted, reader=person.id)})

    async def incident(self, scope: Scope, _receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """GET /security/v1/incidents/{id}?low=: one with its time line."""
        person = await self._person(scope)
        low = whole_number(query_parameters(scope).get("low", "0"), where="low", most=LIMIT)
        return json_response(200, await read_incident(self.context, found["id"], low=low, reader=person.id))

    async def note(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """POST /security/v1/incidents/{id}/notes."""
        person = await self._person(scope)
        body = await read_as(scope, receive, NoteIn)
        return json_response(201, await note_incident(self.context, person, found["id"], body.text))

    async def assign(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """POST /security/v1/incidents/{id}/assign: taking it oneself acknowledges it."""
        person = await self._person(scope)
        body = await read_as(scope, receive, AssignIn)
        owner = person.id if body.owner == MINE else body.owner
        return json_response(200, await assign_incident(self.context, person, found["id"], owner))

    async def close(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """POST /security/v1/incidents/{id}/close: with a reason."""
        person = await self._person(scope)
        body = await read_as(scope, receive, CloseIn)
        done = await close_incident(self.context, person, found["id"], reason=body.reason, resolution=body.resolution)
        return json_response(200, done)

    async def agent(self, scope: Scope, _receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """GET /security/v1/agents/{client_id}: one agent with its history."""
        await self._person(scope)
        return json_response(200, await read_agent(self.context, found["id"]))

    async def operator(self, scope: Scope, _receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """GET /security/v1/operators/{name}: one operator with its agents."""
        await self._person(scope)
        return json_response(200, await read_operator(self.context, found["id"]))
