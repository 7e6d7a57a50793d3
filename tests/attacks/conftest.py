"""The arena every attack starts from."""

from collections.abc import Iterator

import pytest

from attacks.arena import Arena, open_arena


@pytest.fixture
def arena() -> Iterator[Arena]:
    with open_arena() as one:
        yield one
