"""A desk whose store was put back from an old copy: nothing from before acts any more, and the loss is on the record."""

import shutil
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from contracts.store_plugs import NOW, agent, ceremony, mandate, new, person, task
from journeys.kept_desk import LATER, ask, confirmation, kept_desk, note_about, run
from remit.adapters.signer import file as signer_files
from remit.adapters.signer.file import verify_ed25519
from remit.domain.errors import Code, Fault, Refused
from remit.domain.records import (
    ActRecord,
    AskRecord,
    AskState,
    Ceremony,
    ConfirmationRecord,
    ConfirmationState,
    EndReason,
    Invitation,
    MandateRecord,
    OutboxState,
    PasskeyRecord,
    PersonRecord,
    Proposal,
    PushedRequest,
    RequestState,
    SessionRecord,
    TaskRecord,
    TaskState,
)
from remit.domain.transcript.entry import Kind, Section, unseal_entry
from remit.domain.values import Instant
from remit.engine.context import DeskContext
from remit.ports.store import Commit, RecordMissing, Reserve
from remit.proof.checkpoint import read_checkpoint, read_note
from remit.usecases.transcript.recover import RecoveryResult, recover_desk


def act(record_id: str, ask_id: str, state: OutboxState, door: str = "backoffice") -> ActRecord:
    return ActRecord(
        id=record_id, ask=ask_id, task="t1", case="case1", door=door, payload="{}", state=state, queued_at=NOW, sent_at=Instant(0)
    )


ONE_TIME = (
    ceremony("cer", at=LATER),
    SessionRecord(id="ses", person="c1", created_at=NOW, expires_at=LATER, passkey="p"),
    Invitation(id="inv", person="c1", how="link", expires_at=LATER),
    Proposal(id="pro", what="erase", payload="{}", by="o", by_key="o", at=NOW, expires_at=LATER),
    PushedRequest(
        id="req",
        client_id="a1",
        actor="act",
        operator="op",
        jkt="jkt",
        wire="{}",
        redirect_uri="",
        state="s",
        code_challenge="c",
        phase=RequestState.GRANTED,
        created_at=NOW,
        expires_at=LATER,
        code="hash",
    ),
)
KEPT = PasskeyRecord(id="key", person="c1", public_key="k", sign_count=0, how="vouched", label="l", created_at=NOW)


