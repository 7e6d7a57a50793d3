"""Requests to a helpdesk in JSON, and reading its answers, of which nothing is taken for granted."""

import json
from collections.abc import Mapping
from typing import Any, Final

from remit.adapters.http.connection import HttpAnswer, HttpConnections
from remit.domain.errors import Code, Fault

_TIMEOUT_S: Final = 10.0
_OK: Final = range(200, 300)
_NOT_FOUND: Final = 404


async def exchange(
    connections: HttpConnections,
    method: str,
    path: str,
    *,
    headers: Mapping[str, str],
    body: Mapping[str, object] | None = None,
) -> HttpAnswer:
    """Send one request, its body as JSON.

    ⚔ A write is never sent again by itself when a kept connection breaks.

    Raises:
        Fault: `fault.case`; the request may have arrived.
    """
    sent = dict(headers) if body is None else {**headers, "content-type": "application/json"}
    content = b"" if body is None else json.dumps(body).encode()
    return await connections.send(method, path, headers=sent, body=content, timeout_s=_TIMEOUT_S, once=method != "GET")


def verified(answer: HttpAnswer, method: str, path: str) -> HttpAnswer:
    """Return an answer that is no refusal.

    Raises:
        Fault: `fault.case`.
    """
    place = path.partition("?")[0]
    if answer.status == _NOT_FOUND:
        raise Fault(Code.FAULT_CASE, f"the helpdesk has no {place}")
    if answer.status not in _OK:
        raise Fault(Code.FAULT_CASE, f"the helpdesk answered {answer.status} to {method} {place}")
    return answer


def decoded(answer: HttpAnswer, method: str, path: str) -> Any:  # noqa: ANN401  # a foreign answer
    """Decode a JSON answer.

    Raises:
        Fault: `fault.case`.
    """
    try:
        return json.loads(verified(answer, method, path).body)
    except ValueError:
        raise garbled(path.partition("?")[0]) from None


def member(value: object, name: str) -> Any:  # noqa: ANN401  # a member of a foreign answer
    """Return a member of an object.

    Raises:
        Fault: `fault.case` where it is missing.
    """
    if not isinstance(value, Mapping) or name not in value:
        raise garbled(name)
    return value[name]


def items(value: object) -> list[Any]:
    """Return a list.

    Raises:
        Fault: `fault.case` for anything else.
    """
    if not isinstance(value, list):
        raise garbled("a list")
    return value


def garbled(what: str) -> Fault:
    """Return the fault for an answer without something that it must have."""
    return Fault(Code.FAULT_CASE, f"the helpdesk's answer cannot be read: {what}")
