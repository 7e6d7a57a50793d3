"""The number of strangers that one process looks up: each costs a fetch from an address that the stranger names."""

from typing import Final

from remit.domain.policy.rate_limit import RateLimit, TokenBucket, tokens_left, verify_not_exhausted

_RATE: Final = RateLimit(per_s=1, burst=20)


class Introductions:
    """A bucket for all strangers together: a caller can make a name up for each request."""

    def __init__(self) -> None:
        self._bucket: TokenBucket | None = None

    def take(self, now_s: float) -> None:
        """Count a stranger whose directory is about to be fetched.

        Raises:
            Refused: `request.rate_limited`.
        """
        left = verify_not_exhausted(tokens_left(self._bucket, _RATE, now_s), _RATE)
        self._bucket = TokenBucket(left - 1, now_s)
