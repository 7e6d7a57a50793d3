"""Narrowing: whether a mandate fits inside another, and whether given tests imply another one.

Exact for each kind of test at one path, for their conjunction, and for values fixed by a test further up the path.
"""

from collections.abc import Sequence

from remit.domain.errors import Code, Refused
from remit.domain.ids import covers_pattern
from remit.domain.mandate.conditions import (
    Quantity,
    comparison_key,
    condition_holds,
    negative_matches,
    parse_moment,
    parse_quantity,
)
from remit.domain.mandate.model import Condition, ConditionOp, Mandate, Power, Total
from remit.domain.mandate.parse_where import mandate_error
from remit.domain.param_paths import ParamPath
from remit.domain.values import Json, JsonObject, is_list

_VALUE = ParamPath(("value",))
_ITEM = ("value", None)


def implies(given: Sequence[Condition], wanted: Condition) -> bool:
    """Return whether params that pass all the given tests always pass the wanted one.

    Source: docs/model/model.md#narrowing.
    """
    here = [test for test in given if test.path == wanted.path]
    if _impossible(here) or any(_single(test, wanted) for test in here):
        return True
    fixed = _fixed(here, negative=False)
    if (
        fixed is not None
        and wanted.op is not ConditionOp.MAX_SUM
        and all(condition_holds(_at(wanted, _VALUE), {"value": value}) for value in fixed)
    ):
        return True
    return any(_from_above(test, wanted) for test in given)


def implies_negative(given: Sequence[Condition], wanted: Condition) -> bool:
    """Return whether params that match all the given negative tests always match the wanted one.

    Through `[*]` a negative test matches for any element, so only single tests count there, not their conjunction.

    Source: docs/model/model.md#narrowing.
    """
    here = [test for test in given if test.path == wanted.path]
    if any(_single(test, wanted, money=True) for test in here):
        return True
    if wanted.op is ConditionOp.MAX_SUM:
        return False
    if wanted.path.has_wildcard:
        return any(_all_touch(_fixed([test], negative=True), wanted) for test in here)
    return _all_touch(_fixed(here, negative=True), wanted)


def _all_touch(fixed: Sequence[Json] | None, wanted: Condition) -> bool:
    return fixed is not None and all(negative_matches(_at(wanted, _VALUE), {"value": value}) for value in fixed)


def _at(test: Condition, path: ParamPath) -> Condition:
    return Condition(path=path, op=test.op, value=test.value, check=test.check)


def _fixed(tests: Sequence[Condition], *, negative: bool) -> Sequence[Json] | None:
    """Return the only values that can pass the tests of one path, or None when they are not listed.

    A lone `subset_of` of one value fixes the array, since an array as a set has no repeats and is not empty; in
    `never` it matches any array touching the list and fixes nothing.
    """
    listed: Sequence[Json] | None = None
    single = [test for test in tests if test.op is not ConditionOp.MAX_SUM]
    for test in single:
        if test.op is ConditionOp.EQUALS:
            listed = [test.value]
        elif test.op is ConditionOp.ONE_OF and is_list(test.value):
            listed = test.value
        elif test.op is ConditionOp.SUBSET_OF and not negative and is_list(test.value) and len(_set(test.value)) == 1:
            listed = [[test.value[0]]]
        if listed is not None:
            break
    if listed is None:
        return None if negative else _pinned_number(tests)
    passes = negative_matches if negative else condition_holds
    return [value for value in listed if all(passes(_at(test, _VALUE), {"value": value}) for test in single)]


def _pinned_number(tests: Sequence[Condition]) -> Sequence[Json] | None:
    """Return a plain number squeezed between equal bounds; money can be written in several ways."""
    bounds = [(test.op, bound.number) for test in tests if (bound := _bound(test)) is not None and not bound.unit]
    lows = [number for op, number in bounds if op is ConditionOp.MIN]
    highs = [number for op, number in bounds if op is ConditionOp.MAX]
    return [max(lows)] if lows and highs and max(lows) == min(highs) else None


def _impossible(tests: Sequence[Condition]) -> bool:
    """Return whether no value at all passes the tests of one path."""
    fixed = _fixed(tests, negative=False)
    if fixed is not None and not fixed:
        return True
    bounds = [(test.op, bound) for test in tests if (bound := _bound(test)) is not None]
    lows = [bound for op, bound in bounds if op in {ConditionOp.MIN, ConditionOp.AFTER}]
    highs = [bound for op, bound in bounds if op in {ConditionOp.MAX, ConditionOp.BEFORE}]
    strict = any(op in {ConditionOp.AFTER, ConditionOp.BEFORE} for op, _ in bounds)
    return any(
        low.unit != high.unit or low.number > high.number or (strict and low.number == high.number)
        for low in lows
        for high in highs
    )


def _bound(test: Condition) -> Quantity | None:
    if test.op in {ConditionOp.BEFORE, ConditionOp.AFTER}:
        return parse_moment(test.value)
    return parse_quantity(test.value) if test.op in {ConditionOp.MAX, ConditionOp.MIN} else None


def _single(given: Condition, wanted: Condition, *, money: bool = False) -> bool:
    """Return whether one test implies another at the same path, by their limits; `money` as for `comparison_key`."""
    if given.op is not wanted.op:
        return False
    if given.op is ConditionOp.SUBSET_OF:
        return _set(given.value, money=money) <= _set(wanted.value, money=money)
    return _limit_within(given, wanted)


def _set(value: Json, *, money: bool = False) -> frozenset[object]:
    return frozenset(comparison_key(item, money=money) for item in value) if is_list(value) else frozenset()


