"""The PyPI `spiffe` client on both sides of the desk: it fetches the agent's SVIDs, and the bundles that the desk proves them by."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from attacks.arena import ISSUER, SEND_BACK, Arena, code_of, mandate, open_arena
from attacks.arrivals import FRONT, ArrivingAgent, presenting
from conformance.workload_api import DOMAIN, SHOP, WorkloadServer, workload_api
from contracts.certificate_minting import Certified, svid
from remit.client.errors import IdentityUnusable
from remit.client.workload_api import WorkloadApi, X509Svid

FROM_API: dict[str, Any] = {"workload_api": True, "trust_domain": DOMAIN}


@pytest.fixture
def api(tmp_path: Path) -> Iterator[tuple[WorkloadServer, str]]:
    with workload_api(tmp_path) as served:
        yield served


@pytest.fixture
def at(api: tuple[WorkloadServer, str]) -> Iterator[Arena]:
    with open_arena(settings={**FRONT, "spiffe": {"workload_api": api[1]}}) as one:
        yield one


def agent(at: Arena, identity: Any, method: str = "spiffe_jwt", *chain: Certified) -> ArrivingAgent:
    dress = presenting(*chain) if chain else lambda _: None
    return ArrivingAgent(at.room, SHOP, method=method, keys=FROM_API, identity=identity, dress=dress)


def test_an_agent_with_nothing_but_its_workload_api_goes_the_whole_way(at: Arena, api: tuple[WorkloadServer, str]) -> None:
    shop = agent(at, WorkloadApi(api[1]))
    task = shop.open(at.anna.grant(shop, mandate()))
    assert at.anna.confirm(task.ask("order.return", SEND_BACK)).outcome == "done"
    assert at.recorded("task.opened")["envelope"]["agent"] == SHOP


def test_an_x509_svid_of_the_real_client_is_proved_by_the_bundle_of_the_real_client(at: Arena, api: tuple[WorkloadServer, str]) -> None:
    identity = X509Svid(api[1])
    context = identity.tls()
    assert context.cert_store_stats()["x509"] >= 0
    shop = agent(at, identity, "spiffe_x509", svid(api[0].authority))
    assert shop.push(mandate())


def test_a_svid_of_another_trust_domain_of_the_same_api_is_nobody_here(at: Arena, api: tuple[WorkloadServer, str]) -> None:
    """The API knows that domain's keys too; the registration asks for its own alone."""
    shop = agent(at, WorkloadApi(api[1]))
    api[0].key = "other"
    refused(at, shop, "credential.wrong_key")
    api[0].key, api[0].spiffe_id = "td", "spiffe://other.example/shop"
    refused(at, agent_named(shop, api[1]), "agent.unknown")


def agent_named(shop: ArrivingAgent, address: str) -> ArrivingAgent:
    shop.identity = WorkloadApi(address, client_id=SHOP)  # type: ignore[assignment]  # another kind of identity
    return shop


def refused(at: Arena, shop: ArrivingAgent, code: str) -> None:
    shop.identity = WorkloadApi(shop.identity._socket, client_id=SHOP)  # type: ignore[assignment,attr-defined]
    form = shop.identity.credentials(issuer=ISSUER, now_s=at.clock.now() / 1000)
    answer: httpx.Response = at.form("/oauth/introspect", {**form, "token": "x"})
    assert code_of(answer) == code, answer.json()


def test_without_a_workload_api_both_sides_say_so(tmp_path: Path) -> None:
    gone = f"unix://{tmp_path / 'gone.sock'}"
    with pytest.raises(IdentityUnusable, match="Workload API"):
        WorkloadApi(gone).credentials(issuer=ISSUER, now_s=0)
    with open_arena(settings={"spiffe": {"workload_api": gone}}) as at:
        body = {"client_id": SHOP, "operator": "x", "name": "x", "method": "spiffe_jwt", "keys": FROM_API}
        answer = at.room.raw("POST", "/sandbox/v1/agents", body, check=False)
        assert code_of(answer) == "fault.identity"
