"""What a task's user said that belongs to one call: the part of a sentence of the objective that shares most words with the call."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from remit.adapters.files.vocabulary import read_vocabulary

_ENGLISH: Final = read_vocabulary("en")
_PART: Final = re.compile(
    r"(?<=[.!?;])\s+|\n+|,?\s+(?:and|but|or)\s+(?=(?:you|if|also|to|then|return|exchange|cancel|change|modify|refund|reorder|pay|the agent)\b)"
)
"""A sentence of these users may be several wishes: each ask is sent with the part that is its own, as an agent would that says no more."""
_PERSONA: Final = re.compile(
    r"(?:Your name is|You are|You're|Your (?:user|zip|email|date|phone)|You (?:live|don't|do not remember|have a|work))\b"
    r"|[-*\s]*(?:Name|DOB|Date of birth|Phone|Email|Address)\s?:"
)
"""Who the user is, not what they want."""


def words_for(task: Mapping[str, Any], call: Mapping[str, Any], titles: Mapping[str, str]) -> str | None:
    """The part of the user's own sentences that is about a call; None where none is, or all of them are rather about another call.

    `titles` tells what each tool does, in words.
    """
    own = _About.of(call, titles)
    others = [_About.of(one, titles) for one in task["calls"] if not one.get("desk") and one["tool"] != call["tool"]]
    best, most = None, 0
    for sentence in _PART.split(task["objective"]):
        if not sentence or _PERSONA.match(sentence):
            continue
        score = own.score(sentence)
        if score > most and all(score >= one.score(sentence) for one in others):
            best, most = sentence, score
    return best


@dataclass(frozen=True, slots=True)
class _About:
    """What a call is about: stems of its name, title and values, and the identifiers among them."""

    stems: frozenset[str]
    ids: frozenset[str]

    @classmethod
    def of(cls, call: Mapping[str, Any], titles: Mapping[str, str]) -> Self:
        values = [str(one) for one in _leaves(call["arguments"])]
        told = f"{call['tool'].replace('_', ' ')} {titles.get(call['tool'], '')}"
        return cls(
            _ENGLISH.stems(f"{told} {' '.join(values)}"),
            frozenset(one for one in values if any(letter.isdigit() for letter in one)),
        )

    def score(self, sentence: str) -> int:
        return len(_ENGLISH.stems(sentence) & self.stems) + 2 * sum(one in sentence for one in self.ids)


def _leaves(value: Any) -> list[Any]:  # JSON as it came
    if isinstance(value, Mapping):
        return [one for each in value.values() for one in _leaves(each)]
    if isinstance(value, list):
        return [one for each in value for one in _leaves(each)]
    return [value]
