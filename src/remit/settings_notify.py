"""How notices leave the desk: the table `notify` of `remit.toml`, and `REMIT_NOTIFY_*` over it."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, cast
from urllib.parse import urlsplit

from remit.domain.errors import Code, Refused
from remit.domain.hosts import is_loopback

_KINDS: Final = ("log", "smtp", "webhook")
_SMTP: Final = ("host", "port", "security", "from", "user", "password_file", "ca_file", "plain_outside")
_WEBHOOK: Final = ("url", "secret_file", "ca_file")
KEYS: Final = frozenset({"kind", "timeout_s", *(f"smtp_{key}" for key in _SMTP), *(f"webhook_{key}" for key in _WEBHOOK)})
VARIABLES: Final[Mapping[str, str]] = {f"REMIT_NOTIFY_{key.upper()}": key for key in sorted(KEYS)}
"""Variables and the keys they stand over."""
_PORTS: Final[Mapping[str, int]] = {"plain": 25, "starttls": 587, "tls": 465}
_LAST_PORT: Final = 65_535
_TIMEOUT_S: Final = 20
_LONGEST_S: Final = 30
_HOST: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", re.ASCII)
_FROM: Final = re.compile(
    r"(?:(?P<name>[^<>\"@,;:\\\x00-\x1f\x7f]{1,80}?) *<(?P<inner>[^<>]+)>|(?P<bare>[^<> ]+))",
)
_ADDRESS: Final = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@[A-Za-z0-9][A-Za-z0-9.-]{0,189}", re.ASCII
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpSettings:
    """The mail server. Without `user` nobody signs in there; without `ca_file` the machine's own authorities are trusted."""

    host: str
    port: int
    security: Literal["starttls", "tls", "plain"]
    sender_name: str
    sender: str
    user: str
    password_file: Path | None
    ca_file: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSettings:
    """Where notices are posted, and the file with the secrets they are signed with."""

    url: str
    secret_file: Path
    ca_file: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifySettings:
    """How notices leave the desk. With neither they are only logged. `timeout_s` bounds each try."""

    smtp: SmtpSettings | None = None
    webhook: WebhookSettings | None = None
    timeout_s: int = _TIMEOUT_S


def notify_of(table: Mapping[str, Any], *, base: Path, environment: Mapping[str, str]) -> NotifySettings:
    """What the table and the variables over it say; relative files start at `base`.

    Raises:
        Refused: `settings.invalid`.
    """
    given = {**table, **_over(environment)}
    kinds = _kinds(given.get("kind", "log"))
    for key in given:
        kind = key.partition("_")[0]
        if kind in {"smtp", "webhook"} and kind not in kinds:
            raise _invalid(key, f"is set, but notify.kind does not name {kind}; name it there, or take this out")
    timeout_s = _whole(given.get("timeout_s", _TIMEOUT_S), "timeout_s", _LONGEST_S)
    return NotifySettings(
        smtp=_smtp(given, base) if "smtp" in kinds else None,
        webhook=_webhook(given, base) if "webhook" in kinds else None,
        timeout_s=timeout_s,
    )


def _over(environment: Mapping[str, str]) -> Mapping[str, Any]:
    """What variables say, as the types of the keys they stand over."""
    found: dict[str, Any] = {}
    for variable, key in VARIABLES.items():
        text = environment.get(variable)
        if not text:
            continue
        if key in {"smtp_port", "timeout_s"} and text.isascii() and text.isdigit():
            found[key] = int(text)
        elif key == "smtp_plain_outside" and text in {"true", "false"}:
            found[key] = text == "true"
        elif key == "kind":
            found[key] = [one.strip() for one in text.split(",")]
        else:
            found[key] = text
    return found


def _kinds(value: object) -> tuple[str, ...]:
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list) or not given or not all(one in _KINDS for one in given) or len(set(given)) != len(given):
        raise _invalid("kind", 'must be "log", "smtp", "webhook" or ["smtp", "webhook"]')
    if "log" in given and len(given) > 1:
        raise _invalid("kind", '"log" stands alone: what is sent is not written into the log as well')
    return tuple(given)


