"""Pages of security: incidents, agents and operators, proposals for a second person, and administration."""

import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import wraps
from typing import Final
from urllib.parse import quote, urlencode

from remit.domain.confirm.case_phrases import PROOFS, PROVED_NOTHING
from remit.domain.confirm.render_values import Names
from remit.domain.i18n import Translator
from remit.domain.incidents.titles import title_of
from remit.domain.records import AgentRecord, MandateRecord, PersonRecord, TaskRecord
from remit.domain.structs import replace, struct
from remit.domain.text.normalize import make_visible
from remit.domain.values import Json, JsonObject, object_of
from remit.engine.context import DeskContext
from remit.engine.people.accounts import verify_officer
from remit.entrypoints.http.replies import HttpResponse
from remit.entrypoints.http.wire import Receive, Scope, query_parameters, whole_number
from remit.entrypoints.staff.audit import LIMIT
from remit.entrypoints.staff.incidents import incident_filter
from remit.entrypoints.staff.security import ROLES as GUARDS
from remit.entrypoints.web import incident_phrases as phrases
from remit.entrypoints.web.entry_parties import EntryParties, staff_parties
from remit.entrypoints.web.entry_text import change_row, decision_row, entry_text, stopped_name
from remit.entrypoints.web.layout import render_page
from remit.entrypoints.web.pages import Pages
from remit.entrypoints.web.phrases import BAITS
from remit.entrypoints.web.queue_page import role_title
from remit.entrypoints.web.record_names import NO_NAMES, names_of_entries
from remit.ports.store import RecordMissing
from remit.usecases.canaries import list_canaries
from remit.usecases.desk import security_view
from remit.usecases.desk.agent_profile import agent_rows, read_agent, read_operator
from remit.usecases.desk.page_events import security_page_version
from remit.usecases.incidents.handle import list_guards
from remit.usecases.incidents.view import FILTERS, count_live, list_incidents, read_incident
from remit.usecases.override_reviews import count_override_reviews, list_override_reviews
from remit.usecases.people.dual_control import SPECIAL_ROLES, is_only_approver, list_proposals, open_proposals
from remit.usecases.transcript.officers_named import names_officers

_EVENTS: Final = 40
_LINKED: Final = frozenset({"agent", "detail", "incident", "operator", "owner_before", "sent_by", "sent_in"})
"""Members of entries that are told by links, or are known beside them."""
_ROWS: Final = 25
"""Rows of one page of a list."""

_Handler = Callable[["SecurityPages", Scope, Receive, Mapping[str, str]], Awaitable[HttpResponse]]


