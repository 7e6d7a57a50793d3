"""The signer over key files: ES256 for tokens, Ed25519 for the log, one secret for keyed digests.

`create_key_folder` and `rotate_token_key` are for the command line; the plug itself only reads.
"""

import hmac
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
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
from remit.domain.identity import jws
from remit.domain.transcript.verification import make_vkey, refusal, verify_vkey
from remit.domain.values import Json
from remit.proof.canonical import b64url, canonical
from remit.proof.checkpoint import Vkey, read_checkpoint, signed_note
from remit.proof.errors import ProofError

TOKEN: Final = "token.pem"  # noqa: S105  # a file's name
LOG: Final = "log.pem"
VKEY: Final = "log.vkey"
SECRET: Final = "secret.key"  # noqa: S105  # a file's name
RETIRED: Final = "retired-"

_SECRET_SIZE: Final = 32
_COORDINATE: Final = 32
_ECDSA: Final = ec.ECDSA(hashes.SHA256())
_KEYED: Final = b"remit-keyed-v1\x00"
_KEPT_PURPOSE: Final = "pseudonym"
"""The only purpose whose digests are cached: customers return, and their ids are no secrets."""
_MAX_PSEUDONYMS: Final = 4096
_json: Final = msgspec.json.Encoder(decimal_format="number")


def create_key_folder(directory: Path, name: str) -> str:
    """Create all keys in a new folder and return the log's public key. `name` is the log's name and origin.

    Raises:
        Refused: `settings.invalid` when the folder is not empty, or the name cannot be a key's name.
    """
    log = Ed25519PrivateKey.generate()
    try:
        vkey = str(make_vkey(name, log.public_key().public_bytes_raw()))
    except Refused as refused:
        raise _invalid(refused.detail) from None
    files = {
        TOKEN: _private_pem(_new_token_key()),
        LOG: _private_pem(log),
        VKEY: vkey.encode(),
        SECRET: os.urandom(_SECRET_SIZE),
    }
    key_files.write_folder(directory, files)
    return vkey


def rotate_token_key(directory: Path, *, keep_old: bool) -> str:
    """Create a new token key and return its `kid`. Load a new `FileSigner` afterwards.

    With `keep_old`, tokens of the old keys stay valid until they expire. Without, all tokens end at once, as a
    recovery needs. A crash half way leaves the old key current, and is cured by rotating again.

    Raises:
        Refused: `settings.invalid` when the folder cannot be read or written.
    """
    old = _token_key(directory)
    fresh = _new_token_key()
    if keep_old:
        pem = old.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        key_files.replace_file(directory, f"{RETIRED}{_thumbprint(old.public_key())}.pem", pem)
    else:
        for name in _retired_names(directory):
            key_files.remove_file(directory, name)
    key_files.replace_file(directory, TOKEN, _private_pem(fresh))
    return _thumbprint(fresh.public_key())


