"""Callers of the decision point: the desk's own automation and other gateways, each proved by its secret."""

import hmac
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.ids import matches
from remit.domain.structs import struct
from remit.ports.policy import DecisionRules

_SCHEME: Final = "bearer "
_ALL: Final = "*"


@struct(frozen=True, kw_only=True)
class Caller:
    """One caller: the SHA-256 of its secret, the actions it may ask about, and the obligations it can meet.

    With `acts` it may ask about acts of agents, which it then carries out itself.
    """

    name: str
    sha256: bytes
    acts: bool
    actions: tuple[str, ...]
    obligations: frozenset[str]

    def may_ask(self, action: str) -> bool:
        """Return whether it may ask about an action."""
        return any(pattern == _ALL or matches(pattern, action) for pattern in self.actions)


@struct(frozen=True, kw_only=True)
class DecisionPoint:
    """The decision point of one desk. `rules` are its own policies; None where it is for acts of agents alone."""

    callers: tuple[Caller, ...]
    rules: DecisionRules | None

    @property
    def for_acts(self) -> bool:
        """Return whether any caller may ask about acts of agents."""
        return any(one.acts for one in self.callers)


def prove_caller(point: DecisionPoint, authorization: Sequence[str]) -> Caller:
    """Authenticate a caller by its secret, presented as a bearer token.

    ⚔ Digests are compared, of all callers, in constant time: neither a secret nor a name can be felt out.

    Raises:
        Refused: `credential.missing`, `credential.malformed`, `credential.wrong_key`.

    Source: RFC 6750 §2.1, §3; AuthZEN Authorization API 1.0 §11.3.
    """
    if not authorization:
        raise Refused(Code.CREDENTIAL_MISSING, "no credential")
    if len(authorization) > 1 or not authorization[0].lower().startswith(_SCHEME):
        raise Refused(Code.CREDENTIAL_MALFORMED, "no bearer credential")
    presented = sha256(authorization[0][len(_SCHEME) :].strip().encode()).digest()
    found = [one for one in point.callers if hmac.compare_digest(one.sha256, presented)]
    if not found:
        raise Refused(Code.CREDENTIAL_WRONG_KEY, "a secret of no caller")
    return found[0]
