"""The connector's promises over each hosted product's table, against a fake of the product; `tests/real` adds the vendor's document."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from contracts.connector_case import REQUESTER, faults
from contracts.hosted.desk import NUMBERS, TLS, HostedDesk
from contracts.hosted.freshdesk import FakeFreshdesk
from contracts.hosted.intercom import FakeIntercom
from contracts.hosted.vendors import VENDORS
from remit.adapters.helpdesk.remote.connector import QUIET_MS, RemoteHelpdesk
from remit.adapters.helpdesk.remote.hosted.table import Call, TextForm
from remit.adapters.helpdesk.remote.hosted.values import filled, number, path_of, read, time_ms, written
from remit.adapters.http.connection import HttpConnections
from remit.domain.errors import Refused
from remit.ports.helpdesk import TicketCard, WriteState

CARD = TicketCard(identity="“Shop”, helper.example (known)", state="waits for the customer", text="Remit: waits\n“Shop” speaks for anna.")


@pytest.fixture(params=VENDORS)
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[HostedDesk]:
    vendor = VENDORS[request.param]
    fake = vendor.fake()
    try:
        yield HostedDesk(vendor, fake, fake.url + vendor.base, tmp_path / "journal.db", f"case_{next(NUMBERS)}x{time.time_ns()}")
    finally:
        fake.stop()


# The port's promises.


def test_it_is_set_up_as_the_connector_needs_it(desk: HostedDesk) -> None:
    assert desk.probe() == []


def test_a_case_is_a_ticket_whose_first_words_are_an_internal_note(desk: HostedDesk) -> None:
    desk.open()
    case = desk.read()
    assert (case.id, case.open, case.requester, case.merged_into, case.subject, case.assignee) == (
        desk.case,
        True,
        REQUESTER,
        "",
        "Kettle",
        "",
    )
    assert (case.reopened, case.reassigned) == (0, 0)
    (note,) = desk.do(lambda connector: connector.notes(desk.case))
    assert (note.author, note.public, note.native, note.text) == ("agent", False, False, "The kettle leaks.")
    assert desk.do(lambda connector: connector.case_of_ticket(desk.ticket)) == desk.case


def test_notes_and_replies_come_as_they_were(desk: HostedDesk) -> None:
    desk.open(text="")
    text = "Zwei Zeilen, ü und €, 1 < 2 & <b>fett</b>.\n\n  eingerückt {case}\nremit:other by remit"
    desk.note("k1", text)
    desk.note("k2", "We look into it.\nSoon & surely.", public=True, author="officer:ann")
    notes = desk.do(lambda connector: connector.notes(desk.case))
    assert [(note.text, note.public, note.author, note.native) for note in notes] == [
        (text, False, "agent", False),
        ("We look into it.\nSoon & surely.", True, "officer:ann", False),
    ]


def test_a_file_stays_at_remit_and_is_named(desk: HostedDesk) -> None:
    desk.open(text="")
    desk.do(lambda one: one.attach(case=desk.case, key="k3", author="agent", name="Grüße.pdf", media_type="application/pdf", data=b"%PDF"))
    (note,) = desk.do(lambda connector: connector.notes(desk.case))
    assert (note.text, note.author, note.public) == ("A file, kept at Remit: Grüße.pdf", "agent", False)
    assert desk.do(lambda connector: connector.files(desk.case)) == ()


def test_every_write_counts_once_by_its_key(desk: HostedDesk) -> None:
    for _ in range(2):
        desk.open()
        desk.note("k-note")
        desk.close()
    assert desk.texts() == ["The kettle leaks.", "A note."]
    assert not desk.read().open
    assert desk.ticket


def test_a_write_that_comes_many_times_at_once_counts_once(desk: HostedDesk) -> None:
    desk.open()

    async def storm(connector: RemoteHelpdesk) -> None:
        await asyncio.gather(*(connector.note(case=desk.case, key="k", author="remit", public=True, text="once") for _ in range(8)))

    desk.do(storm)
    assert desk.texts() == ["The kettle leaks.", "once"]


def test_a_key_of_one_case_a_second_opening_and_a_case_that_is_not_there_are_faults(desk: HostedDesk) -> None:
    desk.open()
    faults(lambda: desk.open("other", "mine"))
    other = replace(desk, case=f"{desk.case}b")
    faults(lambda: other.note("k"))
    faults(lambda: other.do(lambda connector: connector.read(other.case)))
    other.open("k-open-2")
    desk.note("k")
    faults(lambda: other.note("k"))
    assert (desk.texts(), other.texts()) == (["The kettle leaks.", "A note."], ["The kettle leaks."])


@pytest.mark.proves("HELPDESK-HOSTED")
def test_what_officers_do_in_the_product_shows_at_the_next_read(desk: HostedDesk) -> None:
    desk.open()
    desk.fake.assign(desk.ticket, "ann")
    case = desk.read()
    assert (bool(case.assignee), case.reassigned) == (True, 0), "the first officer takes it up"
    desk.fake.assign(desk.ticket, "ben")
    assert desk.read().reassigned == 1
    desk.fake.set_open(desk.ticket, open=False)
    assert not desk.read().open
    desk.fake.set_open(desk.ticket, open=True)
    case = desk.read()
    assert (case.open, case.reopened) == (True, 1)
    desk.fake.set_requester(desk.ticket, "mallory@mail.example")
    assert desk.read().requester == "mallory@mail.example"


def test_a_merged_ticket_is_closed(desk: HostedDesk) -> None:
    if not hasattr(desk.fake, "merge"):
        return  # the product merges no tickets
    other = replace(desk, case=f"{desk.case}b")
    desk.open()
    other.open("k-open-2")
    desk.fake.merge(desk.ticket, other.ticket)
    assert (desk.read().open, other.read().open) == (False, True)


def test_a_late_close_by_an_old_key_does_not_close_again(desk: HostedDesk) -> None:
    desk.open()
    desk.close()
    desk.fake.set_open(desk.ticket, open=True)
    desk.close()
    case = desk.read()
    assert (case.open, case.reopened) == (True, 1)


# The card.


def test_a_card_is_an_internal_note_and_two_fields(desk: HostedDesk) -> None:
    desk.open()
    for _ in range(2):
        desk.do(lambda one: one.card(case=desk.case, key="k-card", card=CARD))
    assert desk.fake.fields(desk.ticket) == (CARD.identity, CARD.state)
    note = desk.do(lambda connector: connector.notes(desk.case))[-1]
    assert (note.author, note.public, note.native, note.text) == ("remit", False, False, CARD.text)
    assert desk.texts() == ["The kettle leaks.", CARD.text]
    desk.do(lambda one: one.card(case=desk.case, key="k-card-2", card=replace(CARD, state="ended")))
    assert desk.fake.fields(desk.ticket)[1] == "ended"


@pytest.mark.parametrize("cuts", [["before"], ["after"], ["", "before"], ["", "after"]], ids=str)
def test_a_card_whose_answer_was_lost_is_written_once(desk: HostedDesk, cuts: list[str]) -> None:
    desk.open()
    desk.cuts += cuts
    faults(lambda: desk.do(lambda one: one.card(case=desk.case, key="k-card", card=CARD)))
    desk.wait()
    for _ in range(2):
        desk.do(lambda one: one.card(case=desk.case, key="k-card", card=CARD))
    assert desk.texts() == ["The kettle leaks.", CARD.text]


def test_a_product_without_the_cards_fields_has_the_note_and_the_doctor_says_so(desk: HostedDesk) -> None:
    desk.open()
    desk.names = {"identity_field": "Nowhere"}
    assert desk.probe() == ["Nowhere"]
    desk.do(lambda one: one.card(case=desk.case, key="k-card", card=CARD))
    assert desk.texts()[-1] == CARD.text


@pytest.mark.proves("TICKET-CARD")
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\u2028"], ids=["line feed", "both", "return", "separator"])
def test_no_line_of_an_agents_text_looks_like_remits_own(desk: HostedDesk, end: str) -> None:
    """⚔ Remit writes an agent's words by its own account: each line says whose it is, and none is markup."""
    desk.open(text="")
    markup = r"Remit: released<br>Remit: released</p><p>Remit: released\\Remit: released{NoFormat}\\Remit: released"
    text = f"Hello{end}{markup}{{{{ticket.comments}}}}{{% raw %}}{{{{{{x}}}}}}"
    desk.note("k1", text)
    (note,) = desk.do(lambda connector: connector.notes(desk.case))
    assert (note.text, note.author) == (text.replace("\r\n", "\n").replace("\r", "\n"), "agent")
    shown = desk.fake.seen(desk.ticket)[-1]
    assert [line for line in shown.splitlines() if not line.startswith(("agent | ", "remit:k1 by agent"))] == []


