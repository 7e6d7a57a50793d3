"""Facts: what entries of the transcript can tell about the desk's controls, and what each is called.

Which entry tells which is in `evidence_reading`, which control a fact belongs to in `frameworks/*.toml`.
"""

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.records import EndReason
from remit.domain.transcript.entry import Kind
from remit.domain.values import JsonObject
from remit.domain.words.excess import WordsState


class Fact(StrEnum):
    """What can be counted; public contract. `kind.past:part` is a part of the entries of that kind."""

    ACT_DONE = "act.performed:done"
    ACT_FAILED = "act.performed:failed"
    ACT_PERFORMED = "act.performed"
    ACT_UNKNOWN = "act.performed:unknown"
    ACT_VOID = "act.performed:void"
    AGENT_DISOWNED = "agent.disowned"
    AGENT_SUSPENDED = "agent.suspended"
    ANSWERED = "confirmation.answered"
    ANSWERED_LESS = "confirmation.answered:less"
    ANSWERED_NO = "confirmation.answered:no"
    ANSWERED_NOT = "confirmation.answered:silence"
    ANSWERED_YES = "confirmation.answered:yes"
    CANARY_SEEN = "canary.seen"
    ATTACHMENT_SETTLED = "attachment.settled"
    CONTEST_RAISED = "contest.raised"
    CONTEST_SETTLED = "contest.settled"
    DECIDED = "ask.decided"
    ENDED = "task.ended"
    ENDED_CASE = "task.ended:case"
    ENDED_DONE = "task.ended:done"
    ENDED_LEAK = "task.ended:leak"
    ENDED_PERSON = "task.ended:person"
    ENDED_RECOVERED = "task.ended:recovered"
    ENDED_RISK = "task.ended:risk"
    ENDED_SUSPENDED = "task.ended:suspended"
    ENDED_TIME = "task.ended:time"
    ENTRY_ERASED = "entry.erased"
    HELD = "ask.decided:held"
    HELD_BOTH = "ask.decided:held:both"
    HELD_CUSTOMER = "ask.decided:held:customer"
    HELD_OFFICER = "ask.decided:held:officer"
    HELD_WORDS = "ask.decided:held:words"
    LEAK_FOUND = "leak.found"
    LEFT_OUT = "ask.decided:left_out"
    LOG_RECOVERED = "log.recovered"
    MANDATE_BRANCHED = "mandate.granted:branch"
    MANDATE_DECLINED = "mandate.declined"
    MANDATE_EXPIRED = "mandate.expired"
    MANDATE_GRANTED = "mandate.granted:customer"
    MANDATE_NARROWED = "mandate.narrowed"
    MANDATE_REVOKED = "mandate.revoked"
    MESSAGE_BLOCKED = "message.blocked:agent"
    MISUSED = "credential.misused"
    NATIVE_REPLY = "message.blocked:native_reply"
    OFFER_MADE = "offer.made"
    PERMITTED = "ask.decided:permitted"
    PERMITTED_AFTER = "ask.decided:permitted:confirmed"
    PERMITTED_AT_ONCE = "ask.decided:permitted:at_once"
    REFUSED = "ask.decided:refused"
    REFUSED_CONFIRMATION = "ask.decided:refused:confirmation"
    REFUSED_MANDATE = "ask.decided:refused:mandate"
    REFUSED_OBJECTIVE = "ask.decided:refused:objective"
    REFUSED_OTHER = "ask.decided:refused:other"
    REFUSED_OWNER = "ask.decided:refused:owner"
    REFUSED_PARAMS = "ask.decided:refused:params"
    REFUSED_POLICY = "ask.decided:refused:policy"
    REFUSED_SECRET = "ask.decided:refused:secret"  # noqa: S105  # a fact, not a secret
    REFUSED_SPENT = "ask.decided:refused:spent"
    REFUSED_WORDS = "ask.decided:refused:words"
    REPLY_CUT = "reply.sent:cut"
    REPLY_SENT = "reply.sent"
    SENT_BEFORE_END = "task.ended:sent"
    TASK_HELD = "task.held"
    TASK_OPENED = "task.opened"
    VOIDED_AT_END = "task.ended:voided"
    WAIVED = "ask.decided:waived"
    WORDS_ANSWERED = "words.answered"
    WORDS_NOT = "words.answered:silence"
    WORDS_REFUSED = "words.answered:no"
    WORDS_RELEASED = "words.answered:release"
    WORDS_STRIPPED = "words.answered:strip"


