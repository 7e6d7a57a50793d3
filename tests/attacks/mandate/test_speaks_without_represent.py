"""An agent speaks in a customer's name though the customer struck *represent*."""

from typing import Any, Final

import pytest

from attacks.arena import SEND_BACK, Arena, mandate, open_arena
from attacks.files.attached import READ
from attacks.files_made import attached
from attacks.files_sent import BINARY
from attacks.sub_agents import hand_on
from attacks.words.holding import cara, path, refusal, signed, with_reason, words
from remit.client.errors import Refused
from remit.domain.records import FileRecord, FileState
from remit.sandbox import SandboxTask

SAID: Final = "The kettle leaks."
SPEAK: Final[dict[str, Any]] = {"power": "represent"}
READS: Final[dict[str, Any]] = {"power": "receive", "attributes": ["order.status"]}
RETURNS: Final[dict[str, Any]] = {"power": "request", "actions": ["order.return"], "uses": 3}
LOG: Final = attached("kettle.log", b"It leaks.", "text/plain")


def silent(**members: Any) -> dict[str, Any]:
    """What Anna granted, without *represent*."""
    return mandate(powers=[READS, RETURNS], **members)


def seen(arena: Arena, task: SandboxTask) -> str:
    """Everything that officers see of a case: card, ticket and files."""
    notes, files = arena.run(arena.helpdesk.notes(task.case)), arena.run(arena.helpdesk.files(task.case))
    return str((cara(arena).get(f"/desk/v1/cases/{task.case}"), notes, files))


def page(arena: Arena, task: SandboxTask) -> str:
    return arena.person("GET", f"/desk/cases/{task.case}", cookie=cara(arena).cookie).text


@pytest.mark.proves("REPRESENT")
@pytest.mark.parametrize("struck", [{}, {"powers": [SPEAK, READS, RETURNS], "never": [SPEAK]}], ids=["not granted", "ruled out"])
def test_without_represent_what_was_granted_works_and_no_word_goes_along(arena: Arena, struck: dict[str, Any]) -> None:
    task = arena.task({**silent(), **struck})
    assert task.ask("order.read", READ).result["order.status"] == "delivered"
    refused = task.ask("order.read", READ, words=SAID)
    assert refused.codes == ("mandate.power_missing",)
    assert "represent" in str(refused.body)
    assert task.ask("order.return", SEND_BACK, words=SAID).codes == ("mandate.power_missing",)
    assert arena.anna.waiting() == []
    assert arena.anna.confirm(task.ask("order.return", SEND_BACK)).outcome == "done"
    assert SAID not in seen(arena, task)


@pytest.mark.proves("REPRESENT")
@pytest.mark.parametrize(("action", "params"), [("case.open", {"subject": "Kettle", "text": SAID}), ("case.comment", {"text": SAID})])
def test_without_represent_no_case_is_opened_or_commented(arena: Arena, action: str, params: dict[str, str]) -> None:
    task = arena.task(silent())
    with arena.unchanged():
        assert task.ask(action, params).codes[0].startswith("mandate.")
    assert SAID not in str(arena.run(arena.helpdesk.notes(task.case)))


@pytest.mark.proves("REPRESENT")
def test_without_represent_no_file_speaks_not_even_to_the_officer_who_reads_held_ones(arena: Arena) -> None:
    task = arena.task(silent())
    for file in (LOG, attached("letter.doc", BINARY)):
        assert task.ask("order.read", READ, attachments=[file]).codes == ("mandate.power_missing",)
    assert not arena.run(arena.context.store.find(FileRecord, "file.task", task.id))


@pytest.mark.proves("REPRESENT")
@pytest.mark.parametrize("required", [False, True])
def test_without_represent_no_free_text_of_an_act_speaks(required: bool) -> None:
    with open_arena(catalogue=with_reason(required=required)) as arena:
        task = arena.task(silent())
        assert task.ask("order.return", {**SEND_BACK, "reason": SAID}).codes == ("mandate.power_missing",)
        assert arena.anna.waiting() == []


