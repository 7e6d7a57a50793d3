"""What a control, and a framework of them, is to a report; and the facts and reasons that several of them share.

The controls themselves stand by framework in `evidence_owasp`, `evidence_threats` and `evidence_frameworks`; counting is `evidence`.
"""

from dataclasses import dataclass
from typing import Final

from remit.domain.evidence_facts import Fact

HELD: Final = (Fact.HELD_CUSTOMER, Fact.HELD_OFFICER, Fact.HELD_BOTH)
SAID: Final = (Fact.ANSWERED_YES, Fact.ANSWERED_LESS, Fact.ANSWERED_NO, Fact.ANSWERED_NOT)
WORDS: Final = (Fact.REFUSED_WORDS, Fact.HELD_WORDS, Fact.LEFT_OUT)
LIMITS: Final = (Fact.REFUSED_MANDATE, Fact.REFUSED_SPENT, Fact.REFUSED_OWNER)
STOPPED: Final = (Fact.ENDED_SUSPENDED, Fact.ENDED_PERSON, Fact.ENDED_RISK, Fact.TASK_HELD, Fact.ENDED_LEAK)
RECORDED: Final = (Fact.DECIDED, Fact.ANSWERED, Fact.ACT_PERFORMED, Fact.REPLY_SENT)

INSIDE_AGENT: Final = "It happens inside the agent, which Remit does not see."
HOUSE: Final = "It is about how the company's own systems are run."
NO_ENTRY: Final = "Remit refuses it before there is an ask, and such a refusal leaves no entry to count."
ON_PAPER: Final = "It is about what people decide and write down, which no traffic shows."


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One control. `shown` are the facts that exercise it; `beside` are counted along and exercise nothing.

    ⚔ What every ask brings about (that it was decided, or permitted) stands in `shown` only where being recorded is the
    control itself: one harmless ask must not make a page of controls look tried.
    """

    id: str
    title: str
    does: str
    shown: tuple[Fact, ...]
    beside: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """A control Remit says nothing about, and why."""

    id: str
    title: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Framework:
    """One framework. `rest` names what is listed neither way ("" where every control is)."""

    name: str
    title: str
    controls: tuple[Control, ...]
    silent: tuple[Silence, ...]
    rest: str = ""
