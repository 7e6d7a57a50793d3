"""A desk to be killed: one process with everything imported forks a server of the same folder again and again.

Reads one JSON object a line, `{folder, port, point, nth, seed}`, and writes `ready`, then `died <status>`. The server dies by SIGKILL at the
n-th pass of the named point; without a point it serves until SIGTERM.
"""

import gc
import json
import os
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import uvicorn
import uvloop

from remit.adapters.files.pack import read_pack
from remit.adapters.files.vocabulary import read_vocabulary
from remit.settings import Settings, make_settings
from remit.wiring import RulesSource, build_desk, crash_at, load_rules
from shared_rules import share_rules

PACK = read_pack("consumer")
CATALOGUE = {**PACK.catalogue, "escalation": [], "language": {}}
"""Without the pack's escalation rules, and so in English alone: so many refunds in one task would have billing look at them, too, and nobody of billing is here."""
RULES = RulesSource(catalogue=CATALOGUE, policies=PACK.policies)


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


def settings_of(order: Mapping[str, Any]) -> Settings:
    """The settings of a folder's desk."""
    raw = {
        "server": {"issuer": f"http://localhost:{order['port']}", "host": "127.0.0.1", "port": order["port"], "data": "."},
        "store": {"url": "sqlite:///store.sqlite"},
        "log": {"name": "killed.remit.invalid", "high_water": "outside/checkpoint"},
        "desk": {"database": "desk.sqlite"},
        "words": {"secrets": "refuse", "model": "none"},
        "sandbox": {"enabled": True},
        "terms": {"desk_timeout_ms": 1_000},
    }
    return make_settings(raw, base=Path(order["folder"]), environment={}, rules=False)


async def serve(order: Mapping[str, Any]) -> None:
    """Serve the desk of a folder; the jobs run as they do in production."""
    settings = settings_of(order)
    settings.high_water.parent.mkdir(exist_ok=True)
    point = crash_at(order["point"], order["nth"]) if order["point"] else None
    desk = build_desk(settings, RULES, on_point=point)
    if order["seed"]:
        await desk.seed(order["seed"])
    config = uvicorn.Config(
        desk.app, host="127.0.0.1", port=order["port"], http="httptools", ws="none", log_level="warning", access_log=False
    )
    await _Server(config).serve()


class _Server(uvicorn.Server):
    """Uvicorn that says when it listens."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        say("ready")


def main() -> None:
    """Fork a server for each order, one at a time. The rules are read before."""
    share_rules()
    load_rules(settings_of({"folder": "/nowhere", "port": 1}), RULES)
    read_vocabulary("en")
    gc.freeze()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGTERM, lambda *_: None)  # uvicorn stops on it and raises it again at its end
            uvloop.run(serve(json.loads(line)))
            os._exit(0)
        say(f"pid {child}")
        _, status = os.waitpid(child, 0)
        say(f"died {status}")


if __name__ == "__main__":
    main()
