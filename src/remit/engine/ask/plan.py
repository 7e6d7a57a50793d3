"""Plan of asks: all that the records and the catalogue decide about the asks of one action in one task."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Final, Self

from remit.domain.catalogue.model import Action, Catalogue, MarkKind, Objective
from remit.domain.errors import Code, Refused
from remit.domain.mandate.cover import PowerPlan
from remit.domain.mandate.model import ConditionOp, Mandate
from remit.domain.param_paths import ParamPath
from remit.domain.policy.strangers import verify_stranger_may
from remit.domain.records import AgentRecord, MandateRecord
from remit.domain.structs import struct
from remit.domain.values import Json, JsonObject, is_list
from remit.domain.words.param_text import is_plain_value
from remit.ports.store import Versioned

_NAMED: Final = frozenset({ConditionOp.EQUALS, ConditionOp.ONE_OF, ConditionOp.SUBSET_OF})


@struct(frozen=True, kw_only=True)
class AskPlan:
    """Plan for one action: made once for a set of revisions and a catalogue, and kept beside what it was made of.

    `coverage` is one part for each mandate of the chain; `records` are the paths of owned records, each with its kind;
    `signed` are the texts that every mandate of the chain names for a param.
    """

    action: Action
    objective: Objective
    coverage: tuple[tuple[MandateRecord, PowerPlan], ...]
    records: tuple[tuple[str, ParamPath], ...]
    signed: Mapping[ParamPath, frozenset[str]]
    clean: dict[tuple[str, str], bool] = field(default_factory=dict)
    """Those of them, behind their param, that were read and found to be values without a secret: whether each is built
    like a name, and not like a sentence."""

    @classmethod
    def of(
        cls,
        catalogue: Catalogue,
        chain: Sequence[tuple[Versioned[MandateRecord], Mandate]],
        agent: AgentRecord,
        name: str,
    ) -> Self:
        """Plan the asks of an action.

        Raises:
            Refused: `action.unknown`, `agent.untrusted`, `objective.action_outside`: nobody may ask for it at all.
        """
        action = catalogue.action(name)
        objective = catalogue.objective(chain[0][0].record.objective)
        verify_stranger_may(agent, name)
        if name not in objective.actions:
            raise Refused(Code.OBJECTIVE_ACTION_OUTSIDE, f"{name} is not part of {objective.name}")
        coverage = [
            (kept.record, PowerPlan(mandate, catalogue, action, roots=kept.record.power_roots or None))
            for kept, mandate in chain
        ]
        records = [
            (mark.of, mark.path) for mark in action.marked(MarkKind.RESOURCE) if not catalogue.resources[mark.of].public
        ]
        return cls(
            action=action,
            objective=objective,
            coverage=tuple(coverage),
            records=tuple(records),
            signed=signed_texts([mandate for _, mandate in chain], action),
        )

    def is_clean(self, params: JsonObject) -> bool:
        """Return whether no param leaves room for text but those with a text that was signed and is known to be clean."""
        return self.action.named.issuperset(params) and all(
            [self.knows(name, params[name]) for name in self.action.open_params.intersection(params)]  # noqa: C419  # no generator: this runs for every ask
        )

    def has_no_sentence(self, params: JsonObject) -> bool:
        """Return whether no param can be read as a sentence: only texts that are known, and built like names."""
        known = self.clean.get
        return (
            not self.action.speaks
            and self.is_clean(params)
            and all([known((name, str(params[name]))) for name in self.action.open_params.intersection(params)])  # noqa: C419  # no generator: this runs for every ask
        )

    def knows(self, name: str, value: Json) -> bool:
        """Return whether a param has a text that was signed for it and is known to be clean."""
        return isinstance(value, str) and (name, value) in self.clean

    def remember_clean(self, params: JsonObject) -> None:
        """Remember the signed texts among params in which nothing was found. ⚔ No other text of an agent is kept."""
        for name in self.action.open_params.intersection(params):
            value = params[name]
            if (
                not self.knows(name, value)
                and isinstance(value, str)
                and value in self.signed.get(ParamPath((name,)), ())
            ):
                self.clean[name, value] = is_plain_value(value)


def signed_texts(mandates: Sequence[Mandate], action: Action) -> Mapping[ParamPath, frozenset[str]]:
    """Return the texts that all of some mandates name for each param of an action, and for its elements."""
    found = [_named_texts(mandate, action) for mandate in mandates]
    paths = set[ParamPath]().union(*found)
    return {path: frozenset.intersection(*[one.get(path, frozenset()) for one in found]) for path in paths}


def _named_texts(mandate: Mandate, action: Action) -> Mapping[ParamPath, frozenset[str]]:
    found: dict[ParamPath, frozenset[str]] = {}
    for power in mandate.powers:
        for test in power.where if power.actions is not None and action.name in power.actions else ():
            if test.op not in _NAMED:
                continue
            values = test.value if is_list(test.value) else (test.value,)
            texts = frozenset([value for value in values if isinstance(value, str)])
            for path in (test.path, test.path.child(None)):
                found[path] = found.get(path, frozenset()) | texts
    return found
