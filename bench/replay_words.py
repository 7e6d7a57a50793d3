"""What a task's user said that belongs to one call: the part of a sentence of the objective that shares most words with the call."""

import re
from collections.abc import Mapping
from typing import Any, Final

from remit.domain.words_likeness import stems

_PART: Final = re.compile(
    r"(?<=[.!?;])\s+|\n+|,?\s+(?:and|but|or)\s+(?=(?:you|if|also|to|then|return|exchange|cancel|change|modify|refund|reorder|pay|the agent)\b)"
)
"""A sentence of these users may be several wishes: each ask is sent with the part that is its own, as an agent would that says no more."""
_PERSONA: Final = re.compile(
    r"(?:Your name is|You are|You're|Your (?:user|zip|email|date|phone)|You (?:live|don't|do not remember|have a|work))\b"
)
"""Who the user is, not what they want."""


def words_for(task: Mapping[str, Any], call: Mapping[str, Any], title: str) -> str | None:
    """The part of the user's own sentences that is about a call; None where none has a word of it."""
    about = stems(f"{call['tool'].replace('_', ' ')} {title}") | stems(" ".join(map(str, _leaves(call["arguments"]))))
    ids = {str(one) for one in _leaves(call["arguments"]) if any(letter.isdigit() for letter in str(one))}
    best, most = None, 0
    for sentence in _PART.split(task["objective"]):
        if not sentence or _PERSONA.match(sentence):
            continue
        score = len(stems(sentence) & about) + 2 * sum(one in sentence for one in ids)
        if score > most:
            best, most = sentence, score
    return best


def _leaves(value: Any) -> list[Any]:  # JSON as it came
    if isinstance(value, Mapping):
        return [one for each in value.values() for one in _leaves(each)]
    if isinstance(value, list):
        return [one for each in value for one in _leaves(each)]
    return [value]
