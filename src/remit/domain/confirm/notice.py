"""Texts of notices about pending confirmations: the agent, the purpose, the deadline.

Mail is not confidential: no record, no amount, no words of the agent. The ask itself is on the page behind a sign-in.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from remit.domain.catalogue.model import Area
from remit.domain.i18n import Translator, marked
from remit.domain.structs import struct
from remit.domain.text.normalize import make_visible
from remit.domain.values import Instant

_AREAS: Final[Mapping[Area, str]] = {
    Area.COMMITMENT: marked("a binding agreement"),
    Area.DISCLOSURE: marked("personal data"),
    Area.IDENTITY: marked("someone's identity"),
    Area.PAYMENT: marked("money"),
    Area.ROUTINE: marked("a routine matter"),
    Area.SECURITY: marked("sign-in and security"),
}
_PAGE: Final = marked(
    "Sign in with your passkey to see the full request on this page. Opening the page doesn't answer it."
)
FOOT: Final = marked(
    "This is an automated message from our system. It asks for no password and no code, and opening "
    "it does nothing. If you're not sure, don't use the link. Open our page the way you usually do."
)
_MAX_LENGTH: Final = 60
_LINKS: Final = re.compile(r"(?<=\S)([.@])(?=\S)|(:)(?=//)")


@struct(frozen=True, kw_only=True)
class NoticeText:
    """A notice's one-line subject and its paragraphs."""

    subject: str
    text: str


@struct(frozen=True, kw_only=True)
class WaitingInvitation:
    """A pending invitation. `agent` and `operator` are names given by others, `objective` the catalogue's title."""

    agent: str
    operator: str
    objective: str
    area: Area
    until: Instant


def quoted_name(name: str) -> str:
    """Quote a name given by others for a subject line and a mail.

    ⚔ It ends no header and no quotes, reverses and hides nothing, is too short to carry another message, and mail
    programs make no link of it: the only link of a notice is the desk's own.
    """
    shown = make_visible(name.strip()).replace('"', "'")
    short = shown if len(shown) <= _MAX_LENGTH else f"{shown[: _MAX_LENGTH - 1]}…"
    plain = _LINKS.sub(r"[\g<0>]", short)
    return f'"{plain}"'


def customer_notice(desk: str, invitation: WaitingInvitation, say: Translator) -> NoticeText:
    """Build the notice to a customer about a pending answer."""
    name = make_visible(desk)
    return _notice(
        say("{desk}: {agent} needs your approval", desk=name, agent=quoted_name(invitation.agent)),
        say("An agent acting for you at {desk} has made a request that needs your approval.", desk=name),
        *_facts(invitation, say),
        say(_PAGE),
        say("If you don't answer in time, the request expires and nothing is done."),
    )


def officer_notice(desk: str, invitation: WaitingInvitation, say: Translator) -> NoticeText:
    """Build the notice to an officer about one request for their role."""
    name = make_visible(desk)
    return _notice(
        say("{desk}: {agent} is waiting for approval", desk=name, agent=quoted_name(invitation.agent)),
        say("An agent at {desk} has made a request that needs approval from someone with your role.", desk=name),
        *_facts(invitation, say),
        say(_PAGE),
    )


def digest_notice(desk: str, waiting: int, first_until: Instant, say: Translator) -> NoticeText:
    """Build the notice to an officer about several pending requests."""
    name = make_visible(desk)
    return _notice(
        say("{desk}: {count} requests need approval", desk=name, count=waiting),
        say(
            "{count} requests from agents at {desk} need approval from someone with your role.",
            count=waiting,
            desk=name,
        ),
        say("Answer the first one by {when}.", when=_moment(first_until)),
        say("Sign in with your passkey to see the requests on this page. Opening the page doesn't answer them."),
    )


def _notice(subject: str, *paragraphs: str) -> NoticeText:
    return NoticeText(subject=subject, text="\n\n".join(paragraphs))


def _facts(invitation: WaitingInvitation, say: Translator) -> tuple[str, ...]:
    return (
        say(
            "Agent: {agent}, run by {operator}. We didn't choose the agent's name.",
            agent=quoted_name(invitation.agent),
            operator=quoted_name(invitation.operator),
        ),
        say("Purpose: {purpose}.", purpose=make_visible(invitation.objective)),
        say("Topic: {what}.", what=say(_AREAS[invitation.area])),
        say("Answer by {when}.", when=_moment(invitation.until)),
    )


def _moment(at: Instant) -> str:
    return f"{datetime.fromtimestamp(at / 1000, tz=UTC):%Y-%m-%d %H:%M} UTC"
