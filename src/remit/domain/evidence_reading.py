"""Reading an entry of the transcript for the facts it tells, from its envelope alone.

What facts there are is in `evidence_facts`; counting is `evidence`.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.evidence_facts import Fact
from remit.domain.records import EndReason
from remit.domain.transcript import Kind
from remit.domain.values import JsonObject
from remit.domain.words_beyond import WordsState

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
            yield Fact.PERMITTED_AFTER if envelope.get("confirmed_by") or envelope.get("who") else Fact.PERMITTED_AT_ONCE
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
    return Refused(Code.LOG_DAMAGED, f"an envelope's {member} is unknown here; use the version that wrote it, or a newer one")
