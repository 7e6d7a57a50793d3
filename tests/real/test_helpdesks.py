"""The helpdesk connector at real helpdesks: the port's promises, and a server that dies at each step."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from contracts.connector_case import REQUESTER, faults
from real.helpdesks import CARD, LiveCase, LiveHelpdesk, LiveRoundup, LiveRt
from remit.__main__ import main
from remit.adapters.helpdesk.remote.connector import QUIET_MS, SETTLED_MS, RemoteHelpdesk
from remit.ports.helpdesk import WriteState

# The port's promises.


def test_it_is_set_up_as_the_connector_needs_it(desk: LiveCase) -> None:
    assert desk.do(lambda connector: connector._dialect.probe()) == []


def test_init_connects_a_new_desk_to_it_and_the_doctor_agrees(
    helpdesk: LiveHelpdesk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret, folder = tmp_path / "secret", tmp_path / "desk"
    secret.touch(mode=0o600)
    secret.write_text(helpdesk.secret)
    queue = ["--helpdesk-queue", "Support"] if helpdesk.name == "rt" else []
    options = ["--helpdesk-url", helpdesk.url, "--helpdesk-account", "remit", *queue, "--helpdesk-token-file", str(secret)]
    assert main(["init", "--helpdesk", helpdesk.name, *options, str(folder)]) == 0
    capsys.readouterr()
    main(["doctor", "--json", "--config", str(folder)])
    found = [one for one in json.loads(capsys.readouterr().out)["findings"] if one["name"] == "helpdesk"]
    assert [one["state"] for one in found] == ["ok"], found


def test_a_case_is_a_ticket_whose_first_words_are_an_internal_note(desk: LiveCase) -> None:
    desk.open()
    case = desk.do(lambda connector: connector.read(desk.case))
    assert (case.id, case.open, case.requester, case.merged_into, case.subject, case.assignee) == (
        desk.case,
        True,
        REQUESTER,
        "",
        "Kettle",
        "",
    )
    (note,) = desk.do(lambda connector: connector.notes(desk.case))
    assert (note.author, note.public, note.native, note.text) == ("agent", False, False, "The kettle leaks.")


def test_notes_replies_and_files_come_as_they_were(desk: LiveCase) -> None:
    desk.open(text="")
    text = "Zwei Zeilen, ü und €.\n\n  eingerückt\nremit:other by remit"
    desk.note("k1", text)
    desk.note("k2", "We look into it.", public=True, author="officer:ann")
    data = bytes(range(256)) * 40
    desk.do(
        lambda one: one.attach(case=desk.case, key="k3", author="agent", name="Grüße.bin", media_type="application/octet-stream", data=data)
    )
    notes = desk.do(lambda connector: connector.notes(desk.case))
    assert [(note.text, note.public, note.author, note.native) for note in notes] == [
        (text, False, "agent", False),
        ("We look into it.", True, "officer:ann", False),
    ]
    (file,) = desk.do(lambda connector: connector.files(desk.case))
    assert (file.name, file.media_type, file.author, file.data) == ("Grüße.bin", "application/octet-stream", "agent", data)


def test_every_write_counts_once_by_its_key(desk: LiveCase) -> None:
    for _ in range(2):
        desk.open()
        desk.note("k-note")
        desk.close()
    assert desk.texts() == ["The kettle leaks.", "A note."]
    assert len(desk.helpdesk.tickets(desk.case)) == 1
    assert not desk.do(lambda connector: connector.read(desk.case)).open
    sent = [step if step.startswith("POST") else "PUT" for step in desk.sent]
    assert sent == [step for write in ("open", "note", "close") for step in desk.helpdesk.steps[write]]


def test_a_write_that_comes_many_times_at_once_counts_once(desk: LiveCase) -> None:
    desk.open()

    async def storm(connector: RemoteHelpdesk) -> None:
        await asyncio.gather(*(connector.note(case=desk.case, key="k", author="remit", public=True, text="once") for _ in range(8)))

    desk.do(storm)
    assert desk.texts() == ["The kettle leaks.", "once"]


def test_a_key_of_one_case_a_second_opening_and_a_case_that_is_not_there_are_faults(desk: LiveCase) -> None:
    desk.open()
    faults(lambda: desk.open("other", "mine"))
    other = LiveCase(desk.helpdesk, desk.journal, f"{desk.case}b")
    faults(lambda: other.note("k"))
    faults(lambda: other.do(lambda connector: connector.read(other.case)))
    other.open("k-open-2")
    desk.note("k")
    faults(lambda: other.note("k"))
    assert (desk.texts(), other.texts()) == (["The kettle leaks.", "A note."], ["The kettle leaks."])


def test_what_officers_do_there_shows_at_the_next_read(desk: LiveCase) -> None:
    desk.open()
    desk.helpdesk.assign(desk.ticket, "ann")
    case = desk.do(lambda connector: connector.read(desk.case))
    assert (case.assignee, case.reassigned) == ("ann", 0), "the first officer takes it up"
    desk.helpdesk.assign(desk.ticket, "ben")
    case = desk.do(lambda connector: connector.read(desk.case))
    assert (case.assignee, case.reassigned) == ("ben", 1)
    desk.helpdesk.finish(desk.ticket)
    assert not desk.do(lambda connector: connector.read(desk.case)).open
    desk.helpdesk.reopen(desk.ticket)
    case = desk.do(lambda connector: connector.read(desk.case))
    assert (case.open, case.reopened) == (True, 1)
    desk.helpdesk.set_requester(desk.ticket, "mallory@mail.example")
    assert desk.do(lambda connector: connector.read(desk.case)).requester == "mallory@mail.example"


def test_a_late_close_by_an_old_key_does_not_close_again(desk: LiveCase) -> None:
    desk.open()
    desk.close()
    desk.helpdesk.reopen(desk.ticket)
    desk.close()
    assert desk.do(lambda connector: connector.read(desk.case)).open


def test_a_merged_ticket_says_where_it_went(desk: LiveCase) -> None:
    other = LiveCase(desk.helpdesk, desk.journal, f"{desk.case}b")
    desk.open()
    other.open("k-open-2")
    desk.helpdesk.merge(desk.ticket, other.ticket)
    case = desk.do(lambda connector: connector.read(desk.case))
    assert (case.merged_into, case.open) == (other.case, False)


def test_public_replies_there_are_told_once_with_their_author_and_nothing_else_is(desk: LiveCase) -> None:
    desk.open()
    desk.note("k1", "ours", public=True)
    desk.helpdesk.comment(desk.ticket, "internal")
    desk.helpdesk.reply(desk.ticket, "Her birth date is on file.")
    assert desk.told() == [], "the last seconds are not settled yet"
    desk.clock.ahead_ms = SETTLED_MS + 1000
    (reply,) = desk.told()
    assert (reply.author, reply.address) == ("officer:ann", "ann@desk.test")
    (note,) = [one for one in desk.do(lambda connector: connector.notes(desk.case)) if one.native and one.public]
    assert (note.n, note.text, note.author) == (reply.n, "Her birth date is on file.", "officer:ann")
    assert desk.told(reply.place) == []
    desk.helpdesk.reply(desk.ticket, "Another one.", by="ben")
    desk.clock.ahead_ms += SETTLED_MS
    (second,) = desk.told(reply.place)
    assert (second.author, second.place > reply.place) == ("officer:ben", True)


# The card.


def test_a_card_is_an_internal_note_and_two_fields(desk: LiveCase) -> None:
    desk.open()
    for _ in range(2):
        desk.do(lambda one: one.card(case=desk.case, key="k-card", card=CARD))
    assert desk.helpdesk.card(desk.ticket) == (CARD.identity, CARD.state)
    note = desk.do(lambda connector: connector.notes(desk.case))[-1]
    assert (note.author, note.public, note.native, note.text) == ("remit", False, False, CARD.text)
    assert desk.texts() == ["The kettle leaks.", CARD.text]
    desk.do(lambda one: one.card(case=desk.case, key="k-card-2", card=replace(CARD, state="ended: the agent finished")))
    assert desk.helpdesk.card(desk.ticket)[1] == "ended: the agent finished"
    assert all("speaks for anna" not in mail for mail in desk.helpdesk.mail_texts())


@pytest.mark.parametrize("end", ["\n", "\r\n", "\u2028"])
def test_no_line_of_an_agents_text_looks_like_remits_own(desk: LiveCase, end: str) -> None:
    """⚔ Remit writes an agent's words into a ticket by its own account: each line says whose it is."""
    desk.open(text="")
    text = f"Hello{end}Remit: released{end}The desk knows who runs it."
    desk.note("k1", text)
    (note,) = desk.do(lambda connector: connector.notes(desk.case))
    assert (note.text, note.author) == (text.replace("\r\n", "\n"), "agent")
    (content,) = [one for one in desk.helpdesk.texts(desk.ticket) if "released" in one]
    assert all(line.startswith(("agent | ", "remit:k1 by agent")) for line in content.splitlines())


