"""The tests of a `where`: whether they hold for params, and whether a negative matches."""

import re
from collections.abc import Callable, Hashable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal, Inexact
from functools import lru_cache
from typing import Final, TypeAlias

from remit.domain.errors import Refused
from remit.domain.mandate.model import Condition, ConditionOp
from remit.domain.param_paths import ABSENT, Absent, values_at
from remit.domain.structs import replace, struct
from remit.domain.values import Json, JsonObject, is_list, verify_instant, verify_money

_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
EXACT: Final = Context(prec=200, traps=[Inexact])
"""Sums with every digit; the default of 28 would round a long fraction in a party's favour."""
_DAY_UNIT: Final = "day"
_MOMENT_UNIT: Final = "moment"

Check: TypeAlias = Callable[[Json], bool]
_Verdict: TypeAlias = Callable[[Json], bool | None]
"""True or False, or None where the value allows no answer."""


@struct(frozen=True)
class Quantity:
    """A number with its unit: plain (`""`), a currency, days or microseconds since 1970."""

    number: Decimal
    unit: str


def compile_condition(test: Condition, *, negative: bool) -> Condition:
    """Compile a test's check: limits parsed once, and undecidable values settled by the test's role.

    In a power, undecidable fails. ⚔ In `never` it matches; there also `subset_of` matches an array that touches the
    list, and money is the same however it is written: padding must not slip past a negative.

    Source: docs/model/model.md#mandate-tests, #never.
    """
    verdict = _negative_verdict(test) if negative else _verdict(test)

    def check(value: Json) -> bool:
        holds = verdict(value)
        return negative if holds is None else holds

    return replace(test, check=check, texts=None if negative else _listed_texts(test))


def _listed_texts(test: Condition) -> frozenset[str] | None:
    """Return the texts of a test that lists texts for one param; None for any other test."""
    value = (test.value,) if test.op is ConditionOp.EQUALS else test.value if test.op is ConditionOp.ONE_OF else ()
    if len(test.path.steps) != 1 or not is_list(value) or not all(isinstance(one, str) for one in value):
        return None
    return frozenset([one for one in value if isinstance(one, str) and one]) or None


def condition_holds(test: Condition, params: JsonObject) -> bool:
    """Return whether a power's test holds for every value at its path; never for absent, null or empty.

    Source: docs/model/model.md#mandate-tests.
    """
    steps = test.path.steps
    if test.texts is not None:
        value = params.get(steps[0] or "")
        return isinstance(value, str) and value in test.texts
    check = test.check or _ready(test, negative=False)
    if len(steps) == 1:
        value = params.get(steps[0] or "")
        return not is_empty(value) and check(value)
    if test.op is ConditionOp.MAX_SUM:
        summed = _present(values_at(params, test.path))
        return summed is not None and check(summed)
    return all(
        not is_empty(value) and not isinstance(value, Absent) and check(value) for value in values_at(params, test.path)
    )


def negative_matches(test: Condition, params: JsonObject) -> bool:
    """Return whether a negative's test matches any value at its path, or is undecidable.

    Source: docs/model/model.md#never.
    """
    check = test.check or _ready(test, negative=True)
    if test.op is ConditionOp.MAX_SUM:
        summed = _present(values_at(params, test.path))
        return summed is None or check(summed)
    return any(isinstance(value, Absent) or is_empty(value) or check(value) for value in values_at(params, test.path))


def _ready(test: Condition, *, negative: bool) -> Check:
    check = compile_condition(test, negative=negative).check
    if check is None:  # pragma: no cover  # compiled always sets it; this narrows the type
        message = "a compiled test has no check"
        raise AssertionError(message)
    return check


def _present(values: Iterable[Json | Absent]) -> list[Json] | None:
    found: list[Json] = []
    for value in values:
        if isinstance(value, Absent) or is_empty(value):
            return None
        found.append(value)
    return found


def is_empty(value: Json | Absent) -> bool:
    """Return whether a value is absent, null or empty."""
    return value is None or value is ABSENT or value in ("", [], ()) or (not value and isinstance(value, Mapping))


def comparison_key(value: Json, *, money: bool = False) -> Hashable:
    """Return a value's key for comparison, as `deep_equal` compares; with `money`, amounts count, not digits."""
    if isinstance(value, str):
        amount = parse_quantity(value) if money else None
        return value if amount is None else ("m", amount)
    if value is None or isinstance(value, bool):
        return ("b", value)
    if isinstance(value, int | Decimal):
        return ("n", value)
    if isinstance(value, Mapping):
        return ("o", frozenset((name, comparison_key(item, money=money)) for name, item in value.items()))
    return ("a", tuple(comparison_key(item, money=money) for item in value))


