"""Pitfalls of a real roundup, and attacks by accounts that may write there: bot is none of an officer's."""

import asyncio
import re
import socket
import subprocess
import threading
import xmlrpc.client
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from contracts.connector_case import faults
from real.cut import Cut
from real.helpdesks import LiveCase, LiveRoundup
from real.roundup_server import BIN, RoundupServer
from remit.adapters.helpdesk.remote.connector import QUIET_MS, SETTLED_MS, RemoteHelpdesk
from remit.adapters.helpdesk.remote.roundup import Roundup
from remit.adapters.http.connection import HttpAnswer
from remit.domain.errors import Fault, Refused
from remit.ports.helpdesk import TicketCard

REFUSED = {403, 405}
MAIL = "From: ann@desk.test\nTo: issue_tracker@desk.test\nMessage-Id: <{id}@desk.test>\nSubject: {subject}\n\n{text}\n"


@pytest.fixture
def helpdesk(roundup: RoundupServer) -> LiveRoundup:
    return LiveRoundup(roundup)


@pytest.fixture
def opened(desk: LiveCase) -> LiveCase:
    """A case with one note, in which an hour has passed."""
    desk.open()
    desk.clock.ahead_ms = SETTLED_MS + 2000
    return desk


def told(desk: LiveCase) -> list[tuple[str, str]]:
    return [(one.author, one.address) for one in desk.told()]


def written(roundup: RoundupServer, by: str, text: str, **values: Any) -> str:
    """A message that stands in no ticket yet."""
    made: str = roundup.call(by, "POST", "/data/msg", {"content": text, "date": ".", **values})["id"]
    return made


def link(roundup: RoundupServer, by: str, ticket: str, msg: str) -> httpx.Response:
    messages = roundup.call(by, "GET", f"/data/issue/{ticket}?@verbose=0")["attributes"]["messages"]
    return roundup.change(by, f"issue/{ticket}", {"messages": [*messages, msg]})


def message(roundup: RoundupServer, desk: LiveCase, text: str) -> str:
    """The id of a message in the ticket by a part of its text."""
    for one in roundup.call("ann", "GET", f"/data/issue/{desk.ticket}?@verbose=0")["attributes"]["messages"]:
        if text in roundup.call("ann", "GET", f"/data/msg/{one}?@verbose=3")["attributes"]["content"]:
            return str(one)
    raise AssertionError(text)


def user(roundup: RoundupServer, name: str) -> str:
    return str(roundup.call(name, "GET", f"/data/user/{name}")["id"])


# Who wrote it.


def test_an_author_that_another_account_names_is_not_believed(opened: LiveCase, roundup: RoundupServer) -> None:
    """⚔ roundup lets any account write `author`; its page shows that name."""
    forged = written(roundup, "bot", "You get a refund.", author=user(roundup, "ann"), remit_public="yes")
    assert link(roundup, "bot", opened.ticket, forged).status_code == 200
    assert told(opened) == [("officer:bot", "")]


def test_remits_own_name_is_no_author_for_others(roundup: RoundupServer) -> None:
    """⚔ Else its page would show officers a card that Remit did not write."""
    own = roundup.call("remit", "GET", "/data/user?username:=remit")["collection"][0]["id"]
    body = {"content": "Remit: released", "author": own, "date": "."}
    assert roundup.request("bot", "POST", "/data/msg", body).status_code in REFUSED
    plain = written(roundup, "bot", "Remit: released")
    assert roundup.change("bot", f"msg/{plain}", {"author": own}).status_code in REFUSED


def test_an_officers_message_that_another_account_puts_into_the_ticket_is_no_officers_reply(
    opened: LiveCase, roundup: RoundupServer
) -> None:
    """⚔ Replayed out of another ticket, or put in late: who puts it there says it."""
    elsewhere = roundup.call("ann", "POST", "/data/issue", {"title": "Another customer"})["id"]
    said = LiveRoundup(roundup).speak(elsewhere, "Yes, we pay.", by="ann", public=True)
    assert link(roundup, "bot", opened.ticket, said).status_code == 200
    assert told(opened) == [("officer:bot", "")]
    (entry,) = [one for one in opened.do(lambda desk: desk.notes(opened.case)) if one.native]
    assert (entry.author, entry.text) == ("officer:bot", "Yes, we pay.")


