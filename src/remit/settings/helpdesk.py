"""A company's own helpdesk: the table `helpdesk` of `remit.toml`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, NoReturn

from msgspec import Meta

from remit.settings.decode import InvalidSetting, Table
from remit.settings.values import file_of, post_address

_CASE_FIELD: Final = "Remit Case"
_IDENTITY_FIELD: Final = "Agent Identity"
_STATE_FIELD: Final = "Remit State"
Name = Annotated[str, Meta(min_length=1, max_length=100, description="a name")]
File = Annotated[str, Meta(min_length=1, description="the name of a file")]


class HelpdeskTable(Table, frozen=True):
    """`[helpdesk]`: its address, Remit's own account there, and where cases go."""

    url: Annotated[str, Meta(description='the address of its API, such as "https://rt.example/REST/2.0"')] = ""
    account: Name | None = None
    token_file: File | None = None
    queue: Name | None = None
    case_field: Name = _CASE_FIELD
    identity_field: Name = _IDENTITY_FIELD
    state_field: Name = _STATE_FIELD
    ca_file: File | None = None
    events_secret_file: File | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpdeskSettings:
    """Request Tracker. `account` is the user of the token; `case_field` the custom field that carries the case.

    `identity_field` and `state_field` are those of the card, where the queue has them. `events_secret` signs the
    helpdesk's events; without it they are not signed.
    """

    url: str
    account: str
    token_file: Path
    queue: str
    case_field: str
    identity_field: str
    state_field: str
    ca: Path | None
    events_secret: Path | None


def helpdesk_of(table: HelpdeskTable, base: Path, *, used: bool) -> HelpdeskSettings | None:
    """Return the helpdesk of the table, None where the built-in one is used; relative files start at `base`.

    Raises:
        InvalidSetting: `settings.invalid`.
    """
    if not used:
        if table != HelpdeskTable():
            raise _invalid("url", 'is set, but desk.helpdesk is "builtin"; set that to "rt", or take [helpdesk] out')
        return None
    url = post_address(table.url or _missing("url", "the address of its REST API 2.0"), "helpdesk.url").rstrip("/")
    return HelpdeskSettings(
        url=url,
        account=table.account or _missing("account", "the name of Remit's own user there"),
        token_file=file_of(
            table.token_file or _missing("token_file", "a file with its token"), "helpdesk.token_file", base
        ),
        queue=table.queue or _missing("queue", "the queue in which cases are opened"),
        case_field=table.case_field,
        identity_field=table.identity_field,
        state_field=table.state_field,
        events_secret=None
        if table.events_secret_file is None
        else file_of(table.events_secret_file, "helpdesk.events_secret_file", base),
        ca=None if table.ca_file is None else file_of(table.ca_file, "helpdesk.ca_file", base),
    )


def _missing(key: str, what: str) -> NoReturn:
    raise _invalid(key, f"is missing; write {what}")


def _invalid(key: str, problem: str) -> InvalidSetting:
    return InvalidSetting(f"helpdesk.{key}", problem)
