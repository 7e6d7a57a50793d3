"""All routes of one desk on one application."""

from collections.abc import Awaitable, Callable, Mapping

from remit.domain.identity.human_credentials import CredentialSigns
from remit.engine.agents.authenticate_request import TokenVerifier
from remit.engine.context import DeskContext
from remit.engine.people.sessions import SIGNIN_PREFIX
from remit.entrypoints import events as signals
from remit.entrypoints import events_oauth
from remit.entrypoints.agents.a2a import A2aApi
from remit.entrypoints.agents.a2a_card import CARD as A2A_CARD
from remit.entrypoints.agents.a2a_card import PATH as A2A
from remit.entrypoints.agents.a2a_card import CardApi
from remit.entrypoints.agents.api import AgentApi
from remit.entrypoints.agents.mcp.door import METADATA as MCP_METADATA
from remit.entrypoints.agents.mcp.door import PATH as MCP
from remit.entrypoints.agents.mcp.door import McpDoor
from remit.entrypoints.agents.oauth import OAuth
from remit.entrypoints.agents.public import DETAIL_TYPES, Public
from remit.entrypoints.agents.visitors import REGISTER, VisitorEndpoints
from remit.entrypoints.decision_point.api import DecisionApi
from remit.entrypoints.helpdesk_events import EVENTS, HelpdeskEventsApi
from remit.entrypoints.http.app import App, Handler, Route, route
from remit.entrypoints.http.cookies import SESSIONS
from remit.entrypoints.http.limits import Limits
from remit.entrypoints.http.replies import HttpResponse
from remit.entrypoints.http.wire import Receive, Scope, one_header
from remit.entrypoints.openapi.document import openapi
from remit.entrypoints.ops.health import Health
from remit.entrypoints.ops.metrics import Metrics
from remit.entrypoints.people.access import AccessApi, ContestApi, ReceiptsApi
from remit.entrypoints.people.api import PeopleApi
from remit.entrypoints.people.company_login import BACK, BACK_CHANNEL, FRONT_CHANNEL, START, LoginApi
from remit.entrypoints.people.page_events import LiveApi
from remit.entrypoints.people.visits import VisitsApi
from remit.entrypoints.sandbox_api import SandboxApi, SandboxControls
from remit.entrypoints.staff.audit import AuditApi
from remit.entrypoints.staff.audit_search import AuditSearchApi
from remit.entrypoints.staff.desk import DeskApi, FilesApi
from remit.entrypoints.staff.incidents import IncidentApi
from remit.entrypoints.staff.security import CanaryApi, OverrideApi, SecurityApi, StopApi
from remit.entrypoints.staff.views import ViewsApi
from remit.entrypoints.switcher_api import SWITCH, SwitcherApi
from remit.entrypoints.web.audit_pages import AuditPages
from remit.entrypoints.web.customer_pages import CustomerPages, LanguageForm
from remit.entrypoints.web.file_pages import FilePages
from remit.entrypoints.web.layout import ACCENT, LOGO, static_answer
from remit.entrypoints.web.officer_pages import OfficerPages
from remit.entrypoints.web.pages import Pages
from remit.entrypoints.web.security_pages import SecurityPages
from remit.entrypoints.web.visit_pages import AUTHORIZE, VisitPages
from remit.usecases.transcript.export_rows import Exports
from remit.usecases.transcript.report import CountedLog
from remit.usecases.transcript.search_index import TranscriptIndex


