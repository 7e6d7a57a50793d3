"""Messages with disguised secrets, sent through the real doors."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from attacks.arena import SEND_BACK, Arena
from remit.engine.redact import redact_name_and_words
from secrets_mutated import Planted, leaks


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
