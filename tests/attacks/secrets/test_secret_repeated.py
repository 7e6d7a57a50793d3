"""A secret that was found under its label stands again without one: in the same text, another of the ask, or a later ask."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from attacks.arena import COMPLAIN, Arena, open_arena
from attacks.files.attached import kept
from remit.sandbox import SandboxTask

PASSWORD, PIN = "Harbor#8159x", "482193"
REVEALED = f"My password is {PASSWORD} and the PIN: {PIN}."
AGAIN = f"{PASSWORD}? I typed it. Then {PIN}, {' '.join(PIN)} and HARBOR#8159X."


@contextmanager
def _redacting() -> Iterator[Arena]:
    with open_arena(settings={"words": {"secrets": "redact"}}) as arena:
        yield arena


def _file(text: str, name: str = "a.txt") -> dict[str, str]:
    return {"name": name, "media_type": "text/plain", "data_b64": base64.b64encode(text.encode()).decode()}


def _filed(text: str, words: str | None = None, *files: dict[str, str]) -> dict[str, Any]:
    ask: dict[str, Any] = {"action": "complaint.file", "params": {"kind": "late", "order_id": "W1", "text": text}}
    return ask | ({"words": words} if words else {}) | ({"attachments": list(files)} if files else {})


ASKS = {
    "one text": [_filed(f"{AGAIN} {REVEALED}")],
    "words and a param": [_filed(AGAIN, REVEALED)],
    "a param and words": [_filed(REVEALED, AGAIN)],
    "words and a file": [_filed("It is late.", REVEALED, _file(AGAIN))],
    "a file and words": [_filed("It is late.", AGAIN, _file(REVEALED))],
    "two files": [_filed("It is late.", None, _file(AGAIN), _file(REVEALED, "b.txt"))],
    "a file's pieces": [_filed("It is late.", None, _file(json.dumps([AGAIN, {"said": REVEALED}]), "a.json"))],
    "an unknown param": [
        {"action": "complaint.file", "params": {"kind": "late", "order_id": "W1", "text": REVEALED, "n": [AGAIN, int(PIN)]}}
    ],
    "a later ask": [_filed(REVEALED), _filed(AGAIN)],
    "two asks later": [_filed("It is late.", REVEALED), _filed("It is late."), _filed("It is late.", AGAIN)],
}


def _kept(arena: Arena, task: SandboxTask) -> Iterator[str]:
    yield "\n".join((data or b"").decode("latin-1") for _, data in kept(arena, task))
    yield json.dumps(arena.entries(), default=str)
    yield str(arena.state()) + str(arena.backoffice.performed)
    desk = arena.desk.desk
    assert desk is not None
    for path in sorted(Path(desk.settings.data).rglob("*")):
        if path.is_file():
            yield path.read_bytes().decode("latin-1")
    officer = arena.desk.officer("olga", roles=["billing"])
    for one in officer.get("/desk/v1/cases")["cases"]:
        yield arena.person("GET", f"/desk/cases/{one['case']}", cookie=officer.cookie).text
    yield arena.person("GET", "/me/history", cookie=arena.anna.cookie).text


@pytest.mark.proves("P11", "SECRETS")
@pytest.mark.parametrize("place", ASKS)
def test_a_secret_found_once_stands_nowhere_again(place: str) -> None:
    with _redacting() as arena:
        task = arena.task(COMPLAIN)
        answers = [arena.send(task, f"/v1/tasks/{task.id}/asks", ask).text for ask in ASKS[place]]
        seen = "\n".join([*answers, *_kept(arena, task)])
        for value in (PASSWORD, "Harbor", "HARBOR", PIN, " ".join(PIN)):
            assert value not in seen, (place, value, seen[max(0, seen.find(value) - 200) :][:300])


@pytest.mark.proves("P11", "SECRETS")
def test_another_task_is_not_searched_for_it() -> None:
    with _redacting() as arena:
        task = arena.task(COMPLAIN)
        arena.send(task, f"/v1/tasks/{task.id}/asks", _filed(REVEALED))
        other = arena.task(COMPLAIN)
        arena.send(other, f"/v1/tasks/{other.id}/asks", _filed(f"The parcel {PIN} is late."))
        assert f"The parcel {PIN} is late." in "\n".join(_kept(arena, other))
