"""The desk's token keys and their lives: published, then used, then verified until the last of their tokens is over.

Times stand in the names of the files, so that all processes and machines with the same folder agree. A crash at any
point leaves a folder that reads as before or after the step.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from remit.adapters.signer import key_files
from remit.domain.errors import Code, Refused
from remit.domain.structs import struct
from remit.domain.values import Json
from remit.proof.canonical import b64url, canonical

TOKEN: Final = "token.pem"  # noqa: S105  # a file's name
"""The private key in use, or used before a `next-` one whose time has come."""
NEXT: Final = "next-"
"""`next-<from>-<kid>.pem`: a private key that is published now and signs from that moment (ms since 1970)."""
RETIRED: Final = "retired-"
"""`retired-<until>-<kid>.pem`: a public key whose tokens verify until then. Without a time, as earlier versions wrote
it, until `OVERLAP_MS` after the file was made."""
OVERLAP_MS: Final = 900_000
"""Longer than anything lives that a token key signs, with clocks a minute apart."""

_COORDINATE: Final = 32
_NEXT: Final = re.compile(r"next-([0-9]{13})-[A-Za-z0-9_-]{43}\.pem", re.ASCII)
_UNTIL: Final = re.compile(r"retired-([0-9]{13})-[A-Za-z0-9_-]{43}\.pem", re.ASCII)
_FOREVER: Final = 1 << 62
_TRIES: Final = 5


@struct(frozen=True, kw_only=True)
class TokenKey:
    """One key. It signs from `from_ms` on until another one does, and verifies until `until_ms`."""

    kid: str
    public: ec.EllipticCurvePublicKey
    private: ec.EllipticCurvePrivateKey | None
    from_ms: int
    until_ms: int

    def jwk(self) -> Mapping[str, Json]:
        """Return the public key for the JWK set."""
        return {**jwk_of(self.public), "alg": "ES256", "kid": self.kid, "use": "sig"}


def read_token_keys(directory: Path) -> tuple[TokenKey, ...]:
    """Read all keys of a folder: those that sign in the order of their times, then the retired ones.

    Raises:
        Refused: `settings.invalid` when a file is missing, open to others, or not the key it should be.
    """
    for _ in range(_TRIES):
        names = key_files.key_file_names(directory)
        try:
            keys = _read(directory, names)
        except Refused:
            if names == key_files.key_file_names(directory):
                raise
            continue  # another process is moving a key into its place
        if names == key_files.key_file_names(directory):
            return keys
    raise _invalid(f"{directory} kept changing")


def _read(directory: Path, names: Sequence[str]) -> tuple[TokenKey, ...]:
    signing = [(0, read_private(directory, TOKEN))]
    known = {thumbprint(signing[0][1].public_key())}
    for name in names:
        found = _NEXT.fullmatch(name)
        if found is None:
            continue
        key = read_private(directory, name)
        if (kid := thumbprint(key.public_key())) not in known:  # it is in its place already: a crash kept its file
            known.add(kid)
            signing.append((int(found[1]), key))
    signing.sort(key=lambda one: one[0])
    ends = [from_ms + OVERLAP_MS for from_ms, _ in signing[1:]] + [_FOREVER]
    keys = [_signing(key, from_ms, until_ms) for (from_ms, key), until_ms in zip(signing, ends, strict=True)]
    return (*keys, *(_retired(directory, name) for name in names if name.startswith(RETIRED) and name.endswith(".pem")))


def plan_token_key(directory: Path, *, now_ms: int, from_ms: int) -> str:
    """Make the next token key, published from now on and used from a later moment, and return its `kid`.

    Raises:
        Refused: `settings.invalid` when another one waits for its time, or the folder cannot be read or written.
    """
    pending = [one for one in read_token_keys(directory) if one.private is not None and one.from_ms > now_ms]
    if pending:
        raise _invalid(f"the token key {pending[0].kid} is published already and not yet in use")
    settle_token_keys(directory, now_ms=now_ms)
    fresh = new_token_key()
    kid = thumbprint(fresh.public_key())
    key_files.replace_file(directory, f"{NEXT}{from_ms:013d}-{kid}.pem", private_pem(fresh))
    return kid


def settle_token_keys(directory: Path, *, now_ms: int) -> None:
    """Put the key in use into its place, retire the one before it, and delete keys without live tokens.

    Raises:
        Refused: `settings.invalid` when the folder cannot be read or written.
    """
    keys = read_token_keys(directory)
    used = [one for one in keys if one.private is not None and one.from_ms <= now_ms]
    for old in used[:-1]:
        retire(directory, old.public, until_ms=old.until_ms)
    current = used[-1].private
    if len(used) > 1 and current is not None:
        key_files.replace_file(directory, TOKEN, private_pem(current))
    for name in key_files.key_file_names(directory):
        found = _NEXT.fullmatch(name)
        if (found is not None and int(found[1]) <= now_ms) or (
            name.startswith(RETIRED) and name.endswith(".pem") and _retired(directory, name).until_ms <= now_ms
        ):
            key_files.remove_file(directory, name)


def drop_token_keys(directory: Path) -> None:
    """Delete every key but `token.pem`.

    Raises:
        Refused: `settings.invalid`.
    """
    for name in key_files.key_file_names(directory):
        if name.startswith((RETIRED, NEXT)) and name.endswith(".pem"):
            key_files.remove_file(directory, name)


def retire(directory: Path, public: ec.EllipticCurvePublicKey, *, until_ms: int) -> None:
    """Keep a public key for verification until a moment.

    Raises:
        Refused: `settings.invalid` when the folder cannot be written.
    """
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    key_files.replace_file(directory, f"{RETIRED}{until_ms:013d}-{thumbprint(public)}.pem", pem)


def new_token_key() -> ec.EllipticCurvePrivateKey:
    """Make a token key."""
    return ec.generate_private_key(ec.SECP256R1())


def private_pem(key: ec.EllipticCurvePrivateKey | Ed25519PrivateKey) -> bytes:
    """Return a private key as PEM."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def read_private(directory: Path, name: str) -> ec.EllipticCurvePrivateKey:
    """Read a private token key.

    Raises:
        Refused: `settings.invalid`.
    """
    key = load_private(directory, name)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise _invalid(f"{directory / name} is not a P-256 key")
    return key


