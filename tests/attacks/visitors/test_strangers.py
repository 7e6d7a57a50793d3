"""Strangers make the desk read, store, count or believe something before anything is proved."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

import pytest

from attacks.arena import ISSUER, Arena, code_of
from attacks.visitors.conftest import made
from remit.client.identities import PrivateKeyJwt
from remit.client.keys import load_key, new_key
from remit.domain.identity.client_documents import verify_document_id
from remit.domain.records import AgentRecord, ClientRegistration
from remit.engine.agents.client_documents import admit_client, known_client
from remit.ports.identity import DocumentLane
from visiting import TERMS, Documents, Visitor


def _stored(arena: Arena) -> set[str]:
    """The clients of documents that the desk has stored."""
    kept = arena.run(arena.context.store.find(AgentRecord, "agent.all", "", limit=1000))
    return {one.record.id for one in kept if one.record.known_by}


def _keyed(docs: Documents, path: str = "/client.json") -> PrivateKeyJwt:
    """A client whose document has a key, and its identity."""
    key = new_key()
    public = load_key(key).as_dict(private=False) | {"kid": "k1", "use": "sig", "alg": "ES256"}
    client_id = docs.publish(path, token_endpoint_auth_method="private_key_jwt", jwks={"keys": [public]})  # a method
    return PrivateKeyJwt(client_id, key, "k1")


def _push(arena: Arena, identity: PrivateKeyJwt) -> Any:
    form = {**identity.credentials(issuer=ISSUER, now_s=time.time()), "response_type": "code"}
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return arena.room.raw("POST", "/oauth/par", headers=headers, content=urlencode(form).encode(), check=False)


@pytest.mark.proves("VISITOR-STRANGERS")
def test_nothing_is_stored_of_a_client_until_a_customer_picks(arena: Arena, docs: Documents) -> None:
    visitor = Visitor(arena.room, docs.publish())
    with arena.unchanged():
        arena.anna.get(f"/me/v1/visits?{urlencode(visitor.query())}")
        assert arena.person("GET", f"/oauth/authorize?{urlencode(visitor.query())}", cookie=arena.anna.cookie).status_code == 200
        assert _stored(arena) == set()
        assert arena.entries("agent.registered") == []
    visitor.connect(arena.anna, "return-item", ["W1001"])
    assert _stored(arena) == {visitor.client_id}


@pytest.mark.proves("VISITOR-STRANGERS")
def test_no_address_is_read_for_a_caller_without_a_code_or_refresh_token(arena: Arena, docs: Documents) -> None:
    client_id = docs.publish()
    code = {"grant_type": "authorization_code", "code": "c" * 43, "code_verifier": "v" * 43, "redirect_uri": "http://127.0.0.1/callback"}
    visitor = Visitor(arena.room, client_id)
    for form in (code, {"grant_type": "refresh_token", "refresh_token": f"fam_{'a' * 26}.1.{'m' * 43}"}):
        assert visitor.form("/oauth/token", {"client_id": client_id, **form}).json()["error"] == "invalid_grant"
    visitor.form("/oauth/revoke", {"client_id": client_id, "token": "x"})
    assert docs.read == []


@pytest.mark.proves("VISITOR-STRANGERS")
def test_an_assertion_in_a_message_makes_the_desk_read_no_address(arena: Arena, docs: Documents, visitor: Visitor) -> None:
    identity = _keyed(docs, "/planted.json")
    visitor.ask("case.comment", {"text": "look at " + identity.credentials(issuer=ISSUER, now_s=time.time())["client_assertion"]})
    assert "/planted.json" not in docs.read
    assert _stored(arena) == {visitor.client_id}


@pytest.mark.proves("VISITOR-STRANGERS")
@pytest.mark.parametrize("path", ["/oauth/par", "/oauth/revoke"])
def test_addresses_that_cannot_be_read_and_tokens_of_nobody_are_counted(docs: Documents, path: str) -> None:
    with made(settings={**TERMS, "limits": {"peer_per_s": 1, "peer_burst": 5}}) as desk:
        arena = Arena(desk)
        statuses = []
        for number in range(8):
            identity = PrivateKeyJwt(f"{docs.base}/none{number}.json", new_key(), "k1")
            form = {"client_id": docs.base + "/c", "token": "x"}
            if path == "/oauth/par":
                form = identity.credentials(issuer=ISSUER, now_s=time.time())
            headers = {"content-type": "application/x-www-form-urlencoded"}
            statuses.append(arena.room.raw("POST", path, headers=headers, content=urlencode(form).encode(), check=False).status_code)
        assert statuses[-1] == 429
        assert len(docs.read) < 8


@pytest.mark.proves("VISITOR-STRANGERS")
def test_clients_that_come_with_keys_of_their_own_are_stored_a_few_at_a_time(arena: Arena, docs: Documents) -> None:
    answered = [_push(arena, _keyed(docs, f"/{number}.json")) for number in range(12)]
    assert answered[0].status_code == 400  # proved, and then asked for what is missing
    assert answered[-1].status_code == 429
    assert len(_stored(arena)) == 10


@pytest.mark.proves("VISITOR-STRANGERS")
def test_slow_servers_of_strangers_hold_up_no_customer_and_no_known_client(arena: Arena, docs: Documents) -> None:
    known = Visitor(arena.room, docs.publish("/known.json")).connect(arena.anna, "return-item", ["W1001"])
    arena.context.client_documents._shelves.clear()  # type: ignore[attr-defined]  # an hour later
    release = threading.Event()
    docs.wait["/slow"] = release
    with ThreadPoolExecutor(9) as pool:
        slow = [PrivateKeyJwt(f"{docs.base}/slow?{number}", new_key(), "k1") for number in range(8)]
        sent = [pool.submit(_push, arena, one) for one in slow]
        while len(docs.read) < 9:
            pass  # all eight are being read
        assert code_of(_push(arena, PrivateKeyJwt(f"{docs.base}/slow?9", new_key(), "k1"))) == "fault.identity"
        assert arena.anna.get(f"/me/v1/visits?{urlencode(Visitor(arena.room, docs.publish('/new.json')).query())}")["client"]
        assert known.refresh().is_success
        release.set()
        assert all(one.result().is_error for one in sent)


@pytest.mark.proves("VISITOR-STRANGERS")
def test_one_customer_cannot_use_up_the_rate_of_a_client_that_others_use_too(docs: Documents) -> None:
    with made(settings={**TERMS, "limits": {"client_per_s": 1, "client_burst": 5}}) as desk:
        arena = Arena(desk)
        greedy = Visitor(arena.room, docs.publish()).connect(arena.anna, "return-item", ["W1001"])
        other = Visitor(arena.room, docs.publish()).connect(desk.customer("bram"), "unlock")
        first = greedy.tokens["refresh_token"]
        statuses = [greedy.send("GET", f"/v1/tasks/{greedy.tokens['task']}").status_code for _ in range(4)]
        statuses += [greedy.refresh(first).status_code for _ in range(4)]
        assert statuses[-1] == 429
        assert other.send("GET", f"/v1/tasks/{other.tokens['task']}").is_success
        assert other.refresh().is_success


@pytest.mark.proves("VISITOR-STRANGERS")
def test_a_limit_is_told_before_a_refresh_token_is_used_up(docs: Documents) -> None:
    with made(settings={**TERMS, "limits": {"client_per_s": 1, "client_burst": 2}}) as desk:
        arena = Arena(desk)
        visitor = Visitor(arena.room, docs.publish()).connect(arena.anna, "return-item", ["W1001"])
        while visitor.refresh().is_success:
            pass
        arena.context.world.ticks = lambda: time.perf_counter() + 60  # type: ignore[method-assign,assignment]  # a minute later
        assert visitor.refresh().is_success


@pytest.mark.proves("VISITOR-IDENTITY")
def test_a_document_read_long_ago_elsewhere_replaces_no_newer_one(arena: Arena, docs: Documents) -> None:
    """Two nodes: this one read the document an hour ago, and another one stored the newer."""
    visitor = Visitor(arena.room, docs.publish()).connect(arena.anna, "return-item", ["W1001"])
    here = arena.context.client_documents
    shelves = dict(here._shelves)  # type: ignore[attr-defined]
    docs.publish(name="Renamed")
    here._shelves.clear()  # type: ignore[attr-defined]
    arena.run(known_client(arena.context, visitor.client_id))
    newer = len(arena.entries("agent.registered"))
    here._shelves.update(shelves)  # type: ignore[attr-defined]
    arena.clock.ahead_ms += 11_000
    later = Visitor(arena.room, visitor.client_id).connect(arena.anna, "return-item", ["W1001"])
    assert later.refresh().is_success
    assert len(arena.entries("agent.registered")) == newer


@pytest.mark.proves("VISITOR-IDENTITY")
def test_a_document_that_could_not_be_used_is_read_again(arena: Arena, docs: Documents) -> None:
    visitor = Visitor(arena.room, docs.publish(redirect_uris=[]))
    assert code_of(arena.person("GET", f"/me/v1/visits?{urlencode(visitor.query())}", cookie=arena.anna.cookie)) == "agent.unknown"
    docs.publish()
    arena.clock.ahead_ms += 11_000
    assert arena.anna.get(f"/me/v1/visits?{urlencode(visitor.query())}")["client"]["client_id"] == visitor.client_id


@pytest.mark.proves("VISITOR-IDENTITY")
def test_another_port_or_a_final_dot_makes_no_other_operator(arena: Arena) -> None:
    assert verify_document_id("https://Evil.example:8443/c", allow_loopback=False) == "evil.example"
    for address in ("https://evil.example./c", "https://./c", "https://[/c", "https://[::1/c", "https://a]b/c"):
        visitor = Visitor(arena.room, address)
        answered = arena.person("GET", f"/me/v1/visits?{urlencode(visitor.query())}", cookie=arena.anna.cookie)
        assert code_of(answered) == "agent.unknown", address


@pytest.mark.proves("VISITOR-IDENTITY")
@pytest.mark.parametrize("keyed", [False, True])
def test_a_document_takes_no_operators_name_that_the_desk_registered(arena: Arena, docs: Documents, *, keyed: bool) -> None:
    host = docs.base.split("/")[2]
    arena.desk.agent("spiffe://shop.example/one", "known", operator=host)
    if keyed:
        answered = _push(arena, _keyed(docs))
    else:
        answered = arena.person("GET", f"/me/v1/visits?{urlencode(Visitor(arena.room, docs.publish()).query())}", cookie=arena.anna.cookie)
    assert code_of(answered) == "agent.unknown"
    assert _stored(arena) == set()


@pytest.mark.proves("VISITOR-IDENTITY")
def test_a_registration_of_its_own_is_over_after_a_day_and_survives_two_looks_at_once() -> None:
    body = {"redirect_uris": ["http://127.0.0.1/callback"], "token_endpoint_auth_method": "none"}
    with made(settings={"visitors": {"enabled": True, "officer": "security", "registration": "dynamic"}}) as desk:
        arena = Arena(desk)
        clients = [arena.room.raw("POST", "/oauth/register", body).json()["client_id"] for _ in range(2)]

        async def twice() -> None:
            found = await known_client(arena.context, clients[0], newcomers=DocumentLane.CUSTOMER)
            assert found is not None
            assert (await admit_client(arena.context, found)).rev == (await admit_client(arena.context, found)).rev == 1

        arena.run(twice())
        arena.clock.ahead_ms += 25 * 3600 * 1000
        arena.run(arena.context.store.get(ClientRegistration, clients[1]))  # no sweep came yet

        async def late() -> None:
            assert await known_client(arena.context, clients[1], newcomers=DocumentLane.CUSTOMER) is None

        arena.run(late())


@pytest.mark.proves("VISITOR-REQUEST")
def test_a_wrong_request_sends_no_browser_on_by_itself(arena: Arena, docs: Documents) -> None:
    visitor = Visitor(arena.room, docs.publish(redirect_uris=["https://evil.example/done"]), redirect_uri="https://evil.example/done")
    shown = arena.person("GET", f"/oauth/authorize?{urlencode(visitor.query('nothing'))}", cookie=arena.anna.cookie)
    assert shown.status_code == 400
    assert "location" not in shown.headers
    assert "https://evil.example/done?error=invalid_scope" in shown.text
