"""Pseudonyms and keyed digests in envelopes, which are never erased: only the desk can compute or compare them."""

from collections.abc import Callable
from typing import TypeAlias

from remit.domain.records import AgentRecord, MandateRecord, PasskeyRecord
from remit.proof.canonical import b64url, canonical

Keyed: TypeAlias = Callable[[str, bytes], bytes]
"""HMAC of data under a secret of one purpose (`ports/signer.py`)."""

_SIZE = 16


def pseudonym_of(keyed: Keyed, what: str) -> str:
    """Return a stable pseudonym of a personal id."""
    return b64url(keyed("pseudonym", what.encode())[:_SIZE])


def keyed_digest_of(keyed: Keyed, what: str) -> str:
    """Return a digest whose content cannot be guessed, even after erasure."""
    return b64url(keyed("digest", what.encode("utf-8", errors="surrogatepass"))[:_SIZE])


def passkey_digest(keyed: Keyed, passkey: PasskeyRecord) -> str:
    """Return the digest of all that never changes of a passkey, logged with its enrolment."""
    kept = [passkey.id, passkey.person, passkey.public_key, passkey.how, passkey.created_at, passkey.young_since]
    return keyed_digest_of(keyed, canonical(["passkey", *kept]).decode())


def limits_digest(keyed: Keyed, mandate: MandateRecord) -> str:
    """Return the digest of a mandate's present limits, logged with each narrowing."""
    kept = [mandate.wire, mandate.expires_at, mandate.max_tasks, list(mandate.power_roots)]
    return keyed_digest_of(keyed, canonical(["limits", *kept]).decode())


def registration_digest(keyed: Keyed, agent: AgentRecord) -> str:
    """Return the digest of how an agent proves itself and where codes go, logged with its registration."""
    pinged = [agent.notification_uri] if agent.notification_uri else []
    told = ["registration", agent.id, agent.method, agent.keys, list(agent.redirect_uris), *pinged]
    return keyed_digest_of(keyed, canonical(told).decode())
