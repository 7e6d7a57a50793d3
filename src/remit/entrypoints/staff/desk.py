"""Officers' JSON: cases with agents, work in a case, taking and handing over pending confirmations, and files."""

from collections.abc import Mapping
from typing import Any, Final, Literal
from urllib.parse import quote

import msgspec

from remit.domain.records import PersonRecord
from remit.domain.structs import struct
from remit.domain.values import decode_json, instant_text
from remit.engine.context import DeskContext
from remit.engine.files.store import FileBytes
from remit.engine.leaks.scan_staff_text import preview_reply
from remit.engine.outbound.override import Override, offered_override
from remit.engine.people.accounts import desk_officer
from remit.entrypoints.agents.api import message_body
from remit.entrypoints.http.bodies import read_as, read_empty_body, read_object
from remit.entrypoints.http.replies import HttpResponse, json_response
from remit.entrypoints.http.wire import Receive, Scope, convert, malformed_request
from remit.entrypoints.people.api import PeopleApi
from remit.entrypoints.people.bodies import checked_body
from remit.proof.canonical import canonical
from remit.usecases.confirm.queue import HandoverTarget, assign_to_self, hand_over
from remit.usecases.desk.cases import case_card, list_cases
from remit.usecases.files import decide_file, file_bytes, file_view, held_files
from remit.usecases.reply_to_agent import WantedOffer, close_case, make_offer, note_internally, reply_to_agent


class TextIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text to check or to note."""

    text: str


class OverrideIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An override of a check: the reason, and the `check` that the refusal of this very text carried."""

    reason: str
    check: str


class ReplyIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text for the agent. `withhold` redacts undisclosable parts instead of refusing, `override` sends them."""

    text: str
    withhold: bool = False
    override: OverrideIn | None = None


class OfferIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An offer: the accepting action, its terms, its life in seconds, and the open offer it is an alternative to."""

    action: str
    terms: dict[str, Any]
    ttl_s: int = 86_400
    instead_of: str = ""


class HandIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The recipient of a handover, a role or a colleague's id, and a note."""

    role: str = ""
    person: str = ""
    note: str = ""


@struct(frozen=True)
class DeskApi:
    """Handlers of one desk."""

    people: PeopleApi

    @property
    def context(self) -> DeskContext:
        """The desk's parts."""
        return self.people.context

    async def _officer(self, scope: Scope) -> PersonRecord:
        return desk_officer(self.context, await self.people.who(scope))

    async def cases(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /desk/v1/cases: cases with agents, newest first."""
        await self._officer(scope)
        return json_response(200, {"cases": await list_cases(self.context)})

    async def case(self, scope: Scope, _receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """GET /desk/v1/cases/{id}: the officer's card."""
        await self._officer(scope)
        return json_response(200, await case_card(self.context, found["id"]))

    async def check(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """POST /desk/v1/cases/{id}/check: the undisclosable parts of a text. Nothing is sent."""
        officer = await self._officer(scope)
        body = await read_as(scope, receive, TextIn)
        checked = await preview_reply(self.context, officer, found["id"], body.text)
        check = offered_override(self.context, officer, body.text, checked)
        return json_response(200, checked_body(checked, override=check))

    async def reply(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """POST /desk/v1/cases/{id}/reply: 422 with the undisclosable parts, unless redacted, or overridden with a reason."""
        officer = await self._officer(scope)
        body = await read_as(scope, receive, ReplyIn)
        override = None if body.override is None else Override(reason=body.override.reason, check=body.override.check)
        message = await reply_to_agent(
            self.context, officer, found["id"], body.text, withhold=body.withhold, override=override
        )
        return json_response(201, message_body(message))

    async def offer(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """POST /desk/v1/cases/{id}/offers."""
        officer = await self._officer(scope)
        sent = await read_object(scope, receive)
        body = convert(sent, OfferIn)
        terms = decode_json(canonical(sent["terms"]))
        if not isinstance(terms, Mapping):
            raise malformed_request("terms must be an object")
        wanted = WantedOffer(action=body.action, terms=terms, ttl_s=body.ttl_s, instead_of=body.instead_of)
        made = await make_offer(self.context, officer, found["id"], wanted)
        return json_response(
            201,
            {"offer_id": made.id, "digest": made.digest, "terms": terms, "expires_at": instant_text(made.expires_at)},
        )

    async def note(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """POST /desk/v1/cases/{id}/notes: an internal note."""
        officer = await self._officer(scope)
        await note_internally(self.context, officer, found["id"], (await read_as(scope, receive, TextIn)).text)
        return json_response(201, {})

    async def take(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """POST /desk/v1/confirmations/{id}/take: reserve it for some minutes."""
        officer = await self._officer(scope)
        await read_empty_body(scope, receive)
        taken = await assign_to_self(self.context, officer, found["id"])
        return json_response(200, {"confirmation": found["id"], "as": taken.word, "until": instant_text(taken.until)})

    async def hand(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """POST /desk/v1/confirmations/{id}/hand: to a role, or to a colleague."""
        officer = await self._officer(scope)
        body = await read_as(scope, receive, HandIn)
        record = await hand_over(
            self.context, officer, found["id"], HandoverTarget(role=body.role, person=body.person, note=body.note)
        )
        return json_response(
            200, {"confirmation": record.id, "who": list(record.who), "due_at": instant_text(record.due)}
        )

    async def close(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """POST /desk/v1/cases/{id}/close."""
        await self._officer(scope)
        await read_empty_body(scope, receive)
        return json_response(200, {"tasks": list(await close_case(self.context, found["id"]))})


_ALONE: Final = b"default-src 'none'; sandbox"


class DecideIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The decision on a held file."""

    decision: Literal["release", "discard"]


@struct(frozen=True)
class FilesApi:
    """Handlers of one desk."""

    people: PeopleApi

    async def _officer(self, scope: Scope) -> PersonRecord:
        return desk_officer(self.people.context, await self.people.who(scope))

    async def held(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /desk/v1/files: files that wait for an officer."""
        await self._officer(scope)
        return json_response(200, {"files": await held_files(self.people.context)})

    async def file(self, scope: Scope, _receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """GET /desk/v1/files/{id}: a file's properties, and its text."""
        await self._officer(scope)
        seen = await file_view(self.people.context, found["id"])
        return json_response(200, {**seen.facts, "text": seen.text, "cut": seen.cut})

    async def file_or_decide(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """Dispatch the two methods of one address."""
        return await (self.decide if scope["method"] == "POST" else self.file)(scope, receive, found)

    async def content(self, scope: Scope, _receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """GET /desk/v1/files/{id}/content: the file itself, to be saved."""
        await self._officer(scope)
        return download_response(await file_bytes(self.people.context, found["id"]))

    async def decide(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """POST /desk/v1/files/{id}: release it, or discard it."""
        officer = await self._officer(scope)
        body = await read_as(scope, receive, DecideIn)
        settled = await decide_file(self.people.context, officer, found["id"], release=body.decision == "release")
        return json_response(200, {"file": settled.id, "state": settled.state.value})


def download_response(file: FileBytes) -> HttpResponse:
    """Build a file download. ⚔ Never a page of ours: it has no origin, runs nothing, and keeps its true type."""
    name = b"attachment; filename*=UTF-8''" + quote(file.name, safe="").encode()
    headers = ((b"content-disposition", name), (b"cache-control", b"no-store"), (b"content-security-policy", _ALONE))
    return HttpResponse(200, file.data, file.media_type.encode(), headers)
