"""Token buckets: never more than the burst and what the time brought."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.domain.errors import Code, Refused
from remit.domain.policy.rate_limit import RateLimit, TokenBucket, tokens_left, verify_not_exhausted

RATE = RateLimit(per_s=5, burst=10)


def test_nobody_seen_before_has_a_full_bucket_and_nobody_ever_more() -> None:
    assert tokens_left(None, RATE, 0.0) == RATE.burst
    assert tokens_left(TokenBucket(9.0, 0.0), RATE, 3600.0) == RATE.burst


def test_an_empty_bucket_says_when_there_is_one_again() -> None:
    assert verify_not_exhausted(1.0, RATE) == 1.0
    for left, per_s, wait in ((0.99, 5, 1), (0.0, 1, 1), (0.0, 100, 1)):
        with pytest.raises(Refused) as refused:
            verify_not_exhausted(left, RateLimit(per_s=per_s, burst=10))
        assert (refused.value.code, refused.value.retry_after_s) == (Code.REQUEST_RATE_LIMITED, wait)


@given(st.lists(st.floats(min_value=0, max_value=2, allow_nan=False), max_size=60))
def test_whatever_the_rhythm_no_more_pass_than_the_burst_and_what_the_time_brought(pauses: list[float]) -> None:
    now, passed = 0.0, 0
    bucket: TokenBucket | None = None
    for pause in pauses:
        now += pause
        left = tokens_left(bucket, RATE, now)
        if left >= 1.0:
            passed += 1
            bucket = TokenBucket(left - 1.0, now)
    assert passed <= RATE.burst + RATE.per_s * now + 1e-6
