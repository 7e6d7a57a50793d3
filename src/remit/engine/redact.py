"""Taking secrets out of an ask before anything keeps it, and what may be kept of them: where they stood, and what kind they were.

Finding them is in `domain/secrets/find`. Only of credentials that cannot be guessed a keyed fingerprint is kept, to know one again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from remit.domain.catalogue.model import Action, MarkKind
from remit.domain.secrets.find import RemovedSecret, find_secrets, redact, redact_params, removed_secrets
from remit.domain.values import Json, JsonObject
from remit.engine.context import DeskContext
from remit.proof.canonical import b64url, digest

MAX_REPORTED: Final = 16_384
"""⚔ Of what was refused so many letters are read and kept: nothing of it is needed, and reading takes time."""
LEFT_OUT: Final[JsonObject] = {"left_out": f"more than {MAX_REPORTED} letters"}
"""What stands in the place of params that were refused and too long to be kept."""
_MAX_TOLD: Final = 100
"""⚔ Of so many secrets in one ask the desk is told each; a message may be nothing else, and the record would grow beyond it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedactedAsk:
    """An ask without secrets. `secrets` tells the desk of each where it stood, its kind, and of a credential its fingerprint.

    `left_out` says why something else stands in the place of the params (empty: nothing does).
    """

    action: str
    params: JsonObject
    words: str | None
    secrets: tuple[JsonObject, ...]
    left_out: str = ""


def redact_name_and_words(desk: DeskContext, *, action: str, params: JsonObject, words: str | None) -> RedactedAsk:
    """Take secrets out of what an agent wrote of its own accord, before anything else sees it.

    That is its words, the params marked as free text, and whatever the action does not declare; what it declares as a
    value of its own is the desk's to ask for. An unknown action declares nothing, not even its name.

    Source: docs/model/model.md#redact, #inbound.
    """
    if is_clean(desk, action, params, words):
        return RedactedAsk(action=action, params=params, words=words, secrets=())
    known = desk.catalogue.actions.get(action)
    own = frozenset() if known is None else _declared(known)
    freely = redact_params({name: value for name, value in params.items() if name not in own}, known)
    kept = {name: value for name, value in params.items() if name in own}
    return _cleaned(desk, action if known is None else "", action, {**freely.params, **kept}, words, freely.taken)


def is_clean(desk: DeskContext, action: str, params: JsonObject, words: str | None) -> bool:
    """Whether an agent wrote nothing of its own accord: a known action, with nothing but what it asks for by name, and no words."""
    known = desk.catalogue.actions.get(action)
    return known is not None and not words and _declared(known).issuperset(params)


def redact_with_params(desk: DeskContext, *, action: str, params: JsonObject, words: str | None) -> RedactedAsk:
    """Take secrets out of all params too, once name and words are clean: what was refused is never done, and nothing needs its values.

    ⚔ A PIN sent as an order's id would otherwise be kept for good, and so would every digest it can be guessed from. Params that are
    long are not read for that, and not kept.

    Source: docs/model/model.md#inbound.
    """
    if longer_than(params, MAX_REPORTED):
        return RedactedAsk(
            action=action, params=LEFT_OUT, words=words, secrets=(), left_out="the params were too long to be kept"
        )
    whole = redact_params(params, None)
    return RedactedAsk(action=action, params=whole.params, words=words, secrets=report_secrets(desk, whole.taken))


def longer_than(value: Json, most: int) -> bool:
    """Whether there are more letters in a value than so many, names included; whatever is no text counts as one."""
    left = [value]
    while left and most >= 0:
        one = left.pop()
        most -= len(one) if isinstance(one, str) else 1
        if isinstance(one, Mapping):
            most -= sum(map(len, one))
            left.extend(one.values())
        elif isinstance(one, list | tuple):
            left.extend(one)
    return most < 0


def redacted_body_digest(cleaned: RedactedAsk, attachments: Iterable[tuple[str, str]]) -> str:
    """The digest under which an ask that carried a secret is known again. ⚔ One of its bytes would let the secret be guessed."""
    files: list[Json] = [[name, content] for name, content in attachments]
    return digest({"action": cleaned.action, "params": cleaned.params, "words": cleaned.words, "attachments": files})


_own: dict[tuple[str, str], frozenset[str]] = {}


def _declared(action: Action) -> frozenset[str]:
    """The params an action asks for by name, but for free text. Found out once for each action as it stands."""
    key = (action.name, action.digest)
    known = _own.get(key)
    if known is None:
        properties = action.schema.get("properties")
        free = {mark.path.steps[0] for mark in action.marked(MarkKind.FREE_TEXT)}
        known = _own[key] = frozenset(properties if isinstance(properties, Mapping) else ()) - free
    return known


def _cleaned(
    desk: DeskContext, name: str, action: str, params: JsonObject, words: str | None, found: Sequence[RemovedSecret]
) -> RedactedAsk:
    hidden, said = find_secrets(name), find_secrets(words or "")
    everything = (*removed_secrets("action", name, hidden), *removed_secrets("words", words or "", said), *found)
    return RedactedAsk(
        action=redact(action, hidden) if hidden else action,
        params=params,
        words=redact(words, said) if words and said else words,
        secrets=report_secrets(desk, everything),
    )


def report_secrets(desk: DeskContext, found: Sequence[RemovedSecret]) -> tuple[JsonObject, ...]:
    """What the desk is told of secrets that were taken out: where each stood, its kind, and of a credential a keyed fingerprint."""
    return tuple(_told(desk, one) for one in found[:_MAX_TOLD])


def _told(desk: DeskContext, one: RemovedSecret) -> JsonObject:
    told = {"where": one.where, "kind": one.kind}
    if one.credential:
        told["fingerprint"] = b64url(desk.signer.keyed("fingerprint", one.credential.encode())[:16])
    return told
