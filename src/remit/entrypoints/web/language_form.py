"""Choosing the language one reads: a plain form on every page of a desk that has more than one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from remit.entrypoints.cookies import language_header
from remit.entrypoints.replies import Answer
from remit.entrypoints.signed_in import verify_own_page
from remit.entrypoints.web.pages import Pages, go, verified_next
from remit.entrypoints.wire import Receive, Scope, decode_form, malformed, one_header, read_body
from remit.usecases.choose_language import choose_language

_OPEN: Final = ("/login", "/verify")
"""Pages for everybody that one goes back to, too."""


@dataclass(frozen=True, slots=True)
class LanguageForm:
    """The form's door."""

    pages: Pages

    async def choose(self, scope: Scope, receive: Receive, _found: Mapping[str, str]) -> Answer:
        """POST /language: `language` is one of the desk's. Leads back to the page it was sent from.

        Who is signed in is written to in that language from now on.

        Raises:
            Refused: `request.malformed` for no language of the desk's, `person.not_allowed` from another origin.
        """
        parts = self.pages.parts
        verify_own_page(parts.terms.issuer, scope)
        given = decode_form(scope, await read_body(scope, receive))
        language = given.get("language", "")
        if language not in parts.catalogue.languages or given.keys() != {"language"}:
            raise malformed(f"language must be one of {', '.join(parts.catalogue.languages)}")
        person = await self.pages.maybe(scope)
        if person is not None:
            await choose_language(parts, person, language)
        told = go(self._back(scope))
        return Answer(told.status, told.body, told.media_type, (*told.headers, language_header(parts.terms.issuer, language)))

    def _back(self, scope: Scope) -> str:
        """The page that the form stood on, as the browser says. ⚔ Only ever one of our own."""
        issuer = self.pages.parts.terms.issuer
        referer = one_header(scope, b"referer")
        path = referer.removeprefix(issuer) if referer.startswith(f"{issuer}/") else ""
        if path.partition("?")[0] in _OPEN and path.isascii() and path.isprintable():
            return path
        return verified_next(path) or "/"
