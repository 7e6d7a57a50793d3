"""Token buckets as arithmetic; the doors choose the counted party."""

import math

from remit.domain.errors import Code, Refused
from remit.domain.structs import struct


@struct(frozen=True, kw_only=True)
class RateLimit:
    """The sustained rate per second, and the largest burst."""

    per_s: float
    burst: int


@struct(frozen=True)
class TokenBucket:
    """The tokens left at a moment (in seconds, on any monotonic clock)."""

    left: float
    at_s: float


def tokens_left(bucket: TokenBucket | None, rate: RateLimit, now_s: float) -> float:
    """Return the number of requests left now; a new party has the whole burst."""
    if bucket is None:
        return float(rate.burst)
    return min(float(rate.burst), bucket.left + (now_s - bucket.at_s) * rate.per_s)


def verify_not_exhausted(left: float, rate: RateLimit) -> float:
    """Return the rest if it covers one request.

    Raises:
        Refused: `request.rate_limited`, with the time until the next.
    """
    if left < 1.0:
        raise Refused(
            Code.REQUEST_RATE_LIMITED, "too many requests", retry_after_s=max(1, math.ceil((1.0 - left) / rate.per_s))
        )
    return left
