"""Pages of the staff: the officer's queue and cases, and audit."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import wraps
from typing import Final

from remit.domain.catalogue.model import CUSTOMER
from remit.domain.confirm.case_phrases import ENDINGS, PROOFS, PROVED_NOTHING, SIGNS
from remit.domain.confirm.render_values import Names, past_title
from remit.domain.i18n import Translator
from remit.domain.policy.confirmers import OFFICER
from remit.domain.records import PersonRecord, Tier
from remit.domain.structs import replace, struct
from remit.domain.values import Json, JsonObject
from remit.engine.context import DeskContext
from remit.engine.people.accounts import desk_officer, verify_officer
from remit.entrypoints.http.replies import HttpResponse
from remit.entrypoints.http.wire import Receive, Scope, query_parameters, whole_number
from remit.entrypoints.staff.audit import LIMIT, report_query
from remit.entrypoints.staff.audit import ROLES as AUDITORS
from remit.entrypoints.web import file_pages
from remit.entrypoints.web.act_text import unknown_action_label
from remit.entrypoints.web.ask_rows import ask_row_text, fold_asks
from remit.entrypoints.web.entry_details import EntryContext, envelope_lines
from remit.entrypoints.web.entry_parties import staff_parties
from remit.entrypoints.web.entry_text import entry_asks, entry_text
from remit.entrypoints.web.layout import render_page
from remit.entrypoints.web.offer_form import offer_forms, terms_text
from remit.entrypoints.web.pages import Pages
from remit.entrypoints.web.phrases import ANSWERS, STATES, TIERS, WHYS, WORDS_STATES
from remit.entrypoints.web.queue_page import queue_page
from remit.entrypoints.web.record_names import ask_names, names_of_entries
from remit.entrypoints.web.report_page import report_page
from remit.usecases.desk.case_story import case_story
from remit.usecases.desk.cases import case_card
from remit.usecases.desk.macros import case_macros
from remit.usecases.transcript.officers_named import for_auditors
from remit.usecases.transcript.report import CountedLog, CountProgress

_PATIENCE_S: Final = 0.08
"""Maximum wait, in seconds, for a count; then the page shows its progress and asks again."""


_Handler = Callable[["OfficerPages", Scope, Receive, Mapping[str, str]], Awaitable[HttpResponse]]


def _in_their_language(handler: _Handler) -> _Handler:
    """Wrap a handler of pages so that they speak the reader's language."""

    @wraps(handler)
    async def run(self: "OfficerPages", scope: Scope, receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        return await handler(self.speaking_to(scope), scope, receive, found)

    return run


@struct(frozen=True)
class OfficerPages:
    """Handlers of one desk."""

    pages: Pages
    counted: CountedLog

    @property
    def context(self) -> DeskContext:
        """The desk's parts."""
        return self.pages.context

    @property
    def say(self) -> Translator:
        """The reader's language."""
        return self.context.catalogue.say

    def speaking_to(self, scope: Scope) -> "OfficerPages":
        """Return the same pages in the language of a request."""
        return replace(self, pages=replace(self.pages, context=self.pages.spoken(scope)))

    def _tier(self, tier: str) -> str:
        return self.say(
            PROVED_NOTHING if tier == Tier.VISITOR else TIERS.get(tier, ""), desk=self.context.catalogue.desk
        )

    @_in_their_language
    async def desk(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /desk?role=&due=&min=&customer=&agent=&state=&page=: the queue of this officer's roles, and the cases."""
        officer = desk_officer(self.context, await self.pages.who(scope, "officer"))
        return await queue_page(self.context, officer, query_parameters(scope))

    def _role(self, name: str) -> str:
        found = self.context.catalogue.roles.get(name)
        return found.title if found is not None else name

    def _who(self, word: str) -> str:
        """Name a confirmer in words."""
        return self.say("the customer") if word == CUSTOMER else self._role(word.removeprefix(OFFICER))

    @_in_their_language
    async def case(self, scope: Scope, _receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """GET /desk/cases/{id}: the officer's card of one case."""
        officer = desk_officer(self.context, await self.pages.who(scope, "officer"))
        return await self._case(officer, await case_card(self.context, found["id"]))

    async def _case(self, officer: PersonRecord, card: Mapping[str, Json]) -> HttpResponse:
        asks, timeline = card["asks"], card["timeline"]
        rows = [one for one in timeline if isinstance(one, Mapping)] if isinstance(timeline, list) else []
        parties = await staff_parties(self.context, rows, str(card["customer_name"]))
        known, asked = entry_asks(rows), asks if isinstance(asks, list) else []
        wishes = [one for one in asked if isinstance(one, Mapping)]
        names = await ask_names(self.context, str(card["customer"]), [(one["action"], one["params"]) for one in wishes])
        return render_page(
            self.context,
            "case.html",
            officer,
            card=self._titled(card),
            file_kinds=self.say.each(file_pages.KINDS),
            file_states=self.say.each(file_pages.STATES),
            timeline=[
                ask_row_text(row, self.context.catalogue, known, names=names, own=False, parties=parties)
                for row in fold_asks(rows)
            ],
            proofs=self.say.each(PROOFS),
            signs=self.say.each(SIGNS),
            answers=self.say.each(ANSWERS),
            whys=self.say.each(WHYS),
            attributes={name: one.title for name, one in self.context.catalogue.attributes.items()},
            who=self._who,
            asks=self._asks(wishes, names),
            tier=self._tier(str(card["tier"])),
            endings=self.say.each(ENDINGS),
            states=self.say.each(STATES),
            words_states=self.say.each(WORDS_STATES),
            macros=await case_macros(self.context, str(card["case"])),
            case_id=card["case"],
            mine=[f"{OFFICER}{role}" for role in officer.roles],
            offers=offer_forms(self.context.catalogue, officer.roles),
            terms=self._terms,
        )

    def _titled(self, row: Mapping[str, Json]) -> dict[str, object]:
        objective = self.context.catalogue.objectives.get(str(row["objective"]))
        return {**row, "title": objective.title if objective is not None else str(row["objective"])}

    def _asks(self, asks: Sequence[JsonObject], names: Names) -> list[dict[str, object]]:
        """Describe an agent's asks, with the desk's names of records."""
        actions = self.context.catalogue.actions
        wishes = [(actions.get(str(one["action"])), one["params"]) for one in asks]
        everybody = EntryContext(self.context.catalogue, names, own=False)
        titles = [
            past_title(action, params if isinstance(params, Mapping) else {}, names, self.say)
            if action is not None
            else ""
            for action, params in wishes
        ]
        return [
            {**one, "title": title or unknown_action_label(str(one["action"]), everybody)}
            for one, title in zip(asks, titles, strict=True)
        ]

    def _terms(self, offer: JsonObject) -> str:
        terms = offer["terms"]
        return terms_text(
            self.context.catalogue.actions.get(str(offer["action"])),
            terms if isinstance(terms, Mapping) else {},
            self.say,
        )

    async def _entries(self, rows: Sequence[JsonObject], asks: Mapping[str, JsonObject]) -> list[dict[str, object]]:
        parties = await staff_parties(self.context, rows, reader="audit")
        names = await names_of_entries(self.context, rows)
        return [
            {
                **entry_text(
                    for_auditors(self.context, row),
                    self.context.catalogue,
                    asks,
                    names=named,
                    own=False,
                    parties=parties,
                ),
                "envelope": envelope_lines(row["envelope"], self.say),
            }
            for row, named in zip(rows, names, strict=True)
        ]

    @_in_their_language
    async def story(self, scope: Scope, _receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """GET /audit/cases/{case}?low=: a case as a story, from the mandate to its end."""
        officer = verify_officer(await self.pages.who(scope, "officer"), *AUDITORS)
        low = whole_number(query_parameters(scope).get("low", "0"), where="low", most=LIMIT)
        seen = await case_story(self.context, found["id"], low=low)
        return render_page(
            self.context,
            "story.html",
            officer,
            story=seen,
            tasks=[{**self._titled(one), "tier_said": self._tier(str(one["tier"]))} for one in seen.tasks],
            entries=await self._entries(seen.entries, entry_asks(seen.entries)),
            endings=self.say.each(ENDINGS),
            first=low == 0,
        )

    @_in_their_language
    async def report(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /audit/report?since=&until=&framework=: the log's evidence for controls of known frameworks."""
        officer = verify_officer(await self.pages.who(scope, "officer"), *AUDITORS)
        asked = query_parameters(scope)
        period, frameworks = report_query(asked, self.context.frameworks)
        told_report = await self.counted.report_or_progress(
            self.context, period=period, frameworks=frameworks, patience_s=_PATIENCE_S
        )
        if isinstance(told_report, CountProgress):
            return render_page(self.context, "counting.html", officer, counting=told_report)
        return report_page(self.context, officer, told_report, asked)
