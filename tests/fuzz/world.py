"""A served desk with enough in it that a request by chance meets something: tasks, asks, confirmations, cases, sessions."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attacks.arena import SEND_BACK, mandate
from conformance.live import CALLBACK, Live, live_desk

_TASKS = 6
_ROLES = ("admin", "audit", "billing", "care", "security", "travel")
_WIDE = """
[limits]
client_per_s = 100000
client_burst = 100000
peer_per_s = 100000
peer_burst = 100000
unproved_per_s = 100000
unproved_burst = 100000
peer_bytes_per_s = 1073741824
peer_bytes_burst = 1073741824
unproved_bytes_per_s = 1073741824
unproved_bytes_burst = 1073741824
"""


@contextmanager
def world(folder: Path) -> Iterator[tuple[Live, Path]]:
    """Serve a desk, fill it, and write what a client may know of it to a file for the hooks."""
    with live_desk(folder / "desk", more=_WIDE) as live:
        file = folder / "world.json"
        file.write_text(json.dumps(_filled(live)), encoding="utf-8")
        yield live, file


def _filled(live: Live) -> dict[str, Any]:
    agent = live.agent()
    tasks, asks, mandates = [], [], []
    for _ in range(_TASKS):
        found = live.anna.grant(agent.sandbox, mandate(max_tasks=50))
        task = agent.sandbox.open(found)
        mandates.append(found.id)
        tasks.append({"task": task.id, "token": task.token})
        asks += [task.ask("order.read", {"order_id": "W1"}).ask, task.ask("order.return", SEND_BACK).ask]
    officer, security = live.desk.officer("olga", roles=list(_ROLES)), live.desk.officer("sven", roles=list(_ROLES))
    pushed, _ = agent.push()
    entries = [str(one.get("entry", one.get("index"))) for one in security.get("/audit/v1/entries")["entries"]]
    waiting = [row["confirmation"] for row in (*live.anna.waiting(), *officer.waiting())]
    cases = officer.get("/desk/v1/cases")
    return {
        "issuer": live.url,
        "client_id": agent.id,
        "key": str(agent.sandbox.key),
        "client_key": agent.client_pem,
        "mandates": mandates,
        "tasks": tasks,
        "asks": asks,
        "entries": entries,
        "confirmations": waiting,
        "cases": [one["case"] for one in cases["cases"]] if isinstance(cases, dict) and cases.get("cases") else [],
        "requests": [pushed.json()["request_uri"].rpartition(":")[2]],
        "sessions": {"customer": live.anna.cookie, "officer": officer.cookie, "security": security.cookie},
        "push": {
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "code_challenge": "A" * 43,
            "code_challenge_method": "S256",
            "authorization_details": json.dumps([mandate()]),
        },
    }
