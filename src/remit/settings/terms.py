"""The `terms` of a desk: times and limits of its rules."""

from collections.abc import Mapping
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from remit.settings.decode import InvalidSetting, Table

Whole = Annotated[int, Meta(ge=1, le=31_536_000)]
Score = Annotated[int, Meta(ge=1, le=100)]
Percent = Annotated[int, Meta(ge=0, le=100)]
Days = Annotated[int, Meta(ge=0, le=36_500)]
_LATER: Final = frozenset(
    {"override_review_percent", "offers_per_day", "erase_after_days", "session_idle_s", "grant_age_s"}
)


class TermsTable(Table, frozen=True):
    """`[terms]`, with a default for each number."""

    token_ttl_s: Annotated[int, Meta(ge=1, le=300)] = 300
    code_ttl_s: Annotated[int, Meta(ge=1, le=60)] = 60
    request_ttl_s: Whole = 600
    task_idle_s: Whole = 900
    task_life_s: Whole = 86_400
    confirmation_ttl_s: Whole = 600
    act_stale_s: Whole = 60
    session_ttl_s: Whole = 28_800
    session_idle_s: Whole = 3_600
    waiting_per_pair: Whole = 5
    offers_per_day: Whole = 20
    override_review_percent: Percent = 20
    decline_pause_s: Whole = 600
    hold_at: Score = 60
    end_at: Score = 90
    facts_timeout_ms: Whole = 5_000
    desk_timeout_ms: Whole = 20_000
    grant_age_s: Annotated[int, Meta(ge=0, le=31_536_000)] = 0
    retention_days: Days = 0
    erase_after_days: Days = 0

    def __post_init__(self) -> None:
        """Verify that content is kept at least its minimum time.

        Raises:
            InvalidSetting: `settings.invalid`.
        """
        if 0 < self.erase_after_days < self.retention_days:
            raise InvalidSetting("terms.erase_after_days", "must be 0 (never) or at least terms.retention_days")


def deciding(terms: TermsTable) -> Mapping[str, int]:
    """Return the terms in the rules' digest.

    Later additions count once they are used: a desk that does not use them keeps the rules approved by two people.
    """
    numbers: Mapping[str, int] = msgspec.structs.asdict(terms)
    unset = msgspec.structs.asdict(TermsTable())
    return {name: value for name, value in numbers.items() if name not in _LATER or value != unset[name]}
