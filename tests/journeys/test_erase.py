"""Erasing a customer's content: two people, never against a contest or hold, and not undone by a restore."""

import asyncio
import logging
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from contracts.store_plugs import act, mandate, new, person, task
from journeys.erasing import ANN, BOB, CLERK, DAY_S, GONE, SELF, TWIN, contents, erase, erased, fill, propose_erasure
from journeys.kept_desk import START, Clock, ask, confirmation, kept_desk, note_about, run
from remit.adapters.log_reader.sqlite import SqliteLog
from remit.adapters.notify.console import ConsoleNotify
from remit.adapters.signer import file as signer_files
from remit.adapters.signer.file import verify_ed25519
from remit.domain.errors import Code, Refused
from remit.domain.records import (
    ActRecord,
    AskRecord,
    AskState,
    ConfirmationRecord,
    Contest,
    DeskMessage,
    MandateRecord,
    OfferRecord,
    OutboxState,
    PasskeyRecord,
    PersonRecord,
    TaskState,
)
from remit.domain.transcript.entry import Kind, Section
from remit.domain.transcript.receipt import Holder
from remit.domain.values import Instant
from remit.engine.commit import commit_retryable
from remit.engine.context import DeskContext
from remit.engine.mandates import issuable, signed
from remit.engine.transcript.erase import ERASURES
from remit.engine.transcript.legal_hold import close_contest, legal_hold
from remit.engine.transcript.record import draft_entry, open_entry, receipt_for_entries, seal_entries
from remit.ports.store import Commit, Precondition, Put
from remit.ports.vault import Vault
from remit.usecases.transcript.contest import contest_entry
from remit.usecases.transcript.recover import recover_desk
from remit.usecases.transcript.replay_erasures import finish_erasures, replay_erasures
from remit.usecases.transcript.retention import BY, RetentionJob
from remit.usecases.transcript.verify import verify_log


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def folder(tmp_path: Path, clock: Clock) -> Path:
    run(kept_desk(tmp_path / "desk", clock=clock), fill)
    clock.at = GONE
    return tmp_path / "desk"


async def refused(work: Any) -> Code:
    with pytest.raises(Refused) as caught:
        await work
    return caught.value.code


def test_content_goes_envelopes_stay_and_others_are_untouched(folder: Path, clock: Clock) -> None:
    async def work(desk: DeskContext) -> None:
        done = await erased(desk)
        assert (done.customer, done.keys, done.records) == ("c1", 1, 5)
        rows = await desk.store.entries(ref="c1")
        assert (await contents(desk, "c1"))[:3] == [None] * 3
        assert [one.row.kind for one in rows] == [Kind.REPLY_SENT] * 3 + [Kind.ENTRY_ERASED]
        assert (await contents(desk, "c2"))[0].body == {"text": "somebody else's"}
        receipt = await receipt_for_entries(desk, [0], Holder.CUSTOMER)
        assert "private" not in str(receipt)
        assert (await desk.store.get(PasskeyRecord, "key")).record.person == "c1"

    run(kept_desk(folder, clock=clock), work)


def test_working_records_are_emptied_of_everything_but_ids_states_and_digests(folder: Path, clock: Clock) -> None:
    async def work(desk: DeskContext) -> None:
        await erased(desk)
        emptied = (await desk.store.get(AskRecord, "ask1")).record
        assert (emptied.params, emptied.words, emptied.result, emptied.digest) == ("{}", "", "", "d")
        assert (await desk.store.get(MandateRecord, "m1")).record.wire == "{}"
        assert not (await desk.store.get(DeskMessage, "msg")).record.text
        assert (await desk.store.get(OfferRecord, "off")).record.terms == "{}"

    run(kept_desk(folder, clock=clock), work)
    for path in folder.glob("store.sqlite*"):
        raw = path.read_bytes()
        assert b"private" not in raw, path.name


@pytest.mark.parametrize("state", [OutboxState.QUEUED, OutboxState.SENT, OutboxState.UNKNOWN])
def test_an_answer_whose_fate_is_not_known_is_emptied_too(folder: Path, clock: Clock, state: OutboxState) -> None:
    async def work(desk: DeskContext) -> None:
        await desk.store.commit(new(act("act1", "", state, text="private"), replace(act("act2", "", state, text="theirs"), task="t2")))
        await erased(desk)
        assert (await desk.store.get(ActRecord, "act1")).record.payload == "{}"
        assert "theirs" in (await desk.store.get(ActRecord, "act2")).record.payload

    run(kept_desk(folder, clock=clock), work)


