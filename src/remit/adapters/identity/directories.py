"""The signed directory in which an agent publishes its keys (Web Bot Auth)."""

from typing import Final

from remit.adapters.identity.fetching import Fetched
from remit.adapters.identity.key_sets import KeySet, verify_jwks
from remit.adapters.identity.keys import PublicKey
from remit.domain.errors import Code, Refused
from remit.domain.identity.message_signatures import (
    DIRECTORY_TAG,
    SignedMessage,
    UnverifiedSignature,
    read_signatures,
    signature_base,
    verify_algorithm,
    verify_content_digest,
    verify_times,
)
from remit.domain.values import Instant, decode_json

WELL_KNOWN: Final = "/.well-known/http-message-signatures-directory"
MEDIA_TYPE: Final = "application/http-message-signatures-directory+json"
_BOUND: Final = '"@authority";req'
_OK: Final = 200


def directory_address(origin: str) -> str:
    """Return the address of an origin's directory."""
    return origin + WELL_KNOWN


def verify_directory(origin: str, fetched: Fetched, *, now: Instant) -> KeySet:
    """Return the keys of a directory that signed it for this very origin.

    ⚔ A key counts only where its owner signed the directory that lists it, for the host that serves it: another
    party's keys, copied into a directory of one's own, would make that party's requests one's own.

    Raises:
        Refused: `request.malformed`, `credential.malformed`, `credential.wrong_key`, `credential.expired`.

    Source: draft-meunier-http-message-signatures-directory §5, §6.
    """
    media_type = next((value for name, value in fetched.headers if name == "content-type"), "")
    if fetched.status != _OK or media_type.partition(";")[0].strip().lower() != MEDIA_TYPE:
        raise _unusable(f"it must answer 200 with {MEDIA_TYPE}")
    listed = verify_jwks(decode_json(fetched.body, max_bytes=len(fetched.body)))
    message = SignedMessage(method="GET", url=directory_address(origin), headers=fetched.headers, status=fetched.status)
    signed = [one for one in read_signatures(message) if one.tag == DIRECTORY_TAG]
    keys = tuple(key for one in signed for key in _signer(message, one, listed, fetched.body, now))
    if not keys:
        raise _unusable("none of its keys signed it for this host")
    return KeySet(keys=keys, refresh_ms=listed.refresh_ms)


def _signer(
    message: SignedMessage, signature: UnverifiedSignature, listed: KeySet, body: bytes, now: Instant
) -> tuple[PublicKey, ...]:
    """Return the listed key that made a signature; none for a signature by a key that is not listed."""
    found = listed.signer(signature.text("keyid"))
    if found is None:
        return ()
    if _BOUND not in signature.names:
        raise _unusable("its signature does not cover the host")
    if '"content-digest"' in signature.names:
        verify_content_digest(message.field("content-digest"), body)
    verify_times(signature, now, most_s=None)
    alg = verify_algorithm(signature.algorithm, found.algorithms)
    found.verify_signature(alg, signature.signature, signature_base(message, signature))
    return (found,)


def _unusable(reason: str) -> Refused:
    return Refused(
        Code.REQUEST_MALFORMED, f"directory: {reason}", public=f"The key directory cannot be used: {reason}."
    )
