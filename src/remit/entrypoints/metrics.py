"""How many requests this process answered, how and how fast, as Prometheus reads it: no names, ids or amounts.

Kept in memory; begins anew with the process.
"""

from collections import Counter
from typing import Final

from remit.ports.world import World

MEDIA_TYPE: Final = b"text/plain; version=0.0.4; charset=utf-8"
_DOORS: Final = (
    ("agents", ("/v1/tasks/", "/v1/asks/")),
    ("pages", ("/oauth/authorize",)),
    ("oauth", ("/oauth/",)),
    ("people", ("/me/v1", "/desk/v1", "/security/v1", "/audit/v1", "/login/v1")),
    ("log", ("/log/",)),
    ("public", ("/.well-known/", "/v1/", "/openapi.json", "/healthz", "/readyz", "/metrics")),
    ("sandbox", ("/sandbox/",)),
)
"""Doors by how an address begins; everything else is a page. ⚔ A closed list: no caller makes up a label."""


class Metrics:
    """What one process counts."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._began_s = world.ticks()
        self._answers: Counter[tuple[str, int]] = Counter()
        self._seconds: dict[str, float] = {}

    def started(self) -> float:
        """The moment a request came in."""
        return self._world.ticks()

    def answered(self, path: str, status: int, started_s: float) -> None:
        """Count a request that was answered."""
        door = door_of(path)
        self._answers[door, status] += 1
        self._seconds[door] = self._seconds.get(door, 0.0) + self._world.ticks() - started_s

    def text(self, *, entries: int) -> str:
        """The page; `entries` is the size of the log."""
        lines = [
            "# HELP remit_requests_total Requests answered, by door and status.",
            "# TYPE remit_requests_total counter",
            *(
                f'remit_requests_total{{door="{door}",status="{status}"}} {count}'
                for (door, status), count in sorted(self._answers.items())
            ),
            "# HELP remit_request_seconds_total Seconds spent on answering, long polls included, by door.",
            "# TYPE remit_request_seconds_total counter",
            *(f'remit_request_seconds_total{{door="{door}"}} {seconds:.6f}' for door, seconds in sorted(self._seconds.items())),
            "# HELP remit_log_entries Entries of the log that the newest checkpoint signs.",
            "# TYPE remit_log_entries gauge",
            f"remit_log_entries {entries}",
            "# HELP remit_uptime_seconds Seconds since this process began.",
            "# TYPE remit_uptime_seconds gauge",
            f"remit_uptime_seconds {self._world.ticks() - self._began_s:.3f}",
        ]
        return "\n".join(lines) + "\n"


def door_of(path: str) -> str:
    """Which door an address belongs to."""
    return next((door for door, begins in _DOORS if path.startswith(begins)), "pages")
