"""Texts of notices about pending confirmations: the agent, the purpose, the deadline.

Mail is not confidential: no record, no amount, no words of the agent. The ask itself is on the page behind a sign-in.
"""

import re
from collections.abc import Mapping
from typing import Final

from remit.domain.catalogue.model import Area
from remit.domain.confirm.render_values import day_and_time
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
    "This is an automated message. It never asks for a password or a code, and opening it changes nothing. If in "
    "doubt, don't use the link: open our page the way you usually do."
)
_MAX_SUBJECT: Final = 70
"""Letters that mail programs show of a subject."""
_MAX_DESK: Final = 24
_MAX_LENGTH: Final = 60
_MIN_NAME: Final = 12
_QUOTES: Final = str.maketrans(dict.fromkeys('"“”„‟«»', "'"))
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


def quoted_name(name: str, say: Translator, *, most: int = _MAX_LENGTH) -> str:
    """Quote a name given by others for a subject line and a mail.

    ⚔ It ends no header and no quotes, reverses and hides nothing, is too short to carry another message, and mail
    programs make no link of it: the only link of a notice is the desk's own.
    """
    shown = make_visible(name.strip()).translate(_QUOTES)
    plain = _shortened(shown, most)
    while len(shielded := _LINKS.sub(r"[\g<0>]", plain)) > most:
        plain = _shortened(plain, len(plain) - 1)
    return say("“{name}”", name=shielded)


def customer_notice(desk: str, invitation: WaitingInvitation, say: Translator) -> NoticeText:
    """Build the notice to a customer about a pending answer."""
    name = make_visible(desk)
    return _notice(
        _subject(marked("{desk}: {agent} needs your approval"), name, invitation, say),
        say("An agent acting for you at {desk} has made a request that needs your approval.", desk=name),
        _facts(invitation, say),
        say("If you don't answer in time, the request expires and nothing is done."),
        say(_PAGE),
    )


def officer_notice(desk: str, invitation: WaitingInvitation, say: Translator) -> NoticeText:
    """Build the notice to an officer about one request for their role."""
    name = make_visible(desk)
    return _notice(
        _subject(marked("{desk}: {agent} is waiting for approval"), name, invitation, say),
        say("An agent at {desk} has made a request that needs approval from someone with your role.", desk=name),
        _facts(invitation, say),
        say(_PAGE),
    )


def digest_notice(desk: str, waiting: int, first_until: Instant, say: Translator) -> NoticeText:
    """Build the notice to an officer about several pending requests."""
    name = make_visible(desk)
    return _notice(
        say("{desk}: {count} requests need approval", desk=_shortened(name, _MAX_DESK), count=waiting),
        say(
            "{count} requests from agents at {desk} need approval from someone with your role.",
            count=waiting,
            desk=name,
        ),
        say("Answer the first one by {when}.", when=day_and_time(first_until, say)),
        say("Sign in with your passkey to see the requests on this page. Opening the page doesn't answer them."),
    )


def _notice(subject: str, *paragraphs: str) -> NoticeText:
    return NoticeText(subject=subject, text="\n\n".join(paragraphs))


def _subject(text: str, desk: str, invitation: WaitingInvitation, say: Translator) -> str:
    """Fill a subject line; the desk's and the agent's name are shortened to the length that mail programs show."""
    desk = _shortened(desk, _MAX_DESK)
    room = max(_MIN_NAME, _MAX_SUBJECT - len(say(text, desk=desk, agent=quoted_name("", say))))
    return say(text, desk=desk, agent=quoted_name(invitation.agent, say, most=room))


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def _facts(invitation: WaitingInvitation, say: Translator) -> str:
    return "\n".join(
        (
            say(
                "Agent: {agent}, run by {operator}. We didn't choose the agent's name.",
                agent=quoted_name(invitation.agent, say),
                operator=quoted_name(invitation.operator, say),
            ),
            say("Purpose: {purpose}.", purpose=make_visible(invitation.objective)),
            say("Topic: {what}.", what=say(_AREAS[invitation.area])),
            say("Answer by {when}.", when=day_and_time(invitation.until, say)),
        )
    )