def test_nothing_that_was_remembered_of_mandates_outlives_it(folder: Path, clock: Clock) -> None:
    async def work(desk: DeskContext) -> None:
        issuable._judged.put(("rules", "m1"), issuable._Judged(mandate(), ()))
        signed._consented.put(("hash", "c1", "evidence"), True)
        await erased(desk)
        assert issuable._judged.get(("rules", "m1")) is None
        assert signed._consented.get(("hash", "c1", "evidence")) is None

    run(kept_desk(folder, clock=clock), work)


def test_the_log_still_verifies(folder: Path, clock: Clock) -> None:
    run(kept_desk(folder, clock=clock), erased)
    with SqliteLog(folder / "store.sqlite") as log:
        report = verify_log(
            log,
            records=log,
            vkey=(folder / "keys" / "log.vkey").read_text(),
            high_water=(folder / "outside").read_text(),
            earlier=(),
            verify_ed25519=verify_ed25519,
            ticks=lambda: 0.0,
            progress=lambda *_: None,
        )
    assert report.entries == 5


def test_the_entry_names_the_keys_and_both_people_but_no_customer(folder: Path, clock: Clock) -> None:
    async def work(context: DeskContext) -> None:
        keys = await context.vault.keys("c1")
        await erased(context)
        kept = (await context.store.entries(ref="erasures"))[0]
        opened = await open_entry(context, kept.row)
        envelope, desk = opened.sections[Section.ENVELOPE].body, opened.sections[Section.DESK].body
        assert envelope is not None
        assert envelope["keys"] == list(keys)
        assert desk == {"by": ["ann", "bob"], "reason": "asked to be forgotten"}
        assert b'"c1"' not in kept.row.envelope

    run(kept_desk(folder, clock=clock), work)


@pytest.mark.parametrize("second", [ANN, TWIN, CLERK, SELF, person("c1")], ids=["same", "twin", "clerk", "self", "customer"])
def test_it_takes_a_second_person_who_may_and_is_not_the_customer(folder: Path, clock: Clock, second: PersonRecord) -> None:
    async def work(desk: DeskContext) -> None:
        made = await propose_erasure(desk, customer="c1", reason="r", by=ANN, retention_s=0)
        assert await refused(erase(desk, proposal=made.id, by=second, retention_s=0)) is Code.PERSON_NOT_ALLOWED
        assert len(await desk.vault.keys("c1")) == 1

    run(kept_desk(folder, clock=clock), work)


@pytest.mark.parametrize("first", [CLERK, SELF, person("c1"), person("x", kind="officer", roles=("admin",), paused=True)], ids=str)
def test_only_who_may_can_propose(folder: Path, clock: Clock, first: PersonRecord) -> None:
    async def work(desk: DeskContext) -> None:
        assert await refused(propose_erasure(desk, customer="c1", reason="r", by=first, retention_s=0)) is Code.PERSON_NOT_ALLOWED

    run(kept_desk(folder, clock=clock), work)


def test_a_proposer_who_lost_the_role_counts_for_nothing(folder: Path, clock: Clock) -> None:
    async def work(desk: DeskContext) -> None:
        made = await propose_erasure(desk, customer="c1", reason="r", by=ANN, retention_s=0)
        kept = await desk.store.get(PersonRecord, "ann")
        await desk.store.commit(Commit(puts=(Put(person("ann", kind="officer", key="ann", roles=("billing",)), kept.rev, kept.record),)))
        assert await refused(erase(desk, proposal=made.id, by=BOB, retention_s=0)) is Code.PERSON_NOT_ALLOWED

    run(kept_desk(folder, clock=clock), work)


