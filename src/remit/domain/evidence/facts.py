"""The facts that transcript entries give about the desk's controls, and their titles.

`frameworks/*.toml` assigns them to controls.
"""

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import Final, Self

from remit.domain.errors import Code, Refused
from remit.domain.records import EndReason, Tier
from remit.domain.transcript.entry import Kind
from remit.domain.values import JsonObject
from remit.domain.words.excess import WordsState


class EvidenceFact(StrEnum):
    """The countable facts; public contract. `kind.past:part` is a part of the entries of that kind."""

    title_text: str

    def __new__(cls, value: str, title_text: str) -> Self:
        """Make a fact of its value and its title."""
        fact = str.__new__(cls, value)
        fact._value_, fact.title_text = value, title_text
        return fact

    ACT_DONE = "act.performed:done", "acts done"
    ACT_FAILED = "act.performed:failed", "acts the desk could not do"
    ACT_PERFORMED = "act.performed", "outcomes of acts recorded"
    ACT_UNKNOWN = "act.performed:unknown", "acts whose outcome was unknown"
    ACT_VOID = "act.performed:void", "acts dropped before they were sent"
    AGENT_DISOWNED = "agent.disowned", "agents that a customer says were not theirs"
    AGENT_SUSPENDED = "agent.suspended", "suspensions of an agent, operator, customer or objective"
    ANSWERED = "confirmation.answered", "confirmations answered or run out"
    ANSWERED_LESS = "confirmation.answered:less", "confirmed for less"
    ANSWERED_NO = "confirmation.answered:no", "declined by a person"
    ANSWERED_NOT = "confirmation.answered:silence", "run out without an answer"
    ANSWERED_WITHDRAWN = "confirmation.answered:withdrawn", "taken back by the agent before an answer"
    ANSWERED_YES = "confirmation.answered:yes", "confirmed by a person"
    CANARY_SEEN = "canary.seen", "canaries seen"
    ATTACHMENT_SETTLED = "attachment.settled", "files held back, and decided about"
    CONTEST_RAISED = "contest.raised", "entries contested"
    CONTEST_SETTLED = "contest.settled", "contests settled"
    DECIDED = "ask.decided", "decisions on asks"
    ENDED = "task.ended", "tasks ended"
    ENDED_CASE = "task.ended:case", "tasks ended as the case went elsewhere"
    ENDED_DONE = "task.ended:done", "tasks ended as completed"
    ENDED_LEAK = "task.ended:leak", "tasks ended for a leak"
    ENDED_PERSON = "task.ended:person", "tasks ended by a person's no, or as the mandate was taken back"
    ENDED_RECOVERED = "task.ended:recovered", "tasks ended as the log was recovered"
    ENDED_RISK = "task.ended:risk", "tasks ended for raised risk"
    ENDED_SUSPENDED = "task.ended:suspended", "tasks ended by a suspension"
    ENDED_TIME = "task.ended:time", "tasks ended by time"
    ENTRY_ERASED = "entry.erased", "erasures of content"
    HELD = "ask.decided:held", "asks held for a person"
    HELD_BOTH = "ask.decided:held:both", "held for customer and officer"
    HELD_CUSTOMER = "ask.decided:held:customer", "held for the customer"
    HELD_OFFICER = "ask.decided:held:officer", "held for an officer"
    HELD_WORDS = "ask.decided:held:words", "held for an officer to look at the words"
    EVENT_RECEIVED = "event.received", "events of other parties that ended something"
    LEAK_FOUND = "leak.found", "leaks found"
    LEFT_OUT = "ask.decided:left_out", "decisions on asks without words that say more than they do"
    LOG_RECOVERED = "log.recovered", "recoveries of an older store"
    MANDATE_BRANCHED = "mandate.granted:branch", "mandates handed on to another agent"
    MANDATE_DECLINED = "mandate.declined", "mandates declined by the customer"
    MANDATE_EXPIRED = "mandate.expired", "mandates run out"
    MANDATE_GRANTED = "mandate.granted:customer", "mandates granted by a customer"
    MANDATE_NARROWED = "mandate.narrowed", "mandates narrowed"
    MANDATE_REVOKED = "mandate.revoked", "mandates revoked"
    MESSAGE_BLOCKED = "message.blocked:agent", "messages of agents blocked"
    MISUSED = "credential.misused", "sign-ins of people refused in a program's hands"
    NATIVE_REPLY = "message.blocked:native_reply", "replies written past Remit, which reached no agent"
    OFFER_MADE = "offer.made", "offers made"
    PERMITTED = "ask.decided:permitted", "asks permitted"
    PERMITTED_AFTER = "ask.decided:permitted:confirmed", "asks permitted after a person's yes"
    PERMITTED_AT_ONCE = "ask.decided:permitted:at_once", "asks permitted at once"
    REFUSED = "ask.decided:refused", "asks refused"
    REFUSED_CONFIRMATION = (
        "ask.decided:refused:confirmation",
        "refused as a person had said no, or too much was waiting",
    )
    REFUSED_MANDATE = "ask.decided:refused:mandate", "refused as outside the mandate"
    REFUSED_OBJECTIVE = "ask.decided:refused:objective", "refused as outside the objective or its order"
    REFUSED_OTHER = "ask.decided:refused:other", "refused for another reason"
    REFUSED_OWNER = "ask.decided:refused:owner", "refused as not this customer's record"
    REFUSED_PARAMS = "ask.decided:refused:params", "refused as no valid ask of this desk"
    REFUSED_POLICY = "ask.decided:refused:policy", "refused by the desk's policies"
    REFUSED_SECRET = "ask.decided:refused:secret", "refused for a secret in the message"
    REFUSED_SPENT = "ask.decided:refused:spent", "refused as uses or total were spent"
    REFUSED_WORDS = "ask.decided:refused:words", "refused for words that say more than the ask, or cannot be read"
    REPLY_CUT = "reply.sent:cut", "replies cut to what the mandate covers"
    REPLY_OVERRIDDEN = "reply.overridden", "replies sent although a value was marked, with a reason"
    REPLY_REVIEWED = "reply.reviewed", "such replies looked at by a second person"
    REPLY_SENT = "reply.sent", "replies sent"
    SENT_BEFORE_END = "task.ended:sent", "tasks ended with something sent already"
    TASK_HELD = "task.held", "tasks held for raised risk"
    TASK_OPENED = "task.opened", "tasks opened"
    VISITED = "task.opened:visitor", "tasks opened by agents that proved no key"
    VISITOR_ASKED = "ask.decided:visitor", "decisions on asks of agents that proved no key"
    VOIDED_AT_END = "task.ended:voided", "tasks ended with something waiting, which died with them"
    WAIVED = "ask.decided:waived", "asks permitted under a waiver, which lowered a floor"
    WORDS_ANSWERED = "words.answered", "held words answered or run out"
    WORDS_NOT = "words.answered:silence", "held words run out without an answer"
    WORDS_WITHDRAWN = "words.answered:withdrawn", "held words taken back by the agent"
    WORDS_REFUSED = "words.answered:no", "held words refused by an officer"
    WORDS_RELEASED = "words.answered:release", "held words passed on by an officer"
    WORDS_STRIPPED = "words.answered:strip", "held words left out by an officer"


