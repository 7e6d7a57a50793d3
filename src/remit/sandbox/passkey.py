"""A software passkey: browser and authenticator together, for sandboxes and tests."""

import hashlib
import json
import os
import struct
from collections.abc import Mapping
from typing import Any, Final, Self
from urllib.parse import urlsplit

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from remit.client.keys import b64url

_UP_UV: Final = 0x01 | 0x04
_ATTESTED: Final = 0x40


class SoftPasskey:
    """One ES256 passkey that always verifies its user. `origin` is the page it believes to be on."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._rp_hash = hashlib.sha256((urlsplit(origin).hostname or "").encode()).digest()
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._id = os.urandom(16)
        self._count = 0

    def kept(self) -> dict[str, str | int]:
        """Return the passkey for a file, private key and all: for sandboxes alone."""
        pem = self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")
        return {"origin": self._origin, "id": self._id.hex(), "key": pem, "count": self._count}

    @classmethod
    def from_kept(cls, kept: Mapping[str, Any]) -> Self:
        """Restore a kept passkey."""
        passkey = cls(str(kept["origin"]))
        key = load_pem_private_key(str(kept["key"]).encode("ascii"), password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            message = "a software passkey has a P-256 key"
            raise TypeError(message)
        passkey._key, passkey._id, passkey._count = key, bytes.fromhex(str(kept["id"])), int(kept["count"])
        return passkey

    def create(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Answer `navigator.credentials.create` (attestation format none)."""
        numbers = self._key.public_key().public_numbers()
        cose = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")})
        data = (
            self._authenticator_data(_UP_UV | _ATTESTED)
            + bytes(16)
            + struct.pack(">H", len(self._id))
            + self._id
            + cose
        )
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client_data = self._client_data("webauthn.create", options["challenge"])
        response = {"clientDataJSON": b64url(client_data), "attestationObject": b64url(attestation)}
        return self._credential(response)

    def get(self, options: Mapping[str, Any], **client_data: Any) -> dict[str, Any]:  # noqa: ANN401  # what an attacker's page would put there
        """Answer `navigator.credentials.get`. `client_data` overrides the browser's own."""
        self._count += 1
        data = self._authenticator_data(_UP_UV)
        client_json = self._client_data("webauthn.get", options["challenge"], **client_data)
        signature = self._key.sign(data + hashlib.sha256(client_json).digest(), ec.ECDSA(hashes.SHA256()))
        response = {
            "clientDataJSON": b64url(client_json),
            "authenticatorData": b64url(data),
            "signature": b64url(signature),
            "userHandle": None,
        }
        return self._credential(response)

    def _credential(self, response: Mapping[str, Any]) -> dict[str, Any]:
        identifier = b64url(self._id)
        return {
            "id": identifier,
            "rawId": identifier,
            "type": "public-key",
            "response": dict(response),
            "clientExtensionResults": {},
        }

    def _authenticator_data(self, flags: int) -> bytes:
        return self._rp_hash + struct.pack(">BI", flags, self._count)

    def _client_data(self, kind: str, challenge: str, **more: Any) -> bytes:  # noqa: ANN401  # see get
        collected = {"type": kind, "challenge": challenge, "origin": self._origin, "crossOrigin": False, **more}
        return json.dumps(collected, separators=(",", ":")).encode()
