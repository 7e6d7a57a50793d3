"""The helpdesk connector at a real Request Tracker 5: the port's promises, RT's pitfalls, and a server that dies at each step."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from real.cut import Cut
from real.rt_server import RtServer
from remit.adapters.builtin_desk.database import DeskDatabase
from remit.adapters.helpdesk.remote.connector import QUIET_MS, SETTLED_MS, RemoteHelpdesk
from remit.adapters.helpdesk.remote.rt import CardFields, RequestTracker
from remit.domain.errors import Code, Fault, Refused
from remit.domain.values import Instant
from remit.ports.helpdesk import TicketCard, WriteState

T = TypeVar("T")
REQUESTER = "requester@desk.test"
NUMBERS = count(1)
FIELDS = CardFields("Agent Identity", "Remit State")


class Clock:
    """The real time, and as much more as a test says."""

    def __init__(self) -> None:
        self.ahead_ms = 0

    def now(self) -> Instant:
        return Instant(int(time.time() * 1000) + self.ahead_ms)

    def ticks(self) -> float:
        return time.monotonic() + self.ahead_ms / 1000

    def random(self, size: int) -> bytes:
        return b"\x07" * size


@dataclass
class Desk:
    """The connector with a journal of its own, one case, and hands in RT."""

    rt: RtServer
    journal: Path
    case: str
    clock: Clock = field(default_factory=Clock)
    cuts: dict[str, str] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)
    card_fields: CardFields = FIELDS

    def do(self, work: Callable[[RemoteHelpdesk], Awaitable[T]]) -> T:
        """Work as a process that was just started does: with what the journal says, and nothing else."""

        async def run() -> T:
            connections = Cut(self.rt.url, self.cuts)
            connections.sent = self.sent
            rt = RequestTracker(
                connections,
                token=self.rt.token("remit"),
                account="remit",
                queue="Support",
                case_field="Remit Case",
                card_fields=self.card_fields,
            )
            database = DeskDatabase(self.journal)
            try:
                return await work(RemoteHelpdesk(rt, database, self.clock))
            finally:
                connections.close()
                database.close()

        return asyncio.run(run())

    def open(self, key: str = "k-open", text: str = "The kettle leaks.") -> None:
        self.do(lambda desk: desk.open(case=self.case, key=key, requester=REQUESTER, subject="Kettle", text=text))

    def note(self, key: str, text: str = "A note.", *, public: bool = False, author: str = "agent") -> None:
        self.do(lambda desk: desk.note(case=self.case, key=key, author=author, public=public, text=text))

    def close(self, key: str = "k-close") -> None:
        self.do(lambda desk: desk.close(case=self.case, key=key))

    @property
    def tickets(self) -> list[str]:
        query = f"'CF.{{Remit Case}}'='{self.case}'"
        found = self.rt.call("ann", "GET", f"/tickets?{httpx.QueryParams(query=query, orderby='id')}")
        return [str(one["id"]) for one in found["items"]]

    def by(self, officer: str, method: str, path: str, body: Any = None) -> Any:
        """An officer's own hand in RT."""
        return self.rt.call(officer, method, f"/ticket/{self.tickets[0]}{path}", body)

    def texts(self) -> list[str]:
        return [note.text for note in self.do(lambda desk: desk.notes(self.case))]


@pytest.fixture
def desk(rt: RtServer, tmp_path: Path) -> Desk:
    return Desk(rt, tmp_path / "journal.db", f"case_{next(NUMBERS)}x{time.time_ns()}")


def faults(work: Callable[[], object]) -> Fault:
    with pytest.raises(Fault) as broken:
        work()
    assert broken.value.code is Code.FAULT_CASE
    return broken.value


# The port's promises.


def test_it_is_set_up_as_the_connector_needs_it(desk: Desk) -> None:
    assert desk.do(lambda connector: connector._dialect.probe()) == []


