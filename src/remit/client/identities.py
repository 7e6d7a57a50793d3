"""Workload identities for client authentication. Never a password, never a person's login.

Source: RFC 7523 and 7523bis (private_key_jwt); draft-ietf-oauth-spiffe-client-auth (jwt-spiffe).
"""

import base64
import json
import secrets
from os import PathLike
from pathlib import Path
from typing import Final, Protocol

from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

from remit.client.errors import IdentityUnusable, Miswritten
from remit.client.keys import KeySource, load_key

_PRIVATE_KEY_JWT: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
JWT_SPIFFE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-spiffe"
_ASSERTION_LIFE_S: Final = 60
_JWT_PARTS: Final = 3
_SVID_BYTES: Final = 16_384


class Identity(Protocol):
    """A workload's way to authenticate as an OAuth client. One assertion serves one request."""

    def client_id(self, *, issuer: str, now_s: float) -> str:
        """Return the registered client id of this workload.

        Raises:
            IdentityUnusable: when it cannot be told.
        """
        ...

    def credentials(self, *, issuer: str, now_s: float) -> dict[str, str]:
        """Return the form members that authenticate one request to `issuer`.

        Raises:
            IdentityUnusable: when the identity cannot be read or has expired.
        """
        ...


def verify_identity(given: object) -> None:
    """Verify that a value is an identity, before it is first needed.

    Raises:
        Miswritten: `settings.invalid` when it is none.
    """
    able = all(callable(getattr(given, name, None)) for name in ("client_id", "credentials"))
    if not able or isinstance(given, type):
        detail = f"identity is not a {given.__name__ if isinstance(given, type) else type(given).__name__}."
        cure = "Give PrivateKeyJwt(client_id, key, kid) or JwtSvidFile(path)."
        raise Miswritten("settings.invalid", detail=detail, cure=cure)


class PrivateKeyJwt:
    """An identity by a key registered with the desk, which signs a fresh, short assertion for every request.

    `alg` follows the key (EC P-256: ES256, RSA: PS256, Ed25519: Ed25519) unless given.
    """

    __slots__ = ("_alg", "_client_id", "_header", "_key")

    def __init__(self, client_id: str, key: KeySource, kid: str | None = None, *, alg: str | None = None) -> None:
        """Read the key.

        Raises:
            IdentityUnusable: when the key cannot be read or is not private.
        """
        self._client_id = client_id
        self._key = load_key(key)
        self._alg = alg or _algorithm(self._key)
        self._header = {"typ": "client-authentication+jwt", "alg": self._alg} | ({"kid": kid} if kid else {})

    def __repr__(self) -> str:
        return f"PrivateKeyJwt({self._client_id!r})"

    def client_id(self, *, issuer: str, now_s: float) -> str:  # noqa: ARG002  # the port's signature; a registered id needs neither
        """Return the registered client id."""
        return self._client_id

    def credentials(self, *, issuer: str, now_s: float) -> dict[str, str]:
        """Sign one assertion whose sole audience is the desk's issuer.

        Source: RFC 7523bis: `aud` is the issuer identifier alone, never an endpoint, so that no other server can use
            it.
        """
        issued = int(now_s)
        claims = {
            "iss": self._client_id,
            "sub": self._client_id,
            "aud": issuer,
            "jti": secrets.token_urlsafe(18),
            "iat": issued,
            "exp": issued + _ASSERTION_LIFE_S,
        }
        assertion = jwt.encode(dict(self._header), claims, self._key, algorithms=[self._alg])
        return {"client_id": self._client_id, "client_assertion_type": _PRIVATE_KEY_JWT, "client_assertion": assertion}


class JwtSvidFile:
    """An identity by a JWT-SVID that the platform keeps fresh in a file, read again for every request.

    The client id is the SPIFFE ID in the SVID, unless the desk registered this workload under another one.
    """

    __slots__ = ("_client_id", "_path")

    def __init__(self, path: str | PathLike[str], *, client_id: str | None = None) -> None:
        """Remember the path of the SVID; nothing is read yet."""
        self._path = Path(path)
        self._client_id = client_id

    def __repr__(self) -> str:
        return f"JwtSvidFile({str(self._path)!r})"

    def client_id(self, *, issuer: str, now_s: float) -> str:
        """Return the registered client id, or the SPIFFE ID in the file.

        Raises:
            IdentityUnusable: when the file cannot be read.
        """
        return self._client_id or self._read(issuer=issuer, now_s=now_s)[1]

    def credentials(self, *, issuer: str, now_s: float) -> dict[str, str]:
        """Return the SVID now in the file.

        Raises:
            IdentityUnusable: when it is missing, expired, or made for another audience. ⚔ An SVID for another audience
                is not sent: its reader could use it there.
        """
        svid, spiffe_id = self._read(issuer=issuer, now_s=now_s)
        return {
            "client_id": self._client_id or spiffe_id,
            "client_assertion_type": JWT_SPIFFE,
            "client_assertion": svid,
        }

    def _read(self, *, issuer: str, now_s: float) -> tuple[str, str]:
        try:
            raw = self._path.read_bytes()[: _SVID_BYTES + 1]
            svid = raw.decode("ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise IdentityUnusable(f"the JWT-SVID in {self._path} cannot be read") from error
        claims = self._claims(svid)
        spiffe_id = claims.get("sub")
        if not isinstance(spiffe_id, str) or not spiffe_id.startswith("spiffe://"):
            raise IdentityUnusable(f"the JWT-SVID in {self._path} names no SPIFFE ID")
        if claims.get("aud") not in (issuer, [issuer]):
            raise IdentityUnusable(
                f"the JWT-SVID in {self._path} is not for {issuer} alone; fetch one with that sole audience"
            )
        expires = claims.get("exp")
        if not isinstance(expires, int | float) or expires <= now_s:
            raise IdentityUnusable(f"the JWT-SVID in {self._path} has expired; is its writer running?")
        return svid, spiffe_id

    def _claims(self, svid: str) -> dict[str, object]:
        """Decode our own SVID to fail early and clearly; the desk verifies it."""
        parts = svid.split(".")
        if len(parts) != _JWT_PARTS or len(svid) > _SVID_BYTES:
            raise IdentityUnusable(f"{self._path} does not hold one JWT-SVID")
        try:
            claims: object = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        except ValueError as error:
            raise IdentityUnusable(f"{self._path} does not hold one JWT-SVID") from error
        if not isinstance(claims, dict):
            raise IdentityUnusable(f"{self._path} does not hold one JWT-SVID")
        return claims


def _algorithm(key: ECKey | RSAKey | OKPKey) -> str:
    """Return the one signing algorithm of a key."""
    if isinstance(key, RSAKey):
        return "PS256"
    # RFC 9864: fully specified names; `EdDSA` is deprecated.
    curves = {"P-256": "ES256", "P-384": "ES384", "Ed25519": "Ed25519"}
    if key.curve_name not in curves:
        raise IdentityUnusable(f"a key on {key.curve_name} cannot be used")
    return curves[key.curve_name]
