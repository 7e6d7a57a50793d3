"""Token buckets: how many requests somebody may still make, as arithmetic. Who is counted, and where, is for the doors."""

import math
from dataclasses import dataclass

from remit.domain.errors import Code, Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """So many a second in the long run, and so many at once."""

    per_s: int
    burst: int


@dataclass(frozen=True, slots=True)
class TokenBucket:
    """What was left at a moment (in seconds, on any clock that only goes forward)."""

    left: float
    at_s: float


def tokens_left(bucket: TokenBucket | None, rate: RateLimit, now_s: float) -> float:
    """How many requests are left by now; nobody seen before has them all."""
    if bucket is None:
        return float(rate.burst)
    return min(float(rate.burst), bucket.left + (now_s - bucket.at_s) * rate.per_s)


def verify_not_exhausted(left: float, rate: RateLimit) -> float:
    """Return what is left when it is one request at least.

    Raises:
        Refused: `request.rate_limited`, with when there will be one again.
    """
    if left < 1.0:
        raise Refused(
            Code.REQUEST_RATE_LIMITED, "too many requests", retry_after_s=max(1, math.ceil((1.0 - left) / rate.per_s))
        )
    return left
