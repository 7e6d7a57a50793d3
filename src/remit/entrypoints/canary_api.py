"""Security people's JSON for canaries: what is planted, planting one, taking one away. Same session and checks as `security_api`."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from remit.domain.records import Person
from remit.entrypoints.people_api import PeopleApi
from remit.entrypoints.replies import Answer, json_answer
from remit.entrypoints.security_api import ROLES
from remit.entrypoints.wire import Receive, Scope, decode_as, read_body, read_nothing
from remit.usecases.canaries import NewCanary, canaries, canary_row, plant, take_away


class CanaryIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A canary to plant: what it looks like, what the desk calls it, and where it stands. Without a value one is made."""

    kind: str
    name: str
    place: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class CanaryApi:
    """Handlers of one desk."""

    people: PeopleApi

    async def _person(self, scope: Scope) -> Person:
        return await self.people.officer(scope, *ROLES)

    async def canaries(self, scope: Scope, receive: Receive, _found: Mapping[str, str]) -> Answer:
        """GET and POST /security/v1/canaries: those there are, without their values; planting one tells its value, this once."""
        person = await self._person(scope)
        if scope["method"] == "GET":
            return json_answer(200, {"canaries": await canaries(self.people.parts)})
        body = decode_as(await read_body(scope, receive), CanaryIn)
        new = NewCanary(kind=body.kind, name=body.name, place=body.place, value=body.value)
        record, value = await plant(self.people.parts, new, by=person.id)
        return json_answer(201, {**canary_row(record), "value": value})

    async def remove(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> Answer:
        """POST /security/v1/canaries/{id}/remove: it is looked for no more."""
        person = await self._person(scope)
        await read_nothing(scope, receive)
        return json_answer(200, canary_row(await take_away(self.people.parts, found["id"], by=person.id)))
