"""What a customer says is wrong: contesting an entry, and disowning what an agent did. Same session and checks as `people_api`."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from remit.entrypoints.people_api import PeopleApi
from remit.entrypoints.replies import Answer, json_answer
from remit.entrypoints.wire import Receive, Scope, decode_as, read_body
from remit.usecases import people as views
from remit.usecases.contest import contest
from remit.usecases.disown import disown


class ContestIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a customer contests an entry."""

    text: str


class DisownIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a customer says of an agent's doing that was not theirs."""

    text: str = ""


@dataclass(frozen=True, slots=True)
class ContestApi:
    """Handlers of one desk."""

    people: PeopleApi

    async def contests(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> Answer:
        """GET /me/v1/contests: what the customer contests, and whether it is settled."""
        return json_answer(200, {"contests": await views.contests(self.people.parts, await self.people.who(scope, "customer"))})

    async def contest(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> Answer:
        """POST /me/v1/entries/{id}/contest."""
        person = await self.people.who(scope, "customer")
        body = decode_as(await read_body(scope, receive), ContestIn)
        made = await contest(self.people.parts, person, found["id"], body.text)
        return json_answer(201, {"contest": made.id, "entry": made.entry})

    async def disown(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> Answer:
        """POST /me/v1/entries/{id}/disown: "this wasn't me". Ends everything of that agent for this customer, and tells security."""
        person = await self.people.who(scope, "customer")
        body = decode_as(await read_body(scope, receive), DisownIn)
        done = await disown(self.people.parts, person, found["id"], body.text)
        return json_answer(
            201,
            {
                "agents": list(done.agents),
                "mandates": list(done.mandates),
                "tasks": list(done.tasks),
                "already_sent": list(done.already_sent),
                "took_ms": done.took_ms,
                "contest": done.contest,
            },
        )