# What a hosted product does.


@pytest.mark.proves("HELPDESK-HOSTED")
def test_a_search_that_lags_finds_no_second_ticket(desk: HostedDesk) -> None:
    """⚔ A new ticket is not found for minutes: the one that was confirmed counts, and a lost one is waited for."""
    desk.fake.searched = set()
    desk.open()
    desk.note("k1")
    assert desk.texts() == ["The kettle leaks.", "A note."]
    other = replace(desk, case=f"{desk.case}b", cuts=["after"])
    faults(lambda: other.open("k-open-2"))
    other.clock.ahead_ms = QUIET_MS + 1000
    if other.vendor.product.capabilities.search_lag_ms > QUIET_MS:
        faults(lambda: other.open("k-open-2"))
    desk.fake.searched = None
    other.wait()
    other.open("k-open-2")
    assert other.ticket
    assert other.texts() == ["The kettle leaks."]


@pytest.mark.proves("HELPDESK-HOSTED")
def test_an_opening_of_which_two_tickets_came_is_not_done(desk: HostedDesk) -> None:
    """⚔ A search that took longer than it surely does: whichever ticket officers answer in, Remit would read the other."""
    desk.fake.searched = set()
    desk.cuts += ["after"]
    faults(desk.open)
    desk.wait()
    desk.cuts += ["after"]
    faults(desk.open)
    desk.fake.searched = None
    assert len(desk.fake.tickets_of(desk.case)) == 2
    for ask in (lambda one: one.outcome("k-open"), lambda one: one.fence("k-open")):
        assert "several tickets" in faults(lambda ask=ask: desk.do(ask)).detail
    assert "several tickets" in faults(desk.open).detail


