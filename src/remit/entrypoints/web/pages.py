"""The frame of every page: the signed-in person, navigation, and refusals in plain words."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final
from urllib.parse import quote

from remit.domain.errors import Code, Fault, Refused
from remit.domain.records import PersonRecord
from remit.domain.structs import replace, struct
from remit.engine.context import DeskContext
from remit.engine.people.sessions import LiveSession, resolve_session
from remit.entrypoints.http.cookies import clear_duplicate_cookies, desk_for_request, session_name
from remit.entrypoints.http.limits import Limits
from remit.entrypoints.http.replies import STATUS, HttpResponse
from remit.entrypoints.http.request_log import log_fault
from remit.entrypoints.http.wire import Receive, Scope, one_header
from remit.entrypoints.people.session import session_cookie, signed_in
from remit.entrypoints.web.layout import brand_answer, render_page
from remit.entrypoints.web.phrases import IN_PAGES, NO_ROLE, page_refusal

Handler = Callable[[Scope, Receive, Mapping[str, str]], Awaitable[HttpResponse]]
_OURS: Final = ("/me", "/enrol", "/resume", "/confirm/", "/desk", "/security", "/audit", "/oauth/authorize")


@struct(frozen=True)
class Pages:
    """The frame around the pages of one desk."""

    context: DeskContext
    limits: Limits

    async def run(self, handler: Handler, scope: Scope, receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """Call a page's handler. An anonymous visitor is sent to sign-in and back; other refusals become a page."""
        try:
            return await handler(scope, receive, found)
        except Refused as refused:
            if refused.code is Code.PERSON_NOT_SIGNED_IN:
                to_login = redirect_to(f"/login?next={quote(_address(scope), safe='')}")
                headers = (*to_login.headers, *clear_duplicate_cookies(scope, session_name(self.context.terms.issuer)))
                return replace(to_login, headers=headers)
            self.context.noise.note(refused, self.context.world)
            return await self._refusal(scope, refused)
        except Fault as fault:
            log_fault(fault, scope["path"])
            return await self._refusal(scope, fault)

    async def lost(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """Build the page for an unknown address."""
        return await self._refusal(scope, Refused(Code.REQUEST_NOT_FOUND))

    async def brand(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /brand/logo and /brand/accent.css: the company's logo and colour."""
        return brand_answer(self.context.terms.brand, scope["path"], one_header(scope, b"if-none-match"))

    def spoken(self, scope: Scope) -> DeskContext:
        """Return the desk in the language of a request."""
        return desk_for_request(self.context, scope)

    async def who(self, scope: Scope, kind: str = "") -> PersonRecord:
        """Return the signed-in person, by the same session and check as at the JSON twins.

        Raises:
            Refused: `person.not_signed_in`, `person.not_allowed` for a person of another kind, `request.rate_limited`.
        """
        return await signed_in(self.context, self.limits, scope, kind)

    async def signed_in_or_none(self, scope: Scope) -> PersonRecord | None:
        """Return the signed-in person, if any."""
        found = await self.session(scope)
        return None if found is None else found.person

    async def session(self, scope: Scope) -> LiveSession | None:
        """Return the session of the signed-in person, if any."""
        try:
            return await resolve_session(self.context, session_cookie(self.context, scope))
        except Refused:
            return None

    async def _refusal(self, scope: Scope, error: Refused | Fault) -> HttpResponse:
        try:
            person = await self.signed_in_or_none(scope)
        except Fault:
            person = None
        spoken = self.spoken(scope)
        say = spoken.catalogue.say
        title, said, cure = page_refusal(error, say, scope["path"])
        after = "/" if person is None else home_of(person)
        if person is not None and person.kind == "officer" and error.code is Code.PERSON_NOT_ALLOWED:
            if person.paused:
                after = "/resume"
            elif not person.roles:
                title, said, cure = (say(one) for one in NO_ROLE)
        return render_page(
            spoken,
            "refusal.html",
            person,
            status=STATUS[error.code],
            title=title,
            said=said,
            cure=cure,
            code=error.code.value,
            aside=error.public if isinstance(error, Refused) and (scope["path"], error.code) in IN_PAGES else "",
            after="" if after == scope["path"] else after,  # a link back to this same refusal is useless
        )


def redirect_to(path: str) -> HttpResponse:
    """Redirect the browser to another page of ours."""
    return HttpResponse(
        303, b"", b"text/plain; charset=utf-8", ((b"location", path.encode()), (b"cache-control", b"no-store"))
    )


def home_of(person: PersonRecord) -> str:
    """Return a person's start page."""
    if person.kind == "customer":
        return "/me"
    special = {"security": "/security", "admin": "/security", "audit": "/audit"}
    if person.roles and all(role in special for role in person.roles):
        return special[person.roles[0]]
    return "/desk"


def verified_next(unverified: str) -> str:
    """Return the page after sign-in: one of our own, or "" for the person's start page.

    ⚔ An address that a browser could read as another site's is never followed.
    """
    if not unverified.startswith(_OURS) or "\\" in unverified or "//" in unverified.partition("?")[0]:
        return ""
    return unverified if unverified.isascii() and unverified.isprintable() else ""


def _address(scope: Scope) -> str:
    raw = scope.get("query_string", b"").decode("latin-1")
    return f"{scope['path']}?{raw}" if raw else str(scope["path"])
