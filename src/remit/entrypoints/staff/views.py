"""Saved views of the staff's lists, for every officer."""

from collections.abc import Mapping, Sequence

import msgspec

from remit.domain.records import SavedView
from remit.domain.saved_views import PAGES, filters_of
from remit.domain.structs import struct
from remit.domain.values import Json
from remit.engine.context import DeskContext
from remit.entrypoints.http.bodies import read_as
from remit.entrypoints.http.replies import HttpResponse, json_response
from remit.entrypoints.http.wire import Receive, Scope, query_parameters
from remit.entrypoints.people.api import PeopleApi
from remit.usecases.people.saved_views import list_views, remove_view, save_view


class ViewIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A view to save: the list (queue, audit or security), a name, and the filters by their names in the address."""

    page: str
    name: str
    filters: dict[str, str]


class RemoveViewIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A view to remove."""

    page: str
    name: str


@struct(frozen=True)
class ViewsApi:
    """Handlers of one desk."""

    people: PeopleApi

    @property
    def context(self) -> DeskContext:
        """The desk's parts."""
        return self.people.context

    async def views(self, scope: Scope, receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /staff/v1/views?page=: the officer's own views; POST saves one."""
        officer = await self.people.officer(scope)
        if scope["method"] == "GET":
            return _told(list_views(self.context, officer, query_parameters(scope).get("page", "")))
        body = await read_as(scope, receive, ViewIn)
        return _told(await save_view(self.context, officer, body.page, body.name, body.filters))

    async def remove(self, scope: Scope, receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """POST /staff/v1/views/remove."""
        officer = await self.people.officer(scope)
        body = await read_as(scope, receive, RemoveViewIn)
        return _told(await remove_view(self.context, officer, body.page, body.name))


def _told(views: Sequence[SavedView]) -> HttpResponse:
    return json_response(200, {"views": [view_body(one) for one in views]})


def view_body(view: SavedView) -> dict[str, Json]:
    """Build a view as JSON, with the address that opens it."""
    filters: dict[str, Json] = {**filters_of(view)}
    return {"page": view.page, "name": view.name, "filters": filters, "address": f"{PAGES[view.page]}?{view.query}"}