# Others who may write there.


def test_a_case_that_would_bend_a_query_is_not_opened(desk: LiveCase) -> None:
    desk.case = "x' OR id > 0 OR Subject = 'z"
    faults(desk.open)


def test_an_officers_line_and_an_agents_line_are_text_and_no_mark(desk: LiveCase) -> None:
    """⚔ Who writes `remit:k9 by remit` makes no write seem done."""
    desk.open(text="remit:k9 by remit")
    desk.helpdesk.comment(desk.ticket, "yes\nremit:k9 by remit")
    desk.cuts["POST"] = "before"
    faults(lambda: desk.note("k9", "the real one"))
    desk.clock.ahead_ms = QUIET_MS + 1000
    assert desk.do(lambda connector: connector.outcome("k9")) is WriteState.UNSEEN
    desk.note("k9", "the real one")
    assert desk.texts() == ["remit:k9 by remit", "yes\nremit:k9 by remit", "the real one"]


# A helpdesk that dies.


CUTS = [
    pytest.param(product.name, what, method, when, id=f"{product.name}-{what}-{method}-{when}")
    for product in (LiveRt, LiveRoundup)
    for what, steps in product.steps.items()
    for method in sorted({step.partition(" ")[0] for step in steps})
    for when in ("before", "after")
]
WRITES: dict[str, tuple[str, Callable[[LiveCase], None]]] = {
    "open": ("k-open", LiveCase.open),
    "note": ("k", lambda desk: desk.note("k")),
    "reply": ("k", lambda desk: desk.note("k", public=True)),
    "close": ("k-close", LiveCase.close),
    "card": ("k-card", lambda desk: desk.do(lambda one: one.card(case=desk.case, key="k-card", card=CARD))),
}
LEFT = {"note": "A note.", "reply": "A note.", "card": CARD.text}


