"""The port to the desk's policies: those that asks meet, and those of its decision point."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from remit.domain.catalogue.model import Catalogue
from remit.domain.decision_point.question import Question
from remit.domain.policy.decision import PolicyVerdict
from remit.domain.policy.rules_outline import PolicyOutline
from remit.domain.structs import struct
from remit.domain.values import Json, JsonObject


@struct(frozen=True, kw_only=True)
class PolicyQuestion:
    """One question to the policies.

    `params` are schema-valid. `resources` are (kind, canonical id) of the records named. `risk` is 0-100.
    `confirmed_by` is the set this rung assumes (`customer`, `officer:<role>`); `confirmation_kind` is `none`,
    `fresh` or `preapproved`. `time_ms` is now.
    """

    action: str
    params: Mapping[str, Json]
    agent: str
    operator: str
    tier: str
    customer: str
    objective: str
    task: str
    risk: int
    confirmed_by: frozenset[str]
    confirmation_kind: str
    resources: Sequence[tuple[str, str]]
    time_ms: int


class Policy(Protocol):
    """The desk's rules, parsed, validated against the catalogue and sliced per action, once.

    Promises: default deny; a policy that does not validate or names something unknown is refused when the plug is
    made (`policy.invalid`); an evaluation error is never an allow. Deciding is pure and takes no I/O.
    """

    @property
    def digest(self) -> str:
        """Return `sha-256:…` over the policy texts, in order."""

    @property
    def statements(self) -> Sequence[PolicyOutline]:
        """Return the outline of each policy."""

    def decide(self, question: PolicyQuestion) -> PolicyVerdict:
        """Answer one question.

        Raises:
            Refused: `policy.error` when a policy could not be evaluated or the engine gave no decision.
        """

    def depends_on_confirmation(self, question: PolicyQuestion) -> bool:
        """Return whether confirmations can change the answer for this action (a necessary condition to climb)."""

    def confirmers_named(self, question: PolicyQuestion) -> frozenset[str] | None:
        """Return the confirmers that the policies of this action tell apart; None when any confirmer could matter.

        Two questions that differ only in other confirmers have the same answer.
        """

    def schema_text(self, catalogue: Catalogue) -> str:
        """Return the generated schema, for policy authors."""


@struct(frozen=True)
class Obligation:
    """A duty of the caller that comes with an answer; `id` is the policy's."""

    id: str
    type: str
    properties: JsonObject

    def as_json(self) -> JsonObject:
        """Return it as the obligations profile writes it."""
        return {"id": self.id, "type": self.type, **({"properties": self.properties} if self.properties else {})}


@struct(frozen=True)
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