def test_a_proposal_is_used_once_and_runs_out(folder: Path, clock: Clock) -> None:
    async def work(desk: DeskContext) -> None:
        made = await propose_erasure(desk, customer="c1", reason="r", by=ANN, retention_s=0)
        clock.at = made.expires_at
        assert await refused(erase(desk, proposal=made.id, by=BOB, retention_s=0)) is Code.REQUEST_NOT_FOUND
        clock.at = Instant(made.expires_at - 1)
        await erase(desk, proposal=made.id, by=BOB, retention_s=0)
        assert await refused(erase(desk, proposal=made.id, by=BOB, retention_s=0)) is Code.REQUEST_NOT_FOUND

    run(kept_desk(folder, clock=clock), work)


async def _contest(desk: DeskContext) -> None:
    await contest_entry(desk, person("c1"), "0", "this was not me")


async def _hold(desk: DeskContext) -> None:
    await legal_hold(desk, customer="c1", reason="a court order", by=CLERK)


async def _task(desk: DeskContext) -> None:
    await desk.store.commit(new(task("t9", state=TaskState.HELD)))


async def _mandate(desk: DeskContext) -> None:
    await desk.store.commit(new(mandate("m9")))


async def _unknown(desk: DeskContext) -> None:
    await desk.store.commit(new(ask("ask9", AskState.UNKNOWN)))


AGAINST: dict[str, Callable[[DeskContext], Any]] = {
    "a contest": _contest,
    "a hold": _hold,
    "a held task": _task,
    "a mandate": _mandate,
    "an act whose outcome is unknown": _unknown,
}


@pytest.mark.parametrize("name", list(AGAINST))
def test_nothing_is_erased_while_something_stands_against_it(folder: Path, clock: Clock, name: str) -> None:
    async def work(desk: DeskContext) -> None:
        made = await propose_erasure(desk, customer="c1", reason="r", by=ANN, retention_s=0)
        await AGAINST[name](desk)
        assert await refused(erase(desk, proposal=made.id, by=BOB, retention_s=0)) is Code.REQUEST_CONFLICT
        assert await refused(propose_erasure(desk, customer="c1", reason="r", by=ANN, retention_s=0)) is Code.REQUEST_CONFLICT
        assert len(await desk.vault.keys("c1")) == 1

    run(kept_desk(folder, clock=clock), work)


@pytest.mark.parametrize("name", ["a contest", "a hold"])
def test_once_settled_it_can_be_erased(folder: Path, clock: Clock, name: str) -> None:
    async def work(desk: DeskContext) -> None:
        await AGAINST[name](desk)
        (kept,) = await desk.store.find(Contest, "contest.customer", "c1")
        await close_contest(desk, contest=kept.record.id, outcome="it was", by=CLERK)
        await close_contest(desk, contest=kept.record.id, outcome="it was", by=CLERK)
        assert not await desk.store.find(Contest, "contest.open", "")
        clock.at = Instant(clock.at + 40 * DAY_S * 1000)
        assert (await erased(desk)).keys == 1

    run(kept_desk(folder, clock=clock), work)


def test_nothing_is_erased_within_the_time_of_retention(folder: Path, clock: Clock) -> None:
    async def work(desk: DeskContext) -> None:
        clock.at = Instant(START + 30 * DAY_S * 1000 - 1)
        assert await refused(erased(desk)) is Code.REQUEST_CONFLICT
        clock.at = Instant(START + 30 * DAY_S * 1000)
        assert (await erased(desk)).keys == 1

    run(kept_desk(folder, clock=clock), work)


@pytest.mark.parametrize("customer", ["nobody", "ann"])
def test_only_a_customers_content_is_erased(folder: Path, clock: Clock, customer: str) -> None:
    async def work(desk: DeskContext) -> None:
        assert await refused(propose_erasure(desk, customer=customer, reason="r", by=BOB, retention_s=0)) is Code.REQUEST_NOT_FOUND
        assert await refused(propose_erasure(desk, customer="c1", reason=" ", by=BOB, retention_s=0)) is Code.REQUEST_MALFORMED

    run(kept_desk(folder, clock=clock), work)


class Stopped(Exception):  # noqa: N818  # it names what is
    """The process died here."""


