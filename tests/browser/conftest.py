"""One real browser for the tests of a module."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from browser.visits import chromium

expect.set_options(timeout=10_000)  # a machine that is busy with other tests is slow, not wrong


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started
