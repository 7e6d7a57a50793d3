"""One real browser for the tests of a module."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from browser.visits import CHROMIUM, chromium

if CHROMIUM is None and os.environ.get("CI"):
    # What is skipped there would never be run by anybody.
    raise pytest.UsageError("there is no chromium here, and no check may land without it. Cure: apt-get install chromium")

expect.set_options(timeout=10_000)  # a machine that is busy with other tests is slow, not wrong


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started