def load_private(directory: Path, name: str) -> object:
    """Load a private key of any kind.

    Raises:
        Refused: `settings.invalid`.
    """
    try:
        return load_pem_private_key(key_files.read_key_file(directory, name), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _invalid(f"{directory / name} is not a private key in PEM") from None


def thumbprint(key: ec.EllipticCurvePublicKey) -> str:
    """Return the RFC 7638 thumbprint: the required members in canonical form."""
    digest = hashes.Hash(hashes.SHA256())
    digest.update(canonical(jwk_of(key)))
    return b64url(digest.finalize())


def jwk_of(key: ec.EllipticCurvePublicKey) -> dict[str, Json]:
    """Return the required members of a key's JWK."""
    numbers = key.public_numbers()
    x, y = (b64url(number.to_bytes(_COORDINATE, "big")) for number in (numbers.x, numbers.y))
    return {"crv": "P-256", "kty": "EC", "x": x, "y": y}


def signing_key(keys: Sequence[TokenKey], now_ms: int) -> tuple[TokenKey, ec.EllipticCurvePrivateKey]:
    """Return the key that signs at a moment, the newest one in use by then, and its private half."""
    return [(one, one.private) for one in keys if one.private is not None and one.from_ms <= now_ms][-1]


def _signing(key: ec.EllipticCurvePrivateKey, from_ms: int, until_ms: int) -> TokenKey:
    public = key.public_key()
    return TokenKey(kid=thumbprint(public), public=public, private=key, from_ms=from_ms, until_ms=until_ms)


def _retired(directory: Path, name: str) -> TokenKey:
    try:
        key = load_pem_public_key(key_files.read_key_file(directory, name))
    except (ValueError, UnsupportedAlgorithm):
        raise _invalid(f"{directory / name} is not a public key in PEM") from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise _invalid(f"{directory / name} is not a P-256 key")
    found = _UNTIL.fullmatch(name)
    until_ms = int((directory / name).stat().st_mtime * 1000) + OVERLAP_MS if found is None else int(found[1])
    return TokenKey(kid=thumbprint(key), public=key, private=None, from_ms=0, until_ms=until_ms)


def _invalid(reason: str) -> Refused:
    return Refused(Code.SETTINGS_INVALID, reason)
