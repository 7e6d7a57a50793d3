"""Building requests to a mapped system: path, query and body, and reading values out of its answers."""

import base64
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Final
from urllib.parse import quote, urlencode

import msgspec

from remit.adapters.backoffice.mapped.mapping import (
    ENCODED,
    HOLE,
    ActionMap,
    BodyPart,
    Limit,
    Query,
    Success,
    Sum,
)
from remit.adapters.backoffice.mapped.pointers import PointerError, find, find_each, put
from remit.adapters.http.connection import HttpAnswer
from remit.adapters.http.faults import ExchangeFault, Problem
from remit.adapters.openapi.document import Operation
from remit.domain.errors import Refused
from remit.domain.structs import struct
from remit.domain.values import Json, Money, is_list, minor_digits, verify_money
from remit.ports.backoffice import Act, ActOutcome, ActResult

GOOD: Final = range(200, 300)
REFUSED: Final = "The system refused it."
_LONGEST_ID: Final = 256
_MOST: Final = 50
_LARGEST: Final = 18
"""Digits of an amount before the point, less one: sums of larger ones are not exact."""
_DECODER: Final = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
FilledQuery = dict[str, str | list[str]]


class UnusableValue(ValueError):  # noqa: N818  # it names a value
    """A value that cannot be part of a request; nothing was sent."""


