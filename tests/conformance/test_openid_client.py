"""Other people's OAuth clients, npm `openid-client` and `oauth4webapi`, unmodified against a served desk.

PAR with authorization details and DPoP, the code, CIBA, token exchange, introspection, revocation, and a challenge that
one of them reads out of our header. Node.js runs them; `make oauth-peers` fetches them.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from remit.client.keys import load_key, new_key
from remit.sandbox import Sandbox
from remit.sandbox.workloads import REDIRECT
from sandbox.test_doors import FACTS, MANDATE, REFUND, serving

HERE = Path(__file__).parent / "oauth_node"
PEERS = Path(__file__).parents[2] / ".bench" / "oauth"
MISSING = "remit: NOT RUN: no npm openid-client, oauth4webapi and oidc-provider here. Cure: make oauth-peers (needs Node.js 20)"
pytestmark = pytest.mark.skipif(not (PEERS / "node_modules" / "openid-client").is_dir() or shutil.which("node") is None, reason=MISSING)


@pytest.fixture
def people() -> dict[str, Any]:
    """Settings of the company's provider."""
    return {}


@pytest.fixture
def desk(tmp_path: Path, people: dict[str, Any]) -> Iterator[Sandbox]:
    with serving(tmp_path, {"backoffice": "facts"}, people=people) as address, Sandbox({}, facts=FACTS, base_url=address) as one:
        yield one


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


@pytest.fixture
def peer(desk: Sandbox, request: pytest.FixtureRequest) -> Iterator[Peer]:
    one = Peer(desk, request.param)
    yield one
    one.close()


@pytest.mark.parametrize("peer", ["openid_client"], indirect=True)
def test_openid_client_goes_all_the_way(peer: Peer) -> None:
    peer.consents()
    assert peer.heard()["knocked"]["interval"] == 5
    (waits,) = peer.knocks()
    assert waits["binding_message"] == "Kettle 4711"
    peer.grant(waits["request"])
    peer.tell(answered=True)
    assert peer.heard()["knocked"]["auth_req_id"]
    peer.anna.post(f"/me/v1/requests/{peer.knocks()[0]['request']}", {"answer": "decline"})
    peer.tell(answered=True)
    done = peer.heard()["done"]
    assert done["granted"]["token_type"] == done["ciba"]["token_type"] == done["task"]["token_type"] == "dpop"
    assert done["granted"]["authorization_details"][0]["objective"] == {
        **MANDATE["objective"],
        "summary": MANDATE["objective"].get("summary", ""),
    }
    assert done["granted"]["mandate"] != done["ciba"]["mandate"]
    assert (done["seen"]["active"], done["seen"]["scope"]) == (True, "ask")
    assert (done["status"], done["body"]["decision"]) == (202, "needs_human")
    assert done["after"] == {"active": False}
    assert done["declined"] == "access_denied"


@pytest.mark.parametrize("peer", ["oauth4webapi"], indirect=True)
def test_oauth4webapi_goes_all_the_way_and_reads_the_challenge(peer: Peer) -> None:
    peer.consents()
    assert peer.heard()["knocked"]["expires_in"] > 0
    peer.grant(peer.knocks()[0]["request"])
    peer.tell(answered=True)
    done = peer.heard()["done"]
    assert done["resource"]["dpop_bound_access_tokens_required"] is True
    assert done["pending"] == "authorization_pending"
    assert done["ciba"]["scope"] == "mandate"
    assert done["task"]["issued_token_type"] == "urn:ietf:params:oauth:token-type:access_token"
    assert (done["challenge"]["status"], done["challenge"]["scheme"]) == (401, "dpop")
    assert done["challenge"]["parameters"]["error"] == "transaction_authorization_required"
    assert done["challenge"]["parameters"]["transaction_challenge"].count(".") == 2
