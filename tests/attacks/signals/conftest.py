"""A desk with shared signals, for each test; `events` is laid over its table."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from attacks.signals.company import Signals, signals_opened


@pytest.fixture
def events() -> dict[str, Any]:
    return {}


@pytest.fixture
def signals(tmp_path: Path, events: dict[str, Any]) -> Iterator[Signals]:
    with signals_opened(tmp_path, events=events) as opened:
        yield opened
