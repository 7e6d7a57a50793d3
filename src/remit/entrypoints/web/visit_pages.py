"""The first page of a visitor's request: the client, and the purposes to pick from. The consent page follows."""

from collections.abc import Mapping
from typing import Final

from remit.domain.records import PersonRecord
from remit.domain.structs import struct
from remit.engine.context import DeskContext
from remit.entrypoints.http.bodies import read_form
from remit.entrypoints.http.replies import HttpResponse
from remit.entrypoints.http.wire import Receive, Scope, malformed_request, query_parameters
from remit.entrypoints.people.session import verify_own_page
from remit.entrypoints.web.layout import render_page
from remit.entrypoints.web.pages import Pages, redirect_to
from remit.usecases.mandates.grant import URN, with_query
from remit.usecases.people import overview as views
from remit.usecases.visitors.request import Visit, VisitRefused, request_visit, view_visit

AUTHORIZE: Final = "/oauth/authorize"
_RECORD: Final = "record:"


@struct(frozen=True)
class VisitPages:
    """Handlers of one desk."""

    pages: Pages

    async def show(self, scope: Scope, query: Mapping[str, str]) -> HttpResponse:
        """Show the client, and the purposes to pick from. ⚔ No parameter ticks anything.

        Raises:
            Refused: as `view_visit`.
        """
        person, desk = await self.pages.who(scope, "customer"), self.pages.spoken(scope)
        try:
            visit = await view_visit(desk, person, query)
        except VisitRefused as refused:
            return _refused(desk, person, refused)
        return await self._page(desk, scope, person, visit, problem="")

    async def pick(self, scope: Scope, receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """POST /oauth/authorize: the purpose and records a customer picked; the consent page follows.

        Raises:
            Refused: `person.not_allowed` for another site's form, `request.malformed`, as `request_visit`.
        """
        verify_own_page(self.pages.context.terms.issuer, scope)
        person, desk = await self.pages.who(scope, "customer"), self.pages.spoken(scope)
        form, query = await read_form(scope, receive), query_parameters(scope)
        objective = form.get("objective", "")
        marker = f"{_RECORD}{objective}:"
        if any(name != "objective" and not name.startswith(_RECORD) for name in form):
            raise malformed_request("the form has a purpose and records")
        records = [name.removeprefix(marker) for name in form if name.startswith(marker)]
        try:
            visit = await view_visit(desk, person, query)
            picked = next((one for one in visit.purposes if one.objective.name == objective), None)
            if picked is None or (picked.objective.target and not records):
                problem = "purpose" if picked is None else "record"
                return await self._page(desk, scope, person, visit, problem=problem)
            request = await request_visit(desk, person, visit, objective=objective, records=records)
        except VisitRefused as refused:
            return _refused(desk, person, refused)
        return redirect_to(with_query(AUTHORIZE, {"client_id": request.client_id, "request_uri": URN + request.id}))

    async def _page(
        self, desk: DeskContext, scope: Scope, person: PersonRecord, visit: Visit, *, problem: str
    ) -> HttpResponse:
        agent = visit.agent.record
        return render_page(
            desk,
            "visit.html",
            person,
            status=422 if problem else 200,
            agent=agent,
            query=scope.get("query_string", b"").decode("latin-1"),
            back=visit.redirect_uri,
            decline=visit.decline,
            purposes=visit.purposes,
            kinds={kind: one.title for kind, one in desk.catalogue.resources.items()},
            before=await views.granted_before(desk, person, agent.id),
            disowned=await views.disowned_since(desk, person, agent.id),
            problem=problem,
        )


def _refused(desk: DeskContext, person: PersonRecord, refused: VisitRefused) -> HttpResponse:
    """Show what is wrong with a request, and the way back.

    ⚔ Anyone can be a client, and make a wrong request: the browser is not sent on by itself, or this desk's address
    would lead to any other.

    Source: RFC 9700 §4.11.2.
    """
    said = refused.public or refused.detail
    return render_page(desk, "visit_refused.html", person, status=400, said=said, back=refused.redirect)


def is_visit(desk: DeskContext, query: Mapping[str, str]) -> bool:
    """Return whether an authorization request is a visitor's: it was not pushed, and names its client."""
    pushed = "request_uri" in query or "client_id" not in query or "response_type" not in query
    return desk.visitors is not None and not pushed