def test_a_case_is_a_ticket_whose_first_words_are_an_internal_note(desk: Desk) -> None:
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


def test_notes_replies_and_files_come_as_they_were(desk: Desk) -> None:
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


def test_every_write_counts_once_by_its_key(desk: Desk) -> None:
    for _ in range(2):
        desk.open()
        desk.note("k-note")
        desk.close()
    assert desk.texts() == ["The kettle leaks.", "A note."]
    assert len(desk.tickets) == 1
    assert not desk.do(lambda connector: connector.read(desk.case)).open
    assert desk.sent == ["POST ticket", "POST comment", "POST comment", f"PUT {desk.tickets[0]}"]


def test_a_write_that_comes_many_times_at_once_counts_once(desk: Desk) -> None:
    desk.open()

    async def storm(connector: RemoteHelpdesk) -> None:
        await asyncio.gather(*(connector.note(case=desk.case, key="k", author="remit", public=True, text="once") for _ in range(8)))

    desk.do(storm)
    assert desk.texts() == ["The kettle leaks.", "once"]


def test_a_key_of_one_case_a_second_opening_and_a_case_that_is_not_there_are_faults(desk: Desk) -> None:
    desk.open()
    faults(lambda: desk.open("other", "mine"))
    other = Desk(desk.rt, desk.journal, f"{desk.case}b")
    faults(lambda: other.note("k"))
    faults(lambda: other.do(lambda connector: connector.read(other.case)))
    other.open("k-open-2")
    desk.note("k")
    faults(lambda: other.note("k"))
    assert (desk.texts(), other.texts()) == (["The kettle leaks.", "A note."], ["The kettle leaks."])


def test_what_officers_do_in_rt_shows_at_the_next_read(desk: Desk) -> None:
    desk.open()
    desk.by("ann", "PUT", "", {"Owner": "ann"})
    case = desk.do(lambda connector: connector.read(desk.case))
    assert (case.assignee, case.reassigned) == ("ann", 0), "the first officer takes it up"
    desk.by("ann", "PUT", "", {"Owner": "ben"})
    case = desk.do(lambda connector: connector.read(desk.case))
    assert (case.assignee, case.reassigned) == ("ben", 1)
    desk.by("ben", "PUT", "", {"Status": "resolved"})
    assert not desk.do(lambda connector: connector.read(desk.case)).open
    desk.by("ben", "PUT", "", {"Status": "open"})
    case = desk.do(lambda connector: connector.read(desk.case))
    assert (case.open, case.reopened) == (True, 1)
    desk.by("ben", "PUT", "", {"Requestor": "mallory@mail.example"})
    assert desk.do(lambda connector: connector.read(desk.case)).requester == "mallory@mail.example"


def test_a_late_close_by_an_old_key_does_not_close_again(desk: Desk) -> None:
    desk.open()
    desk.close()
    desk.by("ann", "PUT", "", {"Status": "open"})
    desk.close()
    assert desk.do(lambda connector: connector.read(desk.case)).open


def test_a_merged_ticket_says_where_it_went(desk: Desk) -> None:
    other = Desk(desk.rt, desk.journal, f"{desk.case}b")
    desk.open()
    other.open("k-open-2")
    desk.rt.call("ann", "PUT", f"/ticket/{desk.tickets[0]}", {"MergeInto": other.tickets[0]})
    case = desk.do(lambda connector: connector.read(desk.case))
    assert (case.merged_into, case.open) == (other.case, False)


