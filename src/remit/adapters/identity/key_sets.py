"""Parsing of JWK sets and SPIFFE bundles, and choice of a key. Files and network are in `key_sources`."""

from base64 import b64decode
from collections.abc import Mapping, Sequence
from typing import Final

from cryptography import x509

from remit.adapters.identity.certificates import read_certificate, verify_signing
from remit.adapters.identity.keys import PublicKey, UnknownKeyKind, verify_jwk
from remit.domain.errors import Code, Refused
from remit.domain.structs import struct
from remit.domain.values import Json

MAX_KEYS: Final = 100
REFRESH_MS: Final = 300_000
MIN_REFRESH_MS: Final = 10_000
MAX_REFRESH_MS: Final = 3_600_000


@struct(frozen=True, kw_only=True)
class KeySet:
    """Usable keys of one source, and the time until they are read again."""

    keys: tuple[PublicKey, ...]
    refresh_ms: int
    authorities: tuple[x509.Certificate, ...] = ()
    """The X.509 authorities of a SPIFFE bundle."""

    def signer(self, thumbprint: str) -> PublicKey | None:
        """Return the key with this RFC 7638 thumbprint."""
        return next((key for key in self.keys if key.jkt == thumbprint), None)

    def named(self, kid: str | None) -> tuple[PublicKey, ...]:
        """Return the keys with this `kid`; without one, all."""
        return self.keys if kid is None else tuple([key for key in self.keys if key.kid == kid])

    def verify_choice(self, kid: str | None, alg: str) -> PublicKey:
        """Return the one matching key.

        ⚔ Never "try them all": with two keys of one name, the sender would choose which one counts.

        Raises:
            Refused: `credential.wrong_key` when none or several fit.

        Source: RFC 7515 §4.1.4, RFC 8725 §3.1.
        """
        named = self.named(kid)
        fitting = named if kid is not None else tuple(key for key in named if alg in key.algorithms)
        if len(fitting) != 1:
            raise Refused(
                Code.CREDENTIAL_WRONG_KEY,
                f"{len(fitting)} keys fit kid {kid!r}",
                public="No single registered key fits the header's kid and alg.",
            )
        return fitting[0]


def verify_jwks(value: Json) -> KeySet:
    """Parse a client's JWK set. Keys of unknown kind or for encryption are skipped, bad keys spoil the set.

    Raises:
        Refused: `request.malformed`.

    Source: RFC 7517 §5.
    """
    keys = tuple(key for jwk in _members(value) if _signs(jwk) for key in _known(jwk))
    if len(keys) > 1 and any(key.kid is None for key in keys):
        raise _unusable("with several keys, each needs a kid")
    return _key_set(keys, REFRESH_MS)


def verify_bundle(value: Json) -> KeySet:
    """Parse the JWT keys and X.509 authorities of a SPIFFE bundle; entries of other uses are skipped, as it requires.

    Raises:
        Refused: `request.malformed`, also when a JWT key has no `kid`.

    Source: SPIFFE Trust Domain and Bundle §4; JWT-SVID §5; X509-SVID §6.
    """
    keys = tuple(key for jwk in _members(value) if jwk.get("use") == "jwt-svid" for key in _known(jwk))
    if any(key.kid is None for key in keys):
        raise _unusable("a jwt-svid key has no kid")
    return _key_set(keys, _refresh_ms(value), _authorities(value))


def _key_set(keys: tuple[PublicKey, ...], refresh_ms: int, authorities: tuple[x509.Certificate, ...] = ()) -> KeySet:
    if not keys and not authorities:
        raise _unusable("it holds no usable key")
    return KeySet(keys=keys, refresh_ms=refresh_ms, authorities=authorities)


def _authorities(value: Json) -> tuple[x509.Certificate, ...]:
    """Return the X.509 authorities. ⚔ One entry that is none spoils them all, and the JWT keys stay."""
    try:
        return tuple(_authority(jwk) for jwk in _members(value) if jwk.get("use") == "x509-svid")
    except (Refused, ValueError):
        return ()


def _authority(jwk: Mapping[str, Json]) -> x509.Certificate:
    match jwk.get("x5c"):
        case [str(text)]:
            return verify_signing(read_certificate(b64decode(text, validate=True)))
        case _:
            raise ValueError


def _members(value: Json) -> Sequence[Mapping[str, Json]]:
    listed = value.get("keys") if isinstance(value, Mapping) else None
    if not isinstance(listed, Sequence) or isinstance(listed, str):
        raise _unusable("it has no list 'keys'")
    if len(listed) > MAX_KEYS:
        raise _unusable(f"'keys' must list at most {MAX_KEYS} keys")
    members = [jwk for jwk in listed if isinstance(jwk, Mapping)]
    if len(members) != len(listed):
        raise _unusable("a key is not an object")
    return members


def _signs(jwk: Mapping[str, Json]) -> bool:
    if jwk.get("use", "sig") != "sig":
        return False
    operations = jwk.get("key_ops", ["verify"])
    return isinstance(operations, Sequence) and not isinstance(operations, str) and "verify" in operations


def _known(jwk: Mapping[str, Json]) -> tuple[PublicKey, ...]:
    try:
        return (verify_jwk(jwk),)
    except UnknownKeyKind:
        return ()
    except Refused as refused:
        raise _unusable(refused.detail) from None


def _refresh_ms(value: Json) -> int:
    hint = value.get("spiffe_refresh_hint") if isinstance(value, Mapping) else None
    if hint is None:
        return REFRESH_MS
    if isinstance(hint, bool) or not isinstance(hint, int) or hint < 0:
        raise _unusable("'spiffe_refresh_hint' must be a number of seconds")
    return min(max(hint * 1000, MIN_REFRESH_MS), MAX_REFRESH_MS)


def _unusable(reason: str) -> Refused:
    return Refused(Code.REQUEST_MALFORMED, f"key set: {reason}", public=f"The key set cannot be used: {reason}.")
