"""The helpdesk of a desk: the built-in one, or the connector to a company's own."""

import asyncio
from collections.abc import Sequence
from typing import Final

from remit.adapters.builtin_desk.jobs import DeskJobs
from remit.adapters.helpdesk.remote.connector import RemoteHelpdesk
from remit.adapters.helpdesk.remote.dialect import Capabilities, HelpdeskDialect
from remit.adapters.helpdesk.remote.hosted.dialect import HostedHelpdesk, HostedNames
from remit.adapters.helpdesk.remote.hosted.products import HOSTED
from remit.adapters.helpdesk.remote.roundup import Roundup
from remit.adapters.helpdesk.remote.rt import CardFields, RequestTracker
from remit.adapters.http.connection import HttpConnections
from remit.domain.errors import Code
from remit.domain.identity.event_signatures import EVENT_SCHEMES, EventScheme
from remit.ports.world import World
from remit.settings import HelpdeskSettings, InvalidSetting, Settings
from remit.wiring.credentials import read_token, tls_context

_SHORTEST: Final = 16
"""Fewest bytes of a secret of events."""
_MAX_ANSWER: Final = 16 * 1024 * 1024
"""Longest answer of a helpdesk in bytes: a file of a case, as base64."""


def open_remote_helpdesk(
    wanted: HelpdeskSettings, database: DeskJobs, world: World, *, loopback: bool
) -> tuple[RemoteHelpdesk, HttpConnections]:
    """Build the connector, and the connections to close behind it. Nothing is contacted.

    Raises:
        Refused: `settings.invalid` when a file or name cannot be used, `request.malformed` when its address cannot.
    """
    dialect, connections = _dialect(wanted, loopback=loopback)
    hosted = HOSTED.get(wanted.product)
    can = Capabilities() if hosted is None else hosted.capabilities
    return RemoteHelpdesk(dialect, database, world, can), connections


def _dialect(wanted: HelpdeskSettings, *, loopback: bool) -> tuple[HelpdeskDialect, HttpConnections]:
    connections = HttpConnections(
        wanted.url,
        tls=tls_context(wanted.ca, "helpdesk.ca_file"),
        allow_loopback=loopback,
        fault=Code.FAULT_CASE,
        max_bytes=_MAX_ANSWER,
    )
    token = read_token(wanted.token_file, "helpdesk.token_file")
    if wanted.product in HOSTED:
        names = HostedNames(
            account=wanted.account,
            queue=wanted.queue,
            case_field=wanted.case_field,
            identity_field=wanted.identity_field,
            state_field=wanted.state_field,
        )
        return HostedHelpdesk(connections, HOSTED[wanted.product], names, token=token), connections
    if wanted.product == "roundup":
        return Roundup(connections, password=token, account=wanted.account), connections
    dialect = RequestTracker(
        connections,
        token=token,
        account=wanted.account,
        queue=wanted.queue,
        case_field=wanted.case_field,
        card_fields=CardFields(wanted.identity_field, wanted.state_field),
    )
    return dialect, connections


def event_signing(settings: Settings) -> tuple[EventScheme | None, bytes]:
    """Return the scheme of the helpdesk's events and their secret (empty: not signed); None for the built-in one.

    Raises:
        Refused: `settings.invalid` when the file of the secret cannot be used.
    """
    helpdesk = settings.remote_helpdesk
    if helpdesk is None:
        return None, b""
    if helpdesk.events_secret is None:
        return EVENT_SCHEMES[helpdesk.product], b""
    try:
        secret = helpdesk.events_secret.read_bytes().strip()
    except OSError as broken:
        raise InvalidSetting("helpdesk.events_secret_file", f"cannot be used: {type(broken).__name__}") from None
    if len(secret) < _SHORTEST:
        raise InvalidSetting("helpdesk.events_secret_file", f"holds fewer than {_SHORTEST} bytes")
    return EVENT_SCHEMES[helpdesk.product], secret


def probe_helpdesk(settings: Settings) -> Sequence[str]:
    """Verify that the company's own helpdesk answers and is set up; return the card's fields that it lacks.

    Raises:
        Fault: `fault.case` with what is missing.
        Refused: `settings.invalid`.
    """
    if settings.remote_helpdesk is None:
        return ()
    dialect, connections = _dialect(settings.remote_helpdesk, loopback=settings.loopback)

    async def probe() -> Sequence[str]:
        try:
            return await dialect.probe()
        finally:
            connections.close()

    return asyncio.run(probe())
