"""Messages with secrets, changed by lot, through the real doors: none stands in a log, the transcript, a ticket, a reply or the store."""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from attacks.arena import SEND_BACK, Arena, open_arena
from remit.engine.redact import redact_name_and_words
from secrets_mutated import Planted, leaks, leaks_among, planted

DOORS = 120
CLEANED = 2_000


@pytest.mark.proves("SECRETS", "P11")
@pytest.mark.parametrize("setting", ["refuse", "redact"])
def test_no_changed_message_leaves_its_secret_anywhere(
    setting: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    sent = list(planted(7 if setting == "refuse" else 8, DOORS))
    with open_arena(store=f"sqlite:///{tmp_path}/store.db", settings={"words": {"secrets": setting}}) as arena:
        answers = through_doors(arena, sent)
        kept = f"{answers}{everything(arena, tmp_path)}{caplog.text}{''.join(capfd.readouterr())}"
    assert leaks_among(kept, sent) == []


@pytest.mark.proves("SECRETS")
def test_what_is_sent_would_be_noticed_where_it_is_kept() -> None:
    sent = list(planted(7, DOORS))
    told = [{"desk": {"text": one.text}} for one in sent]
    hidden = {(one.kind, one.disguise) for one in sent if len(one.secret) <= 6 and one.disguise != "plain"}
    found = {(kind, disguise) for kind, disguise, _ in leaks_among(f"{told}", sent)}
    assert {(one.kind, one.disguise) for one in sent} - hidden <= found


@pytest.mark.proves("SECRETS")
def test_an_ask_is_cleaned_wherever_its_secret_stands() -> None:
    with open_arena() as arena:
        assert [(one.kind, one.disguise, one.text) for one in planted(11, CLEANED) if not cleaned(arena, one)] == []


def cleaned(arena: Arena, one: Planted) -> bool:
    """Whether an ask with this message as its words, a param, a name and an action is without its secret once it is cleaned."""
    params = {"order_id": "W1", "text": one.text, "deep": [{"note": one.text}], one.text: 1}
    known = redact_name_and_words(arena.context, action="case.comment", params=params, words=one.text)
    unknown = redact_name_and_words(arena.context, action=one.text, params={}, words=None)
    return not leaks(repr((known, unknown)), one)


def through_doors(arena: Arena, sent: Iterable[Planted]) -> str:
    """Send each message as words, as a comment, as an undeclared param and as a param of an unknown action; what was answered."""
    answers = []
    tasks = [arena.task(agent=arena.agent(f"spiffe://x{number}.example/x")) for number in range(4)]
    for number, one in enumerate(sent):
        asks: tuple[tuple[str, dict[str, Any], dict[str, Any]], ...] = (
            ("order.return", SEND_BACK, {"words": one.text}),
            ("case.comment", {"text": one.text}, {}),
            ("order.read", {"order_id": "W1", "note": one.text}, {}),
            ("order.sing", {"song": {"line": [one.text]}}, {}),
        )
        action, params, more = asks[number % len(asks)]
        task = tasks[number % len(tasks)]
        response = arena.send(
            task, f"/v1/tasks/{task.id}/asks", {"action": action, "params": params, **more}, headers={"idempotency-key": f"k{number}"}
        )
        assert response.status_code < 500, (response.status_code, one)
        answers.append(response.text)
    return "\n".join(answers)


def everything(arena: Arena, folder: Path) -> str:
    """All that is kept: the opened entries, the desk's cases and acts, what people were told, the store's files."""
    files = b"".join(one.read_bytes() for one in sorted(folder.rglob("*")) if one.is_file()).decode("utf-8", "replace")
    return f"{arena.entries()}{arena.state()}{list(arena.notify.told)}{list(arena.notify.incidents)}{files}"
