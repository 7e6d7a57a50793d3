"""A company's own helpdesk: the table `helpdesk` of `remit.toml`."""

from pathlib import Path
from typing import Annotated, Final, Literal, NoReturn

from msgspec import Meta

from remit.domain.structs import struct
from remit.settings.decode import InvalidSetting, Table
from remit.settings.values import file_of, optional_file, post_address

_CASE_FIELD: Final = "Remit Case"
_IDENTITY_FIELD: Final = "Agent Identity"
_STATE_FIELD: Final = "Remit State"
_QUEUED: Final = ("queue", "case_field", "identity_field", "state_field")
HelpdeskProduct = Literal["builtin", "rt", "roundup", "intercom", "zendesk", "freshdesk", "jira"]
Name = Annotated[str, Meta(min_length=1, max_length=100, description="a name")]
File = Annotated[str, Meta(min_length=1, description="the name of a file")]


class HelpdeskTable(Table, frozen=True):
    """`[helpdesk]`: its address, Remit's own account there, and where cases go."""

    url: Annotated[
        str,
        Meta(description='the address of its API, such as "https://rt.example/REST/2.0" or "https://api.intercom.io"'),
    ] = ""
    account: Name | None = None
    token_file: File | None = None
    queue: Name | None = None
    case_field: Name | None = None
    identity_field: Name | None = None
    state_field: Name | None = None
    ca_file: File | None = None
    events_secret_file: File | None = None


@struct(frozen=True, kw_only=True)
class HelpdeskSettings:
    """A product, and Remit's `account` there with the file of its token or password.

    Except with roundup cases go to a `queue`, `case_field` is the custom field that carries the case, and `identity_field` and
    `state_field` are those of the card, where the queue has them. `events_secret` signs the helpdesk's events; without
    it they are not signed.
    """

    product: HelpdeskProduct
    url: str
    account: str
    token_file: Path
    queue: str
    case_field: str
    identity_field: str
    state_field: str
    ca: Path | None
    events_secret: Path | None


def helpdesk_of(table: HelpdeskTable, base: Path, *, product: HelpdeskProduct) -> HelpdeskSettings | None:
    """Return the helpdesk of the table, None where the built-in one is used; relative files start at `base`.

    Raises:
        InvalidSetting: `settings.invalid`.
    """
    if product == "builtin":
        if table != HelpdeskTable():
            problem = 'is set, but desk.helpdesk is "builtin"; name your product there, or take [helpdesk] out'
            raise _invalid("url", problem)
        return None
    queue = table.queue or ""
    if product != "roundup" and not queue:
        _missing("queue", "the queue in which cases are opened")
    for key in _QUEUED if product == "roundup" else ():
        if getattr(table, key) is not None:
            raise _invalid(key, f'is not for desk.helpdesk = "{product}"; take it out')
    url = post_address(table.url or _missing("url", "the address of its API"), "helpdesk.url").rstrip("/")
    token_file = table.token_file or _missing("token_file", "a file with its token or password")
    return HelpdeskSettings(
        product=product,
        url=url,
        account=table.account
        or _missing("account", "Remit's own user there: in RT and roundup its name, elsewhere its id"),
        token_file=file_of(token_file, "helpdesk.token_file", base),
        queue=queue,
        case_field=table.case_field or _CASE_FIELD,
        identity_field=table.identity_field or _IDENTITY_FIELD,
        state_field=table.state_field or _STATE_FIELD,
        events_secret=optional_file(table.events_secret_file, "helpdesk.events_secret_file", base),
        ca=optional_file(table.ca_file, "helpdesk.ca_file", base),
    )


def _missing(key: str, what: str) -> NoReturn:
    raise _invalid(key, f"is missing; write {what}")


def _invalid(key: str, problem: str) -> InvalidSetting:
    return InvalidSetting(f"helpdesk.{key}", problem)
