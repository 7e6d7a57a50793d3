"""Pages of a customer: sign-in, consent, confirmation, and everything done in their name."""

from collections.abc import Mapping, Sequence
from typing import Final

from remit.domain.confirm.render_values import Names
from remit.domain.errors import Code, Refused
from remit.domain.identity.oidc_login import CustomerLogins
from remit.domain.records import PersonRecord
from remit.domain.structs import replace, struct
from remit.domain.values import Json, JsonObject, instant_text
from remit.engine.ask.reply import recorded_params
from remit.engine.context import DeskContext
from remit.engine.desk import names_if_reachable, record_names
from remit.engine.files.store import ask_files
from remit.entrypoints.http.bodies import read_form
from remit.entrypoints.http.cookies import language_header
from remit.entrypoints.http.replies import HttpResponse
from remit.entrypoints.http.wire import Receive, Scope, malformed_request, one_header, query_parameters, whole_number
from remit.entrypoints.people.bodies import confirmation_body, consent_body
from remit.entrypoints.people.session import session_cookie, verify_own_page
from remit.entrypoints.staff.audit import LIMIT
from remit.entrypoints.web.ask_rows import ask_row_text, fold_asks, row_of_each_entry
from remit.entrypoints.web.decide_page import decide_page
from remit.entrypoints.web.decision_page import agent_shown, decided_page, key_lines, trust_line
from remit.entrypoints.web.edit_form import param_fields, power_fields
from remit.entrypoints.web.entry_parties import customer_parties
from remit.entrypoints.web.entry_text import entry_asks
from remit.entrypoints.web.file_pages import KINDS
from remit.entrypoints.web.layout import render_page
from remit.entrypoints.web.pages import Pages, home_of, redirect_to, verified_next
from remit.entrypoints.web.phrases import METHODS, TIERS
from remit.entrypoints.web.visit_pages import VisitPages, is_visit
from remit.usecases.confirm.answer import show_invitation
from remit.usecases.confirm.decision import show_decision
from remit.usecases.confirm.queue_rows import pending_confirmations
from remit.usecases.desk.page_events import page_version
from remit.usecases.mandates.backchannel import pending_requests
from remit.usecases.mandates.grant import URN, view_request
from remit.usecases.mandates.request_outline import RequestOutline, outline_request
from remit.usecases.mandates.resume import pause_state
from remit.usecases.people import overview as views
from remit.usecases.people.contact import choose_language
from remit.usecases.people.enrol import find_invited_person, first_by_login, other_person_signed_in

_SHOWN: Final = 6
_HISTORY: Final = 25


