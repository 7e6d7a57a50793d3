"""Hooks of schemathesis, which runs them in its own environment: most requests are proved, signed in and about something that exists.

Imports `remit.client` alone. `FUZZ_WORLD` names the file that `world.py` wrote, `FUZZ_COUNT` the one that the number of requests goes to.
"""

import atexit
import json
import os
import random
import secrets
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import requests
import schemathesis

from remit.client.identities import PrivateKeyJwt
from remit.client.keys import ProofKey

WORLD: dict[str, Any] = json.loads(Path(os.environ["FUZZ_WORLD"]).read_text(encoding="utf-8"))
ISSUER: str = WORLD["issuer"]
KEY = ProofKey(WORLD["key"])
IDENTITY = PrivateKeyJwt(WORLD["client_id"], WORLD["client_key"], "k1")
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
RENEW_S = 240
CHANCE = random.Random(int(os.environ.get("FUZZ_SEED", "0")) or None)
LOCK = threading.Lock()
BY_DOOR = os.environ.get("FUZZ_SAY", "")
COUNTED: Counter[str] = Counter()
AGENTS = frozenset({"/mcp", "/a2a"})
"""Doors of agents beside `/v1`: a token and a proof."""
PROGRAMS = ("/ssf/", "/access/")
"""Doors of other programs, which have secrets of their own: asked as they were generated."""
ASKS = (
    {"action": "order.read", "params": {"order_id": "W1"}},
    {"action": "order.return", "params": {"order_id": "W1", "item_ids": ["i1"]}},
    {"action": "payment.refund", "params": {"order_id": "W1", "payment_method_id": "pm_1", "amount": "5.00 EUR"}},
    {"action": "case.comment", "params": {}, "words": "The kettle leaks."},
)


class Tasks:
    """The agent's tasks; each is opened again when its token is old or the fuzzing ended it."""

    def __init__(self) -> None:
        self.live: list[dict[str, str]] = list(WORLD["tasks"])
        self.renewed_s = time.monotonic()

    def one(self) -> dict[str, str]:
        """Give a task with a token that is still good."""
        with LOCK:
            if time.monotonic() - self.renewed_s > RENEW_S or not self.live:
                self.renewed_s = time.monotonic()
                self.live = [task for task in map(self._opened, WORLD["mandates"]) if task] or list(WORLD["tasks"])
            return CHANCE.choice(self.live)

    def ended(self, task: dict[str, str]) -> None:
        """Take a task out that takes no more."""
        with LOCK:
            self.live = [one for one in self.live if one["task"] != task["task"]]

    def _opened(self, mandate: str) -> dict[str, str] | None:
        url = f"{ISSUER}/oauth/token"
        form = {"grant_type": EXCHANGE, "subject_token": mandate, "subject_token_type": "urn:remit:token-type:mandate"}
        form |= IDENTITY.credentials(issuer=ISSUER, now_s=time.time())
        answer = requests.post(url, data=form, headers={"DPoP": KEY.proof("POST", url, now_s=time.time())}, timeout=30)
        return {"task": answer.json()["task"], "token": answer.json()["access_token"]} if answer.ok else None


TASKS = Tasks()


def mostly(of_hundred: int = 80) -> bool:
    """Do what a sound client would, most of the time."""
    return CHANCE.randrange(100) < of_hundred


def known_id(path: str) -> str | None:
    """Give an id of something that stands behind an address."""
    pools = {
        "/asks/": "asks",
        "/mandates/": "mandates",
        "/confirmations/": "confirmations",
        "/confirm/": "confirmations",
        "/cases/": "cases",
        "/requests/": "requests",
        "/entries/": "entries",
        "/receipts/": "entries",
    }
    pool = next((WORLD[name] for part, name in pools.items() if part in path), [])
    return str(CHANCE.choice(pool)) if pool else None


def cookie(path: str) -> str:
    """Give the session of a person who belongs at an address."""
    kind = "customer" if path.startswith(("/me", "/oauth/authorize", "/confirm", "/resume")) else "officer"
    return str(WORLD["sessions"]["security" if path.startswith(("/security", "/audit")) else kind])


