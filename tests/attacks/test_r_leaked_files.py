"""What lets somebody in at this desk, inside a file that must be unpacked or decoded before it is read.

Source: docs/model/model.md#leaks.
"""

import base64
import json
from collections.abc import Callable

import pytest

from attacks.arena import SEND_BACK, Arena, code_of
from attacks.files_made import attached, pdf, zipped
from remit.usecases.canaries import record_canaries

READ = {"order_id": "W1"}
CANARY = "W7730041"
LONG = "nothing to see " * 5_000
"""In what is so long, fewer disguises are undone: what its reader decodes is looked through as it was read."""


def _har(value: str) -> bytes:
    body = base64.b64encode(f"Grüße,\n{value}\n".encode()).decode()
    entry = {"request": {"url": "https://shop.example/"}, "response": {"content": {"text": body, "encoding": "base64"}}}
    return json.dumps({"log": {"entries": [entry], "comment": LONG}}).encode()


def _mail(value: str, encoding: str = "base64", disposition: str = "") -> bytes:
    body = base64.encodebytes(f"See here: ü\n{value}\n{LONG}".encode()).decode()
    head = "From: a@example.org\nTo: b@example.org\nSubject: help\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
    return f"{head}{disposition}Content-Transfer-Encoding: {encoding}\n\n{body}".encode()


def _escaped(value: str) -> bytes:
    """JSON in which every second letter is written by its number."""
    text = "".join(f"\\u{ord(letter):04x}" if at % 2 else letter for at, letter in enumerate(value))
    return f'{{"a": ["{text}"], "b": "{LONG}"}}'.encode()


def _wide(value: str) -> bytes:
    return "".join(chr(ord(letter) + 0xFEE0) if letter.isalnum() else letter for letter in value).encode()


FILES: dict[str, Callable[[str], dict[str, str]]] = {
    "in an archive": lambda value: attached("logs.zip", zipped(("a.txt", b"x" * 50), ("b.log", f"> {value}\n".encode()))),
    "a name in an archive": lambda value: attached("logs.zip", zipped((f"{value[:90]}", b"x"), ("b.log", value.encode()))),
    "a recorded body": lambda value: attached("web.har", _har(value), "application/json"),
    "a recorded body in an archive": lambda value: attached("logs.zip", zipped(("web.har", _har(value)))),
    "a mail's text": lambda value: attached("mail.eml", _mail(value), "message/rfc822"),
    "attached to a mail": lambda value: attached(
        "mail.eml", _mail(value, disposition='Content-Disposition: attachment; filename="a.txt"\n'), "message/rfc822"
    ),
    "written by numbers": lambda value: attached("a.json", _escaped(value), "application/json"),
    "a document in a document": lambda value: attached("a.json", json.dumps({"in": _escaped(value).decode()}).encode(), "application/json"),
    "full-width": lambda value: attached("a.txt", _wide(value), "text/plain"),
    "a pdf": lambda value: attached("a.pdf", pdf(value), "application/pdf"),
}


@pytest.mark.proves("LEAK", "LEAK-FILES")
@pytest.mark.parametrize("place", FILES)
def test_a_token_inside_a_file_ends_its_task_before_the_ask_is_decided(arena: Arena, place: str) -> None:
    task = arena.task()
    other = task.ask("order.return", SEND_BACK)
    assert other.needs_human
    response = arena.ask(task, "order.read", READ, attachments=[FILES[place](task.token)])
    assert code_of(response) == "task.ended"
    assert other.again().state == "void"
    assert arena.recorded("task.ended", task=task.id)["envelope"]["reason"] == "leak"
    assert len(arena.entries("leak.found")) == 1
    assert task.token not in str(arena.entries())
    assert task.token.rpartition(".")[2] not in str(arena.entries())


@pytest.mark.proves("LEAK", "LEAK-FILES")
def test_a_file_that_is_held_back_for_one_thing_hides_nothing_in_another(arena: Arena) -> None:
    """⚔ An archive is read to its end, also where nobody but an officer is shown it."""
    robbed, thief = arena.task(), arena.task(agent=arena.agent("spiffe://elsewhere.example/x"))
    file = attached("logs.zip", zipped(("a.bin", bytes(range(256))), ("b.log", f"> {robbed.token}\n".encode())))
    assert code_of(arena.ask(thief, "order.read", READ, attachments=[file])) == "words.attachment"
    assert code_of(arena.ask(robbed, "order.read", READ)) == "task.ended"


@pytest.mark.proves("LEAK-FILES")
def test_letters_by_chance_leave_room_for_what_is_known_by_its_look(arena: Arena) -> None:
    """⚔ Logs are full of them: a token in base64 behind a hundred others is seen all the same."""
    task = arena.task()
    noise = "\n".join(base64.urlsafe_b64encode(bytes((at * 7 + step * 31) % 251 for step in range(32))).decode()[:43] for at in range(120))
    hidden = base64.b64encode(f"the header is {task.token}".encode()).decode()
    file = attached("a.log", f"{noise}\nbody {hidden} end\n".encode(), "text/plain")
    assert code_of(arena.ask(task, "order.read", READ, attachments=[file])) == "task.ended"


@pytest.mark.proves("CANARY", "LEAK-FILES")
def test_a_canary_inside_an_archive_is_seen(arena: Arena) -> None:
    sam = arena.desk.officer("sam", roles=["security"])
    sam.post("/security/v1/canaries", {"kind": "record", "name": "order of nobody", "place": "archive", "value": CANARY})
    task = arena.task()
    arena.ask(task, "order.read", READ, attachments=[attached("logs.zip", zipped(("a.txt", f"see {CANARY} there\n".encode())))])
    arena.run(record_canaries(arena.context))
    assert arena.recorded("canary.seen")["desk"]["sent_in"] == task.id
