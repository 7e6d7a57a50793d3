"""What a notice about something that waits says. Mail is not confidential: no record, no amount, no words of the agent's.

Who asks, for which purpose of the catalogue, until when; what exactly is asked stands on the page, behind a sign-in.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from remit.domain.catalogue import Area
from remit.domain.plain import visible
from remit.domain.values import Instant

_AREAS: Final[Mapping[Area, str]] = {
    Area.COMMITMENT: "an agreement that binds",
    Area.DISCLOSURE: "personal data",
    Area.IDENTITY: "who somebody is",
    Area.PAYMENT: "money",
    Area.ROUTINE: "an everyday matter",
    Area.SECURITY: "sign-in and security",
}
_PAGE: Final = "What exactly it asks is shown on this page, after you sign in with your passkey. Opening the page answers nothing."
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


def customer_words(desk: str, one: Waiting) -> Words:
    """What a customer is told whose answer is needed."""
    return Words(
        subject=f"{visible(desk)}: {quoted(one.agent)} needs your answer",
        text="\n\n".join(
            (
                f"An agent that acts for you at {visible(desk)} asks for something that needs your answer.",
                *_facts(one),
                f"{_PAGE} If you do not answer in time, that is a no.",
            )
        ),
    )


def officer_words(desk: str, one: Waiting) -> Words:
    """What an officer is told of one request that waits for their role."""
    return Words(
        subject=f"{visible(desk)}: {quoted(one.agent)} needs an officer's answer",
        text="\n\n".join(
            (
                f"An agent asks for something at {visible(desk)} that needs the answer of somebody with your role.",
                *_facts(one),
                _PAGE,
            )
        ),
    )


def gathered_words(desk: str, waiting: int, first_until: Instant) -> Words:
    """What an officer is told of several requests that wait."""
    return Words(
        subject=f"{visible(desk)}: {waiting} requests need an officer's answer",
        text="\n\n".join(
            (
                f"{waiting} requests of agents wait at {visible(desk)} for the answer of somebody with your role.",
                f"The first of them can be answered until {_moment(first_until)}.",
                "They are shown on this page, after you sign in with your passkey. Opening the page answers nothing.",
            )
        ),
    )


def _facts(one: Waiting) -> tuple[str, ...]:
    return (
        f"Agent: {quoted(one.agent)}, a name that others gave it. It is run by {quoted(one.operator)}.",
        f"Purpose: {visible(one.objective)}.",
        f"It is about: {_AREAS[one.area]}.",
        f"It can be answered until {_moment(one.until)}.",
    )


def _moment(at: Instant) -> str:
    return f"{datetime.fromtimestamp(at / 1000, tz=UTC):%Y-%m-%d %H:%M} UTC"
