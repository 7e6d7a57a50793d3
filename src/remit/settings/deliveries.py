"""Receivers of messages about incidents: the tables `[[deliveries]]` of `remit.toml`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, Literal

from msgspec import Meta

from remit.domain.errors import Refused
from remit.domain.ids import is_word
from remit.domain.incidents.records import Severity
from remit.domain.incidents.shapes import SHAPES, Shape, shape_of
from remit.domain.structs import struct
from remit.domain.values import decode_json
from remit.settings.decode import InvalidSetting, Table, nth_table
from remit.settings.values import file_of, optional_file, post_address

MOST: Final = 16
"""Maximum number of receivers: each change of an incident is one message to each."""
_NAME: Final = 'a plain name such as "pager"'
_UNSIGNED: Final = frozenset({"pagerduty", "slack"})
"""Shapes of receivers that verify no signature."""
_MAX_TEMPLATE: Final = 64 * 1024
File = Annotated[str, Meta(min_length=1, description="the name of a file")]


class DeliveryTable(Table, frozen=True):
    """One `[[deliveries]]`: an address or a file, and the shape of its messages."""

    name: Annotated[str, Meta(max_length=40, description=_NAME)]
    kind: Annotated[Literal["webhook", "ocsf"], Meta(description='"webhook" or "ocsf"')] = "webhook"
    url: Annotated[str, Meta(min_length=1, description="the https address that takes messages")] | None = None
    url_file: File | None = None
    file: File | None = None
    template: Annotated[str, Meta(min_length=1, description="a built-in shape or the name of a file")] | None = None
    secret_file: File | None = None
    key_file: File | None = None
    ca_file: File | None = None
    severity: Annotated[Severity, Meta(description='"low", "medium" or "high"')] = Severity.LOW
    customers: bool = False
    private_network: bool = False


@struct(frozen=True, kw_only=True)
class DeliverySettings:
    """One receiver. Exactly one of `url`, `url_file` and `file` is set; `shape` is None for OCSF."""

    name: str
    shape: Shape | None
    url: str
    url_file: Path | None
    file: Path | None
    secret_file: Path | None
    key_file: Path | None
    ca_file: Path | None
    severity: Severity
    customers: bool
    private_network: bool


def deliveries_of(tables: Sequence[DeliveryTable], base: Path) -> tuple[DeliverySettings, ...]:
    """Return the receivers; relative files start at `base`.

    Raises:
        InvalidSetting: `settings.invalid`.
    """
    found: list[DeliverySettings] = []
    for number, table in enumerate(tables, start=1):
        note = nth_table(number, len(tables))
        if any(one.name == table.name for one in found):
            raise InvalidSetting("deliveries.name", "must be another one in each table", note=note)
        found.append(_delivery(table, base, note))
    return tuple(found)


def _delivery(table: DeliveryTable, base: Path, note: str) -> DeliverySettings:
    if not is_word(table.name):
        raise InvalidSetting("deliveries.name", f"must be {_NAME}", note=note)
    _verify_place(table, note)
    return DeliverySettings(
        name=table.name,
        shape=_shape(table, base, note),
        url="" if table.url is None else post_address(table.url, "deliveries.url", note=note),
        url_file=optional_file(table.url_file, "deliveries.url_file", base, note=note),
        file=None if table.file is None else base / table.file,
        secret_file=optional_file(table.secret_file, "deliveries.secret_file", base, note=note),
        key_file=optional_file(table.key_file, "deliveries.key_file", base, note=note),
        ca_file=optional_file(table.ca_file, "deliveries.ca_file", base, note=note),
        severity=table.severity,
        customers=table.customers,
        private_network=table.private_network,
    )


def _verify_place(table: DeliveryTable, note: str) -> None:
    places = [one for one in (table.url, table.url_file, table.file) if one is not None]
    if len(places) != 1:
        problem = "must be there, or deliveries.url_file, or deliveries.file, and only one of them"
        raise InvalidSetting("deliveries.url", problem, note=note)
    if table.kind == "ocsf" and table.template is not None:
        raise InvalidSetting("deliveries.template", "belongs to kind webhook: OCSF has its own shape", note=note)
    signed = table.file is None and not (table.kind == "webhook" and table.template in _UNSIGNED)
    if signed and table.secret_file is None:
        problem = "is missing: messages are signed with it (only pagerduty, slack and files go without)"
        raise InvalidSetting("deliveries.secret_file", problem, note=note)
    if table.template == "pagerduty" and table.key_file is None:
        problem = "is missing: the file with the integration's routing key"
        raise InvalidSetting("deliveries.key_file", problem, note=note)


def _shape(table: DeliveryTable, base: Path, note: str) -> Shape | None:
    if table.kind == "ocsf":
        return None
    wanted = table.template or "remit"
    if wanted in SHAPES:
        return shape_of(SHAPES[wanted])
    path = file_of(wanted, "deliveries.template", base, note=note)
    try:
        return shape_of(decode_json(path.read_bytes(), max_bytes=_MAX_TEMPLATE))
    except (OSError, Refused) as broken:
        why = broken.detail if isinstance(broken, Refused) else type(broken).__name__
        raise InvalidSetting("deliveries.template", f"names {path}, which cannot be read: {why}", note=note) from None
    except ValueError as wrong:
        raise InvalidSetting("deliveries.template", f"names {path}, which {wrong}", note=note) from None
