"""The pytest plugin: a `desk` fixture made from the `desk_*` fixtures a test module may override.

Every pytest session loads this file, so the desk itself is loaded when a test first asks for one.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from remit import sandbox

_PACK: Final = Path(__file__).parents[1] / "packs" / "consumer"
_CATALOGUE: Final = _PACK / "catalogue.toml"


@pytest.fixture
def desk_catalogue() -> Any:  # noqa: ANN401  # a path, paths or a table
    """The catalogue of the `desk` fixture: the consumer pack's, unless you override it with a path or a table."""
    return _CATALOGUE


@pytest.fixture
def desk_policies(desk_catalogue: Any) -> Any:  # noqa: ANN401  # a path, paths or a text
    """The policies of the `desk` fixture: the pack's own with its catalogue, else None (all above the floors)."""
    return _PACK / "policies" if desk_catalogue == _CATALOGUE else None


@pytest.fixture
def desk_facts() -> Mapping[str, Any]:
    """The facts of the `desk` fixture."""
    return {}


@pytest.fixture
def desk_perform() -> Callable[[str, Mapping[str, Any], str], Mapping[str, Any]] | None:
    """The function that answers writes in the `desk` fixture."""
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