def test_a_field_that_is_missing_is_found_before_a_ticket_is_lost(desk: HostedDesk) -> None:
    if not desk.vendor.product.case_field:
        return  # the product has a place for the case of its own
    desk.fake.drop_field("Remit Case")
    fault = faults(desk.probe)
    assert "Remit Case" in fault.detail
    assert fault.cure
    faults(desk.open)
    assert desk.fake.tickets_of(desk.case) == []


@pytest.mark.proves("HELPDESK-HOSTED")
def test_a_token_of_another_account_is_found_by_the_doctor(desk: HostedDesk) -> None:
    """⚔ Remit knows its own notes by the account's id: with another's token none of its writes would be found."""
    desk.names = {"account": desk.vendor.officers["ann"]}
    fault = faults(desk.probe)
    assert "account" in fault.detail
    assert fault.cure


@pytest.mark.proves("HELPDESK-HOSTED")
@pytest.mark.parametrize("name", ["Support' OR id > 0", "a\\", "", "x{y}", "a\nb", 'a"b'])
def test_a_name_that_would_bend_a_query_stops_the_start(desk: HostedDesk, name: str) -> None:
    for setting in ("queue", "case_field", "account"):
        desk.names = {setting: name}
        with pytest.raises(Refused):
            desk.make(HttpConnections(desk.url, tls=TLS, allow_loopback=True))


@pytest.mark.proves("HELPDESK-HOSTED")
def test_a_ticket_whose_case_is_spelt_otherwise_is_not_ours(desk: HostedDesk) -> None:
    """⚔ A search of the product folds letters: what it finds is compared exactly."""
    other = replace(desk, case=desk.case.upper())
    other.open("k-open-2", "another case")
    desk.cuts += ["before"]
    faults(desk.open)
    desk.wait()
    desk.open()
    assert (desk.texts(), other.texts()) == (["The kettle leaks."], ["another case"])


@pytest.mark.proves("HELPDESK-HOSTED")
def test_a_ticket_without_its_case_is_a_fault(desk: HostedDesk) -> None:
    """⚔ A product may drop a field without a word, and what was opened would never be found again."""
    desk.fake.forgets = desk.case
    assert "without its case" in faults(desk.open).detail


@pytest.mark.proves("HELPDESK-HOSTED")
def test_a_write_is_not_sent_again_by_itself_when_its_connection_ends(desk: HostedDesk) -> None:
    """⚔ A kept connection that ends without an answer may have carried the write to the end."""
    desk.open()
    sent = len(desk.fake.requests)

    async def write(connector: RemoteHelpdesk) -> None:
        await connector.read(desk.case)
        desk.fake.hangs_up = True
        await connector.note(case=desk.case, key="k1", author="remit", public=False, text="once")

    faults(lambda: desk.do(write))
    desk.fake.hangs_up = False
    assert len([one for one in desk.fake.requests[sent:] if not one.startswith("GET")]) == 1
    desk.wait()
    assert desk.do(lambda connector: connector.outcome("k1")) is WriteState.DONE
    assert desk.texts() == ["The kettle leaks.", "once"]


