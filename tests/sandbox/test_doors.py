"""The sandbox goes through the real doors: counted at the ASGI boundary, over sockets, and by what it imports."""

import ast
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import remit.sandbox
from desks.kettle import CATALOGUE, FACTS, MANDATE, REFUND, SHOP
from remit.client import Refused, Unavailable
from remit.domain.errors import Code
from remit.domain.errors import Refused as DomainRefused
from remit.domain.records import Tier
from remit.sandbox import Sandbox, SandboxAgent, SandboxCustomer
from remit.usecases.agents.register import NewAgent, reregister_agent
from remit.usecases.people.enrol import MAX_PASSKEYS
from remit.usecases.people.remove_passkey import remove_oldest_passkey
from served_sandbox import serving

SOURCE = Path(remit.sandbox.__file__).parent
ROOMS = {"usecases", "domain", "ports", "adapters", "entrypoints"}


def test_the_sandbox_imports_no_room_but_wiring_and_the_client() -> None:
    named = {name for path in SOURCE.glob("*.py") for name in _imported(path) if name.startswith("remit.")}
    assert named
    assert {name.split(".")[1] for name in named} <= {"client", "sandbox", "settings", "wiring"}
    assert not {name.split(".")[1] for name in named} & ROOMS


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Import):
            yield from (one.name for one in node.names)


def test_every_ask_passes_the_asgi_boundary_once() -> None:
    with Sandbox(CATALOGUE, facts=FACTS) as desk:
        customer, agent = desk.customer("yusuf"), desk.agent(SHOP)
        task = agent.open(customer.grant(agent, MANDATE))
        before = desk.requests
        for _ in range(7):
            task.ask("order.read", {"order_id": "W1"})
        assert desk.requests == before + 7
        task.ask("order.read", {"order_id": "W2"})
        assert desk.requests == before + 8


def test_a_sandbox_that_is_left_answers_nothing_more() -> None:
    with Sandbox(CATALOGUE, facts=FACTS) as desk:
        folder = desk._own
        assert folder is not None
        assert folder.exists()
    assert not folder.exists()
    with pytest.raises(RuntimeError):
        desk.customer("yusuf")


@pytest.fixture(params=["built in", "facts"])
def served(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """A sandbox's server on a free loopback port: one with a built-in desk, as `remit init` makes it, and one made of facts alone."""
    with serving(tmp_path, {"backoffice": "facts"} if request.param == "facts" else {}) as address:
        yield address


def test_a_running_server_is_driven_like_one_in_process(served: str) -> None:
    with Sandbox(CATALOGUE, facts=FACTS, base_url=served) as desk:
        customer, agent = desk.customer("yusuf"), desk.agent(SHOP)
        mandate = customer.grant(agent, MANDATE)
        task = agent.open(mandate)
        assert task.ask("order.read", {"order_id": "W1"}).result["order.status"] == "delivered"
        assert task.ask("order.read", {"order_id": "W2"}).codes == ["params.not_owned"]
        assert customer.confirm(task.ask("payment.refund", REFUND)).outcome == "done"
        customer.revoke(mandate)
        assert task.ask("order.read", {"order_id": "W1"}).decision == "refuse"
        with pytest.raises(Refused):
            agent.open(mandate)
        assert "act.performed" in {entry["kind"] for entry in desk.transcript()}


def test_a_server_that_takes_no_sandbox_says_how_it_would(tmp_path: Path) -> None:
    with serving(tmp_path, {}, sandbox={"enabled": False}) as address:
        for facts in ({}, FACTS):
            with pytest.raises(Refused) as refused, Sandbox(CATALOGUE, facts=facts, base_url=address) as desk:
                desk.customer("yusuf")
            assert (refused.value.code, "[sandbox]" in refused.value.cure) == ("request.not_found", True)


def test_a_running_server_is_driven_by_another_name_than_its_own(served: str) -> None:
    for base_url in (served.replace("127.0.0.1", "localhost"), f"{served}/"):
        with Sandbox(CATALOGUE, facts=FACTS, base_url=base_url) as desk:
            customer, agent = desk.customer("yusuf"), desk.agent(SHOP)
            task = agent.open(customer.grant(agent, MANDATE))
            assert customer.confirm(task.ask("payment.refund", {**REFUND, "amount": "2.00 EUR"})).outcome == "done"


def test_where_no_desk_answers_is_said_in_one_line_with_its_cure() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{bound.getsockname()[1]}"
        with pytest.raises(Unavailable) as down, Sandbox(CATALOGUE, base_url=address):
            pass
    assert down.value.code == "desk.unavailable"
    assert str(down.value).splitlines() == [str(down.value)]
    assert all(said in str(down.value) for said in (f"nothing answers at {address}", "remit serve", "base_url"))
    with pytest.raises(ValueError, match="base_url"), Sandbox(CATALOGUE, base_url="127.0.0.1:8080"):
        pass


def test_what_answers_and_is_no_desk_is_not_driven(tmp_path: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(tmp_path))) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        with pytest.raises(Unavailable) as down, Sandbox(CATALOGUE, base_url=f"http://127.0.0.1:{other.server_port}"):
            pass
        other.shutdown()
    assert (down.value.code, down.value.status) == ("desk.unavailable", 404)


def test_one_sandbox_after_another_drives_the_same_server_with_the_same_names(served: str) -> None:
    for tier in ("known", "trusted", "unproved"):
        with Sandbox(CATALOGUE, facts=FACTS, base_url=served) as desk:
            customer, agent = desk.customer("yusuf"), desk.agent(SHOP, tier=tier)
            task = agent.open(customer.grant(agent, MANDATE))
            assert task.ask("order.read", {"order_id": "W1"}).outcome == "done"
            entries = [one for one in desk.transcript() if one["kind"] == "agent.registered"]
            assert entries[-1]["envelope"]["tier"] == tier