def _for_guards(
    handler: Callable[["SecurityPages", PersonRecord, Scope, Mapping[str, str]], Awaitable[HttpResponse]],
) -> _Handler:
    """Wrap a handler: for security alone, in the reader's language."""

    @wraps(handler)
    async def run(self: "SecurityPages", scope: Scope, _receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        officer = verify_officer(await self.pages.who(scope, "officer"), *GUARDS)
        spoken = replace(self, pages=replace(self.pages, context=self.pages.spoken(scope)))
        return await handler(spoken, officer, scope, found)

    return run


@struct(frozen=True)
class SecurityPages:
    """Handlers of one desk."""

    pages: Pages

    @property
    def context(self) -> DeskContext:
        """The desk's parts."""
        return self.pages.context

    @property
    def say(self) -> Translator:
        """The reader's language."""
        return self.context.catalogue.say

    async def _page(self, name: str, officer: PersonRecord, here: str, **shown: object) -> HttpResponse:
        """Render one of the pages with their shared parts: the navigation with its numbers, and links."""
        live, unowned = await count_live(self.context)
        return render_page(
            self.context,
            name,
            officer,
            status=200,
            here=here,
            live=live,
            unowned=unowned,
            pending=len(await open_proposals(self.context)) + await count_override_reviews(self.context),
            alone=await is_only_approver(self.context, officer),
            agent_page=agent_page,
            operator_page=operator_page,
            sees_cases=bool({"admin", *self.context.catalogue.roles} & set(officer.roles)),
            sees_log=bool({"admin", "audit"} & set(officer.roles)),
            severities=self.say.each(phrases.SEVERITIES),
            looks=phrases.LOOKS,
            states=self.say.each(phrases.STATES),
            **shown,
        )

    @_for_guards
    async def security(self, officer: PersonRecord, scope: Scope, _found: Mapping[str, str]) -> HttpResponse:
        """GET /security?state=&severity=&kind=&agent=&operator=&owner=: incidents, and the live feed."""
        seen = await security_page_version(self.context, officer)  # before any content is read: later changes are news
        asked = {name: value for name, value in query_parameters(scope).items() if value}
        wanted = incident_filter(asked, officer)
        decisions = await security_view.list_decisions(self.context)
        events = (await security_view.list_events(self.context))[:_EVENTS]
        parties = await self._parties([*decisions, *events])
        return await self._page(
            "security.html",
            officer,
            "incidents",
            seen=seen,
            asked={name: asked.get(name, "") for name in FILTERS},
            filtered=bool(asked),
            incidents=[self._incident(one) for one in await list_incidents(self.context, wanted, reader=officer.id)],
            kinds=self.say.each(phrases.KINDS),
            guards=await list_guards(self.context),
            decisions=[
                {**decision_row(row, self.context.catalogue, parties, named), "incident": ""}
                for row, named in zip(decisions, await names_of_entries(self.context, decisions), strict=True)
            ],
            events=[self._event(row, parties, NO_NAMES) for row in events],
        )

    def _incident(self, row: Mapping[str, Json]) -> dict[str, object]:
        """Return an incident with its title in words."""
        return {**row, "title": self.say(title_of(str(row["kind"]), str(row["detail"])))}

    def _event(self, row: Mapping[str, Json], parties: EntryParties, names: Names) -> dict[str, object]:
        incident = object_of(row["content"]).get("incident", "")
        agent = _agent_of(row)
        return {
            **self._told(row, parties, names),
            "agent": agent,
            "agent_name": parties.agents.get(agent, ""),
            "operator": "",
            "case": str(_envelope(row).get("case", "")),
            "risk": 0,
            "signs": [],
            "incident": str(incident or _envelope(row).get("incident", "")),
        }

    def _told(self, row: Mapping[str, Json], parties: EntryParties, names: Names = NO_NAMES) -> dict[str, object]:
        """Describe an entry without the ids that its links stand for."""
        content = row["content"]
        if isinstance(content, Mapping):
            row = {**row, "content": {name: one for name, one in content.items() if name not in _LINKED}}
        return entry_text(row, self.context.catalogue, names=names, own=False, parties=parties)

    async def _parties(self, rows: Sequence[Mapping[str, Json]]) -> EntryParties:
        return await staff_parties(self.context, rows, reader="security")

    @_for_guards
    async def incident(self, officer: PersonRecord, scope: Scope, found: Mapping[str, str]) -> HttpResponse:
        """GET /security/incidents/{id}?low=: one incident: its time line, the people on it, and the possible stops."""
        seen = await security_page_version(self.context, officer)
        low = whole_number(query_parameters(scope).get("low", "0"), where="low", most=LIMIT)
        row = await read_incident(self.context, found["id"], low=low, reader=officer.id)
        timeline = row["timeline"]
        rows = [one for one in timeline if isinstance(one, Mapping)] if isinstance(timeline, list) else []
        parties = await self._parties(rows)
        ended = row["ended"]
        return await self._page(
            "incident.html",
            officer,
            "",
            seen=seen,
            incident=self._incident(row),
            timeline=[self._line(one, parties) for one in rows],
            ended=[await self._ended(str(one)) for one in ended] if isinstance(ended, list) else [],
            guards=await list_guards(self.context),
            resolutions=self.say.each(phrases.RESOLUTIONS),
            low=low,
        )

    def _line(self, row: Mapping[str, Json], parties: EntryParties) -> dict[str, object]:
        """Return one entry of a time line: a sentence of names, and the text a colleague wrote."""
        told = self._told(row, parties)
        content = object_of(row["content"])
        say, envelope = self.say, _envelope(row)
        named = names_officers(self.context, "security")
        by, owner = (
            make_visible(parties.staff.get(str(content.get(one, "")), "")) if named else say("Someone from support")
            for one in ("by", "owner")
        )
        sentence, text = None, ""
        match row["kind"]:
            case "incident.opened":
                sentence = say(phrases.OPENED)
            case "incident.assigned" if not named:  # owners are named by nothing, not even by who gave the incident
                sentence = say(phrases.TAKEN, name=by) if envelope.get("state") == "acknowledged" else None
            case "incident.assigned" if not content.get("owner"):
                sentence = say(phrases.RELEASED, by=by)
            case "incident.assigned" if content.get("owner") == content.get("by"):
                sentence = say(phrases.TAKEN, name=owner)
            case "incident.assigned":
                sentence = say(phrases.GIVEN, by=by, name=owner)
            case "incident.noted":
                sentence, text = say(phrases.NOTED, by=by), str(content.get("note", ""))
            case "incident.closed":
                resolution = say(
                    phrases.RESOLUTIONS.get(str(envelope.get("resolution")), phrases.RESOLUTIONS["resolved"])
                )
                sentence, text = say(phrases.CLOSED, by=by, resolution=resolution), str(content.get("reason", ""))
            case "agent.suspended" if by and named:
                stopped = phrases.STOPPED.get(str(envelope.get("what", "")), phrases.STOPPED["agent"])
                sentence = say(stopped, by=by, name=stopped_name(envelope, parties, self.context.catalogue))
                text = str(content.get("reason", ""))
        if sentence is None:
            return {**told, "text": "", "case": str(envelope.get("case", ""))}
        return {**told, "sentence": sentence, "text": text, "details": [], "case": ""}

    async def _ended(self, ended: str) -> str:
        """Name the ended access, by the name of its agent or purpose."""
        what, _, name = ended.partition(" ")
        store, objective = self.context.store, ""
        with contextlib.suppress(RecordMissing):
            if what == "agent":
                name = (await store.get(AgentRecord, name)).record.name
            elif what == "mandate":
                objective = (await store.get(MandateRecord, name)).record.objective
            elif what == "task":
                objective = (await store.get(TaskRecord, name)).record.objective
        name = self._objectives().get(objective, objective) or name
        return self.say(phrases.ENDED.get(what, phrases.ENDED["task"]), name=make_visible(name))

    @_for_guards
    async def agents(self, officer: PersonRecord, scope: Scope, _found: Mapping[str, str]) -> HttpResponse:
        """GET /security/agents?q=&low=: the agents with a stop on each row, and all that is stopped."""
        seen = await security_page_version(self.context, officer)
        asked = query_parameters(scope)
        wanted, low = asked.get("q", "").strip(), whole_number(asked.get("low", "0"), where="low", most=LIMIT)
        rows = await agent_rows(self.context)
        shown = [one for one in rows if _names(one, wanted.casefold())]
        more = f"/security/agents?{urlencode({'q': wanted, 'low': low + _ROWS})}" if len(shown) > low + _ROWS else ""
        return await self._page(
            "security_agents.html",
            officer,
            "agents",
            seen=seen,
            q=wanted,
            low=low,
            more=more,
            agents=shown[low : low + _ROWS],
            known=rows,
            names={str(one["client_id"]): str(one["name"]) for one in rows},
            customers=await security_view.list_customers(self.context),
            objectives=self._objectives(),
            suspensions=await security_view.list_suspensions(self.context),
        )

    def _objectives(self) -> dict[str, str]:
        return {name: one.title for name, one in sorted(self.context.catalogue.objectives.items())}

    @_for_guards
    async def agent(self, officer: PersonRecord, _scope: Scope, found: Mapping[str, str]) -> HttpResponse:
        """GET /security/agents/{client_id}: one agent with its history."""
        seen = await security_page_version(self.context, officer)
        agent = await read_agent(self.context, found["id"])
        proof = PROOFS.get(str(agent["method"]), PROVED_NOTHING)
        return await self._page(
            "security_agent.html",
            officer,
            "agents",
            seen=seen,
            agent=agent,
            proof=self.say(proof),
            decided=self.say.each(phrases.DECIDED),
            task_states=self.say.each(phrases.TASK_STATES),
            incidents=self._incidents(agent["incidents"]),
            entries=await self._entries(agent["entries"]),
        )

    @_for_guards
    async def operator(self, officer: PersonRecord, _scope: Scope, found: Mapping[str, str]) -> HttpResponse:
        """GET /security/operators/{name}: one operator with its agents."""
        seen = await security_page_version(self.context, officer)
        operator = await read_operator(self.context, found["id"])
        return await self._page(
            "security_operator.html",
            officer,
            "agents",
            seen=seen,
            operator=operator,
            task_states=self.say.each(phrases.TASK_STATES),
            incidents=self._incidents(operator["incidents"]),
            entries=await self._entries(operator["entries"]),
        )

    def _incidents(self, rows: Json) -> list[dict[str, object]]:
        return [self._incident(one) for one in _objects(rows)]

    async def _entries(self, rows: Json) -> list[dict[str, object]]:
        entries = _objects(rows)
        parties, names = await self._parties(entries), await names_of_entries(self.context, entries)
        return [self._event(one, parties, named) for one, named in zip(entries, names, strict=True)]

    @_for_guards
    async def proposals(self, officer: PersonRecord, _scope: Scope, _found: Mapping[str, str]) -> HttpResponse:
        """GET /security/proposals: changes that need a second person."""
        seen = await security_page_version(self.context, officer)
        return await self._page(
            "security_proposals.html",
            officer,
            "proposals",
            seen=seen,
            proposals=await list_proposals(self.context),
            role_list=lambda roles: ", ".join(role_title(self.context, one) for one in roles),
            overrides=[self._review(one) for one in await list_override_reviews(self.context, reader=officer.id)],
        )

    def _review(self, review: Mapping[str, Json]) -> dict[str, object]:
        """Name the attributes of a reply that is to be reviewed."""
        known, names = self.context.catalogue.attributes, review["attributes"]
        listed = [str(one) for one in names] if isinstance(names, list | tuple) else []
        return {**review, "titles": [known[name].title if name in known else name for name in listed]}

    @_for_guards
    async def admin(self, officer: PersonRecord, _scope: Scope, _found: Mapping[str, str]) -> HttpResponse:
        """GET /security/admin: registration, people, roles, recovery, addresses, erasure, canaries, and changes."""
        seen = await security_page_version(self.context, officer)
        changes = await security_view.list_changes(self.context)
        parties = await self._parties(changes)
        return await self._page(
            "security_admin.html",
            officer,
            "admin",
            seen=seen,
            officers=await security_view.list_officers(self.context),
            customers=await security_view.list_customers(self.context),
            roles=sorted({*self.context.catalogue.roles, *SPECIAL_ROLES}),
            changes=[change_row(row, self.context.catalogue, parties) for row in changes],
            canaries=await list_canaries(self.context),
            baits=self.say.each(BAITS),
        )


def agent_page(client_id: str) -> str:
    """Return the address of an agent's page. Its slashes stay: no address of ours has an escaped one."""
    return f"/security/agents/{quote(client_id, safe='/:')}"


def operator_page(operator: str) -> str:
    """Return the address of an operator's page."""
    return f"/security/operators/{quote(operator, safe='/:')}"


def _names(agent: Mapping[str, Json], wanted: str) -> bool:
    return any(wanted in str(agent[name]).casefold() for name in ("name", "client_id", "operator"))


def _objects(rows: Json) -> Sequence[JsonObject]:
    return [one for one in rows if isinstance(one, Mapping)] if isinstance(rows, list) else []


def _envelope(row: Mapping[str, Json]) -> JsonObject:
    return object_of(row["envelope"])


def _agent_of(row: Mapping[str, Json]) -> str:
    """Return the agent of an entry ("" for none)."""
    envelope = _envelope(row)
    if envelope.get("what") == "agent" and "name" in envelope:
        return str(envelope["name"])
    content = object_of(row["content"])
    return str(envelope.get("agent") or content.get("sent_by") or "")