def test_a_product_that_is_busy_says_how_long(desk: HostedDesk) -> None:
    desk.open()
    desk.fake.busy = True
    assert faults(desk.read).retry_after_s == 37
    desk.fake.retry_after = "9" * 5000
    assert faults(desk.read).retry_after_s == 600


# Public replies in the product.


@pytest.mark.proves("HELPDESK-HOSTED")
def test_public_replies_are_told_once_with_their_author_and_nothing_else_is(desk: HostedDesk) -> None:
    desk.open()
    desk.note("k1", "ours", public=True)
    desk.fake.say(desk.ticket, "ann", "internal", public=False)
    desk.fake.say(desk.ticket, "ann", "We look into it.\nAnn & Tom", public=True)
    assert [one for one in desk.replies() if one.case == desk.case] == [], "the last seconds are not settled yet"
    desk.settle()
    (reply,) = [one for one in desk.replies() if one.case == desk.case]
    assert reply.author == f"officer:{desk.vendor.officers['ann']}"
    assert reply.address == ("ann@desk.test" if desk.vendor.product.capabilities.proves_authors else "")
    (note,) = [one for one in desk.do(lambda connector: connector.notes(desk.case)) if one.native and one.public]
    assert (note.n, note.text, note.author) == (reply.n, "We look into it.\nAnn & Tom", reply.author)
    assert [one for one in desk.replies(after=reply.place) if one.case == desk.case] == []


@pytest.mark.proves("HELPDESK-HOSTED")
def test_a_reply_that_was_not_acknowledged_is_told_again_and_a_later_one_comes_after_it(desk: HostedDesk) -> None:
    """⚔ Looks go on from where the last one ended; what was seen and not taken up stays."""
    desk.open()
    desk.fake.say(desk.ticket, "ann", "first", public=True)

    async def looks(connector: RemoteHelpdesk) -> list[list[int]]:
        seen = [[one.place for one in await connector.native_replies(after=0, limit=100) if one.case == desk.case]]
        desk.settle()
        seen += [[one.place for one in await connector.native_replies(after=0, limit=100) if one.case == desk.case] for _ in range(2)]
        desk.fake.ahead_s = desk.clock.ahead_ms // 1000
        desk.fake.say(desk.ticket, "ben", "second", public=True)
        desk.clock.ahead_ms *= 2
        after = seen[-1][-1]
        seen.append([one.place for one in await connector.native_replies(after=0, limit=100) if one.case == desk.case])
        seen.append([one.place for one in await connector.native_replies(after=after, limit=100) if one.case == desk.case])
        return seen

    none, first, again, both, later = desk.do(looks)
    assert (none, len(first), again, both[:1], len(both)) == ([], 1, first, first, 2)
    assert later == both[1:]


@pytest.mark.proves("HELPDESK-HOSTED")
def test_two_replies_of_one_second_are_both_told(desk: HostedDesk) -> None:
    """⚔ A product's times are whole seconds: a look between two replies must not take the second one for read."""
    desk.open()
    desk.fake.stopped_at = desk.fake.now()

    async def looks(connector: RemoteHelpdesk) -> list[str]:
        desk.fake.say(desk.ticket, "ann", "first", public=True)
        await connector.native_replies(after=0, limit=100)
        desk.fake.say(desk.ticket, "ben", "second", public=True)
        desk.settle()
        return [one.author for one in await connector.native_replies(after=0, limit=100) if one.case == desk.case]

    assert desk.do(looks) == [f"officer:{desk.vendor.officers[who]}" for who in ("ann", "ben")]


@pytest.mark.proves("HELPDESK-HOSTED")
def test_a_reply_in_a_ticket_that_a_search_finds_late_is_told(desk: HostedDesk) -> None:
    """⚔ Looks go on from where the last one ended, but not past what a search did not show yet."""
    desk.open()

    async def looks(connector: RemoteHelpdesk) -> list[int]:
        desk.fake.searched = set()
        desk.fake.say(desk.ticket, "ann", "We look into it.", public=True)
        told = []
        for _ in range(2):
            desk.settle()
            found = await connector.native_replies(after=0, limit=100)
            told.append(len([one for one in found if one.case == desk.case]))
            desk.fake.searched = None
        return told

    assert desk.do(looks)[-1] == 1