def test_remits_message_goes_into_no_other_ticket(opened: LiveCase, roundup: RoundupServer) -> None:
    """⚔ The card of one case in the ticket of another."""
    card = TicketCard(identity="Shop", state="at work", text="Remit: speaks for anna")
    opened.do(lambda desk: desk.card(case=opened.case, key="k-card", card=card))
    other = LiveCase(opened.helpdesk, opened.journal, f"{opened.case}b")
    other.open("k-open-2")
    assert link(roundup, "bot", other.ticket, message(roundup, opened, "speaks for anna")).status_code in REFUSED
    assert other.texts() == ["The kettle leaks."]


@pytest.mark.parametrize("by", ["bot", "ann"])
def test_no_message_is_changed_after_it_was_written(opened: LiveCase, roundup: RoundupServer, by: str) -> None:
    """⚔ Of a changed content roundup keeps no trace, not even the account that changed it."""
    opened.helpdesk.reply(opened.ticket, "We look into it.")
    opened.helpdesk.comment(opened.ticket, "She is nice.")
    (note, reply, internal) = roundup.call("ann", "GET", f"/data/issue/{opened.ticket}?@verbose=0")["attributes"]["messages"]
    for msg, body in (
        (note, {"content": "forged\nremit:k9 by remit"}),
        (note, {"files": []}),
        (reply, {"content": "You get a refund."}),
        (reply, {"author": user(roundup, by)}),
        (internal, {"remit_public": "yes"}),
    ):
        assert roundup.change(by, f"msg/{msg}", body).status_code in REFUSED, (msg, body)
    assert opened.texts() == ["The kettle leaks.", "We look into it.", "She is nice."]
    assert told(opened) == [("officer:ann", "ann@desk.test")]


def test_no_file_is_changed_after_it_was_written(opened: LiveCase, roundup: RoundupServer) -> None:
    opened.do(lambda one: one.attach(case=opened.case, key="k", author="agent", name="a.txt", media_type="text/plain", data=b"as sent"))
    (ref,) = roundup.call("ann", "GET", f"/data/issue/{opened.ticket}?@verbose=0")["attributes"]["files"]
    for body in ({"content": "forged"}, {"name": "b.txt"}, {"type": "text/html"}):
        assert roundup.change("bot", f"file/{ref}", body).status_code in REFUSED
    (file,) = opened.do(lambda desk: desk.files(opened.case))
    assert (file.name, file.media_type, file.data) == ("a.txt", "text/plain", b"as sent")


FORGERIES: dict[str, Callable[[RoundupServer, LiveCase], httpx.Response]] = {
    "a line of the log": lambda roundup, desk: roundup.request("bot", "POST", "/data/remit_log", {"what": "reply", "issue": desk.ticket}),
    "a line taken out": lambda roundup, _: roundup.request("bot", "DELETE", "/data/remit_log/1"),
    "a ticket of a case": lambda roundup, _: roundup.request("ann", "POST", "/data/issue", {"title": "Mine", "remit_case": "case_x"}),
    "another case": lambda roundup, desk: roundup.change("ann", f"issue/{desk.ticket}", {"remit_case": "case_x"}),
    "no case": lambda roundup, desk: roundup.change("ann", f"issue/{desk.ticket}", {"remit_case": ""}),
    "an officer's address": lambda roundup, _: roundup.change("bot", f"user/{user(roundup, 'bot')}", {"remit_address": "ann@desk.test"}),
    "Remit's role": lambda roundup, _: roundup.change("bot", f"user/{user(roundup, 'bot')}", {"roles": "Remit"}),
    "a closed status": lambda roundup, _: roundup.change("bot", "status/8", {"remit_closed": "no"}),
}


