"""A file that is lost is never made anew in silence: not the content keys, not the built-in desk's records."""

import asyncio
import logging
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from cli.running import Run, refused, sandboxed
from remit.domain.errors import Code, Fault
from remit.entrypoints.http.limits import Limits
from remit.entrypoints.http.replies import HttpResponse
from remit.entrypoints.http.wire import HEADERS
from remit.entrypoints.people.api import PeopleApi
from remit.entrypoints.web.pages import Pages
from remit.settings import load_settings
from remit.wiring import build_desk, rules_of

KEYS = "content-keys.sqlite"
OPENING = (("serve", "--port", "0"), ("migrate",), ("recover",), ("person", "list"))


def wrong(ran: Any) -> dict[str, str]:
    return {one["name"]: one["says"] for one in ran.json["findings"] if one["state"] == "wrong"}


@pytest.mark.parametrize("argv", OPENING, ids=lambda argv: argv[0])
def test_lost_content_keys_stop_every_start_and_none_are_made(remit: Run, desk: Path, argv: tuple[str, ...]) -> None:
    (desk / "data" / KEYS).unlink()
    refused(remit(*argv, "--config", desk), "settings.invalid", "although the store holds content sealed with its keys")
    assert not (desk / "data" / KEYS).exists()
    assert "content keys" in wrong(remit("doctor", "--json", "--config", desk))


@pytest.mark.parametrize("argv", OPENING, ids=lambda argv: argv[0])
def test_the_content_keys_of_another_desk_stop_every_start(remit: Run, desk: Path, tmp_path: Path, argv: tuple[str, ...]) -> None:
    assert remit("init", tmp_path / "other").code == 0
    shutil.copy(tmp_path / "other" / "data" / KEYS, desk / "data" / KEYS)
    refused(remit(*argv, "--config", desk), "settings.invalid", "are not those of this store")
    assert "are not those of this store" in wrong(remit("doctor", "--json", "--config", desk))["content keys"]


def test_an_older_copy_of_the_content_keys_is_noticed_by_whoever_came_since(remit: Run, desk: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copy(desk / "data" / KEYS, tmp_path))
    assert remit("person", "add", "zed", "--kind", "customer", "--config", desk).code == 0
    newer = Path(shutil.copy(desk / "data" / KEYS, tmp_path / "newer"))
    shutil.copy(copy, desk / "data" / KEYS)
    refused(remit("migrate", "--config", desk), "settings.invalid", "they lack keys of 1 customer")
    shutil.copy(newer, desk / "data" / KEYS)
    assert remit("migrate", "--config", desk).code == 0


def test_keys_that_were_destroyed_are_not_missing(remit: Run, desk: Path) -> None:
    with closing(sqlite3.connect(desk / "data" / KEYS)) as keys:
        keys.execute("update key set key = null where subject = 'anna'")
        keys.commit()
    assert remit("migrate", "--config", desk).code == 0
    assert wrong(remit("doctor", "--json", "--config", desk)) == {}


@pytest.mark.parametrize("argv", OPENING, ids=lambda argv: argv[0])
def test_a_lost_file_of_the_built_in_desk_stops_every_start(remit: Run, desk: Path, argv: tuple[str, ...]) -> None:
    (desk / "data" / "desk.sqlite").unlink()
    refused(remit(*argv, "--config", desk), "settings.invalid", "tickets and records would be missing")
    assert not (desk / "data" / "desk.sqlite").exists()
    assert list(wrong(remit("doctor", "--json", "--config", desk))) == ["desk"]


def test_a_desk_of_facts_needs_no_file_of_the_built_in_one(remit: Run, desk: Path) -> None:
    sandboxed(desk)
    (desk / "data" / "desk.sqlite").unlink()
    assert remit("migrate", "--config", desk).code == 0


@pytest.mark.parametrize(("name", "finding"), [(KEYS, "content keys"), ("desk.sqlite", "desk")])
def test_a_file_that_is_no_database_is_told_by_the_doctor_too(remit: Run, desk: Path, name: str, finding: str) -> None:
    (desk / "data" / name).write_bytes(b"nonsense" * 1000)
    refused(remit("migrate", "--config", desk), "settings.invalid", "file is not a database")
    assert "file is not a database" in wrong(remit("doctor", "--json", "--config", desk))[finding]


@contextmanager
def lines() -> Iterator[list[str]]:
    """What goes to the log of the process meanwhile."""
    told: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: told.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger("remit").addHandler(handler)
    try:
        yield told
    finally:
        logging.getLogger("remit").removeHandler(handler)


async def broken(_scope: Any, _receive: Any, _found: Any) -> HttpResponse:
    raise Fault(Code.FAULT_STORE, "a content key is missing")


async def nothing() -> Any:
    """No request has a body here."""


def test_a_fault_that_is_shown_leaves_one_line_in_the_log(desk: Path) -> None:
    settings = load_settings(desk / "remit.toml")
    scope = {"type": "http", "method": "GET", "path": "/me/x", "headers": [], HEADERS: {}, "query_string": b"code=secret"}

    async def get() -> list[int]:
        built = build_desk(settings, rules_of(settings))
        try:
            limits = Limits(settings.limits, peer_header="", outside=False, world=built.context.world)
            doors = (Pages(built.context, limits), PeopleApi(built.context, limits))
            shown = [(await door.run(broken, scope, nothing, {})).status for door in doors]
            built.context.store.inner._reader_thread.close()  # type: ignore[attr-defined]
            async with httpx.AsyncClient(transport=httpx.ASGITransport(built.app), base_url=settings.issuer) as client:
                return [*shown, (await client.get("/log/checkpoint")).status_code]
        finally:
            await built.stop()

    with lines() as told:
        assert asyncio.run(get()) == [503, 503, 503]
    assert told[:2] == ["fault.store at /me/x: a content key is missing"] * 2
    assert len(told) == 3
    assert told[2].startswith("fault.store at /log/checkpoint: ")