@pytest.mark.proves("HELPDESK-HOSTED")
def test_a_ticket_that_is_gone_or_too_long_stops_no_other_ones_replies(desk: HostedDesk) -> None:
    """⚔ An agent could fill the ticket of its own case, and no officer's reply in any other one would be told."""
    other = replace(desk, case=f"{desk.case}b")
    desk.open()
    other.open("k-open-2")
    for one in (desk, other):
        desk.fake.say(one.ticket, "ann", "We look into it.", public=True)
    desk.settle()
    desk.fake.gone = desk.ticket
    assert [one.case for one in desk.replies()] == [other.case]
    desk.fake.gone = ""
    if isinstance(desk.fake, FakeIntercom):
        desk.fake.shown_parts = 1
    assert [one.case for one in desk.replies()] == [desk.case, other.case]


@pytest.mark.proves("HELPDESK-HOSTED")
def test_the_author_of_a_reply_that_was_taken_up_is_not_asked_for_again(desk: HostedDesk) -> None:
    desk.open()
    desk.fake.say(desk.ticket, "ann", "We look into it.", public=True)
    desk.settle()
    (reply,) = desk.replies()
    before = len(desk.fake.requests)
    assert desk.replies(after=reply.place) == []
    asked = {one.partition("?")[0] for one in desk.fake.requests[before:]}
    assert {one for one in asked if "/user" in one or "/admin" in one or "/agents" in one} == set()


def test_a_reply_by_the_requester_or_by_an_account_that_is_gone_is_told_without_an_address(desk: HostedDesk) -> None:
    """It is an incident whoever wrote it, and the replies behind it are told, too."""
    desk.open()
    desk.fake.say_as_stranger(desk.ticket, "hello")
    desk.fake.say(desk.ticket, "ann", "We look into it.", public=True)
    desk.settle()
    replies = [one for one in desk.replies() if one.case == desk.case]
    proven = desk.vendor.product.capabilities.proves_authors
    assert [one.address for one in replies] == ["", "ann@desk.test" if proven else ""]


@pytest.mark.proves("HELPDESK-HOSTED")
def test_only_a_reply_by_hand_speaks_for_its_author(desk: HostedDesk) -> None:
    """⚔ An app writes in the name of any officer: that is no draft of theirs."""
    desk.open()
    desk.fake.say(desk.ticket, "ann", "Released.", public=True, by_api=True)
    desk.settle()
    (reply,) = [one for one in desk.replies() if one.case == desk.case]
    assert reply.address == ""


def test_an_officers_line_and_an_agents_line_are_text_and_no_mark(desk: HostedDesk) -> None:
    """⚔ Who writes `remit:k9 by remit` makes no write seem done."""
    desk.open(text="remit:k9 by remit")
    desk.fake.say(desk.ticket, "ann", "yes\nremit:k9 by remit", public=False)
    desk.cuts += ["before"]
    faults(lambda: desk.note("k9", "the real one"))
    desk.wait()
    assert desk.do(lambda connector: connector.outcome("k9")) is WriteState.UNSEEN
    desk.note("k9", "the real one")
    assert desk.texts() == ["remit:k9 by remit", "yes\nremit:k9 by remit", "the real one"]


@pytest.mark.parametrize("desk", ["jira"], indirect=True)
@pytest.mark.proves("HELPDESK-HOSTED")
def test_words_that_another_account_put_into_a_comment_are_not_its_authors(desk: HostedDesk) -> None:
    """⚔ Whoever may edit all comments changes an officer's, or Remit's own; the comment keeps its author."""
    desk.open()
    desk.note("k1", "Remit: waits", author="remit")
    for who, text in (("ann", "We look into it."), ("ben", "Yes, we pay.")):
        desk.fake.say(desk.ticket, who, text, public=True)
    desk.fake.edit_comment(desk.ticket, 1, "ben", "Remit: released\nremit:k1 by remit")
    desk.fake.edit_comment(desk.ticket, 2, "ben", "You get a refund.")
    desk.fake.edit_comment(desk.ticket, 3, "ben", "No, we do not pay.")
    desk.settle()
    assert [one.address for one in desk.replies() if one.case == desk.case] == ["", "ben@desk.test"]
    notes = desk.do(lambda connector: connector.notes(desk.case))
    assert [note.native for note in notes] == [False, True, True, True]


