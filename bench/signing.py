"""ES256 signatures made quickly, for requests that are written beforehand: one key, each header written once."""

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from remit.client.keys import KeySource, load_key

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_LIFE_S = 300


def b64(raw: bytes) -> str:
    """Unpadded base64url."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _header(**members: object) -> str:
    return b64(json.dumps(members).encode()) + "."


class Signer:
    """Makes DPoP proofs and client assertions of one key."""

    def __init__(self, source: KeySource) -> None:
        key = load_key(source)
        self._key = key.private_key if hasattr(key, "private_key") else key.get_private_key()
        self.public = {
            name: value for name, value in key.as_dict(private=False).items() if name in {"kty", "crv", "x", "y"}
        }
        self._proof_head = _header(typ="dpop+jwt", alg="ES256", jwk=self.public)
        self._assertion_head = _header(typ="JWT", alg="ES256", kid="k1")

    def _sign(self, head: str, claims: Mapping[str, Any]) -> str:
        text = head + b64(json.dumps(claims, separators=(",", ":")).encode())
        r, s = decode_dss_signature(self._key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{text}.{b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"

    def proof(self, url: str, token: str | None, number: int, now: int, *, method: str = "POST") -> str:
        """A fresh proof for one request, beside a token or without one."""
        claims: dict[str, Any] = {"jti": f"{number}-{os.urandom(9).hex()}", "htm": method, "htu": url, "iat": now}
        if token is not None:
            claims["ath"] = b64(hashlib.sha256(token.encode()).digest())
        return self._sign(self._proof_head, claims)

    def assertion(self, client_id: str, issuer: str, now: int) -> dict[str, str]:
        """The form members of a fresh `private_key_jwt`."""
        claims = {
            "iss": client_id,
            "sub": client_id,
            "aud": issuer,
            "jti": os.urandom(12).hex(),
            "iat": now,
            "exp": now + ASSERTION_LIFE_S,
        }
        signed = self._sign(self._assertion_head, claims)
        return {"client_id": client_id, "client_assertion_type": ASSERTION_TYPE, "client_assertion": signed}
