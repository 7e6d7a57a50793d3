"""Pages of the desk's own people: the officer's queue and cases, security, and audit."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from typing import Final

from remit.domain.catalogue.model import CUSTOMER
from remit.domain.confirm.render_values import told as told_ask
from remit.domain.policy.confirmers import OFFICER
from remit.domain.records import Person
from remit.domain.values import Json, JsonObject
from remit.engine.context import Parts
from remit.engine.desk import names_if_reachable, names_of
from remit.engine.people.accounts import desk_officer, verify_officer
from remit.entrypoints.http.replies import Answer
from remit.entrypoints.http.wire import Receive, Scope, query, whole_number
from remit.entrypoints.staff.audit import MOST, asked_for
from remit.entrypoints.staff.audit import ROLES as AUDITORS
from remit.entrypoints.staff.security import ROLES as GUARDS
from remit.entrypoints.web import file_pages
from remit.entrypoints.web.entry_details import Known, envelope_lines
from remit.entrypoints.web.entry_text import asks_of, change_row, decision_row, told, unlisted
from remit.entrypoints.web.layout import page
from remit.entrypoints.web.offer_form import offer_forms, told_terms
from remit.entrypoints.web.pages import Pages, go
from remit.entrypoints.web.phrases import ANSWERS, BAITS, ENDINGS, PROOFS, SIGNS, STATES, TIERS, WHYS, WORDS_STATES
from remit.entrypoints.web.report_page import report_page
from remit.usecases.canaries import canaries
from remit.usecases.confirm.queue import waiting_list
from remit.usecases.desk import security_view as watch
from remit.usecases.desk.case_story import story
from remit.usecases.desk.cases import case_card, cases
from remit.usecases.desk.page_events import seen_at_security, seen_by
from remit.usecases.files import held_files
from remit.usecases.people.dual_control import SPECIAL_ROLES, is_alone, proposals
from remit.usecases.transcript import audit
from remit.usecases.transcript.report import CountedLog, Counting

_CASE: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_PAGE: Final = 200
_PATIENCE_S: Final = 0.08
"""So long a page waits for a count; then it says how far it is, and asks again."""


_Handler = Callable[["OfficerPages", Scope, Receive, Mapping[str, str]], Awaitable[Answer]]


def _in_their_language(handler: _Handler) -> _Handler:
    """A handler of pages that speak to whoever asks for them."""

    @wraps(handler)
    async def run(self: "OfficerPages", scope: Scope, receive: Receive, found: Mapping[str, str]) -> Answer:
        return await handler(self.speaking_to(scope), scope, receive, found)

    return run


@dataclass(frozen=True, slots=True)
class OfficerPages:
    """Handlers of one desk."""

    pages: Pages
    counted: CountedLog

    @property
    def parts(self) -> Parts:
        """The desk's parts."""
        return self.pages.parts

    def speaking_to(self, scope: Scope) -> "OfficerPages":
        """The same pages as they speak to whoever asks for one."""
        return replace(self, pages=replace(self.pages, parts=self.pages.spoken(scope)))

    def _words(self, table: Mapping[str, str]) -> dict[str, str]:
        """A list of words in the reader's language."""
        return {name: self.parts.catalogue.say(word) for name, word in table.items()}

    def _tier(self, tier: str) -> str:
        return self.parts.catalogue.say(TIERS.get(tier, ""), desk=self.parts.catalogue.desk)

    @_in_their_language
    async def desk(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> Answer:
        """GET /desk: what waits for this officer's roles, and the cases with agents."""
        officer = desk_officer(self.parts, await self.pages.who(scope, "officer"))
        seen = await seen_by(self.parts, officer)  # before all that is shown: what comes meanwhile is news
        rows = [self._titled(row) for row in await cases(self.parts)]
        waiting = await waiting_list(self.parts, officer)
        return page(
            self.parts,
            "desk.html",
            officer,
            seen=seen,
            files=await held_files(self.parts),
            queues=[
                (role, self._role(role), [one for one in waiting if one["role"] == role])
                for role in officer.roles
                if self._has(role)
            ],
            cases=rows,
            roles=[self._role(role) for role in officer.roles],
            role=self._role,
            who=self._who,
            file_whys=self._words(file_pages.WHYS),
            signs=self._words(SIGNS),
            endings=self._words(ENDINGS),
        )

    def _has(self, role: str) -> bool:
        return role in self.parts.catalogue.roles

    def _role(self, name: str) -> str:
        found = self.parts.catalogue.roles.get(name)
        return found.title if found is not None else name

    def _who(self, word: str) -> str:
        """Somebody who is asked, as people say it."""
        return self.parts.catalogue.say("the customer") if word == CUSTOMER else self._role(word.removeprefix(OFFICER))

    @_in_their_language
    async def case(self, scope: Scope, _receive: Receive, found: Mapping[str, str]) -> Answer:
        """GET /desk/cases/{id}: the officer's card of one case."""
        officer = desk_officer(self.parts, await self.pages.who(scope, "officer"))
        return await self._case(officer, await case_card(self.parts, found["id"]))

    async def _case(self, officer: Person, card: Mapping[str, Json]) -> Answer:
        asks, timeline = card["asks"], card["timeline"]
        rows = [one for one in timeline if isinstance(one, Mapping)] if isinstance(timeline, list) else []
        return page(
            self.parts,
            "case.html",
            officer,
            card=self._titled(card),
            file_kinds=self._words(file_pages.KINDS),
            file_states=self._words(file_pages.STATES),
            timeline=[told(row, self.parts.catalogue, asks_of(rows), own=False) for row in rows],
            proofs=self._words(PROOFS),
            signs=self._words(SIGNS),
            answers=self._words(ANSWERS),
            whys=self._words(WHYS),
            attributes={name: one.title for name, one in self.parts.catalogue.attributes.items()},
            who=self._who,
            asks=await self._asks(
                str(card["customer"]),
                [one for one in asks if isinstance(one, Mapping)] if isinstance(asks, list) else [],
            ),
            tier=self._tier(str(card["tier"])),
            endings=self._words(ENDINGS),
            states=self._words(STATES),
            words_states=self._words(WORDS_STATES),
            offers=offer_forms(self.parts.catalogue, officer.roles),
            terms=self._terms,
        )

    def _titled(self, row: Mapping[str, Json]) -> dict[str, object]:
        objective = self.parts.catalogue.objectives.get(str(row["objective"]))
        return {**row, "title": objective.title if objective is not None else str(row["objective"])}

    async def _asks(self, customer: str, asks: Sequence[JsonObject]) -> list[dict[str, object]]:
        """What an agent asked, in words, with what the desk calls the records."""
        actions = self.parts.catalogue.actions
        wishes = [(actions.get(str(one["action"])), one["params"]) for one in asks]
        known = [(action, params) for action, params in wishes if action is not None and isinstance(params, Mapping)]
        names = await names_if_reachable(names_of(self.parts, customer, known, {}))
        everybody = Known(self.parts.catalogue, names, own=False)
        titles = [
            told_ask(action, params if isinstance(params, Mapping) else {}, names, self.parts.catalogue.say)
            if action is not None
            else ""
            for action, params in wishes
        ]
        return [
            {**one, "title": title or unlisted(str(one["action"]), everybody)}
            for one, title in zip(asks, titles, strict=True)
        ]

    def _terms(self, offer: JsonObject) -> str:
        terms = offer["terms"]
        return told_terms(
            self.parts.catalogue.actions.get(str(offer["action"])),
            terms if isinstance(terms, Mapping) else {},
            self.parts.catalogue.say,
        )

    @_in_their_language
    async def security(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> Answer:
        """GET /security: what agents ask just now, what is stopped or waits for a second person, agents, what happened, and what was changed."""
        officer = verify_officer(await self.pages.who(scope, "officer"), *GUARDS)
        seen = await seen_at_security(self.parts, officer)  # before what is shown: what comes meanwhile is news
        rows = await watch.incidents(self.parts)
        return page(
            self.parts,
            "security.html",
            officer,
            agents=await watch.agents(self.parts),
            customers=await watch.customers(self.parts),
            suspensions=await watch.suspensions(self.parts),
            proposals=await proposals(self.parts),
            alone=await is_alone(self.parts, officer),
            officers=await watch.officers(self.parts),
            roles=sorted({*self.parts.catalogue.roles, *SPECIAL_ROLES}),
            objectives={name: one.title for name, one in sorted(self.parts.catalogue.objectives.items())},
            incidents=[told(row, self.parts.catalogue, own=False) for row in rows[:50]],
            decisions=[decision_row(row, self.parts.catalogue) for row in await watch.decisions(self.parts)],
            changes=[change_row(row, self.parts.catalogue) for row in await watch.changes(self.parts)],
            canaries=await canaries(self.parts),
            baits=self._words(BAITS),
            seen=seen,
            sees_cases=bool({"admin", *self.parts.catalogue.roles} & set(officer.roles)),
        )

    @_in_their_language
    async def audit(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> Answer:
        """GET /audit?low=&ref=: the transcript, its key and checkpoint, and what customers contest."""
        officer = verify_officer(await self.pages.who(scope, "officer"), *AUDITORS)
        asked = query(scope)
        text, ref = asked.get("low", ""), asked.get("ref", "").strip()
        if ref.startswith("case_") and _CASE.fullmatch(ref):
            return go(f"/audit/cases/{ref}")
        low = whole_number(text or "0", where="low", most=MOST)
        rows = await audit.browse(self.parts, low=low, ref=ref, newest=not text)
        asks = asks_of(rows)
        return page(
            self.parts,
            "audit.html",
            officer,
            entries=self._entries(rows, asks),
            ref=ref,
            low=low,
            oldest_first=bool(text),
            page_size=_PAGE,
            checkpoint=await self.parts.store.checkpoint(),
            key=self.parts.signer.log_key(),
            contests=await audit.open_contests(self.parts),
        )

    def _entries(self, rows: Sequence[JsonObject], asks: Mapping[str, JsonObject]) -> list[dict[str, object]]:
        return [
            {
                **told(row, self.parts.catalogue, asks, own=False),
                "envelope": envelope_lines(row["envelope"], self.parts.catalogue.say),
            }
            for row in rows
        ]

    @_in_their_language
    async def story(self, scope: Scope, _receive: Receive, found: Mapping[str, str]) -> Answer:
        """GET /audit/cases/{case}?low=: a case as a story, from what the customer granted to its end."""
        officer = verify_officer(await self.pages.who(scope, "officer"), *AUDITORS)
        low = whole_number(query(scope).get("low", "0"), where="low", most=MOST)
        seen = await story(self.parts, found["id"], low=low)
        return page(
            self.parts,
            "story.html",
            officer,
            story=seen,
            tasks=[{**self._titled(one), "tier_said": self._tier(str(one["tier"]))} for one in seen.tasks],
            entries=self._entries(seen.entries, asks_of(seen.entries)),
            endings=self._words(ENDINGS),
            first=low == 0,
        )

    @_in_their_language
    async def report(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> Answer:
        """GET /audit/report?since=&until=&framework=: what the log shows about controls of known frameworks."""
        officer = verify_officer(await self.pages.who(scope, "officer"), *AUDITORS)
        asked = query(scope)
        period, frameworks = asked_for(asked, self.parts.frameworks)
        told_report = await self.counted.soon(self.parts, period=period, frameworks=frameworks, patience_s=_PATIENCE_S)
        if isinstance(told_report, Counting):
            return page(self.parts, "counting.html", officer, counting=told_report)
        return report_page(self.parts, officer, told_report, asked)