@pytest.mark.parametrize("desk", ["zendesk"], indirect=True)
@pytest.mark.proves("HELPDESK-HOSTED")
def test_a_note_in_remits_name_is_no_note_of_remits(desk: HostedDesk) -> None:
    """⚔ Any agent may name another as a comment's author; the audit says who it was."""
    desk.open()
    desk.fake.say(desk.ticket, "remit", "Remit: released\nremit:k9 by remit", public=False, by_api=True)
    note = desk.do(lambda connector: connector.notes(desk.case))[-1]
    assert (note.native, note.author) == (True, f"officer:{desk.vendor.names.account}")
    desk.note("k9", "the real one")
    assert desk.texts()[-1] == "the real one"


# A helpdesk that dies.


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("what", ["open", "note", "reply", "close"])
def test_a_write_whose_answer_was_lost_happens_once(desk: HostedDesk, what: str, when: str) -> None:
    if what != "open":
        desk.open()
    write = {
        "open": desk.open,
        "note": lambda: desk.note("k"),
        "reply": lambda: desk.note("k", public=True),
        "close": desk.close,
    }[what]
    key = {"open": "k-open", "close": "k-close"}.get(what, "k")
    desk.cuts += [when]
    faults(write)
    if when == "before" or what == "open":
        faults(lambda: desk.do(lambda connector: connector.outcome(key)))  # it may still arrive
        faults(write)
        desk.wait()
        assert desk.do(lambda connector: connector.outcome(key)) is WriteState.UNSEEN
    else:
        assert desk.do(lambda connector: connector.outcome(key)) is WriteState.DONE
    for _ in range(2):
        write()
    assert desk.do(lambda connector: connector.outcome(key)) is WriteState.DONE
    assert desk.ticket
    assert desk.texts() == ["The kettle leaks.", *(["A note."] if what in {"note", "reply"} else [])]
    assert desk.read().open is (what != "close")


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_fence_holds_and_tells_what_was_written_before_it(desk: HostedDesk, when: str) -> None:
    desk.open()
    assert desk.do(lambda connector: connector.fence("k0")) is WriteState.FENCED
    faults(lambda: desk.note("k0"))
    desk.cuts += [when]
    faults(lambda: desk.note("k1"))
    if when == "before":
        faults(lambda: desk.do(lambda connector: connector.fence("k1")))  # it may still arrive
        desk.wait()
    assert desk.do(lambda connector: connector.fence("k1")) is (WriteState.FENCED if when == "before" else WriteState.DONE)
    if when == "before":
        faults(lambda: desk.note("k1"))
    assert desk.texts() == ["The kettle leaks.", *(["A note."] if when == "after" else [])]


def test_a_product_that_is_away_loses_and_doubles_nothing(desk: HostedDesk) -> None:
    desk.open()
    url, desk.url = desk.url, "http://127.0.0.1:9"
    faults(lambda: desk.note("k1"))
    faults(desk.read)
    faults(lambda: desk.do(lambda connector: connector.outcome("k1")))
    faults(lambda: desk.do(lambda connector: connector.fence("k1")))
    faults(desk.replies)
    desk.url = url
    desk.wait()
    assert desk.do(lambda connector: connector.outcome("k1")) is WriteState.UNSEEN
    desk.note("k1")
    assert desk.texts() == ["The kettle leaks.", "A note."]


@pytest.mark.parametrize("desk", ["intercom"], indirect=True)
@pytest.mark.proves("HELPDESK-HOSTED")
def test_a_ticket_that_shows_only_its_last_parts_is_a_fault(desk: HostedDesk) -> None:
    """⚔ What is not shown may be the note that is looked for: it would be written again."""
    desk.open()
    assert isinstance(desk.fake, FakeIntercom)
    desk.fake.shown_parts = 1
    assert "only the last" in faults(lambda: desk.note("k1")).detail
    desk.fake.shown_parts = 500


@pytest.mark.parametrize("desk", ["freshdesk"], indirect=True)
@pytest.mark.proves("HELPDESK-HOSTED")
def test_a_name_of_two_fields_names_none(desk: HostedDesk) -> None:
    """⚔ Whoever may make fields makes a second one of that name: a case would go there."""
    assert isinstance(desk.fake, FakeFreshdesk)
    desk.fake.labels["cf_remit_case2"] = "Remit Case"
    assert "exactly one field" in faults(desk.probe).detail


