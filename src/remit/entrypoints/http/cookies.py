"""The cookies of people's browsers: what they are called, how they are set, and how one is read."""

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
"""What a path of ours is made of: nothing that could end an attribute of a cookie."""
SESSIONS: Final = frozenset({_SESSION, f"{_HOST}{_SESSION}"})
"""Every name a session's cookie can have: what an agent's door must know a person's login by."""

Header = tuple[bytes, bytes]


def session_name(issuer: str) -> str:
    """The name of the session's cookie.

    ⚔ Over https the browser itself keeps a neighbouring host from setting one of this name. On this machine alone, by
    http, browsers take no such name.

    Source: RFC 6265bis §4.1.3.2 (the __Host- prefix).
    """
    return _named(_SESSION, issuer)


def login_name(issuer: str) -> str:
    """The name of the cookie that is there while somebody signs in at the company's provider."""
    return _named(_LOGIN, issuer)


def language_name(issuer: str) -> str:
    """The name of the cookie that keeps which language somebody chose to read."""
    return _named(_LANGUAGE, issuer)


def cookie_value(scope: Scope, name: str) -> str:
    """A cookie's value ("" without).

    ⚔ With two different ones there is none: a neighbouring site can set a cookie of this name beside the real one, and
    whoever answered under it would answer as somebody else.

    Source: RFC 6265bis §8.6 (weak integrity).
    """
    values = _values(scope, name)
    return values[0] if len(values) == 1 else ""


def _values(scope: Scope, name: str) -> list[str]:
    """The different values that came under a name, in their order."""
    pairs = [part.strip().partition("=") for header in header_values(scope, b"cookie") for part in header.split(";")]
    return list(dict.fromkeys(value for found, _, value in pairs if found == name))


def clear_duplicate_cookies(scope: Scope, name: str) -> tuple[Header, ...]:
    """Where two different cookies of a name came: headers that take away each that was set for a part of the desk.

    ⚔ Ours are for all of it. Whoever set one for `/me` alone, as a server on another port of this machine can, would
    keep somebody between that page and the sign-in page, which sees the real one, for as long as the cookie lives.

    Source: RFC 6265bis §5.4 (path-match).
    """
    if len(_values(scope, name)) < _TWO:
        return ()
    steps = str(scope["path"]).split("/")[1:]
    narrower = ["/" + "/".join(steps[: number + 1]) for number in range(len(steps))]
    paths = [one for path in narrower if path != "/" and _PATH.fullmatch(path) for one in (path, f"{path}/")]
    return tuple((b"set-cookie", f"{name}=; Path={path}; Max-Age=0".encode()) for path in paths[:_MAX_PATHS])


def session_header(issuer: str, value: str, *, life_s: int) -> Header:
    """The header that sets the session's cookie; an empty value takes it away."""
    return _set(session_name(issuer), issuer, value, life_s)


def login_header(issuer: str, value: str, *, life_s: int) -> Header:
    """The header that sets the cookie of a sign-in under way; an empty value takes it away."""
    return _set(login_name(issuer), issuer, value, life_s)


def language_header(issuer: str, language: str) -> Header:
    """The header that keeps for a year which language somebody chose."""
    return _set(language_name(issuer), issuer, language, _YEAR_S)


def _set(name: str, issuer: str, value: str, life_s: int) -> Header:
    """⚔ Out of reach of scripts; Lax, since people come back from the provider, and from agents, by a link."""
    secure = "; Secure" if issuer.startswith("https:") else ""
    return (
        b"set-cookie",
        f"{name}={value}; Path=/; Max-Age={life_s if value else 0}; HttpOnly; SameSite=Lax{secure}".encode(),
    )


def _named(name: str, issuer: str) -> str:
    return f"{_HOST}{name}" if issuer.startswith("https:") else name


NAMES: Final = {"de": "Deutsch", "en": "English"}
"""What each language calls itself."""
_MAX_LENGTH: Final = 500


def desk_for_request(desk: DeskContext, scope: Scope) -> DeskContext:
    """The desk as it speaks to whoever sends a request."""
    return desk.in_language(request_language(desk, scope))


def desk_in_language(desk: DeskContext, scope: Scope, language: str | None) -> DeskContext:
    """The desk as it speaks on the page somebody has open; where they do not say in which language that is, as their
    request asks for.

    ⚔ What a page shows next, and what is signed on it, is in its own language, whatever was chosen on another one
    since.

    Raises:
        Refused: `request.malformed_request` for no language of the desk's.
    """
    if language is not None and language not in desk.catalogue.languages:
        raise malformed_request("language must be the one the page is in")
    return desk_for_request(desk, scope) if language is None else desk.in_language(language)


def request_language(desk: DeskContext, scope: Scope) -> str:
    """The language of a request, one of the catalogue's.

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
    """The languages a browser names, the most wanted first; what it does not want is left out."""
    wanted: list[tuple[float, int, str]] = []
    for place, one in enumerate(header[:_MAX_LENGTH].split(",")):
        name, _, weight = one.partition(";")
        try:
            weighs = float(weight.strip().removeprefix("q=")) if weight.strip() else 1.0
        except ValueError:
            continue
        if 0 < weighs <= 1:
            wanted.append((-weighs, place, name.strip().partition("-")[0].lower()))
    return (name for _, _, name in sorted(wanted))
