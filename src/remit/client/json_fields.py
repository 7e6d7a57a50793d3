"""Strict reading of JSON from the desk, member by member. A missing or mistyped member breaks the protocol.

No HTTP and no meaning here; unknown members are left alone, because the desk may add some.
"""

import json
from collections.abc import Mapping

from remit.client.errors import ProtocolError
from remit.client.values import Json


def decode(raw: bytes) -> Json:
    """Parse JSON strictly: UTF-8, no duplicate member, no NaN.

    Raises:
        ProtocolError: for anything else. ⚔ Two readers that disagree on a duplicate member let a check be bypassed.
    """
    try:
        value: Json = json.loads(raw.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("not JSON in UTF-8") from error
    return value


def encode(value: object) -> bytes:
    """Encode JSON once; every repetition of a request sends these same bytes.

    Raises:
        TypeError: for a value that is not JSON. Write money as text, `40.00 EUR`.
        ValueError: for NaN or infinity.
    """
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def object_of(value: Json) -> dict[str, Json]:
    """Return the value as an object.

    Raises:
        ProtocolError: when it is not one.
    """
    if not isinstance(value, dict):
        raise ProtocolError("not a JSON object")
    return value


def text(body: Mapping[str, Json], name: str) -> str:
    """Return a required, non-empty text member.

    Raises:
        ProtocolError: when it is missing, empty or not a text.
    """
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise ProtocolError(f"`{name}` is not a text")
    return value


def optional_text(body: Mapping[str, Json], name: str) -> str | None:
    """Return a text member that may be absent or null.

    Raises:
        ProtocolError: when it is there and not a text.
    """
    return None if body.get(name) is None else text(body, name)


def integer(body: Mapping[str, Json], name: str) -> int:
    """Return a required whole number, zero or more.

    Raises:
        ProtocolError: when it is missing, negative or not a whole number.
    """
    value = body.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ProtocolError(f"`{name}` is not a whole number")
    return value


def texts(body: Mapping[str, Json], name: str) -> tuple[str, ...]:
    """Return a list of texts, empty when absent or null.

    Raises:
        ProtocolError: when it is something else.
    """
    value = body.get(name)
    if value is None:
        return ()
    if not isinstance(value, list):
        raise ProtocolError(f"`{name}` is not a list")
    found = tuple(item for item in value if isinstance(item, str))
    if len(found) != len(value):
        raise ProtocolError(f"`{name}` holds something that is not a text")
    return found


def objects(body: Mapping[str, Json], name: str) -> tuple[dict[str, Json], ...]:
    """Return a list of objects, empty when absent or null.

    Raises:
        ProtocolError: when it is something else.
    """
    value = body.get(name)
    if value is None:
        return ()
    if not isinstance(value, list):
        raise ProtocolError(f"`{name}` is not a list")
    return tuple(object_of(item) for item in value)


def _once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member appears twice")
    return members


def _no_constant(name: str) -> Json:
    raise ValueError(name)
