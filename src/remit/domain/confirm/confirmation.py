"""A human's signed answer to exactly one ask: the signed digest, counter-offers, assignments and escalation.

Confirmers, invitation limits and passkey rules are in `policy/confirmers`.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final, TypeGuard

from remit.domain.catalogue.model import Action, MarkKind
from remit.domain.errors import Code, Refused
from remit.domain.i18n import marked, said
from remit.domain.param_paths import ParamPath
from remit.domain.policy.confirmers import MINUTE_MS, OFFICER
from remit.domain.policy.escalation import role_confirmers
from remit.domain.records import Assignment, ConfirmationRecord
from remit.domain.structs import replace
from remit.domain.text.normalize import make_visible
from remit.domain.values import Instant, Json, JsonObject, deep_equal, is_list, minor_digits, verify_money
from remit.proof.canonical import Written, canonical, digest

_FIXED: Final = frozenset({MarkKind.ATTRIBUTE, MarkKind.FREE_TEXT, MarkKind.RECIPIENT, MarkKind.RESOURCE})


def ask_digest(
    *,
    task: str,
    action: str,
    action_digest: str,
    params: JsonObject | Written,
    words: str | None,
    salt: str,
    attachments: Sequence[str] = (),
) -> str:
    """Return the digest of one ask as recorded: everything a person confirms depends on it.

    `attachments` are the digests of the files, in order. `action_digest` binds the action's meaning, so that a
    catalogue change between ask and confirmation voids the yes. `salt` is random and stored with the erasable
    content: ⚔ the digest stays in envelopes for good, and params can be guessed.

    Source: docs/model/model.md#confirm-signed, docs/model/peers.md#p6.
    """
    return digest(
        {
            "action": action,
            "action_digest": action_digest,
            "attachments": list(attachments),
            "params": params,
            "salt": salt,
            "task": task,
            "words": words,
        }
    )


def act_digest(*, action: str, params: JsonObject, customer: str) -> str:
    """Return the digest of the act, whatever the agent or the spelling of amounts: a decline binds the whole operator.

    Source: docs/model/model.md#trajectory.
    """
    return digest({"action": action, "customer": customer, "params": _one_spelling(params)})


def _one_spelling(value: Json) -> Json:
    """Normalise amounts. ⚔ 40 EUR are 40.00 EUR: another spelling is not another act."""
    if isinstance(value, str):
        try:
            money = verify_money(value)
        except Refused:
            return value
        return f"{money.amount:.{minor_digits(money.currency)}f} {money.currency}"
    if isinstance(value, Mapping):
        return {name: _one_spelling(member) for name, member in value.items()}
    if isinstance(value, Sequence):
        return [_one_spelling(item) for item in value]
    return value


def challenge(*, ask_digest: str, rendering_hash: str, decision: str, nonce: str) -> bytes:
    """Return the WebAuthn challenge that every confirmer signs.

    Source: docs/model/model.md#confirm-signed: SHA-256(JCS{ask digest, rendering hash, decision id, nonce}).
    """
    signed = {"ask_digest": ask_digest, "decision_id": decision, "nonce": nonce, "rendering_hash": rendering_hash}
    return hashlib.sha256(canonical(signed)).digest()


def verify_counter_offer(old: JsonObject, new: JsonObject, *, action: Action) -> JsonObject:
    """Return the counter-offered params if they are strictly less than the ask's.

    Numbers and money go down and stay above zero, arrays shrink to a non-empty part in the same order, everything
    else is equal, with the same keys; an accepted offer has no less. ⚔ A value that names a record, a recipient or
    an attribute never "goes down": a smaller number there is another record.

    Raises:
        Refused: `params.invalid` naming the member, never its value.

    Source: docs/model/model.md#confirm-answers.
    """
    if action.takes_offer:
        sentence = "An offer can only be accepted as it was made. Answer yes or no."
        raise Refused(Code.PARAMS_INVALID, sentence, public=sentence)
    fixed = {mark.path: mark.kind for mark in action.marks}
    if not _object_less(old, new, ParamPath(()), fixed):
        raise Refused(
            Code.PARAMS_INVALID,
            "the offer is the same as the ask",
            public=marked("Allow less than requested, or answer yes or no."),
        )
    return new


def _object_less(old: JsonObject, new: JsonObject, path: ParamPath, marks: Mapping[ParamPath, MarkKind]) -> bool:
    if old.keys() != new.keys():
        raise _no_less(path, "must have the same members")
    # A list, not a generator: every member is checked, none skipped.
    lessened = [_less(old[key], new[key], path.child(key), marks) for key in old]
    return True in lessened


def _less(old: Json, new: Json, path: ParamPath, marks: Mapping[ParamPath, MarkKind]) -> bool:
    """Return whether `new` is less; False where equal, and a refusal for anything else."""
    kind = marks.get(path)
    if deep_equal(old, new):
        return False
    if is_list(old) and is_list(new):
        return _array_less(old, new, path)
    if kind in _FIXED:
        raise _no_less(path, "must stay as it was asked")
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return _object_less(old, new, path, marks)
    if kind is MarkKind.MONEY:
        return _money_less(old, new, path)
    if _is_number(old) and _is_number(new):
        if not 0 < Decimal(new) < Decimal(old):
            raise _no_less(path, "must be lower and above zero")
        return True
    raise _no_less(path, "must stay as it was asked")


def _money_less(old: Json, new: Json, path: ParamPath) -> bool:
    before, after = verify_money(old, where=str(path)), verify_money(new, where=str(path))
    if before.currency != after.currency or after.amount >= before.amount:
        raise _no_less(path, "must be less, in the same currency")
    return True


def _array_less(old: Sequence[Json], new: Sequence[Json], path: ParamPath) -> bool:
    if not new:
        raise _no_less(path, "must keep at least one element")
    rest = iter(old)
    for item in new:
        if not any(deep_equal(item, other) for other in rest):
            raise _no_less(path, "must be a part of what was asked, in the same order")
    return True


def _is_number(value: Json) -> TypeGuard[int | Decimal]:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _no_less(path: ParamPath, what: str) -> Refused:
    sentence = f"'{path}' {what}." if path.steps else f"The offer {what}."
    return Refused(Code.PARAMS_INVALID, sentence, public=sentence)


ASSIGNMENT_MS: Final = 10 * MINUTE_MS
"""An assignment lapses after this time, so that an absent officer blocks no confirmation."""


def current_assignment(record: ConfirmationRecord, word: str, now: Instant) -> Assignment | None:
    """Return the live assignment of this confirmer word, if there is one."""
    return next((taking for taking in record.taken if taking.word == word and now < taking.until), None)


def verify_unassigned(record: ConfirmationRecord, word: str, *, person_key: str, now: Instant) -> None:
    """Verify that no other person holds the confirmation for this confirmer word.

    Raises:
        Refused: `confirmation.taken`, with the time until it is free again.
    """
    held = current_assignment(record, word, now)
    if held is not None and held.person_key != person_key:
        raise Refused(
            Code.CONFIRMATION_TAKEN,
            f"{held.person} has taken it",
            public=said("{name} is working on this.", name=make_visible(held.name)),
            retry_after_s=-(-(held.until - now) // 1000),
        )


def verify_about_act(record: ConfirmationRecord) -> None:
    """Verify that an invitation is about the act. ⚔ An officer's review of words alone approves no act.

    Raises:
        Refused: `request.malformed`.
    """
    if record.words:
        raise Refused(
            Code.REQUEST_MALFORMED,
            "the invitation is about words alone",
            public=marked("This is only about the agent's message. Answer release, strip or no."),
        )


def verify_about_words(record: ConfirmationRecord) -> None:
    """Verify that an invitation is about words.

    Raises:
        Refused: `request.malformed`.
    """
    if not record.words:
        raise Refused(
            Code.REQUEST_MALFORMED,
            "the invitation is about an act",
            public=marked(
                "This is about the action, not about the agent's message. Answer yes, no, less or no_and_end."
            ),
        )


def with_assignment(record: ConfirmationRecord, taking: Assignment) -> ConfirmationRecord:
    """Return the invitation with this assignment in place of any earlier one for the same confirmer."""
    return replace(record, taken=(*(other for other in record.taken if other.word != taking.word), taking))


def reassigned_to_role(record: ConfirmationRecord, word: str, role: str, now: Instant) -> ConfirmationRecord:
    """Return the invitation with another role in place of one that has not answered.

    ⚔ A role demanded by an escalation rule is replaced only by a role of its later steps, which is then asked now,
    with that step's time.

    Raises:
        Refused: `confirmation.wrong_person`.
    """
    to = f"{OFFICER}{role}"
    answered = {answer.confirms_as for answer in record.answers}
    if to in record.who or word not in record.who or word in answered or not word.startswith(OFFICER):
        raise Refused(
            Code.CONFIRMATION_WRONG_PERSON,
            f"{to} is asked already, or {word} is not",
            public=marked("This request is already with that role. Choose another one."),
        )
    taken = tuple(taking for taking in record.taken if taking.word != word)
    changed = replace(record, who=_instead(record.who, {word}, {to}), taken=taken)
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
            "A rule requires this role. Hand over to a colleague who has it, or to the next role in the rule."
        ),
    )


def advance_escalation(record: ConfirmationRecord, now: Instant) -> ConfirmationRecord:
    """Advance the invitation through every escalation step whose time has passed, each counted from the last one's end.

    ⚔ Downtime of the desk extends no deadline. Where no step is left, the returned `due` has passed.
    """
    while now >= record.due and record.then:
        step, answered = record.then[0], {answer.confirms_as for answer in record.answers}
        late = {word for word in record.step if word not in answered}
        asked = set(role_confirmers(step.roles)) if late else set()
        due = Instant(min(record.due + step.due_ms, record.expires_at))
        record = replace(
            record,
            who=_instead(record.who, late, asked),
            step=tuple(sorted(asked)) if late else record.step,
            due_at=due,
            then=record.then[1:],
            taken=tuple(taking for taking in record.taken if taking.word not in late),
        )
    return record


def _instead(who: Iterable[str], removed: set[str], added: set[str]) -> tuple[str, ...]:
    return tuple(sorted((set(who) - removed) | added))
