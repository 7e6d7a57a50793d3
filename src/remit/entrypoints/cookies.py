"""The cookies of people's browsers: what they are called, how they are set, and how one is read."""

from typing import Final

from remit.entrypoints.wire import Scope, header_values

_SESSION: Final = "remit_session"
_LOGIN: Final = "remit_login"
_LANGUAGE: Final = "remit_language"
_HOST: Final = "__Host-"
_YEAR_S: Final = 365 * 86_400
SESSIONS: Final = frozenset({_SESSION, f"{_HOST}{_SESSION}"})
"""Every name a session's cookie can have: what an agent's door must know a person's login by."""

Header = tuple[bytes, bytes]


def session_name(issuer: str) -> str:
    """The name of the session's cookie.

    ⚔ Over https the browser itself keeps a neighbouring host from setting one of this name. On this machine alone, by http, browsers
    take no such name.

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

    ⚔ With two different ones there is none: a neighbouring site can set a cookie of this name beside the real one, and whoever answered
    under it would answer as somebody else.

    Source: RFC 6265bis §8.6 (weak integrity).
    """
    pairs = [part.strip().partition("=") for header in header_values(scope, b"cookie") for part in header.split(";")]
    values = {value for found, _, value in pairs if found == name}
    return values.pop() if len(values) == 1 else ""


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
    return b"set-cookie", f"{name}={value}; Path=/; Max-Age={life_s if value else 0}; HttpOnly; SameSite=Lax{secure}".encode()


def _named(name: str, issuer: str) -> str:
    return f"{_HOST}{name}" if issuer.startswith("https:") else name