TITLES: Final[Mapping[EvidenceFact, str]] = {fact: fact.title_text for fact in EvidenceFact}


SET_UP: Final = frozenset({
    Kind.AGENT_REGISTERED, Kind.AGENT_RESUMED, Kind.AGENT_TRUSTED, Kind.CANARY_PLANTED, Kind.CANARY_REMOVED,
    Kind.PERSON_CHANGED, Kind.PERSON_ENROLLED, Kind.PERSON_RECOVERED, Kind.POLICY_CHANGED, Kind.TASK_RESUMED,
})  # fmt: skip
"""Entries that set up or maintain a desk. ⚔ None of them is a fact: set-up demonstrates no control.

Source: docs/model/peers.md#p5.
"""

_PLAIN: Final[Mapping[Kind, EvidenceFact]] = {
    Kind.AGENT_DISOWNED: EvidenceFact.AGENT_DISOWNED,
    Kind.AGENT_SUSPENDED: EvidenceFact.AGENT_SUSPENDED,
    Kind.CANARY_SEEN: EvidenceFact.CANARY_SEEN,
    Kind.ATTACHMENT_SETTLED: EvidenceFact.ATTACHMENT_SETTLED,
    Kind.CONTEST_RAISED: EvidenceFact.CONTEST_RAISED,
    Kind.CONTEST_SETTLED: EvidenceFact.CONTEST_SETTLED,
    Kind.CREDENTIAL_MISUSED: EvidenceFact.MISUSED,
    Kind.ENTRY_ERASED: EvidenceFact.ENTRY_ERASED,
    Kind.EVENT_RECEIVED: EvidenceFact.EVENT_RECEIVED,
    Kind.LEAK_FOUND: EvidenceFact.LEAK_FOUND,
    Kind.LOG_RECOVERED: EvidenceFact.LOG_RECOVERED,
    Kind.MANDATE_DECLINED: EvidenceFact.MANDATE_DECLINED,
    Kind.MANDATE_EXPIRED: EvidenceFact.MANDATE_EXPIRED,
    Kind.MANDATE_NARROWED: EvidenceFact.MANDATE_NARROWED,
    Kind.MANDATE_REVOKED: EvidenceFact.MANDATE_REVOKED,
    Kind.OFFER_MADE: EvidenceFact.OFFER_MADE,
    Kind.REPLY_OVERRIDDEN: EvidenceFact.REPLY_OVERRIDDEN,
    Kind.REPLY_REVIEWED: EvidenceFact.REPLY_REVIEWED,
    Kind.TASK_HELD: EvidenceFact.TASK_HELD,
}
_REFUSED: Final[Mapping[str, EvidenceFact]] = {
    "action": EvidenceFact.REFUSED_PARAMS,
    "confirmation": EvidenceFact.REFUSED_CONFIRMATION,
    "mandate": EvidenceFact.REFUSED_MANDATE,
    "objective": EvidenceFact.REFUSED_OBJECTIVE,
    "params": EvidenceFact.REFUSED_PARAMS,
    "policy": EvidenceFact.REFUSED_POLICY,
    "words": EvidenceFact.REFUSED_WORDS,
    Code.MANDATE_TOTAL_SPENT: EvidenceFact.REFUSED_SPENT,
    Code.MANDATE_USES_SPENT: EvidenceFact.REFUSED_SPENT,
    Code.PARAMS_NOT_OWNED: EvidenceFact.REFUSED_OWNER,
    Code.WORDS_SECRET: EvidenceFact.REFUSED_SECRET,
}
"""By code, else by its first word."""
_ANSWERS: Final[Mapping[str, EvidenceFact]] = {
    "less": EvidenceFact.ANSWERED_LESS,
    "no": EvidenceFact.ANSWERED_NO,
    "no_and_end": EvidenceFact.ANSWERED_NO,
    "silence": EvidenceFact.ANSWERED_NOT,
    "withdrawn": EvidenceFact.ANSWERED_WITHDRAWN,
    "yes": EvidenceFact.ANSWERED_YES,
}
_WORDS: Final[Mapping[str, EvidenceFact]] = {
    "no": EvidenceFact.WORDS_REFUSED,
    "release": EvidenceFact.WORDS_RELEASED,
    "silence": EvidenceFact.WORDS_NOT,
    "withdrawn": EvidenceFact.WORDS_WITHDRAWN,
    "strip": EvidenceFact.WORDS_STRIPPED,
}
_OUTCOMES: Final[Mapping[str, EvidenceFact]] = {
    "done": EvidenceFact.ACT_DONE,
    "failed": EvidenceFact.ACT_FAILED,
    "unknown": EvidenceFact.ACT_UNKNOWN,
    "void": EvidenceFact.ACT_VOID,
}
_ENDINGS: Final[Mapping[str, EvidenceFact]] = {
    EndReason.AGENT_SUSPENDED: EvidenceFact.ENDED_SUSPENDED,
    EndReason.CASE_CLOSED: EvidenceFact.ENDED_DONE,
    EndReason.CASE_MERGED: EvidenceFact.ENDED_CASE,
    EndReason.CASE_REASSIGNED: EvidenceFact.ENDED_CASE,
    EndReason.COMPLETED: EvidenceFact.ENDED_DONE,
    EndReason.CUSTOMER_DECLINED: EvidenceFact.ENDED_PERSON,
    EndReason.CUSTOMER_SUSPENDED: EvidenceFact.ENDED_SUSPENDED,
    EndReason.DESK_REVOKED: EvidenceFact.ENDED_PERSON,
    EndReason.END_OF_LIFE: EvidenceFact.ENDED_TIME,
    EndReason.IDLE: EvidenceFact.ENDED_TIME,
    EndReason.LEAK: EvidenceFact.ENDED_LEAK,
    EndReason.MANDATE_EXPIRED: EvidenceFact.ENDED_TIME,
    EndReason.OBJECTIVE_REACHED: EvidenceFact.ENDED_DONE,
    EndReason.OBJECTIVE_SUSPENDED: EvidenceFact.ENDED_SUSPENDED,
    EndReason.OPERATOR_SUSPENDED: EvidenceFact.ENDED_SUSPENDED,
    EndReason.RECOVERED: EvidenceFact.ENDED_RECOVERED,
    EndReason.REFRESH_REUSED: EvidenceFact.ENDED_LEAK,
    EndReason.REVOKED: EvidenceFact.ENDED_PERSON,
    EndReason.RISK: EvidenceFact.ENDED_RISK,
}


