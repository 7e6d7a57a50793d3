"""The doors that the probes go through: MCP and A2A are one line each, and an adapter."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from attacks.arena import Arena
from attacks.probes.a2a import over_a2a
from attacks.probes.door import Door
from attacks.probes.http import HttpDoor
from attacks.probes.mcp import over_mcp
from attacks.probes.visitor import OPTIONS, visiting


@dataclass(frozen=True)
class Way:
    """A way in: what opens a task under a mandate (None: the usual one), and what its arena is made with."""

    open: Callable[[Arena, Mapping[str, Any] | None], AbstractContextManager[Door]]
    options: Mapping[str, Any] = field(default_factory=dict)


@contextmanager
def over_http(arena: Arena, wanted: Mapping[str, Any] | None) -> Iterator[HttpDoor]:
    """Open a task of an agent that proves its key."""
    yield HttpDoor(arena, wanted)


DOORS: Final[Mapping[str, Way]] = {"http": Way(over_http), "a2a": Way(over_a2a), "mcp": Way(over_mcp), "visitor": Way(visiting, OPTIONS)}
