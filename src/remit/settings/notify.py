"""Delivery of notices: the table `notify` of `remit.toml`, and `REMIT_NOTIFY_*` over it."""

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar

from msgspec import Meta

from remit.domain.ids import is_loopback
from remit.domain.structs import struct
from remit.settings.decode import InvalidSetting, Table
from remit.settings.values import file_of, optional_file, post_address

T = TypeVar("T")
_PORTS: Final = {"plain": 25, "starttls": 587, "tls": 465}
_TIMEOUT_S: Final = 20
_HOST: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", re.ASCII)
_FROM: Final = re.compile(r"(?:(?P<name>[^<>\"@,;:\\\x00-\x1f\x7f]{1,80}?) *<(?P<inner>[^<>]+)>|(?P<bare>[^<> ]+))")
_ADDRESS: Final = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@[A-Za-z0-9][A-Za-z0-9.-]{0,189}", re.ASCII
)
_KINDS: Final = '"log", "smtp", "webhook" or ["smtp", "webhook"]'
_SENDER: Final = 'an address such as "support@acme.example" or "Acme <support@acme.example>"'
Security = Literal["starttls", "tls", "plain"]
Kind = Literal["log", "smtp", "webhook"]
File = Annotated[str, Meta(min_length=1, description="the name of a file")]


class NotifyTable(Table, frozen=True):
    """`[notify]`. Unset keys are None, so that a key of an unnamed carrier is noticed."""

    kind: Annotated[Kind | Annotated[tuple[Kind, ...], Meta(min_length=1)], Meta(description=_KINDS)] = "log"
    timeout_s: Annotated[int, Meta(ge=1, le=30)] = _TIMEOUT_S
    smtp_host: (
        Annotated[str, Meta(min_length=1, description='the name of your mail server, such as "mail.example"')] | None
    ) = None
    smtp_port: Annotated[int, Meta(ge=1, le=65_535)] | None = None
    smtp_security: Annotated[Security, Meta(description='"starttls", "tls", or (to this machine) "plain"')] | None = (
        None
    )
    smtp_from: Annotated[str, Meta(min_length=1, description=_SENDER)] | None = None
    smtp_user: Annotated[str, Meta(min_length=1, description="a name, and not an empty one")] | None = None
    smtp_password_file: File | None = None
    smtp_ca_file: File | None = None
    smtp_plain_outside: bool | None = None
    webhook_url: Annotated[str, Meta(min_length=1, description="the https address that takes notices")] | None = None
    webhook_secret_file: File | None = None
    webhook_ca_file: File | None = None


@struct(frozen=True, kw_only=True)
class SmtpSettings:
    """The mail server. Without `user` no sign-in; without `ca_file` the machine's own authorities are trusted."""

    host: str
    port: int
    security: Security
    sender_name: str
    sender: str
    user: str
    password_file: Path | None
    ca_file: Path | None


@struct(frozen=True, kw_only=True)
class WebhookSettings:
    """The address for posted notices, and the file of secrets that sign them."""

    url: str
    secret_file: Path
    ca_file: Path | None


@struct(frozen=True, kw_only=True)
class NotifySettings:
    """Delivery of notices. With neither carrier they are only logged. `timeout_s` bounds each try."""

    smtp: SmtpSettings | None = None
    webhook: WebhookSettings | None = None
    timeout_s: int = _TIMEOUT_S


def notify_of(table: NotifyTable, base: Path) -> NotifySettings:
    """Return the carriers of the table; relative files start at `base`.

    Raises:
        InvalidSetting: `settings.invalid`.
    """
    kinds = (table.kind,) if isinstance(table.kind, str) else table.kind
    if len(set(kinds)) != len(kinds):
        raise _invalid("kind", f"must be {_KINDS}")
    if "log" in kinds and len(kinds) > 1:
        raise _invalid("kind", '"log" stands alone: what is sent is not written into the log as well')
    for key in table.__struct_fields__:
        kind = key.partition("_")[0]
        if kind in {"smtp", "webhook"} and kind not in kinds and getattr(table, key) is not None:
            raise _invalid(key, f"is set, but notify.kind does not name {kind}; name it there, or take this out")
    smtp = _smtp(table, base) if "smtp" in kinds else None
    webhook = _webhook(table, base) if "webhook" in kinds else None
    return NotifySettings(smtp=smtp, webhook=webhook, timeout_s=table.timeout_s)


def _smtp(table: NotifyTable, base: Path) -> SmtpSettings:
    host = _host(_needed(table.smtp_host, "smtp_host", 'the name of your mail server, such as "mail.example"'))
    security = table.smtp_security or "starttls"
    password_file = optional_file(table.smtp_password_file, "notify.smtp_password_file", base)
    if (table.smtp_user is not None) != (password_file is not None):
        key = "smtp_user" if table.smtp_user is None else "smtp_password_file"
        raise _invalid(key, "is missing: signing in takes a name and a file with the password")
    _verify_private(table, security, host)
    name, sender = _sender(
        _needed(table.smtp_from, "smtp_from", 'who the mail comes from, such as "Acme <support@acme.example>"')
    )
    return SmtpSettings(
        host=host,
        port=table.smtp_port or _PORTS[security],
        security=security,
        sender_name=name,
        sender=sender,
        user=table.smtp_user or "",
        password_file=password_file,
        ca_file=optional_file(table.smtp_ca_file, "notify.smtp_ca_file", base),
    )


def _verify_private(table: NotifyTable, security: Security, host: str) -> None:
    """⚔ Refuse mail without TLS to another machine unless the settings allow it, and never allow a password."""
    if security != "plain" or is_loopback(host):
        return
    if not table.smtp_plain_outside:
        raise _invalid(
            "smtp_security",
            f'must be "starttls" or "tls": {host} is not this machine (smtp_plain_outside = true lets all read it)',
        )
    if table.smtp_user is not None:
        raise _invalid("smtp_user", "would send its password where all can read it; use starttls or tls")


def _webhook(table: NotifyTable, base: Path) -> WebhookSettings:
    url = _needed(table.webhook_url, "webhook_url", "the https address that takes notices")
    secrets = _needed(table.webhook_secret_file, "webhook_secret_file", "the name of a file")
    return WebhookSettings(
        url=post_address(url, "notify.webhook_url"),
        secret_file=file_of(secrets, "notify.webhook_secret_file", base),
        ca_file=optional_file(table.webhook_ca_file, "notify.webhook_ca_file", base),
    )


def _host(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text.strip("[]")))
    except ValueError:
        if _HOST.fullmatch(text) is None:
            raise _invalid("smtp_host", "must be a name or an address, without a port") from None
        return text


def _sender(text: str) -> tuple[str, str]:
    found = _FROM.fullmatch(text)
    address = (found["inner"] or found["bare"]) if found else ""
    if found is None or not (found["name"] or "").isprintable() or _ADDRESS.fullmatch(address) is None:
        raise _invalid("smtp_from", f"must be {_SENDER}")
    return (found["name"] or "").strip(), address


def _needed(value: T | None, key: str, what: str) -> T:
    if value is None:
        raise _invalid(key, f"is missing; write {what}")
    return value


def _invalid(key: str, problem: str) -> InvalidSetting:
    return InvalidSetting(f"notify.{key}", problem)
