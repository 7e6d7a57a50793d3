"""npm `oidc-provider` issues an ID-JAG to an employee's agent, npm `oauth4webapi` redeems it here; the employee's own signature decides."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from browser.desk_server import serving
from conformance.oauth_peers import Peer, needs_peers
from desks.kettle import CATALOGUE, FACTS
from provider.real import free_port
from remit.sandbox import Sandbox

pytestmark = needs_peers


@pytest.fixture
def people(tmp_path: Path) -> dict[str, Any]:
    secret = tmp_path / "own" / "secret"
    secret.parent.mkdir(mode=0o700)
    secret.write_text("of the desk and the provider")
    secret.chmod(0o600)
    oidc = {
        "issuer": f"http://127.0.0.1:{free_port()}",
        "name": "Acme",
        "client_id": "remit",
        "secret_file": str(secret),
        "customers": "known",
        "customer_claim": "customer",
        "id_jag": True,
    }
    return {"oidc": oidc}


@pytest.fixture
def desk(tmp_path: Path, people: dict[str, Any]) -> Iterator[Sandbox]:
    with serving(tmp_path, CATALOGUE, FACTS, people=people) as address, Sandbox(CATALOGUE, facts=FACTS, base_url=address) as one:
        yield one


def test_a_companys_word_asks_its_employee_and_grants_nothing(desk: Sandbox, people: dict[str, Any]) -> None:
    port = int(people["oidc"]["issuer"].rpartition(":")[2])
    peer = Peer(desk, "id_jag", port=port, people={"p-anna": {"customer": "yusuf"}})
    try:
        assert peer.heard() == {"ready": True}
        peer.tell(go=True)
        asked = peer.heard()["asked"]
        assert (asked["error"], "access_token" in asked) == ("authorization_pending", False)
        peer.grant(peer.knocks()[0]["request"])
        peer.tell(answered=True)
        done = peer.heard()["done"]
        assert done["profiles"] == ["urn:ietf:params:oauth:grant-profile:id-jag"]
        assert done["ciba"]["mandate"] == done["later"]["mandate"]
        assert done["later"]["token_type"] == "dpop"
    finally:
        peer.close()
