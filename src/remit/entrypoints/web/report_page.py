"""The page of the report: the log's evidence for controls of known frameworks, with their own titles in English."""

from collections.abc import Mapping
from typing import Final

from remit.domain.evidence.facts import TITLES, EvidenceFact
from remit.domain.evidence.report import MEANING, SUMS, ControlState, FactCount
from remit.domain.i18n import Translator, marked
from remit.domain.records import PersonRecord
from remit.engine.context import DeskContext
from remit.entrypoints.http.replies import HttpResponse
from remit.entrypoints.web.layout import render_page
from remit.usecases.transcript.report import Report


def report_page(
    desk: DeskContext, officer: PersonRecord, told_report: Report, asked: Mapping[str, str]
) -> HttpResponse:
    """Render the report. `asked` are its parameters: `since`, `until` and `framework`."""
    say = desk.catalogue.say
    return render_page(
        desk,
        "report.html",
        officer,
        report=told_report,
        figures_told=[
            {
                "whole": _figure(whole, told_report.figures.of(whole), say),
                "shares": [_figure(evidence, told_report.figures.of(evidence), say) for evidence in shares],
            }
            for whole, shares in SUMS.items()
        ],
        frameworks=[
            {
                "about": evidence.framework,
                "exercised": sum(each.state is ControlState.EXERCISED for each in evidence.controls),
                "controls": [
                    {
                        "about": each.control,
                        "state": say(_STATES[each.state]),
                        "shown": [_figure(fact, found, say) for fact, found in each.shown.items() if found.total],
                        "beside": [_figure(fact, found, say) for fact, found in each.beside.items() if found.total],
                    }
                    for each in evidence.controls
                ],
            }
            for evidence in told_report.evidence
        ],
        meaning=say(MEANING),
        choices=desk.frameworks,
        since=asked.get("since", ""),
        until=asked.get("until", ""),
        framework=asked.get("framework", ""),
    )


_STATES: Final[Mapping[ControlState, str]] = {
    ControlState.EXERCISED: marked("exercised"),
    ControlState.NOT_EXERCISED: marked("not exercised"),
}


def _figure(fact: EvidenceFact, found: FactCount, say: Translator) -> dict[str, object]:
    return {"title": say(TITLES[fact]), "total": found.total, "places": found.places}
