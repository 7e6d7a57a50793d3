"""The stack one would write first, to compare with: FastAPI, PyJWT, Cedar from its text, SQLite with a commit for each record.

It does for an ask what such a stack does: verify the access token and the DPoP proof, refuse a replay, look up the mandate, ask
whose the order is, ask 50 policies, record the decision durably, act in a file of its own, record the outcome durably. It has
no consent, counters, epochs, redaction, sealed sections, tree, receipt or idempotency.

With the port of a Cerbos server in BENCH_CERBOS it asks that for the decision instead, by AuthZEN, over a connection that each thread keeps
(cheaper than what one would write first, a client library with a pool).

Run by ask.py as a process of its own: `first_stack.py FOLDER PORT CUSTOMERS ORDERS`. Writes `tasks.json`, prints `ready`, and ends
with its standard input.
"""

import base64
import hashlib
import json
import os
import sqlite3
import sys
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fastapi import FastAPI, HTTPException, Request

from first_stack_engines import ByCerbos, Wish, by_cedar

AGENTS = 64
CERBOS = "BENCH_CERBOS"


class Desk:
    """Two files, one lock, one signing key."""

    def __init__(self, folder: Path, port: int) -> None:
        self.base = f"http://localhost:{port}"
        cerbos = os.environ.get(CERBOS)
        self.permits: Callable[..., bool] = ByCerbos(int(cerbos)) if cerbos else by_cedar
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.public = self.key.public_key()
        self.lock = threading.Lock()
        self.store, self.books = (self._open(folder / name) for name in ("store.sqlite", "desk.sqlite"))
        self.store.execute("create table task (id text primary key, customer text, mandate text)")
        self.store.execute("create table jti (id text primary key, at integer)")
        self.store.execute("create table log (n integer primary key, entry text)")
        self.books.execute("create table orders (id text primary key, owner text, data text)")

    @staticmethod
    def _open(path: Path) -> sqlite3.Connection:
        found = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        found.execute("pragma journal_mode = wal")
        found.execute("pragma synchronous = full")
        return found

    def fill(self, folder: Path, customers: int, orders: int) -> None:
        """Customers with orders, and a task with a token for each."""
        keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(AGENTS)]
        made = []
        for number in range(customers):
            key = keys[number % AGENTS]
            ids = [f"W{number}x{order}" for order in range(orders)]
            numbers = key.public_key().public_numbers()
            public = {
                "crv": "P-256",
                "kty": "EC",
                "x": b64(numbers.x.to_bytes(32, "big")),
                "y": b64(numbers.y.to_bytes(32, "big")),
            }
            thumbprint = b64(
                hashlib.sha256(json.dumps(public, sort_keys=True, separators=(",", ":")).encode()).digest()
            )
            task = f"task_{uuid.uuid4().hex}"
            claims = {
                "iss": self.base,
                "aud": self.base,
                "exp": int(time.time()) + 3600,
                "task": task,
                "cnf": {"jkt": thumbprint},
            }
            pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
            made.append({"task": task, "token": jwt.encode(claims, self.key, "ES256"), "key": pem, "orders": ids})
            mandate = {"actions": ["order.change_address", "order.read"], "orders": ids}
            self.store.execute("insert into task values (?, ?, ?)", (task, f"c{number}", json.dumps(mandate)))
            self.books.execute("begin")
            self.books.executemany(
                "insert into orders values (?, ?, ?)", [(one, f"c{number}", '{"status": "pending"}') for one in ids]
            )
            self.books.execute("commit")
        (folder / "tasks.json").write_text(json.dumps(made))

    def ask(self, task: str, token: str, proof: str, wish: Wish) -> dict[str, Any]:
        """One ask, from its proofs to its outcome."""
        now = int(time.time())
        claims = jwt.decode(token, self.public, algorithms=["ES256"], audience=self.base, issuer=self.base)
        jwk = jwt.PyJWK(jwt.get_unverified_header(proof)["jwk"])
        shown = jwt.decode(proof, jwk, algorithms=["ES256"], options={"verify_iat": False, "verify_aud": False})
        members = {name: jwt.get_unverified_header(proof)["jwk"][name] for name in ("crv", "kty", "x", "y")}
        thumbprint = b64(hashlib.sha256(json.dumps(members, sort_keys=True, separators=(",", ":")).encode()).digest())
        expected = ("POST", f"{self.base}/v1/tasks/{task}/asks", b64(hashlib.sha256(token.encode()).digest()))
        if (
            (shown["htm"], shown["htu"], shown["ath"]) != expected
            or abs(shown["iat"] - now) > 60
            or thumbprint != claims["cnf"]["jkt"]
        ):
            raise HTTPException(401, "the proof is for something else")
        with self.lock:
            found = self.store.execute("select customer, mandate from task where id = ?", (task,)).fetchone()
            order = self.books.execute(
                "select owner, data from orders where id = ?", (wish.params.get("order_id"),)
            ).fetchone()
        if claims["task"] != task or found is None:
            raise HTTPException(403, "no such task")
        customer, mandate = found[0], json.loads(found[1])
        covered = wish.action in mandate["actions"] and wish.params.get("order_id") in mandate["orders"]
        owned = order is not None and order[0] == customer
        permitted = covered and self.permits(wish, customer, owned=owned)
        entry = {
            "task": task,
            "action": wish.action,
            "params": wish.params,
            "decision": "permit" if permitted else "refuse",
            "at": now,
        }
        with self.lock:
            self.store.execute("begin immediate")
            try:
                self.store.execute("insert into jti values (?, ?)", (shown["jti"], now))
                self.store.execute("insert into log (entry) values (?)", (json.dumps(entry),))
            except sqlite3.IntegrityError:
                self.store.execute("rollback")
                raise HTTPException(401, "the proof was used before") from None
            self.store.execute("commit")
        if not permitted:
            raise HTTPException(403, "not permitted")
        data = json.loads(order[1])
        if wish.action == "order.change_address":
            data["shipping_address"] = wish.params["address"]
            with self.lock:
                self.books.execute(
                    "update orders set data = ? where id = ?", (json.dumps(data), wish.params["order_id"])
                )
                self.store.execute(
                    "insert into log (entry) values (?)", (json.dumps({"task": task, "outcome": "done"}),)
                )
        return {"outcome": "done", "result": data}


def b64(raw: bytes) -> str:
    """Unpadded base64url."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def main(folder: Path, port: int, customers: int, orders: int) -> None:
    """Serve until standard input ends."""
    desk = Desk(folder, port)
    desk.fill(folder, customers, orders)
    app = FastAPI()

    @app.post("/v1/tasks/{task}/asks")
    def ask(task: str, wish: Wish, request: Request) -> dict[str, Any]:
        return desk.ask(task, request.headers["authorization"].removeprefix("DPoP "), request.headers["dpop"], wish)

    server = uvicorn.Server(
        uvicorn.Config(
            app, host="127.0.0.1", port=port, loop="uvloop", http="httptools", log_level="warning", access_log=False
        )
    )

    def wait() -> None:
        while not server.started:
            time.sleep(0.01)
        print("ready", flush=True)
        sys.stdin.read()
        server.should_exit = True

    threading.Thread(target=wait, daemon=True).start()
    server.run()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
