"""A desk whose catalogue has one purpose for each of a set, and the way of messages through its agents' door."""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from remit.engine.context import DeskContext
from remit.sandbox import Sandbox, SandboxMandate, SandboxReply

_FEW: Final = 4
"""Messages of one agent that did not pass: more would raise its risk until the desk holds its tasks."""
_LARGEST: Final = 2**53
PARAMS: Final = {
    "properties": {
        "ids": {"type": "array", "items": {"type": "string", "pattern": "^[0-9]{1,32}$"}},
        "numbers": {"type": "array", "items": {"type": "integer"}},
    }
}


class PurposesDesk:
    """An open desk; each agent is of an operator of its own, each conversation is a task of its own."""

    def __init__(self, desk: Sandbox) -> None:
        """Begin with no agent."""
        self._desk = desk
        self._numbers = itertools.count()
        self._agent: Any = None
        self._mandate: SandboxMandate | None = None
        self._purpose = ""
        self._left = 0
        self.asked = 0

    @property
    def context(self) -> DeskContext:
        """The context of the desk's decisions."""
        if self._desk.desk is None:
            message = "the desk is not open"
            raise RuntimeError(message)
        return self._desk.desk.context

    def way(self, purpose: str, *messages: str) -> str:
        """Send messages in a task of a purpose, each with its act; return what became of the last one, or of the first that did not pass."""
        if purpose != self._purpose or self._left <= 0:
            self._renew(purpose)
        task = self._agent.open(self._mandate)
        found = "through"
        for message in messages:
            self.asked += 1
            found = way_of(task.ask(action_name(purpose), _numbers(message), message))
            if found != "through":
                self._left -= 1
                break
        return found

    def _renew(self, purpose: str) -> None:
        number = next(self._numbers)
        agent = self._desk.agent(f"spiffe://helper{number}.example/bench")
        self._agent, self._purpose, self._left = agent, purpose, _FEW
        powers: list[dict[str, Any]] = [
            {"power": "represent"},
            {"power": "request", "actions": [action_name(purpose)]},
        ]
        wanted = {
            "type": "remit_mandate",
            "objective": {"type": purpose_name(purpose), "summary": "a question of mine"},
            "powers": powers,
            "max_tasks": 100,
        }
        customer = self._desk.customer("anna", name="Anna Berg")
        self._mandate = customer.grant(agent, wanted)


def way_of(reply: SandboxReply) -> str:
    """Return what became of an ask's words: through, stripped, held or refused; `other` where another rule refused the ask."""
    words = str(reply.body.get("words", ""))
    if words in {"stripped", "held"}:
        return words
    code = (*reply.codes, "")[0]
    if not reply.refused or code.startswith("confirmation."):  # words are judged before a person is asked
        return "through"
    return "refused" if code.startswith("words.") else "other"


@contextmanager
def purposes_desk(examples: Mapping[str, Sequence[str]], words: Mapping[str, Any]) -> Iterator[PurposesDesk]:
    """Open a desk with these purposes, each with its examples, and these settings of words."""
    with Sandbox(catalogue=purposes_table(examples), settings={"words": dict(words)}) as desk:
        yield PurposesDesk(desk)


def purpose_name(purpose: str) -> str:
    """Return the name of a source's purpose at the desk."""
    return purpose.strip("?").lower().replace("_", "-")


def action_name(purpose: str) -> str:
    """Return the name of its act."""
    return f"desk.{purpose.strip('?').lower()}"


def purposes_table(examples: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return a catalogue with an act and an objective for each purpose."""
    titles = {purpose: purpose.strip("?").replace("_", " ").capitalize() for purpose in examples}
    return {
        "desk": {"name": "Bench", "currency": "EUR"},
        "role": {"care": {"title": "Care"}},
        "action": {
            action_name(purpose): {
                "title": title,
                "power": "request",
                "area": "routine",
                "effect": "write",
                "params": PARAMS,
            }
            for purpose, title in titles.items()
        },
        "objective": {
            purpose_name(purpose): {
                "title": title,
                "actions": [action_name(purpose)],
                "examples": list(examples[purpose]),
            }
            for purpose, title in titles.items()
        },
    }


def _numbers(message: str) -> dict[str, Any]:
    """Return the params of an ask that has the numbers of its message, so that no number alone keeps it back."""
    found = list(dict.fromkeys(re.findall(r"[0-9]{1,32}", message)))
    return {"ids": found, "numbers": [int(one) for one in found if int(one) < _LARGEST]}
