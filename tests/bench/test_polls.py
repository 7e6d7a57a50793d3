"""The bench of long polls sends each kind of poll to a real server, and each is told of its answer without sleeping over it."""

from argparse import Namespace
from pathlib import Path

import pytest

import polls

PATIENCE_S = 10.0
"""Long for an answer, short for a wait of 20 or 30 seconds."""


def test_polls_of_each_kind_hear_of_their_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polls, "AHEAD_S", 0.5)
    times = polls.measured(Namespace(customers=12, orders=1, folder=str(tmp_path)), every_s=0.0)
    assert {kind: len(some) for kind, some in times.items()} == {
        "an ask's outcome": 4,
        "a message": 4,
        "news on a page": 4,
    }
    assert max(one for some in times.values() for one in some) < PATIENCE_S