TITLES: Final[Mapping[Fact, str]] = {
    Fact.ACT_DONE: "acts done",
    Fact.ACT_FAILED: "acts the desk could not do",
    Fact.ACT_PERFORMED: "outcomes of acts recorded",
    Fact.ACT_UNKNOWN: "acts whose outcome was unknown",
    Fact.ACT_VOID: "acts dropped before they were sent",
    Fact.AGENT_DISOWNED: "agents that a customer says were not theirs",
    Fact.AGENT_SUSPENDED: "suspensions of an agent, operator, customer or objective",
    Fact.ANSWERED: "confirmations answered or run out",
    Fact.ANSWERED_LESS: "confirmed for less",
    Fact.ANSWERED_NO: "declined by a person",
    Fact.ANSWERED_NOT: "run out without an answer",
    Fact.ANSWERED_YES: "confirmed by a person",
    Fact.CANARY_SEEN: "canaries seen",
    Fact.ATTACHMENT_SETTLED: "files held back, and decided about",
    Fact.CONTEST_RAISED: "entries contested",
    Fact.CONTEST_SETTLED: "contests settled",
    Fact.DECIDED: "decisions on asks",
    Fact.ENDED: "tasks ended",
    Fact.ENDED_CASE: "tasks ended as the case went elsewhere",
    Fact.ENDED_DONE: "tasks ended as completed",
    Fact.ENDED_LEAK: "tasks ended for a leak",
    Fact.ENDED_PERSON: "tasks ended by a person's no, or as the mandate was taken back",
    Fact.ENDED_RECOVERED: "tasks ended as the log was recovered",
    Fact.ENDED_RISK: "tasks ended for raised risk",
    Fact.ENDED_SUSPENDED: "tasks ended by a suspension",
    Fact.ENDED_TIME: "tasks ended by time",
    Fact.ENTRY_ERASED: "erasures of content",
    Fact.HELD: "asks held for a person",
    Fact.HELD_BOTH: "held for customer and officer",
    Fact.HELD_CUSTOMER: "held for the customer",
    Fact.HELD_OFFICER: "held for an officer",
    Fact.HELD_WORDS: "held for an officer to look at the words",
    Fact.LEAK_FOUND: "leaks found",
    Fact.LEFT_OUT: "decisions on asks without words that say more than they do",
    Fact.LOG_RECOVERED: "recoveries of an older store",
    Fact.MANDATE_BRANCHED: "mandates handed on to another agent",
    Fact.MANDATE_DECLINED: "mandates declined by the customer",
    Fact.MANDATE_EXPIRED: "mandates run out",
    Fact.MANDATE_GRANTED: "mandates granted by a customer",
    Fact.MANDATE_NARROWED: "mandates narrowed",
    Fact.MANDATE_REVOKED: "mandates revoked",
    Fact.MESSAGE_BLOCKED: "messages of agents blocked",
    Fact.MISUSED: "sign-ins of people refused in a program's hands",
    Fact.NATIVE_REPLY: "replies written past Remit, which reached no agent",
    Fact.OFFER_MADE: "offers made",
    Fact.PERMITTED: "asks permitted",
    Fact.PERMITTED_AFTER: "asks permitted after a person's yes",
    Fact.PERMITTED_AT_ONCE: "asks permitted at once",
    Fact.REFUSED: "asks refused",
    Fact.REFUSED_CONFIRMATION: "refused as a person had said no, or too much was waiting",
    Fact.REFUSED_MANDATE: "refused as outside the mandate",
    Fact.REFUSED_OBJECTIVE: "refused as outside the objective or its order",
    Fact.REFUSED_OTHER: "refused for another reason",
    Fact.REFUSED_OWNER: "refused as not this customer's record",
    Fact.REFUSED_PARAMS: "refused as no valid ask of this desk",
    Fact.REFUSED_POLICY: "refused by the desk's policies",
    Fact.REFUSED_SECRET: "refused for a secret in the message",
    Fact.REFUSED_SPENT: "refused as uses or total were spent",
    Fact.REFUSED_WORDS: "refused for words that say more than the ask, or cannot be read",
    Fact.REPLY_CUT: "replies cut to what the mandate covers",
    Fact.REPLY_SENT: "replies sent",
    Fact.SENT_BEFORE_END: "tasks ended with something sent already",
    Fact.TASK_HELD: "tasks held for raised risk",
    Fact.TASK_OPENED: "tasks opened",
    Fact.VOIDED_AT_END: "tasks ended with something waiting, which died with them",
    Fact.WAIVED: "asks permitted under a waiver, which lowered a floor",
    Fact.WORDS_ANSWERED: "held words answered or run out",
    Fact.WORDS_NOT: "held words run out without an answer",
    Fact.WORDS_REFUSED: "held words refused by an officer",
    Fact.WORDS_RELEASED: "held words passed on by an officer",
    Fact.WORDS_STRIPPED: "held words left out by an officer",
}