@struct(frozen=True)
class CustomerPages:
    """Handlers of one desk."""

    pages: Pages

    @property
    def context(self) -> DeskContext:
        """The desk's parts."""
        return self.pages.context

    async def start(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /: the person's own start page."""
        person = await self.pages.signed_in_or_none(scope)
        return redirect_to("/login" if person is None else home_of(person))

    async def login(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /login."""
        desk, after = self.pages.spoken(scope), verified_next(query_parameters(scope).get("next", ""))
        person = await self.pages.signed_in_or_none(scope)
        if person is not None:
            return redirect_to(after or home_of(person))
        rules = desk.logins
        return render_page(
            desk,
            "login.html",
            None,
            after=after,
            company="" if rules is None else rules.name,
            passkey=rules is None or rules.passkey_login,
            both=rules is not None and bool(rules.roles) and rules.customers is not CustomerLogins.NONE,
        )

    async def enrol(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /enrol?code=…: opening it spends nothing, so that a mail scanner cannot use the link up."""
        code, after = query_parameters(scope).get("code", ""), verified_next(query_parameters(scope).get("next", ""))
        invited = await find_invited_person(self.context, code) if code else None
        session, rules = await self.pages.session(scope), self.context.logins
        first = "" if session is None or code else await first_by_login(self.context, session)
        other = None
        if invited is not None:
            other = await other_person_signed_in(self.context, invited.person, session_cookie(self.context, scope))
        return render_page(
            self.pages.spoken(scope),
            "enrol.html",
            None if session is None else session.person,
            code=code,
            invited=None if invited is None else invited.person,
            recovered=invited.person if invited is not None and invited.recovers else None,
            other=other,
            after=after,
            first=first,
            company="" if rules is None else rules.name,
            vouching=rules is not None and bool(rules.vouching),
        )

    async def receipt(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /verify?entry=: verify a receipt in the browser. Public; only a party's browser can fetch the receipt."""
        entry = query_parameters(scope).get("entry", "")
        if entry:
            whole_number(entry, where="entry", most=LIMIT)
        return render_page(
            self.pages.spoken(scope),
            "receipt.html",
            await self.pages.signed_in_or_none(scope),
            entry=entry,
            key=self.context.signer.log_key(),
        )

    async def authorize(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /oauth/authorize: the consent page; before it, for a visitor, the page to pick a purpose.

        Raises:
            Refused: `request.malformed_request` without a pushed request, `request.not_found` for one of another agent,
                as `view_visit` for a visitor.

        Source: RFC 9126 §4; RFC 9396.
        """
        given = {
            name: value for name, value in query_parameters(scope).items() if value
        }  # an empty parameter counts as absent (RFC 6749 §3.1)
        if is_visit(self.context, given):
            return await VisitPages(self.pages).show(scope, given)
        person = await self.pages.who(scope, "customer")
        request_id = given.get("request_uri", "").removeprefix(URN)
        if not request_id or not given["request_uri"].startswith(URN):
            raise malformed_request("the agent must push its request first and send you here with its request_uri")
        desk = self.pages.spoken(scope)
        seen = await outline_request(desk, request_id, person)
        if given.get("client_id", seen.request.client_id) != seen.request.client_id:
            raise Refused(Code.REQUEST_NOT_FOUND, "the request is another agent's")
        try:
            consent = await view_request(desk, request_id, person)
        except Refused as refused:
            if refused.code is not Code.PARAMS_NOT_OWNED:
                raise
            # The request names a foreign record: nothing can be signed until an own one is chosen.
            return await _consent(desk, person, seen, None)
        return await _consent(desk, person, seen, consent_body(desk, consent))

    async def me(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /me: pending asks, agents' permissions, past acts, and passkeys."""
        person = await self.pages.who(scope, "customer")
        desk = self.pages.spoken(scope)
        seen = await page_version(desk, person)  # before any content is read: later changes are news
        entries = await views.customer_history(desk, person)
        history = await _history(desk, person, entries, most=_SHOWN)
        return render_page(
            desk,
            "me.html",
            person,
            seen=seen,
            stopped_since=await views.suspended_since(desk, person),
            waiting=await pending_confirmations(desk, person),
            requests=await pending_requests(desk, person),
            mandates=[_mandate(desk, row) for row in await views.list_mandates(desk, person)],
            entries=history.texts,
            contests=history.contests,
            more=history.more > 0,
            passkeys=await views.list_passkeys(desk, person),
        )

    async def resume(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /resume: the powers paused by a recovery, for customers and officers."""
        person = await self.pages.who(scope)
        twin = "/me/v1/resume" if person.kind == "customer" else "/desk/v1/resume"
        return render_page(
            self.pages.spoken(scope),
            "resume.html",
            person,
            pause=await pause_state(self.context, person),
            twin=twin,
            now=instant_text(self.context.world.now()),
        )

    async def history(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /me/history?before=: everything, newest first, page by page."""
        person, desk = await self.pages.who(scope, "customer"), self.pages.spoken(scope)
        text = query_parameters(scope).get("before")
        before = None if text is None else whole_number(text, where="before", most=LIMIT)
        rows = await views.customer_history(desk, person, before=before)  # older ones tell what was asked
        history = await _history(desk, person, rows, entries=_HISTORY)
        return render_page(
            desk,
            "history.html",
            person,
            entries=history.texts,
            contests=history.contests,
            older=rows[_HISTORY - 1]["entry"] if len(rows) > _HISTORY else None,
            newest=before is None,
        )

    async def mandate(self, scope: Scope, _receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """GET /me/mandates/{id}: one mandate in plain words; it can be narrowed or revoked."""
        person, desk = await self.pages.who(scope, "customer"), self.pages.spoken(scope)
        seen, names = await views.get_mandate(desk, person, found["id"])
        wire = seen["wire"]
        # An erased one leaves nothing.
        fields = power_fields(wire, desk.catalogue, names) if isinstance(wire, Mapping) else []
        return render_page(desk, "mandate.html", person, mandate=_mandate(desk, seen), fields=fields)

    async def confirm(self, scope: Scope, _receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """GET /confirm/{id}: one act, for the customer or an officer to confirm, decline, or reduce; later, the decision."""
        person, desk = await self.pages.who(scope), self.pages.spoken(scope)
        seen, language = await page_version(desk, person), desk.catalogue.say.language
        # before any content is read: later changes are news
        try:
            if person.kind != "customer":
                return await decide_page(desk, self.context, person, found["id"], seen=seen)
            shown = await show_invitation(self.context, person, found["id"], language=language)
        except Refused as refused:
            if refused.code not in _ANSWERED:
                raise
            return await self._decided(desk, person, found["id"], seen, refused)
        body = confirmation_body(desk, shown)
        action = desk.catalogue.action(shown.ask.action)
        lines = _many(_object(body["rendering"])["lines"])
        params = recorded_params(shown.ask)
        names = await names_if_reachable(record_names(desk, shown.ask.customer, [(action, params)], {}))
        return render_page(
            desk,
            "confirm.html",
            person,
            body=body,
            lines=lines,
            key=key_lines(action, params, lines),
            **await agent_shown(desk, shown.ask),
            fields=param_fields(action, params, names, desk.catalogue.say),
            confirmation=shown.confirmation.id,
            twin=f"/me/v1/confirmations/{shown.confirmation.id}",
            seen=seen,
            expires_at=shown.confirmation.expires_at,
            files=await ask_files(self.context, shown.ask),
            file_kinds=desk.catalogue.say.each(KINDS),
            others=[one for one in shown.confirmation.who if one != "customer"],
        )

    async def _decided(
        self, desk: DeskContext, person: PersonRecord, confirmation: str, seen: str, refused: Refused
    ) -> HttpResponse:
        """Show the decision to its confirmers; to all others the refusal, as if there were nothing more."""
        try:
            shown = await show_decision(self.context, person, confirmation, language=desk.catalogue.say.language)
        except Refused:
            raise refused from None
        return render_page(desk, "decided.html", person, seen=seen, **await decided_page(desk, person, shown))


async def _consent(
    desk: DeskContext, person: PersonRecord, seen: RequestOutline, body: Mapping[str, object] | None
) -> HttpResponse:
    wire, say = seen.mandate, desk.catalogue.say
    return render_page(
        desk,
        "consent.html",
        person,
        agent=seen.agent,
        before=await views.granted_before(desk, person, seen.agent.id),
        proved=say(METHODS.get(seen.agent.method, "")),
        disowned=await views.disowned_since(desk, person, seen.agent.id),
        asked=wire,
        request=seen.request.id,
        binding=seen.request.binding,
        consent=body,
        fields=power_fields(wire, desk.catalogue, seen.names),
        lines={kind: [line for line in seen.lines if line["kind"] == kind] for kind in _CONSENT_LINES},
        powers=[line for line in seen.lines if line["place"] is not None and line["kind"] != "never"],
        choices=seen.choices,
        kinds={kind: desk.catalogue.resources[kind].title for kind in seen.choices},
        tier=say(TIERS[seen.agent.tier.value], desk=desk.catalogue.desk),
        trust=trust_line(desk, seen.agent.tier.value),
    )


@struct(frozen=True)
class _History:
    """A customer's entries for a page, an ask a row, and their disputes by row."""

    texts: Sequence[Mapping[str, object]]
    more: int
    contests: Mapping[Json, Mapping[str, Json]]


async def _history(
    desk: DeskContext,
    person: PersonRecord,
    found: Sequence[Mapping[str, Json]],
    *,
    entries: int | None = None,
    most: int | None = None,
) -> _History:
    """Describe the first of the entries that were found, at most a number of rows; the others give the asks."""
    asks, folded = entry_asks(found), fold_asks(found[:entries])
    rows = folded[:most]
    names = await _names(desk, person, {row.ask: asks[row.ask] for row in rows if row.ask in asks})
    parties = await customer_parties(desk, [one for row in rows for one in row.entries], person.name)
    contests = {row["entry"]: row for row in await views.list_contests(desk, person)}
    return _History(
        texts=[ask_row_text(row, desk.catalogue, asks, names=names, parties=parties) for row in rows],
        more=len(folded) - len(rows),
        contests=row_of_each_entry(rows, contests),
    )


async def _names(desk: DeskContext, person: PersonRecord, asks: Mapping[str, JsonObject]) -> Names:
    """Return the desk's present names of the records in a customer's asks."""
    actions = desk.catalogue.actions
    known = [
        (actions[name], params)
        for ask in asks.values()
        if (name := str(ask.get("action", ""))) in actions and isinstance(params := ask.get("params"), Mapping)
    ]
    return await names_if_reachable(record_names(desk, person.id, known, {}))


def _mandate(desk: DeskContext, row: Mapping[str, Json]) -> dict[str, object]:
    objective = desk.catalogue.objectives.get(str(row["objective"]))
    return {**row, "title": objective.title if objective is not None else str(row["objective"])}


_ANSWERED: Final = frozenset({Code.CONFIRMATION_EXPIRED, Code.CONFIRMATION_REPLAYED, Code.CONFIRMATION_WRONG_PERSON})
"""Refusals of a confirmation that may have been decided already."""
_CONSENT_LINES: Final = ("may", "objective", "target", "never", "expires", "tasks", "chain", "summary")


def _many(value: Json | object) -> Sequence[JsonObject]:
    return value if isinstance(value, list | tuple) else ()


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


_OPEN: Final = ("/login", "/verify")
"""Public pages that are also worth returning to."""


@struct(frozen=True)
class LanguageForm:
    """Handler of the language form."""

    pages: Pages

    async def choose(self, scope: Scope, receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """POST /language: `language` is one of the desk's. Leads back to the page it was sent from.

        A signed-in person is written to in that language from now on.

        Raises:
            Refused: `request.malformed_request` for no language of the desk's, `person.not_allowed` from another
                origin.
        """
        desk = self.pages.context
        verify_own_page(desk.terms.issuer, scope)
        given = await read_form(scope, receive)
        language = given.get("language", "")
        if language not in desk.catalogue.languages or given.keys() != {"language"}:
            raise malformed_request(f"language must be one of {', '.join(desk.catalogue.languages)}")
        person = await self.pages.signed_in_or_none(scope)
        if person is not None:
            await choose_language(desk, person, language)
        redirect = redirect_to(self._back(scope))
        return replace(redirect, headers=(*redirect.headers, language_header(desk.terms.issuer, language)))

    def _back(self, scope: Scope) -> str:
        """Return the page with the form, as the browser reports it. ⚔ Only ever one of our own."""
        issuer = self.pages.context.terms.issuer
        referer = one_header(scope, b"referer")
        path = referer.removeprefix(issuer) if referer.startswith(f"{issuer}/") else ""
        if path.partition("?")[0] in _OPEN and path.isascii() and path.isprintable():
            return path
        return verified_next(path) or "/"
