"""A whole desk in front of a real helpdesk: an agent's task, its card, an officer who answers there, and its events."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from attacks.arena import SEND_BACK, Arena, catalogue, mandate, open_arena
from real.cut import Cut
from real.helpdesks import LiveHelpdesk
from real.rt_server import EVENTS_SECRET
from remit.adapters.builtin_desk.database import DeskDatabase
from remit.adapters.helpdesk.remote.connector import SETTLED_MS, RemoteHelpdesk
from remit.domain.identity.event_signatures import EVENT_SCHEMES
from remit.sandbox import SandboxPerson, SandboxTask

_PATIENCE_S = 20.0


class Doors:
    """The address that the helpdesk's own code posts to: it hands every request on to the desk."""

    def __init__(self, port: int, signature: str) -> None:
        self.answers: list[int] = []
        self.arena: Arena | None = None
        doors = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items() if name.lower() in {"content-type", signature}}
                assert doors.arena is not None
                answer = doors.arena.room.raw("POST", self.path, headers=headers, content=body, check=False)
                doors.answers.append(answer.status_code)
                self.send_response(answer.status_code)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def doors(helpdesk: LiveHelpdesk) -> Iterator[Doors]:
    made = Doors(helpdesk.events_port, helpdesk.signature)
    yield made
    made.server.shutdown()
    made.server.server_close()


@contextmanager
def front(helpdesk: LiveHelpdesk, doors: Doors, folder: Path, **rules: Any) -> Iterator[Arena]:
    """A desk of the consumer pack, or of other rules, in front of a helpdesk."""
    database, connections = DeskDatabase(folder / "journal.db"), Cut(helpdesk.url, {})
    with open_arena(**rules) as made:
        connector = RemoteHelpdesk(helpdesk.dialect(connections), database, made.context.world)
        scheme = EVENT_SCHEMES[helpdesk.name]
        for name, value in (("helpdesk", connector), ("event_scheme", scheme), ("event_secret", EVENTS_SECRET.encode())):
            object.__setattr__(made.context, name, value)
        doors.arena = made
        yield made
        connections.close()
    database.close()


@pytest.fixture
def arena(helpdesk: LiveHelpdesk, doors: Doors, tmp_path: Path) -> Iterator[Arena]:
    with front(helpdesk, doors, tmp_path) as made:
        yield made


def ticket_of(helpdesk: LiveHelpdesk, task: SandboxTask) -> str:
    (found,) = helpdesk.tickets(task.case)
    return found


def settled(doors: Doors, wanted: int) -> None:
    """It posts while it answers: a moment later at most, the event is in."""
    until = time.monotonic() + _PATIENCE_S
    while len(doors.answers) < wanted:
        assert time.monotonic() < until
        time.sleep(0.05)


def notes(arena: Arena, task: SandboxTask) -> list[str]:
    return [note.text for note in arena.run(arena.context.helpdesk.notes(task.case))]


def test_an_agents_case_there_has_a_card_and_an_officer_answers_there(helpdesk: LiveHelpdesk, arena: Arena) -> None:
    arena.desk.officer("ann", roles=["billing"], email="ann@desk.test")
    task = arena.task()
    task.ask("order.return", SEND_BACK)
    arena.desk.sweep()
    ticket = ticket_of(helpdesk, task)
    identity, state = helpdesk.card(ticket)
    assert state == "waiting for approval by the customer"
    assert "helper.example" in identity
    assert any(f"/desk/cases/{task.case}" in text for text in notes(arena, task))
    for text in ("We look into it.", "She was born on 1988-04-17."):
        helpdesk.reply(ticket, text)
    arena.clock.ahead_ms = SETTLED_MS + 2000
    for _ in range(2):
        arena.desk.sweep()
    assert [one["text"] for one in task.inbox()] == ["We look into it."]
    told = notes(arena, task)
    assert "Remit sent this reply to the agent." in told
    assert any("did not send" in text for text in told)


def test_a_reply_there_by_no_officer_of_this_desk_reaches_no_agent(helpdesk: LiveHelpdesk, arena: Arena) -> None:
    """⚔ Whoever may write in the helpdesk speaks to no agent for that: ben works there, and not at this desk."""
    arena.desk.officer("ann", roles=["billing"], email="ann@desk.test")
    task = arena.task()
    arena.desk.sweep()
    helpdesk.reply(ticket_of(helpdesk, task), "You get a refund.", by="ben")
    helpdesk.comment(ticket_of(helpdesk, task), "An internal note.")
    arena.clock.ahead_ms = SETTLED_MS + 2000
    for _ in range(2):
        arena.desk.sweep()
    assert task.inbox() == []
    assert [details["by"] for kind, details in arena.notify.incidents if kind == "native_public_reply"] == ["officer:ben"]


