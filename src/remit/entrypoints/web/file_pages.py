"""The page of one file from an agent: its kind, removed parts, its text, and the decision if it is held."""

from collections.abc import Mapping
from typing import Final

from remit.domain.i18n import marked
from remit.domain.structs import struct
from remit.engine.people.accounts import desk_officer
from remit.entrypoints.http.replies import HttpResponse
from remit.entrypoints.http.wire import Receive, Scope
from remit.entrypoints.web.layout import render_page
from remit.entrypoints.web.pages import Pages
from remit.usecases.files import file_view

KINDS: Final[Mapping[str, str]] = {
    "": marked("not read"),
    "csv": marked("table (CSV)"),
    "har": marked("recorded web session (HAR)"),
    "jpeg": marked("picture (JPEG)"),
    "json": marked("JSON"),
    "mail": marked("mail"),
    "ndjson": marked("JSON, one a line"),
    "pdf": marked("PDF"),
    "png": marked("picture (PNG)"),
    "text": marked("text"),
    "zip": marked("archive (ZIP)"),
}
"""Kinds of files, in a word."""
STATES: Final[Mapping[str, str]] = {
    "discarded": marked("discarded"),
    "dropped": marked("in no case: what it came with was not permitted"),
    "held": marked("held back"),
    "kept": marked("in the case"),
    "released": marked("let pass by an officer"),
    "waiting": marked("waits with what it came with"),
}
"""States of files."""
WHYS: Final[Mapping[str, str]] = {
    "claim": marked("It is not what its sender says it is."),
    "locked": marked("It is locked with a password."),
    "nested": marked("There is an archive in it."),
    "no_reader": marked("This desk has no reader for such files."),
    "hidden": marked("It has text that its reader does not see, or sees turned round."),
    "orders": marked("Its text tells the desk's people or machines what to do."),
    "program": marked("It is a program."),
    "too_much": marked("It would unpack to more than is read, or nests too deeply."),
    "two_formats": marked("It is two kinds of file at once."),
    "unknown": marked("Files of its kind are not read here."),
    "unreadable": marked("It is damaged, or its text is in no encoding that can be known."),
    "unsafe_name": marked("A name in it leads out of it, or is no name."),
}
"""Reasons for holding a file."""


@struct(frozen=True)
class FilePages:
    """Handlers of one desk."""

    pages: Pages

    async def file(self, scope: Scope, _receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """GET /desk/files/{id}: one file, as text on a page of ours, never as itself."""
        desk = self.pages.spoken(scope)
        officer = desk_officer(desk, await self.pages.who(scope, "officer"))
        seen = await file_view(self.pages.context, found["id"])
        say = desk.catalogue.say
        return render_page(
            desk,
            "file.html",
            officer,
            file=seen.facts,
            text=seen.text,
            cut=seen.cut,
            kinds={name: say(word) for name, word in KINDS.items()},
            states={name: say(word) for name, word in STATES.items()},
            whys={name: say(word) for name, word in WHYS.items()},
        )