def test_a_crash_between_the_record_and_the_keys_is_made_good_at_the_next_start(folder: Path, clock: Clock) -> None:
    def stop(name: str) -> None:
        if name == "erase.recorded":
            raise Stopped

    with pytest.raises(Stopped):
        run(kept_desk(folder, clock=clock, on_point=stop), erased)

    async def start(desk: DeskContext) -> None:
        assert len(await desk.vault.keys("c1")) == 1
        assert await replay_erasures(desk) == 0, "they had never gone"
        assert (await contents(desk, "c1"))[:3] == [None] * 3
        assert not await desk.vault.retired()
        assert not cast("ConsoleNotify", desk.notify).incidents

    run(kept_desk(folder, clock=clock), start)


def test_keys_put_back_from_a_copy_are_destroyed_again_and_newer_ones_are_kept(folder: Path, clock: Clock, tmp_path: Path) -> None:
    shutil.copy(folder / "content.sqlite", tmp_path / "copy")
    run(kept_desk(folder, clock=clock), erased)
    run(kept_desk(folder, clock=clock), lambda desk: note_about(desk, "c1", "back again"))

    async def at_home(desk: DeskContext) -> None:
        assert await replay_erasures(desk) == 0  # nothing came back
        assert (await contents(desk, "c1"))[-1].body == {"text": "back again"}

    run(kept_desk(folder, clock=clock), at_home)
    for left in folder.glob("content.sqlite*"):
        left.unlink()
    shutil.copy(tmp_path / "copy", folder / "content.sqlite")

    async def restored(desk: DeskContext) -> None:
        assert await replay_erasures(desk) == 1
        assert await desk.vault.keys("c1") == ()
        assert "erasure_repeated" in {kind for kind, _ in cast("ConsoleNotify", desk.notify).incidents}

    run(kept_desk(folder, clock=clock), restored)


class Slow:
    """A vault that lets something else happen before it seals for the first time about somebody."""

    def __init__(self, vault: Vault, subject: str, meanwhile: Callable[[], Any]) -> None:
        self._vault, self._subject, self._meanwhile = vault, subject, [meanwhile]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._vault, name)

    async def seal(self, subject: str, content: bytes) -> bytes:
        sealed = await self._vault.seal(subject, content)
        if subject == self._subject and self._meanwhile:
            await self._meanwhile.pop()()
        return sealed


@pytest.mark.parametrize("name", ["a contest", "a hold"])
def test_what_comes_against_it_at_the_last_moment_is_noticed(folder: Path, clock: Clock, name: str) -> None:
    async def work(desk: DeskContext) -> None:
        made = await propose_erasure(desk, customer="c1", reason="r", by=ANN, retention_s=0)
        slow = replace(desk, vault=cast("Any", Slow(desk.vault, "", lambda: AGAINST[name](desk))))
        assert await refused(erase(slow, proposal=made.id, by=BOB, retention_s=0)) is Code.TASK_BUSY
        assert await refused(erase(desk, proposal=made.id, by=BOB, retention_s=0)) is Code.REQUEST_CONFLICT
        assert await replay_erasures(desk) == 0
        assert None not in await contents(desk, "c1")

    run(kept_desk(folder, clock=clock), work)


def test_what_was_sealed_before_an_erasure_is_not_recorded_after_it(folder: Path, clock: Clock) -> None:
    """⚔ It would be on the record, and could never be read."""

    async def work(desk: DeskContext) -> None:
        made = await propose_erasure(desk, customer="c1", reason="r", by=ANN, retention_s=0)

        async def meanwhile() -> None:
            await erase(desk, proposal=made.id, by=BOB, retention_s=0)

        slow = replace(desk, vault=cast("Any", Slow(desk.vault, "c1", meanwhile)))
        assert await refused(contest_entry(slow, person("c1"), "0", "this was not me")) is Code.TASK_BUSY
        assert not await desk.store.find(Contest, "contest.customer", "c1")
        await contest_entry(desk, person("c1"), "0", "this was not me")
        assert (await contents(desk, "c1"))[-1].body == {"text": "this was not me"}

    run(kept_desk(folder, clock=clock), work)


