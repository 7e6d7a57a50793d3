"""Canaries in plain words: what one looks like, and what entries tell of them."""

from collections.abc import Mapping
from typing import Final

from remit.domain.speech import marked

BAITS: Final[Mapping[str, str]] = {
    "attribute": marked("something known of somebody"),
    "email": marked("an e-mail address"),
    "record": marked("the number of a record"),
    "token": marked("a credential"),
}
"""What a canary looks like."""

BAITED: Final[Mapping[str, str]] = {
    "canary.planted": marked("A canary was planted."),
    "canary.removed": marked("A canary was taken away."),
    "canary.seen": marked("A value that the desk had planted as bait was seen."),
}
"""What an entry tells of them."""