def facts_of(kind: Kind, envelope: JsonObject) -> tuple[EvidenceFact, ...]:
    """Return the facts of one entry, each once; none for set-up.

    Raises:
        Refused: `log.damaged` for unknown content of an envelope: a figure is right or absent.
    """
    teller = _TELLERS.get(kind)
    if teller is not None:
        return tuple(teller(envelope))
    return (_PLAIN[kind],) if kind in _PLAIN else ()


def _decided(envelope: JsonObject) -> Iterator[EvidenceFact]:
    yield EvidenceFact.DECIDED
    if _visits(envelope):
        yield EvidenceFact.VISITOR_ASKED
    if envelope.get("words") == WordsState.STRIPPED and not envelope.get("confirmed_by"):
        yield EvidenceFact.LEFT_OUT  # a confirmed ask is decided a second time
    match envelope.get("decision"):
        case "permit":
            yield EvidenceFact.PERMITTED
            # A confirmed ask is decided a second time: one more decision, not one more ask.
            confirmed = envelope.get("confirmed_by") or envelope.get("who")
            yield EvidenceFact.PERMITTED_AFTER if confirmed else EvidenceFact.PERMITTED_AT_ONCE
            waiver = envelope.get("waiver", -1)
            if isinstance(waiver, int) and waiver >= 0:
                yield EvidenceFact.WAIVED
        case "needs_human":
            yield EvidenceFact.HELD
            yield _held(envelope)
        case "refuse":
            yield EvidenceFact.REFUSED
            code = str(envelope.get("code", ""))
            yield _REFUSED.get(code) or _REFUSED.get(code.partition(".")[0], EvidenceFact.REFUSED_OTHER)
        case _:
            raise _unknown("decision")