def make_app(
    desk: DeskContext,
    *,
    limits: Limits,
    metrics: Metrics,
    health: Health,
    start: Callable[[], Awaitable[None]],
    stop: Callable[[], Awaitable[None]],
    sandbox: SandboxControls | None,
) -> App:
    """Build the application of one desk."""
    issuers = frozenset[str]() if desk.logins is None else frozenset({desk.logins.issuer})
    signs = CredentialSigns(
        login_issuers=issuers,
        session_cookies=SESSIONS,
        session_prefixes=(SIGNIN_PREFIX,),
        workloads=frozenset((one.issuer, one.subject) for one in desk.terms.federation),
    )
    tokens = TokenVerifier()
    agents = AgentApi(desk, tokens, signs, limits)
    counted, index = CountedLog(), TranscriptIndex()
    receipts = ReceiptsApi(agents, AuditApi(PeopleApi(desk, limits), counted))

    point = desk.decision_point
    decisions = None if point is None else DecisionApi(desk, point, limits)

    async def stop_all() -> None:
        await counted.stop()
        await index.stop()
        await stop()

    return App(
        agents=agents,
        oauth=OAuth(desk, tokens, signs, limits),
        decisions=decisions,
        routes=[  # tried in turn: the doors of agents first
            route("POST", MCP, McpDoor(agents).handle),
            *a2a_routes(agents),
            *public_routes(Public(desk, openapi(desk), metrics, health, limits)),
            *decision_routes(decisions),
            *people_routes(desk, limits, counted, index),
            *registration_routes(desk, VisitorEndpoints(desk, tokens, limits)),
            route("GET", "/log/receipts/{entry}", receipts.receipt),
            route("POST", EVENTS, HelpdeskEventsApi(desk, limits).event),
            route("POST", BACK_CHANNEL, LoginApi(desk, limits).back_channel),
            route("GET", FRONT_CHANNEL, LoginApi(desk, limits).front_channel),
            *page_routes(desk, limits, counted, index),
            *signal_routes(desk, limits),
            *sandbox_routes(desk, sandbox),
            *switcher_routes(desk, limits),
        ],
        lost=Pages(desk, limits).lost,
        desk=desk,
        metrics=metrics,
        limits=limits,
        life=(start, stop_all),
    )


def a2a_routes(agents: AgentApi) -> list[Route]:
    """Build the routes of A2A: the card and the door."""
    return [route("POST", A2A, A2aApi(agents).handle), route("GET", A2A_CARD, CardApi(agents.context).card)]


def public_routes(public: Public) -> list[Route]:
    """Build the public routes."""
    return [
        route("GET", "/.well-known/oauth-authorization-server", public.server),
        route("GET", "/.well-known/oauth-protected-resource", public.resource),
        route("GET", MCP_METADATA, public.mcp_resource),
        route("GET", "/.well-known/jwks.json", public.jwks),
        route("GET", "/v1/catalogue", public.catalogue),
        route("GET", DETAIL_TYPES, public.detail_types),
        route("GET", "/openapi.json", public.described),
        route("GET", "/healthz", public.healthy),
        route("GET", "/metrics", public.measured),
        route("GET", "/readyz", public.ready),
        route("GET", "/log/checkpoint", public.checkpoint),
        route("GET", "/log/key", public.log_key),
        route("GET", "/log/tile/{path:path}", public.tile),
    ]


def registration_routes(desk: DeskContext, visitors: VisitorEndpoints) -> list[Route]:
    """Build the route of dynamic registration, where the desk lets visitors register themselves."""
    taken = desk.visitors is not None and desk.visitors.dynamic
    return [route("POST", REGISTER, visitors.register)] if taken else []


def decision_routes(decisions: DecisionApi | None) -> list[Route]:
    """Build the public route of the decision point, where there is one; its other addresses are raw."""
    return [] if decisions is None else [route("GET", "/.well-known/authzen-configuration", decisions.metadata)]


