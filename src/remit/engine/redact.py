"""Redaction of an ask's secrets before anything stores it; places and kinds are kept.

Detection is in `domain/secrets/find`. A keyed fingerprint is kept only of unguessable credentials.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import field
from typing import Final, TypeVar

from remit.domain.catalogue.model import Action, MarkKind
from remit.domain.errors import Refused
from remit.domain.param_paths import values_at
from remit.domain.secrets.find import (
    RemovedSecret,
    find_secrets,
    redact,
    redact_params,
    removed_secrets,
    secret_values,
)
from remit.domain.secrets.repeats import KnownSecret
from remit.domain.secrets.split import find_split
from remit.domain.structs import replace, struct
from remit.domain.values import Json, JsonObject
from remit.engine.context import DeskContext
from remit.proof.canonical import b64url, digest

MAX_REPORTED: Final = 16_384
"""⚔ Letters of a refused ask that are scanned and kept: nothing of it is needed, and scanning takes time."""
LEFT_OUT: Final[JsonObject] = {"left_out": f"more than {MAX_REPORTED} letters"}
"""Placeholder for params that were refused and too long to keep."""
_MAX_TOLD: Final = 100
"""⚔ Secrets reported per ask; a message may consist of them, and the record would grow without bound."""


@struct(frozen=True, kw_only=True)
class RedactedAsk:
    """An ask without secrets; `secrets` reports place and kind of each, and a credential's fingerprint.

    `altered` is the param that is no free text and had one taken out: what is left is another act.
    """

    action: str
    params: JsonObject
    words: str | None
    secrets: tuple[JsonObject, ...]
    left_out: str = ""
    altered: str = ""
    values: tuple[KnownSecret, ...] = field(default=(), repr=False)
    """⚔ The secrets themselves, for finding them in other texts: never stored."""


def redact_name_and_words(
    desk: DeskContext,
    *,
    action: str,
    params: JsonObject,
    words: str | None,
    earlier: Sequence[str] = (),
    known: Collection[KnownSecret] = (),
) -> RedactedAsk:
    """Redact an agent's own text before anything else sees it.

    That covers words, free-text params, undeclared ones, and every other text that the schema does not say the meaning
    of; the desk asks for the rest. An unknown action declares nothing, not even its name.
    `earlier` texts of the task may have begun a secret that this one ends; `known` are secrets of its other texts.

    Source: docs/model/model.md#redact, #inbound, #declared-texts.
    """
    if is_clean(desk, action, params, words):
        return RedactedAsk(action=action, params=params, words=words, secrets=())
    spoken = _open_texts(desk, desk.catalogue.actions.get(action), params)
    texts = _Texts(action=action, params=params, words=words, earlier=earlier, spoken=spoken)
    first = _redacted(desk, texts, known)
    every = dict.fromkeys([*first.values, *known])
    # ⚔ What one text reveals stands in another without its label.
    return first if len(every) == len(known) else replace(_redacted(desk, texts, every), values=first.values)


@struct(frozen=True, kw_only=True)
class _Texts:
    """The texts of an ask before redaction, and those of earlier asks of its task; `spoken` as `_open_texts` finds them."""

    action: str
    params: JsonObject
    words: str | None
    earlier: Sequence[str]
    spoken: frozenset[str] | None


def _redacted(desk: DeskContext, texts: _Texts, values: Collection[KnownSecret]) -> RedactedAsk:
    action, params, words, earlier = texts.action, texts.params, texts.words, texts.earlier
    known = desk.catalogue.actions.get(action)
    own = frozenset() if known is None else _declared(known)
    free = {name: value for name, value in params.items() if name not in own}
    freely = redact_params(free, known, known=values, texts=texts.spoken)
    kept = {name: value for name, value in params.items() if name in own}
    taken = list(freely.taken)
    left: JsonObject = {**{name: _ended(name, value, earlier, taken) for name, value in freely.params.items()}, **kept}
    if words:
        words = _ended("words", words, earlier, taken)
    name = action if known is None else ""
    hidden, said = find_secrets(name, known=values), find_secrets(words or "", known=values)
    everything = (*removed_secrets("action", name, hidden), *removed_secrets("words", words or "", said), *taken)
    found = (*secret_values(words or "", said), *secret_values(name, hidden), *freely.values)
    return RedactedAsk(
        action=redact(action, hidden) if hidden else action,
        params=left,
        words=redact(words, said) if words and said else words,
        secrets=report_secrets(desk, everything),
        altered="" if known is None else _altered(known, taken),
        values=tuple(dict.fromkeys(found)),
    )


def _open_texts(desk: DeskContext, action: Action | None, params: JsonObject) -> frozenset[str] | None:
    """Return the texts in nested params that the schema does not say the meaning of; None where all are read.

    ⚔ What a schema says holds of params that fit it alone.
    """
    if action is None or not any(isinstance(value, Mapping | list | tuple) for value in params.values()):
        return None
    try:
        desk.params.verify(action.name, params)
    except Refused:
        return None
    free = (values_at(params, mark.path) for mark in action.marked(MarkKind.FREE_TEXT))
    return frozenset(
        [
            *(text.text for text in action.param_texts(params)),
            *(value for at in free for value in at if isinstance(value, str)),
        ]
    )


def _altered(action: Action, taken: Iterable[RemovedSecret]) -> str:
    """Return the declared param, no free text, that a secret was taken out of; "" for none."""
    free = {str(mark.path) for mark in action.marked(MarkKind.FREE_TEXT)}
    names = (re.split(r"[.\[]", secret.where, maxsplit=1)[0] for secret in taken if secret.where not in free)
    return next((name for name in names if name in action.named), "")


_Text = TypeVar("_Text", bound=Json)


def _ended(where: str, value: _Text, earlier: Sequence[str], taken: list[RemovedSecret]) -> _Text | str:
    """Return a text without the rest of a secret that an earlier one began; anything else unchanged."""
    if not isinstance(value, str) or not (found := find_split(earlier, value)):
        return value
    taken.extend(removed_secrets(where, value, found))
    return redact(value, found)


def is_clean(desk: DeskContext, action: str, params: JsonObject, words: str | None) -> bool:
    """Return whether the agent wrote no text of its own: a known action, params without room for one, no words."""
    known = desk.catalogue.actions.get(action)
    return known is not None and not words and _declared(known).issuperset(params)


def redact_with_params(
    desk: DeskContext, *, action: str, params: JsonObject, words: str | None, known: Collection[KnownSecret] = ()
) -> RedactedAsk:
    """Redact all params too, once name and words are clean: a refused ask needs none of its values.

    ⚔ A PIN sent as an order's id would otherwise be kept for good, with every digest that lets it be guessed. Long
    params are neither scanned nor kept.

    Source: docs/model/model.md#inbound.
    """
    if longer_than(params, MAX_REPORTED):
        return RedactedAsk(
            action=action, params=LEFT_OUT, words=words, secrets=(), left_out="the params were too long to be kept"
        )
    whole = redact_params(params, None, known=known)
    return RedactedAsk(action=action, params=whole.params, words=words, secrets=report_secrets(desk, whole.taken))


def longer_than(value: Json, most: int) -> bool:
    """Return whether a value has more than `most` letters, names included; a non-text counts as one."""
    left = [value]
    while left and most >= 0:
        item = left.pop()
        most -= len(item) if isinstance(item, str) else 1
        if isinstance(item, Mapping):
            most -= sum(map(len, item))
            left.extend(item.values())
        elif isinstance(item, list | tuple):
            left.extend(item)
    return most < 0


def redacted_body_digest(cleaned: RedactedAsk, attachments: Iterable[tuple[str, str]]) -> str:
    """Return the digest that identifies a redacted ask. ⚔ A digest of its bytes would let the secret be guessed."""
    files: list[Json] = [[name, content] for name, content in attachments]
    return digest({"action": cleaned.action, "params": cleaned.params, "words": cleaned.words, "attachments": files})


_own: dict[tuple[str, str], frozenset[str]] = {}


def _declared(action: Action) -> frozenset[str]:
    """Return the declared params of an action without room for text; cached per action."""
    key = (action.name, action.digest)
    known = _own.get(key)
    if known is None:
        known = _own[key] = action.named - action.open_params
    return known


def report_secrets(desk: DeskContext, found: Sequence[RemovedSecret]) -> tuple[JsonObject, ...]:
    """Report removed secrets to the desk: place, kind, and a credential's keyed fingerprint."""
    return tuple(_told(desk, one) for one in found[:_MAX_TOLD])


def _told(desk: DeskContext, secret: RemovedSecret) -> JsonObject:
    report = {"where": secret.where, "kind": secret.kind}
    if secret.credential:
        report["fingerprint"] = b64url(desk.signer.keyed("fingerprint", secret.credential.encode())[:16])
    return report
