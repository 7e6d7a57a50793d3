"""Validation of the agent program's own input before any of it is sent: a mandate wish, and one ask.

⚔ A misspelt member is never dropped: the customer would never see a prohibition or an expiry that is not read.
"""

import base64
import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from remit.client.errors import Miswritten
from remit.client.json_fields import encode
from remit.client.values import Attachment, Wish

_KNOWN: Final = tuple(sorted(Wish.__required_keys__ | Wish.__optional_keys__))
_ASK: Final = "Correct the argument; nothing was sent."
_ATTACHMENT: Final = {"name", "media_type", "data_b64"}
_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")


def mandate_details(wish: Wish) -> str:
    """Build the `authorization_details` of a mandate request.

    Raises:
        Miswritten: `mandate.invalid` for an unknown, missing or malformed member.

    Source: RFC 9396 §2; docs/model/model.md#mandate.
    """
    given: Mapping[str, object] = {**wish}
    _verify_names(given)
    purpose: dict[str, object] = {"type": _text(given, "objective")}
    target = given.get("target")
    if target is not None:
        purpose["target"] = _target(target)
    if given.get("summary") is not None:
        purpose["summary"] = _text(given, "summary")
    wanted: dict[str, object] = {"type": "remit_mandate", "objective": purpose, "powers": _powers(given, "powers")}
    never = [] if given.get("never") is None else _powers(given, "never")
    if never:
        wanted["never"] = never
    expires_at, operators = given.get("expires_at"), given.get("chain_operators")
    limits = {
        "expires_at": None if expires_at is None else _moment(expires_at),
        "max_tasks": _number(given, "max_tasks"),
        "chain": _number(given, "chain"),
        "chain_operators": None if operators is None else _texts(operators, "`chain_operators`", "operators"),
    }
    wanted |= {name: value for name, value in limits.items() if value is not None}
    return _encoded(wanted)


def ask_body(
    *, action: object, params: object, words: object, attachments: object, key: object
) -> Mapping[str, object]:
    """Validate the parts of one ask; return action, params and files as they stand in the body.

    Raises:
        Miswritten: `params.invalid` for params that are no object, `request.malformed` for the other arguments.
    """
    if not isinstance(params, Mapping):
        cure = 'Give params such as {"order_id": "W1001"}; {} where the action takes none.'
        detail = f"params are a mapping of names and values, not {kind_of(params)}."
        raise Miswritten("params.invalid", detail=detail, cure=cure)
    if not isinstance(action, str) or not action:
        detail = f"action is the name of an action, not {kind_of(action)}."
        raise Miswritten("request.malformed", detail=detail, cure=_ASK)
    if not (words is None or isinstance(words, str)):
        raise Miswritten("request.malformed", detail=f"words are a text or None, not {kind_of(words)}.", cure=_ASK)
    files = attachments if isinstance(attachments, Sequence) and not isinstance(attachments, str | bytes) else (None,)
    attached = [_attached(file) for file in files]
    if not isinstance(key, str) or _KEY.fullmatch(key) is None:
        raise Miswritten(
            "request.malformed",
            detail=f"idempotency_key is a text of 1 to 255 visible ASCII characters, not {kind_of(key)}.",
            cure="Give such a text, or leave it out: every ask then has a key of its own.",
        )
    return {
        "action": action,
        "params": dict(params),
        **({} if words is None else {"words": words}),
        **({"attachments": attached} if attached else {}),
    }


def _attached(file: object) -> dict[str, str]:
    if isinstance(file, Attachment) and isinstance(file.data, bytes):
        return {"name": file.name, "media_type": file.media_type, "data_b64": base64.b64encode(file.data).decode()}
    if (
        isinstance(file, Mapping)
        and set(file) == _ATTACHMENT
        and all(isinstance(value, str) for value in file.values())
    ):
        return {name: file[name] for name in ("name", "media_type", "data_b64")}
    detail = "attachments are a list of `Attachment`, each with its data as bytes, or of objects with name, media_type and data_b64."
    raise Miswritten("request.malformed", detail=detail, cure=_ASK)


