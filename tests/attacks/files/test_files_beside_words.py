"""Files and words of one ask where they meet: held, released, stripped, confirmed, voided, and let pass by an officer."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any, Final

import httpx
import pytest

from attacks.arena import SEND_BACK, Arena, code_of, gathered, open_arena
from attacks.files.attached import READ, kept
from attacks.files_made import attached, pdf, zipped
from attacks.files_sent import BINARY
from attacks.words.holding import MORE, cara, path, refusal, signed, words
from remit.domain.records import FileState, PersonRecord
from remit.engine.files.receive import MAX_HELD
from remit.engine.files.store import HELD_FOR_S
from remit.ports.store import Commit, Put
from remit.usecases.background.sweep import sweep

LOG: Final = attached("kettle.log", b"It leaks.", "text/plain")


@pytest.fixture
def holding() -> Iterator[Arena]:
    with open_arena(settings=words()) as one:
        yield one


def in_ticket(arena: Arena, task: Any) -> list[bytes]:
    """The files in the case of a task."""
    case = kept(arena, task)[0][0].case
    return [one.data for one in arena.run(arena.helpdesk.files(case))]


def paused(arena: Arena) -> None:
    """The customer is paused: their agents may do nothing, and their tasks have not ended."""

    async def pause() -> None:
        kept_person = await arena.context.store.get(PersonRecord, "anna")
        await arena.context.store.commit(Commit(puts=(Put(replace(kept_person.record, paused=True), kept_person.rev, kept_person.record),)))

    arena.run(pause())


def swept(arena: Arena) -> None:
    for _ in range(3):
        arena.run(sweep(arena.context, patience_s=0))


@pytest.mark.proves("WORDS-STRIPPED", "WORDS-SPLIT")
def test_a_desk_that_strips_does_nothing_confirmed_whose_words_say_more_by_then() -> None:
    with open_arena(settings=words("strip")) as arena:
        task = arena.task()
        waits = task.ask("order.return", SEND_BACK, words="the money for it.")
        assert (waits.decision, waits.body.get("words")) == ("needs_human", None)
        assert task.ask("order.read", READ, words="Please send me").decision == "permit"
        assert refusal(arena.anna, path(arena.anna, waits), signed(arena.anna, waits, "yes")) == "words.wider"
        assert (waits.again().state, arena.performed()) == ("void", [])


@pytest.mark.proves("FILES", "WORDS-HELD")
def test_files_of_held_words_go_with_the_release_and_with_nothing_else(holding: Arena) -> None:
    for answer in ("release", "strip", "no", "end"):
        task = holding.task()
        reply = task.ask("order.read", READ, words=MORE, attachments=[LOG])
        assert (reply.body["words"], in_ticket(holding, task)) == ("held", [])
        one = cara(holding)
        if answer == "end":
            task.complete()
        else:
            one.post(path(one, reply), signed(one, reply, answer))
        swept(holding)
        assert in_ticket(holding, task) == ([b"It leaks."] if answer in {"release", "strip"} else []), answer


@pytest.mark.proves("FILES-SHOWN", "WORDS-HELD")
def test_whoever_answers_signs_which_files_go_along(holding: Arena) -> None:
    task = holding.task()
    reply = task.ask("order.return", SEND_BACK, words=MORE, attachments=[LOG])
    one = cara(holding)
    for person, body in ((one, one.get(path(one, reply))), (holding.anna, holding.anna.get(path(holding.anna, one.release(reply))))):
        assert [line["text"] for line in body["rendering"]["lines"] if line["kind"] == "file"] == ["The agent attached: kettle.log"], person
    assert holding.anna.confirm(reply.again()).outcome == "done"
    assert in_ticket(holding, task) == [b"It leaks."]


@pytest.mark.proves("FILES-SHOWN", "WORDS-HELD")
def test_an_officer_who_looks_at_words_sees_the_files_that_would_go_along(holding: Arena) -> None:
    task = holding.task()
    reply = task.ask("order.read", READ, words=MORE, attachments=[LOG])
    one = cara(holding)
    page = holding.person("GET", f"/confirm/{one.invitation(reply)}", cookie=one.cookie).text
    assert f"/desk/files/{kept(holding, task)[0][0].id}" in page
    assert page.count("kettle.log") == 2, "once to read, once in what is signed"


@pytest.mark.proves("FILES", "FILES-HELD")
def test_a_file_that_an_officer_let_pass_is_in_its_ticket_once_however_often_it_is_sent_again(holding: Arena) -> None:
    task = holding.task()
    file = attached("a.doc", BINARY)
    assert task.ask("order.read", READ, attachments=[file]).codes == ("words.attachment",)
    (held_back, _), *_ = kept(holding, task)
    holding.person("POST", f"/desk/v1/files/{held_back.id}", {"decision": "release"}, cookie=cara(holding).cookie)
    assert in_ticket(holding, task) == [BINARY]
    waits = task.ask("order.return", SEND_BACK, attachments=[file])
    assert holding.anna.confirm(waits).outcome == "done"
    cara(holding).release(task.ask("order.read", READ, words=MORE, attachments=[file]))
    swept(holding)
    assert in_ticket(holding, task) == [BINARY]


@pytest.mark.proves("FILES")
def test_a_file_of_an_ask_that_is_refused_before_it_is_sent_reaches_no_ticket(holding: Arena) -> None:
    granted, task = holding.granted()
    waits = task.ask("order.return", SEND_BACK, attachments=[LOG])
    holding.helpdesk.set_unavailable(True)
    assert holding.anna.confirm(waits).state == "permitted"
    less = {**granted.granted, "powers": [one for one in granted.granted["powers"] if "order.return" not in one.get("actions", ())]}
    holding.anna.narrow(granted, less)
    holding.helpdesk.set_unavailable(False)
    swept(holding)
    assert (waits.again().state, in_ticket(holding, task)) == ("void", [])


@pytest.mark.proves("FILES-HELD")
@pytest.mark.parametrize("how", ["the customer stopped it", "the case was closed"])
def test_what_an_officer_lets_pass_is_in_the_ticket_whatever_the_task_stands_on(holding: Arena, how: str) -> None:
    task = holding.task()
    assert task.ask("order.read", READ, attachments=[attached("a.doc", BINARY)]).codes == ("words.attachment",)
    (record, _), *_ = kept(holding, task)
    if how == "the case was closed":
        holding.run(holding.helpdesk.close_natively(record.case))
    else:
        paused(holding)
    settled = holding.person("POST", f"/desk/v1/files/{record.id}", {"decision": "release"}, cookie=cara(holding).cookie)
    assert settled.json()["state"] == FileState.RELEASED
    swept(holding)
    assert in_ticket(holding, task) == [BINARY]


@pytest.mark.proves("WORDS-HELD")
def test_what_was_offered_instead_has_no_words_that_were_passed_on(holding: Arena) -> None:
    task = holding.task()
    reply = task.ask("order.return", {"order_id": "W1", "item_ids": ["i1", "i2"]}, words=MORE, attachments=[LOG])
    released = cara(holding).release(reply)
    done = holding.anna.offer_less(released, SEND_BACK)
    assert (done.state, done.body.get("words")) == ("done", None)
    assert holding.recorded("ask.decided", ask=done.ask)["envelope"].get("words") is None
    swept(holding)
    assert in_ticket(holding, task) == []


@pytest.mark.proves("FILES", "LIMITS")
def test_an_archive_of_slow_files_keeps_no_reader_busy_for_long(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    task, read, late = arena.task(), [0], [0.0]
    ticks = arena.context.world.ticks

    async def slow(_data: bytes) -> str:
        read[0] += 1
        late[0] += 4.0
        return "all is well"

    monkeypatch.setattr(arena.context.world, "ticks", lambda: ticks() + late[0])
    monkeypatch.setattr(arena.context.document_reader, "text_of", slow)
    packed = [
        attached(f"{name}.zip", zipped(*((f"{number}.pdf", pdf(f"{name} {number}")) for number in range(60))), "application/zip")
        for name in ("a", "b")
    ]
    reply = task.ask("order.read", READ, attachments=packed)
    assert (reply.codes, kept(arena, task)[0][0].why) == (("words.attachment",), "too_much")
    assert read[0] <= 8


@pytest.mark.proves("FILES")
def test_no_file_is_written_into_a_case_behind_its_closing(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    task, attach, was_open = arena.task(), arena.helpdesk.attach, []

    async def noted(**file: Any) -> None:
        was_open.append((await arena.helpdesk.read(file["case"])).open)
        await attach(**file)

    monkeypatch.setattr(arena.helpdesk, "attach", noted)
    assert task.ask("case.close", {}, attachments=[LOG]).outcome == "done"
    assert (in_ticket(arena, task), was_open) == ([b"It leaks."], [True])


@pytest.mark.proves("FILES-HELD")
def test_nobody_lets_a_file_pass_after_its_time_also_where_the_desk_was_down(arena: Arena) -> None:
    task = arena.task()
    assert task.ask("order.read", READ, attachments=[attached("a.doc", BINARY)]).codes == ("words.attachment",)
    file = kept(arena, task)[0][0].id
    arena.clock.ahead_ms += HELD_FOR_S * 1000
    late = arena.person("POST", f"/desk/v1/files/{file}", {"decision": "release"}, cookie=cara(arena).cookie)
    assert code_of(late) == "request.conflict"
    ((record, data),) = kept(arena, task)
    assert (record.state, data, in_ticket(arena, task)) == (FileState.DISCARDED, None, [])
    assert arena.recorded("attachment.settled", file=file)["envelope"]["outcome"] == "lapsed"


@pytest.mark.proves("FILES-SHOWN")
@pytest.mark.parametrize(
    ("answer", "told"), [("", "waiting with its request"), ("no", "not in a case: its request"), ("release", "in the case")]
)
def test_nobody_is_told_that_a_file_is_in_a_ticket_it_is_not_in(holding: Arena, answer: str, told: str) -> None:
    task = holding.task()
    reply = task.ask("order.read", READ, words=MORE, attachments=[LOG])
    one = cara(holding)
    if answer:
        one.post(path(one, reply), signed(one, reply, answer))
    record = kept(holding, task)[0][0]
    for page in (f"/desk/cases/{record.case}", f"/desk/files/{record.id}"):
        assert told in holding.person("GET", page, cookie=one.cookie).text
    assert bool(in_ticket(holding, task)) is (told == "in the case")


@pytest.mark.proves("FILES-HELD")
def test_a_helpdesk_that_does_not_answer_keeps_no_officer_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    with open_arena(settings={"terms": {"desk_timeout_ms": 300}}) as arena:
        task = arena.task()
        assert task.ask("order.read", READ, attachments=[attached("a.doc", BINARY)]).codes == ("words.attachment",)
        file, cut_off = kept(arena, task)[0][0].id, []

        async def hangs(**_file: Any) -> None:
            try:
                await asyncio.sleep(2)
            except asyncio.CancelledError:
                cut_off.append(True)
                raise

        with monkeypatch.context() as broken:
            broken.setattr(arena.helpdesk, "attach", hangs)
            settled = arena.person("POST", f"/desk/v1/files/{file}", {"decision": "release"}, cookie=cara(arena).cookie)
        assert (settled.json()["state"], cut_off) == ("released", [True, True]), "the act, and then what goes there without it"
        swept(arena)
        assert in_ticket(arena, task) == [BINARY]


def at_once(arena: Arena, task: Any, files: list[dict[str, str]]) -> list[httpx.Response]:
    """One ask with each of these files, all at the same moment."""
    path = f"/v1/tasks/{task.id}/asks"

    def asking(number: int, file: dict[str, str]) -> Callable[[], Awaitable[httpx.Response]]:
        headers = {
            "authorization": f"DPoP {task.token}",
            "dpop": arena.proof(task.agent, "POST", path, token=task.token),
            "idempotency-key": f"k{number}",
            "content-type": "application/json",
        }
        body = json.dumps({"action": "order.read", "params": READ, "attachments": [file]}).encode()
        return lambda: arena.room._http.post(path, content=body, headers=headers)

    return gathered(arena, [asking(number, file) for number, file in enumerate(files)])


@pytest.mark.proves("FILES-HELD")
def test_the_same_file_sent_many_times_at_once_is_held_once_and_each_refusal_is_on_record(arena: Arena) -> None:
    task = arena.task()
    answers = at_once(arena, task, [attached("a.doc", BINARY)] * 4)
    assert [code_of(one) for one in answers] == ["words.attachment"] * 4
    assert [[file["state"] for file in one.json()["attachments"]] for one in answers] == [["held"]] * 4
    assert (len(arena.entries("ask.decided")), len(kept(arena, task))) == (4, 1)


@pytest.mark.proves("FILES-HELD")
def test_files_sent_at_once_fill_the_queue_no_further_than_one_after_the_other(arena: Arena) -> None:
    task = arena.task()
    answers = at_once(arena, task, [attached("a.doc", BINARY + bytes([number])) for number in range(MAX_HELD + 6)])
    assert {code_of(one) for one in answers} == {"words.attachment"}
    assert len(kept(arena, task)) == MAX_HELD
    file = kept(arena, task)[0][0].id
    arena.person("POST", f"/desk/v1/files/{file}", {"decision": "discard"}, cookie=cara(arena).cookie)
    for number, state in ((100, "held"), (101, None)):
        one = arena.ask(task, "order.read", READ, attachments=[attached("a.doc", BINARY + bytes([number]))]).json()
        assert [file["state"] for file in one.get("attachments", [])] == ([state] if state else [])
