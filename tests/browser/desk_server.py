"""A desk behind a real server on a free port of localhost, for a real browser."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from remit.adapters.files.pack import read_pack
from remit.settings import Settings, make_settings
from remit.wiring import Desk, RulesSource, SandboxDesk, build_desk

ALLOW_ALL = (("all.cedar", "permit(principal, action, resource);"),)


@contextmanager
def serving(
    folder: Path,
    catalogue: Mapping[str, Any],
    facts: Mapping[str, Any],
    terms: Mapping[str, int] | None = None,
    now: Callable[[], int] | None = None,
    people: Mapping[str, Any] | None = None,
    notify: Mapping[str, Any] | None = None,
    words: Mapping[str, Any] | None = None,
    events: Mapping[str, Any] | None = None,
) -> Iterator[str]:
    """Serve a desk made of facts; yields its address. `localhost`, since a passkey's site must be a name. `now` is its clock, in ms.

    `people`, `notify`, `words` and `events` are those tables of its settings.
    """
    rules = RulesSource(catalogue=catalogue, policies=ALLOW_ALL, allow_unnamed=True)

    def make(settings: Settings) -> Desk:
        desk = build_desk(settings, rules, sandbox=SandboxDesk(facts=facts, perform=None))
        if now is not None:
            desk.context.world.now = now  # type: ignore[method-assign,assignment]  # only the desk's clock is moved
        return desk

    with _served(folder, terms, make, people=people, notify=notify, words=words, events=events) as issuer:
        yield issuer


@contextmanager
def serving_pack(
    folder: Path,
    name: str,
    terms: Mapping[str, int] | None = None,
    *,
    switcher: bool = False,
    words: Mapping[str, Any] | None = None,
) -> Iterator[str]:
    """Serve a starter pack on the built-in desk, with its first records; yields its address. `switcher`: as a demo does."""
    pack = read_pack(name)
    rules = RulesSource(catalogue=pack.catalogue, policies=pack.policies)

    def build(settings: Settings) -> Desk:
        return build_desk(settings, rules)

    with _served(folder, terms, build, seed=pack.seed, switcher=switcher, words=words) as issuer:
        yield issuer


@contextmanager
def _served(
    folder: Path,
    terms: Mapping[str, int] | None,
    make: Callable[[Settings], Desk],
    seed: Mapping[str, Any] | None = None,
    people: Mapping[str, Any] | None = None,
    notify: Mapping[str, Any] | None = None,
    words: Mapping[str, Any] | None = None,
    events: Mapping[str, Any] | None = None,
    switcher: bool = False,
) -> Iterator[str]:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    issuer = f"http://localhost:{listener.getsockname()[1]}"
    raw = {
        "server": {"issuer": issuer, "host": "127.0.0.1", "port": 0, "data": "."},
        "store": {"url": "sqlite:///store.sqlite"},
        "log": {"name": "browser.remit.invalid", "high_water": "high-water/checkpoint"},
        "desk": {"database": "desk.sqlite"},
        "words": {"secrets": "refuse", "model": "none", **(words or {})},
        "sandbox": {"enabled": True, "switcher": switcher},
        "terms": dict(terms or {}),
        "people": dict(people or {}),
        "notify": dict(notify or {}),
        "events": dict(events or {}),
    }
    settings = make_settings(raw, base=folder, environment={}, rules=False)
    settings.high_water.parent.mkdir(parents=True, exist_ok=True)
    desk = make(settings)
    server = uvicorn.Server(uvicorn.Config(desk.app, log_level="error", lifespan="on", http="httptools"))
    ready = threading.Event()
    started = server.startup

    async def startup(sockets: list[socket.socket] | None = None) -> None:
        await started(sockets)
        ready.set()

    server.startup = startup  # type: ignore[method-assign]  # told the moment it listens, instead of polling

    async def serve() -> None:
        if seed is not None:
            await desk.seed(seed)
        await server.serve(sockets=[listener])

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(20), "the desk did not start"
    try:
        yield issuer
    finally:
        server.should_exit = True
        thread.join(20)
        listener.close()