@schemathesis.hook
def before_call(_context: Any, case: Any, **_kwargs: Any) -> None:
    """Prove a request, or sign it in, as its address wants; some are left as they were generated."""
    path = case.operation.path
    for name in list(case.path_parameters or {}):
        if name in {"id", "ask", "entry"} and mostly(60) and (found := known_id(path)) is not None:
            case.path_parameters[name] = found
    if path.startswith("/v1/") or path in AGENTS:
        prove(case, path)
    elif path.startswith("/oauth/") and case.method == "POST":
        authenticate(case)
    elif mostly(95) and "sign-out" not in path and not path.startswith(PROGRAMS):
        case.cookies = {}
        case.headers["Cookie"] = cookie(path)
        for name in ("Authorization", "DPoP"):  # ⚔ beside an agent's credential a person's session ends
            case.headers.pop(name, None)
    if path.startswith("/sandbox/v1/facts"):
        case.body = None if not isinstance(case.body, dict) else {"owners": []}


def sound(right: dict[str, Any], generated: dict[str, Any]) -> dict[str, Any]:
    """Give a sound body, or one with a single member of the generated one."""
    if mostly(40) or not generated:
        return dict(right)
    name = CHANCE.choice(list(generated))
    return {**right, name: generated[name]}


def prove(case: Any, path: str) -> None:
    """Send an agent's token with a fresh proof, and now and then an ask that the mandate covers."""
    task = TASKS.one()
    if "task" in (case.path_parameters or {}) and mostly(90):
        case.path_parameters["task"] = task["task"]
    if path.endswith("/asks") and isinstance(case.body, dict) and mostly(70):
        case.body = sound(CHANCE.choice(ASKS), case.body)
    if mostly(70):
        case.headers["Idempotency-Key"] = secrets.token_hex(8)
    if isinstance(case.query, dict) and "wait" in case.query:
        case.query["wait"] = CHANCE.choice([0, 0, 0, "x", -1, 31, 1 << 70])
    if mostly(95):
        case.headers["Authorization"] = f"DPoP {task['token']}"
        case.headers["DPoP"] = KEY.proof(case.method, f"{ISSUER}{case.formatted_path}", now_s=time.time(), token=task["token"])
    if path.endswith("/complete") and not mostly(10):
        case.headers["DPoP"] = "x"


def authenticate(case: Any) -> None:
    """Authenticate the client of an OAuth request, and name things that exist."""
    body = case.body if isinstance(case.body, dict) else None
    if mostly(95):
        case.headers["DPoP"] = KEY.proof("POST", f"{ISSUER}{case.operation.path}", now_s=time.time())
    if body is None:
        return
    if case.operation.path == "/oauth/par" and mostly(70):
        body = case.body = sound(WORLD["push"] | {"dpop_jkt": KEY.thumbprint}, body)
    if mostly(90):
        body |= IDENTITY.credentials(issuer=ISSUER, now_s=time.time())
    if case.operation.path == "/oauth/token" and mostly(50):
        body |= {
            "grant_type": EXCHANGE,
            "subject_token": CHANCE.choice(WORLD["mandates"]),
            "subject_token_type": "urn:remit:token-type:mandate",
        }
    if case.operation.path == "/oauth/introspect" and mostly(50):
        body["token"] = TASKS.one()["token"]


@schemathesis.hook
def after_call(_context: Any, case: Any, response: Any) -> None:
    """Count what was answered."""
    path = case.operation.path
    with LOCK:
        COUNTED[str(response.status_code)] += 1
        if BY_DOOR:
            sys.stderr.write(f"{case.method} {path} {response.status_code} {response.elapsed:.3f} {response.content[:160]!r}\n")
    if path.startswith("/v1/tasks/") and response.status_code in {200, 401, 403} and b"task.ended" in response.content:
        for task in list(TASKS.live):
            if task["task"] in case.formatted_path:
                TASKS.ended(task)


def count() -> None:
    """Write how many requests were sent, by status."""
    Path(os.environ["FUZZ_COUNT"]).write_text(json.dumps(COUNTED), encoding="utf-8")


atexit.register(count)
