"""Another site on this machine, and what its pages, or a program in somebody's browser, can do to the desk."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from playwright.sync_api import Page

from browser.visits import Visit
from remit.sandbox import Sandbox

_SEND = """async ([path, body, headers]) => {
  const answer = await fetch(path, {method: 'POST', credentials: 'same-origin', headers: {'content-type': 'application/json', ...headers},
    body: JSON.stringify(body)});
  return [answer.status, await answer.json()];
}"""
_SIGN = """async (options) => (await navigator.credentials.get(
  {publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options)})).toJSON()"""


@dataclass(eq=False)
class HostileSite:
    """A web server of somebody else's. `pages` are its pages, `headers` what it sends with each of them."""

    port: int = 0
    pages: dict[str, str] = field(default_factory=dict)
    headers: list[tuple[str, str]] = field(default_factory=list)

    @property
    def foreign(self) -> str:
        """Its address as another site."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def sibling(self) -> str:
        """Its address as one of the desk's own site: another port of the same host."""
        return f"http://localhost:{self.port}"

    @property
    def subdomain(self) -> str:
        """Its address under the desk's host."""
        return f"http://evil.localhost:{self.port}"


@contextmanager
def hostile_site() -> Iterator[HostileSite]:
    """Somebody else's web server on a free port."""
    site = HostileSite(pages={"/": "<!doctype html><title>Win</title><h1>You have won</h1>"})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = site.pages.get(self.path)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            for name, value in site.headers:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write((body or "").encode())

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the library's own name
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


class Said(NamedTuple):
    """How the desk answered."""

    status: int
    body: Mapping[str, Any]

    @property
    def code(self) -> str:
        """The code of a refusal ("" of a success)."""
        return str(self.body.get("code", ""))


def post(page: Page, path: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Said:
    """What a program in this page sends to the page's own site, with whatever session the browser has."""
    return Said(*page.evaluate(_SEND, [path, body, dict(headers or {})]))


def sign(page: Page, options: Mapping[str, Any]) -> dict[str, Any]:
    """What the person's passkey signs for a program in this page."""
    signed: dict[str, Any] = page.evaluate(_SIGN, options)
    return signed


def cookie_of(one: Visit) -> str:
    """The session of somebody's browser, as it goes to the desk."""
    return "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in one.context.cookies(one.desk.room.issuer))


def standing(desk: Sandbox, cookie: str) -> dict[str, Any]:
    """Everything of a customer's that an attack could have changed, and the length of the record."""
    told = {path: desk.room.call("GET", f"/me/v1{path}", cookie=cookie) for path in ("", "/waiting", "/mandates", "/passkeys", "/contests")}
    return {**told, "entries": [one["kind"] for one in desk.transcript()]}