def _smtp(given: Mapping[str, Any], base: Path) -> SmtpSettings:
    host = _host(_text(given, "smtp_host", 'the name of your mail server, such as "mail.example"'))
    security = given.get("smtp_security", "starttls")
    if security not in _PORTS:
        raise _invalid("smtp_security", 'must be "starttls", "tls", or (to this machine) "plain"')
    user = _text(given, "smtp_user", "a name") if "smtp_user" in given else ""
    password_file = _file(given, "smtp_password_file", base) if "smtp_password_file" in given else None
    if bool(user) != (password_file is not None):
        raise _invalid("smtp_password_file" if user else "smtp_user", "is missing: signing in takes a name and a file with the password")
    outside = given.get("smtp_plain_outside", False)
    if not isinstance(outside, bool):
        raise _invalid("smtp_plain_outside", "must be true or false")
    if security == "plain" and not is_loopback(host):
        if not outside:
            raise _invalid(
                "smtp_security", f'must be "starttls" or "tls": {host} is not this machine (smtp_plain_outside = true lets all read it)'
            )
        if user:
            raise _invalid("smtp_user", "would send its password where all can read it; use starttls or tls")
    name, sender = _sender(_text(given, "smtp_from", 'who the mail comes from, such as "Acme <support@acme.example>"'))
    return SmtpSettings(
        host=host,
        port=_whole(given.get("smtp_port", _PORTS[security]), "smtp_port", _LAST_PORT),
        security=cast("Literal['starttls', 'tls', 'plain']", security),
        sender_name=name,
        sender=sender,
        user=user,
        password_file=password_file,
        ca_file=_file(given, "smtp_ca_file", base) if "smtp_ca_file" in given else None,
    )


def _webhook(given: Mapping[str, Any], base: Path) -> WebhookSettings:
    return WebhookSettings(
        url=post_address(_text(given, "webhook_url", "the https address that takes notices"), "notify.webhook_url"),
        secret_file=_file(given, "webhook_secret_file", base),
        ca_file=_file(given, "webhook_ca_file", base) if "webhook_ca_file" in given else None,
    )


def post_address(text: str, key: str) -> str:
    """An address that can be posted to: https, or http on this machine alone.

    Raises:
        Refused: `settings.invalid`, which names the `key`.
    """
    cure = "must be an https address (http on loopback only), without user, password or fragment"
    try:
        parts = urlsplit(text)
        known = bool(parts.hostname) and parts.port != 0 and text.isascii() and text.isprintable() and " " not in text
    except ValueError:
        raise Refused(Code.SETTINGS_INVALID, f"{key} {cure}") from None
    plain = parts.scheme == "http" and is_loopback(parts.hostname or "")
    if not known or not (parts.scheme == "https" or plain) or parts.username is not None or parts.password is not None or parts.fragment:
        raise Refused(Code.SETTINGS_INVALID, f"{key} {cure}")
    return text


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
        raise _invalid("smtp_from", 'must be an address such as "support@acme.example" or "Acme <support@acme.example>"')
    return (found["name"] or "").strip(), address


def _text(given: Mapping[str, Any], key: str, what: str) -> str:
    value = given.get(key)
    if not isinstance(value, str) or not value:
        raise _invalid(key, f"is missing; write {what}" if value is None else "must be a text, and not an empty one")
    return value


def _file(given: Mapping[str, Any], key: str, base: Path) -> Path:
    path = base / _text(given, key, "the name of a file")
    if not path.is_file():
        raise _invalid(key, f"names {path}, which is not there")
    return path


def _whole(value: object, key: str, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise _invalid(key, f"must be a whole number from 1 to {most}")
    return value


def _invalid(key: str, cure: str) -> Refused:
    return Refused(Code.SETTINGS_INVALID, f"notify.{key} {cure}")