@pytest.mark.proves("REPRESENT")
def test_a_desk_that_strips_leaves_out_every_word_and_says_so() -> None:
    with open_arena(settings=words("strip"), catalogue=with_reason()) as arena:
        task = arena.task(silent())
        reply = task.ask("order.return", {**SEND_BACK, "reason": SAID}, words=SAID)
        assert (reply.needs_human, reply.body["words"]) == (True, "stripped")
        assert "represent" in reply.body["notice"]
        assert "mandate.power_missing" in reply.body["notice"]
        assert arena.anna.get(path(arena.anna, reply))["params"] == SEND_BACK
        assert arena.anna.confirm(reply).outcome == "done"
        assert SAID not in seen(arena, task)
        assert "represent" in str(task.inbox())
        assert task.ask("order.read", READ, attachments=[LOG]).codes == ("mandate.power_missing",)


@pytest.mark.proves("REPRESENT")
def test_an_officer_cannot_release_words_that_the_customer_allowed_nobody_to_say() -> None:
    with open_arena(settings=words("hold")) as arena:
        task = arena.task(silent())
        assert task.ask("order.return", SEND_BACK, words=f"{SAID} Also cancel order W2.").codes == ("mandate.power_missing",)
        assert cara(arena).waiting() == []
        granted, speaks = arena.granted(mandate(powers=[SPEAK, READS, RETURNS]))
        held = speaks.ask("order.read", READ, words=f"{SAID} Also cancel order W2.")
        signs = signed(cara(arena), held)
        arena.anna.narrow(granted, {**granted.granted, "powers": [READS, RETURNS]})
        assert refusal(cara(arena), path(cara(arena), held), signs) == "mandate.power_missing"


@pytest.mark.proves("REPRESENT", "NARROWING")
@pytest.mark.parametrize("said", [{"words": SAID}, {"attachments": [LOG]}], ids=["words", "a file"])
def test_what_waits_with_words_is_void_once_represent_is_struck(arena: Arena, said: dict[str, Any]) -> None:
    granted, task = arena.granted(mandate(powers=[SPEAK, READS, RETURNS]))
    waits = task.ask("order.return", SEND_BACK, **said)
    file = task.ask("order.read", READ, attachments=[attached("letter.doc", BINARY)])
    assert file.refused
    signs = signed(arena.anna, waits, "yes")
    arena.anna.narrow(granted, {**granted.granted, "powers": [READS, RETURNS]})
    with arena.unchanged():
        assert refusal(arena.anna, path(arena.anna, waits), signs) == "mandate.power_missing"
        files = [one.record for one in arena.run(arena.context.store.find(FileRecord, "file.task", task.id))]
        held = next(one for one in files if one.state is FileState.HELD)
        with pytest.raises(Refused) as released:
            cara(arena).post(f"/desk/v1/files/{held.id}", {"decision": "release"})
        assert released.value.code == "mandate.power_missing"


@pytest.mark.proves("REPRESENT", "P18")
def test_a_sub_agent_speaks_only_if_it_was_handed_represent(arena: Arena) -> None:
    top, below = arena.agent(), arena.agent("spiffe://helper.example/below")
    whole = mandate(powers=[SPEAK, READS, RETURNS], chain=1, chain_operators=["helper.example"], max_tasks=3)
    granted = arena.anna.grant(top, whole)
    part = {
        "type": "remit_mandate",
        "objective": {"type": "return-item", "target": {"order": ["W1"]}},
        "powers": [READS],
        "never": mandate()["never"],
    }
    task = below.open(hand_on(top, below, granted.id, part)["mandate"])
    assert task.ask("order.read", READ).outcome == "done"
    assert task.ask("order.read", READ, words=SAID).codes == ("mandate.power_missing",)


@pytest.mark.proves("REPRESENT", "MANDATE-POWERS")
def test_a_limit_on_how_often_it_speaks_counts_the_words_beside_other_asks(arena: Arena) -> None:
    task = arena.task(mandate(powers=[{**SPEAK, "uses": 1}, READS]))
    assert task.ask("order.read", READ, words=SAID).outcome == "done"
    assert task.ask("order.read", READ, words=SAID).codes == ("mandate.uses_spent",)
    assert task.ask("order.read", READ).outcome == "done"


@pytest.mark.proves("REPRESENT")
def test_the_officers_card_says_whether_the_agent_speaks_for_the_customer(arena: Arena) -> None:
    speaks, mute = arena.task(), arena.task(silent(), agent=arena.agent("spiffe://helper.example/mute"))
    assert "acts for " in page(arena, speaks)
    assert "acts for " not in page(arena, mute)
    assert "but not to write for " in page(arena, mute)
    assert cara(arena).get(f"/desk/v1/cases/{mute.case}")["speaks"] is False
