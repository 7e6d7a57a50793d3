"""Other people's OAuth clients in processes of their own, and the person who answers them (`make oauth-peers`)."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from desks.kettle import MANDATE, REFUND
from remit.client.keys import load_key, new_key
from remit.sandbox import Sandbox
from remit.sandbox.workloads import REDIRECT

HERE = Path(__file__).parent / "oauth_node"
PEERS = Path(__file__).parents[2] / ".bench" / "oauth"
MISSING = "remit: NOT RUN: no npm openid-client, oauth4webapi and oidc-provider here. Cure: make oauth-peers (needs Node.js 20)"
needs_peers = pytest.mark.skipif(not (PEERS / "node_modules" / "openid-client").is_dir() or shutil.which("node") is None, reason=MISSING)


class Peer:
    """A client of others in a process of its own, and the person who answers it."""

    def __init__(self, desk: Sandbox, script: str, **more: Any) -> None:
        self.desk, self.anna = desk, desk.customer("yusuf")
        self.client_id = f"peer-{script}"
        key = new_key()
        private = load_key(key).as_dict(private=True)
        public = load_key(key).as_dict(private=False) | {"kid": "k1", "use": "sig", "alg": "ES256"}
        agent = {"client_id": self.client_id, "operator": "peer.example", "keys": {"jwks": {"keys": [public]}}, "redirect_uris": [REDIRECT]}
        desk.room.control("POST", "/sandbox/v1/agents", agent)
        self.process = subprocess.Popen(
            ["node", str(HERE / f"{script}.mjs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.tell(
            modules=str(PEERS / "package.json"),
            issuer=desk.room.issuer,
            client_id=self.client_id,
            kid="k1",
            key=private,
            customer="yusuf",
            redirect_uri=REDIRECT,
            mandate=MANDATE,
            ask={"action": "payment.refund", "params": REFUND},
            **more,
        )

    def tell(self, **what: Any) -> None:
        """A line to the client."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()

    def heard(self) -> dict[str, Any]:
        """The next line of the client."""
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read()
        found: dict[str, Any] = json.loads(line)
        return found

    def grant(self, request: str) -> str:
        """Anna's signature on the consent page's twin."""
        path = f"/me/v1/requests/{request}"
        shown = self.anna.get(path)
        signed = {"answer": "grant", "ceremony": shown["ceremony"], "assertion": self.anna.passkey.get(shown["options"])}
        return str(self.anna.post(path, signed)["redirect"])

    def knocks(self) -> list[dict[str, Any]]:
        """What waits for Anna without a browser."""
        found: list[dict[str, Any]] = self.anna.get("/me/v1/waiting")["requests"]
        return found

    def consents(self) -> None:
        """Anna opens the address the client gave her, and signs."""
        request_uri = parse_qs(urlsplit(self.heard()["consent"]).query)["request_uri"][0]
        self.tell(redirect=self.grant(request_uri.rpartition(":")[2]))

    def close(self) -> None:
        """The client's process ends."""
        self.process.kill()
        self.process.communicate()