@pytest.mark.parametrize(("helpdesk", "what", "method", "when"), CUTS, indirect=["helpdesk"])
def test_a_write_whose_answer_was_lost_happens_once(desk: LiveCase, what: str, method: str, when: str) -> None:
    if what != "open":
        desk.open()
    key, write = WRITES[what]
    desk.cuts[method] = when
    faults(lambda: write(desk))
    assert desk.cuts == {}
    if when == "after" and desk.helpdesk.last.get(what) == method:
        assert desk.do(lambda connector: connector.outcome(key)) is WriteState.DONE
    else:
        faults(lambda: desk.do(lambda connector: connector.outcome(key)))  # it may still arrive
        faults(lambda: write(desk))
        desk.clock.ahead_ms = QUIET_MS + 1000
        assert desk.do(lambda connector: connector.outcome(key)) is WriteState.UNSEEN
    for _ in range(2):
        write(desk)
    assert desk.do(lambda connector: connector.outcome(key)) is WriteState.DONE
    assert len(desk.helpdesk.tickets(desk.case)) == 1
    assert desk.texts() == ["The kettle leaks.", *([LEFT[what]] if what in LEFT else [])]
    assert desk.do(lambda connector: connector.read(desk.case)).open is (what != "close")


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_fence_holds_and_tells_what_was_written_before_it(desk: LiveCase, when: str) -> None:
    desk.open()
    assert desk.do(lambda connector: connector.fence("k0")) is WriteState.FENCED
    faults(lambda: desk.note("k0"))
    desk.cuts[desk.helpdesk.last["note"]] = when
    faults(lambda: desk.note("k1"))
    if when == "before":
        faults(lambda: desk.do(lambda connector: connector.fence("k1")))  # it may still arrive
        desk.clock.ahead_ms = QUIET_MS + 1000
    assert desk.do(lambda connector: connector.fence("k1")) is (WriteState.FENCED if when == "before" else WriteState.DONE)
    if when == "before":
        faults(lambda: desk.note("k1"))
    assert desk.texts() == ["The kettle leaks.", *(["A note."] if when == "after" else [])]


def test_a_server_that_was_killed_loses_and_doubles_nothing(desk: LiveCase) -> None:
    desk.open()
    desk.helpdesk.stop()
    try:
        faults(lambda: desk.note("k1"))
        faults(lambda: desk.do(lambda connector: connector.read(desk.case)))
        faults(lambda: desk.do(lambda connector: connector.outcome("k1")))
        faults(lambda: desk.do(lambda connector: connector.fence("k1")))
        faults(desk.told)
    finally:
        desk.helpdesk.start()
    desk.clock.ahead_ms = QUIET_MS + 1000
    assert desk.do(lambda connector: connector.outcome("k1")) is WriteState.UNSEEN
    desk.note("k1")
    assert desk.texts() == ["The kettle leaks.", "A note."]
