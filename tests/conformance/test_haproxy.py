"""HAProxy as the desk's TLS front: it hands on the certificate of the handshake (RFC 9440), and nothing that a client writes."""

import asyncio
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from attacks.arena import FACTS, PACK
from conformance.identity_peers import NO_FRONT
from conformance.workload_api import SHOP, WorkloadServer, workload_api
from contracts.certificate_minting import Certified, authority, certified, svid
from provider.real import free_port
from remit.client.workload_api import X509Svid
from remit.domain.records import Tier
from remit.settings import make_settings
from remit.usecases.agents.register import NewAgent, register_agent
from remit.wiring import RulesSource, SandboxDesk, build_desk

pytestmark = pytest.mark.skipif(bool(NO_FRONT), reason=NO_FRONT)

CONFIG = """
defaults
  mode http
  timeout connect 5s
  timeout client 10s
  timeout server 10s
frontend desk
  bind 127.0.0.1:{front} ssl crt {certificate} ca-file {authorities} verify optional ca-ignore-err all crt-ignore-err all
  http-request del-header Client-Cert
  http-request del-header Client-Cert-Chain
  http-request set-header Client-Cert :%[ssl_c_der,base64]: if {{ ssl_c_used }}
  default_backend remit
backend remit
  server remit 127.0.0.1:{behind}
"""


@dataclass
class Fronted:
    """A desk behind HAProxy."""

    url: str
    behind: str
    trust: ssl.SSLContext
    api: WorkloadServer
    address: str

    def push(self, url: str, context: ssl.SSLContext | None = None, **headers: str) -> Any:
        """A request that nothing but the certificate proves."""
        with httpx.Client(verify=context or self.trust) as http:
            return http.post(f"{url}/oauth/introspect", data={"client_id": SHOP, "token": "x"}, headers=headers).json()

    def presenting(self, one: Certified, folder: Path) -> ssl.SSLContext:
        """A client's context with a certificate of its own making."""
        context = ssl.create_default_context(cafile=str(folder / "front.crt"))
        context.load_cert_chain(pem(folder / "client.pem", one))
        return context


def pem(file: Path, one: Certified) -> Path:
    key = one.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(one.certificate.public_bytes(Encoding.PEM) + key)
    return file


@contextmanager
def running(app: Any, port: int) -> Iterator[None]:
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="on", http="httptools", port=port, proxy_headers=False))
    ready, started = threading.Event(), server.startup

    async def startup(sockets: list[socket.socket] | None = None) -> None:
        await started(sockets)
        ready.set()

    server.startup = startup  # type: ignore[method-assign]  # told the moment it listens, instead of polling
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    assert ready.wait(30), "the desk did not start"
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(20)


@pytest.fixture
def fronted(tmp_path: Path) -> Iterator[Fronted]:
    front, behind = free_port(), free_port()
    own = certified("front", None, ca=True, named=("digital_signature", "key_cert_sign"), dns="localhost", extended=None)
    (tmp_path / "front.crt").write_bytes(own.certificate.public_bytes(Encoding.PEM))
    raw = {
        "server": {"issuer": f"https://localhost:{front}", "host": "127.0.0.1", "port": 0, "data": "."},
        "store": {"url": "sqlite:///store.sqlite"},
        "log": {"name": "front.remit.invalid", "high_water": "high"},
        "desk": {"database": "desk.sqlite"},
        "words": {"secrets": "refuse", "model": "none"},
        "sandbox": {"enabled": True},
        "mtls": {"proxies": ["127.0.0.1"]},
    }
    with workload_api(tmp_path) as (api, address):
        (tmp_path / "authorities.crt").write_bytes(api.authority.certificate.public_bytes(Encoding.PEM))
        settings = make_settings({**raw, "spiffe": {"workload_api": address}}, base=tmp_path, environment={}, rules=False)
        rules = RulesSource(
            catalogue=PACK / "catalogue.toml", policies=(("all.cedar", "permit(principal, action, resource);"),), allow_unnamed=True
        )
        desk = build_desk(settings, rules, sandbox=SandboxDesk(facts=FACTS, perform=None))
        config = tmp_path / "haproxy.cfg"
        where = {"certificate": pem(tmp_path / "front.pem", own), "authorities": tmp_path / "authorities.crt"}
        config.write_text(CONFIG.format(front=front, behind=behind, **where))
        new = NewAgent(
            client_id=SHOP,
            actor=SHOP,
            operator="helper.example",
            name="Shop helper",
            tier=Tier.KNOWN,
            method="spiffe_x509",
            keys={"workload_api": True, "trust_domain": "helper.example"},
            redirect_uris=(),
        )
        asyncio.run(register_agent(desk.context, new, by="test"))
        with running(desk.app, behind), subprocess.Popen([str(shutil.which("haproxy")), "-f", str(config), "-db", "-q"]) as process:
            try:
                await_port(front)
                trust = ssl.create_default_context(cafile=str(tmp_path / "front.crt"))
                yield Fronted(f"https://localhost:{front}", f"http://127.0.0.1:{behind}", trust, api, address)
            finally:
                process.terminate()


def await_port(port: int) -> None:
    """Wait until a port answers, at most ten seconds."""
    pause = threading.Event()
    for _ in range(200):
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        pause.wait(0.05)
    raise AssertionError("haproxy does not listen")


def test_a_certificate_of_the_handshake_proves_the_agent_and_a_written_one_does_not(fronted: Fronted, tmp_path: Path) -> None:
    context = X509Svid(fronted.address).tls(ssl.create_default_context(cafile=str(tmp_path / "front.crt")))
    assert fronted.push(fronted.url, context) == {"active": False}
    forged = {"client-cert": svid(fronted.api.authority).field}
    assert fronted.push(fronted.url, **forged)["code"] == "credential.missing", "the front removes what a client writes"
    stranger = fronted.presenting(svid(authority()), tmp_path)
    assert fronted.push(fronted.url, stranger)["code"] == "credential.wrong_key", "the front lets it pass; the desk does not"
    assert fronted.push(fronted.url, stranger, **forged)["code"] == "credential.wrong_key"
    metadata = httpx.get(f"{fronted.url}/.well-known/oauth-authorization-server", verify=fronted.trust).json()
    assert "spiffe_x509" in metadata["token_endpoint_auth_methods_supported"]
