"""For every test: properties are judged by what holds, never by how long one example took on a busy machine; rules are read once.

With `TESTS_STORE=postgres` every sandbox that names no store of its own keeps its data in a real PostgreSQL.
"""

import gc
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from conformance.table import ConformanceTable, mark_properties
from shared_rules import share_rules

os.environ.setdefault("REMIT_WORDS_MODEL", "none")  # but where a test is about the model: it takes seconds to learn

settings.register_profile("remit", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("remit")


_GROUP = re.compile(r"(?<=[\]\w])@[^\[\]]*\Z")
"""The group that xdist appends to a test's name."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--conformance-table", action="store_true", help="write docs/conformance.md from what tests/conformance gives")
    parser.addoption("--passed", metavar="FILE", help="write the names of the tests that passed, for mutations.py")


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if file := config.getoption("--passed"):
        names = [_GROUP.sub("", one.nodeid) for one in terminalreporter.getreports("passed")]
        Path(file).write_text("".join(f"{name}\n" for name in names), encoding="utf-8")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(ConformanceTable(config), "conformance-table")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    mark_properties(items)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Find the tests without a look for garbage, and take what they consist of out of all later looks.

    There are millions of objects, none of which goes before the end: walking them was three quarters of the time that finding the tests took.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()
        share_rules()  # where tests import them


if os.environ.get("TESTS_STORE") == "postgres":
    from postgres_tests import postgres_url
    from remit.sandbox.desk import Sandbox

    _place = Sandbox._place

    def _on_postgres(self: Sandbox) -> object:
        folder, url = _place(self)
        return (folder, postgres_url()) if self._store is None else (folder, url)

    Sandbox._place = _on_postgres