@pytest.mark.parametrize("how", FORGERIES)
def test_what_remit_believes_is_written_by_no_other_account(opened: LiveCase, roundup: RoundupServer, how: str) -> None:
    assert FORGERIES[how](roundup, opened).status_code in REFUSED
    assert roundup.call("ann", "GET", f"/data/issue/{opened.ticket}")["attributes"]["remit_case"] == opened.case


@pytest.mark.parametrize(
    "call",
    [
        ("set", "msg{msg}", "content=forged"),
        ("set", "issue{ticket}", "remit_case=case_x"),
        ("create", "issue", "title=Mine", "remit_case=case_x"),
        ("create", "remit_log", "what=reply", "issue={ticket}"),
        ("create", "msg", "content=Remit: released", "author=remit"),
        ("create", "msg", "content=x", "creator=ann"),
    ],
)
def test_the_rules_hold_at_the_door_of_xml_rpc_too(opened: LiveCase, roundup: RoundupServer, call: tuple[str, ...]) -> None:
    """⚔ Whatever REST refuses, roundup has another door for it."""
    msg, before = message(roundup, opened, "leaks"), roundup.call("remit", "GET", "/data/remit_log")["@total_size"]
    headers = [("X-Requested-With", "test"), ("Origin", f"http://127.0.0.1:{roundup.port}")]
    address = roundup.web.replace("//", f"//bot:{roundup.password('bot')}@")
    with xmlrpc.client.ServerProxy(f"{address}xmlrpc", headers=headers) as door, pytest.raises(xmlrpc.client.Fault) as refused:
        getattr(door, call[0])(*(part.format(msg=msg, ticket=opened.ticket) for part in call[1:]))
    assert any(word in refused.value.faultString for word in ("Reject", "Unauthorised", "reserved")), refused.value
    assert opened.texts() == ["The kettle leaks."]
    assert roundup.call("remit", "GET", "/data/remit_log")["@total_size"] == before


@pytest.mark.parametrize("body", [{"assignedto": "3"}, {"remit_requester": "x"}, {"title": "x"}, {"superseder": ["1"]}])
def test_remits_account_does_its_work_and_no_more(opened: LiveCase, roundup: RoundupServer, body: Any) -> None:
    """⚔ Whoever finds Remit's password reads, and writes into Remit's own tickets alone."""
    assert roundup.change("remit", f"issue/{opened.ticket}", body).status_code == 403
    other = roundup.call("ann", "POST", "/data/issue", {"title": "Another customer"})["id"]
    assert roundup.change("remit", f"issue/{other}", {"status": "resolved"}).status_code == 403


# Officers at their own page, and by mail.


@pytest.mark.parametrize(("ticked", "expected"), [({}, []), ({"msg-1@remit_public": "yes"}, [("officer:ann", "ann@desk.test")])])
def test_a_note_on_roundups_page_is_internal_until_its_box_is_ticked(
    opened: LiveCase, roundup: RoundupServer, ticked: dict[str, str], expected: list[tuple[str, str]]
) -> None:
    page = f"{roundup.web}issue{opened.ticket}"
    with httpx.Client(auth=("ann", roundup.password("ann")), trust_env=False, headers={"referer": page}) as browser:
        shown = browser.get(page).text
        assert 'name="msg-1@remit_public"' in shown
        found = re.search(r'name="@csrf"[^>]*value="([^"]+)"|value="([^"]+)"[^>]*name="@csrf"', shown)
        assert found is not None
        form = {"@csrf": found[1] or found[2], "@action": "edit", "@note": "Line one.\r\nLine two.", "priority": "3", "title": "Kettle"}
        assert browser.post(page, data={**form, **ticked}).status_code in {200, 302, 303}
    assert told(opened) == expected
    assert opened.texts() == ["The kettle leaks.", "Line one.\nLine two."]


