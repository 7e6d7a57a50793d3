"""Facts: what entries of the transcript can tell about the desk's controls, and what each is called.

Which entry tells which is in `evidence_reading`, which control a fact belongs to in `frameworks/*.toml`.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


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
