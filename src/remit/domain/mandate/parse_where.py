"""Reading `where` and `total`: the tests allowed at each path of each action."""

from collections.abc import Mapping, Sequence
from decimal import ROUND_FLOOR, Decimal
from typing import Final

from remit.domain.catalogue.model import Action, MarkKind
from remit.domain.catalogue.schema import is_open_at, types_at
from remit.domain.errors import Code, Refused
from remit.domain.mandate.conditions import EXACT, compile_condition, parse_moment, parse_quantity
from remit.domain.mandate.model import Condition, ConditionOp, Total
from remit.domain.param_paths import ParamPath, parse_path
from remit.domain.secrets.find import find_secrets, redact
from remit.domain.values import Json, JsonObject, is_list, minor_digits

MAX_VALUES: Final = 1000
MAX_TEXT_LENGTH: Final = 1000


def mandate_error(member: str, problem: str) -> Refused:
    """Build a refusal of the mandate, as readable for the agent's developer as for the desk."""
    sentence = f"{member[:200]}: {problem}"
    sentence = redact(sentence, find_secrets(sentence))  # ⚔ a member's name is the agent's own text
    return Refused(Code.MANDATE_INVALID, sentence, public=sentence)


def closed_object(value: Json, where: str, *, required: Sequence[str] = (), optional: Sequence[str] = ()) -> JsonObject:
    """Return a closed object.

    Raises:
        Refused: `mandate.invalid` naming the missing or unknown member.
    """
    if not isinstance(value, Mapping):
        raise mandate_error(where, "must be an object")
    for name in value:
        if name not in required and name not in optional:
            raise mandate_error(
                f"{where}.{name[:80]}", f"is not known here; known are {', '.join((*required, *optional))}"
            )
    for name in required:
        if name not in value:
            raise mandate_error(f"{where}.{name}", "is missing")
    return value


def bounded_array(value: Json, where: str, *, least: int = 1, most: int = MAX_VALUES) -> Sequence[Json]:
    """Return a bounded array.

    Raises:
        Refused: `mandate.invalid`.
    """
    if not is_list(value):
        raise mandate_error(where, "must be an array")
    if not least <= len(value) <= most:
        raise mandate_error(where, f"must have {least} to {most} items")
    return value


def text_value(value: Json, where: str, *, longest: int = MAX_TEXT_LENGTH) -> str:
    """Return a text that is neither empty nor too long.

    Raises:
        Refused: `mandate.invalid`.
    """
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise mandate_error(where, f"must be a text of 1 to {longest} characters")
    return value


def text_list(value: Json, where: str) -> tuple[str, ...]:
    """Return an array of different texts.

    Raises:
        Refused: `mandate.invalid`.
    """
    found = tuple(text_value(item, f"{where}[{place}]") for place, item in enumerate(bounded_array(value, where)))
    if len(set(found)) != len(found):
        raise mandate_error(where, "says something twice")
    return found


