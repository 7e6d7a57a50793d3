"""A workload with a token of another issuer: listed, mapped whole, for this desk alone, and it is that one agent and no other."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from attacks.arena import ISSUER, SEND_BACK, Arena, code_of, mandate, open_arena
from attacks.arrivals import BUILD, CI, ArrivingAgent, Federated
from contracts.identity_minting import jwk, write_json
from remit.settings import InvalidSetting
from settings_made import settings_made

SHOP = "ci-shop"
OTHER = "ci-bank"


def rules(file: Path, **changed: Any) -> dict[str, Any]:
    shop = {"issuer": CI, "subject": BUILD, "agent": SHOP, "jwks_file": str(file), "claims": {"owner": "helper", "live": True}}
    bank = {"issuer": CI, "subject": "repo:helper/bank:environment:live", "agent": OTHER, "jwks_file": str(file)}
    return {"federation": [shop | changed, bank]}


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Arena]:
    file = write_json(tmp_path / "ci.json", {"keys": [jwk("ES256", "ci", kid="ci")]})
    with open_arena(settings=rules(file)) as one:
        yield one


def workload(at: Arena, client_id: str = SHOP, **claims: Any) -> ArrivingAgent:
    identity = Federated(client_id, **{"owner": "helper", "live": True, **claims})
    keys = {"federated_issuer": CI}
    return ArrivingAgent(at.room, client_id, method="federated_jwt", keys=keys, identity=identity, dress=lambda _: None)


def pushed(at: Arena, identity: Federated, *, named: bool = True) -> httpx.Response:
    form = identity.credentials(issuer=ISSUER, now_s=at.clock.now() / 1000)
    if not named:
        del form["client_id"]
    return at.form("/oauth/introspect", {**form, "token": "x"})


def refused(at: Arena, code: str, *, client_id: str = SHOP, header: dict[str, Any] | None = None, key: str = "ci", **claims: Any) -> None:
    identity = Federated(client_id, **{"owner": "helper", "live": True, **claims})
    identity.header |= header or {}
    identity.key = key
    for named in (True, False):
        answer = pushed(at, identity, named=named)
        assert code_of(answer) == code, answer.json()


@pytest.mark.proves("FEDERATION")
def test_a_federated_workload_goes_the_whole_way_as_its_one_agent(at: Arena) -> None:
    """Its token may carry an e-mail address, as a cloud's do, and is no person's all the same."""
    shop = workload(at, email="shop@helper.iam.example")
    task = shop.open(at.anna.grant(shop, mandate()))
    assert at.anna.confirm(task.ask("order.return", SEND_BACK)).outcome == "done"
    assert at.recorded("task.opened")["envelope"]["agent"] == SHOP
    assert pushed(at, Federated(SHOP, owner="helper", live=True), named=False).is_success, "the token names its agent alone"


@pytest.mark.proves("FEDERATION")
def test_an_issuer_that_is_not_listed_proves_nobody(at: Arena) -> None:
    workload(at)
    refused(at, "credential.malformed", iss="https://ci.example.evil")
    refused(at, "credential.malformed", iss="https://ci.example/")
    refused(at, "credential.malformed", iss="https://CI.example")


@pytest.mark.proves("FEDERATION")
@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "repo:helper/shop:environment:test"},
        {"sub": f"{BUILD}:more"},
        {"sub": BUILD.upper()},
        {"sub": "repo:helper/*"},
        {"owner": "evil"},
        {"owner": None},
        {"owner": ["helper"]},
        {"live": "true"},
        {"live": 1},
    ],
)
def test_a_claim_that_is_not_the_configured_one_whole_is_refused(at: Arena, claims: dict[str, Any]) -> None:
    workload(at)
    refused(at, "agent.unknown", **claims)


@pytest.mark.proves("FEDERATION")
def test_a_token_of_one_agent_is_not_another_agent(at: Arena) -> None:
    workload(at)
    workload(at, OTHER)
    identity = Federated(OTHER, owner="helper", live=True)
    assert code_of(pushed(at, identity)) == "agent.unknown", "the form names the bank, the token is the shop's"
    at.agent("spiffe://helper.example/shop")
    assert code_of(pushed(at, Federated("spiffe://helper.example/shop", owner="helper", live=True))) == "agent.unknown"


@pytest.mark.proves("FEDERATION")
@pytest.mark.parametrize("audience", ["https://other.example", [ISSUER, "https://other.example"], None, f"{ISSUER}/oauth/token", []])
def test_a_token_for_another_audience_is_refused(at: Arena, audience: Any) -> None:
    workload(at)
    refused(at, "credential.wrong_audience", aud=audience)


@pytest.mark.proves("FEDERATION")
def test_an_old_or_long_lived_token_is_refused(at: Arena) -> None:
    workload(at)
    now_s = at.clock.now() // 1000
    refused(at, "credential.expired", exp=now_s - 1)
    refused(at, "credential.expired", nbf=now_s + 300)
    refused(at, "credential.malformed", exp=now_s + 86_400)
    refused(at, "credential.malformed", exp=None)


@pytest.mark.proves("FEDERATION")
def test_another_kind_of_token_of_the_issuer_or_another_key_is_refused(at: Arena) -> None:
    workload(at)
    refused(at, "credential.malformed", header={"typ": "logout+jwt"})
    refused(at, "credential.wrong_key", key="other")
    refused(at, "credential.wrong_key", header={"kid": "other"})
    refused(at, "credential.malformed", header={"alg": "HS256"}, key="ci")


@pytest.mark.proves("FEDERATION")
def test_an_agent_with_keys_of_its_own_is_no_federated_one(at: Arena) -> None:
    """A rule that names it by mistake gives the issuer no hold over it, and a federated agent takes no assertion of its own."""
    at.room.control(
        "POST",
        "/sandbox/v1/agents",
        {"client_id": SHOP, "operator": "helper.example", "name": "Shop", "keys": {"jwks": {"keys": [jwk("ES256", "own", kid="ci")]}}},
    )
    assert code_of(pushed(at, Federated(SHOP, owner="helper", live=True))) == "agent.unknown"
    workload(at, OTHER)
    own = Federated(OTHER, iss=OTHER, sub=OTHER, jti="1")
    own.key = "own"
    assert code_of(pushed(at, own)) == "agent.unknown"


@pytest.mark.proves("FEDERATION")
def test_an_agent_is_registered_only_where_a_rule_names_it(at: Arena) -> None:
    for client_id, issuer in (("nobody", CI), (SHOP, "https://other.example")):
        body = {"client_id": client_id, "operator": "x", "name": "x", "method": "federated_jwt", "keys": {"federated_issuer": issuer}}
        answer = at.room.raw("POST", "/sandbox/v1/agents", body, check=False)
        assert code_of(answer) == "request.malformed"


@pytest.mark.proves("FEDERATION")
@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"subject": "repo:helper/*"}, "federation.subject"),
        ({"subject": "repo:helper/bank:environment:live"}, "federation.subject"),
        ({"subject": ""}, "federation.subject"),
        ({"issuer": "http://ci.example"}, "federation.issuer"),
        ({"issuer": "https://desk.example"}, "federation.issuer"),
        ({"issuer": "https://user@ci.example"}, "federation.issuer"),
        ({"claims": {"sub": "x"}}, "federation.claims"),
        ({"claims": {"owner": ["helper"]}}, "federation.claims"),
        ({"jwks_file": "nowhere.json"}, "federation.jwks_file"),
    ],
)
def test_a_rule_that_could_map_two_workloads_to_one_name_stops_the_start(tmp_path: Path, changed: dict[str, Any], key: str) -> None:
    file = write_json(tmp_path / "ci.json", {"keys": []})
    with pytest.raises(InvalidSetting, match=key.replace(".", r"\.")):
        settings_made(tmp_path, server={"issuer": "https://desk.example"}, **rules(file, **changed))
