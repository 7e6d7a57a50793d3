"""Floods: one agent, one address or many that prove nothing are stopped early, cheaply, and without a word on the record."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from attacks.arena import ISSUER, SEND_BACK, Arena, code_of, open_arena
from remit.adapters.world.system import SystemWorld
from remit.domain.errors import Code, Refused
from remit.engine.ask import redact
from remit.engine.words import check as hold_words
from remit.entrypoints.http.limits import Limits
from remit.entrypoints.http.wire import HEADERS, read_headers
from remit.sandbox import SandboxAgent
from remit.settings import make_settings

WIDE = 1_000_000
LIMITED = ("client_per_s", "client_burst", "caller_per_s", "caller_burst", "peer_per_s", "peer_burst", "unproved_per_s", "unproved_burst")
BYTES = ("peer_bytes_per_s", "peer_bytes_burst", "unproved_bytes_per_s", "unproved_bytes_burst", "peer_in_flight_bytes", "in_flight_bytes")
OPEN = dict.fromkeys(LIMITED, WIDE) | dict.fromkeys(BYTES, 2**30)
BOGUS = {
    "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    "client_assertion": "e30.e30.AAAA",
    "token": "x",
}


class Standing(SystemWorld):
    """A world whose clock stands."""

    def ticks(self) -> float:
        return 0.0


@pytest.fixture
def seconds() -> list[float]:
    return [1000.0]


def limited(seconds: list[float], **limits: Any) -> Iterator[Arena]:
    with open_arena(settings={"limits": OPEN | limits}) as one:
        one.context.world.ticks = lambda: seconds[0]  # type: ignore[method-assign]  # only the clock is held
        yield one


@pytest.fixture
def arena(seconds: list[float], request: pytest.FixtureRequest) -> Iterator[Arena]:
    yield from limited(seconds, **request.param)


def bogus(arena: Arena, address: str = "", path: str = "/oauth/introspect") -> httpx.Response:
    """A call that proves nothing, from an address."""
    return arena.form(path, BOGUS, headers={"x-real-ip": address} if address else None)


def introspected(arena: Arena, agent: SandboxAgent, address: str = "") -> int:
    """The status of a call that is proved."""
    headers = {"x-real-ip": address} if address else None
    return arena.form("/oauth/introspect", {"token": "x"}, agent=agent, headers=headers).status_code


@pytest.mark.proves("LIMITS")
@pytest.mark.parametrize("arena", [{"client_per_s": 1, "client_burst": 12}], indirect=True)
def test_one_agent_that_floods_is_told_to_wait_and_takes_no_others_place(arena: Arena, seconds: list[float]) -> None:
    task = arena.task()
    other = arena.task(agent=arena.agent("spiffe://elsewhere.example/x"))
    seconds[0] += 60
    for _ in range(12):
        assert arena.ask(task, "order.read", {"order_id": "W1"}).status_code == 200
    before = len(arena.entries())
    with arena.unchanged():
        for _ in range(30):
            refused = arena.ask(task, "order.return", SEND_BACK)
            assert (code_of(refused), refused.status_code) == ("request.rate_limited", 429)
            assert refused.json()["retry_after_s"] == int(refused.headers["retry-after"]) == 1
        assert arena.send(task, f"/v1/tasks/{task.id}", method="GET").status_code == 429
        oauth = arena.form("/oauth/introspect", {"token": task.token}, agent=task.agent)
        assert (oauth.status_code, oauth.json()["error"], oauth.json()["retry_after_s"]) == (429, "temporarily_unavailable", 1)
    assert len(arena.entries()) == before, "noise is not recorded one by one"
    assert arena.ask(other, "order.read", {"order_id": "W1"}).status_code == 200
    seconds[0] += 1
    assert arena.ask(task, "order.read", {"order_id": "W1"}).status_code == 200
    assert code_of(arena.ask(task, "order.read", {"order_id": "W1"})) == "request.rate_limited"


@pytest.mark.proves("LIMITS")
@pytest.mark.parametrize("arena", [{"peer_per_s": 1, "peer_burst": 5, "peer_header": "X-Real-IP"}], indirect=True)
@pytest.mark.parametrize("path", ["/oauth/introspect", "/oauth/par", "/oauth/token"])
def test_an_address_that_proves_nothing_is_stopped_before_it_is_looked_at(arena: Arena, seconds: list[float], path: str) -> None:
    agent = arena.agent()
    for _ in range(20):
        assert introspected(arena, agent, "192.0.2.7") == 200  # what is proved is not counted at its address
    before = len(arena.entries())
    codes = [code_of(bogus(arena, "192.0.2.7", path)) for _ in range(40)]
    assert codes[:5] == ["credential.malformed"] * 5
    assert set(codes[5:]) == {"request.rate_limited"}
    assert introspected(arena, agent, "192.0.2.7") == 429
    assert introspected(arena, agent, "192.0.2.8") == 200
    assert len(arena.entries()) == before
    seconds[0] += 1
    assert introspected(arena, agent, "192.0.2.7") == 200


@pytest.mark.proves("LIMITS")
@pytest.mark.parametrize("arena", [{"peer_per_s": 1, "peer_burst": 5, "peer_header": "X-Real-IP"}], indirect=True)
@pytest.mark.parametrize(
    "address", ["203.0.113.{}, 192.0.2.7", "2001:db8:0:1::{}", "::ffff:192.0.2.7"], ids=["what it says itself", "one network", "mapped"]
)
def test_an_address_has_no_second_bucket_by_another_spelling(arena: Arena, address: str) -> None:
    codes = [code_of(bogus(arena, address.format(n))) for n in range(1, 10)]
    assert codes == ["credential.malformed"] * 5 + ["request.rate_limited"] * 4
    assert code_of(bogus(arena, "2001:db8:0:2::1")) == code_of(bogus(arena, "198.51.100.1")) == "credential.malformed"


@pytest.mark.proves("LIMITS")
@pytest.mark.parametrize("arena", [{"peer_per_s": 1, "peer_burst": 5}], indirect=True)
def test_without_a_proxy_of_its_own_a_desk_believes_no_header(arena: Arena, seconds: list[float]) -> None:
    seconds[0] += 60
    codes = [code_of(bogus(arena, f"192.0.2.{n}")) for n in range(8)]
    assert codes == ["credential.malformed"] * 5 + ["request.rate_limited"] * 3


@pytest.mark.proves("LIMITS")
@pytest.mark.parametrize("arena", [{"peer_per_s": 1, "peer_burst": 6, "peer_header": "X-Real-IP"}], indirect=True)
@pytest.mark.parametrize("path", ["/login/v1/sign-in", "/login/v1/enrol"])
def test_sign_in_and_enrolment_are_limited_by_address(arena: Arena, seconds: list[float], path: str) -> None:
    seconds[0] += 60
    body = {"code": "guessed"} if path.endswith("enrol") else {}
    codes = [code_of(arena.person("POST", path, body, headers={"x-real-ip": "192.0.2.7"})) for _ in range(9)]
    assert codes[6:] == ["request.rate_limited"] * 3
    assert "request.rate_limited" not in codes[:6]
    assert code_of(arena.person("POST", path, body, headers={"x-real-ip": "192.0.2.8"})) != "request.rate_limited"


@pytest.mark.proves("LIMITS")
@pytest.mark.parametrize("arena", [{"unproved_per_s": 1, "unproved_burst": 8, "peer_header": "X-Real-IP"}], indirect=True)
def test_many_addresses_that_prove_nothing_are_limited_together(arena: Arena, seconds: list[float]) -> None:
    seconds[0] += 60
    codes = [code_of(bogus(arena, f"192.0.2.{n}")) for n in range(12)]
    assert codes == ["credential.malformed"] * 8 + ["request.rate_limited"] * 4


@pytest.mark.proves("LIMITS")
def test_what_is_remembered_of_addresses_is_bounded_and_never_the_flood_of_all() -> None:
    limits = Limits(OPEN | {"unproved_burst": 20_000, "unproved_per_s": 1}, peer_header="", outside=True, world=Standing())
    scope: dict[str, Any] = {HEADERS: {}}
    for n in range(20_000):
        limits.count_unproved({**scope, "client": (f"10.{n // 65_536}.{n // 256 % 256}.{n % 256}", 0)})
    assert len(limits._peers._known) == 10_000
    with pytest.raises(Refused) as refused:
        limits.verify_peer({**scope, "client": ("192.0.2.1", 0)})
    assert refused.value.code is Code.REQUEST_RATE_LIMITED


@pytest.mark.proves("LIMITS")
@pytest.mark.parametrize(("outside", "header", "shared"), [(True, "", True), (False, "", False), (True, "x-real-ip", False)])
def test_behind_a_proxy_that_says_nothing_one_flood_does_not_shut_everybody_out(outside: bool, header: str, shared: bool) -> None:
    limits = Limits(OPEN | {"peer_burst": 5, "peer_per_s": 1}, peer_header=header, outside=outside, world=Standing())
    scope: dict[str, Any] = {HEADERS: read_headers([(b"x-real-ip", b"127.0.0.1")] if header else []), "client": ("127.0.0.1", 0)}
    for _ in range(5):
        limits.verify_peer(scope)
        limits.count_unproved(scope)
    if shared:
        limits.verify_peer(scope)
        return
    with pytest.raises(Refused) as refused:
        limits.verify_peer(scope)
    assert refused.value.code is Code.REQUEST_RATE_LIMITED


@pytest.mark.proves("LIMITS")
def test_a_real_desk_takes_a_hundred_a_second_of_one_agent_and_a_sandbox_far_more(tmp_path: Path) -> None:
    raw: dict[str, Any] = {
        "server": {"issuer": ISSUER, "host": "127.0.0.1", "port": 0, "data": "."},
        "store": {"url": "sqlite:///store.sqlite"},
        "log": {"name": "desk.example", "high_water": "checkpoint"},
        "desk": {"database": "desk.sqlite"},
        "words": {"secrets": "refuse", "model": "none"},
    }
    real = make_settings(raw, base=tmp_path, environment={}, rules=False)
    assert (real.limits["client_per_s"], real.limits["client_burst"], real.peer_header) == (100, 400, "")
    tried = make_settings({**raw, "sandbox": {"enabled": True}}, base=tmp_path, environment={}, rules=False)
    assert tried.limits["client_per_s"] == 10_000
    given = make_settings({**raw, "limits": {"client_per_s": 3000}}, base=tmp_path, environment={}, rules=False)
    assert (given.limits["client_per_s"], given.limits["client_burst"]) == (3000, 400)


@pytest.mark.proves("LIMITS")
@pytest.mark.parametrize("long", [True, False])
def test_a_long_message_is_read_beside_the_loop(monkeypatch: pytest.MonkeyPatch, long: bool) -> None:
    where: list[str] = []

    def noted(check: Callable[..., Any]) -> Callable[..., Any]:
        def called(*given: Any, **named: Any) -> Any:
            where.append(threading.current_thread().name.partition("_")[0])
            return check(*given, **named)

        return called

    monkeypatch.setattr(hold_words, "judge_words", noted(hold_words.judge_words))
    monkeypatch.setattr(redact, "redact_name_and_words", noted(redact.redact_name_and_words))
    words = "The kettle leaks. " * (200 if long else 1)
    body = {"action": "order.read", "params": {"order_id": "W1"}, "words": words}
    with open_arena() as arena:
        task = arena.task()
        assert arena.send(task, f"/v1/tasks/{task.id}/asks", body, headers={"idempotency-key": "k"}).status_code == 200
    assert len(where) == 2
    assert {one == "remit-words" for one in where} == {long}
