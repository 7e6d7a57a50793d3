"""A whole desk in front of a real Request Tracker 5: an agent's task, its card, an officer who answers in RT, and RT's events."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from attacks.arena import SEND_BACK, Arena, open_arena
from real.cut import Cut
from real.rt_server import EVENTS_SECRET, RtServer
from remit.adapters.builtin_desk.database import DeskDatabase
from remit.adapters.helpdesk.remote.connector import SETTLED_MS, RemoteHelpdesk
from remit.adapters.helpdesk.remote.rt import RequestTracker
from remit.domain.identity.event_signatures import EVENT_SCHEMES
from remit.sandbox import SandboxTask

_PATIENCE_S = 20.0


class Doors:
    """The address that RT's Scrip posts to: it hands every request on to the desk."""

    def __init__(self, port: int) -> None:
        self.answers: list[int] = []
        self.arena: Arena | None = None
        doors = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {
                    name.lower(): value for name, value in self.headers.items() if name.lower() in {"content-type", "x-rt-signature"}
                }
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
def doors(rt: RtServer) -> Iterator[Doors]:
    made = Doors(rt.events_port)
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def arena(rt: RtServer, doors: Doors, tmp_path: Path) -> Iterator[Arena]:
    """A desk of the consumer pack whose helpdesk is RT."""
    database, connections = DeskDatabase(tmp_path / "journal.db"), Cut(rt.url, {})
    dialect = RequestTracker(connections, token=rt.token("remit"), account="remit", queue="Support", case_field="Remit Case")
    with open_arena() as made:
        helpdesk = RemoteHelpdesk(dialect, database, made.context.world)
        for name, value in (("helpdesk", helpdesk), ("event_scheme", EVENT_SCHEMES["rt"]), ("event_secret", EVENTS_SECRET.encode())):
            object.__setattr__(made.context, name, value)
        doors.arena = made
        yield made
    connections.close()
    database.close()


def ticket_of(rt: RtServer, task: SandboxTask) -> str:
    (found,) = rt.call("ann", "GET", f"/tickets?query='CF.%7BRemit Case%7D'='{task.case}'".replace(" ", "%20"))["items"]
    return str(found["id"])


def settled(doors: Doors, wanted: int) -> None:
    """RT posts while it answers: a moment later at most, the event is in."""
    until = time.monotonic() + _PATIENCE_S
    while len(doors.answers) < wanted:
        assert time.monotonic() < until
        time.sleep(0.05)


def notes(arena: Arena, task: SandboxTask) -> list[str]:
    return [note.text for note in arena.run(arena.context.helpdesk.notes(task.case))]


def test_an_agents_case_in_rt_has_a_card_and_an_officer_answers_there(rt: RtServer, arena: Arena) -> None:
    arena.desk.officer("ann", roles=["billing"], email="ann@desk.test")
    task = arena.task()
    task.ask("order.return", SEND_BACK)
    arena.desk.sweep()
    ticket = ticket_of(rt, task)
    fields = {one["name"]: one["values"] for one in rt.call("ann", "GET", f"/ticket/{ticket}")["CustomFields"]}
    assert fields["Remit State"] == ["waits for the customer"]
    assert "helper.example" in fields["Agent Identity"][0]
    assert any(f"/desk/cases/{task.case}" in text for text in notes(arena, task))
    for text in ("We look into it.", "She was born on 1988-04-17."):
        rt.call("ann", "POST", f"/ticket/{ticket}/correspond", {"Content": text, "ContentType": "text/plain"})
    arena.clock.ahead_ms = SETTLED_MS + 2000
    for _ in range(2):
        arena.desk.sweep()
    assert [one["text"] for one in task.inbox()] == ["We look into it."]
    told = notes(arena, task)
    assert "Remit sent this reply to the agent." in told
    assert any("did not send" in text for text in told)


@pytest.mark.parametrize("change", [{"Status": "resolved"}, {"Requestor": "mallory@mail.example"}])
def test_what_an_officer_does_in_rt_ends_the_task_by_rts_own_event(
    rt: RtServer, arena: Arena, doors: Doors, change: dict[str, str]
) -> None:
    task = arena.task()
    settled(doors, 1)
    arena.desk.sweep()
    arena.desk.sweep()
    assert arena.entries("task.ended") == []
    before = len(doors.answers)
    rt.call("ann", "PUT", f"/ticket/{ticket_of(rt, task)}", change)
    settled(doors, before + 1)
    assert set(doors.answers) == {202}
    arena.desk.sweep()
    (entry,) = arena.entries("task.ended")
    assert entry["envelope"]["reason"] in {"case_closed", "case_reassigned"}
    arena.desk.sweep()
    assert notes(arena, task)[-1].startswith("Remit: ended: ")


def test_a_merge_in_rt_ends_the_merged_task_alone(rt: RtServer, arena: Arena, doors: Doors) -> None:
    first, second = arena.task(), arena.task(agent=arena.agent("spiffe://elsewhere.example/x"))
    rt.call("ann", "PUT", f"/ticket/{ticket_of(rt, first)}", {"MergeInto": ticket_of(rt, second)})
    settled(doors, 3)
    arena.desk.sweep()
    ended = [(one["envelope"]["task"], one["envelope"]["reason"]) for one in arena.entries("task.ended")]
    assert ended == [(first.id, "case_merged")]
