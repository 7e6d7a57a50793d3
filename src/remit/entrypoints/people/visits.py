"""The JSON twin of the page on which a customer picks a visitor's purpose."""

from collections.abc import Mapping

import msgspec

from remit.domain.structs import struct
from remit.domain.values import instant_text
from remit.entrypoints.http.bodies import read_as
from remit.entrypoints.http.cookies import desk_for_request
from remit.entrypoints.http.replies import HttpResponse, json_response
from remit.entrypoints.http.wire import Receive, Scope, query_parameters
from remit.entrypoints.people.api import PeopleApi
from remit.usecases.mandates.grant import URN
from remit.usecases.visitors.request import Visit, VisitRefused, request_visit, view_visit


class VisitIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The purpose a customer picks, and the records it is about (empty where it is about none)."""

    objective: str
    records: list[str] = []


@struct(frozen=True)
class VisitsApi:
    """Handlers of one desk."""

    api: PeopleApi

    async def visit(self, scope: Scope, receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET and POST /me/v1/visits?…: the query is the client's authorization request, as at /oauth/authorize.

        POST picks, and answers with the mandate request to cut and sign at /me/v1/requests/{id}.
        """
        person, desk = await self.api.who(scope, "customer"), desk_for_request(self.api.context, scope)
        query = {name: value for name, value in query_parameters(scope).items() if value}
        try:
            if scope["method"] == "GET":
                return json_response(200, _body(await view_visit(desk, person, query)))
            picked = await read_as(scope, receive, VisitIn)
            visit = await view_visit(desk, person, query)
            request = await request_visit(desk, person, visit, objective=picked.objective, records=picked.records)
        except VisitRefused as refused:
            return json_response(200, {"redirect": refused.redirect})
        body = {"request": request.id, "request_uri": URN + request.id, "expires_at": instant_text(request.expires_at)}
        return json_response(200, body)


def _body(visit: Visit) -> Mapping[str, object]:
    agent = visit.agent.record
    return {
        "client": {
            "client_id": agent.id,
            "host": agent.operator,
            "name": agent.name,
            "known_by": agent.known_by,
            "redirect_uri": visit.redirect_uri,
        },
        "resource": visit.resource,
        "decline": visit.decline,
        "purposes": [
            {
                "objective": one.objective.name,
                "title": one.objective.title,
                "target": one.objective.target,
                "records": [{"id": record.id, "name": record.name} for record in one.records],
            }
            for one in visit.purposes
        ],
    }
