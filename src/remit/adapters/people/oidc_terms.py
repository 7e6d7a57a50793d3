"""Registration of this desk at the company's OpenID provider, and its proof there."""

import base64
import json
from typing import Final
from urllib.parse import quote

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from remit.domain.errors import Code, Refused
from remit.domain.structs import struct
from remit.domain.values import Instant
from remit.proof.canonical import b64url

ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LIFE_S: Final = 60
_LEAST_SECRET: Final = 16


@struct(frozen=True, kw_only=True)
class ProviderTerms:
    """One client at one provider. Exactly one of `secret` and `key` (a PEM) is set.

    `audience` of a client assertion: `issuer`, or `token_endpoint` where the provider requires that.
    """

    issuer: str
    client_id: str
    redirect_uri: str
    signed_out_uri: str
    scopes: tuple[str, ...]
    algorithms: frozenset[str]
    secret: bytes
    key: bytes
    audience: str
    userinfo: bool
    allow_loopback: bool
    allow_private: bool


class ClientProof:
    """Proof of this desk at the token endpoint: a secret in the Authorization header, or a signed assertion."""

    def __init__(self, terms: ProviderTerms) -> None:
        """Read the secret or the key.

        Raises:
            Refused: `settings.invalid` when it is unusable.
        """
        self._terms = terms
        self._secret = _secret(terms.secret) if terms.secret else ""
        self._key: ECKey | RSAKey | None = None
        self._alg = ""
        if terms.key:
            self._key, self._alg = _key(terms.key)

    @property
    def method(self) -> str:
        """Name of the method in the provider's metadata."""
        return "private_key_jwt" if self._key is not None else "client_secret_basic"

    @property
    def public_key(self) -> str:
        """Public key to register at the provider, as JSON ("" with a secret)."""
        if self._key is None:
            return ""
        jwk = {**self._key.as_dict(private=False), "kid": self._key.thumbprint(), "alg": self._alg, "use": "sig"}
        return json.dumps(jwk)

    def proved(self, *, token_endpoint: str, jti: bytes, now: Instant) -> tuple[dict[str, str], dict[str, str]]:
        """Return headers and form fields that prove this client. `jti` is random.

        Source: RFC 6749 §2.3.1; RFC 7523 §3 (the issuer as sole audience: draft-ietf-oauth-rfc7523bis).
        """
        terms = self._terms
        if self._key is None:
            # ⚔ Each half is form-encoded first, or a colon in one of them would move the border.
            both = f"{quote(terms.client_id, safe='')}:{quote(self._secret, safe='')}"
            return {"Authorization": f"Basic {base64.b64encode(both.encode()).decode()}"}, {}
        at = now // 1000
        claims = {
            "iss": terms.client_id,
            "sub": terms.client_id,
            "aud": terms.issuer if terms.audience == "issuer" else token_endpoint,
            "jti": b64url(jti),
            "iat": at,
            "exp": at + _LIFE_S,
        }
        header = {"alg": self._alg, "kid": self._key.thumbprint()}
        signed = jwt.encode(header, claims, self._key, algorithms=[self._alg])
        return {}, {"client_id": terms.client_id, "client_assertion_type": ASSERTION, "client_assertion": signed}


def _secret(raw: bytes) -> str:
    try:
        text = raw.decode("ascii").strip()
    except UnicodeDecodeError:
        text = ""
    if len(text) < _LEAST_SECRET or not text.isprintable():
        raise _unusable(
            "people.oidc.secret_file",
            f"must hold the client's secret, {_LEAST_SECRET} or more visible characters in one line",
        )
    return text


def _key(pem: bytes) -> tuple[ECKey | RSAKey, str]:
    """Load the key with its signing algorithm."""
    try:
        kind = type(load_pem_private_key(pem, password=None)).__name__.upper()
        if "RSA" in kind:
            return RSAKey.import_key(pem), "RS256"
        key = ECKey.import_key(pem)
        alg = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}[str(key.curve_name)]
    except (KeyError, ValueError, TypeError, UnsupportedAlgorithm):
        raise _unusable(
            "people.oidc.key_file", "must hold a private key in PEM without a password: EC (P-256) or RSA"
        ) from None
    return key, alg


def _unusable(key: str, cure: str) -> Refused:
    return Refused(Code.SETTINGS_INVALID, f"{key} {cure}")
