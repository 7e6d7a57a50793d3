"""Signatures of the backoffice contract: one strict profile of HTTP Message Signatures with Ed25519.

A request covers method, address, body, an act's key and token; an answer its status, body and the request's signature.
Source: RFC 9421, RFC 9530; docs/backoffice.md#signatures.
"""

import hashlib
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from remit.domain.errors import Code, Refused
from remit.domain.identity.message_signatures import content_digest
from remit.domain.structs import struct
from remit.proof.canonical import b64url, canonical

LABEL: Final = "remit"
TAG: Final = "remit-backoffice"
MAX_AGE_S: Final = 60
_MAX_SKEW_S: Final = 5
_REQUEST: Final = ("@method", "@target-uri", "content-digest")
_ACT: Final = ("idempotency-key", "txn-token")
_ANSWER: Final = '"@status" "content-digest" "signature";req;key="remit"'
_INPUT: Final = re.compile(
    r"remit=(?P<params>\((?P<covered>[^()]{1,200})\);created=(?P<created>[0-9]{1,12});expires=(?P<expires>[0-9]{1,12})"
    r';nonce="(?P<nonce>[A-Za-z0-9_-]{22})";keyid="(?P<keyid>[A-Za-z0-9_-]{43})";alg="ed25519";tag="remit-backoffice")',
    re.ASCII,
)
_VALUE: Final = re.compile(r"remit=:(?P<signature>[A-Za-z0-9+/]{86}==):", re.ASCII)


@struct(frozen=True, kw_only=True)
class SignedRequest:
    """The parts of a request that its signature covers; header names are in small letters."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


def key_id(key: Ed25519PublicKey) -> str:
    """Return the RFC 7638 thumbprint of a public key (RFC 8037 appendix A.3)."""
    x = b64url(key.public_bytes(Encoding.Raw, PublicFormat.Raw))
    return b64url(hashlib.sha256(canonical({"crv": "Ed25519", "kty": "OKP", "x": x})).digest())


class MessageSigner:
    """Signs requests and answers with one private key."""

    def __init__(self, key: Ed25519PrivateKey, *, now_s: Callable[[], int], random: Callable[[int], bytes]) -> None:
        """`now_s` gives the time in seconds since 1970."""
        self._key = key
        self._now_s = now_s
        self._random = random
        self._key_id = key_id(key.public_key())

    def request_headers(self, request: SignedRequest) -> dict[str, str]:
        """Return the headers that sign a request."""
        digest = content_digest(request.body)
        covered = _request_components(request.headers)
        lines = [f'"@method": {request.method}', f'"@target-uri": {request.url}', f'"content-digest": {digest}']
        lines += [f'"{name}": {request.headers[name]}' for name in covered[len(_REQUEST) :]]
        return {"content-digest": digest, **self._sign(" ".join(f'"{name}"' for name in covered), lines)}

    def answer_headers(self, status: int, body: bytes, *, request_signature: str) -> dict[str, str]:
        """Return the headers that sign the answer to a request with this `Signature` header."""
        digest = content_digest(body)
        return {"content-digest": digest, **self._sign(_ANSWER, _answer_lines(status, digest, request_signature))}

    def _sign(self, covered: str, lines: list[str]) -> dict[str, str]:
        now_s = self._now_s()
        params = (
            f"({covered});created={now_s};expires={now_s + MAX_AGE_S};"
            f'nonce="{b64url(self._random(16))}";keyid="{self._key_id}";alg="ed25519";tag="{TAG}"'
        )
        signature = self._key.sign(_base(lines, params))
        return {"signature-input": f"{LABEL}={params}", "signature": f"{LABEL}=:{b64encode(signature).decode()}:"}


class MessageVerifier:
    """Verifies requests and answers by known public keys. ⚔ The digest is that of the body, whatever a header says."""

    def __init__(self, keys: tuple[Ed25519PublicKey, ...], *, now_s: Callable[[], int]) -> None:
        """Several keys allow their rotation."""
        self._keys = {key_id(key): key for key in keys}
        self.now_s = now_s

    def verify_request(self, request: SignedRequest) -> tuple[str, int]:
        """Verify a request's signature; return its nonce and expiry in seconds since 1970, to refuse a replay.

        Raises:
            Refused: `credential.malformed`, `credential.wrong_key`, `credential.expired`.
        """
        covered = _request_components(request.headers)
        digest = content_digest(request.body)
        lines = [f'"@method": {request.method}', f'"@target-uri": {request.url}', f'"content-digest": {digest}']
        lines += [f'"{name}": {request.headers[name]}' for name in covered[len(_REQUEST) :]]
        return self._verify(request.headers, " ".join(f'"{name}"' for name in covered), lines)

    def verify_answer(self, status: int, headers: Mapping[str, str], body: bytes, *, request_signature: str) -> None:
        """Verify that an answer is signed, and answers the request with this `Signature` header.

        Raises:
            Refused: `credential.malformed`, `credential.wrong_key`, `credential.expired`.
        """
        digest = content_digest(body)
        self._verify(headers, _ANSWER, _answer_lines(status, digest, request_signature))

    def _verify(self, headers: Mapping[str, str], covered: str, lines: list[str]) -> tuple[str, int]:
        given = _INPUT.fullmatch(headers.get("signature-input", ""))
        value = _VALUE.fullmatch(headers.get("signature", ""))
        if given is None or value is None or given["covered"] != covered:
            raise _refused(Code.CREDENTIAL_MALFORMED, f"it needs one signature that covers {covered}")
        key = self._keys.get(given["keyid"])
        if key is None:
            raise _refused(Code.CREDENTIAL_WRONG_KEY, "it is signed by an unknown key")
        created, expires, now_s = int(given["created"]), int(given["expires"]), self.now_s()
        if not (created - _MAX_SKEW_S <= now_s < expires <= created + MAX_AGE_S):
            raise _refused(Code.CREDENTIAL_EXPIRED, "its signature is too old, or of the future")
        try:
            key.verify(b64decode(value["signature"]), _base(lines, given["params"]))
        except InvalidSignature:
            raise _refused(Code.CREDENTIAL_WRONG_KEY, "its signature does not match") from None
        return given["nonce"], expires


def _request_components(headers: Mapping[str, str]) -> tuple[str, ...]:
    """⚔ Every header that the contract gives a meaning is covered wherever it is there."""
    return (*_REQUEST, *(name for name in _ACT if name in headers))


def _answer_lines(status: int, digest: str, request_signature: str) -> list[str]:
    signed = request_signature.removeprefix(f"{LABEL}=")
    return [f'"@status": {status}', f'"content-digest": {digest}', f'"signature";req;key="{LABEL}": {signed}']


def _base(lines: list[str], params: str) -> bytes:
    return "\n".join([*lines, f'"@signature-params": {params}']).encode()


def _refused(code: Code, problem: str) -> Refused:
    return Refused(code, f"the message's signature: {problem}", public=f"The signature cannot be used: {problem}.")
