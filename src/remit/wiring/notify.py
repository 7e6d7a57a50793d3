"""Assembly of the carriers of notices and of leak reports."""

import asyncio
import base64
import binascii
from collections.abc import Callable, Iterable
from email.headerregistry import Address
from typing import Final

from remit import __version__
from remit.adapters.identity.fetching import Fetcher
from remit.adapters.notify.incidents import IncidentFile, IncidentWebhook
from remit.adapters.notify.issuer_webhook import IssuerWebhook
from remit.adapters.notify.webhook import SignedPost, WebhookCarrier
from remit.adapters.world.system import SystemWorld
from remit.domain.incidents.ocsf import detection_finding
from remit.domain.incidents.records import DeliveryRecord
from remit.domain.incidents.shapes import Shape, shaped
from remit.domain.structs import struct
from remit.domain.values import Json
from remit.ports.notify import Carrier, CredentialIssuer, DeliveryFailed, IncidentReceiver
from remit.ports.world import World
from remit.settings import DeliverySettings, InvalidSetting, LeakSettings, Settings, SmtpSettings, WebhookSettings
from remit.settings.values import post_address
from remit.wiring import plugs
from remit.wiring.credentials import read_secret, tls_context

_PREFIX: Final = "whsec_"
_SECRET_BYTES: Final = range(24, 65)
_MAX_SECRETS: Final = 3


@struct(frozen=True, kw_only=True)
class Outgoing:
    """The outgoing carriers of a desk: for notices, leak reports, and messages about incidents."""

    carriers: tuple[Carrier, ...]
    owners: tuple[CredentialIssuer, ...]
    receivers: tuple[IncidentReceiver, ...]


def outgoing_of(settings: Settings, world: World) -> Outgoing:
    """Build all of them. Nothing is contacted.

    Raises:
        Refused: `settings.invalid` when a file they need cannot be used.
    """
    return Outgoing(
        carriers=build_carriers(settings, world),
        owners=build_issuers(settings, world),
        receivers=build_receivers(settings, world),
    )


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


def build_receivers(settings: Settings, world: World) -> tuple[IncidentReceiver, ...]:
    """Build the receivers of messages about incidents. Nothing is contacted.

    Raises:
        Refused: `settings.invalid` when a file they need cannot be used.
    """
    return tuple(_receiver(one, settings, world) for one in settings.deliveries)


def _receiver(wanted: DeliverySettings, settings: Settings, world: World) -> IncidentReceiver:
    key = "" if wanted.key_file is None else read_secret(wanted.key_file, "deliveries.key_file")
    body = _body_of(wanted.shape, settings.issuer, key)
    if wanted.file is not None:
        return IncidentFile(
            name=wanted.name,
            names_customers=wanted.customers,
            least=wanted.severity,
            path=wanted.file,
            body=body,
        )
    url = wanted.url
    if wanted.url_file is not None:
        url = post_address(read_secret(wanted.url_file, "deliveries.url_file"), "deliveries.url_file")
    lines = [] if wanted.secret_file is None else read_secret(wanted.secret_file, "deliveries.secret_file").split()
    return IncidentWebhook(
        name=wanted.name,
        names_customers=wanted.customers,
        least=wanted.severity,
        url=url,
        body=body,
        secrets=_webhook_secrets(lines, "deliveries.secret_file") if wanted.secret_file is not None else (),
        fetcher=Fetcher(
            allow_loopback=settings.loopback,
            tls=tls_context(wanted.ca_file, "deliveries.ca_file"),
            allow_private=wanted.private_network,
        ),
        world=world,
    )


def _body_of(shape: Shape | None, desk: str, key: str) -> Callable[[DeliveryRecord], Json]:
    if shape is None:
        return lambda told: detection_finding(told, desk=desk, product_version=__version__)
    return lambda told: shaped(shape, told, desk=desk, key=key)


def probe_receivers(settings: Settings) -> list[tuple[str, str, bool]]:
    """Probe the receivers of messages about incidents the same way as carriers.

    Raises:
        Refused: `settings.invalid`.
    """
    return asyncio.run(_probe(build_receivers(settings, SystemWorld())))


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


async def _probe(ways: Iterable[Carrier | CredentialIssuer | IncidentReceiver]) -> list[tuple[str, str, bool]]:
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
