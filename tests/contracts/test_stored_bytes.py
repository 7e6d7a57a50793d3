"""Records are stored as the same bytes by every version: their row MACs and preconditions are made over them.

`tests/data/records.json` has of each kind a record with its required members and one with all, as they were
written when values were dataclasses (docs/decisions/0060).
"""

import json
from pathlib import Path

import pytest

from remit.adapters.store.codec import KINDS, decode_record, encode_record
from remit.adapters.store.risk_history import decode_risk_history, encode_risk_history

STORED: dict[str, list[str]] = json.loads((Path(__file__).parents[1] / "data" / "records.json").read_text("utf-8"))
HISTORY = "risk history"


def test_each_kind_is_among_them() -> None:
    assert STORED.keys() == {*KINDS, HISTORY}
    assert all(len(bodies) == 2 for bodies in STORED.values())


@pytest.mark.parametrize("kind", KINDS)
def test_a_record_is_written_as_the_bytes_it_was_read_from(kind: str) -> None:
    for body in STORED[kind]:
        assert encode_record(decode_record(kind, body.encode())).decode() == body


def test_a_risk_history_is_written_as_the_bytes_it_was_read_from() -> None:
    for body in STORED[HISTORY]:
        assert encode_risk_history(decode_risk_history(body)).decode() == body
