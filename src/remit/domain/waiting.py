"""What becomes of an invitation while it waits: who has taken it, to whom it is handed, and who is asked once its time has passed.

Pure changes of the record. Whether the rules are content with somebody else is asked by the use cases before they keep one.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from remit.domain.confirmers import MINUTE_MS, OFFICER
from remit.domain.errors import Code, Refused
from remit.domain.escalation_rules import words_of
from remit.domain.plain import visible
from remit.domain.records import ConfirmationRecord, Taking
from remit.domain.speech import marked, said
from remit.domain.values import Instant

TAKEN_MS: Final = 10 * MINUTE_MS
"""So long somebody has what they took: who went home keeps nobody waiting."""


def holder(record: ConfirmationRecord, word: str, now: Instant) -> Taking | None:
    """Who has taken what waits for this confirmer word, if anybody still has."""
    return next((one for one in record.taken if one.word == word and now < one.until), None)


def verify_free(record: ConfirmationRecord, word: str, *, person_key: str, now: Instant) -> None:
    """Check that nobody else has taken what this person would answer.

    Raises:
        Refused: `confirmation.taken`, with when it is free again.
    """
    held = holder(record, word, now)
    if held is not None and held.person_key != person_key:
        raise Refused(
            Code.CONFIRMATION_TAKEN,
            f"{held.person} has taken it",
            public=said("{name} has taken this.", name=visible(held.name)),
            retry_after_s=-(-(held.until - now) // 1000),
        )


def verify_about_act(record: ConfirmationRecord) -> None:
    """Check that an invitation is about the act. ⚔ An officer who looked at words alone has agreed to nothing.

    Raises:
        Refused: `request.malformed`.
    """
    if record.words:
        raise Refused(
            Code.REQUEST_MALFORMED,
            "the invitation is about words alone",
            public=marked("This asks about the agent's words alone. Answer release, strip or no."),
        )


def verify_about_words(record: ConfirmationRecord) -> None:
    """Check that an invitation is about words.

    Raises:
        Refused: `request.malformed`.
    """
    if not record.words:
        raise Refused(
            Code.REQUEST_MALFORMED,
            "the invitation is about an act",
            public=marked("This asks about what would be done, not about words. Answer yes, no, less or no_and_end."),
        )


def with_taking(record: ConfirmationRecord, taking: Taking) -> ConfirmationRecord:
    """The invitation, taken by somebody for a while; whoever had taken it before has not any more."""
    return replace(record, taken=(*(one for one in record.taken if one.word != taking.word), taking))


def handed_to_role(record: ConfirmationRecord, word: str, role: str, now: Instant) -> ConfirmationRecord:
    """The invitation with another role asked in the place of one of those who have not answered.

    ⚔ Whom an escalation rule asks for, it alone replaces: by a role it names for later, which is then asked now, with a time of its own.

    Raises:
        Refused: `confirmation.wrong_person`.
    """
    to = f"{OFFICER}{role}"
    answered = {one.confirms_as for one in record.answers}
    if to in record.who or word not in record.who or word in answered or not word.startswith(OFFICER):
        raise Refused(
            Code.CONFIRMATION_WRONG_PERSON,
            f"{to} is asked already, or {word} is not",
            public=marked("That role is asked already. Choose another one."),
        )
    changed = replace(record, who=_instead(record.who, {word}, {to}), taken=tuple(one for one in record.taken if one.word != word))
    if word not in record.step:
        return changed
    for place, step in enumerate(record.then):
        if role in step.roles:
            due = Instant(min(now + step.due_ms, record.expires_at))
            return replace(changed, step=_instead(record.step, {word}, {to}), due_at=due, then=record.then[place + 1 :])
    raise Refused(
        Code.CONFIRMATION_WRONG_PERSON,
        f"the rule {record.rule} asks for {word}, and not for {to} after it",
        public=marked(
            "A rule of the desk asks for this role. Hand it to a colleague who has it, or to the role that the rule names after it."
        ),
    )


def after_due(record: ConfirmationRecord, now: Instant) -> ConfirmationRecord:
    """The invitation as it stands at a moment: handed on as often as its times have passed, ⚔ each counted from when the last one ended.

    A desk that was down gives nobody more time. Where nothing is left to hand on to, `due` has passed in what is returned.
    """
    while now >= record.due and record.then:
        step, answered = record.then[0], {one.confirms_as for one in record.answers}
        late = {one for one in record.step if one not in answered}
        asked = set(words_of(step.roles)) if late else set()
        due = Instant(min(record.due + step.due_ms, record.expires_at))
        record = replace(
            record,
            who=_instead(record.who, late, asked),
            step=tuple(sorted(asked)) if late else record.step,
            due_at=due,
            then=record.then[1:],
            taken=tuple(one for one in record.taken if one.word not in late),
        )
    return record


def _instead(who: Iterable[str], gone: set[str], come: set[str]) -> tuple[str, ...]:
    return tuple(sorted((set(who) - gone) | come))