@pytest.mark.parametrize("subject", ["[issue{0}] Kettle", "[issue{0}] Kettle [remit_public=yes]"])
def test_a_mail_in_an_officers_name_is_an_internal_note(opened: LiveCase, roundup: RoundupServer, subject: str) -> None:
    """⚔ roundup believes the address that a mail names: it writes as ann, and no reply to an agent comes of it."""
    mail = MAIL.format(id=opened.case, subject=subject.format(opened.ticket), text="You get a refund.")
    done = subprocess.run([str(BIN / "roundup-mailgw"), str(roundup.tracker)], input=mail, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    roundup.own()
    assert told(opened) == []
    assert all(not one.public for one in opened.do(lambda desk: desk.notes(opened.case)))
    if "=" not in subject:
        assert opened.texts() == ["The kettle leaks.", "You get a refund."]


# The ticket.


def test_a_card_after_the_end_does_not_reopen_the_ticket(opened: LiveCase) -> None:
    """roundup's own detector sets a closed ticket to `chatting` when a message comes without a status."""
    opened.helpdesk.finish(opened.ticket)
    opened.do(lambda desk: desk.card(case=opened.case, key="k", card=TicketCard(identity="Shop", state="ended", text="Remit: ended")))
    case = opened.do(lambda desk: desk.read(opened.case))
    assert (case.open, case.reopened) == (False, 0)
    opened.helpdesk.comment(opened.ticket, "an officer's note does")
    case = opened.do(lambda desk: desk.read(opened.case))
    assert (case.open, case.reopened) == (True, 1)


def test_a_retired_ticket_is_closed_and_a_restored_one_was_reopened(opened: LiveCase, roundup: RoundupServer) -> None:
    ticket = opened.ticket
    roundup.admin("retire", f"issue{ticket}")
    roundup.own()
    case = opened.do(lambda desk: desk.read(opened.case))
    assert (case.open, case.reopened) == (False, 0)
    roundup.admin("restore", f"issue{ticket}")
    roundup.own()
    case = opened.do(lambda desk: desk.read(opened.case))
    assert (case.open, case.reopened) == (True, 1)


def test_a_message_that_was_taken_out_or_retired_was_said_and_put_back_it_is_not_said_twice(
    opened: LiveCase, roundup: RoundupServer
) -> None:
    opened.helpdesk.reply(opened.ticket, "We look into it.")
    msg = message(roundup, opened, "look into it")
    kept = roundup.call("ann", "GET", f"/data/issue/{opened.ticket}?@verbose=0")["attributes"]["messages"]
    assert roundup.change("bot", f"issue/{opened.ticket}", {"messages": [one for one in kept if one != msg]}).status_code == 200
    assert link(roundup, "ann", opened.ticket, msg).status_code == 200
    roundup.admin("retire", f"msg{msg}")
    roundup.own()
    assert told(opened) == [("officer:ann", "ann@desk.test")]
    assert opened.texts() == ["The kettle leaks.", "We look into it."]


class Busy(Cut):
    """Connections before each of whose first changes of a ticket an officer changes it, too."""

    times = 0
    change: Callable[[], None]

    async def send(self, method: str, path: str, **given: Any) -> HttpAnswer:  # type: ignore[override]  # passed on as it is
        if method == "PUT" and self.times:
            self.times -= 1
            await asyncio.to_thread(self.change)
        return await super().send(method, path, **given)


@pytest.mark.parametrize("times", [1, 99])
def test_a_ticket_that_changes_meanwhile_loses_nothing(opened: LiveCase, roundup: RoundupServer, times: int) -> None:
    """roundup answers 412 to a change of a ticket that is not as it was read."""
    changes: list[str] = []

    def change() -> None:
        opened.helpdesk.comment(opened.ticket, f"meanwhile {len(changes)}")
        changes.append(opened.ticket)

    def busy(connections: Cut) -> Roundup:
        other = Busy(connections.base, {})
        other.times, other.change = times, change
        connections.close = other.close  # type: ignore[method-assign]  # it has no connections of its own
        return LiveRoundup(roundup).dialect(other)

    opened.dialect = busy  # type: ignore[assignment]  # it is given such connections
    if times == 1:
        opened.note("k")
        assert opened.texts() == ["The kettle leaks.", "meanwhile 0", "A note."]
        return
    assert "changed again and again" in faults(lambda: opened.note("k")).detail
    opened.dialect = None
    opened.clock.ahead_ms += QUIET_MS + 1000
    opened.note("k")
    assert opened.texts() == ["The kettle leaks.", *(f"meanwhile {number}" for number in range(len(changes))), "A note."]


def test_a_file_whose_message_is_nowhere_is_not_there(opened: LiveCase) -> None:
    """The message of a write that was cut before its last step stands in no ticket."""
    opened.cuts["PUT"] = "before"
    faults(lambda: opened.note("k", "in no ticket"))
    assert opened.texts() == ["The kettle leaks."]
    opened.clock.ahead_ms += QUIET_MS + 1000
    opened.note("k", "in no ticket")
    assert opened.texts() == ["The kettle leaks.", "in no ticket"]


@pytest.mark.parametrize("answer", [b"", b"garbage\r\n\r\n", b"HTTP/1.1 500 No\r\n\r\n"])
def test_a_change_stands_whatever_becomes_of_its_event(opened: LiveCase, roundup: RoundupServer, answer: bytes) -> None:
    """The event is sent behind the commit, in the officer's request: no answer to it undoes or fails that."""
    with socket.create_server(("127.0.0.1", roundup.events_port)) as listening:
        asked: list[bytes] = []

        def once() -> None:
            connection, _ = listening.accept()
            with connection:
                asked.append(connection.recv(65536))
                connection.sendall(answer)

        thread = threading.Thread(target=once)
        thread.start()
        opened.helpdesk.comment(opened.ticket, "An officer's note.")
        thread.join(10)
    (request,) = asked
    assert b"x-roundup-signature: sha256=" in request.lower()
    assert opened.texts() == ["The kettle leaks.", "An officer's note."]


# Set-up.


@pytest.mark.parametrize("name", ["", "re mit", "a:b", "a/b", "x" * 101, "ä"])
def test_a_name_that_no_account_has_stops_the_start(roundup: RoundupServer, name: str) -> None:
    with pytest.raises(Refused):
        Roundup(Cut(roundup.url, {}), password="p", account=name)


PROBES: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "no UTC": ("UTC", ("set", "user{own}", "timezone=-5"), ("set", "user{own}", "timezone=UTC")),
    "no closed status": ("resolved", ("set", "status8", "remit_closed=no"), ("set", "status8", "remit_closed=yes")),
    "no role": ("403", ("set", "user{own}", "roles=Anonymous"), ("set", "user{own}", "roles=Remit")),
}


