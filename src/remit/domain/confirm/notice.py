"""What a notice about something that waits says. Mail is not confidential: no record, no amount, no words of the agent's.

Who asks, for which purpose of the catalogue, until when; what exactly is asked stands on the page, behind a sign-in.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from remit.domain.catalogue.model import Area
from remit.domain.i18n import Speech, marked
from remit.domain.text.normalize import visible
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
    "This is a notice that the desk's program wrote. It asks for no password and no code, and it does nothing by being opened. "
    "If you are not sure, do not use the link: open the desk's page as you always do."
)
_LONGEST: Final = 60
_LINKS: Final = re.compile(r"(?<=\S)([.@])(?=\S)|(:)(?=//)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A notice's subject, in one line, and its paragraphs."""

    subject: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One invitation that waits. `agent` and `operator` are names others gave; `objective` is the catalogue's title."""

    agent: str
    operator: str
    objective: str
    area: Area
    until: Instant


def quoted(name: str) -> str:
    """Somebody else's name for themselves, in quotes, as it can stand in a subject and in a mail.

    ⚔ It ends no header and no quotes, turns nothing around, hides nothing, is not so long that it says something else, and no mail
    program makes a link of it: the only link of a notice is the desk's own.
    """
    shown = visible(name.strip()).replace('"', "'")
    short = shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"
    plain = _LINKS.sub(r"[\g<0>]", short)
    return f'"{plain}"'


def customer_words(desk: str, one: Waiting, say: Speech) -> Words:
    """What a customer is told whose answer is needed."""
    return Words(
        subject=say("{desk}: {agent} needs your answer", desk=visible(desk), agent=quoted(one.agent)),
        text="\n\n".join(
            (
                say(
                    "An agent that acts for you at {desk} asks for something that needs your answer.",
                    desk=visible(desk),
                ),
                *_facts(one, say),
                say(_PAGE),
                say("If you do not answer in time, that is a no."),
            )
        ),
    )


def officer_words(desk: str, one: Waiting, say: Speech) -> Words:
    """What an officer is told of one request that waits for their role."""
    return Words(
        subject=say("{desk}: {agent} needs an officer's answer", desk=visible(desk), agent=quoted(one.agent)),
        text="\n\n".join(
            (
                say(
                    "An agent asks for something at {desk} that needs the answer of somebody with your role.",
                    desk=visible(desk),
                ),
                *_facts(one, say),
                say(_PAGE),
            )
        ),
    )


def gathered_words(desk: str, waiting: int, first_until: Instant, say: Speech) -> Words:
    """What an officer is told of several requests that wait."""
    return Words(
        subject=say("{desk}: {count} requests need an officer's answer", desk=visible(desk), count=waiting),
        text="\n\n".join(
            (
                say(
                    "{count} requests of agents wait at {desk} for the answer of somebody with your role.",
                    count=waiting,
                    desk=visible(desk),
                ),
                say("The first of them can be answered until {when}.", when=_moment(first_until)),
                say(
                    "They are shown on this page, after you sign in with your passkey. Opening the page answers nothing."
                ),
            )
        ),
    )


def _facts(one: Waiting, say: Speech) -> tuple[str, ...]:
    return (
        say(
            "Agent: {agent}, a name that others gave it. It is run by {operator}.",
            agent=quoted(one.agent),
            operator=quoted(one.operator),
        ),
        say("Purpose: {purpose}.", purpose=visible(one.objective)),
        say("It is about: {what}.", what=say(_AREAS[one.area])),
        say("It can be answered until {when}.", when=_moment(one.until)),
    )


def _moment(at: Instant) -> str:
    return f"{datetime.fromtimestamp(at / 1000, tz=UTC):%Y-%m-%d %H:%M} UTC"
