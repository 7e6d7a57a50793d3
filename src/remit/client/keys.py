"""The agent's keys, and the DPoP proof signed for every single request.

Source: RFC 9449 (DPoP), RFC 7638 (thumbprint).
"""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from typing import Final, TypeAlias
from urllib.parse import urlsplit, urlunsplit

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from remit.client.errors import IdentityUnusable

KeySource: TypeAlias = ECKey | RSAKey | OKPKey | Mapping[str, str] | str | bytes
_KINDS: Final[Mapping[str, type[ECKey] | type[RSAKey] | type[OKPKey]]] = {"EC": ECKey, "RSA": RSAKey, "OKP": OKPKey}


class ProofKey:
    """A P-256 key that signs DPoP proofs. Its private part never leaves this object."""

    __slots__ = ("_key", "_public", "thumbprint")

    def __init__(self, source: KeySource | None = None) -> None:
        """Load the key, or make a new one when none is given.

        Raises:
            IdentityUnusable: when it is not a private P-256 key.
        """
        key = ECKey.generate_key("P-256") if source is None else load_key(source)
        if not isinstance(key, ECKey) or key.curve_name != "P-256":
            raise IdentityUnusable("the DPoP key is not an EC key on P-256")
        self._key = key
        numbers = key.as_dict(private=False)
        self._public = {name: str(numbers[name]) for name in ("kty", "crv", "x", "y")}
        self.thumbprint: str = ECKey.import_key(dict(self._public)).thumbprint()

    def proof(self, method: str, url: str, *, now_s: float, token: str | None = None, nonce: str | None = None) -> str:
        """Sign a fresh proof for one request; `url` may carry a query, the proof does not.

        Source: RFC 9449 §4.2.
        """
        claims: dict[str, str | int] = {
            "jti": secrets.token_urlsafe(18),
            "htm": method,
            "htu": urlunsplit(urlsplit(url)._replace(query="", fragment="")),
            "iat": int(now_s),
        }
        if token is not None:
            claims["ath"] = b64url(hashlib.sha256(token.encode("ascii")).digest())
        if nonce is not None:
            claims["nonce"] = nonce
        return jwt.encode(
            {"typ": "dpop+jwt", "alg": "ES256", "jwk": self._public}, claims, self._key, algorithms=["ES256"]
        )


def new_key() -> str:
    """Make a P-256 key and return it as PEM. Keep it: a mandate stays bound to the key it was granted to."""
    return ECKey.generate_key("P-256").as_pem(private=True).decode("ascii")


def load_key(source: KeySource) -> ECKey | RSAKey | OKPKey:
    """Load a private key from PEM, a JWK or a joserfc key.

    Raises:
        IdentityUnusable: when it cannot be read, or has no private part.
    """
    key = source if isinstance(source, ECKey | RSAKey | OKPKey) else _read(source)
    if not key.is_private:
        raise IdentityUnusable("the key has no private part")
    return key


def b64url(raw: bytes) -> str:
    """Encode as unpadded base64url."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _read(source: Mapping[str, str] | str | bytes) -> ECKey | RSAKey | OKPKey:
    if isinstance(source, Mapping):
        kind = _KINDS.get(source.get("kty", ""))
        if kind is None:
            raise IdentityUnusable("the JWK is of a kind that cannot sign")
        try:
            return kind.import_key(dict(source))
        except (JoseError, ValueError) as error:
            # `from None`: the library's message may quote the key.
            raise IdentityUnusable(f"the JWK cannot be read ({type(error).__name__})") from None
    for kind in _KINDS.values():
        try:
            return kind.import_key(source)
        except (JoseError, ValueError, TypeError):
            continue
    raise IdentityUnusable("the key is not a PEM of an EC, RSA or Ed25519 key")
