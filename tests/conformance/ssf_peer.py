"""An independent party of shared signals on loopback, on joserfc and the standard library alone: receiver and transmitter in one.

It shares no code with the desk. There is no peer of SSF 1.0 on PyPI or npm that could stand in its place.
"""

import json
import queue
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
from joserfc import jws, jwt
from joserfc.jwk import KeySet, RSAKey

CAEP = "https://schemas.openid.net/secevent/caep/event-type/"
SSF = "https://schemas.openid.net/secevent/ssf/event-type/"
TYPE = "secevent+jwt"
DOORS = {"configuration": "stream", "status": "status", "verification": "verify"}


@dataclass
class Peer:
    """One party. `replies` are its next answers to pushes (202 without any), `waiting` what it hands out to polls."""

    url: str = ""
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "peer-1", "use": "sig"}))
    pushes: "queue.Queue[tuple[dict[str, str], str]]" = field(default_factory=queue.Queue)
    replies: list[tuple[int, bytes]] = field(default_factory=list)
    waiting: dict[str, str] = field(default_factory=dict)
    polls: list[tuple[dict[str, str], dict[str, Any]]] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    stream: dict[str, Any] = field(default_factory=dict)
    """The stream that a receiver made here, with its status."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    """The management requests: method and path."""
    answers: list[int] = field(default_factory=list)
    """The answers to what it pushed by itself."""
    manage_token: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    @property
    def jwks(self) -> dict[str, Any]:
        """Its public keys."""
        return {"keys": [self.key.as_dict(private=False)]}

    def set(
        self, kind: str, subject: Mapping[str, Any], event: Mapping[str, Any], *, now_s: int, audience: str, **changed: Any
    ) -> dict[str, Any]:
        """The claims of one event, with members changed; None takes one out."""
        claims = {
            "iss": self.url,
            "aud": audience,
            "iat": now_s,
            "jti": secrets.token_urlsafe(12),
            "sub_id": subject,
            "events": {kind: {"event_timestamp": now_s, **event}},
            **changed,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def sign(self, claims: Mapping[str, Any], *, key: RSAKey | None = None, **header: Any) -> str:
        """Sign the claims as an event; `header` changes its members."""
        made = {"alg": "RS256", "kid": "peer-1", "typ": TYPE, **header}
        named = {name: value for name, value in made.items() if value is not None}
        return jws.serialize_compact(named, json.dumps(dict(claims)).encode(), key or self.key, algorithms=[str(named["alg"])])

    def manage(self, method: str, path: str, query: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Answer a receiver that manages its stream (SSF 1.0 §8.1)."""
        self.asked.append((method, path))
        if (method, path) == ("POST", "/ssf/stream"):
            delivery = {"endpoint_url": f"{self.url}/poll", **body["delivery"]}
            self.stream = {"stream_id": "there-1", "status": "enabled", "iss": self.url, **body, "delivery": delivery}
            self._verify("")
            return 201, self._shown()
        if (method, path) == ("GET", "/ssf/stream") and not query:
            return 200, [self._shown()] if self.stream else []
        if not self.stream or "there-1" not in {query.removeprefix("stream_id="), body.get("stream_id")}:
            return 404, None
        return self._managed(method, path, body)

    def _managed(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        if method in {"PATCH", "PUT"}:
            self.stream |= body
            return 200, self._shown()
        if method == "DELETE":
            self.stream = {}
            return 204, None
        if path == "/ssf/verify":
            self._verify(str(body["state"]))
            return 204, None
        self.stream["status"] = body.get("status", self.stream["status"])
        return 200, {"stream_id": "there-1", "status": self.stream["status"]}

    def _shown(self) -> dict[str, Any]:
        return {name: value for name, value in self.stream.items() if name != "status"}

    def _verify(self, state: str) -> None:
        """Send a verification event of the stream, by its own way."""
        event = {"state": state} if state else {}
        claims = self.set(
            f"{SSF}verification", {"format": "opaque", "id": "there-1"}, {}, now_s=int(time.time()), audience="https://desk.example"
        )
        claims["events"] = {f"{SSF}verification": event}
        token, delivery = self.sign(claims), self.stream["delivery"]
        if delivery["method"] != "urn:ietf:rfc:8935":
            self.waiting[claims["jti"]] = token
            return
        headers = {"authorization": delivery["authorization_header"], "content-type": "application/secevent+jwt"}
        self.answers.append(httpx.post(delivery["endpoint_url"], headers=headers, content=token).status_code)

    def assertion(self, client_id: str, audience: str, **changed: Any) -> str:
        """A client assertion of a receiver, by its own key."""
        now = int(time.time())
        claims = {
            "iss": client_id,
            "sub": client_id,
            "aud": audience,
            "iat": now,
            "exp": now + 60,
            "jti": secrets.token_urlsafe(12),
            **changed,
        }
        return jwt.encode({"alg": "RS256", "kid": "peer-1", "typ": "client-authentication+jwt"}, claims, self.key, algorithms=["RS256"])

    def next(self, timeout_s: float = 10) -> tuple[dict[str, str], str]:
        """The next event that was pushed here: headers and token."""
        return self.pushes.get(timeout=timeout_s)


def read_set(token: str, jwks: Mapping[str, Any]) -> dict[str, Any]:
    """Verify an event as a receiver does; return its claims."""
    read = jwt.decode(token, KeySet.import_key_set(jwks), algorithms=["RS256"])  # type: ignore[arg-type]  # a JWK set is one
    assert read.header["typ"] == TYPE
    claims = dict(read.claims)
    assert isinstance(claims["jti"], str)
    assert isinstance(claims["iat"], int)
    assert len(claims["events"]) == 1
    assert "exp" not in claims
    assert "sub" not in claims
    return claims


class _Handler(BaseHTTPRequestHandler):
    """Hands requests to the peer of its server."""

    @property
    def peer(self) -> Peer:
        peer: Peer = self.server.peer  # type: ignore[attr-defined]  # put there by `peer_served`
        return peer

    def do_GET(self) -> None:
        if self.path.startswith("/ssf/"):
            self._manage()
            return
        found = {"/jwks": self.peer.jwks, "/.well-known/ssf-configuration": self.peer.metadata}.get(self.path)
        self._answer(404 if found is None else 200, b"{}" if found is None else json.dumps(found).encode())

    def do_POST(self) -> None:
        if self.path.startswith("/ssf/"):
            self._manage()
            return
        body = self._body()
        headers = {name.lower(): value for name, value in self.headers.items()}
        if self.path == "/poll":
            self._poll(headers, json.loads(body))
            return
        status, reply = self.peer.replies.pop(0) if self.peer.replies else (202, b"")
        self._answer(status, reply)
        if status == 202:
            self.peer.pushes.put((headers, body))

    def do_PATCH(self) -> None:
        self._manage()

    def do_PUT(self) -> None:
        self._manage()

    def do_DELETE(self) -> None:
        self._manage()

    def _body(self) -> str:
        return self.rfile.read(int(self.headers["content-length"] or 0)).decode()

    def _poll(self, headers: dict[str, str], asked: dict[str, Any]) -> None:
        self.peer.polls.append((headers, asked))
        for jti in (*asked["ack"], *asked["setErrs"]):
            self.peer.waiting.pop(jti, None)
        sets = dict(list(self.peer.waiting.items())[: asked["maxEvents"]])
        self._answer(200, json.dumps({"sets": sets, "moreAvailable": len(sets) < len(self.peer.waiting)}).encode())

    def _manage(self) -> None:
        body = self._body()
        if self.headers["authorization"] != f"Bearer {self.peer.manage_token}":
            self._answer(401, b"")
            return
        path, _, query = self.path.partition("?")
        status, answer = self.peer.manage(self.command, path, query, json.loads(body) if body else {})
        self._answer(status, b"" if answer is None else json.dumps(answer).encode())

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        if 300 <= status < 400:
            self.send_header("location", f"{self.peer.url}/elsewhere")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def peer_served() -> Iterator[Peer]:
    """Serve a peer on a free port."""
    peer = Peer()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.peer = peer  # type: ignore[attr-defined]
    peer.url = f"http://127.0.0.1:{server.server_port}"
    doors = {f"{name}_endpoint": f"{peer.url}/ssf/{path}" for name, path in DOORS.items()}
    peer.metadata = {"issuer": peer.url, "jwks_uri": f"{peer.url}/jwks", "spec_version": "1_0", **doors}
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield peer
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def secret_file(folder: Path, name: str, text: str = "") -> tuple[str, str]:
    """A file of the desk's with a token: its path, and the token."""
    token = text or secrets.token_urlsafe(32)
    folder.mkdir(mode=0o700, exist_ok=True, parents=True)
    path = folder / name
    path.write_text(token)
    path.chmod(0o600)
    return str(path), token


def key_file(folder: Path, name: str = "events.pem") -> str:
    """A file with the desk's own events key."""
    pem = RSAKey.generate_key(2048).as_pem(private=True).decode()
    return secret_file(folder, name, pem)[0]
