"""Pitfalls of a real Request Tracker 5."""

import asyncio
import subprocess
from functools import partial

import pytest

from contracts.connector_case import REQUESTER, faults
from real.cut import Cut
from real.helpdesks import CARD, FIELDS, LiveCase, LiveRt
from real.rt_server import RtServer
from remit.adapters.helpdesk.remote.connector import QUIET_MS, SETTLED_MS, RemoteHelpdesk
from remit.adapters.helpdesk.remote.rt import CardFields, RequestTracker
from remit.domain.errors import Fault, Refused


@pytest.fixture
def helpdesk(rt: RtServer) -> LiveRt:
    return LiveRt(rt)


def test_a_reply_of_rts_own_editor_is_read_as_text(desk: LiveCase, rt: RtServer) -> None:
    desk.open()
    html = "<p>We look into it.</p><p>Tom &amp; Ann<br />Support</p>"
    rt.call("ann", "POST", f"/ticket/{desk.ticket}/correspond", {"Content": html, "ContentType": "text/html"})
    (note,) = [one for one in desk.do(lambda connector: connector.notes(desk.case)) if one.native]
    assert note.text == "We look into it.\nTom & Ann\nSupport"


def test_a_queue_without_the_cards_fields_has_the_note_and_the_doctor_says_so(desk: LiveCase, rt: RtServer) -> None:
    desk.open()
    desk.dialect = partial(LiveRt(rt).dialect, card_fields=CardFields("Nowhere", FIELDS.state))
    assert desk.do(lambda connector: connector._dialect.probe()) == ["Nowhere"]
    desk.do(lambda one: one.card(case=desk.case, key="k-card", card=CARD))
    assert desk.texts()[-1] == CARD.text


def test_a_change_that_rt_refuses_politely_is_a_fault(desk: LiveCase) -> None:
    """⚔ RT answers 200 with a sentence: the ticket is read again."""
    desk.open()
    desk.helpdesk.reopen(desk.ticket)
    ticket = desk.ticket

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


def test_rt_by_itself_opens_a_ticket_that_was_answered_and_no_officer_did(desk: LiveCase) -> None:
    """RT's own account moves a new ticket to open when somebody answers: nothing was reopened."""
    desk.open()
    desk.note("k1", "ours", public=True)
    case = desk.do(lambda connector: connector.read(desk.case))
    assert (case.open, case.reopened, case.reassigned) == (True, 0, 0)


def test_a_ticket_of_another_account_that_carries_the_case_is_not_taken_for_ours(desk: LiveCase, rt: RtServer) -> None:
    """⚔ Whoever may write into RT makes a ticket with the case's number, before Remit does."""
    rt.call(
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


@pytest.mark.parametrize("header", ["", "X-RT-Interface: Web\n"])
def test_a_mail_in_an_officers_name_is_no_officers_reply(desk: LiveCase, rt: RtServer, header: str) -> None:
    """⚔ RT believes the sender that a mail names, and writes as ann."""
    desk.open()
    mail = f"From: ann@desk.test\nTo: support@desk.test\nMessage-Id: <{desk.case}@x>\n{header}Subject: [desk.test #{desk.ticket}] Kettle\n\nYes.\n"
    gate = ["rt-mailgate-5", "--queue", "Support", "--action", "correspond", "--url", f"http://127.0.0.1:{rt.port}/"]
    assert subprocess.run(gate, input=mail, text=True, check=False).returncode == 0
    desk.helpdesk.reply(desk.ticket, "No.")
    desk.clock.ahead_ms = SETTLED_MS + 1000
    assert [(one.author, one.address) for one in desk.told()] == [("officer:ann", ""), ("officer:ann", "ann@desk.test")]