def test_whoever_sealed_something_before_an_erasure_begins_again(folder: Path, clock: Clock) -> None:
    """⚔ As decisions and grants do: what they stand on has moved, so that nothing under a key that is gone is recorded."""

    async def work(desk: DeskContext) -> None:
        stood = Precondition("person", "c1", (await desk.store.get(PersonRecord, "c1")).rev)
        sealed = await seal_entries(
            desk, draft_entry(desk, Kind.REPLY_SENT, envelope={}, customer={"text": "unread"}, subject="c1", refs=("c1",))
        )
        before = await erased(desk)
        assert before.customer == "c1"
        assert await refused(commit_retryable(desk, Commit(preconditions=(stood,), entries=sealed.rows))) is Code.TASK_BUSY

    run(kept_desk(folder, clock=clock), work)


@pytest.fixture
def older(folder: Path, clock: Clock, tmp_path: Path) -> Path:
    """The desk with a copy of its store put back that is older than an erasure; the content keys are those of today."""
    shutil.copy(folder / "store.sqlite", tmp_path / "copy")
    run(kept_desk(folder, clock=clock), erased)
    shutil.copy(tmp_path / "copy", folder / "store.sqlite")
    return folder


def test_a_store_put_back_from_a_copy_brings_nothing_back_that_was_erased_since(older: Path, clock: Clock) -> None:
    async def recovered(desk: DeskContext) -> None:
        assert (await desk.store.get(AskRecord, "ask1")).record.words == "private words"
        rotate = partial(signer_files.rotate_token_key, older / "keys", keep_old=False)
        await recover_desk(desk, cast("Any", desk.store), by="admin", rotate=rotate, verify_ed25519=verify_ed25519)
        assert not (await desk.store.get(AskRecord, "ask1")).record.words
        assert await desk.vault.retired() == ()
        assert "erasure_repeated" in {kind for kind, _ in cast("ConsoleNotify", desk.notify).incidents}

    run(kept_desk(older, clock=clock, recovering=True), recovered)
    assert not any(b"private" in path.read_bytes() for path in older.glob("store.sqlite*"))

    async def afterwards(context: DeskContext) -> None:
        assert await replay_erasures(context) == 0
        (kept,) = await context.store.entries(ref=ERASURES)
        opened = (await open_entry(context, kept.row)).sections
        (destroyed,) = (await context.vault.destroyed()).values()
        envelope, desk = opened[Section.ENVELOPE].body, opened[Section.DESK].body
        assert envelope is not None
        assert desk is not None
        assert (envelope["keys"], envelope["records"], desk["by"]) == (list(destroyed), 5, ["recovery"])

    run(kept_desk(older, clock=clock), afterwards)


def test_a_reader_at_the_start_only_puts_off_what_is_emptied_again(older: Path, clock: Clock) -> None:
    def left() -> bool:
        return any(b"private" in path.read_bytes() for path in older.glob("store.sqlite*"))

    async def start(desk: DeskContext) -> None:
        with closing(sqlite3.connect(older / "store.sqlite", isolation_level=None)) as reader:
            reader.execute("begin")
            reader.execute("select * from record").fetchall()
            assert await replay_erasures(desk) == 0
            assert left()
        assert await finish_erasures(desk) == 1
        assert not left()

    run(kept_desk(older, clock=clock, recovering=True), start)


def test_who_came_back_since_keeps_what_is_live(older: Path, clock: Clock) -> None:
    async def start(desk: DeskContext) -> None:
        await note_about(desk, "c1", "back again")
        await desk.store.commit(new(mandate("m2", wire='{"summary":"again"}'), task("t2", mandate_id="m2")))
        await desk.store.commit(
            new(replace(ask("ask2", AskState.DONE), task="t2", words="again"), replace(confirmation("c2", "ask2"), task="t2"))
        )
        await contest_entry(desk, person("c1"), "0", "again")
        assert await replay_erasures(desk) == 0
        assert not (await desk.store.get(AskRecord, "ask1")).record.words
        assert (await desk.store.get(AskRecord, "ask2")).record.words == "again"
        assert "again" in (await desk.store.get(MandateRecord, "m2")).record.wire
        assert (await desk.store.get(ConfirmationRecord, "c2")).rev == 1
        assert [one.record.text for one in await desk.store.find(Contest, "contest.open", "")] == ["again"]
        back = [one.body for one in await contents(desk, "c1") if one is not None and one.body is not None]
        assert back == [{"text": "back again"}, {"text": "again"}]

    run(kept_desk(older, clock=clock, recovering=True), start)


