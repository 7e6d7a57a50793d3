"""The officer's queue as a page: one list, its filters, mentions, held files and cases."""

from collections.abc import Mapping
from urllib.parse import urlencode

from remit.domain.confirm.case_phrases import ENDINGS, SIGNS
from remit.domain.i18n import marked
from remit.domain.records import PersonRecord
from remit.domain.values import Json
from remit.engine.context import DeskContext
from remit.entrypoints.http.replies import HttpResponse
from remit.entrypoints.http.wire import whole_number
from remit.entrypoints.staff.views import view_body
from remit.entrypoints.web import file_pages
from remit.entrypoints.web.layout import render_page
from remit.usecases.confirm.queue_rows import DUE, FILTERS, PAGE, QueueFilter, officer_queue, read_filter
from remit.usecases.desk.cases import list_cases
from remit.usecases.desk.mentions import list_mentions
from remit.usecases.desk.page_events import page_version
from remit.usecases.files import held_files
from remit.usecases.people.saved_views import list_views

DUE_NAMES: Mapping[str, str] = {
    "1h": marked("in the next hour"),
    "4h": marked("in the next 4 hours"),
    "24h": marked("in the next 24 hours"),
}
"""Choices of the filter by due time."""
URGENCY: Mapping[str, str] = {"calm": marked("on time"), "soon": marked("soon"), "urgent": marked("urgent")}
_FIRST_CASES = 8
_MOST_PAGES = 100


async def queue_page(desk: DeskContext, officer: PersonRecord, query: Mapping[str, str]) -> HttpResponse:
    """Render the queue with the filters of an address.

    Raises:
        Refused: `request.malformed`, as `read_filter`.
    """
    seen = await page_version(desk, officer)  # before any content is read: later changes are news
    wanted = read_filter(query)
    page = whole_number(query.get("page", "1"), where="page", most=_MOST_PAGES) or 1
    shown = await officer_queue(desk, officer, wanted, page=page)
    say = desk.catalogue.say
    cases = [_titled(desk, row) for row in await list_cases(desk)]
    given = {name: query[name] for name in FILTERS if query.get(name)}
    return render_page(
        desk,
        "desk.html",
        officer,
        seen=seen,
        files=await held_files(desk),
        queue=shown,
        rows=[{**row, "act": act_text(row)} for row in shown.rows],
        mentions=await list_mentions(desk, officer),
        filters={name: query.get(name, "") for name in FILTERS},
        given=given,
        views=[view_body(one) for one in list_views(desk, officer, "queue")],
        filtered=wanted != QueueFilter(),
        page=page,
        pages=(shown.fit + PAGE - 1) // PAGE,
        earlier=_address({**given, "page": page - 1}),
        later=_address({**given, "page": page + 1}),
        roles=[(role, role_title(desk, role)) for role in officer.roles if role in desk.catalogue.roles],
        role=lambda name: role_title(desk, name),
        dues=[(name, say(DUE_NAMES[name])) for name in DUE],
        urgency=say.each(URGENCY),
        first_cases=cases[:_FIRST_CASES],
        cases=cases[_FIRST_CASES:],
        file_whys=say.each(file_pages.WHYS),
        signs=say.each(SIGNS),
        endings=say.each(ENDINGS),
    )


def act_text(row: Mapping[str, Json]) -> str:
    """Return the ask of a waiting row, in words: the first line of its rendering."""
    rendering = row["rendering"]
    lines = rendering.get("lines") if isinstance(rendering, Mapping) else None
    for line in lines if isinstance(lines, list | tuple) else ():
        if isinstance(line, Mapping) and line.get("kind") == "act":
            return str(line["text"])
    return str(row["action"])


def role_title(desk: DeskContext, name: str) -> str:
    """Return a role's title in the reader's language."""
    found = desk.catalogue.roles.get(name)
    return found.title if found is not None else name


def _titled(desk: DeskContext, row: Mapping[str, Json]) -> dict[str, object]:
    objective = desk.catalogue.objectives.get(str(row["objective"]))
    return {**row, "title": objective.title if objective is not None else str(row["objective"])}


def _address(query: Mapping[str, object]) -> str:
    return f"/desk?{urlencode(query)}"