SET_UP: Final = frozenset({
    Kind.AGENT_REGISTERED,
    Kind.AGENT_RESUMED,
    Kind.AGENT_TRUSTED,
    Kind.CANARY_PLANTED,
    Kind.CANARY_REMOVED,
    Kind.PERSON_CHANGED,
    Kind.PERSON_ENROLLED,
    Kind.PERSON_RECOVERED,
    Kind.POLICY_CHANGED,
    Kind.TASK_RESUMED,
})  # fmt: skip
"""Entries of making and keeping a desk. ⚔ None of them is a fact: what was only set up has shown nothing.

Source: docs/model/peers.md#p5.
"""

_PLAIN: Final[Mapping[Kind, Fact]] = {
    Kind.AGENT_DISOWNED: Fact.AGENT_DISOWNED,
    Kind.AGENT_SUSPENDED: Fact.AGENT_SUSPENDED,
    Kind.CANARY_SEEN: Fact.CANARY_SEEN,
    Kind.ATTACHMENT_SETTLED: Fact.ATTACHMENT_SETTLED,
    Kind.CONTEST_RAISED: Fact.CONTEST_RAISED,
    Kind.CONTEST_SETTLED: Fact.CONTEST_SETTLED,
    Kind.CREDENTIAL_MISUSED: Fact.MISUSED,
    Kind.ENTRY_ERASED: Fact.ENTRY_ERASED,
    Kind.LEAK_FOUND: Fact.LEAK_FOUND,
    Kind.LOG_RECOVERED: Fact.LOG_RECOVERED,
    Kind.MANDATE_DECLINED: Fact.MANDATE_DECLINED,
    Kind.MANDATE_EXPIRED: Fact.MANDATE_EXPIRED,
    Kind.MANDATE_NARROWED: Fact.MANDATE_NARROWED,
    Kind.MANDATE_REVOKED: Fact.MANDATE_REVOKED,
    Kind.OFFER_MADE: Fact.OFFER_MADE,
    Kind.TASK_HELD: Fact.TASK_HELD,
    Kind.TASK_OPENED: Fact.TASK_OPENED,
}
_REFUSED: Final[Mapping[str, Fact]] = {
    "action": Fact.REFUSED_PARAMS,
    "confirmation": Fact.REFUSED_CONFIRMATION,
    "mandate": Fact.REFUSED_MANDATE,
    "objective": Fact.REFUSED_OBJECTIVE,
    "params": Fact.REFUSED_PARAMS,
    "policy": Fact.REFUSED_POLICY,
    "words": Fact.REFUSED_WORDS,
    Code.MANDATE_TOTAL_SPENT: Fact.REFUSED_SPENT,
    Code.MANDATE_USES_SPENT: Fact.REFUSED_SPENT,
    Code.PARAMS_NOT_OWNED: Fact.REFUSED_OWNER,
    Code.WORDS_SECRET: Fact.REFUSED_SECRET,
}
"""By code, or else by what the code is about."""
_ANSWERS: Final[Mapping[str, Fact]] = {
    "less": Fact.ANSWERED_LESS,
    "no": Fact.ANSWERED_NO,
    "no_and_end": Fact.ANSWERED_NO,
    "silence": Fact.ANSWERED_NOT,
    "yes": Fact.ANSWERED_YES,
}
_WORDS: Final[Mapping[str, Fact]] = {
    "no": Fact.WORDS_REFUSED,
    "release": Fact.WORDS_RELEASED,
    "silence": Fact.WORDS_NOT,
    "strip": Fact.WORDS_STRIPPED,
}
_OUTCOMES: Final[Mapping[str, Fact]] = {
    "done": Fact.ACT_DONE,
    "failed": Fact.ACT_FAILED,
    "unknown": Fact.ACT_UNKNOWN,
    "void": Fact.ACT_VOID,
}
_ENDINGS: Final[Mapping[str, Fact]] = {
    EndReason.AGENT_SUSPENDED: Fact.ENDED_SUSPENDED,
    EndReason.CASE_CLOSED: Fact.ENDED_DONE,
    EndReason.CASE_MERGED: Fact.ENDED_CASE,
    EndReason.CASE_REASSIGNED: Fact.ENDED_CASE,
    EndReason.COMPLETED: Fact.ENDED_DONE,
    EndReason.CUSTOMER_DECLINED: Fact.ENDED_PERSON,
    EndReason.CUSTOMER_SUSPENDED: Fact.ENDED_SUSPENDED,
    EndReason.DESK_REVOKED: Fact.ENDED_PERSON,
    EndReason.END_OF_LIFE: Fact.ENDED_TIME,
    EndReason.IDLE: Fact.ENDED_TIME,
    EndReason.LEAK: Fact.ENDED_LEAK,
    EndReason.MANDATE_EXPIRED: Fact.ENDED_TIME,
    EndReason.OBJECTIVE_REACHED: Fact.ENDED_DONE,
    EndReason.OBJECTIVE_SUSPENDED: Fact.ENDED_SUSPENDED,
    EndReason.OPERATOR_SUSPENDED: Fact.ENDED_SUSPENDED,
    EndReason.RECOVERED: Fact.ENDED_RECOVERED,
    EndReason.REVOKED: Fact.ENDED_PERSON,
    EndReason.RISK: Fact.ENDED_RISK,
}


