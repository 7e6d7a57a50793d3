"""Sign-in at the company's OpenID provider: redirect, callback, and the provider's logout notices."""

import logging
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlsplit

from remit.domain.errors import Fault, Refused
from remit.domain.identity.oidc_login import CustomerLogins
from remit.domain.structs import replace, struct
from remit.engine.context import DeskContext
from remit.entrypoints.http.bodies import read_form
from remit.entrypoints.http.cookies import cookie_value, login_header, login_name, session_header
from remit.entrypoints.http.limits import Limits
from remit.entrypoints.http.replies import HttpResponse, json_response, oauth_error_response
from remit.entrypoints.http.request_log import log_fault
from remit.entrypoints.http.wire import Receive, Scope, malformed_request, query_parameters
from remit.entrypoints.people.session import session_cookie
from remit.entrypoints.web.layout import HTML
from remit.entrypoints.web.pages import home_of, redirect_to, verified_next
from remit.usecases.people.company_login import (
    LIFE_S,
    SignInRequest,
    begin_at_provider,
    company_provider,
    finish_at_provider,
    framing_provider,
    log_out_by_frame,
    log_out_by_provider,
)

START: Final = "/login/oidc"
BACK: Final = "/login/oidc/callback"
BACK_CHANNEL: Final = "/oidc/back-channel-logout"
FRONT_CHANNEL: Final = "/oidc/front-channel-logout"
_CUSTOMERS: Final = ("/me", "/oauth/authorize")
_ENDED: Final = b'<!doctype html><html lang="en"><title>Signed out</title><p>Signed out.</p></html>'
_LOG: Final = logging.getLogger("remit")
_OFFICERS: Final = ("/desk", "/security", "/audit")


@struct(frozen=True)
class LoginApi:
    """Handlers of one desk."""

    context: DeskContext
    limits: Limits

    async def start(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /login/oidc?next=&as=&vouch=: redirect to the provider.

        Raises:
            Refused: `request.malformed_request`, `request.not_found` without a provider, `request.rate_limited`.
        """
        _, rules = company_provider(self.context)
        self._count(scope)
        given = query_parameters(scope)
        after, kind = verified_next(given.get("next", "")), given.get("as", "")
        if kind not in {"", "customer", "officer"}:
            raise malformed_request("as must be customer or officer")
        if not kind and rules.customers is not CustomerLogins.NONE and after.startswith(_CUSTOMERS):
            kind = "customer"
        elif not kind and after.startswith(_OFFICERS):
            kind = "officer"
        if scope["method"] == "HEAD":
            return redirect_to("/login")
        sent = await begin_at_provider(
            self.context, SignInRequest(after=after, kind=kind, vouch=given.get("vouch") == "1")
        )
        return _with(redirect_to(sent.address), login_header(self.context.terms.issuer, sent.cookie, life_s=LIFE_S))

    async def back(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /login/oidc/callback: sign in, then redirect to the wanted page, or to the first passkey.

        Raises:
            Refused: as `finish_at_provider`, `request.rate_limited`.
        """
        company_provider(self.context)
        self._count(scope)
        if scope["method"] == "HEAD":  # ⚔ HEAD is answered like GET and changes nothing (RFC 9110 §9.3.2)
            return redirect_to("/login")
        issuer = self.context.terms.issuer
        pending = cookie_value(scope, login_name(issuer))
        try:
            old = session_cookie(self.context, scope)
            done = await finish_at_provider(self.context, cookie=pending, unverified=query_parameters(scope), old=old)
        except Refused as refused:
            if pending:
                # The person is told in plain words; the platform engineer needs to know what the provider sent wrong.
                message = "a sign-in at the provider was refused: %s: %s"
                _LOG.warning(message, refused.code.value, refused.detail, extra={"event": "login.refused"})
            raise
        after = verified_next(done.after) or home_of(done.person)
        return _with(
            redirect_to(
                f"/enrol?next={quote(after, safe='')}" if done.keyless and not after.startswith("/enrol") else after
            ),
            session_header(issuer, done.cookie, life_s=self.context.terms.session_ttl_s),
            login_header(issuer, "", life_s=0),
        )

    async def back_channel(self, scope: Scope, receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """POST /oidc/back-channel-logout: the provider reports a sign-out.

        Source: OpenID Connect Back-Channel Logout 1.0 §2.5, §2.8.
        """
        try:
            company_provider(self.context)
            self.limits.verify_peer(scope)
            form = await read_form(scope, receive)
            ended = await log_out_by_provider(self.context, form.get("logout_token", ""))
        except (Refused, Fault) as error:
            self.limits.count_unproved(scope)  # only unproved ones count: a company may sign thousands out at once
            log_fault(error, scope["path"])
            return oauth_error_response(error)
        return json_response(200, {"ended": ended})

    async def front_channel(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /oidc/front-channel-logout?iss=&sid=: loaded by the browser in a frame of the provider's sign-out page.

        ⚔ It comes without a cookie (SameSite), and any site can make a browser load it: all it can do is end the
        session of a `sid`, which only the provider and the person know. The answer is the same whether there was any.
        The provider's origin alone may frame it.

        Source: OpenID Connect Front-Channel Logout 1.0 §2, §3.
        """
        try:
            rules = framing_provider(self.context)
            self.limits.verify_peer(scope)
            if scope["method"] != "HEAD":  # ⚔ HEAD is answered like GET and changes nothing (RFC 9110 §9.3.2)
                given = query_parameters(scope)
                ended = await log_out_by_frame(self.context, issuer=given.get("iss", ""), sid=given.get("sid", ""))
                if not ended:
                    self.limits.count_unproved(scope)  # ⚔ guessing of `sid` values is rate-limited
        except (Refused, Fault) as error:
            self.limits.count_unproved(scope)
            log_fault(error, scope["path"])
            return oauth_error_response(error)
        at = urlsplit(rules.issuer)
        framed_by = f"{at.scheme}://{at.netloc}"
        return HttpResponse(200, _ENDED, HTML, ((b"cache-control", b"no-store"),), framed_by=framed_by)

    def _count(self, scope: Scope) -> None:
        self.limits.verify_peer(scope)
        self.limits.count_unproved(scope)


def _with(answer: HttpResponse, *headers: tuple[bytes, bytes]) -> HttpResponse:
    return replace(answer, headers=(*answer.headers, *headers))
