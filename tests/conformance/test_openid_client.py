"""Other people's OAuth clients, npm `openid-client` and `oauth4webapi`, unmodified against a served desk.

PAR with authorization details and DPoP, the code, CIBA, token exchange, introspection, revocation, and a challenge that
one of them reads out of our header.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from browser.desk_server import serving
from conformance.oauth_peers import Peer, needs_peers
from desks.kettle import CATALOGUE, FACTS, MANDATE
from remit.sandbox import Sandbox

pytestmark = needs_peers


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Sandbox]:
    with serving(tmp_path, CATALOGUE, FACTS) as address, Sandbox(CATALOGUE, facts=FACTS, base_url=address) as one:
        yield one


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
