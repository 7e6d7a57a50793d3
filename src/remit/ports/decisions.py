"""The port to the policies of the decision point: the desk's own automation's, beside those of its agents."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from remit.domain.decision_point.question import Question
from remit.domain.values import JsonObject


@dataclass(frozen=True, slots=True)
class Obligation:
    """What a caller must do with an answer; `id` is the policy's."""

    id: str
    type: str
    properties: JsonObject

    def as_json(self) -> JsonObject:
        """Return it as the obligations profile writes it."""
        return {"id": self.id, "type": self.type, **({"properties": self.properties} if self.properties else {})}


@dataclass(frozen=True, slots=True)
class Ruling:
    """An answer of the policies. `error` says why none could be given, which denies."""

    allowed: bool
    obligations: tuple[Obligation, ...] = ()
    error: str = ""


class DecisionRules(Protocol):
    """Policies and entities of the decision point, parsed and validated once.

    Promises: default deny; a policy or an entity that does not validate is refused when the plug is made
    (`policy.invalid`); an evaluation error denies, whatever else allows. Deciding is pure and takes no I/O.
    """

    @property
    def digest(self) -> str:
        """Return `sha-256:…` over policies, entities and schema."""

    @property
    def obligation_types(self) -> Sequence[str]:
        """Return the types of obligations that the policies can impose."""

    @property
    def actions(self) -> Sequence[str]:
        """Return the actions that the policies name, in order."""

    def ids(self, entity_type: str) -> Sequence[str]:
        """Return the ids of the known entities of a type, in order; none for an unknown type."""

    def decide(self, question: Question) -> Ruling:
        """Answer one question; never an exception."""
