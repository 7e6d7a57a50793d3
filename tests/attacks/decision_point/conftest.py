"""One desk with a decision point for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from attacks.decision_point.gateway import Gated, gated


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gated]:
    with gated(tmp_path) as made:
        yield made
