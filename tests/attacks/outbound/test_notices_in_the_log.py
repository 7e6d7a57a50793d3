"""Notices as lines of the log, where no mail is sent: the reader can follow them, and nothing else passes the filter with them."""

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from attacks.arena import ISSUER, PACK, SEND_BACK, Arena, open_arena
from remit.adapters.files.catalogue import read_files
from remit.cli.logging import JsonLines
from remit.domain.records import PersonRecord
from remit.ports.store import Commit, Put

NOTICES = "remit.notices"
NAME = "Parcel helper"
TOKEN = "sk_live_4eC39HqLyjWDarjtT1zdp7dc"


class Lines(logging.Handler):
    """The messages of a process's log, as they are written."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonLines())
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(json.loads(self.format(record))["message"])


@pytest.fixture
def log() -> Iterator[Lines]:
    lines, logger = Lines(), logging.getLogger(NOTICES)
    logger.addHandler(lines)
    yield lines
    logger.removeHandler(lines)


@pytest.fixture
def spoken() -> Iterator[Arena]:
    """A desk that has German beside English."""
    with open_arena(catalogue=dict(read_files([PACK / "catalogue.toml", PACK / "catalogue.de.toml"], {}))) as arena:
        yield arena


def written(**record: Any) -> str:
    return str(json.loads(JsonLines().format(logging.makeLogRecord({"levelname": "WARNING", **record})))["message"])


@pytest.mark.proves("NOTICE-LOG")
def test_the_link_of_a_notice_in_the_log_can_be_followed(arena: Arena, log: Lines) -> None:
    task = arena.task()
    for item in ("i1", "i2"):
        reply = task.ask("order.return", {**SEND_BACK, "item_ids": [item]})
        page = f"{ISSUER}/confirm/{arena.anna.invitation(reply)}"
        assert log.messages[-1].endswith(f" {page}")
        assert "at anna@mail.example" in log.messages[-1]


@pytest.mark.proves("NOTICE-LOG", "NOTICE-SILENT")
def test_a_notice_in_the_log_names_agent_and_purpose_in_the_readers_language(spoken: Arena, log: Lines) -> None:
    arena = spoken
    agent = arena.desk.agent("spiffe://helper.example/named", "known", operator="helper", name=NAME)
    arena.task(agent=agent).ask("order.return", SEND_BACK, words="The kettle leaks.")
    said = log.messages[-1]
    for part in (
        f'"{NAME}" needs your approval',
        "Purpose: Return something and get the money back.",
        "Topic: money.",
        'run by "helper"',
    ):
        assert part in said
    for value in ("W1", "i1", "kettle"):
        assert value not in said.replace(said.rpartition(" ")[2], "")

    async def german() -> None:
        kept = await arena.context.store.get(PersonRecord, "anna")
        await arena.context.store.commit(Commit(puts=(Put(replace(kept.record, language="de"), kept.rev, kept.record),)))

    arena.run(german())
    arena.task(agent=agent).ask("order.return", {**SEND_BACK, "item_ids": ["i2"]})
    assert f'"{NAME}" braucht Ihre Zustimmung' in log.messages[-1]
    assert "Zweck: " in log.messages[-1]


@pytest.mark.proves("NOTICE-LOG", "LOGS-CLEAN")
def test_nothing_but_the_notices_own_link_passes_the_filter() -> None:
    page = f"{ISSUER}/confirm/cnf_ytlww467kqykvqgqix5gmhcjqm"
    assert written(name=NOTICES, msg=f"notice: {TOKEN} {page}", page=page).endswith(f"removed] {page}")
    for record in (
        {"name": "remit", "msg": f"seen {page}", "page": page},
        {"name": NOTICES, "msg": f"seen {page}"},
        {"name": NOTICES, "msg": f"{page} and more", "page": page},
    ):
        assert page not in written(**record)
    for other in (f"{ISSUER}/enrol?code={TOKEN}", f"{page}?code={TOKEN}", f"{page}\n{TOKEN}", f"https://evil.example/{TOKEN}", TOKEN):
        assert TOKEN not in written(name=NOTICES, msg=f"notice: {other}", page=other)