def whole_number(value: Json, where: str, *, least: int, most: int) -> int:
    """Return a whole number within bounds.

    Raises:
        Refused: `mandate.invalid`.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise mandate_error(where, f"must be a whole number from {least} to {most}")
    return value


def verify_size(value: Json, where: str) -> None:
    """Bound the size of one test's value.

    Raises:
        Refused: `mandate.invalid`.
    """
    left = MAX_VALUES + 1
    stack: list[Json] = [value]
    while stack:
        left -= 1
        item = stack.pop()
        if left < 0 or (isinstance(item, str) and len(item) > 4 * MAX_TEXT_LENGTH):
            raise mandate_error(where, "is too large")
        if isinstance(item, Mapping):
            stack.extend(item.values())
        elif is_list(item):
            stack.extend(item)


MAX_CONDITIONS: Final = 32
MICRO: Final = Decimal(1_000_000)
MAX_TOTAL: Final = Decimal(10**12)
"""Counters are 64-bit millionths; a larger total could overflow one."""


def read_where(
    value: Json, where: str, *, listed: Sequence[Action], possible: Sequence[Action], negative: bool
) -> tuple[Condition, ...]:
    """Read the tests of one power and compile them.

    Every action in `listed` must declare every path; where none is listed, one of the `possible` must.

    Raises:
        Refused: `mandate.invalid` for an unknown path or test, or a value that does not fit.

    Source: docs/model/model.md#mandate-tests.
    """
    if not isinstance(value, Mapping):
        raise mandate_error(where, "must be an object")
    tests: list[Condition] = []
    for name, ops in value.items():
        member = f"{where}.{name[:80]}"
        path, tested = _path(name, member, listed=listed, possible=possible)
        if not isinstance(ops, Mapping) or not ops:
            raise mandate_error(member, "must be an object with at least one test")
        for op, limit in ops.items():
            tests.append(compile_condition(_test(path, op, limit, f"{member}.{op[:40]}", tested), negative=negative))
    if len(tests) > MAX_CONDITIONS:
        raise mandate_error(where, f"more than {MAX_CONDITIONS} tests")
    return tuple(sorted(tests, key=lambda test: (str(test.path), test.op)))


def read_total(value: Json, where: str, *, listed: Sequence[Action]) -> tuple[Total, ...]:
    """Read the running limits of one power.

    Raises:
        Refused: `mandate.invalid`.

    Source: docs/model/model.md#mandate-counters.
    """
    if not isinstance(value, Mapping) or not 0 < len(value) <= MAX_CONDITIONS:
        raise mandate_error(where, f"must be an object with 1 to {MAX_CONDITIONS} limits")
    totals: list[Total] = []
    for name, limit in value.items():
        member = f"{where}.{name[:80]}"
        path, tested = _path(name, member, listed=listed, possible=())
        found = parse_quantity(limit)
        if found is None or micro_of(found.number) is None or found.number == 0:
            raise mandate_error(member, "must be money or a number above zero, to the millionth")
        _verify_quantity(found.unit, path, member, tested)
        totals.append(Total(path=path, limit=limit))
    return tuple(sorted(totals, key=lambda total: str(total.path)))


def micro_of(number: Decimal) -> int | None:
    """Return an amount in exact millionths; None for finer digits, below zero or too large to count."""
    if not 0 <= number <= MAX_TOTAL:
        return None
    micro = EXACT.multiply(number, MICRO)
    return int(micro) if micro == micro.to_integral_value() else None


def format_remaining(micro: int, unit: str) -> str:
    """Write a total's remainder, given in millionths: money in whole smallest units, or a plain number.

    Never rounded up: the text is the most that can still be asked for, and no part of the smallest unit can.
    """
    left = Decimal(micro).scaleb(-6)
    if not unit:
        return f"{left.normalize():f}"
    smallest = Decimal(1).scaleb(-minor_digits(unit))
    return f"{left.quantize(smallest, rounding=ROUND_FLOOR):f} {unit}"


def _path(
    name: str, member: str, *, listed: Sequence[Action], possible: Sequence[Action]
) -> tuple[ParamPath, Sequence[Action]]:
    """Return the path, and the actions that declare it."""
    try:
        path = parse_path(name)
    except ValueError:
        raise mandate_error(member, "is no parameter path") from None
    if str(path) != name:
        raise mandate_error(member, "is no parameter path")
    for action in listed:
        if not _declares(action, path):
            raise mandate_error(member, f"{action.name} has no such parameter")
    if listed:
        return path, listed
    declaring = [action for action in possible if _declares(action, path)]
    if not declaring:
        raise mandate_error(member, "no action has such a parameter")
    return path, declaring


def _declares(action: Action, path: ParamPath) -> bool:
    return str(path) in action.declared or is_open_at(action.schema, path)


def _test(path: ParamPath, op: str, limit: Json, member: str, tested: Sequence[Action]) -> Condition:
    if op not in set(ConditionOp):
        raise mandate_error(member, f"is no test; known are {', '.join(ConditionOp)}")
    test = Condition(path=path, op=ConditionOp(op), value=limit)
    verify_size(limit, member)
    match test.op:
        case ConditionOp.EQUALS:
            _verify_values([limit], path, member, tested)
        case ConditionOp.ONE_OF:
            _verify_values(bounded_array(limit, member), path, member, tested)
        case ConditionOp.SUBSET_OF:
            bounded_array(limit, member)
            _verify_type("array", path, member, tested)
            _verify_values(bounded_array(limit, member), path.child(None), member, tested)
        case ConditionOp.MAX | ConditionOp.MIN | ConditionOp.MAX_SUM:
            found = parse_quantity(limit)
            if found is None:
                raise mandate_error(member, "must be a number or money such as '40.00 EUR'")
            if test.op is ConditionOp.MAX_SUM and not path.has_wildcard:
                raise mandate_error(member, "sums over every element: the path needs [*]")
            _verify_quantity(found.unit, path, member, tested)
        case ConditionOp.BEFORE | ConditionOp.AFTER:
            if parse_moment(limit) is None:
                raise mandate_error(member, "must be a day such as 2026-12-31 or an RFC 3339 time")
            _verify_type("string", path, member, tested)
    return test


def _verify_quantity(unit: str, path: ParamPath, member: str, tested: Sequence[Action]) -> None:
    for action in tested:
        if bool(unit) != is_money(action, path):
            raise mandate_error(
                member, f"{path} of {action.name} is {'no money' if unit else 'money: write it such as 40.00 EUR'}"
            )
    if not unit:
        _verify_type("number", path, member, tested)


def _verify_values(values: Sequence[Json], path: ParamPath, member: str, tested: Sequence[Action]) -> None:
    """Verify the types of values. ⚔ In `never`, a type the parameter never has would protect nothing."""
    money = any(is_money(action, path) for action in tested)
    for value in values:
        _verify_type(_type(value), path, member, tested)
        if money and isinstance(value, str) and parse_quantity(value) is None:
            raise mandate_error(member, "is money: write it such as 40.00 EUR")


def _verify_type(kind: str, path: ParamPath, member: str, tested: Sequence[Action]) -> None:
    for action in tested:
        types = types_at(action.schema, path)
        if types is not None and kind not in types:
            raise mandate_error(member, f"{path} of {action.name} is {' or '.join(sorted(types))}, not {kind}")


def _type(value: Json) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    if is_list(value):
        return "array"
    return "object" if isinstance(value, Mapping) else "number"


def is_money(action: Action, path: ParamPath) -> bool:
    """Return whether the action's parameter at the path is money."""
    return any(mark.kind is MarkKind.MONEY and mark.path == path for mark in action.marks)
