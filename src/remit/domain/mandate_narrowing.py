"""Comparing mandates: whether one fits inside another.

Power by power: each power of the narrower one inside one single power of the wider one, and the reverse in `never`.
Whether single tests imply others is for `mandate_implication`.
"""

from collections.abc import Sequence

from remit.domain.errors import Code, Refused
from remit.domain.mandate import Mandate, Power, Total
from remit.domain.mandate_implication import forbids_as_much, implies
from remit.domain.mandate_members import invalid
from remit.domain.mandate_tests import quantity
from remit.domain.names import covers_pattern


def verify_narrows(narrower: Mandate, wider: Mandate) -> tuple[int, ...]:
    """Check that a mandate fits inside another, and say where: for each of its powers, the place of the one it fits in.

    The places carry counters over: they hang on the root grant, so what was used stays used.

    Raises:
        Refused: `mandate.invalid` naming the first power, negative or limit that is wider.

    Source: docs/model/model.md#narrowing.
    """
    _verify_terms(narrower, wider)
    for place, negative in enumerate(wider.never):
        if not any(_forbids(mine, negative) for mine in narrower.never):
            raise invalid("never", f"nothing keeps what never[{place}] of the wider mandate rules out")
    places: list[int] = []
    for place, power in enumerate(narrower.powers):
        fits = next((there for there, other in enumerate(wider.powers) if _fits(power, other)), None)
        if fits is None:
            raise invalid(f"powers[{place}]", "fits inside no single power of the wider mandate")
        places.append(fits)
    return tuple(places)


def narrows(narrower: Mandate, wider: Mandate) -> bool:
    """Tell whether a mandate fits inside another."""
    try:
        verify_narrows(narrower, wider)
    except Refused:
        return False
    return True


def verify_handed_on(chain: Sequence[tuple[str, Mandate]]) -> None:
    """Check that every mandate of a chain still allows all hops below it: operators and mandates, nearest first.

    ⚔ A customer who takes back that something is handed on, or to whom, means the branches there are.

    Raises:
        Refused: `mandate.inactive`.

    Source: docs/model/model.md#chain.
    """
    for hops, (_, above) in enumerate(chain):
        if hops > above.chain or any(operator not in above.chain_operators for operator, _ in chain[:hops]):
            raise Refused(
                Code.MANDATE_INACTIVE,
                "a mandate above is not handed on so far, or to these operators, any more",
                public="The mandate this was cut from is not handed on to this agent any more.",
            )


def _verify_terms(narrower: Mandate, wider: Mandate) -> None:
    mine, theirs = narrower.objective, wider.objective
    if mine.type != theirs.type:
        raise invalid("objective.type", f"is not {theirs.type}")
    if mine.target.keys() != theirs.target.keys() or any(not set(ids) <= set(theirs.target[kind]) for kind, ids in mine.target.items()):
        raise invalid("objective.target", "names records the wider mandate does not")
    if narrower.expires_at > wider.expires_at:
        raise invalid("expires_at", "is later than the wider mandate's")
    if narrower.max_tasks > wider.max_tasks:
        raise invalid("max_tasks", "is more than the wider mandate's")
    if narrower.chain > wider.chain:
        raise invalid("chain", "is longer than the wider mandate's")
    if not set(narrower.chain_operators) <= set(wider.chain_operators):
        raise invalid("chain_operators", "names operators the wider mandate does not")


def _fits(mine: Power, theirs: Power) -> bool:
    """Whether everything one power covers is covered by the other, with no more uses, totals or prior approval."""
    return (
        mine.power is theirs.power
        and set(mine.actions or ()) <= set(theirs.actions or ())
        and set(mine.attributes or ()) <= set(theirs.attributes or ())
        and (theirs.uses is None or (mine.uses is not None and mine.uses <= theirs.uses))
        and all(any(_total_within(one, limit) for one in mine.totals) for limit in theirs.totals)
        and (theirs.preapproved or not mine.preapproved)
        and all(implies(mine.where, test) for test in theirs.where)
    )


def _total_within(mine: Total, theirs: Total) -> bool:
    limit, bound = quantity(mine.limit), quantity(theirs.limit)
    return (
        mine.path == theirs.path and limit is not None and bound is not None and limit.unit == bound.unit and limit.number <= bound.number
    )


def _forbids(mine: Power, theirs: Power) -> bool:
    """Whether one negative rules out all that the other does."""
    return mine.power is theirs.power and _speaks_of(mine, theirs) and all(forbids_as_much(theirs.where, test) for test in mine.where)


def _speaks_of(mine: Power, theirs: Power) -> bool:
    """Whether everything the other negative names is named too; one that names nothing speaks of everything."""
    if mine.actions is None and mine.attributes is None:
        return True
    if theirs.actions is None and theirs.attributes is None:
        return False
    return _patterns_cover(mine.actions, theirs.actions) and _patterns_cover(mine.attributes, theirs.attributes)


def _patterns_cover(mine: tuple[str, ...] | None, theirs: tuple[str, ...] | None) -> bool:
    return all(any(covers_pattern(wide, narrow) for wide in mine or ()) for narrow in theirs or ())
