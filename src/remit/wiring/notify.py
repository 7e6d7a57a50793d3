"""Assembly of the carriers of notices and of leak reports."""

import asyncio
import base64
import binascii
from collections.abc import Iterable
from email.headerregistry import Address
from typing import Final

from remit.adapters.notify.issuer_webhook import IssuerWebhook
from remit.adapters.notify.webhook import SignedPost, WebhookCarrier
from remit.adapters.world.system import SystemWorld
from remit.domain.structs import struct
from remit.ports.notify import Carrier, CredentialIssuer, DeliveryFailed
from remit.ports.world import World
from remit.settings import InvalidSetting, LeakSettings, Settings, SmtpSettings, WebhookSettings
from remit.wiring import plugs
from remit.wiring.credentials import read_secret, tls_context

_PREFIX: Final = "whsec_"
_SECRET_BYTES: Final = range(24, 65)
_MAX_SECRETS: Final = 3


@struct(frozen=True, kw_only=True)
class Outgoing:
    """The outgoing carriers of a desk: for notices, and for reports to the issuers of leaked credentials."""

    carriers: tuple[Carrier, ...]
    owners: tuple[CredentialIssuer, ...]


def outgoing_of(settings: Settings, world: World) -> Outgoing:
    """Build both of them. Nothing is contacted.

    Raises:
        Refused: `settings.invalid` when a file they need cannot be used.
    """
    return Outgoing(carriers=build_carriers(settings, world), owners=build_issuers(settings, world))


def build_carriers(settings: Settings, world: World) -> tuple[Carrier, ...]:
    """Build the carriers in the settings; none where notices are only logged. Nothing is contacted.

    Raises:
        Refused: `settings.invalid` when a file they need cannot be used.
    """
    wanted = settings.notify
    found: list[Carrier] = []
    if wanted.smtp is not None:
        found.append(_smtp(wanted.smtp, wanted.timeout_s))
    if wanted.webhook is not None:
        found.append(_webhook(wanted.webhook, settings.issuer, wanted.timeout_s, world))
    return tuple(found)


def build_issuers(settings: Settings, world: World) -> tuple[CredentialIssuer, ...]:
    """Build the carriers to the issuers in the settings. Nothing is contacted.

    Raises:
        Refused: `settings.invalid` when a file they need cannot be used.
    """
    return tuple(_owner(one, settings, world) for one in settings.leaks)


def _owner(wanted: LeakSettings, settings: Settings, world: World) -> CredentialIssuer:
    post = SignedPost(
        wanted.url,
        secrets=_webhook_secrets(read_secret(wanted.secret_file, "leak.secret_file").split(), "leak.secret_file"),
        tls=tls_context(wanted.ca_file, "leak.ca_file"),
        timeout_s=settings.notify.timeout_s,
        world=world,
    )
    return IssuerWebhook(wanted.rule.name, post, desk=settings.issuer)


def verify_carriers(settings: Settings) -> None:
    """Verify that the carriers' files are there and usable. Nothing is contacted.

    Raises:
        Refused: `settings.invalid`.
    """
    outgoing_of(settings, SystemWorld())


def probe_carriers(settings: Settings) -> list[tuple[str, str, bool]]:
    """Probe each carrier without sending: its name, what was seen, and whether it answers and lets us in.

    Raises:
        Refused: `settings.invalid`.
    """
    return asyncio.run(_probe(build_carriers(settings, SystemWorld())))


def probe_issuers(settings: Settings) -> list[tuple[str, str, bool]]:
    """Probe the issuers of leaked credentials the same way.

    Raises:
        Refused: `settings.invalid`.
    """
    return asyncio.run(_probe(build_issuers(settings, SystemWorld())))


async def _probe(ways: Iterable[Carrier | CredentialIssuer]) -> list[tuple[str, str, bool]]:
    found: list[tuple[str, str, bool]] = []
    for carrier in ways:
        try:
            found.append((carrier.name, await carrier.probe(), True))
        except DeliveryFailed as unsent:
            found.append((carrier.name, unsent.reason, False))
    return found


def _smtp(wanted: SmtpSettings, timeout_s: int) -> Carrier:
    server = plugs.MailServer(
        host=wanted.host,
        port=wanted.port,
        security=wanted.security,
        tls=tls_context(wanted.ca_file, "notify.smtp_ca_file"),
        user=wanted.user,
        password=read_secret(wanted.password_file, "notify.smtp_password_file") if wanted.password_file else "",
        timeout_s=timeout_s,
    )
    return plugs.SmtpCarrier(server, sender=Address(display_name=wanted.sender_name, addr_spec=wanted.sender))


def _webhook(wanted: WebhookSettings, desk: str, timeout_s: int, world: World) -> Carrier:
    lines = read_secret(wanted.secret_file, "notify.webhook_secret_file").split()
    return WebhookCarrier(
        wanted.url,
        secrets=_webhook_secrets(lines, "notify.webhook_secret_file"),
        desk=desk,
        tls=tls_context(wanted.ca_file, "notify.webhook_ca_file"),
        timeout_s=timeout_s,
        world=world,
    )


def _webhook_secrets(lines: list[str], key: str) -> tuple[bytes, ...]:
    """Parse the secrets of a file, one a line.

    Source: Standard Webhooks 1.0.0 (24 to 64 bytes, base64, prefixed with `whsec_`).
    """
    cure = "must hold whsec_ and 24 to 64 bytes in base64, one secret a line, three at most: printf 'whsec_%s\\n' $(openssl rand -base64 32)"
    try:
        found = tuple(base64.b64decode(line.removeprefix(_PREFIX), validate=True) for line in lines)
    except binascii.Error:
        raise InvalidSetting(key, cure) from None
    if not all(line.startswith(_PREFIX) for line in lines) or not all(len(one) in _SECRET_BYTES for one in found):
        raise InvalidSetting(key, cure)
    if not 1 <= len(found) <= _MAX_SECRETS:
        raise InvalidSetting(key, cure)
    return found
