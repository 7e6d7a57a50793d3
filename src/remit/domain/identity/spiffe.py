"""SPIFFE IDs, trust domains and the patterns that a registration names: parsing and comparison only."""

import re
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.structs import struct

SCHEME: Final = "spiffe://"
MAX_ID_BYTES: Final = 2048
MAX_TRUST_DOMAIN_BYTES: Final = 255

_TRUST_DOMAIN: Final = re.compile(r"[a-z0-9._-]{1,255}", re.ASCII)
_SEGMENT: Final = re.compile(r"[a-zA-Z0-9._-]+", re.ASCII)
_DOTS: Final = frozenset({".", ".."})


@struct(frozen=True, kw_only=True)
class SpiffeId:
    """One workload's name: a trust domain and the path segments below it."""

    trust_domain: str
    segments: tuple[str, ...]

    def __str__(self) -> str:
        """Return the wire form."""
        return "/".join((SCHEME + self.trust_domain, *self.segments))


@struct(frozen=True, kw_only=True)
class SpiffePattern:
    """The workloads of a registration: one ID, or everything below a path (`/*` at the end)."""

    trust_domain: str
    segments: tuple[str, ...]
    below: bool

    def __str__(self) -> str:
        """Return the wire form."""
        return f"{SpiffeId(trust_domain=self.trust_domain, segments=self.segments)}{'/*' if self.below else ''}"


def verify_trust_domain(unverified: str) -> str:
    """Return a valid trust domain name.

    Raises:
        Refused: `credential.malformed`.

    Source: SPIFFE-ID §2.1.
    """
    if _TRUST_DOMAIN.fullmatch(unverified) is None:
        raise _malformed("the trust domain must be 1 to 255 of a-z 0-9 . _ -")
    return unverified


def verify_spiffe_id(unverified: str) -> SpiffeId:
    """Parse a SPIFFE ID. Nothing is normalised: another spelling is another name, and refused.

    Raises:
        Refused: `credential.malformed`.

    Source: SPIFFE-ID §2 (trust domain, path, at most 2048 bytes).
    """
    if len(unverified) > MAX_ID_BYTES or not unverified.startswith(SCHEME):
        raise _malformed(f"a SPIFFE ID starts with {SCHEME} and has at most {MAX_ID_BYTES} bytes")
    trust_domain, *segments = unverified.removeprefix(SCHEME).split("/")
    verify_trust_domain(trust_domain)
    for segment in segments:
        if segment in _DOTS or _SEGMENT.fullmatch(segment) is None:
            raise _malformed("a path segment must be of a-z A-Z 0-9 . _ - and neither empty nor '.' nor '..'")
    return SpiffeId(trust_domain=trust_domain, segments=tuple(segments))


def verify_spiffe_pattern(unverified: str) -> SpiffePattern:
    """Parse a registration's `spiffe_id`; a trailing `/*` stands for every ID below that path.

    Raises:
        Refused: `credential.malformed`, also for a `*` anywhere else.

    Source: draft-ietf-oauth-spiffe-client-auth (client metadata `spiffe_id`).
    """
    below = unverified.endswith("/*")
    stem = verify_spiffe_id(unverified.removesuffix("/*") if below else unverified)
    return SpiffePattern(trust_domain=stem.trust_domain, segments=stem.segments, below=below)


def verify_member(spiffe_id: SpiffeId, pattern: SpiffePattern) -> SpiffeId:
    """Return the ID if the registration covers it; `/shop/*` covers neither `/shopper` nor `/shop` itself.

    Raises:
        Refused: `agent.unknown`.
    """
    depth = len(pattern.segments)
    same_stem = spiffe_id.trust_domain == pattern.trust_domain and spiffe_id.segments[:depth] == pattern.segments
    right_depth = len(spiffe_id.segments) > depth if pattern.below else len(spiffe_id.segments) == depth
    if not (same_stem and right_depth):
        raise Refused(Code.AGENT_UNKNOWN, f"{spiffe_id} is not covered by {pattern}")
    return spiffe_id


def _malformed(reason: str) -> Refused:
    return Refused(Code.CREDENTIAL_MALFORMED, reason, public=f"The SPIFFE ID is not valid: {reason}.")
