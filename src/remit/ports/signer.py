"""The port to the desk's own signing keys."""

from collections.abc import Mapping
from typing import Protocol

from remit.domain.values import Json


class Signer(Protocol):
    """Signs tokens (ES256) and checkpoints (Ed25519). Private keys never leave the plug.

    Promises: `kid` is the RFC 7638 thumbprint; keys are loaded or made when the plug is made; a missing or unreadable
    key file stops the start.
    """

    def jwks(self) -> Mapping[str, Json]:
        """Return the public token keys as a JWK set, current first."""

    def sign_jwt(self, typ: str, claims: Mapping[str, Json]) -> str:
        """Sign a compact JWS with the current token key."""

    def sign_document(self, payload: bytes, header: Mapping[str, str]) -> tuple[str, str]:
        """Sign bytes that are no token with the current token key, as a detached JWS: protected header and signature.

        `header` has what comes beside `alg` and `kid`. ⚔ Its `typ` must be none of our tokens'.
        """

    def verify_jwt(self, unverified_token: str, typ: str) -> Mapping[str, Json]:
        """Verify one of our own tokens: signature, `typ`, algorithm; not its claims.

        Raises:
            Refused: `credential.malformed`, or `credential.wrong_key` for a foreign key or bad signature.
        """

    def log_key(self) -> str:
        """Return the log's public key in C2SP vkey form: `name+hash+base64`."""

    def sign_note(self, text: str) -> str:
        """Sign a checkpoint body (ending in a newline) as a C2SP signed note and return the whole note."""

    def keyed(self, purpose: str, data: bytes) -> bytes:
        """Return the HMAC-SHA256 of data under a secret of one purpose (pseudonyms, fingerprints, nonces)."""
