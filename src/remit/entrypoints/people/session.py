"""The person signed in by a request's cookie: the same for pages and for their JSON twins."""

from remit.domain.errors import Code, Refused
from remit.domain.records import PersonRecord
from remit.engine.context import DeskContext
from remit.engine.people.sessions import LiveSession, resolve_session
from remit.entrypoints.http.bodies import mark_proved
from remit.entrypoints.http.cookies import cookie_value, session_name
from remit.entrypoints.http.limits import Limits
from remit.entrypoints.http.wire import Scope, one_header


async def signed_in(desk: DeskContext, limits: Limits, scope: Scope, kind: str = "") -> PersonRecord:
    """Return the signed-in person, the same at pages and at their JSON twins.

    Raises:
        Refused: `person.not_signed_in`, `person.not_allowed` for a person of another kind, `request.rate_limited`.
    """
    person = (await request_session(desk, limits, scope)).person
    if kind and person.kind != kind:
        raise Refused(Code.PERSON_NOT_ALLOWED, f"not {kind}")
    return person


def verify_own_page(issuer: str, scope: Scope) -> None:
    """Verify that a form comes from one of our own pages.

    ⚔ Every browser says where a form comes from; a form that does not is none of ours.

    Raises:
        Refused: `person.not_allowed`.

    Source: OWASP CSRF; docs/model/peers.md#p16.
    """
    if one_header(scope, b"origin") != issuer:
        raise Refused(Code.PERSON_NOT_ALLOWED, "a form of another origin, or of none")
    if one_header(scope, b"sec-fetch-site") not in {"", "same-origin"}:
        raise Refused(Code.PERSON_NOT_ALLOWED, "another site's page")


async def request_session(desk: DeskContext, limits: Limits, scope: Scope) -> LiveSession:
    """Return the session of a request, and its person.

    Raises:
        Refused: `person.not_signed_in`, `request.rate_limited`.
    """
    cookie = session_cookie(desk, scope)
    found = await resolve_session(desk, cookie)
    limits.verify_session(cookie)
    mark_proved(scope)
    return found


def session_cookie(desk: DeskContext, scope: Scope) -> str:
    """Return the session cookie's value ("" without, or with two different ones)."""
    return cookie_value(scope, session_name(desk.terms.issuer))
