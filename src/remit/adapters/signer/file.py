"""The signer over key files: ES256 for tokens, Ed25519 for the log, one secret for keyed digests.

`create_key_folder` and `rotate_token_key` are for the command line; the plug itself only reads.
"""

import hmac
import os
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from remit.adapters.signer import key_files
from remit.adapters.signer.token_keys import (
    OVERLAP_MS,
    TOKEN,
    drop_token_keys,
    load_private,
    new_token_key,
    private_pem,
    read_private,
    read_token_keys,
    retire,
    settle_token_keys,
    signing_key,
    thumbprint,
)
from remit.domain.errors import Code, Refused
from remit.domain.identity import jws
from remit.domain.transcript.verification import make_vkey, refusal, verify_vkey
from remit.domain.values import Json
from remit.proof.canonical import b64url, canonical
from remit.proof.checkpoint import Vkey, read_checkpoint, signed_note
from remit.proof.errors import ProofError

LOG: Final = "log.pem"
VKEY: Final = "log.vkey"
SECRET: Final = "secret.key"  # noqa: S105  # a file's name

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
        TOKEN: private_pem(new_token_key()),
        LOG: private_pem(log),
        VKEY: vkey.encode(),
        SECRET: os.urandom(_SECRET_SIZE),
    }
    key_files.write_folder(directory, files)
    return vkey


def rotate_token_key(directory: Path, *, keep_old: bool) -> str:
    """Create a new token key and return its `kid`. Load a new `FileSigner` afterwards.

    With `keep_old`, tokens of the old keys stay valid until they expire. Without, all tokens end at once, as a
    recovery needs. A crash half way leaves the old key current, and is cured by rotating again. A desk that is served
    meanwhile needs `token_keys.plan_token_key`.

    Raises:
        Refused: `settings.invalid` when the folder cannot be read or written.
    """
    now_ms = _clock()
    if keep_old:
        settle_token_keys(directory, now_ms=now_ms)
        retire(directory, read_private(directory, TOKEN).public_key(), until_ms=now_ms + OVERLAP_MS)
    else:
        read_private(directory, TOKEN)
        drop_token_keys(directory)
    fresh = new_token_key()
    key_files.replace_file(directory, TOKEN, private_pem(fresh))
    return thumbprint(fresh.public_key())


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

    def __init__(self, directory: Path, now_ms: Callable[[], int] | None = None) -> None:
        """Load every key; token keys are read again by `refresh`. `now_ms` decides which of them signs.

        Raises:
            Refused: `settings.invalid` when a file is missing, open to others, or not the key it should be.
        """
        self._directory = directory
        self._now_ms = now_ms or _clock
        self._keys = read_token_keys(directory)
        self._log, self._vkey = _log_key(directory)
        self._secret = key_files.read_key_file(directory, SECRET)
        if len(self._secret) != _SECRET_SIZE:
            raise _invalid(f"{directory / SECRET} is not {_SECRET_SIZE} bytes")
        self._headers: dict[tuple[str, str], str] = {}
        self._keyed: dict[str, bytes] = {}
        self._pseudonyms: dict[bytes, bytes] = {}

    def jwks(self) -> Mapping[str, Json]:
        """Return the public token keys as a JWK set: the current one, those to come, and those still verified."""
        now_ms = self._now_ms()
        current, _ = signing_key(self._keys, now_ms)
        others = [one for one in self._keys if one is not current and now_ms < one.until_ms]
        return {"keys": [one.jwk() for one in (current, *others)]}

    def refresh(self) -> None:
        """Read the token keys again: another process may have made the next one.

        Raises:
            Refused: `settings.invalid`; the known keys stay.
        """
        self._keys = read_token_keys(self._directory)

    def sign_jwt(self, typ: str, claims: Mapping[str, Json]) -> str:
        """Sign a compact JWS with the current token key."""
        current, private = signing_key(self._keys, self._now_ms())
        header = self._headers.get((typ, current.kid))
        if header is None:
            header = b64url(canonical({"alg": "ES256", "kid": current.kid, "typ": typ}))
            self._headers[typ, current.kid] = header
        unsigned = f"{header}.{b64url(_json.encode(claims))}"
        return f"{unsigned}.{_signature(private, unsigned)}"

    def sign_document(self, payload: bytes, header: Mapping[str, str]) -> tuple[str, str]:
        """Sign bytes that are no token with the current token key, as a detached JWS: protected header and signature.

        `header` has what comes beside `alg` and `kid`. ⚔ Its `typ` must be none of our tokens'.
        """
        current, private = signing_key(self._keys, self._now_ms())
        protected = b64url(canonical({**header, "alg": "ES256", "kid": current.kid}))
        return protected, _signature(private, f"{protected}.{b64url(payload)}")

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
        now_ms = self._now_ms()
        # ⚔ A key that was stolen before it was retired signs nothing that counts after the last of its tokens.
        key = next((one.public for one in self._keys if one.kid == kid and now_ms < one.until_ms), None)
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


def _signature(key: ec.EllipticCurvePrivateKey, unsigned: str) -> str:
    r, s = decode_dss_signature(key.sign(unsigned.encode("ascii"), _ECDSA))
    return b64url(r.to_bytes(_COORDINATE, "big") + s.to_bytes(_COORDINATE, "big"))


def _clock() -> int:
    return time.time_ns() // 1_000_000


@lru_cache(maxsize=64)
def _ed25519_key(public: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(public)


def _log_key(directory: Path) -> tuple[Ed25519PrivateKey, Vkey]:
    key = load_private(directory, LOG)
    if not isinstance(key, Ed25519PrivateKey):
        raise _invalid(f"{directory / LOG} is not an Ed25519 key")
    try:
        vkey = verify_vkey(key_files.read_key_file(directory, VKEY).decode("utf-8", errors="strict").strip())
    except (Refused, UnicodeDecodeError) as problem:
        raise _invalid(f"{directory / VKEY}: {problem}") from None
    if vkey.public != key.public_key().public_bytes_raw():
        raise _invalid(f"{directory / VKEY} does not belong to {LOG}")
    return key, vkey


def _invalid(reason: str) -> Refused:
    return Refused(Code.SETTINGS_INVALID, reason)
