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
    Area.COMMITMENT: marked("an agreement that binds"),
    Area.DISCLOSURE: marked("personal data"),
    Area.IDENTITY: marked("who somebody is"),
    Area.PAYMENT: marked("money"),
    Area.ROUTINE: marked("an everyday matter"),
    Area.SECURITY: marked("sign-in and security"),
}
_PAGE: Final = marked(
    "What exactly it asks is shown on this page, after you sign in with your passkey. Opening the page answers nothing."
)
FOOT: Final = marked(
    "This is a notice that the desk's program wrote. It asks for no password and no code, "
    "and it does nothing by being opened. If you are not sure, do not use the link: "
    "open the desk's page as you always do."
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
        say("{desk}: {agent} needs your answer", desk=name, agent=quoted_name(invitation.agent)),
        say("An agent that acts for you at {desk} asks for something that needs your answer.", desk=name),
        *_facts(invitation, say),
        say(_PAGE),
        say("If you do not answer in time, that is a no."),
    )


def officer_notice(desk: str, invitation: WaitingInvitation, say: Translator) -> NoticeText:
    """Build the notice to an officer about one request for their role."""
    name = make_visible(desk)
    return _notice(
        say("{desk}: {agent} needs an officer's answer", desk=name, agent=quoted_name(invitation.agent)),
        say("An agent asks for something at {desk} that needs the answer of somebody with your role.", desk=name),
        *_facts(invitation, say),
        say(_PAGE),
    )


def digest_notice(desk: str, waiting: int, first_until: Instant, say: Translator) -> NoticeText:
    """Build the notice to an officer about several pending requests."""
    name = make_visible(desk)
    return _notice(
        say("{desk}: {count} requests need an officer's answer", desk=name, count=waiting),
        say(
            "{count} requests of agents wait at {desk} for the answer of somebody with your role.",
            count=waiting,
            desk=name,
        ),
        say("The first of them can be answered until {when}.", when=_moment(first_until)),
        say("They are shown on this page, after you sign in with your passkey. Opening the page answers nothing."),
    )


def _notice(subject: str, *paragraphs: str) -> NoticeText:
    return NoticeText(subject=subject, text="\n\n".join(paragraphs))


def _facts(invitation: WaitingInvitation, say: Translator) -> tuple[str, ...]:
    return (
        say(
            "Agent: {agent}, a name that others gave it. It is run by {operator}.",
            agent=quoted_name(invitation.agent),
            operator=quoted_name(invitation.operator),
        ),
        say("Purpose: {purpose}.", purpose=make_visible(invitation.objective)),
        say("It is about: {what}.", what=say(_AREAS[invitation.area])),
        say("It can be answered until {when}.", when=_moment(invitation.until)),
    )


def _moment(at: Instant) -> str:
    return f"{datetime.fromtimestamp(at / 1000, tz=UTC):%Y-%m-%d %H:%M} UTC"