def facts_of(kind: Kind, envelope: JsonObject) -> tuple[Fact, ...]:
    """The facts one entry tells, each once; none for set-up.

    Raises:
        Refused: `log.damaged` for an envelope that says something unknown here: a figure is right or it is not told.
    """
    teller = _TELLERS.get(kind)
    if teller is not None:
        return tuple(teller(envelope))
    return (_PLAIN[kind],) if kind in _PLAIN else ()


def _decided(envelope: JsonObject) -> Iterator[Fact]:
    yield Fact.DECIDED
    if envelope.get("words") == WordsState.STRIPPED and not envelope.get("confirmed_by"):
        yield Fact.LEFT_OUT  # once it is confirmed, it is decided again
    match envelope.get("decision"):
        case "permit":
            yield Fact.PERMITTED
            # An ask that waited is decided again once everybody asked has said yes: that is a decision more, not an ask more.
            yield (
                Fact.PERMITTED_AFTER if envelope.get("confirmed_by") or envelope.get("who") else Fact.PERMITTED_AT_ONCE
            )
            waiver = envelope.get("waiver", -1)
            if isinstance(waiver, int) and waiver >= 0:
                yield Fact.WAIVED
        case "needs_human":
            yield Fact.HELD
            yield _held(envelope)
        case "refuse":
            yield Fact.REFUSED
            code = str(envelope.get("code", ""))
            yield _REFUSED.get(code) or _REFUSED.get(code.partition(".")[0], Fact.REFUSED_OTHER)
        case _:
            raise _unknown("decision")


def _held(envelope: JsonObject) -> Fact:
    asked = envelope.get("who")
    who = {str(one) for one in asked} if isinstance(asked, list | tuple) else set()
    if not who:
        raise _unknown("who")
    if envelope.get("words") == WordsState.HELD:
        return Fact.HELD_WORDS
    if "customer" not in who:
        return Fact.HELD_OFFICER
    return Fact.HELD_CUSTOMER if who == {"customer"} else Fact.HELD_BOTH


def _ended(envelope: JsonObject) -> Iterator[Fact]:
    yield Fact.ENDED
    yield _known(_ENDINGS, envelope, "reason")
    voided = envelope.get("voided")
    if isinstance(voided, Mapping) and any(_many(one) for one in voided.values()):
        yield Fact.VOIDED_AT_END
    if envelope.get("already_sent"):
        yield Fact.SENT_BEFORE_END


def _answered(envelope: JsonObject) -> Iterator[Fact]:
    yield Fact.ANSWERED
    yield _known(_ANSWERS, envelope, "answer")


def _words(envelope: JsonObject) -> Iterator[Fact]:
    yield Fact.WORDS_ANSWERED
    yield _known(_WORDS, envelope, "answer")


def _silent(_envelope: JsonObject) -> Iterator[Fact]:
    yield Fact.ANSWERED
    yield Fact.ANSWERED_NOT


def _performed(envelope: JsonObject) -> Iterator[Fact]:
    yield Fact.ACT_PERFORMED
    yield _known(_OUTCOMES, envelope, "outcome")


def _sent(envelope: JsonObject) -> Iterator[Fact]:
    yield Fact.REPLY_SENT
    if _many(envelope.get("withheld")):
        yield Fact.REPLY_CUT


def _blocked(envelope: JsonObject) -> Iterator[Fact]:
    yield Fact.NATIVE_REPLY if envelope.get("why") == "native_public_reply" else Fact.MESSAGE_BLOCKED


def _granted(envelope: JsonObject) -> Iterator[Fact]:
    yield Fact.MANDATE_BRANCHED if envelope.get("parent") else Fact.MANDATE_GRANTED


_TELLERS: Final[Mapping[Kind, Callable[[JsonObject], Iterator[Fact]]]] = {
    Kind.ACT_PERFORMED: _performed,
    Kind.ACT_RECONCILED: _performed,
    Kind.ASK_DECIDED: _decided,
    Kind.CONFIRMATION_ANSWERED: _answered,
    Kind.CONFIRMATION_EXPIRED: _silent,
    Kind.MANDATE_GRANTED: _granted,
    Kind.MESSAGE_BLOCKED: _blocked,
    Kind.REPLY_SENT: _sent,
    Kind.TASK_ENDED: _ended,
    Kind.WORDS_ANSWERED: _words,
}


def _known(table: Mapping[str, Fact], envelope: JsonObject, member: str) -> Fact:
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