def encoded_ask(body: Mapping[str, object]) -> bytes:
    """Encode the body of an ask.

    Raises:
        Miswritten: `params.invalid` for params that are not JSON.
    """
    try:
        return encode(body)
    except (TypeError, ValueError, RecursionError) as error:
        cure = "Give texts, numbers, lists and objects alone; write money as a text such as '40.00 EUR'."
        raise Miswritten("params.invalid", detail=f"the params are not JSON: {error}.", cure=cure) from None


def _verify_names(given: Mapping[str, object]) -> None:
    """⚔ Refuse unknown names: the customer would not be shown what is not read."""
    for name in given:
        if name not in _KNOWN:
            near = difflib.get_close_matches(name, _KNOWN, n=1)
            cure = f"Write `{near[0]}`" if near else "Take it out"
            raise _wrong(
                f"`{name}` is no argument of a mandate request.",
                f"{cure}; a mandate request is made of {', '.join(_KNOWN)}.",
            )
    for name in sorted(Wish.__required_keys__):
        if given.get(name) is None:
            raise _wrong(f"`{name}` is missing.", f"Give `{name}`; the desk's catalogue lists what can be granted.")


def _text(given: Mapping[str, object], name: str) -> str:
    value = given[name]
    if not isinstance(value, str) or not value:
        raise _wrong(f"`{name}` is a text, not {kind_of(value)}.", f"Give `{name}` as a text.")
    return value


def _number(given: Mapping[str, object], name: str) -> int | None:
    value = given.get(name)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        cure = f"Give `{name}` as a number, or leave it out."
        raise _wrong(f"`{name}` is a whole number, not {kind_of(value)}.", cure)
    return value


def _texts(value: object, what: str, of: str) -> list[str]:
    found = None if not isinstance(value, Iterable) or isinstance(value, str | bytes | Mapping) else list(value)
    if found is None or not all(isinstance(one, str) for one in found):
        cure = 'Give a list of texts, also for a single one: ["…"].'
        raise _wrong(f"{what} is a list of {of}, not {kind_of(value)}.", cure)
    return found


def _powers(given: Mapping[str, object], name: str) -> list[dict[str, object]]:
    value = given[name]
    found = None if not isinstance(value, Iterable) or isinstance(value, str | bytes | Mapping) else list(value)
    if found is None or not all(isinstance(one, Mapping) for one in found):
        cure = f'Give `{name}` as a list of objects: [{{"power": "…"}}].'
        raise _wrong(f"`{name}` is a list of powers, not {kind_of(value)}.", cure)
    return [dict(power) for power in found]


def _target(value: object) -> dict[str, list[str]]:
    if not isinstance(value, Mapping):
        cure = 'Give `target` as {"order": ["W1001"]}.'
        raise _wrong(f"`target` names kinds of records, and is not {kind_of(value)}.", cure)
    return {kind: _texts(ids, f"`target` of {kind!r}", "ids") for kind, ids in value.items()}


def _moment(value: object) -> str:
    """Format a time as RFC 3339 in UTC."""
    cure = "Give a datetime with a time zone, such as datetime.now(UTC) + timedelta(days=1)."
    if not isinstance(value, datetime):
        raise _wrong(f"`expires_at` is a datetime, not {kind_of(value)}.", cure)
    if value.tzinfo is None:
        raise _wrong("`expires_at` needs a time zone.", cure)
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _encoded(wanted: Mapping[str, object]) -> str:
    try:
        return encode([wanted]).decode()
    except (TypeError, ValueError, RecursionError) as error:
        cure = "Write powers and limits as JSON; money as a text such as '40.00 EUR'."
        raise _wrong(f"it is not JSON: {error}.", cure) from None


def _wrong(detail: str, cure: str) -> Miswritten:
    return Miswritten("mandate.invalid", detail=detail, cure=cure)


def kind_of(value: object) -> str:
    """Describe a value for a message: a short text literally, anything else by its type."""
    if value is None or (isinstance(value, str) and len(value) <= 60):  # noqa: PLR2004  # characters
        return repr(value)
    return f"a value of type {type(value).__name__}"
