"""Which credential stands on a request: the Authorization and DPoP headers, read strictly.

Reading only; whether the token or the proof is good is decided elsewhere.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from remit.domain.errors import Code, Refused

MAX_TOKEN: Final = 8 * 1024

_TOKEN68: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*", re.ASCII)


class ProofRefused(Refused):
    """It is the DPoP proof that was refused, not the credential it came with, which stays as good as it was.

    Source: RFC 9449 §4.3, §5, §7.1 (invalid_dpop_proof).
    """

    @classmethod
    def of(cls, refused: Refused) -> Self:
        """The same refusal, of the proof."""
        return cls(
            refused.code,
            refused.detail,
            public=refused.public,
            retry_after_s=refused.retry_after_s,
            cure=refused.cure,
            public_cure=refused.public_cure,
        )


class ScopeRefused(Refused):
    """The token is good, but not for this; `scope` is what one for this would have (RFC 6750 §3.1)."""

    def __init__(self, scope: str, detail: str, *, public: str, public_cure: str) -> None:
        """Refuse as `credential.wrong_audience`, the code of a token for something else."""
        super().__init__(Code.CREDENTIAL_WRONG_AUDIENCE, detail, public=public, public_cure=public_cure)
        self.scope = scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """An access token as presented; `unverified_proof` is None exactly when it came as a plain bearer token."""

    unverified_token: str
    unverified_proof: str | None


def verify_presented(*, authorization: Sequence[str], dpop: Sequence[str]) -> Presented:
    """Read the values of all Authorization and DPoP headers of a request.

    ⚔ Doubled headers are refused: two readers could pick different ones.

    Raises:
        Refused: `credential.missing`, or `credential.malformed` for doubled, unknown or half credentials.

    Source: RFC 9449 §4.3 (1), §7.1; RFC 9110 §11.1 (the scheme has no case), §11.4 (one or more spaces follow it).
    """
    if not authorization:
        raise Refused(Code.CREDENTIAL_MISSING, "no Authorization header")
    if len(authorization) > 1 or len(dpop) > 1:
        doubled = _malformed("one Authorization and one DPoP header, no more")
        raise doubled if len(authorization) > 1 else ProofRefused.of(doubled)
    scheme, _, said = authorization[0].partition(" ")
    unverified_token = said.lstrip(" ")
    if len(unverified_token) > MAX_TOKEN or _TOKEN68.fullmatch(unverified_token) is None:
        raise _malformed("the access token is not a token")
    match scheme.lower():
        case "dpop":
            if not dpop:
                raise Refused(Code.CREDENTIAL_MISSING, "DPoP token without a proof")
            return Presented(unverified_token=unverified_token, unverified_proof=dpop[0])
        case "bearer":
            if dpop:
                raise _malformed("a DPoP proof belongs to 'Authorization: DPoP …'")
            return Presented(unverified_token=unverified_token, unverified_proof=None)
        case _:
            raise _malformed("use 'Authorization: DPoP …'")


def verify_bound(presented: Presented, *, token_jkt: str | None) -> Presented:
    """Check, once the token is verified, that a key-bound token came with its proof and an unbound one without.

    ⚔ A stolen bound token sent as `Bearer` must not pass as if it had never been bound.

    Raises:
        Refused: `credential.wrong_key`.

    Source: RFC 9449 §7.1, §7.2.
    """
    if (token_jkt is None) != (presented.unverified_proof is None):
        raise Refused(
            Code.CREDENTIAL_WRONG_KEY,
            "binding of token and scheme differ",
            public="A token that is bound to a key needs 'Authorization: DPoP …' and a proof.",
        )
    return presented


def _malformed(reason: str) -> Refused:
    return Refused(Code.CREDENTIAL_MALFORMED, reason, public=f"The credential cannot be accepted: {reason}.")
