"""An agent whose name, operator or id looks like another's: not registered, and a name in deceptive letters is told to whoever signs."""

from typing import Any

import pytest
from joserfc.jwk import ECKey

from attacks.arena import Arena, mandate
from remit.client import Refused
from remit.sandbox import SandboxPerson

KNOWN = {"client_id": "spiffe://helper.example/shop", "operator": "helper.example", "name": "Helper"}


def described(**changed: str) -> dict[str, Any]:
    public = ECKey.generate_key("P-256").as_dict(private=False) | {"kid": "k1", "use": "sig", "alg": "ES256"}
    return {
        **KNOWN,
        "client_id": "spiffe://other.example/shop",
        "operator": "other.example",
        "keys": {"jwks": {"keys": [public]}},
        **changed,
    }


@pytest.fixture
def sam(arena: Arena) -> SandboxPerson:
    arena.desk.agent(KNOWN["client_id"], name=KNOWN["name"])
    return arena.desk.officer("sam", ["security", "admin"])


@pytest.mark.proves("LOOKALIKES")
@pytest.mark.parametrize(
    "changed",
    [
        {"operator": "he1per.example"},
        {"operator": "HELPER.EXAMP1E"},
        {"operator": "h\u0435lper.example"},
        {"operator": "xn--hlper-2of.example"},
        {"name": "He\u217cper"},
        {"name": "\u041delper"},
        {"name": "\u13bb\u0435lper"},
        pytest.param({"name": "He1per"}, id="name"),
        {"name": "\U0001d407elper"},
        {"name": "Acme\u03a9"},
        pytest.param({"operator": "xn--acm-tdd.example"}, id="mixed"),
        {"client_id": "spiffe://he1per.example/shop"},
    ],
    ids=str,
)
def test_an_agent_that_looks_like_another_operators_is_not_registered(sam: SandboxPerson, changed: dict[str, str]) -> None:
    with pytest.raises(Refused) as refused:
        sam.post("/security/v1/agents", described(**changed))
    assert refused.value.code == "request.malformed"
    assert len(sam.get("/security/v1/agents")["agents"]) == 1


@pytest.mark.proves("LOOKALIKES")
@pytest.mark.parametrize(
    "changed",
    [
        {"name": "Helper"},
        {"name": "M\u00fcllers Helfer"},
        {"operator": "xn--80ak6aa92e.example"},
        {"name": "Helpers"},
        {"client_id": "spiffe://helper.example/sh0p", "operator": "helper.example"},
    ],
    ids=str,
)
def test_an_honest_name_is_registered(sam: SandboxPerson, changed: dict[str, str]) -> None:
    sam.post("/security/v1/agents", described(**changed))
    assert len(sam.get("/security/v1/agents")["agents"]) == 2


@pytest.mark.proves("LOOKALIKES")
@pytest.mark.parametrize(
    ("operator", "name", "warned"),
    [
        pytest.param("xn--80ak6aa92e.example", "Helper", True, id="decoded"),
        ("other.example", "B\u0131ll", True),
        ("xn--mller-kva.example", "S\u00f8ren", False),
    ],
)
def test_a_name_in_deceptive_letters_is_told_to_whoever_signs(arena: Arena, operator: str, name: str, *, warned: bool) -> None:
    agent = arena.desk.agent("spiffe://other.example/shop", operator=operator, name=name)
    uri, _ = agent.push(mandate())
    page = arena.person("GET", f"/oauth/authorize?client_id={agent.client_id}&request_uri={uri}", cookie=arena.anna.cookie)
    assert page.status_code == 200
    assert ("what they look like" in page.text) is warned