def _held(envelope: JsonObject) -> EvidenceFact:
    who = envelope.get("who")
    asked = {str(word) for word in who} if isinstance(who, list | tuple) else set()
    if not asked:
        raise _unknown("who")
    if envelope.get("words") == WordsState.HELD:
        return EvidenceFact.HELD_WORDS
    if "customer" not in asked:
        return EvidenceFact.HELD_OFFICER
    return EvidenceFact.HELD_CUSTOMER if asked == {"customer"} else EvidenceFact.HELD_BOTH


def _opened(envelope: JsonObject) -> Iterator[EvidenceFact]:
    yield EvidenceFact.TASK_OPENED
    if _visits(envelope):
        yield EvidenceFact.VISITED


def _visits(envelope: JsonObject) -> bool:
    """Return whether an entry is about an agent that proved no key (docs/model/visitors.md#evidence)."""
    return envelope.get("tier") == Tier.VISITOR


def _ended(envelope: JsonObject) -> Iterator[EvidenceFact]:
    yield EvidenceFact.ENDED
    yield _known(_ENDINGS, envelope, "reason")
    voided = envelope.get("voided")
    if isinstance(voided, Mapping) and any(_many(number) for number in voided.values()):
        yield EvidenceFact.VOIDED_AT_END
    if envelope.get("already_sent"):
        yield EvidenceFact.SENT_BEFORE_END


