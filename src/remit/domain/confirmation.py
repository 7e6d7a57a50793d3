"""A human's signed answer to exactly one ask: what is signed, what may be offered instead.

Who may give it, how often people may be asked and which passkeys count is in `confirmers`.
"""

import hashlib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final, TypeGuard

from remit.domain.catalogue import Action, MarkKind
from remit.domain.errors import Code, Refused
from remit.domain.paths import Path
from remit.domain.speech import marked
from remit.domain.values import Json, JsonObject, minor_digits, same, verify_money
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
    """The digest of one ask as recorded: everything a person confirms hangs on it.

    `attachments` are the digests of the files, in order. `action_digest` binds the meaning of the action, so that a
    catalogue change between asking and confirming voids the yes. `salt` is random and kept with the erasable content:
    ⚔ the digest stands in envelopes for good, and params can be guessed.

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
    """The digest of the act itself, whoever asks for it and however they write an amount: what a decline binds for the whole operator.

    Source: docs/model/model.md#trajectory.
    """
    return digest({"action": action, "customer": customer, "params": _one_spelling(params)})


def _one_spelling(value: Json) -> Json:
    """⚔ 40 EUR are 40.00 EUR: another spelling of an amount is not another act."""
    if isinstance(value, str):
        try:
            money = verify_money(value)
        except Refused:
            return value
        return f"{money.amount:.{minor_digits(money.currency)}f} {money.currency}"
    if isinstance(value, Mapping):
        return {name: _one_spelling(one) for name, one in value.items()}
    if isinstance(value, Sequence):
        return [_one_spelling(one) for one in value]
    return value


def challenge(*, ask_digest: str, rendering_hash: str, decision: str, nonce: str) -> bytes:
    """The WebAuthn challenge everybody who confirms signs.

    Source: docs/model/model.md#confirm-signed: SHA-256(JCS{ask digest, rendering hash, decision id, nonce}).
    """
    signed = {"ask_digest": ask_digest, "decision_id": decision, "nonce": nonce, "rendering_hash": rendering_hash}
    return hashlib.sha256(canonical(signed)).digest()


def verify_lesser(old: JsonObject, new: JsonObject, *, action: Action) -> JsonObject:
    """Return the params a person offers instead, if they are strictly less than the ask's.

    Numbers and money go down and stay above zero, arrays shrink to a non-empty part in the same order, everything else is equal, with
    the same keys; an accepted offer has no less. ⚔ A value that names a record, a recipient or an attribute never "goes down": a smaller number
    there is another record.

    Raises:
        Refused: `params.invalid` naming the member, never its value.

    Source: docs/model/model.md#confirm-answers.
    """
    if action.takes_offer:
        sentence = "An offer is accepted as it was made, or not at all. Answer yes or no."
        raise Refused(Code.PARAMS_INVALID, sentence, public=sentence)
    fixed = {mark.path: mark.kind for mark in action.marks}
    if not _object_less(old, new, Path(()), fixed):
        raise Refused(
            Code.PARAMS_INVALID, "the offer is the same as the ask", public=marked("Offer less than was asked, or answer yes or no.")
        )
    return new


def _object_less(old: JsonObject, new: JsonObject, path: Path, marks: Mapping[Path, MarkKind]) -> bool:
    if old.keys() != new.keys():
        raise _no_less(path, "must have the same members")
    lessened = [_less(old[key], new[key], path.then(key), marks) for key in old]  # every member is checked, none skipped
    return True in lessened


def _less(old: Json, new: Json, path: Path, marks: Mapping[Path, MarkKind]) -> bool:
    """Tell whether `new` is less; equal is False; anything else raises."""
    kind = marks.get(path)
    if same(old, new):
        return False
    if _is_list(old) and _is_list(new):
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


def _money_less(old: Json, new: Json, path: Path) -> bool:
    before, after = verify_money(old, where=str(path)), verify_money(new, where=str(path))
    if before.currency != after.currency or after.amount >= before.amount:
        raise _no_less(path, "must be less, in the same currency")
    return True


def _array_less(old: Sequence[Json], new: Sequence[Json], path: Path) -> bool:
    if not new:
        raise _no_less(path, "must keep at least one element")
    rest = iter(old)
    for item in new:
        if not any(same(item, other) for other in rest):
            raise _no_less(path, "must be a part of what was asked, in the same order")
    return True


def _is_list(value: Json) -> TypeGuard[Sequence[Json]]:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _is_number(value: Json) -> TypeGuard[int | Decimal]:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _no_less(path: Path, what: str) -> Refused:
    sentence = f"'{path}' {what}." if path.steps else f"The offer {what}."
    return Refused(Code.PARAMS_INVALID, sentence, public=sentence)
