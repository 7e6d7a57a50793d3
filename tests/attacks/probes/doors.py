"""The doors that the probes go through."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from attacks.arena import Arena
from attacks.probes.door import Door
from attacks.probes.http import HttpDoor

DOORS: Final[Mapping[str, Callable[[Arena, Mapping[str, Any] | None], Door]]] = {"http": HttpDoor}
"""By name: what opens a task under a mandate, None for the usual one."""
