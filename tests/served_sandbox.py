"""A sandbox's server over a real socket: what the sandbox drives, and what the pages of docs/agents are run against."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

import remit.sandbox
from desks.kettle import CATALOGUE
from remit.settings import make_settings
from remit.wiring import RulesSource, build_desk

PACK = Path(remit.sandbox.__file__).parent.parent / "packs" / "consumer" / "catalogue.toml"


@contextmanager
def serving(tmp_path: Path, desk_settings: dict[str, str], *, catalogue: Any = None, **changed: Any) -> Iterator[str]:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        bound.listen()
        port = bound.getsockname()[1]
        address = f"http://127.0.0.1:{port}"
        raw = _settings(address, port) | changed
        raw["desk"] |= desk_settings
        settings = make_settings(raw, base=tmp_path, environment={}, rules=False)
        settings.high_water.parent.mkdir(parents=True, exist_ok=True)
        given: Any = catalogue or (CATALOGUE if settings.sandbox else PACK)
        rules = RulesSource(catalogue=given, policies=(("all.cedar", '@id("all") permit(principal, action, resource);'),))
        desk = build_desk(settings, rules)
        server = uvicorn.Server(uvicorn.Config(desk.app, log_level="error", lifespan="on"))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[bound])), daemon=True)
        thread.start()
        yield address
        server.should_exit = True
        thread.join(timeout=20)


def _settings(address: str, port: int) -> dict[str, Any]:
    return {
        "server": {"issuer": address, "host": "127.0.0.1", "port": port, "data": "data"},
        "store": {"url": "sqlite:///data/store.sqlite"},
        "log": {"name": "served.remit.invalid", "high_water": "high-water/checkpoint"},
        "desk": {"database": "data/desk.sqlite"},
        "words": {"secrets": "refuse", "model": "none"},
        "sandbox": {"enabled": True},
    }