def people_routes(desk: DeskContext, limits: Limits, counted: CountedLog, index: TranscriptIndex) -> list[Route]:
    """Build the routes of people's JSON."""
    api = PeopleApi(desk, limits)
    access = AccessApi(api)
    contests, live = ContestApi(api), LiveApi(api)

    def ours(methods: str, path: str, handler: Handler) -> Route:
        async def run(scope: Scope, receive: Receive, found: Mapping[str, str]) -> HttpResponse:
            return await api.run(handler, scope, receive, found)

        return route(methods, path, run)

    return [
        ours("POST", "/login/v1/enrol", unproved(limits, api.enrol)),
        ours("POST", "/login/v1/sign-in", unproved(limits, api.sign_in)),
        ours("POST", "/login/v1/sign-out", api.sign_out),
        ours("POST", "/login/v1/sign-out-everywhere", api.sign_out_everywhere),
        ours("GET", "/me/v1", api.me),
        ours("GET", "/desk/v1", api.me),
        ours("GET POST", "/me/v1/requests/{id}", api.request),
        ours("GET POST", "/me/v1/visits", VisitsApi(api).visit),
        ours("GET", "/me/v1/mandates", api.mandates),
        ours("POST", "/me/v1/mandates/{id}/revoke", api.revoke),
        ours("POST", "/me/v1/mandates/{id}/narrow", api.narrow),
        ours("GET", "/me/v1/live", live.live),
        ours("GET", "/desk/v1/live", live.live),
        ours("GET", "/me/v1/waiting", api.waiting),
        ours("GET", "/desk/v1/waiting", api.waiting),
        ours("GET", "/me/v1/history", api.history),
        ours("GET", "/me/v1/passkeys", access.passkeys),
        ours("POST", "/me/v1/passkeys/{id}/remove", access.remove_passkey),
        ours("GET POST", "/me/v1/resume", access.resume),
        ours("GET POST", "/desk/v1/resume", access.resume),
        ours("GET POST", "/me/v1/confirmations/{id}", api.confirmation),
        ours("GET POST", "/desk/v1/confirmations/{id}", api.confirmation),
        ours("POST", "/me/v1/confirmations/{id}/less", api.less),
        ours("POST", "/desk/v1/confirmations/{id}/less", api.less),
        ours("GET", "/me/v1/confirmations/{id}/decision", api.decision),
        ours("GET", "/desk/v1/confirmations/{id}/decision", api.decision),
        ours("POST", "/me/v1/confirmations/{id}/undo", api.undo),
        ours("POST", "/desk/v1/confirmations/{id}/undo", api.undo),
        ours("GET", "/me/v1/contests", contests.contests),
        ours("POST", "/me/v1/entries/{id}/contest", contests.contest),
        ours("POST", "/me/v1/entries/{id}/disown", contests.disown),
        *_officer_routes(api, ours),
        *_audit_routes(AuditApi(api, counted), ours),
        *_search_routes(AuditSearchApi(api, index, Exports()), ours),
    ]


