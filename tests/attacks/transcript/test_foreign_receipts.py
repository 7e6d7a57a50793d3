"""Receipts of single entries, asked for by agents that are no party, not alive, or may be told less than before."""

from typing import Any

import httpx
import pytest

from attacks.arena import Arena, catalogue, code_of, mandate, open_arena
from remit.adapters.signer.file import verify_ed25519
from remit.domain.transcript.entry import Section
from remit.sandbox import SandboxTask
from remit.usecases.transcript.verify import verify_receipt_bytes

READ = {"order_id": "W1"}


def fetched(arena: Arena, task: SandboxTask, entry: int, **changed: Any) -> httpx.Response:
    return arena.send(task, f"/log/receipts/{entry}", method="GET", headers={"content-type": "", "idempotency-key": "", **changed})


def sections(arena: Arena, answer: httpx.Response) -> set[Section]:
    """Which parts a receipt opens, verified with the log's key alone."""
    assert answer.status_code == 200, answer.text
    key = arena.room.raw("GET", "/log/key").text.strip()
    (entry,) = verify_receipt_bytes(answer.content, vkeys=key, verify_ed25519=verify_ed25519).entries
    return set(entry.sections)


def told(arena: Arena, task: SandboxTask) -> int:
    """The entry that tells the result of a read of this task."""
    assert task.ask("order.read", READ).result
    return int(arena.recorded("reply.sent", task=task.id)["index"])


@pytest.mark.proves("RECEIPT-SECTIONS")
def test_an_agent_gets_receipts_of_its_own_task_alone(arena: Arena) -> None:
    found, task = arena.granted(mandate(max_tasks=2))
    entry = told(arena, task)
    answer = fetched(arena, task, entry)
    assert answer.headers["content-type"].startswith("text/plain")
    assert sections(arena, answer) == {Section.ENVELOPE, Section.AGENT}

    nothing = fetched(arena, task, 10_000)
    assert (nothing.status_code, code_of(nothing)) == (404, "request.not_found")
    other = arena.task(agent=arena.agent("spiffe://other.example/bot"))
    second = arena.agent().open(found)
    granted = arena.recorded("mandate.granted")["index"]  # of no task: the customer's and the desk's
    for caller, asked in ((other, entry), (second, entry), (task, told(arena, second)), (task, int(granted))):
        refused = fetched(arena, caller, asked)
        assert (refused.status_code, refused.json()) == (404, nothing.json())


@pytest.mark.proves("RECEIPT-SECTIONS", "DPOP-BOUND", "DPOP-REPLAY", "TASK-END")
@pytest.mark.usefixtures("process")
def test_a_receipt_needs_a_live_task_and_a_fresh_proof_of_this_very_request(arena: Arena) -> None:
    task = arena.task()
    entry = told(arena, task)
    proof = arena.proof(task.agent, "GET", f"/log/receipts/{entry}", token=task.token)
    assert fetched(arena, task, entry, dpop=proof).status_code == 200
    assert code_of(fetched(arena, task, entry, dpop=proof)) == "credential.replayed"
    elsewhere = arena.proof(task.agent, "GET", f"/log/receipts/{entry - 1}", token=task.token)
    assert code_of(fetched(arena, task, entry, dpop=elsewhere)) == "credential.wrong_audience"
    assert code_of(fetched(arena, task, entry, dpop="")) == "credential.missing"
    stolen = arena.proof(arena.agent("spiffe://other.example/bot"), "GET", f"/log/receipts/{entry}", token=task.token)
    assert code_of(fetched(arena, task, entry, dpop=stolen)) == "credential.wrong_key"
    task.complete()
    assert code_of(fetched(arena, task, entry)) == "task.ended"


@pytest.mark.proves("RECEIPT-SECTIONS", "WITHHELD", "NARROWING")
def test_what_was_narrowed_away_since_is_not_told_by_a_receipt_either(arena: Arena) -> None:
    found, task = arena.granted()
    entry = told(arena, task)
    powers = [one for one in mandate()["powers"] if one["power"] != "receive"]
    arena.anna.narrow(found, mandate(powers=powers))
    assert sections(arena, fetched(arena, task, entry)) == {Section.ENVELOPE}


@pytest.mark.proves("HUMAN-CREDENTIAL", "P15")
def test_a_session_borrowed_to_fetch_a_receipt_is_ended(arena: Arena) -> None:
    task = arena.task()
    entry = told(arena, task)
    refused = fetched(arena, task, entry, cookie=arena.anna.cookie)
    assert code_of(refused) == "agent.human_credential"
    assert code_of(arena.person("GET", "/me/v1", cookie=arena.anna.cookie)) == "person.not_signed_in"


@pytest.mark.proves("RECEIPT-SECTIONS", "OUTBOUND")
def test_a_message_narrowed_away_since_is_not_told_by_its_receipt_either() -> None:
    rules = catalogue()
    rules["attribute"]["order.shipping_address"] = {"title": "address"}
    wide, narrow = mandate(), mandate()
    wide["powers"][1]["attributes"] = ["order.status", "order.shipping_address"]
    narrow["powers"][1]["attributes"] = ["order.status"]
    with open_arena(catalogue=rules) as arena:
        found, task = arena.granted(wide)
        text = {"text": "It went to Lindenweg 4, 20095 Hamburg."}
        arena.desk.officer("olga", roles=["billing"]).post(f"/desk/v1/cases/{task.case}/reply", text)
        entry = int(arena.recorded("reply.sent", task=task.id)["index"])
        assert sections(arena, fetched(arena, task, entry)) == {Section.ENVELOPE, Section.AGENT}
        arena.anna.narrow(found, narrow)
        assert sections(arena, fetched(arena, task, entry)) == {Section.ENVELOPE}
