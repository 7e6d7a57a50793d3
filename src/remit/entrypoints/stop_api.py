"""Stopping something at once: what it would end, doing it, what is stopped, and proposing to resume. Same session and checks as `security_api`."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import msgspec

from remit.domain.records import Person
from remit.entrypoints.people_api import PeopleApi
from remit.entrypoints.replies import Answer, json_answer
from remit.entrypoints.security_api import ROLES, proposed
from remit.entrypoints.wire import Receive, Scope, decode_as, malformed, query, read_body
from remit.usecases import watch
from remit.usecases.foresee_stop import foresee_stop
from remit.usecases.propose import Change, proposal_row, propose
from remit.usecases.revoke import suspend


class StopIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to suspend: exactly one of the four."""

    reason: str = ""
    agent: str | None = None
    operator: str | None = None
    customer: str | None = None
    objective: str | None = None

    def named(self) -> tuple[str, str]:
        """Which one it is.

        Raises:
            Refused: `request.malformed`.
        """
        whats = [what for what in self.__struct_fields__ if what != "reason"]
        given = [(what, str(name)) for what in whats if (name := getattr(self, what))]
        if len(given) != 1:
            raise malformed(f"name exactly one of {', '.join(whats)}")
        return given[0]


class ResumeIn(StopIn, frozen=True, forbid_unknown_fields=True):
    """What to resume: exactly one of those that can be suspended, or a task that is held."""

    task: str | None = None


@dataclass(frozen=True, slots=True)
class StopApi:
    """Handlers of one desk."""

    people: PeopleApi

    async def _person(self, scope: Scope) -> Person:
        return await self.people.officer(scope, *ROLES)

    async def foresee(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> Answer:
        """GET /security/v1/suspend?agent= (or operator, customer, objective): what a suspension would end. Nothing is changed."""
        await self._person(scope)
        what, name = StopIn(**{key: value for key, value in query(scope).items() if key in _WHATS}).named()
        return json_answer(200, {"what": what, "name": name, **asdict(await foresee_stop(self.people.parts, what=what, name=name))})

    async def suspend(self, scope: Scope, receive: Receive, _found: Mapping[str, str]) -> Answer:
        """POST /security/v1/suspend: one person, at once. The answer says what ended, how long it took, and what was under way."""
        person = await self._person(scope)
        body = decode_as(await read_body(scope, receive), StopIn)
        what, name = body.named()
        stopped = await suspend(self.people.parts, what=what, name=name, reason=body.reason, by=person.id)
        return json_answer(
            200,
            {
                "what": what,
                "name": name,
                "known": stopped.known,
                "tasks": [one.task for one in stopped.tasks],
                "confirmations": sum(one.confirmations for one in stopped.tasks),
                "acts": sum(one.acts for one in stopped.tasks),
                "already_sent": [ask for one in stopped.tasks for ask in one.sent],
                "took_ms": stopped.took_ms,
            },
        )

    async def resume(self, scope: Scope, receive: Receive, _found: Mapping[str, str]) -> Answer:
        """POST /security/v1/resume: 202, a second person must agree."""
        person = await self._person(scope)
        body = decode_as(await read_body(scope, receive), ResumeIn)
        what, name = body.named()
        return proposed(
            proposal_row(await propose(self.people.parts, person, Change(what="resume", name=name, to=what, reason=body.reason)))
        )

    async def suspensions(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> Answer:
        """GET /security/v1/suspensions."""
        await self._person(scope)
        return json_answer(200, {"suspensions": await watch.suspensions(self.people.parts)})


_WHATS = frozenset(StopIn.__struct_fields__) - {"reason"}