def _limit_within(given: Condition, wanted: Condition) -> bool:
    """Return whether a limit of the same kind and unit is at least as strict."""
    read = parse_moment if given.op in {ConditionOp.BEFORE, ConditionOp.AFTER} else parse_quantity
    mine, theirs = read(given.value), read(wanted.value)
    if mine is None or theirs is None or mine.unit != theirs.unit:
        return False
    if given.op in {ConditionOp.MAX, ConditionOp.MAX_SUM, ConditionOp.BEFORE}:
        return mine.number <= theirs.number
    return given.op in {ConditionOp.MIN, ConditionOp.AFTER} and mine.number >= theirs.number


def _from_above(given: Condition, wanted: Condition) -> bool:
    """Return whether a test that fixes a value further up the path settles the wanted one inside it."""
    steps, inside = given.path.steps, wanted.path.steps
    if len(steps) >= len(inside) or inside[: len(steps)] != steps:
        return False
    rest = inside[len(steps) :]
    fixed = _fixed([given], negative=False)
    if fixed is not None and (wanted.op is not ConditionOp.MAX_SUM or None not in steps):
        return all(condition_holds(_at(wanted, ParamPath(("value", *rest))), {"value": value}) for value in fixed)
    elements = given.op is ConditionOp.SUBSET_OF and rest and rest[0] is None and wanted.op is not ConditionOp.MAX_SUM
    if not elements or not is_list(given.value):
        return False
    wrapped: list[JsonObject] = [{"value": [item]} for item in given.value]
    return all(condition_holds(_at(wanted, ParamPath((*_ITEM, *rest[1:]))), params) for params in wrapped)


def verify_narrows(narrower: Mandate, wider: Mandate) -> tuple[int, ...]:
    """Verify that a mandate fits inside another, and return for each of its powers the place of the containing one.

    The places carry counters over: they belong to the root grant, so use counts on.

    Raises:
        Refused: `mandate.invalid` naming the first power, negative or limit that is wider.

    Source: docs/model/model.md#narrowing.
    """
    _verify_terms(narrower, wider)
    for place, negative in enumerate(wider.never):
        if not any(_forbids(mine, negative) for mine in narrower.never):
            raise mandate_error("never", f"nothing keeps what never[{place}] of the wider mandate rules out")
    places: list[int] = []
    for place, power in enumerate(narrower.powers):
        fits = next((there for there, other in enumerate(wider.powers) if _fits(power, other)), None)
        if fits is None:
            raise mandate_error(f"powers[{place}]", "fits inside no single power of the wider mandate")
        places.append(fits)
    return tuple(places)


def narrows(narrower: Mandate, wider: Mandate) -> bool:
    """Return whether a mandate fits inside another."""
    try:
        verify_narrows(narrower, wider)
    except Refused:
        return False
    return True


def verify_delegation_chain(chain: Sequence[tuple[str, Mandate]]) -> None:
    """Verify that every mandate of a chain still allows all hops below it: operators and mandates, nearest first.

    ⚔ A customer who withdraws delegation, or an operator from it, withdraws it from existing branches too.

    Raises:
        Refused: `mandate.inactive`.

    Source: docs/model/model.md#chain.
    """
    for hops, (_, above) in enumerate(chain):
        if hops > above.chain or any(operator not in above.chain_operators for operator, _ in chain[:hops]):
            raise Refused(
                Code.MANDATE_INACTIVE,
                "a mandate above is not handed on so far, or to these operators, any more",
                public="The mandate this one comes from is no longer passed on to this agent.",
            )


def _verify_terms(narrower: Mandate, wider: Mandate) -> None:
    mine, theirs = narrower.objective, wider.objective
    if mine.type != theirs.type:
        raise mandate_error("objective.type", f"is not {theirs.type}")
    if mine.target.keys() != theirs.target.keys() or any(
        not set(ids) <= set(theirs.target[kind]) for kind, ids in mine.target.items()
    ):
        raise mandate_error("objective.target", "names records the wider mandate does not")
    if narrower.expires_at > wider.expires_at:
        raise mandate_error("expires_at", "is later than the wider mandate's")
    if narrower.max_tasks > wider.max_tasks:
        raise mandate_error("max_tasks", "is more than the wider mandate's")
    if narrower.chain > wider.chain:
        raise mandate_error("chain", "is longer than the wider mandate's")
    if not set(narrower.chain_operators) <= set(wider.chain_operators):
        raise mandate_error("chain_operators", "names operators the wider mandate does not")


def _fits(mine: Power, theirs: Power) -> bool:
    """Return whether one power is covered by the other, with no more uses, totals or prior approval."""
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
    limit, bound = parse_quantity(mine.limit), parse_quantity(theirs.limit)
    return (
        mine.path == theirs.path
        and limit is not None
        and bound is not None
        and limit.unit == bound.unit
        and limit.number <= bound.number
    )


def _forbids(mine: Power, theirs: Power) -> bool:
    """Return whether one negative rules out all that the other does."""
    return (
        mine.power is theirs.power
        and _speaks_of(mine, theirs)
        and all(implies_negative(theirs.where, test) for test in mine.where)
    )


def _speaks_of(mine: Power, theirs: Power) -> bool:
    """Return whether one negative names everything the other does; one without names covers everything."""
    if mine.actions is None and mine.attributes is None:
        return True
    if theirs.actions is None and theirs.attributes is None:
        return False
    return _patterns_cover(mine.actions, theirs.actions) and _patterns_cover(mine.attributes, theirs.attributes)


def _patterns_cover(mine: tuple[str, ...] | None, theirs: tuple[str, ...] | None) -> bool:
    return all(any(covers_pattern(wide, narrow) for wide in mine or ()) for narrow in theirs or ())