def unproved(limits: Limits, handler: Handler) -> Handler:
    """Count every request of a door before which nothing is proved, at its address."""

    async def run(scope: Scope, receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        limits.verify_peer(scope)
        limits.count_unproved(scope)
        return await handler(scope, receive, found)

    return run


def _officer_routes(api: PeopleApi, ours: Callable[[str, str, Handler], Route]) -> list[Route]:
    """Build the JSON routes of the desk's staff."""
    desk, security, stops = DeskApi(api), SecurityApi(api), StopApi(api)
    canaries, incidents, overrides = CanaryApi(api), IncidentApi(api), OverrideApi(api)
    files = FilesApi(api)
    views = ViewsApi(api)
    return [
        ours("GET POST", "/staff/v1/views", views.views),
        ours("POST", "/staff/v1/views/remove", views.remove),
        ours("POST", "/desk/v1/confirmations/{id}/take", desk.take),
        ours("POST", "/desk/v1/confirmations/{id}/hand", desk.hand),
        ours("GET", "/desk/v1/confirmations/{id}/about", desk.about),
        ours("POST", "/desk/v1/decline", desk.decline),
        ours("GET", "/desk/v1/mentions", desk.mentions),
        ours("POST", "/desk/v1/mentions/{id}", desk.seen),
        ours("GET", "/desk/v1/cases", desk.cases),
        ours("GET", "/desk/v1/cases/{id}", desk.case),
        ours("GET", "/desk/v1/cases/{id}/macros", desk.macros),
        ours("POST", "/desk/v1/cases/{id}/check", desk.check),
        ours("POST", "/desk/v1/cases/{id}/reply", desk.reply),
        ours("POST", "/desk/v1/cases/{id}/offers", desk.offer),
        ours("POST", "/desk/v1/cases/{id}/notes", desk.note),
        ours("POST", "/desk/v1/cases/{id}/close", desk.close),
        ours("GET", "/desk/v1/files", files.held),
        ours("GET POST", "/desk/v1/files/{id}", files.file_or_decide),
        ours("GET", "/desk/v1/files/{id}/content", files.content),
        ours("GET POST", "/security/v1/agents", security.agents),
        ours("GET", "/security/v1/agents/{id:path}", incidents.agent),
        ours("GET", "/security/v1/operators/{id:path}", incidents.operator),
        ours("GET", "/security/v1/suspend", stops.preview),
        ours("POST", "/security/v1/suspend", stops.suspend),
        ours("POST", "/security/v1/resume", stops.resume),
        ours("GET", "/security/v1/suspensions", stops.suspensions),
        ours("GET POST", "/security/v1/canaries", canaries.canaries),
        ours("POST", "/security/v1/canaries/{id}/remove", canaries.remove),
        ours("GET", "/security/v1/overrides", overrides.overrides),
        ours("POST", "/security/v1/overrides/{id}", overrides.review),
        ours("GET", "/security/v1/changes", security.changes),
        ours("GET", "/security/v1/decisions", security.decisions),
        ours("GET", "/security/v1/events", security.events),
        ours("GET", "/security/v1/incidents", incidents.incidents),
        ours("GET", "/security/v1/incidents/{id}", incidents.incident),
        ours("POST", "/security/v1/incidents/{id}/notes", incidents.note),
        ours("POST", "/security/v1/incidents/{id}/assign", incidents.assign),
        ours("POST", "/security/v1/incidents/{id}/close", incidents.close),
        ours("GET", "/security/v1/live", LiveApi(api).guarded),
        ours("GET", "/security/v1/proposals", security.proposals),
        ours("POST", "/security/v1/proposals/{id}", security.settle),
        ours("GET POST", "/security/v1/people", security.officers),
        ours("POST", "/security/v1/people/{id}/roles", security.roles),
        ours("POST", "/security/v1/people/{id}/recover", security.recover),
        ours("POST", "/security/v1/people/{id}/verified", security.verified),
        ours("POST", "/security/v1/people/{id}/contact", security.contact),
        ours("POST", "/security/v1/erasures", security.erase),
    ]


def _audit_routes(audit: AuditApi, ours: Callable[[str, str, Handler], Route]) -> list[Route]:
    """Build the JSON routes of the auditors."""
    return [
        ours("GET", "/audit/v1/entries", audit.entries),
        ours("GET", "/audit/v1/entries/{id}", audit.entry),
        ours("GET", "/audit/v1/cases/{id}", audit.story),
        ours("POST", "/audit/v1/verify", audit.verify),
        ours("GET", "/audit/v1/checkpoint", audit.checkpoint),
        ours("GET", "/audit/v1/report", audit.report),
        ours("GET", "/audit/v1/contests", audit.contests),
        ours("POST", "/audit/v1/contests/{id}", audit.settle),
    ]


def _search_routes(search: AuditSearchApi, ours: Callable[[str, str, Handler], Route]) -> list[Route]:
    """Build the JSON routes of the auditors' search."""
    return [ours("GET", "/audit/v1/rows", search.rows), ours("POST", "/audit/v1/export", search.export)]


def page_routes(desk: DeskContext, limits: Limits, counted: CountedLog, index: TranscriptIndex) -> list[Route]:
    """Build the routes of people's pages."""
    pages = Pages(desk, limits)
    customer, officer, login = CustomerPages(pages), OfficerPages(pages, counted), LoginApi(desk, limits)
    guard = SecurityPages(pages)

    def ours(path: str, handler: Handler, methods: str = "GET") -> Route:
        async def run(scope: Scope, receive: Receive, found: Mapping[str, str]) -> HttpResponse:
            return await pages.run(handler, scope, receive, found)

        return route(methods, path, run)

    return [
        ours("/", customer.start),
        ours("/login", customer.login),
        ours(START, login.start),
        ours(BACK, login.back),
        ours("/enrol", unproved(limits, customer.enrol)),
        ours(AUTHORIZE, customer.authorize),
        ours(AUTHORIZE, VisitPages(pages).pick, "POST"),
        ours("/resume", customer.resume),
        ours("/verify", customer.receipt),
        ours("/me", customer.me),
        ours("/me/history", customer.history),
        ours("/me/mandates/{id}", customer.mandate),
        ours("/confirm/{id}", customer.confirm),
        ours("/desk", officer.desk),
        ours("/desk/cases/{id}", officer.case),
        ours("/desk/files/{id}", FilePages(pages).file),
        ours("/security", guard.security),
        ours("/security/incidents/{id}", guard.incident),
        ours("/security/agents", guard.agents),
        ours("/security/agents/{id:path}", guard.agent),
        ours("/security/operators/{id:path}", guard.operator),
        ours("/security/proposals", guard.proposals),
        ours("/security/admin", guard.admin),
        ours("/audit", AuditPages(pages, index).audit),
        ours("/audit/cases/{id}", officer.story),
        ours("/audit/report", officer.report),
        ours("/language", unproved(limits, LanguageForm(pages).choose), "POST"),
        ours("/static/{name}", _static),
        ours(LOGO, pages.brand),
        ours(ACCENT, pages.brand),
    ]


async def _static(scope: Scope, _receive: Receive, found: Mapping[str, str]) -> HttpResponse:
    return static_answer(found["name"], one_header(scope, b"if-none-match"))


def signal_routes(desk: DeskContext, limits: Limits) -> list[Route]:
    """Build the routes of shared signals: those of the sides that the settings turn on."""
    if desk.signals is None:
        return []
    api = signals.SignalsApi(desk, limits)
    received = [route("POST", signals.PUSHED, api.pushed)] if desk.signals.takes_pushes else []
    if desk.signals.signer is None:
        return received
    return [
        *received,
        route("GET", signals.CONFIGURATION, api.configuration),
        route("GET", signals.JWKS, api.jwks),
        route("GET POST PATCH PUT DELETE", signals.STREAM, api.stream),
        route("GET POST", signals.STATUS, api.status),
        route("POST", signals.ADD, api.add),
        route("POST", signals.REMOVE, api.remove),
        route("POST", signals.VERIFY, api.verify),
        route("POST", signals.POLL, api.poll),
        *(receiver_token_routes(desk, limits) if desk.signals.clients else ()),
    ]


def receiver_token_routes(desk: DeskContext, limits: Limits) -> list[Route]:
    """Build the routes of OAuth tokens for receivers with keys."""
    api = events_oauth.ReceiverTokensApi(desk, limits)
    return [
        route("GET", events_oauth.SERVER, api.server),
        route("GET", events_oauth.RESOURCE, api.resource),
        route("POST", events_oauth.TOKEN, api.token),
    ]


def switcher_routes(desk: DeskContext, limits: Limits) -> list[Route]:
    """⚔ Build the route of the role switcher, where the settings of a sandbox on loopback name it; none for any other."""
    terms = desk.terms
    on = terms.switcher and terms.sandbox and terms.loopback
    return [route("POST", SWITCH, SwitcherApi(desk, limits).switch)] if on else []


def sandbox_routes(desk: DeskContext, controls: SandboxControls | None) -> list[Route]:
    """Build the control routes of a sandbox on loopback; none for any other desk."""
    if not desk.terms.sandbox or not desk.terms.loopback or controls is None:
        return []
    api = SandboxApi(desk, controls)
    return [
        route("POST", "/sandbox/v1/people", api.people),
        route("POST", "/sandbox/v1/agents", api.agents),
        route("POST", "/sandbox/v1/suspend", api.suspend),
        route("PUT", "/sandbox/v1/facts", api.facts),
        route("GET", "/sandbox/v1/transcript", api.transcript),
        route("POST", "/sandbox/v1/sweep", api.sweep),
    ]
