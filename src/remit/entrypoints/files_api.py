"""Officers' doors to files that agents sent: what waits, one to look at, one to save, and letting one pass or not. Answers are in `people_api`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import quote

import msgspec

from remit.domain.records import Person
from remit.entrypoints.people_api import PeopleApi
from remit.entrypoints.replies import Answer, json_answer
from remit.entrypoints.wire import Receive, Scope, decode_as, read_body
from remit.usecases.files import file_bytes, file_view, held_files
from remit.usecases.keep_files import FileBytes
from remit.usecases.settle_files import decide_file
from remit.usecases.verify_officer import desk_officer

_ALONE: Final = b"default-src 'none'; sandbox"


class DecideIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What becomes of a file that was held back."""

    decision: Literal["release", "discard"]


@dataclass(frozen=True, slots=True)
class FilesApi:
    """Handlers of one desk."""

    people: PeopleApi

    async def _officer(self, scope: Scope) -> Person:
        return desk_officer(self.people.parts, await self.people.who(scope))

    async def held(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> Answer:
        """GET /desk/v1/files: those that wait for an officer."""
        await self._officer(scope)
        return json_answer(200, {"files": await held_files(self.people.parts)})

    async def file(self, scope: Scope, _receive: Receive, found: Mapping[str, str]) -> Answer:
        """GET /desk/v1/files/{id}: what is known of one, and its text."""
        await self._officer(scope)
        seen = await file_view(self.people.parts, found["id"])
        return json_answer(200, {**seen.facts, "text": seen.text, "cut": seen.cut})

    async def file_or_decide(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> Answer:
        """The two methods of one address."""
        return await (self.decide if scope["method"] == "POST" else self.file)(scope, receive, found)

    async def content(self, scope: Scope, _receive: Receive, found: Mapping[str, str]) -> Answer:
        """GET /desk/v1/files/{id}/content: the file itself, to be saved."""
        await self._officer(scope)
        return saved(await file_bytes(self.people.parts, found["id"]))

    async def decide(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> Answer:
        """POST /desk/v1/files/{id}: let it pass, or discard it."""
        officer = await self._officer(scope)
        body = decode_as(await read_body(scope, receive), DecideIn)
        settled = await decide_file(self.people.parts, officer, found["id"], release=body.decision == "release")
        return json_answer(200, {"file": settled.id, "state": settled.state.value})


def saved(file: FileBytes) -> Answer:
    """A file that a browser saves. ⚔ It is never shown as a page of ours: it has no origin, runs nothing, and is what it says it is."""
    name = b"attachment; filename*=UTF-8''" + quote(file.name, safe="").encode()
    headers = ((b"content-disposition", name), (b"cache-control", b"no-store"), (b"content-security-policy", _ALONE))
    return Answer(200, file.data, file.media_type.encode(), headers)