def test_a_store_that_knows_nothing_of_somebody_who_was_erased_is_left_alone(folder: Path, clock: Clock) -> None:
    async def work(desk: DeskContext) -> None:
        await desk.vault.seal("stranger", b"x")
        await desk.vault.destroy_keys(await desk.vault.keys("stranger"))
        assert await replay_erasures(desk) == 0
        assert not await desk.store.entries(ref=ERASURES)

    run(kept_desk(folder, clock=clock), work)


def test_holds_and_settling_are_for_officers_with_a_reason(folder: Path, clock: Clock) -> None:
    async def work(desk: DeskContext) -> None:
        assert await refused(legal_hold(desk, customer="c1", reason="r", by=person("c2"))) is Code.PERSON_NOT_ALLOWED
        assert await refused(legal_hold(desk, customer="c1", reason="", by=CLERK)) is Code.REQUEST_MALFORMED
        assert await refused(legal_hold(desk, customer="nobody", reason="r", by=CLERK)) is Code.REQUEST_NOT_FOUND
        made = await legal_hold(desk, customer="c1", reason="r", by=CLERK)
        assert await refused(close_contest(desk, contest=made.id, outcome="o", by=person("c1"))) is Code.PERSON_NOT_ALLOWED
        assert await refused(close_contest(desk, contest=made.id, outcome="", by=CLERK)) is Code.REQUEST_MALFORMED
        assert await refused(close_contest(desk, contest="none", outcome="o", by=CLERK)) is Code.REQUEST_NOT_FOUND

    run(kept_desk(folder, clock=clock), work)


def test_two_people_who_erase_at_once_erase_once(folder: Path, clock: Clock) -> None:
    async def work(desk: DeskContext) -> None:
        made = await propose_erasure(desk, customer="c1", reason="r", by=ANN, retention_s=0)
        results = await asyncio.gather(*[erase(desk, proposal=made.id, by=BOB, retention_s=0) for _ in range(3)], return_exceptions=True)
        assert sum(not isinstance(one, BaseException) for one in results) == 1
        assert len(await desk.store.entries(ref="erasures")) == 1

    run(kept_desk(folder, clock=clock), work)


DAY_MS = 86_400_000
TERM_DAYS = 100
DUE = Instant(START + TERM_DAYS * DAY_MS)


