"""Visitors for tests: a client with a document at its own address, and no key; its own server, browser and app."""

import hashlib
import json
import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

from remit.proof.canonical import b64url
from remit.sandbox import SandboxCustomer
from remit.sandbox.backend import Room

PRESETS: dict[str, Any] = {
    "return-item": {
        "powers": [
            {"power": "represent"},
            {"power": "receive", "attributes": ["order.status", "order.items", "order.address"]},
            {"power": "request", "actions": ["order.return"], "uses": 1},
            {"power": "request", "actions": ["payment.refund"], "uses": 1, "where": {"amount": {"max": "50.00 EUR"}}},
        ],
        "never": [{"power": "receive", "attributes": ["identity.*"]}],
    },
    "unlock": {"powers": [{"power": "represent"}, {"power": "request", "actions": ["account.unlock"], "uses": 1}]},
}
"""Presets for the shop of `desks/shop.py`."""
TERMS: dict[str, Any] = {"visitors": {"enabled": True, "officer": "security"}}


def opened(catalogue: Mapping[str, Any], presets: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A catalogue whose objectives are open to visitors, by these presets."""
    objectives = {name: dict(one) for name, one in catalogue["objective"].items()}
    for name, preset in (PRESETS if presets is None else presets).items():
        objectives[name] = {**objectives[name], "visitors": preset}
    return {**catalogue, "objective": objectives}


_NOW = threading.Event()
_NOW.set()


class Documents:
    """A web server of clients' documents on loopback. `answers` are (status, headers, body) by path; `wait` holds some up."""

    def __init__(self) -> None:
        answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        read: list[str] = []
        wait: dict[str, threading.Event] = {}

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                read.append(self.path)
                wait.get(self.path.partition("?")[0], _NOW).wait(10)
                status, headers, body = answers.get(self.path, (404, {}, b""))
                self.send_response(status)
                for name, value in {"content-type": "application/json", "content-length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the library's own name
                pass

        self.answers, self.read, self.wait = answers, read, wait
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.base = f"http://127.0.0.1:{self._server.server_port}"

    def publish(self, path: str = "/client.json", *, name: str = "Helper", **members: Any) -> str:
        """Put a document at a path, and return the client id."""
        client_id = self.base + path
        document = {
            "client_id": client_id,
            "client_name": name,
            "redirect_uris": ["http://127.0.0.1/callback"],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
            **members,
        }
        self.answers[path] = (200, {}, json.dumps(document).encode())
        return client_id

    def close(self) -> None:
        """Stop the server."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def documents() -> Iterator[Documents]:
    """A server of documents, for a while."""
    served = Documents()
    try:
        yield served
    finally:
        served.close()


class Visitor:
    """An app without a key: it sends the customer's browser to the desk, and holds what comes back."""

    def __init__(self, room: Room, client_id: str, *, redirect_uri: str = "http://127.0.0.1:40404/callback", resource: str = "") -> None:
        self.room = room
        self.client_id = client_id
        self.redirect_uri = redirect_uri
        self.resource = resource or room.issuer
        self.verifier = secrets.token_urlsafe(48)
        self.state = secrets.token_urlsafe(12)
        self.tokens: dict[str, Any] = {}

    def query(self, scope: str = "", **changed: str) -> dict[str, str]:
        """The authorization request; a member changed to "" is left out."""
        found = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": scope,
            "state": self.state,
            "resource": self.resource,
            "code_challenge": b64url(hashlib.sha256(self.verifier.encode()).digest()),
            "code_challenge_method": "S256",
            **changed,
        }
        return {name: value for name, value in found.items() if value}

    def consent(self, customer: SandboxCustomer, objective: str, records: Sequence[str] = (), *, scope: str = "") -> str:
        """Let a customer pick and sign, whole; return the address the browser is sent to."""
        return picked_and_signed(customer, f"?{urlencode(self.query(scope))}", objective, records)

    def form(self, path: str, form: Mapping[str, str]) -> httpx.Response:
        """Send one form, unproved."""
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return self.room.raw("POST", path, headers=headers, content=urlencode(form).encode(), check=False)

    def redeem(self, redirect: str, **changed: str) -> httpx.Response:
        """Exchange the code of a redirect."""
        members = dict(parse_qsl(urlsplit(redirect).query))
        assert members["state"] == self.state
        form = {
            "grant_type": "authorization_code",
            "client_id": self.client_id,
            "code": members["code"],
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
            "resource": self.resource,
            **changed,
        }
        answered = self.form("/oauth/token", {name: value for name, value in form.items() if value})
        if answered.is_success:
            self.tokens = answered.json()
        return answered

    def connect(self, customer: SandboxCustomer, objective: str, records: Sequence[str] = ()) -> "Visitor":
        """Come in: consent, code, tokens."""
        answered = self.redeem(self.consent(customer, objective, records))
        assert answered.status_code == httpx.codes.OK, answered.text
        return self

    def refresh(self, token: str = "", **changed: str) -> httpx.Response:
        """Use a refresh token, the newest by default; keep what comes back."""
        form = {
            "grant_type": "refresh_token",
            "client_id": self.client_id,
            "refresh_token": token or self.tokens["refresh_token"],
            **changed,
        }
        answered = self.form("/oauth/token", form)
        if answered.is_success:
            self.tokens = answered.json()
        return answered

    def send(self, method: str, path: str, body: Mapping[str, Any] | None = None, *, token: str = "", **headers: str) -> httpx.Response:
        """Send one request with the bearer token."""
        sent = {"authorization": f"Bearer {token or self.tokens['access_token']}", "idempotency-key": secrets.token_urlsafe(12), **headers}
        return self.room.raw(method, path, body, headers=sent, check=False)

    def ask(self, action: str, params: Mapping[str, Any], words: str | None = None, *, token: str = "") -> httpx.Response:
        """Ask over HTTP."""
        body = {"action": action, "params": dict(params), **({} if words is None else {"words": words})}
        return self.send("POST", f"/v1/tasks/{self.tokens['task']}/asks", body, token=token)

    def poll(self, ask: str) -> Any:
        """The state of an ask."""
        return self.send("GET", f"/v1/asks/{ask}").json()


def confirm(customer: SandboxCustomer, ask: str) -> Any:
    """Let a customer say yes to an ask."""
    invitation = next(row["confirmation"] for row in customer.waiting() if row["ask"] == ask)
    shown = customer.get(f"{customer.base}/confirmations/{invitation}")
    return customer.post(
        f"{customer.base}/confirmations/{invitation}", {"answer": "yes", "assertion": customer.passkey.get(shown["options"])}
    )


def picked_and_signed(customer: SandboxCustomer, address: str, objective: str, records: Sequence[str]) -> str:
    """Let a customer who opened an authorization request's address pick and sign, whole; return where the browser goes."""
    query = urlsplit(address).query
    picked = customer.post(f"/me/v1/visits?{query}", {"objective": objective, "records": list(records)})
    path = f"/me/v1/requests/{picked['request']}"
    shown = customer.get(path)
    signed = customer.post(path, {"answer": "grant", "ceremony": shown["ceremony"], "assertion": customer.passkey.get(shown["options"])})
    return str(signed["redirect"])