def parse_quantity(value: Json) -> Quantity | None:
    """Parse a plain number or money; None for everything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | Decimal):
        return Quantity(Decimal(value), "")
    return _money(value) if isinstance(value, str) else None


@lru_cache(maxsize=1024)
def _money(text: str) -> Quantity | None:
    try:
        money = verify_money(text)
    except Refused:
        return None
    return Quantity(money.amount, money.currency)


def parse_moment(value: Json) -> Quantity | None:
    """Parse a day or an RFC 3339 time, exact to the microsecond; None for everything else."""
    if not isinstance(value, str):
        return None
    try:
        if _DAY.fullmatch(value) is not None:
            return Quantity(Decimal(date.fromisoformat(value).toordinal()), _DAY_UNIT)
        verify_instant(value)
        return Quantity(Decimal((datetime.fromisoformat(value) - _EPOCH) // _MICROSECOND), _MOMENT_UNIT)
    except (Refused, ValueError, OverflowError):
        return None


def total_of(values: Json) -> Quantity | None:
    """Return the exact sum of quantities of one unit, none of them below zero; None otherwise.

    ⚔ A negative element would buy room for a larger one beside it.
    """
    parts = [parse_quantity(value) for value in values] if is_list(values) else []
    total = Decimal(0)
    unit: str | None = None
    for part in parts:
        if part is None or part.number < 0 or unit not in {None, part.unit}:
            return None
        total, unit = EXACT.add(total, part.number), part.unit
    return None if unit is None else Quantity(total, unit)


def _verdict(test: Condition) -> _Verdict:  # noqa: PLR0911  # one line for each test there is
    match test.op:
        case ConditionOp.EQUALS:
            wanted = comparison_key(test.value)
            return lambda value: comparison_key(value) == wanted
        case ConditionOp.ONE_OF:
            among = _set(test.value)
            return lambda value: comparison_key(value) in among
        case ConditionOp.SUBSET_OF:
            whole = _set(test.value)
            return lambda value: _list_against(value, whole.issuperset)
        case ConditionOp.MAX:
            return _against(parse_quantity(test.value), parse_quantity, lambda number, limit: number <= limit)
        case ConditionOp.MIN:
            return _against(parse_quantity(test.value), parse_quantity, lambda number, limit: number >= limit)
        case ConditionOp.MAX_SUM:
            return _against(parse_quantity(test.value), total_of, lambda number, limit: number <= limit)
        case ConditionOp.BEFORE:
            return _against(parse_moment(test.value), parse_moment, lambda number, limit: number < limit)
        case ConditionOp.AFTER:
            return _against(parse_moment(test.value), parse_moment, lambda number, limit: number > limit)


def _negative_verdict(test: Condition) -> _Verdict:
    match test.op:
        case ConditionOp.EQUALS:
            wanted = comparison_key(test.value, money=True)
            return lambda value: comparison_key(value, money=True) == wanted
        case ConditionOp.ONE_OF:
            among = _set(test.value, money=True)
            return lambda value: comparison_key(value, money=True) in among
        case ConditionOp.SUBSET_OF:
            whole = _set(test.value, money=True)
            return lambda value: _list_against(value, lambda items: not whole.isdisjoint(items), money=True)
        case _:
            return _verdict(test)


def _set(value: Json, *, money: bool = False) -> frozenset[Hashable]:
    return frozenset(comparison_key(item, money=money) for item in value) if is_list(value) else frozenset()


def _list_against(value: Json, accept: Callable[[frozenset[Hashable]], bool], *, money: bool = False) -> bool | None:
    if not is_list(value):
        return None
    items = frozenset(comparison_key(item, money=money) for item in value)
    return accept(items) if len(items) == len(value) else None


def _against(
    limit: Quantity | None, read: Callable[[Json], Quantity | None], accept: Callable[[Decimal, Decimal], bool]
) -> _Verdict:
    if limit is None:
        return lambda _value: None
    number, unit = limit.number, limit.unit

    def verdict(value: Json) -> bool | None:
        found = read(value)
        return None if found is None or found.unit != unit else accept(found.number, number)

    return verdict