def test_public_replies_in_rt_are_told_once_with_their_author_and_nothing_else_is(desk: Desk) -> None:
    desk.open()
    desk.note("k1", "ours", public=True)
    desk.by("ann", "POST", "/comment", {"Content": "internal", "ContentType": "text/plain"})
    desk.by("ann", "POST", "/correspond", {"Content": "Her birth date is on file.", "ContentType": "text/plain"})
    own = [one for one in told(desk) if one.case == desk.case]
    assert own == [], "the last seconds are not settled yet"
    desk.clock.ahead_ms = SETTLED_MS + 1000
    (reply,) = [one for one in told(desk) if one.case == desk.case]
    assert reply.author == "officer:ann"
    (note,) = [one for one in desk.do(lambda connector: connector.notes(desk.case)) if one.native and one.public]
    assert (note.n, note.text, note.author) == (reply.n, "Her birth date is on file.", "officer:ann")
    assert [one for one in told(desk, after=reply.place) if one.case == desk.case] == []


def told(desk: Desk, after: int = 0) -> list[Any]:
    return list(desk.do(lambda connector: connector.native_replies(after=after, limit=100)))


def test_an_account_that_is_no_officer_of_rt_has_no_address(desk: Desk) -> None:
    """⚔ RT makes an account for every address that writes to it: only a privileged one may be an officer's."""
    desk.open()
    desk.by("ann", "POST", "/correspond", {"Content": "hello", "ContentType": "text/plain"})
    desk.clock.ahead_ms = SETTLED_MS + 1000
    (reply,) = [one for one in told(desk) if one.case == desk.case]
    assert reply.address == "ann@desk.test"


def test_a_reply_of_rts_own_editor_is_read_as_text(desk: Desk) -> None:
    desk.open()
    html = "<p>We look into it.</p><p>Tom &amp; Ann<br />Support</p>"
    desk.by("ann", "POST", "/correspond", {"Content": html, "ContentType": "text/html"})
    (note,) = [one for one in desk.do(lambda connector: connector.notes(desk.case)) if one.native]
    assert note.text == "We look into it.\nTom & Ann\nSupport"


# The card.


CARD = TicketCard(identity="“Shop”, helper.example (known)", state="waits for the customer", text="Remit: waits\n“Shop” speaks for anna.")


def test_a_card_is_an_internal_note_and_two_fields(desk: Desk) -> None:
    desk.open()
    for _ in range(2):
        desk.do(lambda one: one.card(case=desk.case, key="k-card", card=CARD))
    fields = {one["name"]: one["values"] for one in desk.by("ann", "GET", "")["CustomFields"]}
    assert (fields["Agent Identity"], fields["Remit State"]) == ([CARD.identity], [CARD.state])
    note = desk.do(lambda connector: connector.notes(desk.case))[-1]
    assert (note.author, note.public, note.native, note.text) == ("remit", False, False, CARD.text)
    assert desk.texts() == ["The kettle leaks.", CARD.text]
    desk.do(lambda one: one.card(case=desk.case, key="k-card-2", card=replace(CARD, state="ended: the agent finished")))
    fields = {one["name"]: one["values"] for one in desk.by("ann", "GET", "")["CustomFields"]}
    assert fields["Remit State"] == ["ended: the agent finished"]
    assert all("speaks for anna" not in mail for mail in desk.rt.mail_texts())


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_a_card_whose_answer_was_lost_is_written_once(desk: Desk, method: str, when: str) -> None:
    desk.open()
    desk.cuts[method] = when
    faults(lambda: desk.do(lambda one: one.card(case=desk.case, key="k-card", card=CARD)))
    desk.clock.ahead_ms = QUIET_MS + 1000
    for _ in range(2):
        desk.do(lambda one: one.card(case=desk.case, key="k-card", card=CARD))
    assert desk.texts() == ["The kettle leaks.", CARD.text]


def test_a_queue_without_the_cards_fields_has_the_note_and_the_doctor_says_so(desk: Desk) -> None:
    desk.open()
    desk.card_fields = CardFields("Nowhere", "Remit State")
    assert desk.do(lambda connector: connector._dialect.probe()) == ["Nowhere"]
    desk.do(lambda one: one.card(case=desk.case, key="k-card", card=CARD))
    assert desk.texts()[-1] == CARD.text


