"""The params port on jsonschema-rs: one validator per action, compiled once, without network and without echo.

Ownership of records and limits of mandates are verified elsewhere.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, TypeGuard, cast

import jsonschema_rs

from remit.domain.catalogue.model import Catalogue, MarkKind
from remit.domain.catalogue.schema import NEGATIVE, subschemas
from remit.domain.errors import Code, Fault, Refused
from remit.domain.values import Json, JsonObject, verify_money

_MAX_NAMED: Final = 5
_WHOLE: Final = "x-remit-whole"


class JsonSchemaParams:
    """Validators for every action of a catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Compile all schemas.

        Raises:
            Refused: `catalogue.invalid` naming the action whose schema cannot be compiled.
        """
        self._validators = {name: _compile(name, action.schema) for name, action in catalogue.actions.items()}
        self._declared = {name: frozenset(_member_names(action.schema)) for name, action in catalogue.actions.items()}

    def verify(self, action: str, params: Mapping[str, Json]) -> None:
        """Verify params against the action's schema.

        Raises:
            Refused: `params.invalid` naming the failing members, never a value; `action.unknown`.
            Fault: `fault.internal` for values that no JSON decoder returns.

        Source: docs/model/model.md#values.
        """
        validator = self._validators.get(action)
        if validator is None:
            raise Refused(Code.ACTION_UNKNOWN, f"no action {action!r}", public=f"There is no action '{action[:80]}'.")
        instance = params if isinstance(params, dict) else dict(params)
        try:
            if validator.is_valid(instance):
                return
            found = [error for error, _ in zip(validator.iter_errors(instance), range(_MAX_NAMED), strict=False)]
        except (ValueError, TypeError, OverflowError) as error:
            raise Fault(Code.FAULT_INTERNAL, f"{action}: params are no JSON values: {type(error).__name__}") from None
        reasons = dict.fromkeys(_reason(error, self._declared[action]) for error in found)
        text = "; ".join(reasons) or "params do not fit the schema"
        raise Refused(Code.PARAMS_INVALID, f"{action}: {text}", public=f"{text}.")


class _Money:
    """Assertion of `x-money`: a money string, exact, above zero."""

    def __init__(self, parent_schema: dict[str, Any], value: Any, schema_path: list[str | int]) -> None:  # noqa: ANN401, ARG002  # the library's protocol
        self.on = value is True

    def validate(self, instance: Any) -> None:  # noqa: ANN401  # the library's protocol
        if self.on:
            try:
                verify_money(instance)
            except Refused as refused:
                raise ValueError(refused.detail.removeprefix("money ")) from None


class _WholeNumber:
    """Assertion that an integer is written as one.

    ⚔ JSON Schema accepts 5.0 and 1e2 as integers; the systems behind us disagree about them.
    """

    def __init__(self, parent_schema: dict[str, Any], value: Any, schema_path: list[str | int]) -> None:  # noqa: ANN401, ARG002  # the library's protocol
        self.on = value is True

    def validate(self, instance: Any) -> None:  # noqa: ANN401  # the library's protocol
        if self.on and isinstance(instance, Decimal) and instance == instance.to_integral_value():
            message = "must be written as an integer, without fraction or exponent"
            raise ValueError(message)


def _compile(action: str, schema: Mapping[str, Json]) -> jsonschema_rs.Draft202012Validator:
    try:
        return jsonschema_rs.Draft202012Validator(
            _strict(schema),
            validate_formats=True,
            ignore_unknown_formats=False,
            offline=True,
            keywords={MarkKind.MONEY.value: _Money, _WHOLE: _WholeNumber},
            # Linear time for every input: agents choose the texts that the desk's patterns match.
            pattern_options=jsonschema_rs.RegexOptions(),
            email_options=jsonschema_rs.EmailOptions(
                require_tld=True, allow_domain_literal=False, allow_display_text=False
            ),
        )
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError, TypeError) as error:
        first = str(error).partition("\n")[0]
        raise Refused(
            Code.CATALOGUE_INVALID, f"action {action!r}: params are no JSON Schema 2020-12: {first}"
        ) from None


def _strict(schema: Json) -> dict[str, object]:
    """Copy a schema with our own assertions added: whole integers, money.

    ⚔ Nothing becomes stricter under `not`, `if` or `contains`: that would accept more.
    """
    if not isinstance(schema, Mapping):
        return {} if schema is not False else {"not": {}}
    out = {
        word: _plain(value if word in NEGATIVE else subschemas(word, value, _strict_json))
        for word, value in schema.items()
    }
    if schema.get(MarkKind.MONEY) is True:
        out["type"] = "string"
        out.pop("pattern", None)
    kinds = schema.get("type")
    if kinds == "integer" or (_listed(kinds) and "integer" in kinds and "number" not in kinds):
        out[_WHOLE] = True
    return out


def _strict_json(schema: JsonObject) -> JsonObject:
    return cast(JsonObject, _strict(schema))


def _listed(value: Json) -> TypeGuard[Sequence[Json]]:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _plain(value: Json) -> object:
    if isinstance(value, Mapping):
        return {key: _plain(member) for key, member in value.items()}
    if _listed(value):
        return [_plain(item) for item in value]
    return value


def _member_names(schema: Json) -> Iterator[str]:
    """Yield every property name that a schema declares, anywhere."""
    if isinstance(schema, Mapping):
        properties = schema.get("properties")
        if isinstance(properties, Mapping):
            yield from properties
        for value in schema.values():
            yield from _member_names(value)
    elif _listed(schema):
        for item in schema:
            yield from _member_names(item)


def _reason(error: jsonschema_rs.ValidationError, declared: frozenset[str]) -> str:
    """Describe which member fails which keyword.

    ⚔ Neither values nor undeclared names are echoed: an agent may put a secret, or words for a person, in either.
    """
    pointer = "".join(f"/{step}" if isinstance(step, int) or step in declared else "/*" for step in error.instance_path)
    return f"{pointer or 'params'} {_failure(error, declared)}"


def _failure(error: jsonschema_rs.ValidationError, declared: frozenset[str]) -> str:
    match error.kind:
        case jsonschema_rs.ValidationErrorKind.Required(property=name):
            return f"lacks the member {name!r}" if name in declared else "lacks a member"
        case jsonschema_rs.ValidationErrorKind.Type(types=types):
            return f"must be of type {' or '.join(types)}"
        case jsonschema_rs.ValidationErrorKind.AdditionalProperties() | jsonschema_rs.ValidationErrorKind.FalseSchema():
            return f"has a member that the schema does not declare (declared: {', '.join(sorted(declared))})"
        case jsonschema_rs.ValidationErrorKind.Format(format=name):
            return f"is not a valid {name}"
        case jsonschema_rs.ValidationErrorKind.Custom(message=message):
            return message
        case kind:
            return f"does not satisfy `{kind.name}`"