def give_away(helpdesk: LiveHelpdesk, ticket: str) -> None:
    helpdesk.assign(ticket, "ann")
    helpdesk.assign(ticket, "ben")


def end_and_reopen(helpdesk: LiveHelpdesk, ticket: str) -> None:
    helpdesk.finish(ticket)
    helpdesk.reopen(ticket)


CHANGES: dict[str, Callable[[LiveHelpdesk, str], None]] = {
    "finished": lambda helpdesk, ticket: helpdesk.finish(ticket),
    "another requester": lambda helpdesk, ticket: helpdesk.set_requester(ticket, "mallory@mail.example"),
    "given away": give_away,
    "finished and reopened": end_and_reopen,
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_an_officer_does_there_ends_the_task_by_the_helpdesks_own_event(
    helpdesk: LiveHelpdesk, arena: Arena, doors: Doors, change: str
) -> None:
    task = arena.task()
    settled(doors, 1)
    arena.desk.sweep()
    arena.desk.sweep()
    assert arena.entries("task.ended") == []
    before = len(doors.answers)
    CHANGES[change](helpdesk, ticket_of(helpdesk, task))
    settled(doors, before + 1)
    assert set(doors.answers) == {202}
    arena.desk.sweep()
    (entry,) = arena.entries("task.ended")
    assert entry["envelope"]["reason"] in {"case_closed", "case_reassigned"}
    arena.desk.sweep()
    assert notes(arena, task)[-1].startswith("Remit: ended: ")


def test_a_merge_there_ends_the_merged_task_alone(helpdesk: LiveHelpdesk, arena: Arena, doors: Doors) -> None:
    first, second = arena.task(), arena.task(agent=arena.agent("spiffe://elsewhere.example/x"))
    before = len(doors.answers)
    helpdesk.merge(ticket_of(helpdesk, first), ticket_of(helpdesk, second))
    settled(doors, before + 1)
    arena.desk.sweep()
    ended = [(one["envelope"]["task"], one["envelope"]["reason"]) for one in arena.entries("task.ended")]
    assert ended == [(first.id, "case_merged")]


ASKS_BILLING = """@id("case") permit (principal, action in Action::"case.*", resource);
@id("billing") permit (principal, action, resource) when { context.confirmed_by.contains("officer:billing") };"""


def opened(arena: Arena, link: str, by: SandboxPerson, text: str) -> None:
    """A click on a link in the helpdesk: without a session it leads to sign-in, and from there to the page itself."""
    path = link.removeprefix(arena.room.issuer)
    anonymous = arena.room.raw("GET", path, check=False)
    assert (anonymous.status_code, anonymous.headers["location"]) == (303, f"/login?next={quote(path, safe='')}")
    login = arena.room.raw("GET", anonymous.headers["location"])
    assert f'data-form="sign-in" data-after="{path}"' in login.text
    by.sign_in()
    page = arena.room.raw("GET", path, cookie=by.cookie)
    assert page.status_code == 200
    assert text in page.text


def test_a_cards_links_lead_through_sign_in_to_the_page_on_which_a_passkey_decides(
    helpdesk: LiveHelpdesk, doors: Doors, tmp_path: Path
) -> None:
    rules = catalogue()
    rules["action"]["order.return"]["area"] = "routine"
    with front(helpdesk, doors, tmp_path, catalogue=rules, policies=ASKS_BILLING) as arena:
        ann = arena.desk.officer("ann", roles=["billing"], email="ann@desk.test")
        task = arena.task(mandate(powers=[{"power": "represent"}, {"power": "request", "actions": ["order.return"], "uses": 5}]))
        reply = task.ask("order.return", SEND_BACK)
        arena.desk.sweep()
        (card,) = [text for text in helpdesk.texts(ticket_of(helpdesk, task)) if "/confirm/" in text]
        (decide,) = re.findall(rf"{re.escape(arena.room.issuer)}/confirm/[^\s]+", card)
        (case,) = re.findall(rf"{re.escape(arena.room.issuer)}/desk/cases/[^\s]+", card)
        opened(arena, case, ann, task.case)
        opened(arena, decide, ann, 'data-answer="yes"')
        assert arena.room.raw("GET", decide.removeprefix(arena.room.issuer), cookie=arena.anna.cookie, check=False).status_code == 403
        twin = f"/desk/v1/confirmations/{decide.rpartition('/')[2]}"
        ann.post(twin, {"answer": "yes", "assertion": ann.passkey.get(ann.get(twin)["options"])})
        assert reply.again().outcome == "done"