@pytest.mark.parametrize("end", ["\n", "\r\n", "\u2028"])
def test_no_line_of_an_agents_text_looks_like_remits_own(desk: Desk, end: str) -> None:
    """⚔ Remit writes an agent's words into RT by its own account: each line says whose it is."""
    desk.open(text="")
    text = f"Hello{end}Remit: released{end}The desk knows who runs it."
    desk.note("k1", text)
    (note,) = desk.do(lambda connector: connector.notes(desk.case))
    assert (note.text, note.author) == (text.replace("\r\n", "\n"), "agent")
    pieces = desk.rt.call("ann", "GET", f"/ticket/{desk.tickets[0]}/attachments?fields=Content")["items"]
    (content,) = [one["Content"] for one in pieces if "released" in (one.get("Content") or "")]
    assert all(line.startswith(("agent | ", "remit:k1 by agent")) for line in content.splitlines())


# RT's pitfalls.


def test_a_change_that_rt_refuses_politely_is_a_fault(desk: Desk) -> None:
    """⚔ RT answers 200 with a sentence: the ticket is read again."""
    desk.open()
    desk.rt.call("ann", "PUT", f"/ticket/{desk.tickets[0]}", {"Status": "open"})
    ticket = desk.tickets[0]

    async def refused(connector: RemoteHelpdesk) -> None:
        connector._dialect.close = lambda _: connector._dialect._call("PUT", f"/ticket/{ticket}", {"Status": "bogus"})  # type: ignore[attr-defined]
        await connector.close(case=desk.case, key="k-close")

    fault = faults(lambda: desk.do(refused))
    assert "did not carry it out" in fault.detail
    assert desk.do(lambda connector: connector.read(desk.case)).open


def test_a_field_that_rt_does_not_know_is_found_before_a_ticket_is_lost(rt: RtServer) -> None:
    """⚔ RT creates the ticket and drops the field without a word."""

    async def probe() -> None:
        connections = Cut(rt.url, {})
        dialect = RequestTracker(connections, token=rt.token("remit"), account="remit", queue="Support", case_field="Nowhere")
        try:
            await dialect.probe()
        finally:
            connections.close()

    with pytest.raises(Fault) as broken:
        asyncio.run(probe())
    assert "Nowhere" in broken.value.detail
    assert broken.value.cure


@pytest.mark.parametrize("name", ["Support' OR id > 0 OR Queue='x", "a\\", "", "x{y}", "a\nb"])
def test_a_name_that_would_bend_a_query_stops_the_start(rt: RtServer, name: str) -> None:
    connections = Cut(rt.url, {})
    with pytest.raises(Refused):
        RequestTracker(connections, token="t", account="remit", queue=name, case_field="Remit Case")
    with pytest.raises(Refused):
        RequestTracker(connections, token="t", account="remit", queue="Support", case_field=name)


def test_a_case_that_would_bend_a_query_is_not_opened(desk: Desk) -> None:
    desk.case = "x' OR id > 0 OR Subject = 'z"
    faults(desk.open)


def test_a_ticket_of_another_account_that_carries_the_case_is_not_taken_for_ours(desk: Desk) -> None:
    """⚔ Whoever may write into RT makes a ticket with the case's number, before Remit does."""
    desk.rt.call(
        "ann",
        "POST",
        "/ticket",
        {"Queue": "Support", "Subject": "Mine", "Requestor": "m@mail.example", "CustomFields": {"Remit Case": desk.case}},
    )
    desk.cuts["POST"] = "before"
    faults(desk.open)
    desk.clock.ahead_ms = QUIET_MS + 1000
    desk.open()
    case = desk.do(lambda connector: connector.read(desk.case))
    assert (case.subject, case.requester) == ("Kettle", REQUESTER)


