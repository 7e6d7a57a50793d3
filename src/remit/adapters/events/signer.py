"""The key of security event tokens: RS256, from files of the desk's own."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from remit.domain.errors import Code, Refused
from remit.domain.events.security_event import TYPE
from remit.domain.values import Json
from remit.proof.canonical import b64url, canonical

_ALG: Final = "RS256"
_LEAST_BITS: Final = 2048
_MOST_BITS: Final = 8192


class RsaEventSigner:
    """Signs with the first key; the others are published for tokens that are under way."""

    def __init__(self, keys: Sequence[rsa.RSAPrivateKey]) -> None:
        """`keys` are of `event_key`, current first."""
        self._key = keys[0]
        self._jwks = [_jwk(key.public_key()) for key in keys]
        kid = str(self._jwks[0]["kid"])
        self._header = b64url(canonical({"alg": _ALG, "kid": kid, "typ": TYPE}))

    def jwks(self) -> Mapping[str, Json]:
        """Return the public keys as a JWK set, current first."""
        return {"keys": list(self._jwks)}

    def sign(self, claims: str) -> str:
        """Sign claims, written as JSON, as a compact token of type `secevent+jwt`.

        Source: RFC 7518 §3.3; CAEP interoperability profile §2.6.
        """
        unsigned = f"{self._header}.{b64url(claims.encode())}"
        signature = self._key.sign(unsigned.encode("ascii"), padding.PKCS1v15(), SHA256())
        return f"{unsigned}.{b64url(signature)}"


def event_key(pem: bytes) -> rsa.RSAPrivateKey:
    """Load a key of security event tokens.

    Raises:
        Refused: `settings.invalid` for anything but an RSA key of 2048 to 8192 bits.
    """
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _invalid("is not a private key in PEM") from None
    if not isinstance(key, rsa.RSAPrivateKey) or not _LEAST_BITS <= key.key_size <= _MOST_BITS:
        raise _invalid(f"is not an RSA key of {_LEAST_BITS} to {_MOST_BITS} bits")
    return key


def _jwk(key: rsa.RSAPublicKey) -> dict[str, Json]:
    numbers = key.public_numbers()
    members: dict[str, Json] = {"e": _unsigned(numbers.e), "kty": "RSA", "n": _unsigned(numbers.n)}
    named = canonical(members)  # RFC 7638 §3
    return {**members, "alg": _ALG, "kid": b64url(sha256(named).digest()), "use": "sig"}


def _unsigned(number: int) -> str:
    return b64url(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def _invalid(problem: str) -> Refused:
    return Refused(Code.SETTINGS_INVALID, problem)