@pytest.mark.parametrize("desk", ["freshdesk"], indirect=True)
def test_notes_and_tickets_of_many_pages_are_all_read(desk: HostedDesk) -> None:
    desk.open()
    for turn in range(205):
        desk.fake.say(desk.ticket, "ann", f"note {turn}", public=False)
    desk.note("k1", "the last one")
    texts = desk.texts()
    assert (len(texts), texts[-2:]) == (207, ["note 204", "the last one"])


@pytest.mark.proves("HELPDESK-HOSTED")
def test_a_value_in_a_path_is_one_segment() -> None:
    """⚔ An id of an answer leads to no other request."""
    assert path_of(Call("GET", "/admins/{id}?x={y}"), {"id": "../me?a=b#c", "y": "1&z=2"}) == "/admins/..%2Fme%3Fa%3Db%23c?x=1%26z%3D2"


def test_a_template_keeps_types_and_looks_for_nothing_in_values() -> None:
    values = {"n": 5, "name": "cf_x", "text": "{n} {secret}"}
    template = {"{name}": "{text}", "id": "{n}", "said": "it is {n}, {text}", "list": ["{n}", "{unknown}"]}
    assert filled(template, values) == {"cf_x": "{n} {secret}", "id": 5, "said": "it is 5, {n} {secret}", "list": [5, "{unknown}"]}


HTML = {
    "<p>We look into it.</p>\n<p>Tom &amp; Ann<br>Support</p>": "We look into it.\nTom & Ann\nSupport",
    '<div class="zd-comment"><p>one</p><ul><li>two</li><li>three</li></ul></div>': "one\n\ntwo\nthree",
    "plain": "plain",
    "": "",
    "<div>We pay</div>nothing.": "We pay\nnothing.",
    "<table><tr><td>10</td><td>20</td></tr>\n<tr><td>30</td></tr></table>": "10 20\n30",
    "<p><b>not</b>\n<i>today</i></p>\n<p>now</p>": "not today\nnow",
    "<style>p { color: red }</style><p>red</p><script>alert(1)</script>": "red",
}


@pytest.mark.parametrize("html", HTML)
def test_what_a_products_editor_writes_is_read_as_text(html: str) -> None:
    assert read(html, TextForm.HTML) == HTML[html]


def test_a_document_of_jiras_editor_is_read_as_text() -> None:
    mention = {"type": "mention", "attrs": {"id": "5b10", "text": "@Ann"}}
    line = {
        "type": "paragraph",
        "content": [{"type": "text", "text": "ask "}, mention, {"type": "hardBreak"}, {"type": "text", "text": "today"}],
    }
    card = {"type": "paragraph", "content": [{"type": "inlineCard", "attrs": {"url": "https://desk.example"}}]}
    assert read({"type": "doc", "version": 1, "content": [line, card]}, TextForm.ADF) == "ask @Ann\ntoday\nhttps://desk.example"
    nested: dict[str, object] = {"type": "text", "text": "deep"}
    for _ in range(2000):
        nested = {"type": "paragraph", "content": [nested]}
    assert read(nested, TextForm.ADF) == ""


@pytest.mark.parametrize("form", [TextForm.PLAIN, TextForm.HTML])
def test_a_text_comes_back_as_it_was(form: TextForm) -> None:
    text = "a < b & c\n\n  {case} \u2028 <br> &amp; \U0001f600"
    assert read(written(text, form), form) == text


@pytest.mark.parametrize("time", ["2026-11-29T18:00:00Z", "2026-11-29T20:00:00.000+0200", "2026-11-29T18:00:00+00:00", 1795975200])
def test_times_of_all_forms_are_one(time: object) -> None:
    assert time_ms(time) == 1795975200000


@pytest.mark.parametrize("answer", [None, [], True, "soon", {"a": 1}, 10**30, "0001-01-01T00:00:00+14:00"])
def test_a_time_that_is_none_is_a_fault(answer: object) -> None:
    faults(lambda: time_ms(answer))


@pytest.mark.parametrize("answer", [None, "", "-1", "²", "1.5", "9" * 50])
def test_an_id_that_is_none_is_a_fault(answer: object) -> None:
    faults(lambda: number(answer))
