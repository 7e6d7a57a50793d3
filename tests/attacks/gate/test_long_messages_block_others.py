"""Long messages keep nobody else waiting: callers take turns, each has a bounded number of them waiting, and what is refused is not read."""

import asyncio
import hashlib
import json
import threading
from base64 import b64encode
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import pytest

from attacks.arena import SEND_BACK, SHOP, Arena, code_of, open_arena
from remit.domain.errors import Code, Refused
from remit.domain.secrets import find as secrets
from remit.domain.words.verdict import WordsVerdict, judge_words
from remit.engine.scan_executor import ScanExecutor
from remit.engine.transcript.record import keyed_digest
from remit.engine.words import check
from remit.proof.canonical import b64url

LONG = 5_000
CARD = "4111 1111 1111 1111"


class Reading:
    """Texts that are read at once for several callers, and in which order the reader was done with them."""

    def __init__(self) -> None:
        self.reads = ScanExecutor()
        self.held = threading.Event()
        self.order: list[str] = []

    def text(self, caller: str, *, hold: bool = False) -> Awaitable[None]:
        def read() -> None:
            if hold:
                self.held.wait(30)
            self.order.append(caller)

        return self.reads.read(caller, LONG, read)


async def begun(*works: Awaitable[Any]) -> list[asyncio.Future[Any]]:
    """Works that have begun, one after the other."""
    tasks = []
    for work in works:
        tasks.append(asyncio.ensure_future(work))
        await asyncio.sleep(0)
    return tasks


@pytest.mark.proves("LIMITS")
def test_a_long_text_waits_for_one_of_each_other_caller_however_many_they_sent() -> None:
    one = Reading()

    async def several() -> None:
        texts = await begun(one.text("flood", hold=True), *(one.text("flood") for _ in range(20)), one.text("other"), one.text("honest"))
        one.held.set()
        await asyncio.gather(*texts)

    asyncio.run(several())
    assert one.order.index("honest") == 2, "one of each other caller at most was read before"
    assert sorted(one.order) == ["flood"] * 21 + ["honest", "other"]
    assert one.reads._callers == {}, "nothing is remembered of who waits for nothing"


@pytest.mark.proves("LIMITS")
def test_whoever_goes_away_in_the_middle_gets_no_second_place() -> None:
    one = Reading()

    async def several() -> None:
        (gone,) = await begun(one.text("flood", hold=True))
        gone.cancel()
        texts = await begun(one.text("flood"), one.text("honest"))
        one.held.set()
        await asyncio.gather(*texts)

    asyncio.run(several())
    assert one.order == ["flood", "honest", "flood"]
    assert one.reads._callers == {}


@pytest.mark.proves("LIMITS")
def test_whoever_goes_away_while_waiting_leaves_nothing_behind() -> None:
    one = Reading()

    async def several() -> None:
        first, second, third = await begun(one.text("flood", hold=True), one.text("flood"), one.text("flood"))
        second.cancel()
        await asyncio.sleep(0)
        one.held.set()
        await asyncio.gather(first, third)

    asyncio.run(several())
    assert one.order == ["flood", "flood"]
    assert one.reads._callers == {}


@pytest.mark.proves("LIMITS")
def test_what_breaks_while_it_is_read_is_told_and_holds_nobody_up() -> None:
    reads = ScanExecutor()

    def broken() -> None:
        raise Refused(Code.PARAMS_INVALID, "no")

    async def several() -> str:
        with pytest.raises(Refused):
            await reads.read("one", LONG, broken)
        return await reads.read("one", LONG, lambda: "read")

    assert asyncio.run(several()) == "read"


def long_ask(arena: Arena, task: Any, words: str, **more: Any) -> Awaitable[Any]:
    path = f"/v1/tasks/{task.id}/asks"
    body = json.dumps({"action": "order.read", "params": {"order_id": "W1"}, "words": words, **more}).encode()
    proof = arena.proof(task.agent, "POST", path, token=task.token)
    head = {
        "authorization": f"DPoP {task.token}",
        "dpop": proof,
        "content-type": "application/json",
        "idempotency-key": f"k{len(proof)}{hash(proof)}",
    }
    return arena.room._http.post(path, content=body, headers=head)


@pytest.mark.proves("LIMITS")
def test_an_agent_with_too_many_long_messages_waiting_is_told_to_wait_and_nobody_else() -> None:
    words = "The kettle leaks. " * 200
    with open_arena() as arena:
        task, other = arena.task(), arena.task(agent=arena.agent("spiffe://elsewhere.example/x"))
        held = threading.Event()

        async def flooded() -> tuple[Any, ...]:
            waiting = await begun(*(arena.context.scan_executor.read(SHOP, LONG, lambda: held.wait(60)) for _ in range(32)))
            (refused,) = await begun(long_ask(arena, task, words))
            await asyncio.wait({refused}, timeout=10)
            if not refused.done():
                held.set()
            short = await long_ask(arena, task, "The kettle leaks.")
            honest = asyncio.ensure_future(long_ask(arena, other, words))
            held.set()
            done = await asyncio.gather(honest, *waiting)
            return await refused, short, done[0], await long_ask(arena, task, words)

        before = len(arena.entries())
        refused, *fine = arena.run(flooded())
        assert (code_of(refused), refused.status_code, refused.headers["retry-after"]) == ("request.rate_limited", 429, "2")
        assert [one.status_code for one in fine] == [200, 200, 200]
        assert len(arena.entries("ask.decided")) == 3, "what was refused as too many is not on the record"
        assert len(arena.entries()) > before


