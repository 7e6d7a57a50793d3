"""The record an ask is about, as risk trails and declines recognise it."""

from collections.abc import Collection, Mapping

from remit.domain.catalogue.model import Action, Effect, MarkKind
from remit.domain.param_paths import values_at
from remit.domain.values import JsonObject
from remit.proof.canonical import digest


def target_of(action: Action | None, params: JsonObject, *, customer: str, targets: Collection[str]) -> str:
    """Return the record an ask is about, as `kind:id`; "" where it names none.

    ⚔ A target of its task wins, in whatever order params and lists stand: otherwise slices of one order, each beside
    another record (such as the card that is paid to), would count as unrelated.
    """
    found = named_records(action, params, customer=customer)
    return min([name for name in found if name in targets], default=found[0] if found else "")


def named_records(action: Action | None, params: JsonObject, *, customer: str) -> tuple[str, ...]:
    """Return every record the params name besides the customer, as `kind:id`, each once."""
    return tuple(dict.fromkeys([name for name in _records(action, params) if name.partition(":")[2] != customer]))


def money_records(action: Action | None, params: JsonObject) -> tuple[str, ...]:
    """Return every record, as `kind:id`, named by a write that moves money; none for any other ask."""
    moves = action is not None and action.effect is Effect.WRITE and action.pays
    return tuple(_records(action, params)) if moves else ()


def _records(action: Action | None, params: JsonObject) -> list[str]:
    found: list[str] = []
    for mark in () if action is None else action.marks:
        if mark.kind is MarkKind.RESOURCE:
            found.extend([f"{mark.of}:{value}" for value in values_at(params, mark.path) if isinstance(value, str)])
    return found


def mandate_targets(target: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the target records of a mandate, as `target_of` names them."""
    return tuple([f"{kind}:{id_}" for kind, ids in target.items() for id_ in ids])


def similarity_digest(action: str, target: str) -> str:
    """Return a digest that asks share when they want the same action for the same record, whatever the values.

    Source: docs/model/model.md#trajectory.
    """
    return digest(["like", action, target])
