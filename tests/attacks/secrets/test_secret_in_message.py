"""P11: a secret in a message or a file. Wherever an agent puts it, it stands in nothing that Remit keeps, shows, sends or logs."""

import base64
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from attacks.arena import COMPLAIN, SEND_BACK, SHOP, Arena, mandate, open_arena

SECRETS = {
    "api key": "sk_live_" + "51HqW9fKZvR2mXbT7cYdN4aPu",
    "access token": "ghp_" + "Zk4Qw7Er9Ty2Ui5Op1As3Df6Gh8Jk0Lz2Xc4",
    "password": "hunter2!Xq9",
    "one-time code": "739164",
    "card": "4111 1111 1111 1111",
    "iban": "DE89 3704 0044 0532 0130 00",
}
SAID = {
    "api key": "My api key is {}.",
    "access token": "I use {} for it.",
    "password": "my password: {}",
    "one-time code": "The one-time code is {}.",
    "card": "Charge {} please.",
    "iban": "Send it to {}.",
}


def _file(name: str, text: str) -> list[dict[str, str]]:
    return [{"name": name, "media_type": "text/plain", "data_b64": base64.b64encode(text.encode()).decode()}]


PLACES: dict[str, Callable[[str], dict[str, Any]]] = {
    "words": lambda said: {"action": "order.read", "params": {"order_id": "W1"}, "words": said},
    "free text": lambda said: {"action": "complaint.file", "params": {"kind": "late", "order_id": "W1", "text": said}},
    "an id": lambda said: {"action": "order.read", "params": {"order_id": said}},
    "an unknown param": lambda said: {"action": "order.read", "params": {"order_id": "W1", "note": {"deep": [said]}}},
    "a param's name": lambda said: {"action": "order.read", "params": {"order_id": "W1", said: 1}},
    "the action": lambda said: {"action": said, "params": {}},
    "a comment": lambda said: {"action": "case.comment", "params": {"text": said}},
    "a subject": lambda said: {"action": "case.open", "params": {"subject": said, "text": "hello"}},
    "a file": lambda said: {"action": "order.read", "params": {"order_id": "W1"}, "attachments": _file("a.txt", said)},
    "a file's name": lambda said: {"action": "order.read", "params": {"order_id": "W1"}, "attachments": _file(f"{said}.txt", "hello")},
}


@contextmanager
def _arena(mode: str) -> Iterator[Arena]:
    with open_arena(settings={"words": {"secrets": mode}}) as arena:
        yield arena


def _everything(arena: Arena, answers: list[httpx.Response]) -> Iterator[tuple[str, str]]:
    """Everything that is kept or told, as text."""
    yield "an answer", "\n".join(one.text + str(one.headers) for one in answers)
    yield "the record", json.dumps(arena.entries(), default=str)
    yield "the desk", str(arena.state()) + str(arena.backoffice.performed)
    yield "incidents and notices", str(arena.notify.incidents) + str(arena.notify.told)
    desk = arena.desk.desk
    assert desk is not None
    for path in sorted(Path(desk.settings.data).rglob("*")):
        if path.is_file():
            yield path.name, path.read_bytes().decode("latin-1")
    sam = arena.desk.officer("sam", roles=["security"])
    known = [one["incident"] for one in sam.get("/security/v1/incidents?state=all")["incidents"]]
    for path in ("/security", f"/security/agents/{SHOP}", *(f"/security/incidents/{one}" for one in known)):
        yield "security's page", arena.person("GET", path, cookie=sam.cookie).text
    officer = arena.desk.officer("olga", roles=["billing"])
    yield (
        "the case's page",
        "".join(
            arena.person("GET", f"/desk/cases/{one['case']}", cookie=officer.cookie).text for one in officer.get("/desk/v1/cases")["cases"]
        ),
    )
    yield "the customer's page", arena.person("GET", "/me/history", cookie=arena.anna.cookie).text


def _held_in(text: str, value: str) -> bool:
    """Whether a value stands in a text, also with other signs between its letters."""
    letters = re.sub(r"[^A-Za-z0-9]", "", value)
    if letters.isdigit() and len(letters) < 8:
        return re.search(rf"(?<![0-9A-Za-z]){letters}(?![0-9A-Za-z])", text) is not None
    return value in text or letters in text


@pytest.mark.proves("P11", "SECRETS")
@pytest.mark.parametrize("mode", ["refuse", "redact"])
@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_stands_in_nothing_that_is_kept_shown_sent_or_logged(mode: str, secret: str, caplog: pytest.LogCaptureFixture) -> None:
    value = SECRETS[secret]
    with _arena(mode) as arena:
        task = arena.task(COMPLAIN)
        answers = [arena.send(task, f"/v1/tasks/{task.id}/asks", make(SAID[secret].format(value))) for make in PLACES.values()]
        answers += [arena.send(task, f"/v1/asks/{one.json()['ask']}", method="GET") for one in answers if one.json().get("ask")]
        answers.append(arena.send(task, f"/v1/tasks/{task.id}", method="GET"))
        refused = [one.json().get("code") for one in answers[: len(PLACES)]]
        if mode == "refuse":
            assert "words.secret" in refused
        for place, text in _everything(arena, answers):
            assert not _held_in(text, value), (secret, place)
        assert not _held_in(caplog.text, value)


@pytest.mark.proves("P11", "SECRETS")
@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_in_what_an_agent_says_it_wants_is_shown_to_nobody_and_signed_by_nobody(arena: Arena, secret: str) -> None:
    wanted = mandate()
    wanted["objective"]["summary"] = SAID[secret].format(SECRETS[secret])
    arena.task(wanted)
    for place, text in _everything(arena, []):
        assert not _held_in(text, SECRETS[secret]), (secret, place)


@pytest.mark.proves("P11", "SECRETS")
def test_an_honest_message_beside_it_still_reaches_the_case(arena: Arena) -> None:
    task = arena.task()
    arena.refused(arena.ask(task, "case.comment", {"text": SAID["api key"].format(SECRETS["api key"])}), "words.secret")
    assert task.ask("case.comment", {"text": "The kettle leaks."}).outcome == "done"
    (note,) = [one for one in arena.run(arena.helpdesk.notes(task.case)) if "kettle" in one.text]
    assert note.text == "The kettle leaks."
    assert arena.ask(task, "order.return", SEND_BACK).json()["decision"] == "needs_human"
