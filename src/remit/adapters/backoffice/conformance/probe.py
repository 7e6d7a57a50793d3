"""Test data of a company's test system: the records and the one write that the suite may use."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from remit.domain.values import Json

Name = Annotated[str, Meta(min_length=1, max_length=512)]
Names = Annotated[tuple[Name, ...], Meta(max_length=64)]
PLACEHOLDER: Final = "{id}"


class ProbeTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the probe file."""


class ProbeRead(ProbeTable, frozen=True):
    """A read of one record: its action, and params in which `{id}` stands for the record."""

    action: Name
    params: dict[str, object]


class ProbeWrite(ProbeTable, frozen=True):
    """A write that may be repeated safely: each try takes the next of `ids`.

    `effect` names an attribute of these records whose numbers grow with each act, such as the sum of refunds.
    """

    action: Name
    ids: Annotated[tuple[Name, ...], Meta(min_length=1, max_length=64)]
    params: dict[str, object]
    effect: Name | None = None


class Probe(ProbeTable, frozen=True):
    """A customer with a record, another customer's record, an unknown id, and what may be done with them."""

    customer: Name
    kind: Name
    id: Name
    foreign: Name
    unknown: Name
    aliases: Names = ()
    attributes: Names = ()
    read: ProbeRead | None = None
    write: ProbeWrite | None = None


def params_for(params: Mapping[str, object], record_id: str) -> Mapping[str, Json]:
    """Return params in which `{id}` is the record's id."""
    return {name: _filled(value, record_id) for name, value in params.items()}


def _filled(value: object, record_id: str) -> Json:
    if isinstance(value, str):
        return value.replace(PLACEHOLDER, record_id)
    if isinstance(value, Mapping):
        return {str(name): _filled(member, record_id) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(member, record_id) for member in value]
    if value is None or isinstance(value, bool | int | Decimal):
        return value
    return str(value)  # a date or time of TOML
