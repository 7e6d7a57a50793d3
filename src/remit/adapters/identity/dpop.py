"""Verification of DPoP proofs on every request.

Written by hand on `cryptography` for the hot path; joserfc is the oracle in its tests.
"""

from collections import OrderedDict
from typing import Final

from remit.adapters.identity.keys import PublicKey, UnknownKeyKind, verify_jwk
from remit.domain.errors import Code, Refused
from remit.domain.identity.assertions import MAX_JTI_LENGTH, replay_key
from remit.domain.identity.dpop import (
    PROOF_ALGORITHMS,
    WINDOW_MS,
    ProofRefused,
    issue_nonce,
    verify_claims,
    verify_header_type,
    verify_nonce,
)
from remit.domain.identity.jws import malformed_token, read_bytes, read_header, read_object, split, text_member
from remit.domain.structs import struct
from remit.domain.values import Instant
from remit.ports.identity import Proof

MAX_PROOF: Final = 4096
MAX_HEADERS: Final = 4096


@struct(frozen=True, kw_only=True)
class _Header:
    """A verified proof header: algorithm and key."""

    alg: str
    key: PublicKey


class DpopProofs:
    """Verifier of DPoP proofs (port `ProofVerifier`)."""

    def __init__(self, *, max_headers: int = MAX_HEADERS, nonce_secret: bytes | None = None) -> None:
        """Cache at most `max_headers` verified headers. With a secret, proofs must carry a nonce made with it."""
        self._nonce_secret = nonce_secret
        self._headers: OrderedDict[str, _Header] = OrderedDict()
        self._max_headers = max_headers

    def algorithms(self) -> tuple[str, ...]:
        """Return the algorithms that proofs may use."""
        return PROOF_ALGORITHMS

    def nonce(self, now: Instant) -> str | None:
        """Return the nonce of this minute, where proofs must carry one."""
        return None if self._nonce_secret is None else issue_nonce(self._nonce_secret, now)

    def verify_proof(
        self,
        unverified_proof: str,
        *,
        method: str,
        url: str,
        now: Instant,
        ath: str | None,
        expected_jkt: str | None,
    ) -> Proof:
        """Verify a proof for one request; every error is one of the proof."""
        try:
            return self._verify(unverified_proof, method, url, now, ath, expected_jkt)
        except Refused as refused:
            raise ProofRefused.of(refused) from refused

    def _verify(
        self,
        unverified_proof: str,
        method: str,
        url: str,
        now: Instant,
        ath: str | None,
        expected_jkt: str | None,
    ) -> Proof:
        """Run cheap checks first, the signature last."""
        segments = split(unverified_proof, max_chars=MAX_PROOF)
        known = self._headers.get(segments.header)
        header = known or _verify_header(segments.header)
        if expected_jkt is not None and header.key.jkt != expected_jkt:
            raise Refused(Code.CREDENTIAL_WRONG_KEY, "proof by another key")
        claims = read_object(segments.payload)
        jti, issued_at = verify_claims(claims, method=method, url=url, now=now, ath=ath)
        nonce = text_member(claims, "nonce", longest=MAX_JTI_LENGTH) if "nonce" in claims else None
        signing_input = f"{segments.header}.{segments.payload}".encode("ascii")
        header.key.verify_signature(header.alg, read_bytes(segments.signature), signing_input)
        if known is None:
            self._remember(segments.header, header)
        else:
            self._headers.move_to_end(segments.header)
        if self._nonce_secret is not None:
            # Last: a proof by another key learns nothing of our nonce.
            verify_nonce(nonce, self._nonce_secret, now)
        return Proof(
            jkt=header.key.jkt,
            jti=jti,
            iat=issued_at,
            nonce=nonce,
            replay_key=replay_key("dpop proof", header.key.jkt, jti),
            expires_at=Instant(issued_at + 2 * WINDOW_MS),  # a minute more than needed: the clocks of nodes differ
        )

    def _remember(self, segment: str, header: _Header) -> None:
        """Cache a header. ⚔ Only headers whose key has just signed, and a limited number."""
        self._headers[segment] = header
        if len(self._headers) > self._max_headers:
            self._headers.popitem(last=False)


def _verify_header(segment: str) -> _Header:
    """Verify a proof's header and import its key. `kid`, `jku`, `x5u` and `x5c` are ignored.

    Raises:
        Refused: `credential.malformed_token`, or `credential.wrong_key` for an algorithm of another key kind.

    Source: RFC 9449 §4.2, §4.3 (4)-(7).
    """
    header = read_header(segment)
    verify_header_type(header)
    alg = text_member(header, "alg")
    if alg not in PROOF_ALGORITHMS:
        raise malformed_token(f"'alg' must be one of {', '.join(PROOF_ALGORITHMS)}")
    jwk = header.get("jwk")
    if not isinstance(jwk, dict):
        raise malformed_token("'jwk' must be a public key")
    try:
        return _Header(alg=alg, key=verify_jwk(jwk))
    except UnknownKeyKind:
        raise malformed_token("'jwk' is of a kind that is not supported") from None