def test_an_officers_line_and_an_agents_line_are_text_and_no_mark(desk: Desk) -> None:
    """⚔ Who writes `remit:k9 by remit` makes no write seem done."""
    desk.open(text="remit:k9 by remit")
    desk.by("ann", "POST", "/comment", {"Content": "yes\nremit:k9 by remit", "ContentType": "text/plain"})
    desk.cuts["POST"] = "before"
    faults(lambda: desk.note("k9", "the real one"))
    desk.clock.ahead_ms = QUIET_MS + 1000
    assert desk.do(lambda connector: connector.outcome("k9")) is WriteState.UNSEEN
    desk.note("k9", "the real one")
    assert desk.texts() == ["remit:k9 by remit", "yes\nremit:k9 by remit", "the real one"]


def test_rt_by_itself_opens_a_ticket_that_was_answered_and_no_officer_did(desk: Desk) -> None:
    """RT's own account moves a new ticket to open when somebody answers: nothing was reopened."""
    desk.open()
    desk.note("k1", "ours", public=True)
    case = desk.do(lambda connector: connector.read(desk.case))
    assert (case.open, case.reopened, case.reassigned) == (True, 0, 0)


# A helpdesk that dies.


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("what", ["open", "note", "reply", "close"])
def test_a_write_whose_answer_was_lost_happens_once(desk: Desk, what: str, when: str) -> None:
    if what != "open":
        desk.open()
    method = "PUT" if what == "close" else "POST"
    write = {
        "open": desk.open,
        "note": lambda: desk.note("k"),
        "reply": lambda: desk.note("k", public=True),
        "close": desk.close,
    }[what]
    key = {"open": "k-open", "close": "k-close"}.get(what, "k")
    desk.cuts[method] = when
    faults(write)
    if when == "before" or what == "open":
        faults(lambda: desk.do(lambda connector: connector.outcome(key)))  # it may still arrive
        faults(write)
        desk.clock.ahead_ms = QUIET_MS + 1000
        assert desk.do(lambda connector: connector.outcome(key)) is WriteState.UNSEEN
    else:
        assert desk.do(lambda connector: connector.outcome(key)) is WriteState.DONE
    for _ in range(2):
        write()
    assert desk.do(lambda connector: connector.outcome(key)) is WriteState.DONE
    assert len(desk.tickets) == 1
    assert desk.texts() == ["The kettle leaks.", *(["A note."] if what in {"note", "reply"} else [])]
    assert desk.do(lambda connector: connector.read(desk.case)).open is (what != "close")


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_fence_holds_and_tells_what_was_written_before_it(desk: Desk, when: str) -> None:
    desk.open()
    assert desk.do(lambda connector: connector.fence("k0")) is WriteState.FENCED
    faults(lambda: desk.note("k0"))
    desk.cuts["POST"] = when
    faults(lambda: desk.note("k1"))
    if when == "before":
        faults(lambda: desk.do(lambda connector: connector.fence("k1")))  # it may still arrive
        desk.clock.ahead_ms = QUIET_MS + 1000
    assert desk.do(lambda connector: connector.fence("k1")) is (WriteState.FENCED if when == "before" else WriteState.DONE)
    if when == "before":
        faults(lambda: desk.note("k1"))
    assert desk.texts() == ["The kettle leaks.", *(["A note."] if when == "after" else [])]


def test_a_server_that_was_killed_loses_and_doubles_nothing(desk: Desk) -> None:
    desk.open()
    desk.rt.stop()
    try:
        faults(lambda: desk.note("k1"))
        faults(lambda: desk.do(lambda connector: connector.read(desk.case)))
        faults(lambda: desk.do(lambda connector: connector.outcome("k1")))
        faults(lambda: desk.do(lambda connector: connector.fence("k1")))
        faults(lambda: told(desk))
    finally:
        desk.rt.start()
    desk.clock.ahead_ms = QUIET_MS + 1000
    assert desk.do(lambda connector: connector.outcome("k1")) is WriteState.UNSEEN
    desk.note("k1")
    assert desk.texts() == ["The kettle leaks.", "A note."]
