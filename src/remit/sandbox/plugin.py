"""The pytest plugin: a `desk` fixture made from the `desk_*` fixtures a test module may override.

Every pytest session loads this file, so the desk itself is loaded when a test first asks for one.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from remit import sandbox


@pytest.fixture
def desk_catalogue() -> Any:  # noqa: ANN401  # a path, paths or a table
    """The catalogue of the `desk` fixture; override it."""
    pytest.fail("override the fixture `desk_catalogue` with a path or a table")


@pytest.fixture
def desk_policies() -> Any:  # noqa: ANN401  # a path, paths or a text
    """The policies of the `desk` fixture; None permits everything above the floors."""
    return None


@pytest.fixture
def desk_facts() -> Mapping[str, Any]:
    """The facts of the `desk` fixture."""
    return {}


@pytest.fixture
def desk_perform() -> Callable[[str, Mapping[str, Any], str], Mapping[str, Any]] | None:
    """What answers writes in the `desk` fixture."""
    return None


@pytest.fixture
def desk_settings() -> Mapping[str, Any]:
    """Settings of the `desk` fixture, over the sandbox's own."""
    return {}


@pytest.fixture
def desk(
    desk_catalogue: Any,  # noqa: ANN401  # a path, paths or a table
    desk_policies: Any,  # noqa: ANN401  # a path, paths or a text
    desk_facts: Mapping[str, Any],
    desk_settings: Mapping[str, Any],
    desk_perform: Callable[[str, Mapping[str, Any], str], Mapping[str, Any]] | None,
) -> "Iterator[sandbox.Sandbox]":
    """A fresh sandbox desk for one test."""
    with sandbox.Sandbox(desk_catalogue, desk_policies, desk_facts, desk_settings, desk_perform) as made:
        yield made
