"""One question for Cedar: its context and its two entities."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from remit.adapters.policy.cedar_schema import ActionModel
from remit.domain.records import Tier
from remit.domain.values import Instant, instant_text
from remit.ports.policy import PolicyQuestion

_PARTS: Final[Mapping[str, Callable[[PolicyQuestion], object]]] = {
    "confirmation": lambda question: {"kind": question.confirmation_kind},
    "confirmed_by": lambda question: sorted(question.confirmed_by),
    "objective": lambda question: question.objective,
    "records": lambda question: [{"kind": kind, "id": record_id} for kind, record_id in question.resources],
    "risk": lambda question: question.risk,
    "time": lambda question: instant_text(Instant(question.time_ms)),
}


def build_context(
    model: ActionModel,
    question: PolicyQuestion,
    *,
    parts: Iterable[str] | None = None,
    params: frozenset[str] | None = None,
) -> Mapping[str, object]:
    """Build the context with these members, and the params with these names (None: all).

    Raises:
        Refused: `policy.error` when a param cannot be held exactly, whether or not a policy reads it.
    """
    written = model.write_params(question.params)
    if params is not None and isinstance(written, (dict, Mapping)):
        written = {name: value for name, value in written.items() if name in params}
    context: dict[str, object] = {"params": written}
    for part in model.context.attributes if parts is None else parts:
        if part != "params":
            context[part] = _PARTS[part](question)
    return context


def build_entities(question: PolicyQuestion) -> Sequence[Mapping[str, object]]:
    """Build the agent and the task, each with its parents."""
    operator = {"type": "Operator", "id": question.operator}
    return (
        {
            "uid": {"type": "Agent", "id": question.agent},
            "attrs": {
                "tier": Tier.UNPROVED.value if question.tier == Tier.VISITOR else question.tier,
                "visitor": question.tier == Tier.VISITOR,
                "operator": {"__entity": operator},
            },
            "parents": [operator],
        },
        {
            "uid": {"type": "Task", "id": question.task},
            "attrs": {},
            "parents": [{"type": "Customer", "id": question.customer}, {"type": "Objective", "id": question.objective}],
        },
    )
