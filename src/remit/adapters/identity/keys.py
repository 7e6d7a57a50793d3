"""Public keys as JWKs, and signatures by them.

One key, one family of algorithms: the key decides how a signature is verified, the token only names a variant.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm

from remit.domain.errors import Code, Refused
from remit.domain.identity.jws import malformed_token, read_bytes, text_member
from remit.domain.structs import struct
from remit.domain.values import Json
from remit.proof.canonical import b64url, canonical

PRIVATE_MEMBERS: Final = ("d", "dp", "dq", "k", "oth", "p", "q", "qi")
SVID_ALGORITHMS: Final = frozenset(f"{family}{size}" for family in ("ES", "PS", "RS") for size in (256, 384, 512))

_CURVES: Final[Mapping[str, tuple[ec.EllipticCurve, int, str]]] = {
    "P-256": (ec.SECP256R1(), 32, "ES256"),
    "P-384": (ec.SECP384R1(), 48, "ES384"),
    "P-521": (ec.SECP521R1(), 66, "ES512"),
}
_HASHES: Final[Mapping[str, HashAlgorithm]] = {"256": SHA256(), "384": SHA384(), "512": SHA512()}
_ECDSA: Final = {
    "ES256": (ec.ECDSA(SHA256()), 32),
    "ES384": (ec.ECDSA(SHA384()), 48),
    "ES512": (ec.ECDSA(SHA512()), 66),
}
_RSA_ALGORITHMS: Final = SVID_ALGORITHMS - {"ES256", "ES384", "ES512"}
_RSA_BITS: Final = range(2048, 8193)
_RSA_EXPONENTS: Final = range(65_537, 2**32)
_MAX_KID_LENGTH: Final = 256

Key: TypeAlias = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey


class UnknownKeyKind(Exception):  # noqa: N818  # a finding, not an error: key sets skip such keys, proofs refuse them
    """The kind of the key is unknown."""


@struct(frozen=True, kw_only=True)
class PublicKey:
    """A public key with its algorithms and its RFC 7638 thumbprint."""

    kid: str | None
    algorithms: frozenset[str]
    jkt: str
    key: Key

    def verify_signature(self, alg: str, signature: bytes, signing_input: bytes) -> None:
        """Verify a JWS signature.

        ⚔ An algorithm outside the key's own family is refused before any arithmetic (RS256 key as HS256 secret).

        Raises:
            Refused: `credential.wrong_key`.

        Source: RFC 7518 §3; RFC 8725 §3.1.
        """
        if alg not in self.algorithms:
            raise Refused(
                Code.CREDENTIAL_WRONG_KEY,
                f"the key is not for {alg}",
                public="The key is not for the algorithm that the header names.",
            )
        key: Any = self.key  # of the kind that the algorithm is for, as this is one of the key's own
        try:
            match alg[:2]:
                case "ES":
                    scheme, size = _ECDSA[alg]
                    key.verify(_der(signature, size), signing_input, scheme)
                case "Ed":
                    key.verify(signature, signing_input)
                case _:
                    digest = _HASHES[alg[2:]]
                    pad = (
                        padding.PSS(mgf=padding.MGF1(digest), salt_length=digest.digest_size)
                        if alg.startswith("PS")
                        else padding.PKCS1v15()
                    )
                    key.verify(signature, signing_input, pad, digest)
        except InvalidSignature:
            raise Refused(Code.CREDENTIAL_WRONG_KEY, "bad signature", public="The signature is not valid.") from None


def verify_jwk(jwk: Mapping[str, Json]) -> PublicKey:
    """Import a public JWK.

    ⚔ One key has one encoding, or it would have several thumbprints: coordinates of full length, no leading zero in n
    and e. Private and symmetric material is refused: a published secret proves nothing.

    Raises:
        Refused: `credential.malformed_token`.
        UnknownKeyKind: for another `kty` or `crv`.

    Source: RFC 7517 §4, RFC 7518 §6, RFC 8037 §2, RFC 7638 §3.
    """
    for name in PRIVATE_MEMBERS:
        if name in jwk:
            raise malformed_token("a key carries private or symmetric material")
    match jwk.get("kty"):
        case "EC":
            names, key, algorithms = _ec(jwk)
        case "OKP":
            names, key, algorithms = _okp(jwk)
        case "RSA":
            names, key, algorithms = _rsa(jwk)
        case "oct":
            raise malformed_token("a symmetric key")
        case _:
            raise UnknownKeyKind
    if "alg" in jwk:
        algorithms &= {text_member(jwk, "alg")}
    thumbprint = b64url(hashlib.sha256(canonical({name: jwk[name] for name in names})).digest())
    kid = text_member(jwk, "kid", longest=_MAX_KID_LENGTH) if "kid" in jwk else None
    return PublicKey(kid=kid, algorithms=algorithms, jkt=thumbprint, key=key)


def _ec(jwk: Mapping[str, Json]) -> tuple[tuple[str, ...], Key, frozenset[str]]:
    name = jwk.get("crv")
    if not isinstance(name, str) or name not in _CURVES:
        raise UnknownKeyKind
    curve, size, alg = _CURVES[name]
    x, y = read_bytes(text_member(jwk, "x")), read_bytes(text_member(jwk, "y"))
    if len(x) != size or len(y) != size:
        raise malformed_token("a coordinate has the wrong length")
    try:
        key = ec.EllipticCurvePublicNumbers(int.from_bytes(x, "big"), int.from_bytes(y, "big"), curve).public_key()
    except ValueError:
        raise malformed_token("the point is not on the curve") from None
    return ("crv", "kty", "x", "y"), key, frozenset({alg})


def _okp(jwk: Mapping[str, Json]) -> tuple[tuple[str, ...], Key, frozenset[str]]:
    if jwk.get("crv") != "Ed25519":
        raise UnknownKeyKind
    try:
        key = ed25519.Ed25519PublicKey.from_public_bytes(read_bytes(text_member(jwk, "x")))
    except ValueError:
        raise malformed_token("an Ed25519 key has 32 bytes") from None
    return ("crv", "kty", "x"), key, frozenset({"EdDSA", "Ed25519"})


def _rsa(jwk: Mapping[str, Json]) -> tuple[tuple[str, ...], Key, frozenset[str]]:
    n, e = (_unsigned(text_member(jwk, name)) for name in ("n", "e"))
    if n.bit_length() not in _RSA_BITS or e not in _RSA_EXPONENTS:
        raise malformed_token("an RSA key needs 2048 to 8192 bits and an exponent from 65537")
    try:
        key = rsa.RSAPublicNumbers(e, n).public_key()
    except ValueError:
        raise malformed_token("the RSA key cannot be used") from None
    return ("e", "kty", "n"), key, _RSA_ALGORITHMS


def _unsigned(text: str) -> int:
    raw = read_bytes(text)
    if raw.startswith(b"\x00"):
        raise malformed_token("a number has leading zeros")
    return int.from_bytes(raw, "big")


def _der(signature: bytes, size: int) -> bytes:
    """⚔ JOSE signatures are r and s at full length; DER or padded encodings are refused."""
    if len(signature) != 2 * size:
        raise InvalidSignature
    return encode_dss_signature(int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big"))
