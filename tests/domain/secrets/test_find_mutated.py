"""Redaction over messages that were changed by lot: nothing that was planted is left, and nothing falls over."""

import collections

from remit.domain.secrets.find import find_secrets, redact
from secrets_mutated import leaks, planted

MESSAGES = 4_000


def test_nothing_planted_is_left_in_thousands_of_changed_messages() -> None:
    left = collections.Counter(
        (one.kind, one.disguise) for one in planted(29, MESSAGES) if leaks(redact(one.text, find_secrets(one.text)), one)
    )
    assert left == collections.Counter()


def test_what_is_planted_would_be_noticed() -> None:
    assert all(leaks(one.text, one) for one in planted(29, 200))
