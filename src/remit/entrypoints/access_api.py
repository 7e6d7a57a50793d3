"""People's JSON about their own access: passkeys, and what a recovery paused. Enrolling and signing in is in `people_api`."""

from collections.abc import Mapping
from dataclasses import dataclass

from remit.entrypoints.people_api import AssertedIn, PeopleApi
from remit.entrypoints.replies import Answer, json_answer
from remit.entrypoints.wire import Receive, Scope, decode_as, read_body
from remit.usecases import people as views
from remit.usecases.remove_passkey import begin_removal, remove_passkey
from remit.usecases.resume_mandates import begin_resuming, pause_of, resume_mandates


@dataclass(frozen=True, slots=True)
class AccessApi:
    """Handlers of one desk."""

    people: PeopleApi

    async def passkeys(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> Answer:
        """GET /me/v1/passkeys."""
        return json_answer(200, {"passkeys": await views.passkeys(self.people.parts, await self.people.who(scope))})

    async def remove_passkey(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> Answer:
        """POST /me/v1/passkeys/{id}/remove: begin, then finish with the assertion of a passkey one has; never the last one."""
        person = await self.people.who(scope)
        body = decode_as(await read_body(scope, receive), AssertedIn)
        if body.assertion is None:
            begun = await begin_removal(self.people.parts, person, found["id"])
            return json_answer(200, {"ceremony": begun.ceremony, "options": begun.options})
        ended = await remove_passkey(self.people.parts, person, found["id"], ceremony_id=body.ceremony, assertion=body.assertion)
        return json_answer(200, {"signed_out": ended})

    async def resume(self, scope: Scope, receive: Receive, _found: Mapping[str, str]) -> Answer:
        """GET and POST /me/v1/resume and /desk/v1/resume: what a recovery paused; begin, then finish with a passkey that counts."""
        person = await self.people.who(scope)
        if scope["method"] == "GET":
            return json_answer(200, await pause_of(self.people.parts, person))
        body = decode_as(await read_body(scope, receive), AssertedIn)
        if body.assertion is None:
            begun = await begin_resuming(self.people.parts, person)
            return json_answer(200, {"ceremony": begun.ceremony, "options": begun.options})
        await resume_mandates(self.people.parts, person, ceremony_id=body.ceremony, assertion=body.assertion)
        return json_answer(200, {"paused": False})
