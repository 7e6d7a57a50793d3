"""Signatures of helpdesks' events over the raw body: one table of schemes, one check."""

import hmac
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.structs import struct
from remit.domain.values import Instant, Json

_SKEW_MS: Final = 300_000
"""Difference between the clocks, and the age of an event, that is accepted where a scheme signs a time."""
_MAX_TICKET: Final = 100
_MAX_TIME: Final = 40
_UNREADABLE: Final = "The event names no ticket in the place where this helpdesk's events have it."


@struct(frozen=True, kw_only=True)
class EventScheme:
    """One product's events: the header of the signature and its algorithm and encoding, and the ticket's place.

    `prefix` stands before the signature. Where `time_header` is set, its value and `separator` are signed before the
    body; with `iso_time` it is a date and time, else seconds. `ticket` are the members that lead to the ticket's id.
    Without an algorithm the header is the secret itself: the product signs nothing.
    """

    header: str
    algorithm: str
    ticket: tuple[str, ...]
    prefix: str = ""
    base64: bool = False
    time_header: str = ""
    iso_time: bool = False
    separator: str = ""


EVENT_SCHEMES: Final[Mapping[str, EventScheme]] = {
    "rt": EventScheme(header="x-rt-signature", algorithm="sha256", prefix="sha256=", ticket=("ticket",)),
    "roundup": EventScheme(header="x-roundup-signature", algorithm="sha256", prefix="sha256=", ticket=("ticket",)),
    "intercom": EventScheme(header="x-hub-signature", algorithm="sha1", prefix="sha1=", ticket=("data", "item", "id")),
    "zendesk": EventScheme(
        header="x-zendesk-webhook-signature",
        algorithm="sha256",
        base64=True,
        time_header="x-zendesk-webhook-signature-timestamp",
        iso_time=True,
        ticket=("ticket",),
    ),
    "freshdesk": EventScheme(header="x-remit-secret", algorithm="", ticket=("ticket",)),
    "jira": EventScheme(header="x-hub-signature", algorithm="sha256", prefix="sha256=", ticket=("issue", "id")),
}
"""The scheme of each product with a dialect: those of the Scrip, the detector and the webhooks in docs/helpdesk*.md."""


def verify_event(scheme: EventScheme, secret: bytes, header: Callable[[str], str], body: bytes, now: Instant) -> None:
    """Verify an event's signature, and its time where the scheme signs one. `header` returns a header's one value.

    Raises:
        Refused: `credential.missing`, `credential.wrong_key`, `credential.expired`.
    """
    given = header(scheme.header)
    if not given:
        raise Refused(Code.CREDENTIAL_MISSING, f"an event without {scheme.header}")
    time = header(scheme.time_header) if scheme.time_header else ""
    at = _time(time, iso=scheme.iso_time) if scheme.time_header else now
    if at is None:
        raise Refused(Code.CREDENTIAL_MISSING, f"an event without {scheme.time_header}")
    expected = secret
    if scheme.algorithm:
        ahead = f"{time}{scheme.separator}".encode() if scheme.time_header else b""
        made = hmac.new(secret, ahead + body, scheme.algorithm).digest()
        expected = (scheme.prefix + (b64encode(made).decode() if scheme.base64 else made.hex())).encode()
    if not hmac.compare_digest(expected, given.encode("utf-8", errors="replace")):
        raise Refused(Code.CREDENTIAL_WRONG_KEY, "an event whose signature does not verify")
    if abs(now - at) > _SKEW_MS:
        raise Refused(Code.CREDENTIAL_EXPIRED, "an event of another time")


def _time(text: str, *, iso: bool) -> int | None:
    """Return a time in milliseconds, None for a text that is none."""
    if not text.isascii() or len(text) > _MAX_TIME:
        return None
    if not iso:
        return int(text) * 1000 if text.isdigit() else None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if moment.tzinfo is None else round(moment.timestamp() * 1000)


def event_ticket(scheme: EventScheme, event: Mapping[str, Json]) -> str:
    """Return the ticket's id. ⚔ Nothing else of an event is read.

    Raises:
        Refused: `request.malformed`.
    """
    found: Json = event
    for name in scheme.ticket:
        found = found.get(name) if isinstance(found, Mapping) else None
    ticket = str(found) if isinstance(found, int) and not isinstance(found, bool) else found
    if (
        not isinstance(ticket, str)
        or not 0 < len(ticket) <= _MAX_TICKET
        or not ticket.isascii()
        or not ticket.isalnum()
    ):
        raise Refused(Code.REQUEST_MALFORMED, "an event without a ticket", public=_UNREADABLE)
    return ticket
