"""A mandate in the hands of the agent it was granted to: tasks under it, and parts of it for other agents.

What is sent is in `calls`, what comes back in `answers`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Unpack

from remit.client import answers, calls
from remit.client.door import Door
from remit.client.errors import Miswritten
from remit.client.introductions import Introduction
from remit.client.task import Task
from remit.client.values import Json, Wish
from remit.client.wishes import mandate_details


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A part of a mandate that now is another agent's: it opens it with `agent.mandate(branch.id)`. It ends when the mandate ends."""

    id: str
    authorization_details: tuple[Mapping[str, Json], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mandate:
    """What the customer granted. `authorization_details` is what they signed, which may be less than was asked for.

    It is empty for a mandate that is only known by its id.
    """

    id: str
    authorization_details: tuple[Mapping[str, Json], ...] = ()
    door: Door = field(repr=False, compare=False)

    def task(self) -> Task:
        """A new task under this mandate: `async with mandate.task() as task`."""
        return Task(self.door, mandate=self.id)

    async def hand_on(self, introduction: Introduction, **wish: Unpack[Wish]) -> Branch:
        """Hand a narrower part of this mandate on to another agent, where the customer allowed a `chain` to its operator.

        It takes its tasks from those of this mandate, and what it uses is charged to this mandate too.

        Raises:
            Miswritten: when the wish is misspelt or not what it should be, or the introduction is none; nothing was sent.
            Refused: `grant.invalid` when the customer allowed no such agent, `mandate.invalid` when the part would widen anything,
                `agent.*` and `credential.*` of the other agent, and whatever stops this mandate.
            Unavailable: when no answer came. The introduction may be spent: look at `/me`, or ask for a new one.

        Source: RFC 8693 §2.1 (actor_token); docs/model/model.md#chain.
        """
        if not isinstance(introduction, Introduction):
            raise Miswritten(
                "request.malformed",
                detail=f"an introduction is an `Introduction`, not a {type(introduction).__name__}.",
                cure="Give what the other agent's `agent.introduce()` returned; `Introduction.from_text` reads its text.",
            )
        call = calls.branch(await self.door.desk(), mandate=self.id, details=mandate_details(wish), other=introduction)
        cut = answers.read_branch(await self.door.send(call))
        return Branch(id=cut.mandate, authorization_details=cut.authorization_details)
