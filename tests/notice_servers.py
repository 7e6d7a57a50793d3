"""A mail server and a receiver of webhooks on loopback, each in a thread of its own, that do as a test tells them."""

import asyncio
import datetime as dt
import ipaddress
import json
import queue
import socket
import ssl
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

WAIT_S = 30
USER, PASSWORD = "remit", "a password of the mail server"  # of a server that lives as long as its test


def certificate(folder: Path, *, name: str = "localhost", days: int = 2) -> Path:
    """A certificate that signs itself, with its key: `<folder>/<name>.pem` is for the server and for whoever trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = dt.datetime.now(tz=dt.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    names: list[x509.GeneralName] = [x509.DNSName(name)]
    if name == "localhost":
        names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=3))
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{name}.pem"
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


def _context(file: Path | None) -> ssl.SSLContext | None:
    if file is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


class MailServer:
    """What a mail server was given. `replies` are its next answers to a whole mail, `rcpt` to a recipient; it then takes what comes."""

    def __init__(self) -> None:
        self.port = 0
        self.mails: queue.Queue[EmailMessage] = queue.Queue()
        self.envelopes: list[tuple[str, list[str]]] = []
        self.replies: deque[str] = deque()
        self.rcpt: deque[str] = deque()
        self.signed_in: list[bool] = []
        self.over_tls: list[bool] = []
        self.rude = False
        self.connections: list[SMTP] = []

    def next(self) -> EmailMessage:
        """The next mail that came."""
        return self.mails.get(timeout=WAIT_S)

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802  # aiosmtpd's name
        if self.rcpt:
            return self.rcpt.popleft()
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  # aiosmtpd's name
        reply = self.replies.popleft() if self.replies else "250 OK"
        if reply == "drop":
            server.transport.abort()
            return "250 OK"
        if reply.startswith("taken and "):
            self._keep(session, envelope)
            server.transport.abort()
            return "250 OK"
        if reply.startswith("2"):
            self._keep(session, envelope)
        return reply

    async def handle_QUIT(self, server: Any, _session: Any, _envelope: Any) -> str:  # noqa: N802  # aiosmtpd's name
        if self.rude:
            server.transport.abort()
        return "221 bye"

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        good = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        self.signed_in.append(good)
        return AuthResult(success=good, handled=False)

    def _keep(self, session: Any, envelope: Any) -> None:
        self.over_tls.append(session.ssl is not None)
        self.envelopes.append((envelope.mail_from, list(envelope.rcpt_tos)))
        self.mails.put(message_from_bytes(envelope.content, policy=default))  # type: ignore[arg-type]  # an EmailMessage by its policy


@contextmanager
def _in_a_thread() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        asyncio.run_coroutine_threadsafe(_end_all(), loop).result(WAIT_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(WAIT_S)
        loop.close()


async def _end_all() -> None:
    own = asyncio.current_task()
    others = [task for task in asyncio.all_tasks() if task is not own]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    for _ in range(5):
        await asyncio.sleep(0)  # connections that were ended are closed now


@contextmanager
def mail_server(*, starttls: Path | None = None, tls: Path | None = None, login: bool = False) -> Iterator[MailServer]:
    """A mail server; with a certificate it asks for STARTTLS, or speaks TLS from the start."""
    found = MailServer()

    def made() -> SMTP:
        found.connections.append(
            SMTP(
                found,
                hostname="localhost",
                ident="test",
                tls_context=_context(starttls),
                require_starttls=starttls is not None,
                authenticator=found.authenticate if login else None,
                auth_required=login and starttls is not None,
                auth_require_tls=starttls is not None,
                loop=asyncio.get_running_loop(),
            )
        )
        return found.connections[-1]

    async def begin() -> asyncio.Server:
        return await asyncio.get_running_loop().create_server(made, "127.0.0.1", 0, ssl=_context(tls))

    with _in_a_thread() as loop:
        server = asyncio.run_coroutine_threadsafe(begin(), loop).result(WAIT_S)
        found.port = server.sockets[0].getsockname()[1]
        try:
            yield found
        finally:
            loop.call_soon_threadsafe(server.close)
            for one in found.connections:
                if one.transport is not None:
                    loop.call_soon_threadsafe(one.transport.abort)


@contextmanager
def raw_server(*says: bytes | None) -> Iterator[int]:
    """Something that says these bytes, one after each line it gets, whatever that is; at None it ends the connection; then it is silent."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for one in says:
                if one is None:
                    writer.transport.abort()
                    return
                writer.write(one)
                await writer.drain()
                if not await reader.readline():
                    return
            await reader.read()
        except OSError:
            return
        finally:
            writer.close()

    async def begin() -> asyncio.Server:
        return await asyncio.start_server(serve, "127.0.0.1", 0)

    with _in_a_thread() as loop:
        server = asyncio.run_coroutine_threadsafe(begin(), loop).result(WAIT_S)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            loop.call_soon_threadsafe(server.close)


class Receiver:
    """What a webhook was given: headers and body of each POST. `statuses` are its next answers; it then answers 204."""

    def __init__(self) -> None:
        self.url = ""
        self.posts: queue.Queue[tuple[dict[str, str], bytes]] = queue.Queue()
        self.statuses: deque[int] = deque()
        self.location = ""
        self.held = threading.Event()
        self.held.set()
        self.asked: list[str] = []

    def next(self) -> tuple[dict[str, str], dict[str, Any]]:
        """The next post that came."""
        headers, body = self.posts.get(timeout=WAIT_S)
        return headers, json.loads(body)


@contextmanager
def webhook_server(*, tls: Path | None = None) -> Iterator[Receiver]:
    """A receiver of webhooks; with a certificate, over TLS."""
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            found.asked.append(self.path)
            found.held.wait(WAIT_S)
            status = found.statuses.popleft() if found.statuses else 204
            if status < 300:
                found.posts.put(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(status)
            if found.location:
                self.send_header("location", found.location)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = _context(tls)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    found.url = f"{'https' if tls else 'http'}://localhost:{server.server_port}/notices"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        found.held.set()
        server.shutdown()
        server.server_close()
        thread.join(WAIT_S)


def nobody() -> int:
    """A port at which nothing answers."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