@pytest.mark.proves("LIMITS")
def test_between_the_files_of_one_ask_others_have_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    held, begins, order = threading.Event(), threading.Event(), []
    readers: set[threading.Thread] = set()
    on_loop: set[threading.Thread] = set()
    real = secrets.find_secrets

    def noted(text: str, **more: Any) -> Any:
        if text.startswith("file"):
            readers.add(threading.current_thread())
            begins.set()
            if threading.current_thread() not in on_loop:  # where nobody could let it go on
                held.wait(30)
            order.append(text[:6])
        return real(text, **more)

    monkeypatch.setattr("remit.domain.files.scrub.find_secrets", noted)
    files = [
        {"name": f"{n}.txt", "media_type": "text/plain", "data_b64": b64encode(f"file {n} {'the kettle ' * 300}".encode()).decode()}
        for n in range(3)
    ]
    with open_arena() as arena:
        task = arena.task()

        async def asked() -> int:
            on_loop.add(threading.current_thread())
            (ask,) = await begun(long_ask(arena, task, "The kettle leaks.", attachments=files))
            assert await asyncio.to_thread(begins.wait, 30), "the first file is with the reader"
            (honest,) = await begun(arena.context.scan_executor.read("another", LONG, lambda: order.append("honest")))
            held.set()
            await honest
            return int((await ask).status_code)

        assert arena.run(asked()) == 200
    assert order.index("honest") <= 1
    assert len(order) == 4
    assert not readers & on_loop, "no file is read on the loop"


PADDED = [f"{number} {CARD} {'a@' * 10_000}" for number in range(20)]
REFUSED: dict[str, tuple[str, str, Any]] = {
    "an undeclared param": ("params.invalid", "order.return", {**SEND_BACK, "note": PADDED}),
    "an undeclared name": ("params.invalid", "order.return", {**SEND_BACK, **dict.fromkeys(PADDED, 1)}),
    "an unknown action": ("action.unknown", "order.sing", {"song": PADDED}),
    "another order": ("mandate.off_target", "order.return", {"order_id": "".join(PADDED[:3]), "item_ids": ["i1"]}),
    "terms of an offer": ("objective.action_outside", "offer.accept", {"offer_id": "x", "digest": "y", "note": PADDED}),
}
"""Asks that are refused whatever they say, with much to read in them, and a card's number."""


@pytest.mark.proves("LIMITS", "SECRETS", "P11")
@pytest.mark.parametrize("what", REFUSED)
def test_a_long_ask_that_is_refused_anyway_is_neither_read_nor_kept(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, action, params = REFUSED[what]
    read: list[int] = []
    real = secrets.find_secrets

    def counted(text: str, **more: Any) -> Any:
        read.append(len(text))
        return real(text, **more)

    for place in ("remit.domain.secrets.find.find_secrets", "remit.engine.redact.find_secrets"):
        monkeypatch.setattr(place, counted)
    with open_arena(store=f"sqlite:///{tmp_path}/store.db") as arena:
        task = arena.task()
        read.clear()
        body = {"action": action, "params": params, "words": "The kettle leaks. " * 1000}
        first, again = (arena.send(task, f"/v1/tasks/{task.id}/asks", body, headers={"idempotency-key": "k"}) for _ in range(2))
        assert sum(read) < 100_000, "four hundred thousand letters were sent"
        answer = arena.refused(first, code)
        assert (again.status_code, again.json()["ask"]) == (first.status_code, answer["ask"]), "the same ask is known again"
        entry = arena.recorded("ask.decided", ask=answer["ask"])
        assert entry["desk"]["ask"]["params"] == {"left_out": "more than 16384 letters"}
        kept = repr(arena.entries()).encode() + b"".join(one.read_bytes() for one in sorted(tmp_path.rglob("*")) if one.is_file())
        digest = hashlib.sha256(first.request.content).digest()
        keyed = keyed_digest(arena.context, b64url(digest))
    for told in (CARD.encode(), b"a@a@a@", b64url(digest).encode(), digest, keyed.encode()):
        assert told not in kept


@pytest.mark.proves("LIMITS")
def test_a_message_whose_patterns_are_yet_to_be_compiled_is_read_beside_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """⚔ The first message in another language, or in another script, holds up nobody else."""
    readers: list[str] = []

    def judge(*given: Any, **more: Any) -> WordsVerdict:
        readers.append(threading.current_thread().name)
        return judge_words(*given, **more)

    monkeypatch.setattr(check, "judge_words", judge)
    with open_arena(settings={"words": {"languages": ["en", "de"]}}) as arena:
        task = arena.task()
        said = []
        for words in ("The kettle leaks.", "Thank you.", "Thank you, Łukasz \N{GREEK SMALL LETTER ALPHA}\N{CYRILLIC SMALL LETTER BE}."):
            readers.clear()
            arena.run(long_ask(arena, task, words))
            said.append({name.startswith("remit-words") for name in readers})
    assert said == [{True}, {False}, {True}]
