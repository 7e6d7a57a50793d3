"""A fake of a hosted helpdesk on a port of its own: what the vendor's document says of the requests that Remit makes.

The fakes keep tickets in memory. They are written from the documents, and `tests/real/test_hosted_documents.py` holds
every answer of theirs to the document.
"""

import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


class RefusalError(Exception):
    """An answer of the vendor's other than success."""

    def __init__(self, status: int, body: Any = None) -> None:
        super().__init__(status)
        self.status, self.body = status, body


class FakeVendor:
    """Common parts of all fakes: a port, a clock, a search that lags at will, and hands of officers in the vendor's pages.

    `routes` name a method and path; `{name}` in it is one segment.
    """

    base = ""
    routes: Mapping[str, str] = {}

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.ids = 1000
        self.reset()
        self._routes = [
            (method, re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(path))), name)
            for (method, _, path), name in ((key.partition(" "), name) for key, name in self.routes.items())
        ]
        vendor = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                raw = self.rfile.read(length)
                status, body = vendor.answer(self.command, self.path, dict(self.headers), raw)
                if vendor.hangs_up and self.command != "GET" and "search" not in self.path:
                    self.close_connection = True
                    return
                content = b"" if body is None else json.dumps(body).encode()
                self.send_response(status)
                if content:
                    self.send_header("content-type", "application/json")
                if status == 429:
                    self.send_header("retry-after", vendor.retry_after)
                if status != 204:
                    self.send_header("content-length", str(len(content)))
                self._headers_buffer.append(b"\r\n" + content)  # type: ignore[attr-defined]  # one packet
                self.flush_headers()

            do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def reset(self) -> None:
        """Undo what a test changed of the vendor; tickets stay."""
        self.requests: list[str] = []
        self.searched: set[str] | None = None
        """Tickets that a search finds; None for all."""
        self.ahead_s = 0
        self.stopped_at = 0
        self.broken = False
        """Whether every answer is one that no document knows."""
        self.forgets = ""
        """A text that the product drops from all that it keeps."""
        self.hangs_up = False
        """Whether the product carries writes out and ends their connections without an answer."""
        self.busy = False
        self.retry_after = "37"
        self.gone = ""
        """A ticket that is listed, and not there when it is read."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def next_id(self) -> int:
        self.ids += 1
        return self.ids

    def now(self) -> int:
        return self.stopped_at or int(time.time()) + self.ahead_s

    def iso(self) -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.now()))

    def answer(self, method: str, target: str, headers: Mapping[str, str], raw: bytes) -> tuple[int, Any]:
        parts = urlsplit(target)
        given = {name.lower(): value for name, value in headers.items()}
        with self.lock:
            self.requests.append(f"{method} {parts.path}")
            for wanted, pattern, name in self._routes:
                found = pattern.fullmatch(parts.path.removeprefix(self.base)) if wanted == method else None
                if found is not None and parts.path.startswith(self.base):
                    handler: Callable[..., tuple[int, Any]] = getattr(self, name)
                    query = dict(parse_qsl(parts.query, keep_blank_values=True))
                    body = json.loads(raw) if raw else {}
                    try:
                        self.sign_in(given)
                        if self.busy:
                            return 429, {}
                        if self.gone and self.gone in parts.path.split("/"):
                            return 404, self.not_found()
                        if self.broken:
                            return 200, {"id": [], "ticket": []}
                        status, answer = handler(
                            query=query, body=body, **{key: unquote(value) for key, value in found.groupdict().items()}
                        )
                        return status, json.loads(json.dumps(answer).replace(self.forgets or "\0", ""))
                    except RefusalError as refusal:
                        return refusal.status, refusal.body
            return 404, self.not_found()

    def sign_in(self, headers: Mapping[str, str]) -> None:
        """Refuse a request without the token."""

    def not_found(self) -> Any:
        return {"error": "not found"}

    def own_address(self, email: str) -> None:
        """Give Remit's account the address of the requester of its tickets, where that is who it is."""

    def shown(self, ticket: str) -> bool:
        """Whether a search finds a ticket yet."""
        return self.searched is None or ticket in self.searched