def _answered(envelope: JsonObject) -> Iterator[EvidenceFact]:
    yield EvidenceFact.ANSWERED
    yield _known(_ANSWERS, envelope, "answer")


def _words(envelope: JsonObject) -> Iterator[EvidenceFact]:
    yield EvidenceFact.WORDS_ANSWERED
    yield _known(_WORDS, envelope, "answer")


def _silent(_envelope: JsonObject) -> Iterator[EvidenceFact]:
    yield EvidenceFact.ANSWERED
    yield EvidenceFact.ANSWERED_NOT


def _performed(envelope: JsonObject) -> Iterator[EvidenceFact]:
    yield EvidenceFact.ACT_PERFORMED
    yield _known(_OUTCOMES, envelope, "outcome")


def _sent(envelope: JsonObject) -> Iterator[EvidenceFact]:
    yield EvidenceFact.REPLY_SENT
    if _many(envelope.get("withheld")):
        yield EvidenceFact.REPLY_CUT


def _blocked(envelope: JsonObject) -> Iterator[EvidenceFact]:
    yield EvidenceFact.NATIVE_REPLY if envelope.get("why") == "native_public_reply" else EvidenceFact.MESSAGE_BLOCKED


def _granted(envelope: JsonObject) -> Iterator[EvidenceFact]:
    yield EvidenceFact.MANDATE_BRANCHED if envelope.get("parent") else EvidenceFact.MANDATE_GRANTED


_TELLERS: Final[Mapping[Kind, Callable[[JsonObject], Iterator[EvidenceFact]]]] = {
    Kind.ACT_PERFORMED: _performed,
    Kind.ACT_RECONCILED: _performed,
    Kind.ASK_DECIDED: _decided,
    Kind.CONFIRMATION_ANSWERED: _answered,
    Kind.CONFIRMATION_EXPIRED: _silent,
    Kind.MANDATE_GRANTED: _granted,
    Kind.MESSAGE_BLOCKED: _blocked,
    Kind.REPLY_SENT: _sent,
    Kind.TASK_ENDED: _ended,
    Kind.TASK_OPENED: _opened,
    Kind.WORDS_ANSWERED: _words,
}


def _known(table: Mapping[str, EvidenceFact], envelope: JsonObject, member: str) -> EvidenceFact:
    found = table.get(str(envelope.get(member, "")))
    if found is None:
        raise _unknown(member)
    return found


def _many(value: object) -> bool:
    return isinstance(value, int) and value > 0


def _unknown(member: str) -> Refused:
    return Refused(
        Code.LOG_DAMAGED, f"an envelope's {member} is unknown here; use the version that wrote it, or a newer one"
    )
