"""The `terms` of a desk: times and limits that its rules stand on."""

from collections.abc import Mapping
from typing import Any, Final

from remit.domain.errors import Code, Refused

NUMBERS: Final[Mapping[str, int]] = {
    "token_ttl_s": 300,
    "code_ttl_s": 60,
    "request_ttl_s": 600,
    "task_idle_s": 900,
    "task_life_s": 86_400,
    "confirmation_ttl_s": 600,
    "act_stale_s": 60,
    "session_ttl_s": 28_800,
    "session_idle_s": 3_600,
    "waiting_per_pair": 5,
    "decline_pause_s": 600,
    "hold_at": 60,
    "end_at": 90,
    "facts_timeout_ms": 5_000,
    "desk_timeout_ms": 20_000,
    "retention_days": 0,
    "erase_after_days": 0,
}
_DAYS: Final = (0, 36_500)
_LATER: Final = frozenset({"erase_after_days", "session_idle_s"})
_BOUNDS: Final = {
    "token_ttl_s": (1, 300),
    "code_ttl_s": (1, 60),
    "hold_at": (1, 100),
    "end_at": (1, 100),
    "retention_days": _DAYS,
    "erase_after_days": _DAYS,
}


def terms_of(table: Mapping[str, Any]) -> Mapping[str, int]:
    """Read the table, with the numbers above where it says nothing.

    Raises:
        Refused: `settings.invalid` when a number is out of its bounds.
    """
    terms = dict(NUMBERS)
    for key, value in table.items():
        least, most = _BOUNDS.get(key, (1, 31_536_000))
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise _invalid(key, f"must be a whole number from {least} to {most}")
        terms[key] = value
    if 0 < terms["erase_after_days"] < terms["retention_days"]:
        raise _invalid("erase_after_days", "must be 0 (never) or at least terms.retention_days")
    return terms


def deciding(terms: Mapping[str, int]) -> Mapping[str, int]:
    """Those that the digest of the rules is over.

    What came later counts once it is used: a desk that does not use it keeps the rules that two people took in.
    """
    return {name: value for name, value in terms.items() if name not in _LATER or value != NUMBERS[name]}


def _invalid(name: str, cure: str) -> Refused:
    return Refused(Code.SETTINGS_INVALID, f"terms.{name} {cure}")
