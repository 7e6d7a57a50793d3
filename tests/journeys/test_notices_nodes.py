"""Notices of a desk that two nodes serve: each is sent once, and by the other node where one is gone."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from journeys.kept_desk import START, Clock, kept_desk, run
from remit.adapters.notify.memory import MemoryCarrier
from remit.domain.records import NoticeRecord, NoticeStage
from remit.domain.values import Instant
from remit.engine.context import DeskContext
from remit.ports.store import Commit, Put
from remit.usecases.send_notices import NoticeSender

MANY = 12


def notice(number: int) -> NoticeRecord:
    return NoticeRecord(
        id=f"ntc_{number}",
        stage=NoticeStage.SENDING,
        to="anna",
        at=START,
        due_at=START,
        until=Instant(START + 10_000_000),
        left=("memory",),
        address="anna@mail.example",
        subject="A passkey was added",
        text="If it was not you, tell the desk.",
        page="https://desk.example/me",
    )


@pytest.mark.proves("NOTICE-ONCE")
def test_two_nodes_that_send_at_once_send_each_notice_once(tmp_path: Path) -> None:
    clock, carrier = Clock(), MemoryCarrier()
    one, other = (replace(kept_desk(tmp_path / "desk", clock=clock, node=name), carriers=(carrier,)) for name in ("one", "two"))

    async def work(_: DeskContext) -> None:
        await one.store.commit(Commit(puts=tuple(Put(notice(number), 0) for number in range(MANY))))
        rounds = [NoticeSender(lambda *_: None) for _ in range(2)]
        await asyncio.gather(*(sending.round(desk) for sending in rounds for desk in (one, other)))
        for desk in (one, other):
            await NoticeSender(lambda *_: None).round(desk)
            assert not await desk.store.find(NoticeRecord, "notice.waiting", "")
        await other.store.close()
        other.vault.close()  # type: ignore[attr-defined]  # the plug has it

    run(one, work)
    assert sorted(letter.id for letter in carrier.taken) == sorted(f"ntc_{number}" for number in range(MANY))
