"""Writes one question for Cedar: its context and the two entities it is about.

What policies may look at is in `cedar_schema`; how params are written in `cedar_shapes`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from remit.adapters.policy.cedar_schema import ActionModel
from remit.domain.values import Instant, instant_text
from remit.ports.policy import PolicyQuestion

_PARTS: Final[Mapping[str, Callable[[PolicyQuestion], object]]] = {
    "confirmation": lambda question: {"kind": question.confirmation_kind},
    "confirmed_by": lambda question: sorted(question.confirmed_by),
    "objective": lambda question: question.objective,
    "records": lambda question: [{"kind": kind, "id": one} for kind, one in question.resources],
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
    """The context with these members, and always the params, of which these (None: all).

    Raises:
        Refused: `policy.error` when a param cannot be held exactly, whether or not a policy looks at it.
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
    """The agent and the task, each with who and what it belongs to."""
    operator = {"type": "Operator", "id": question.operator}
    return (
        {
            "uid": {"type": "Agent", "id": question.agent},
            "attrs": {"tier": question.tier, "operator": {"__entity": operator}},
            "parents": [operator],
        },
        {
            "uid": {"type": "Task", "id": question.task},
            "attrs": {},
            "parents": [{"type": "Customer", "id": question.customer}, {"type": "Objective", "id": question.objective}],
        },
    )
