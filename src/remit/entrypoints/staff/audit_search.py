"""Auditors' search of the transcript, and the export of its findings."""

from collections.abc import Mapping

import msgspec

from remit.domain import saved_views
from remit.domain.records import PersonRecord
from remit.domain.structs import struct
from remit.domain.transcript.search import SearchQuery, parse_query
from remit.domain.values import Instant
from remit.entrypoints.http.bodies import read_as
from remit.entrypoints.http.cookies import desk_for_request
from remit.entrypoints.http.replies import BodyStream, HttpResponse, json_response
from remit.entrypoints.http.wire import Receive, Scope, malformed_request, query_parameters, whole_number
from remit.entrypoints.people.api import PeopleApi
from remit.entrypoints.staff.audit import LIMIT, ROLES
from remit.entrypoints.web.audit_rows import row_sentence
from remit.usecases.transcript.export_rows import (
    FORMATS,
    ExportRequest,
    Exports,
    export_rows,
    record_export,
    row_json,
)
from remit.usecases.transcript.rows import END, MAX_PAGE, PAGE, RowPage, find_rows
from remit.usecases.transcript.search_index import TranscriptIndex

PARAMETERS = saved_views.PARAMETERS["audit"]
"""Parameters of a search, on the page and in JSON."""
_PATIENCE_S = 2.0
_TYPES: Mapping[str, bytes] = {"csv": b"text/csv; charset=utf-8", "jsonl": b"application/jsonl; charset=utf-8"}


class ExportIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The format (csv or jsonl) and filters of an export, by their names in the page's address."""

    format: str
    filters: dict[str, str] = {}


@struct(frozen=True)
class AuditSearchApi:
    """Handlers of one desk."""

    people: PeopleApi
    index: TranscriptIndex
    exports: Exports

    async def rows(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /audit/v1/rows?q=&from=&to=&…&before=&limit=: found rows, the newest first."""
        await self.people.officer(scope, *ROLES)
        asked, context = query_parameters(scope), self.people.context
        before = whole_number(asked.get("before", str(LIMIT)), where="before", most=LIMIT)
        limit = whole_number(asked.get("limit", str(PAGE)), where="limit", most=MAX_PAGE)
        found = await find_rows(
            context,
            self.index,
            search_query(asked, now=context.world.now()),
            before=END if before == LIMIT else before,
            limit=max(limit, 1),
            patience_s=_PATIENCE_S,
        )
        return json_response(200, page_json(found))

    async def export(self, scope: Scope, receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """POST /audit/v1/export: the rows of a search as a file, streamed. Its entry is written first."""
        officer = await self.people.officer(scope, *ROLES)
        body = await read_as(scope, receive, ExportIn)
        if body.format not in FORMATS:
            raise malformed_request(f"format must be one of {', '.join(FORMATS)}")
        unknown = sorted(set(body.filters) - set(PARAMETERS))
        if unknown:
            raise malformed_request(f"there is no filter {unknown[0]!r}")
        context = self.people.context
        filters = {name: value for name, value in body.filters.items() if value.strip()}
        wanted = ExportRequest(
            format=body.format, query=search_query(filters, now=context.world.now()), filters=filters
        )
        self.exports.begin()
        try:
            return await self._streamed(scope, officer, wanted)
        except BaseException:
            self.exports.end()
            raise

    async def _streamed(self, scope: Scope, officer: PersonRecord, wanted: ExportRequest) -> HttpResponse:
        spoken = desk_for_request(self.people.context, scope)
        before = await record_export(self.people.context, officer, wanted)

        async def may_read() -> None:
            await self.people.officer(scope, *ROLES)

        pieces = export_rows(
            self.people.context,
            self.index,
            wanted,
            before=before,
            describe=lambda row: row_sentence(row, spoken.catalogue),
            may_read=may_read,
        )
        name = f'attachment; filename="audit-log-{before}.{wanted.format}"'.encode()
        headers = ((b"content-disposition", name), (b"cache-control", b"no-store"))
        stream = BodyStream(pieces, self.exports.end)
        return HttpResponse(200, b"", _TYPES[wanted.format], headers, stream=stream)


def search_query(asked: Mapping[str, str], *, now: Instant) -> SearchQuery:
    """Parse the search of an address.

    Raises:
        Refused: `request.malformed`.
    """
    filters = {name: asked.get(name, "").strip() for name in PARAMETERS if name != "q"}
    return parse_query(asked.get("q", "").strip(), filters, now=now)


def page_json(found: RowPage) -> dict[str, object]:
    """Return a page of rows as JSON. `complete` is false where a part of the log was not looked through yet."""
    return {
        "rows": [row_json(one) for one in found.rows],
        "next": found.more,
        "entries": found.size,
        "searched_from": found.searched,
        "complete": found.more is None and found.searched == 0,
    }
