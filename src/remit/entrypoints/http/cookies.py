"""The cookies of people's browsers: names, setting, reading; and the language of a request."""

import re
from collections.abc import Iterator
from typing import Final

from remit.engine.context import DeskContext
from remit.entrypoints.http.wire import Scope, header_values, malformed_request

_SESSION: Final = "remit_session"
_LOGIN: Final = "remit_login"
_LANGUAGE: Final = "remit_language"
_HOST: Final = "__Host-"
_YEAR_S: Final = 365 * 86_400
_TWO: Final = 2
_MAX_PATHS: Final = 16
_PATH: Final = re.compile(r"/[A-Za-z0-9._~/-]{1,200}")
"""Characters of our own paths: nothing that could end an attribute of a cookie."""
SESSIONS: Final = frozenset({_SESSION, f"{_HOST}{_SESSION}"})
"""Every name of a session cookie, by which an agent's endpoint recognises a person's login."""

Header = tuple[bytes, bytes]


def session_name(issuer: str) -> str:
    """Return the name of the session cookie.

    ⚔ Over https the browser itself keeps a neighbouring host from setting a `__Host-` cookie. Over http, on this
    machine alone, browsers accept no such name.

    Source: RFC 6265bis §4.1.3.2 (the __Host- prefix).
    """
    return _named(_SESSION, issuer)


def login_name(issuer: str) -> str:
    """Return the name of the cookie that exists during a sign-in at the company's provider."""
    return _named(_LOGIN, issuer)


def language_name(issuer: str) -> str:
    """Return the name of the cookie that holds the chosen language."""
    return _named(_LANGUAGE, issuer)


def cookie_value(scope: Scope, name: str) -> str:
    """Return a cookie's value ("" without).

    ⚔ Two different values count as none: a neighbouring site can set a cookie of this name beside the real one, and the
    person would answer as somebody else.

    Source: RFC 6265bis §8.6 (weak integrity).
    """
    values = _values(scope, name)
    return values[0] if len(values) == 1 else ""


def _values(scope: Scope, name: str) -> list[str]:
    """Return the different values under a name, in their order."""
    pairs = [part.strip().partition("=") for header in header_values(scope, b"cookie") for part in header.split(";")]
    return list(dict.fromkeys(value for found, _, value in pairs if found == name))


def clear_duplicate_cookies(scope: Scope, name: str) -> tuple[Header, ...]:
    """Return headers that clear every duplicate of a cookie set for a part of the desk.

    ⚔ Ours cover the whole desk. A cookie set for `/me` alone, by a server on another port of this machine, would trap a
    person between that page and the sign-in page, which sees the real one, until it expires.

    Source: RFC 6265bis §5.4 (path-match).
    """
    if len(_values(scope, name)) < _TWO:
        return ()
    steps = str(scope["path"]).split("/")[1:]
    narrower = ["/" + "/".join(steps[: number + 1]) for number in range(len(steps))]
    paths = [one for path in narrower if path != "/" and _PATH.fullmatch(path) for one in (path, f"{path}/")]
    return tuple((b"set-cookie", f"{name}=; Path={path}; Max-Age=0".encode()) for path in paths[:_MAX_PATHS])


def session_header(issuer: str, value: str, *, life_s: int) -> Header:
    """Return the header that sets the session cookie; an empty value clears it."""
    return _set(session_name(issuer), issuer, value, life_s)


def login_header(issuer: str, value: str, *, life_s: int) -> Header:
    """Return the header that sets the cookie of a sign-in under way; an empty value clears it."""
    return _set(login_name(issuer), issuer, value, life_s)


def language_header(issuer: str, language: str) -> Header:
    """Return the header that keeps the chosen language for a year."""
    return _set(language_name(issuer), issuer, language, _YEAR_S)


def _set(name: str, issuer: str, value: str, life_s: int) -> Header:
    """⚔ Out of reach of scripts; Lax, since people return from the provider, and from agents, by a link."""
    secure = "; Secure" if issuer.startswith("https:") else ""
    return (
        b"set-cookie",
        f"{name}={value}; Path=/; Max-Age={life_s if value else 0}; HttpOnly; SameSite=Lax{secure}".encode(),
    )


def _named(name: str, issuer: str) -> str:
    return f"{_HOST}{name}" if issuer.startswith("https:") else name


NAMES: Final = {"de": "Deutsch", "en": "English"}
"""The languages' own names."""
_MAX_LENGTH: Final = 500


def desk_for_request(desk: DeskContext, scope: Scope) -> DeskContext:
    """Return the desk in the language of a request."""
    return desk.in_language(request_language(desk, scope))


def desk_in_language(desk: DeskContext, scope: Scope, language: str | None) -> DeskContext:
    """Return the desk in the language of an open page, or of its request where the page names none.

    ⚔ The next step of a page, and what is signed on it, keeps its language, whatever was chosen on another page since.

    Raises:
        Refused: `request.malformed_request` for no language of the desk's.
    """
    if language is not None and language not in desk.catalogue.languages:
        raise malformed_request("language must be the one the page is in")
    return desk_for_request(desk, scope) if language is None else desk.in_language(language)


def request_language(desk: DeskContext, scope: Scope) -> str:
    """Return the language of a request, one of the catalogue's.

    Source: RFC 9110 §12.5.4 (Accept-Language), RFC 4647 §3.4 (`de-AT` is looked up as `de`).
    """
    known = desk.catalogue.languages
    if len(known) == 1:
        return known[0]
    chosen = cookie_value(scope, language_name(desk.terms.issuer))
    if chosen in known:
        return chosen
    return next(
        (one for one in _accepted(",".join(header_values(scope, b"accept-language"))) if one in known), known[0]
    )


def _accepted(header: str) -> Iterator[str]:
    """Return the languages a browser accepts, most preferred first."""
    wanted: list[tuple[float, int, str]] = []
    for place, language in enumerate(header[:_MAX_LENGTH].split(",")):
        name, _, weight = language.partition(";")
        try:
            weighs = float(weight.strip().removeprefix("q=")) if weight.strip() else 1.0
        except ValueError:
            continue
        if 0 < weighs <= 1:
            wanted.append((-weighs, place, name.strip().partition("-")[0].lower()))
    return (name for _, _, name in sorted(wanted))
