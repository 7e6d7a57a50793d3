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
    "jpeg": marked("image (JPEG)"),
    "json": marked("JSON"),
    "mail": marked("e-mail"),
    "ndjson": marked("JSON Lines"),
    "pdf": marked("PDF"),
    "png": marked("image (PNG)"),
    "text": marked("text"),
    "zip": marked("archive (ZIP)"),
}
"""Kinds of files, in a word."""
STATES: Final[Mapping[str, str]] = {
    "discarded": marked("discarded"),
    "dropped": marked("not in a case: its request wasn't allowed"),
    "held": marked("on hold for review"),
    "kept": marked("in the case"),
    "released": marked("released by a team member"),
    "waiting": marked("waiting with its request"),
}
"""States of files."""
WHYS: Final[Mapping[str, str]] = {
    "claim": marked("The content doesn't match the stated file type."),
    "locked": marked("The file is password-protected."),
    "nested": marked("The file contains another archive."),
    "no_reader": marked("No reader is set up for this file type."),
    "hidden": marked("The file contains hidden or reversed text."),
    "orders": marked("The text gives instructions to staff or systems."),
    "program": marked("The file is a program."),
    "too_much": marked("The file is too large when unpacked, or too deeply nested."),
    "two_formats": marked("The file is two file types at once."),
    "unknown": marked("This file type isn't supported."),
    "unreadable": marked("The file is damaged, or its text encoding is unknown."),
    "unsafe_name": marked("A file name inside it is invalid or points outside the archive."),
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
            kinds=say.each(KINDS),
            states=say.each(STATES),
            whys=say.each(WHYS),
        )
