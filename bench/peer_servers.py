"""The peers: other people's servers at exact versions, started with settings that do for a request what is compared.

Each is installed by `make bench` under .bench/, listens on loopback alone, and is given a folder of its own.
"""

import json
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from load import post
from processes import Started, Unstarted, start
from remit.client.keys import new_key
from signing import Signer

ROOT = Path(__file__).parent.parent
INSTALLED = Path(os.environ.get("REMIT_BENCH_PEERS", ROOT / ".bench"))
NPM = INSTALLED / "npm" / "node_modules"
AUTHGENT = INSTALLED / "authgent" / "bin" / "python"
CERBOS = NPM / "@cerbos" / "cerbos-linux-x64" / "cerbos-linux-x64"
AGAIN = "run `make bench` once more; if it stays so, remove .bench and run it again"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # a type, not a secret


def free_port() -> int:
    """A port of this machine that nobody uses now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def call(port: int, method: str, path: str, body: bytes = b"", kind: str = "application/json") -> tuple[int, Any]:
    """One request of the set-up; status and JSON. Status 0 where nobody answers."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body, {"Content-Type": kind, "Host": f"localhost:{port}"})
        answered = connection.getresponse()
        raw = answered.read()
    except (OSError, HTTPException):
        return 0, None
    finally:
        connection.close()
    try:
        return answered.status, json.loads(raw)
    except ValueError:
        return answered.status, None


@dataclass(frozen=True)
class OidcProvider:
    """npm oidc-provider: client_credentials, private_key_jwt, DPoP, an ES256 JWT. It keeps no record."""

    server: Started
    port: int
    clients: tuple[tuple[str, Signer, Signer], ...]
    """Client id, the key that signs its assertions, its DPoP key."""

    @classmethod
    def start(cls, folder: Path, clients: int = 64) -> "OidcProvider":
        """Start it.

        Raises:
            Unstarted: with a cure.
        """
        port = free_port()
        made = tuple((f"agent-{number}", Signer(new_key()), Signer(new_key())) for number in range(clients))
        known = [
            {"client_id": name, "jwk": {**key.public, "kid": "k1", "alg": "ES256", "use": "sig"}}
            for name, key, _ in made
        ]
        (folder / "clients.json").write_text(json.dumps(known))
        script = ROOT / "bench" / "peers" / "oidc_provider.mjs"
        command = ["node", "--no-warnings", str(script), str(port), "clients.json", str(NPM)]
        server = start("oidc-provider", command, folder, {"NODE_ENV": "production"}, "install Node.js 20 or newer")
        server.wait_until(lambda: call(port, "GET", "/jwks")[0] == 200, f"Node 20 or newer is needed; {AGAIN}")
        return cls(server, port, made)

    def requests(self, count: int, now: int) -> Iterator[bytes]:
        """Token requests, each with an assertion and a proof of its own."""
        base = f"http://localhost:{self.port}"
        for number in range(count):
            name, key, held = self.clients[number % len(self.clients)]
            form = {"grant_type": "client_credentials", "scope": "ask", **key.assertion(name, base, now)}
            yield post(
                "/token", self.port, urlencode(form).encode(), f"dpop: {held.proof(f'{base}/token', None, number, now)}"
            )


@dataclass(frozen=True)
class Authgent:
    """PyPI authgent-server: token exchange with DPoP and SQLite, one worker; clients are told by their id, without a secret (bcrypt)."""

    server: Started
    port: int
    clients: tuple[tuple[str, str, Signer], ...]
    """Client id, a subject token, the DPoP key."""

    @classmethod
    def start(cls, folder: Path, clients: int = 16) -> "Authgent":
        """Start it and give it clients.

        Raises:
            Unstarted: with a cure.
        """
        port = free_port()
        command = [str(AUTHGENT), "-m", "uvicorn", "authgent_server.app:create_app", "--factory", "--host", "127.0.0.1"]
        command += ["--port", str(port), "--no-access-log", "--log-level", "warning"]
        environment = {
            "AUTHGENT_DATABASE_URL": f"sqlite+aiosqlite:///{folder / 'authgent.db'}",
            "AUTHGENT_SECRET_KEY": "bench" * 13,
            "AUTHGENT_SERVER_URL": f"http://localhost:{port}",
            "AUTHGENT_ACCESS_TOKEN_TTL": "7200",
            "AUTHGENT_TOKEN_RATE_LIMIT": "100000000",
            "AUTHGENT_REGISTER_RATE_LIMIT": "100000000",
        }
        server = start("authgent-server", command, folder, environment)
        server.wait_until(lambda: call(port, "GET", "/health")[0] == 200, AGAIN)
        return cls(server, port, tuple(_authgent_client(server, port, number) for number in range(clients)))

    def requests(self, count: int, now: int) -> Iterator[bytes]:
        """Exchanges, each with a proof of its own."""
        url = f"http://localhost:{self.port}/token"
        for number in range(count):
            name, token, held = self.clients[number % len(self.clients)]
            form = {
                "grant_type": EXCHANGE,
                "client_id": name,
                "subject_token": token,
                "subject_token_type": ACCESS_TOKEN,
                "audience": f"https://desk{number % 97}.example",
                "scope": "ask",
            }
            yield post("/token", self.port, urlencode(form).encode(), f"dpop: {held.proof(url, None, number, now)}")


