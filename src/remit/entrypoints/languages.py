"""In which of the desk's languages somebody is spoken to: the one they chose, else the first their browser names, else the desk's own."""

from collections.abc import Iterator
from typing import Final

from remit.entrypoints.cookies import cookie_value, language_name
from remit.entrypoints.wire import Scope, header_values, malformed
from remit.usecases.parts import Parts

NAMES: Final = {"de": "Deutsch", "en": "English"}
"""What each language calls itself."""
_LONGEST: Final = 500


def spoken_to(parts: Parts, scope: Scope) -> Parts:
    """The desk as it speaks to whoever sends a request."""
    return parts.said_in(language_of(parts, scope))


def shown_in(parts: Parts, scope: Scope, language: str | None) -> Parts:
    """The desk as it speaks on the page somebody has open; where they do not say in which language that is, as their request asks for.

    ⚔ What a page shows next, and what is signed on it, is in its own language, whatever was chosen on another one since.

    Raises:
        Refused: `request.malformed` for no language of the desk's.
    """
    if language is not None and language not in parts.catalogue.languages:
        raise malformed("language must be the one the page is in")
    return spoken_to(parts, scope) if language is None else parts.said_in(language)


def language_of(parts: Parts, scope: Scope) -> str:
    """The language of a request, one of the catalogue's.

    Source: RFC 9110 §12.5.4 (Accept-Language), RFC 4647 §3.4 (`de-AT` is looked up as `de`).
    """
    known = parts.catalogue.languages
    if len(known) == 1:
        return known[0]
    chosen = cookie_value(scope, language_name(parts.terms.issuer))
    if chosen in known:
        return chosen
    return next((one for one in _accepted(",".join(header_values(scope, b"accept-language"))) if one in known), known[0])


def _accepted(header: str) -> Iterator[str]:
    """The languages a browser names, the most wanted first; what it does not want is left out."""
    wanted: list[tuple[float, int, str]] = []
    for place, one in enumerate(header[:_LONGEST].split(",")):
        name, _, weight = one.partition(";")
        try:
            weighs = float(weight.strip().removeprefix("q=")) if weight.strip() else 1.0
        except ValueError:
            continue
        if 0 < weighs <= 1:
            wanted.append((-weighs, place, name.strip().partition("-")[0].lower()))
    return (name for _, _, name in sorted(wanted))
