"""All doors of one desk, put onto one application."""

from collections.abc import Awaitable, Callable, Mapping

from remit.domain.human_credentials import Signs
from remit.entrypoints.agent_api import COOKIE, AgentApi
from remit.entrypoints.app import App, Handler, Route, route
from remit.entrypoints.oauth import OAuth
from remit.entrypoints.openapi import openapi
from remit.entrypoints.people_api import PeopleApi
from remit.entrypoints.public import Public
from remit.entrypoints.replies import Answer
from remit.entrypoints.sandbox_api import SandboxApi, SandboxControls
from remit.entrypoints.wire import Receive, Scope
from remit.usecases.enrol import SIGNIN_PREFIX
from remit.usecases.parts import Parts
from remit.usecases.prove_workload import Tokens


def make_app(
    parts: Parts, *, start: Callable[[], Awaitable[None]], stop: Callable[[], Awaitable[None]], sandbox: SandboxControls | None
) -> App:
    """The application of one desk."""
    signs = Signs(login_issuers=frozenset(), session_cookies=frozenset({COOKIE}), session_prefixes=(SIGNIN_PREFIX,))
    tokens = Tokens()
    return App(
        agents=AgentApi(parts, tokens, signs),
        oauth=OAuth(parts, tokens, signs),
        routes=[*public_routes(parts), *people_routes(parts), *sandbox_routes(parts, sandbox)],
        issuer=parts.terms.issuer,
        start=start,
        stop=stop,
    )


def public_routes(parts: Parts) -> list[Route]:
    """What anybody may read."""
    public = Public(parts, openapi(parts))
    return [
        route("GET", "/.well-known/oauth-authorization-server", public.server),
        route("GET", "/.well-known/oauth-protected-resource", public.resource),
        route("GET", "/.well-known/jwks.json", public.jwks),
        route("GET", "/v1/catalogue", public.catalogue),
        route("GET", "/openapi.json", public.described),
        route("GET", "/healthz", public.healthy),
        route("GET", "/readyz", public.ready),
        route("GET", "/log/checkpoint", public.checkpoint),
        route("GET", "/log/key", public.log_key),
        route("GET", "/log/tile/{path:path}", public.tile),
    ]


def people_routes(parts: Parts) -> list[Route]:
    """People's JSON."""
    api = PeopleApi(parts)

    def ours(methods: str, path: str, handler: Handler) -> Route:
        async def run(scope: Scope, receive: Receive, found: Mapping[str, str]) -> Answer:
            return await api.run(handler, scope, receive, found)

        return route(methods, path, run)

    return [
        ours("POST", "/login/v1/enrol", api.enrol),
        ours("POST", "/login/v1/sign-in", api.sign_in),
        ours("POST", "/login/v1/sign-out", api.sign_out),
        ours("GET", "/me/v1", api.me),
        ours("GET", "/desk/v1", api.me),
        ours("GET POST", "/me/v1/requests/{id}", api.request),
        ours("GET", "/me/v1/mandates", api.mandates),
        ours("POST", "/me/v1/mandates/{id}/revoke", api.revoke),
        ours("POST", "/me/v1/mandates/{id}/narrow", api.narrow),
        ours("GET", "/me/v1/waiting", api.waiting),
        ours("GET", "/desk/v1/waiting", api.waiting),
        ours("GET", "/me/v1/history", api.history),
        ours("GET", "/me/v1/passkeys", api.passkeys),
        ours("GET POST", "/me/v1/confirmations/{id}", api.confirmation),
        ours("GET POST", "/desk/v1/confirmations/{id}", api.confirmation),
        ours("POST", "/me/v1/confirmations/{id}/less", api.less),
        ours("POST", "/desk/v1/confirmations/{id}/less", api.less),
        ours("POST", "/me/v1/entries/{id}/contest", api.contest),
    ]


def sandbox_routes(parts: Parts, controls: SandboxControls | None) -> list[Route]:
    """Control routes, only where the settings enable the sandbox and the desk is on loopback."""
    if not parts.terms.sandbox or not parts.terms.loopback:
        return []
    api = SandboxApi(parts, controls)
    return [
        route("POST", "/sandbox/v1/people", api.people),
        route("POST", "/sandbox/v1/agents", api.agents),
        route("POST", "/sandbox/v1/suspend", api.suspend),
        route("PUT", "/sandbox/v1/facts", api.facts),
        route("GET", "/sandbox/v1/transcript", api.transcript),
        route("POST", "/sandbox/v1/sweep", api.sweep),
    ]