def _authgent_client(server: Started, port: int, number: int) -> tuple[str, str, Signer]:
    wanted = {"client_name": f"bench-{number}", "grant_types": ["client_credentials", EXCHANGE], "scope": "ask"}
    status, client = call(port, "POST", "/register", json.dumps(wanted).encode())
    form: dict[str, str] = {"grant_type": "client_credentials", "scope": "ask"}
    if status == 201:
        form |= {"client_id": client["client_id"], "client_secret": client["client_secret"]}
        status, token = call(port, "POST", "/token", urlencode(form).encode(), "application/x-www-form-urlencoded")
        if status == 200:
            return client["client_id"], token["access_token"], Signer(new_key())
    server.stop()
    raise Unstarted(f"authgent-server answers its set-up with {status}; {AGAIN}")


RULES = 20
CERBOS_SETTINGS = """\
server: {{httpListenAddr: "127.0.0.1:{port}", grpcListenAddr: "127.0.0.1:{other}"}}
telemetry: {{disabled: true}}
audit: {{enabled: {audit}, accessLogsEnabled: false, decisionLogsEnabled: true, backend: file, file: {{path: decisions.log}}}}
storage: {{driver: disk, disk: {{directory: policies, watchForChanges: false}}}}
"""


def cerbos_policy() -> str:
    """So many rules in the style of the desk's own: two allow, the others must be evaluated and do not fire."""
    rules: list[dict[str, Any]] = []
    for number in range(RULES):
        allows = number < 2
        expression = "R.attr.owned == true" if allows else f'P.attr.tier == "unproved" && R.attr.risk >= {50 + number}'
        expression = "R.attr.serial < 0" if number == RULES - 1 else expression
        rules.append(
            {
                "actions": ["order.read", "order.change_address"] if number else ["order.read"],
                "effect": "EFFECT_ALLOW" if allows else "EFFECT_DENY",
                "roles": ["agent"],
                "condition": {"match": {"expr": expression}},
            }
        )
    return json.dumps(
        {
            "apiVersion": "api.cerbos.dev/v1",
            "resourcePolicy": {"version": "default", "resource": "order", "rules": rules},
        }
    )


@dataclass(frozen=True)
class Cerbos:
    """npm @cerbos/cerbos-linux-x64: AuthZEN evaluation, 20 rules, each decision logged to a file that is not synced. One core."""

    server: Started
    port: int

    @classmethod
    def start(cls, folder: Path, *, audit: bool = True) -> "Cerbos":
        """Start it; without `audit` no decision is logged.

        Raises:
            Unstarted: with a cure.
        """
        port, other = free_port(), free_port()
        (folder / "policies").mkdir()
        (folder / "policies" / "order.json").write_text(cerbos_policy())
        (folder / "settings.yaml").write_text(CERBOS_SETTINGS.format(port=port, other=other, audit=str(audit).lower()))
        command = [str(CERBOS), "server", "--config", "settings.yaml", "--log-level", "error"]
        server = start("Cerbos", command, folder, {"GOMAXPROCS": "1", "CERBOS_NO_TELEMETRY": "1"})
        ready = "/.well-known/authzen-configuration"
        server.wait_until(
            lambda: call(port, "GET", ready)[0] == 200, f"its npm package is for Linux on x86-64; {AGAIN}"
        )
        return cls(server, port)

    def requests(self, count: int, start_at: int, action: str) -> Iterator[bytes]:
        """Evaluations, no two alike."""
        for question in questions(count, start_at, action, alike=False):
            yield post("/access/v1/evaluation", self.port, json.dumps(question).encode(), kind="application/json")


def questions(count: int, start_at: int, action: str, *, alike: bool) -> Iterator[dict[str, Any]]:
    """Questions to a decision point, no two the same; where `alike`, many agree in all that the rules read."""
    for number in range(start_at, start_at + count):
        yield {
            "subject": {
                "type": "agent",
                "id": f"agent-{number % 64}",
                "properties": {"cerbos.roles": ["agent"], "tier": "known"},
            },
            "action": {"name": action, "properties": {"address": f"New Street {number}, 10{number % 9}00 Town"}},
            "resource": {
                "type": "order",
                "id": f"W{number}",
                "properties": {
                    "owned": True,
                    "risk": number % 40,
                    "customer": f"c{number % 300}",
                    "serial": 0 if alike else number,
                },
            },
            "context": {"task": f"task-{number % 300}", "at": number},
        }


def cedar_policies() -> str:
    """The rules of `cerbos_policy` for our own decision point. Actions of its catalogue are for asks alone, so they have other names."""
    both = 'action in [Action::"read", Action::"change_address"]'
    rules = []
    for number in range(RULES):
        if number < 2:
            actions = both if number else 'action == Action::"read"'
            rules.append(f"permit(principal is agent, {actions}, resource is order) when {{ resource.owned }};")
        else:
            when = (
                "resource.serial < 0"
                if number == RULES - 1
                else f'principal.tier == "unproved" && resource.risk >= {50 + number}'
            )
            rules.append(f"forbid(principal is agent, {both}, resource is order) when {{ {when} }};")
    return "\n".join(rules)