async def fill(desk: DeskContext) -> None:
    await desk.store.commit(new(person(), agent(), mandate(), mandate("m2", parent="m1"), task(), task("t2", mandate_id="m2"), KEPT))
    await desk.store.commit(new(*ONE_TIME))
    asks = [
        ask("queued", AskState.PERMITTED),
        ask("sent", AskState.ACTING),
        ask("noted", AskState.PERMITTED, action="case.comment"),
        ask("waits", AskState.WAITING, confirmation="con"),
        ask("orphan", AskState.WAITING),
    ]
    acts = [
        act("a-queued", "queued", OutboxState.QUEUED),
        act("a-sent", "sent", OutboxState.SENT),
        act("a-noted", "noted", OutboxState.QUEUED, "helpdesk"),
        act("a-ticket", "", OutboxState.QUEUED, "helpdesk"),
    ]
    await desk.store.commit(new(*asks, *acts, confirmation("con", "waits"), confirmation("con2", "orphan", "gone")))
    await desk.store.commit(Commit(reserves=tuple(Reserve("m1", one.id, 1, 5) for one in asks)))
    for number in range(5):
        await note_about(desk, "c1", str(number))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A desk of which a copy of the store was made, which then went on, and which got the copy back."""
    folder = tmp_path / "desk"
    run(kept_desk(folder), fill)
    shutil.copy(folder / "store.sqlite", tmp_path / "backup")
    run(kept_desk(folder), lambda desk: note_about(desk, "c1", "lost"))
    shutil.copy(tmp_path / "backup", folder / "store.sqlite")
    return folder


def recovering(folder: Path, work: Callable[[DeskContext], Coroutine[Any, Any, Any]] | None = None, *, outside: Any = None) -> Any:
    desk = kept_desk(folder, recovering=True)

    async def all_of_it(desk: DeskContext) -> Any:
        done = await recover_desk(
            desk,
            outside or desk.store,
            by="admin",
            rotate=lambda: signer_files.rotate_token_key(folder / "keys", keep_old=False),
            verify_ed25519=verify_ed25519,
        )
        return done if work is None else await work(desk)

    return run(desk, all_of_it)


def refused_start(folder: Path) -> Code:
    with pytest.raises(Refused) as caught:
        kept_desk(folder)
    return caught.value.code


def test_it_does_not_start_before_and_does_after(folder: Path) -> None:
    assert refused_start(folder) is Code.LOG_OLDER
    done: RecoveryResult = recovering(folder)
    assert (done.kept, done.published, done.forked) == (5, 6, False)
    assert (done.mandates, done.tasks, done.confirmations, done.acts_unknown) == (2, 2, 2, 2)
    run(kept_desk(folder), lambda desk: note_about(desk, "c1", "after"))
    run(kept_desk(folder), lambda desk: note_about(desk, "c1", "and again"))


@pytest.mark.proves("RECOVER")
def test_mandates_are_revoked_tasks_ended_and_what_waited_is_void(folder: Path) -> None:
    async def look(desk: DeskContext) -> None:
        for name in ("m1", "m2"):
            assert (await desk.store.get(MandateRecord, name)).record.state == "revoked"
        for name in ("t1", "t2"):
            ended = (await desk.store.get(TaskRecord, name)).record
            assert (ended.state, ended.reason) == (TaskState.ENDED, EndReason.RECOVERED)
        for name in ("con", "con2"):
            assert (await desk.store.get(ConfirmationRecord, name)).record.state is ConfirmationState.VOID
        assert (await desk.store.get(AskRecord, "waits")).record.state is AskState.VOID

    recovering(folder, look)


@pytest.mark.proves("RECOVER")
def test_acts_that_may_have_been_done_are_unknown_and_hold_what_they_reserved(folder: Path) -> None:
    async def look(desk: DeskContext) -> None:
        for name in ("queued", "sent"):
            assert (await desk.store.get(ActRecord, f"a-{name}")).record.state is OutboxState.UNKNOWN
            assert (await desk.store.get(AskRecord, name)).record.state is AskState.UNKNOWN
        for name in ("a-noted", "a-ticket"):
            assert (await desk.store.get(ActRecord, name)).record.state is OutboxState.VOID
        assert (await desk.store.get(AskRecord, "noted")).record.state is AskState.VOID
        counters = await desk.store.counters("m1")
        assert {name: counters[name] for name in ("queued", "sent", "noted", "waits")} == {"queued": 1, "sent": 1, "noted": 0, "waits": 0}
        # The sweep finds them, to ask the desk what became of them.
        assert {one.record.id for one in await desk.store.find(ActRecord, "act.sent", "")} == {"a-queued", "a-sent"}
        assert not await desk.store.find(ActRecord, "act.queued", "")

    recovering(folder, look)


@pytest.mark.proves("RECOVER")
def test_what_counts_once_is_dropped_since_it_may_have_been_used_and_people_stay(folder: Path) -> None:
    """⚔ An old copy must not bring back a used link, a sign-out or a spent code."""

    async def look(desk: DeskContext) -> None:
        for kind, name in ((Ceremony, "cer"), (SessionRecord, "ses"), (Invitation, "inv"), (Proposal, "pro"), (PushedRequest, "req")):
            with pytest.raises(RecordMissing):
                await desk.store.get(kind, name)
        assert (await desk.store.get(PersonRecord, "c1")).record == person()
        assert (await desk.store.get(PasskeyRecord, "key")).record == KEPT

    recovering(folder, look)


@pytest.mark.proves("RECOVER")
def test_tokens_of_before_are_dead(folder: Path) -> None:
    before = kept_desk(folder, recovering=True)
    token = before.signer.sign_jwt("at+jwt", {"sub": "c1"})

    async def nothing(_parts: DeskContext) -> None:
        """Only close it again."""

    run(before, nothing)
    done = recovering(folder)
    after = kept_desk(folder)
    with pytest.raises(Refused) as caught:
        after.signer.verify_jwt(token, "at+jwt")
    assert caught.value.code is Code.CREDENTIAL_WRONG_KEY
    assert after.signer.jwks()["keys"][0]["kid"] == done.key  # type: ignore[index,call-overload]  # JSON
    run(after, nothing)


async def recorded(desk: DeskContext) -> Any:
    kept = (await desk.store.entries(ref="recoveries", newest=True, limit=1))[0]
    opened = unseal_entry(kept.row.envelope, await desk.vault.unseal(kept.row.subject, kept.row.content))
    assert opened.kind is Kind.LOG_RECOVERED
    return opened.sections[Section.ENVELOPE].body, opened.sections[Section.DESK].body


def test_the_loss_is_on_the_record_with_the_published_checkpoint_as_evidence(folder: Path) -> None:
    published = (folder / "outside").read_text()
    envelope, desk = recovering(folder, recorded)
    assert envelope["lost"] == {"from": 5, "to": 6}
    assert envelope["published"]["size"] == read_checkpoint(read_note(published).text).size == 6
    assert envelope["published"]["root"] == read_note(published).text.split("\n")[2]  # as the checkpoint itself writes it
    assert desk["checkpoint"] == published
    assert set(desk["asks_that_waited"]) == {"con", "con2"}


def test_a_log_that_forked_from_the_published_one_is_recovered_with_both_on_record(folder: Path) -> None:
    published = (folder / "outside").read_text()

    async def go_on_in_secret(desk: DeskContext) -> None:
        for number in range(300):
            await note_about(desk, "c1", f"other {number}")

    run(kept_desk(folder, recovering=True), go_on_in_secret)
    assert refused_start(folder) is Code.LOG_OLDER
    envelope, desk = recovering(folder, recorded)
    assert (envelope["forked"], envelope["kept"], envelope["lost"]) == (True, 305, None)
    assert desk["checkpoint"] == published
    run(kept_desk(folder), lambda desk: note_about(desk, "c1", "after"))


@pytest.mark.parametrize("outside", [None, b"", b"\xff\xff torn"])
def test_a_published_checkpoint_that_is_lost_or_torn_is_recovered_without(folder: Path, outside: bytes | None) -> None:
    for name in ("outside", "outside.latest"):
        (folder / name).unlink()
        if outside is not None:
            (folder / name).write_bytes(outside)
    assert refused_start(folder) in {Code.SETTINGS_INVALID, Code.LOG_DAMAGED}
    envelope, _ = recovering(folder, recorded)
    assert (envelope["published"], envelope["lost"], envelope["kept"]) == (None, None, 5)
    run(kept_desk(folder), lambda desk: note_about(desk, "c1", "after"))


def test_a_store_that_is_not_older_is_left_alone(tmp_path: Path) -> None:
    run(kept_desk(tmp_path / "desk"), fill)
    with pytest.raises(Refused) as caught:
        recovering(tmp_path / "desk")
    assert caught.value.code is Code.REQUEST_CONFLICT

    async def look(desk: DeskContext) -> None:
        assert (await desk.store.get(MandateRecord, "m1")).record.state == "active"

    run(kept_desk(tmp_path / "desk"), look)


class Unwilling:
    """The place outside at a recovery that is cut short at its very end."""

    def __init__(self, text: str) -> None:
        self._text = text

    def published(self) -> str:
        return self._text

    async def accept(self) -> None:
        raise Fault(Code.FAULT_STORE, "cut short")


def test_a_recovery_cut_short_is_noticed_and_can_be_run_again(folder: Path) -> None:
    with pytest.raises(Fault):
        recovering(folder, outside=Unwilling((folder / "outside").read_text()))
    assert refused_start(folder) is Code.LOG_OLDER
    recovering(folder)
    run(kept_desk(folder), lambda desk: note_about(desk, "c1", "after"))