def verify_ed25519(public: bytes, message: bytes, signature: bytes) -> None:
    """Verify an Ed25519 signature; the arithmetic behind `proof.checkpoint.VerifyEd25519`.

    Raises:
        ProofError: the signature is wrong.

    Source: RFC 8032 §5.1.7.
    """
    try:
        _ed25519_key(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        raise ProofError("the signature is not good") from None


class FileSigner:
    """Keys of the desk, from one folder."""

    def __init__(self, directory: Path) -> None:
        """Load every key once.

        Raises:
            Refused: `settings.invalid` when a file is missing, open to others, or not the key it should be.
        """
        self._token = _token_key(directory)
        self._kid = _thumbprint(self._token.public_key())
        retired = [_public_key(directory, name) for name in _retired_names(directory)]
        self._publics = {_thumbprint(key): key for key in (self._token.public_key(), *retired)}
        self._log, self._vkey = _log_key(directory)
        self._secret = key_files.read_key_file(directory, SECRET)
        if len(self._secret) != _SECRET_SIZE:
            raise _invalid(f"{directory / SECRET} is not {_SECRET_SIZE} bytes")
        self._headers: dict[str, str] = {}
        self._keyed: dict[str, bytes] = {}
        self._pseudonyms: dict[bytes, bytes] = {}

    def jwks(self) -> Mapping[str, Json]:
        """Return the public token keys as a JWK set, current first."""
        return {"keys": [{**_jwk(key), "alg": "ES256", "kid": kid, "use": "sig"} for kid, key in self._publics.items()]}

    def sign_jwt(self, typ: str, claims: Mapping[str, Json]) -> str:
        """Sign a compact JWS with the current token key."""
        header = self._headers.get(typ)
        if header is None:
            header = self._headers[typ] = b64url(canonical({"alg": "ES256", "kid": self._kid, "typ": typ}))
        unsigned = f"{header}.{b64url(_json.encode(claims))}"
        return f"{unsigned}.{self._signature(unsigned)}"

    def sign_document(self, payload: bytes, header: Mapping[str, str]) -> tuple[str, str]:
        """Sign bytes that are no token with the current token key, as a detached JWS: protected header and signature.

        `header` has what comes beside `alg` and `kid`. ⚔ Its `typ` must be none of our tokens'.
        """
        protected = b64url(canonical({**header, "alg": "ES256", "kid": self._kid}))
        return protected, self._signature(f"{protected}.{b64url(payload)}")

    def _signature(self, unsigned: str) -> str:
        r, s = decode_dss_signature(self._token.sign(unsigned.encode("ascii"), _ECDSA))
        return b64url(r.to_bytes(_COORDINATE, "big") + s.to_bytes(_COORDINATE, "big"))

    def verify_jwt(self, unverified_token: str, typ: str) -> Mapping[str, Json]:
        """Verify one of our own tokens: signature, `typ`, algorithm; not its claims.

        Raises:
            Refused: `credential.malformed`, or `credential.wrong_key` for a foreign key or bad signature.

        Source: RFC 7515 §5.2, RFC 7518 §3.4; ⚔ RFC 8725 §3.1 (the algorithm is ours to say), §3.11 (explicit typing).
        """
        token = jws.read(unverified_token)
        if token.header.get("alg") != "ES256":
            raise Refused(Code.CREDENTIAL_MALFORMED, "the algorithm is not ES256")
        if token.header.get("typ") != typ:
            raise Refused(Code.CREDENTIAL_MALFORMED, f"the token is not a {typ}")
        kid = token.header.get("kid")
        key = self._publics.get(kid) if isinstance(kid, str) else None
        if key is None:
            raise Refused(Code.CREDENTIAL_WRONG_KEY, "no key of this desk signed the token")
        if len(token.signature) != 2 * _COORDINATE:
            raise Refused(Code.CREDENTIAL_MALFORMED, "an ES256 signature has 64 bytes")
        r, s = (int.from_bytes(half, "big") for half in (token.signature[:_COORDINATE], token.signature[_COORDINATE:]))
        try:
            key.verify(encode_dss_signature(r, s), token.signing_input, _ECDSA)
        except InvalidSignature:
            raise Refused(Code.CREDENTIAL_WRONG_KEY, "the token's signature is not good") from None
        return token.claims

    def log_key(self) -> str:
        """Return the log's public key in C2SP vkey form: `name+hash+base64`."""
        return str(self._vkey)

    def sign_note(self, text: str) -> str:
        """Sign a checkpoint body (ending in a newline) as a C2SP signed note and return the whole note.

        Raises:
            Refused: `receipt.invalid` when the text is no checkpoint of this log: the key signs nothing else.
        """
        try:
            origin = read_checkpoint(text).origin
        except ProofError as error:
            raise refusal(error) from None
        if origin != self._vkey.name:
            raise Refused(Code.RECEIPT_INVALID, "the checkpoint is of another log")
        return signed_note(text, self._vkey, self._log.sign(text.encode("utf-8", errors="strict")))

    def keyed(self, purpose: str, data: bytes) -> bytes:
        """Return the HMAC-SHA256 of data under a key per purpose (pseudonyms, fingerprints, nonces).

        Digests of one purpose never match those of another.
        """
        key = self._keyed.get(purpose)
        if key is None:
            key = self._keyed[purpose] = hmac.digest(self._secret, _KEYED + purpose.encode(), "sha256")
        if purpose != _KEPT_PURPOSE:
            return hmac.digest(key, data, "sha256")
        known = self._pseudonyms.get(data)
        if known is None:
            if len(self._pseudonyms) >= _MAX_PSEUDONYMS:
                self._pseudonyms.clear()
            known = self._pseudonyms[data] = hmac.digest(key, data, "sha256")
        return known


@lru_cache(maxsize=64)
def _ed25519_key(public: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(public)


def _new_token_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _private_pem(key: ec.EllipticCurvePrivateKey | Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _token_key(directory: Path) -> ec.EllipticCurvePrivateKey:
    key = _private_key(directory, TOKEN)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise _invalid(f"{directory / TOKEN} is not a P-256 key")
    return key


def _log_key(directory: Path) -> tuple[Ed25519PrivateKey, Vkey]:
    key = _private_key(directory, LOG)
    if not isinstance(key, Ed25519PrivateKey):
        raise _invalid(f"{directory / LOG} is not an Ed25519 key")
    try:
        vkey = verify_vkey(key_files.read_key_file(directory, VKEY).decode("utf-8", errors="strict").strip())
    except (Refused, UnicodeDecodeError) as problem:
        raise _invalid(f"{directory / VKEY}: {problem}") from None
    if vkey.public != key.public_key().public_bytes_raw():
        raise _invalid(f"{directory / VKEY} does not belong to {LOG}")
    return key, vkey


def _private_key(directory: Path, name: str) -> object:
    try:
        return load_pem_private_key(key_files.read_key_file(directory, name), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _invalid(f"{directory / name} is not a private key in PEM") from None


def _public_key(directory: Path, name: str) -> ec.EllipticCurvePublicKey:
    try:
        key = load_pem_public_key(key_files.read_key_file(directory, name))
    except (ValueError, UnsupportedAlgorithm):
        raise _invalid(f"{directory / name} is not a public key in PEM") from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise _invalid(f"{directory / name} is not a P-256 key")
    return key


def _retired_names(directory: Path) -> list[str]:
    return [name for name in key_files.key_file_names(directory) if name.startswith(RETIRED) and name.endswith(".pem")]


def _jwk(key: ec.EllipticCurvePublicKey) -> dict[str, Json]:
    numbers = key.public_numbers()
    x, y = (b64url(number.to_bytes(_COORDINATE, "big")) for number in (numbers.x, numbers.y))
    return {"crv": "P-256", "kty": "EC", "x": x, "y": y}


def _thumbprint(key: ec.EllipticCurvePublicKey) -> str:
    """Return the RFC 7638 thumbprint: the required members in canonical form."""
    digest = hashes.Hash(hashes.SHA256())
    digest.update(canonical(_jwk(key)))
    return b64url(digest.finalize())


def _invalid(reason: str) -> Refused:
    return Refused(Code.SETTINGS_INVALID, reason)
