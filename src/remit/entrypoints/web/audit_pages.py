"""The auditors' page: the log as rows, searched and filtered; its verification; the customers' disputes."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from remit.domain.errors import Refused
from remit.domain.structs import struct
from remit.domain.transcript.search import SearchQuery
from remit.engine.context import DeskContext
from remit.engine.people.accounts import verify_officer
from remit.entrypoints.http.replies import HttpResponse
from remit.entrypoints.http.wire import Receive, Scope, query_parameters, whole_number
from remit.entrypoints.staff.audit import LIMIT, ROLES
from remit.entrypoints.staff.audit_search import PARAMETERS, search_query
from remit.entrypoints.staff.views import view_body
from remit.entrypoints.web.audit_rows import DECISIONS, KINDS, row_text
from remit.entrypoints.web.entry_parties import EntryParties, staff_labels
from remit.entrypoints.web.layout import render_page
from remit.entrypoints.web.pages import Pages, redirect_to
from remit.entrypoints.web.phrases import page_refusal
from remit.entrypoints.web.record_names import NO_NAMES, names_by_customer
from remit.usecases.people.saved_views import list_views
from remit.usecases.transcript import audit
from remit.usecases.transcript.rows import END, PAGE, RowPage, find_rows, rows_about, rows_from
from remit.usecases.transcript.search_index import TranscriptIndex

_CASE: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_PATIENCE_S: Final = 0.06
"""Time, in seconds, to read what was not read yet; then the page shows what was found, and looks again."""
_MORE: Final = ("kind", "agent", "customer", "code", "operator", "officer", "min", "max")
"""Filters behind "More filters"."""


@struct(frozen=True)
class AuditPages:
    """Handlers of one desk."""

    pages: Pages
    index: TranscriptIndex

    async def audit(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /audit?q=&from=&…&before=: found rows; `ref` names an id and `low` a place to begin at instead."""
        officer = verify_officer(await self.pages.who(scope, "officer"), *ROLES)
        context, asked = self.pages.spoken(scope), query_parameters(scope)
        ref = asked.get("ref", "").strip()
        for text in (ref, asked.get("q", "").strip()):
            if text.startswith("case_") and _CASE.fullmatch(text):
                return redirect_to(f"/audit/cases/{text}")
        filters = {name: asked[name].strip() for name in PARAMETERS if asked.get(name, "").strip()}
        say, wrong, found = context.catalogue.say, "", None
        try:
            found = await self._found(self.pages.context, asked, ref)
        except Refused as refused:
            title, said, _cure = page_refusal(refused, say)
            wrong = said or title
        return render_page(
            context,
            "audit.html",
            officer,
            rows=[] if found is None else await self._rows(context, found),
            found=found,
            wrong=wrong,
            filters=filters,
            more_set=any(name in filters for name in _MORE),
            ref=ref,
            low=asked.get("low", ""),
            older="" if found is None or found.more is None else _older(filters, ref, asked, found.more),
            decisions=say.each(DECISIONS),
            kinds=say.each(KINDS),
            views=[view_body(one) for one in list_views(context, officer, "audit")],
            checkpoint=await context.store.checkpoint(),
            key=context.signer.log_key(),
            contests=await audit.open_contests(context),
        )

    async def _rows(self, context: DeskContext, found: RowPage) -> list[dict[str, object]]:
        names = await names_by_customer(context, ((one.customer, one.action, one.params) for one in found.rows))
        entries = [entry for one in found.rows for entry in one.entries]
        agents = await staff_labels(context, entries)
        return [
            row_text(
                one,
                context.catalogue,
                names.get(one.customer, NO_NAMES),
                EntryParties(agents=agents, customer=one.customer_name),
            )
            for one in found.rows
        ]

    async def _found(self, context: DeskContext, asked: Mapping[str, str], ref: str) -> RowPage:
        before = whole_number(asked.get("before", str(LIMIT)), where="before", most=LIMIT)
        place = END if before == LIMIT else before
        if asked.get("low"):
            return await rows_from(context, whole_number(asked["low"], where="low", most=LIMIT), ref=ref)
        if ref:
            return await rows_about(context, ref, before=place)
        query: SearchQuery = search_query(asked, now=context.world.now())
        return await find_rows(context, self.index, query, before=place, limit=PAGE, patience_s=_PATIENCE_S)


def _older(filters: Mapping[str, str], ref: str, asked: Mapping[str, str], more: int) -> str:
    """Return the address of the next page."""
    place = "low" if asked.get("low") else "before"
    return f"/audit?{urlencode({**filters, **({'ref': ref} if ref else {}), place: str(more)})}"
