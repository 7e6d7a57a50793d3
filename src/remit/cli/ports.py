"""Ports for desks on one machine: a free one for a new desk, and the one its links lead to."""

import contextlib
import json
import re
import socket
from pathlib import Path
from typing import Final

from remit.cli.shared import CONFIG, ENROL_PAGE, LAST_PORT
from remit.settings import Settings, rebind_address

USUAL_PORT: Final = 8080
_TRIED: Final = 100
_PORT: Final = re.compile(r"^port\s*=\s*(\d{1,5})\s*$", re.MULTILINE | re.ASCII)
_KEPT: Final = "address.json"
"""In `server.data`: the port of the last start, where that was another than server.port."""


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Return whether a server could listen on a port now."""
    with contextlib.closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def next_free(after: int = USUAL_PORT - 1, *, but: frozenset[int] = frozenset()) -> int:
    """Return the first free port after one, and not one of those left out; any free one where none follows nearby."""
    last = min(after + _TRIED, LAST_PORT)
    found = next((port for port in range(after + 1, last + 1) if port not in but and is_free(port)), 0)
    if found:
        return found
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def port_for_new(folder: Path) -> int:
    """Return a port for a new desk: the usual one or the next that is neither in use nor a neighbouring desk's."""
    return next_free(but=frozenset(_ports_beside(folder)))


def _ports_beside(folder: Path) -> list[int]:
    """Return the ports of desks in folders beside a new one: they may be served later, at the same time."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for config in folder.absolute().parent.glob(f"*/{CONFIG}"):
            with contextlib.suppress(OSError, UnicodeDecodeError):
                found += [int(port) for port in _PORT.findall(config.read_text(encoding="utf-8"))]
    return found


def keep_port(settings: Settings, port: int) -> None:
    """Keep the port a desk on loopback listens on, for later links; nothing is kept where it is server.port itself."""
    kept = settings.data / _KEPT
    with contextlib.suppress(OSError):  # it is a convenience: a desk serves without it
        if port == settings.port:
            kept.unlink(missing_ok=True)
        else:
            beside = kept.with_name(f"{_KEPT}.new")
            beside.touch(mode=0o600)
            beside.write_text(json.dumps({"port": port}), encoding="utf-8")
            beside.replace(kept)


def enrol_link(settings: Settings, code: str, *, port: int | None = None) -> str:
    """Return a one-time link at the port named, else at the one a desk on loopback was last served on."""
    at = settings
    if settings.loopback:
        port = port or _kept_port(settings)
        at = rebind_address(settings, host=None, port=port) if port else settings
    return f"{at.issuer}{ENROL_PAGE}?code={code}"


def _kept_port(settings: Settings) -> int | None:
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        port = int(json.loads((settings.data / _KEPT).read_text(encoding="utf-8"))["port"])
        return port if 0 < port <= LAST_PORT else None
    return None