class Ticking(Clock):
    """A clock that stands, beside ticks that are moved by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.ticked = 0.0

    def ticks(self) -> float:
        return self.ticked


@pytest.fixture(params=["", "one"], ids=["sqlite", "postgres"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> DeskContext:
    desk = kept_desk(tmp_path / "desk", clock=Ticking(), node=request.param)
    cast("Any", desk.terms).erase_after_s = TERM_DAYS * DAY_MS // 1000
    return desk


def clock_of(desk: DeskContext) -> Ticking:
    return cast("Ticking", desk.world)


async def task_opened(desk: DeskContext) -> None:
    """An agent proved itself for a task at this moment."""
    written = await seal_entries(desk, draft_entry(desk, Kind.TASK_OPENED, envelope={"task": "t9"}))
    await desk.store.commit(Commit(entries=written.rows))


async def rounds(desk: DeskContext, times: int = 3) -> int:
    erasing = RetentionJob()
    return sum([await erasing.round(desk) for _ in range(times)])


async def is_kept(desk: DeskContext, customer: str) -> bool:
    return all(await contents(desk, customer))


@pytest.mark.proves("ERASED")
def test_who_is_due_is_erased_as_by_two_people_and_nobody_else(desk: DeskContext) -> None:
    async def work(desk: DeskContext) -> None:
        await fill(desk)
        clock_of(desk).at = Instant(DUE - 1)
        await task_opened(desk)
        await note_about(desk, "c2", "they were here a moment ago")
        assert await rounds(desk) == 0, "it is the last day"
        clock_of(desk).at = DUE
        assert await rounds(desk) == 1
        assert not any((await contents(desk, "c1"))[:3])
        assert (await desk.store.get(AskRecord, "ask1")).record.words == ""
        assert await is_kept(desk, "c2")
        (kept,) = await desk.store.entries(ref=ERASURES)
        opened = await open_entry(desk, kept.row)
        assert opened.sections[Section.DESK].body == {"by": [BY], "reason": "nothing was recorded for 100 days"}

    run(desk, work)


def test_who_was_erased_is_not_erased_again_before_something_is_recorded(desk: DeskContext) -> None:
    async def work(desk: DeskContext) -> None:
        await fill(desk)
        clock_of(desk).at = DUE
        await task_opened(desk)
        assert await rounds(desk) == 2, "both customers"
        clock_of(desk).at = Instant(DUE + TERM_DAYS * DAY_MS)
        await task_opened(desk)
        assert await rounds(desk) == 0
        await note_about(desk, "c1", "they came back")
        clock_of(desk).at = Instant(DUE + 2 * TERM_DAYS * DAY_MS)
        await task_opened(desk)
        assert await rounds(desk) == 1

    run(desk, work)


@pytest.mark.proves("ERASED")
@pytest.mark.parametrize("standing", ["mandate", "contest", "retention"])
def test_whatever_stands_against_an_erasure_stands_against_this_one_and_keeps_nobody_else_from_it(desk: DeskContext, standing: str) -> None:
    async def work(desk: DeskContext) -> None:
        await fill(desk)
        if standing == "mandate":
            await desk.store.commit(new(mandate("m2", root="m2")))
        elif standing == "contest":
            await desk.store.commit(new(Contest(id="con1", customer="c1", entry=0, text="no", at=START)))
        else:
            cast("Any", desk.terms).retention_s = TERM_DAYS * DAY_MS // 1000 + 1
        clock_of(desk).at = DUE
        await task_opened(desk)
        keys = await desk.vault.keys("c1")
        assert await rounds(desk) == (0 if standing == "retention" else 1)
        assert await is_kept(desk, "c1")
        assert await desk.vault.retired() == ()
        assert await desk.vault.keys("c1") == keys

    run(desk, work)


@pytest.mark.proves("ERASED", "FAIL-CLOSED")
def test_a_clock_that_no_agent_shares_erases_nobody(desk: DeskContext, caplog: pytest.LogCaptureFixture) -> None:
    """⚔ A clock goes ten years ahead: everybody would be due."""

    async def work(desk: DeskContext) -> None:
        await fill(desk)
        await task_opened(desk)
        clock_of(desk).at = Instant(START + 3650 * DAY_MS)
        await note_about(desk, "c2", "the desk itself records with this clock")
        erasing = RetentionJob()
        with caplog.at_level(logging.WARNING, "remit"):
            assert await erasing.round(desk) == 0
        assert [one.__dict__["event"] for one in caplog.records] == ["erasure.waits"]
        assert await is_kept(desk, "c1")
        await task_opened(desk)
        assert await erasing.round(desk) == 0, "it rests for an hour"
        clock_of(desk).ticked += 3600
        assert await erasing.round(desk) == 1

    run(desk, work)


def test_without_a_term_nothing_is_even_looked_at(desk: DeskContext) -> None:
    async def work(desk: DeskContext) -> None:
        await fill(desk)
        clock_of(desk).at = DUE
        await task_opened(desk)
        cast("Any", desk.terms).erase_after_s = 0
        assert await rounds(desk) == 0
        assert await is_kept(desk, "c1")

    run(desk, work)


def test_all_are_met_however_many_came_at_one_moment_and_then_there_is_an_hours_rest(desk: DeskContext) -> None:
    async def work(desk: DeskContext) -> None:
        names = [f"many{number}" for number in range(23)]
        await desk.store.commit(new(*map(person, names)))
        for name in names:
            await note_about(desk, name, "something")
        clock_of(desk).at = DUE
        await task_opened(desk)
        erasing = RetentionJob()
        assert sum([await erasing.round(desk) for _ in range(12)]) == 23
        await desk.store.commit(new(person("late")))
        await note_about(desk, "late", "something")
        clock_of(desk).at = Instant(DUE + TERM_DAYS * DAY_MS)
        await task_opened(desk)
        assert await erasing.round(desk) == 0
        clock_of(desk).ticked += 3600
        assert sum([await erasing.round(desk) for _ in range(12)]) == 1

    run(desk, work)
