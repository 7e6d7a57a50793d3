"""Signed requests (RFC 9421) made by hand, so that every defect can be made; other implementations judge the sound ones."""

import hashlib
import secrets
import time
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from contracts.identity_minting import jwk, private_key, raw_sign
from remit.adapters.identity.keys import verify_jwk

ALGORITHMS = {"ES256": "ecdsa-p256-sha256", "ES384": "ecdsa-p384-sha384", "Ed25519": "ed25519", "PS512": "rsa-pss-sha512"}


def digest(body: bytes) -> str:
    return f"sha-256=:{b64encode(hashlib.sha256(body).digest()).decode()}:"


@dataclass
class MessageKey:
    """A key that signs requests."""

    name: str = "signer"
    alg: str = "ES256"

    @property
    def thumbprint(self) -> str:
        return verify_jwk(self.public).jkt

    @property
    def pem(self) -> bytes:
        """The private key, for our own client's DPoP proofs."""
        key = private_key(self.alg, self.name)
        return bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    @property
    def public(self) -> dict[str, Any]:
        return jwk(self.alg, self.name)


@dataclass
class Signing:
    """How requests are signed; a test changes what it attacks."""

    key: MessageKey = field(default_factory=MessageKey)
    covered: Sequence[str] | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    without: Sequence[str] = ()
    now_s: int | None = None
    life_s: int = 60
    sign_with: MessageKey | None = None

    def headers(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
        """The headers that sign a request."""
        found = {**headers, **({"content-digest": digest(body)} if body else {})}
        covered = self.covered
        if covered is None:
            named = [name for name in ("content-digest", "authorization", "signature-agent") if name in found]
            covered = [f'"{one}"' for one in ("@method", "@target-uri", *named)]
        now_s = int(time.time()) if self.now_s is None else self.now_s
        params = {
            "created": now_s,
            "expires": now_s + self.life_s,
            "keyid": self.key.thumbprint,
            "alg": ALGORITHMS[self.key.alg],
            "nonce": secrets.token_urlsafe(16),
            **self.params,
        }
        said = "".join(
            f";{name}={value if isinstance(value, int) else chr(34) + str(value) + chr(34)}"
            for name, value in params.items()
            if name not in self.without and value is not None
        )
        whole = f"({' '.join(covered)}){said}"
        lines = [f"{name}: {_value(name, method, url, found)}" for name in covered]
        base = "\n".join([*lines, f'"@signature-params": {whole}'])
        signer = self.sign_with or self.key
        signature = b64encode(raw_sign(signer.alg, base.encode(), signer.name)).decode()
        made = {"signature-input": f"sig1={whole}", "signature": f"sig1=:{signature}:"}
        return made | ({"content-digest": found["content-digest"]} if body else {})


def _value(name: str, method: str, url: str, headers: Mapping[str, str]) -> str:
    parts = urlsplit(url)
    plain = name.partition(";")[0].strip('"')
    derived = {
        "@method": method,
        "@target-uri": url,
        "@authority": parts.netloc,
        "@path": parts.path,
        "@query": f"?{parts.query}",
        "@scheme": parts.scheme,
    }
    if ";key=" in name:
        return headers[plain].partition("=")[2]
    return derived[plain] if plain in derived else headers[plain]