def test_a_person_of_many_sandboxes_can_always_enrol_one_more_passkey() -> None:
    with Sandbox(CATALOGUE, facts=FACTS) as desk:
        people = [SandboxCustomer(desk.room, "yusuf", kind="customer", email="", name="", roles=()) for _ in range(MAX_PASSKEYS + 2)]
        assert len(people[-1].get("/me/v1/passkeys")["passkeys"]) == MAX_PASSKEYS
        for gone in people[:2]:
            with pytest.raises(Refused) as refused:
                gone.get("/me/v1")
            assert refused.value.code == "person.not_signed_in"
        agent = desk.agent(SHOP)
        assert people[-1].confirm(agent.open(people[2].grant(agent, MANDATE)).ask("payment.refund", REFUND)).outcome == "done"


def test_no_desk_but_a_sandbox_takes_a_passkey_away() -> None:
    with Sandbox(CATALOGUE, facts=FACTS) as desk:
        assert desk.desk is not None
        parts = desk.desk.context
        with pytest.raises(DomainRefused) as refused:
            desk.room.thread.run(remove_oldest_passkey(replace(parts, terms=replace(parts.terms, sandbox=False)), "yusuf", by="somebody"))
        assert refused.value.code is Code.PERSON_NOT_ALLOWED


def test_an_agent_registered_again_stays_suspended_and_its_old_keys_are_gone() -> None:
    with Sandbox(CATALOGUE, facts=FACTS) as desk:
        customer, old = desk.customer("yusuf"), desk.agent(SHOP)
        mandate = customer.grant(old, MANDATE)
        new = SandboxAgent(desk.room, SHOP, tier="known", operator=old.operator, name=SHOP)
        with pytest.raises(Refused) as refused:
            old.open(mandate)
        assert refused.value.code == "credential.wrong_key"
        desk.suspend(agent=new)
        newest = SandboxAgent(desk.room, SHOP, tier="trusted", operator=old.operator, name=SHOP)
        with pytest.raises(Refused) as refused:
            customer.grant(newest, MANDATE)
        assert refused.value.code == "agent.suspended"


def test_an_agent_of_another_operator_is_not_taken_over() -> None:
    with Sandbox(CATALOGUE, facts=FACTS) as desk:
        desk.agent(SHOP)
        with pytest.raises(Refused) as refused:
            SandboxAgent(desk.room, SHOP, tier="known", operator="other.example", name=SHOP)
        assert refused.value.code == "request.conflict"
        assert "choose another client_id" in refused.value.detail


def test_no_desk_but_a_sandbox_gives_an_agent_new_keys() -> None:
    with Sandbox(CATALOGUE, facts=FACTS) as desk:
        assert desk.desk is not None
        agent, parts = desk.agent(SHOP), desk.desk.context
        new = NewAgent(
            client_id=SHOP,
            actor=SHOP,
            operator=agent.operator,
            name=SHOP,
            tier=Tier.TRUSTED,
            method="private_key_jwt",
            keys={"jwks": {"keys": []}},
            redirect_uris=(),
        )
        with pytest.raises(DomainRefused) as refused:
            desk.room.thread.run(reregister_agent(replace(parts, terms=replace(parts.terms, sandbox=False)), new, by="somebody"))
        assert refused.value.code is Code.PERSON_NOT_ALLOWED


def test_no_page_of_another_site_may_use_the_controls() -> None:
    with Sandbox(CATALOGUE, facts=FACTS) as desk:
        before = len(desk.transcript())
        for path in ("/sandbox/v1/people", "/sandbox/v1/agents", "/sandbox/v1/suspend", "/sandbox/v1/sweep"):
            answer = desk.room.raw("POST", path, {"id": "eve", "kind": "officer"}, headers={"origin": "https://evil.example"}, check=False)
            assert answer.json()["code"] == "person.not_allowed"
        assert len(desk.transcript()) == before


def test_a_page_whose_name_was_made_to_lead_here_may_not_use_the_controls() -> None:
    with Sandbox(CATALOGUE, facts=FACTS) as desk:
        for method, path in (("GET", "/sandbox/v1/transcript"), ("PUT", "/sandbox/v1/facts"), ("POST", "/sandbox/v1/people")):
            answer = desk.room.raw(method, path, {} if method != "GET" else None, headers={"host": "rebound.example"}, check=False)
            assert answer.json()["code"] == "person.not_allowed"


def test_a_control_that_cannot_be_read_is_refused_and_breaks_nothing() -> None:
    agent = {"client_id": "x", "operator": "o", "keys": {"jwks": {"keys": []}}}
    with Sandbox(CATALOGUE, facts=FACTS) as desk:
        for method, path, body in (
            ("POST", "/sandbox/v1/people", {"id": "x", "kind": "customer", "how": "magic"}),
            ("POST", "/sandbox/v1/people", {"id": "x", "kind": "robot"}),
            ("POST", "/sandbox/v1/agents", {**agent, "tier": "great"}),
            ("PUT", "/sandbox/v1/facts", {"owners": 5}),
            ("PUT", "/sandbox/v1/facts", {"owner": {}}),
        ):
            answer = desk.room.raw(method, path, body, check=False)
            assert (answer.status_code, answer.json()["code"]) == (400, "request.malformed"), path
        assert desk.customer("yusuf").get("/me/v1")["id"] == "yusuf"


def test_without_a_sandbox_in_the_settings_there_are_no_controls() -> None:
    with Sandbox(CATALOGUE, facts=FACTS, settings={"sandbox": {"enabled": False}}) as desk, pytest.raises(Refused) as refused:
        desk.customer("yusuf")
    assert refused.value.code == "request.not_found"