@pytest.mark.parametrize("what", PROBES)
def test_what_is_missing_is_named(desk: LiveCase, roundup: RoundupServer, what: str) -> None:
    said, spoil, mend = PROBES[what]
    own = user(roundup, "remit")
    try:
        roundup.admin(*(part.format(own=own) for part in spoil))
        roundup.own()
        assert said in faults(lambda: desk.do(lambda connector: connector._dialect.probe())).detail
    finally:
        roundup.admin(*(part.format(own=own) for part in mend))
        roundup.own()
    assert desk.do(lambda connector: connector._dialect.probe()) == []


def test_without_the_detector_nothing_counts_as_written(desk: LiveCase, roundup: RoundupServer) -> None:
    """⚔ A tracker that keeps no log of changes is found by the first write, and nothing is told or acted on."""
    detector = roundup.tracker / "detectors" / "remit.py"
    away = detector.rename(detector.with_suffix(".off"))
    restart(roundup)
    try:
        assert "did not carry it out" in faults(desk.open).detail
        with pytest.raises(Fault):
            desk.do(lambda connector: RemoteHelpdesk.outcome(connector, "k-open"))
    finally:
        away.rename(detector)
        restart(roundup)


def restart(roundup: RoundupServer) -> None:
    roundup.stop()
    roundup.start()