@struct(frozen=True, kw_only=True)
class Request:
    """One request below the base address."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


def segment(value: object) -> str:
    """Return an id as one segment of a path.

    ⚔ An id with a slash, a question mark or two dots would reach another operation; systems resolve `..` even encoded.

    Raises:
        UnusableValue: for a value that can be no id.
    """
    text = verify_text(value)
    if text in {".", ".."}:
        message = "an id has no usable form"
        raise UnusableValue(message)
    return quote(text, safe="")


def verify_text(value: object) -> str:
    """Return a value as a short printable text.

    Raises:
        UnusableValue: for any other.
    """
    text = text_of(value)
    if not text or len(text) > _LONGEST_ID or not text.isprintable():
        message = "a value has no usable form"
        raise UnusableValue(message)
    return text


def fill(operation: Operation, values: Mapping[str, object], query: FilledQuery | None = None) -> str:
    """Return an operation's path with its placeholders filled, and its query.

    Raises:
        UnusableValue: for a value that can be no id.
    """
    path = operation.path
    filled = {name: segment(value) for name, value in values.items()}
    parts = path.split("{")
    out = parts[0] + "".join(f"{filled[part.split('}', 1)[0]]}{part.split('}', 1)[1]}" for part in parts[1:])
    return f"{out}?{urlencode(query, doseq=True)}" if query else out


def act_request(
    operation: Operation,
    action: ActionMap,
    act: Act,
    *,
    currency: str,
    extra: Sequence[tuple[str, Json]] = (),
    headers: Mapping[str, str] | None = None,
) -> Request:
    """Build the request of an act; `extra` are further values of the body by pointer, `currency` is the desk's own.

    Raises:
        UnusableValue: for a param that cannot be sent.
    """
    path = fill(
        operation, {name: find(act.params, at) for name, at in action.path.items()}, act_query(action.query, act)
    )
    return _request(operation, path, _body(action.body, act, currency, extra), headers or {})


def draft_request(
    operation: Operation, placeholder: str, draft: str, act: Act, *, currency: str, body: Sequence[BodyPart] = ()
) -> Request:
    """Build a request about the draft of an act.

    Raises:
        UnusableValue: for a param that cannot be sent.
    """
    return _request(operation, fill(operation, {placeholder: draft}), _body(body, act, currency), {})


def _request(operation: Operation, path: str, body: Mapping[str, object], headers: Mapping[str, str]) -> Request:
    raw = _ENCODER.encode(body) if body or operation.method in {"post", "put", "patch"} else b""
    kind = {"content-type": "application/json"} if raw else {}
    return Request(method=operation.method.upper(), path=path, headers={**kind, **headers}, body=raw)


def _body(
    parts: Sequence[BodyPart], act: Act, currency: str, extra: Sequence[tuple[str, Json]] = ()
) -> dict[str, object]:
    body: dict[str, object] = {}
    try:
        for part in parts:
            _put_part(body, part, act, currency)
        for pointer, value in extra:
            put(body, pointer, value)
    except PointerError as wrong:
        raise UnusableValue(str(wrong)) from None
    return body


def act_query(query: Query, act: Act) -> FilledQuery:
    """Return a query with the key, customer and params of an act in it.

    Raises:
        UnusableValue: for a param that is no usable text.
    """
    return filled_query(query, {"key": act.key, "customer": act.customer}, act.params)


def filled_query(query: Query, known: Mapping[str, str], params: Mapping[str, Json] | None = None) -> FilledQuery:
    """Return a query with other values in the place of its holes; what stands in these is never filled again.

    Raises:
        UnusableValue: for a value that is no usable text, or no number where one is asked for.
    """

    def value_of(hole: re.Match[str]) -> str:
        name = hole[1]
        text = verify_text(find(params, name) if name.startswith("/") else known.get(name, ""))
        return str(verify_integer(text)) if hole[2] else text

    def in_json(node: object) -> object:
        if isinstance(node, list):
            return [in_json(one) for one in node]
        if isinstance(node, dict):
            return {name: in_json(one) for name, one in node.items()}
        hole = HOLE.fullmatch(node) if isinstance(node, str) else None
        if hole is not None and hole[2]:
            return verify_integer(value_of(hole))
        return HOLE.sub(value_of, node) if isinstance(node, str) else node

    def filled(text: str) -> str:
        if not text.startswith(ENCODED):
            return HOLE.sub(value_of, text)
        raw = msgspec.json.encode(in_json(msgspec.json.decode(text.removeprefix(ENCODED))))
        return base64.urlsafe_b64encode(raw).decode()

    return {
        name: [filled(one) for one in value] if isinstance(value, list) else filled(value)
        for name, value in query.items()
    }


def verify_integer(text: str) -> int:
    """Return a text of digits as a number.

    Raises:
        UnusableValue: for any other, also for one with a leading zero.
    """
    if not (len(text) <= _LONGEST_ID and text.isascii() and text.isdigit() and str(int(text)) == text):
        message = "a value is no whole number"
        raise UnusableValue(message)
    return int(text)


def _put_part(body: dict[str, object], part: BodyPart, act: Act, currency: str) -> None:
    if part.from_ is None:
        fixed = act_query({"": part.value}, act)[""] if isinstance(part.value, str) else part.value
        put(body, part.to, verify_integer(text_of(fixed)) if part.as_ == "integer" else fixed)
        return
    found = find(act.params, part.from_)
    if found is None:
        return
    if not part.as_:
        put(body, part.to, found)
        return
    if part.as_ == "integer":
        put(body, part.to, verify_integer(text_of(found)))
        return
    money = money_of(found, part.to)
    put(body, part.to, _amount(money, part))
    if part.currency is None and money.currency != currency:
        # ⚔ A system that is sent a bare number takes it for its own currency.
        message = f"{part.to} is in {money.currency}, which the request cannot say"
        raise UnusableValue(message)
    if part.currency is not None:
        put(body, part.currency, money.currency)


def money_of(value: object, pointer: str) -> Money:
    """Return a param as money.

    Raises:
        UnusableValue: for any other value.
    """
    try:
        return verify_money(value if isinstance(value, str) else "", where=pointer)
    except Refused:
        message = f"{pointer} is no amount"
        raise UnusableValue(message) from None


def _amount(money: Money, part: BodyPart) -> str | int | Decimal:
    if part.as_ == "text":
        return f"{money.amount:f}"
    return int(money.amount.scaleb(minor_digits(money.currency))) if part.as_ == "minor" else money.amount


def decoded(answer: HttpAnswer) -> object:
    """Return the body of an answer, None where it is no JSON."""
    try:
        return _DECODER.decode(answer.body)
    except (msgspec.DecodeError, RecursionError):
        return None


def succeeded(body: object, test: Success | None) -> bool | None:
    """Return whether a body says that the act was done; None where it says nothing."""
    if test is None:
        return True
    found = find(body, test.at)
    return None if found is None else is_one_of(found, test.is_)


def is_one_of(found: object, values: Sequence[str | int | bool]) -> bool:
    """Return whether a value is one of these, and of its type."""
    return any(found == one and type(found) is type(one) for one in values)


def outcome_of(action: ActionMap, answer: HttpAnswer) -> ActResult:
    """Read the answer to an act. ⚔ Only a mapped refusal means that nothing was done; anything else is unknown.

    Raises:
        Fault: `fault.backoffice`.
    """
    if answer.status in action.refusals:
        return ActResult(state=ActOutcome.FAILED, values={}, reason=REFUSED)
    body = decoded(answer)
    done = succeeded(body, action.success) if answer.status in GOOD else None
    if done is None:
        raise ExchangeFault(Problem.STATUS, f"{action.operation}: status {answer.status}", status=answer.status)
    if not done:
        return ActResult(state=ActOutcome.FAILED, values={}, reason=REFUSED)
    return ActResult(state=ActOutcome.DONE, values=mapped_values(body, action.values))


def summed(body: object, limit: Limit) -> Decimal:
    """Return what a record sums up to.

    Raises:
        Fault: `fault.backoffice` for a value that is no amount.
    """
    plus = sum((_added(body, one) for one in limit.plus), Decimal(0))
    return plus - sum((_added(body, one) for one in limit.minus), Decimal(0))


def _added(body: object, wanted: Sum) -> Decimal:
    found = find(body, wanted.items)
    if found is None:
        raise ExchangeFault(Problem.FORM, f"nothing at {wanted.items}, which a limit sums up")
    counted = Decimal(0)
    for one in found if is_list(found) else [found]:
        counts = succeeded(one, None if wanted.where is None else Success(at=wanted.where, is_=wanted.is_))
        if counts is None:
            # ⚔ A refund of an unknown state may be one: left out, it would be paid twice.
            raise ExchangeFault(Problem.FORM, f"nothing at {wanted.where}, by which a limit sums up")
        if counts:
            counted += _decimal(find(one, wanted.at))
    return counted


def _decimal(value: object) -> Decimal:
    try:
        number = Decimal(value) if isinstance(value, str | int | Decimal) and not isinstance(value, bool) else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite() or number.adjusted() > _LARGEST:
        raise ExchangeFault(Problem.FORM, "a value that a limit sums up is no amount")
    return number


def mapped_values(body: object, values: Mapping[str, str]) -> dict[str, Json]:
    """Return the mapped values of an answer. ⚔ Nothing else leaves it: no tables, and nothing beside them."""
    found: dict[str, Json] = {}
    for name, pointer in values.items():
        each = find_each(body, pointer)
        value = find(body, pointer) if each is None else each
        if isinstance(value, str | int | Decimal):
            found[name] = value
        elif is_list(value) and all(isinstance(one, str | int | Decimal) for one in value):
            found[name] = list(value[:_MOST])
    return found


def text_of(value: object) -> str:
    """Return a text or whole number as text, "" for anything else."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""
