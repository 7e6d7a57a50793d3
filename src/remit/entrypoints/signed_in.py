"""Who is signed in by the cookie that a request brings: the same for pages and for their JSON twins."""

from remit.domain.errors import Code, Refused
from remit.domain.records import Person
from remit.entrypoints.agent_api import COOKIE
from remit.entrypoints.limits import Limits
from remit.entrypoints.wire import Scope, header_values, one_header
from remit.usecases.enrol import person_of
from remit.usecases.parts import Parts


async def signed_in(parts: Parts, limits: Limits, scope: Scope, kind: str = "") -> Person:
    """Who is signed in, the same at pages and at their JSON twins.

    Raises:
        Refused: `person.not_signed_in`, `person.not_allowed` for a person of another kind, `request.rate_limited`.
    """
    cookie = session_cookie(scope)
    person = await person_of(parts, cookie)
    limits.verify_session(cookie)
    if kind and person.kind != kind:
        raise Refused(Code.PERSON_NOT_ALLOWED, f"not {kind}")
    return person


def verify_own_page(issuer: str, scope: Scope) -> None:
    """Check that a form was sent by one of our own pages. ⚔ Every browser says where a form comes from; what does not say it is no form of ours.

    Raises:
        Refused: `person.not_allowed`.

    Source: OWASP CSRF; 7-peers.md P16.
    """
    if one_header(scope, b"origin") != issuer:
        raise Refused(Code.PERSON_NOT_ALLOWED, "a form of another origin, or of none")
    if one_header(scope, b"sec-fetch-site") not in {"", "same-origin"}:
        raise Refused(Code.PERSON_NOT_ALLOWED, "another site's page")


def session_cookie(scope: Scope) -> str:
    """The session cookie's value ("" without).

    ⚔ With two different ones nobody is signed in: a neighbouring site can set a cookie of this name beside the real one,
    and whoever answered under it would answer as somebody else.

    Source: RFC 6265bis §8.6 (weak integrity).
    """
    pairs = [part.strip().partition("=") for header in header_values(scope, b"cookie") for part in header.split(";")]
    values = {value for name, _, value in pairs if name == COOKIE}
    return values.pop() if len(values) == 1 else ""
