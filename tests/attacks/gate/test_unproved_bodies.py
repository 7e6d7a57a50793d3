"""What is sent before a proof: little is taken of it, little is decoded, and never for long on the event loop. Counted, not timed."""

import asyncio
import base64
import json
import threading
from collections.abc import Callable, Iterator, MutableMapping
from json.scanner import make_scanner
from typing import Any

import pytest

from attacks.arena import ISSUER, Arena, code_of, open_arena
from remit.domain import values
from remit.domain.identity.jws import MAX_MEMBERS
from remit.entrypoints.http import bodies, wire
from remit.entrypoints.http.bodies import OAUTH, PROVED, UNPROVED

CHUNK = 4096
MIB = 1024 * 1024
JSON = (b"content-type", b"application/json")
FORM = (b"content-type", b"application/x-www-form-urlencoded")
SIGNS_IN = ("/oauth/authorize", 303)
"""A visitor's page, which sends a browser without a session to sign in."""
LOGINS = ["/login/v1/sign-in", "/login/v1/enrol", "/login/v1/sign-out", "/me/v1/requests/x", "/desk/v1/cases/x/reply"]
OPEN = dict.fromkeys(
    ("client_per_s", "client_burst", "caller_per_s", "caller_burst", "peer_per_s", "peer_burst", "unproved_per_s", "unproved_burst"),
    1000000,
) | dict.fromkeys(("peer_bytes_per_s", "peer_bytes_burst", "unproved_bytes_per_s", "unproved_bytes_burst", "in_flight_bytes"), 2**30)


class Sent:
    """One request whose body comes in pieces, as long as they are asked for; `held` keeps the last one back."""

    def __init__(self, arena: Arena, path: str, body: bytes, *headers: tuple[bytes, bytes], address: str = "192.0.2.7") -> None:
        assert arena.desk.desk is not None
        self._app = arena.desk.desk.app
        self._scope: MutableMapping[str, Any] = {
            "type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b"", "headers": list(headers),
            "scheme": "http", "root_path": "", "client": (address, 1), "server": ("localhost", 80),
        }  # fmt: skip
        self._pieces = [body[place : place + CHUNK] for place in range(0, len(body), CHUNK)] or [b""]
        self.taken = 0
        self.held: asyncio.Event | None = None
        self.arrived = asyncio.Event()
        """All but the last piece was taken, or it was answered."""
        self.status = 0
        self.body = b""

    async def _receive(self) -> MutableMapping[str, Any]:
        if len(self._pieces) == 1 and self.held is not None:
            self.arrived.set()
            await self.held.wait()
        piece = self._pieces.pop(0)
        self.taken += len(piece)
        return {"type": "http.request", "body": piece, "more_body": bool(self._pieces)}

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        self.status = message.get("status", self.status)
        self.body += message.get("body", b"")

    async def go(self) -> "Sent":
        """Send it, and take the answer."""
        await self._app(self._scope, self._receive, self._send)
        self.arrived.set()
        return self

    @property
    def code(self) -> str:
        """The code of the answer."""
        return str(json.loads(self.body)["code"])


def sent(arena: Arena, path: str, body: bytes, *headers: tuple[bytes, bytes], address: str = "192.0.2.7") -> Sent:
    return arena.run(Sent(arena, path, body, *headers, address=address).go())


def numbers(size: int) -> bytes:
    """A body of so many bytes that is nothing but numbers."""
    return b'{"ceremony":[' + b"1," * ((size - 16) // 2) + b"1]}"


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The numbers that were decoded since the test began."""
    found: list[str] = []

    def noted(text: str) -> values.Json:
        found.append(text)
        return int(text)

    monkeypatch.setattr(values, "_SCAN", make_scanner(json.JSONDecoder(parse_int=noted)))
    return found


@pytest.mark.proves("LIMITS")
def test_no_door_takes_a_large_body_of_a_caller_that_proves_nothing(arena: Arena) -> None:
    assert arena.desk.desk is not None
    doors = {path for method, path in arena.desk.desk.app.addresses if method == "POST"}
    assert len(doors) > 40
    for path in sorted(doors):
        filled = path.replace("{", "").replace("}", "")
        for kind in (JSON, FORM):
            got = sent(arena, filled, numbers(MIB), kind, (b"origin", ISSUER.encode()))
            most = OAUTH.size if path.startswith("/oauth/") else UNPROVED.size
            assert got.taken <= most + CHUNK, path
            assert 400 <= got.status < 500 or (path, got.status) == SIGNS_IN, path


@pytest.mark.proves("LIMITS")
@pytest.mark.parametrize(
    ("path", "kind"), [*((path, JSON) for path in LOGINS[:3]), ("/oauth/token", FORM), ("/oidc/back-channel-logout", FORM)]
)
def test_a_body_that_says_itself_that_it_is_too_large_is_not_taken_at_all(arena: Arena, path: str, kind: tuple[bytes, bytes]) -> None:
    got = sent(arena, path, numbers(MIB), kind, (b"content-length", b"%d" % MIB))
    if not path.startswith("/oidc"):  # a desk without a provider has no such door
        assert (got.status, got.code) == (413, "request.too_large")
        assert json.loads(got.body).get("cure") or path.startswith("/oauth")
    assert got.taken == 0


@pytest.mark.proves("LIMITS")
@pytest.mark.parametrize("path", LOGINS[:3])
def test_numbers_are_counted_before_any_of_them_is_decoded(arena: Arena, counted: list[str], path: str) -> None:
    got = sent(arena, path, numbers(UNPROVED.size), JSON)
    assert (got.status, got.code) == (413, "request.too_large")
    assert got.taken == UNPROVED.size
    assert counted == []


@pytest.mark.proves("LIMITS")
@pytest.mark.parametrize("nested", [b"[" * 8000, b'{"a":' * 3000, b"[{}," * 2000, b'{"a":"' + b'\\"' * 7000])
def test_what_is_nested_or_never_ends_is_no_more_than_its_bytes(arena: Arena, counted: list[str], nested: bytes) -> None:
    assert sent(arena, "/login/v1/sign-in", nested, JSON).code in {"request.too_large", "request.malformed"}
    assert counted == []


@pytest.mark.proves("LIMITS")
def test_numbers_in_a_token_or_a_proof_are_counted_before_any_is_decoded(arena: Arena, counted: list[str]) -> None:
    def made(header: bytes, claims: bytes) -> bytes:
        return b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in (header, claims, b"x"))

    header, many = b'{"alg":"ES256"}', b'{"n":[' + b"1," * 4000 + b"1]}"
    for token in (made(header, many), made(many, header)):
        got = sent(arena, "/v1/tasks/x/asks", b"", JSON, (b"authorization", b"DPoP " + token), (b"dpop", token))
        assert got.code.startswith("credential.")
        form = b"client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=" + token
        assert sent(arena, "/oauth/token", form, FORM).code.startswith("credential.")
    assert len(counted) <= MAX_MEMBERS


@pytest.mark.proves("LIMITS")
@pytest.mark.parametrize("path", ["/language", "/oauth/token", "/oauth/par"])
def test_parameters_are_counted_before_they_are_taken_apart(arena: Arena, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    taken: list[str] = []
    real = wire._unescaped
    monkeypatch.setattr(wire, "_unescaped", lambda half: (taken.append(half), real(half))[1])
    assert sent(arena, path, b"+&" * (UNPROVED.size // 2), FORM, (b"origin", ISSUER.encode())).status == 400
    assert taken == []


@pytest.mark.proves("LIMITS")
def test_a_proved_agent_sends_files_and_no_more_members_than_a_desk_has_use_for(arena: Arena, counted: list[str]) -> None:
    task = arena.task()
    counted.clear()
    body = b'{"action":"order.read","params":{"order_id":[' + b"1," * PROVED.members + b"1]}}"
    assert len(body) > UNPROVED.size
    assert code_of(arena.ask_bytes(task, body)) == "request.too_large"
    assert "1" not in counted  # but for the numbers of its token and proof
    file = {"name": "a.txt", "media_type": "text/plain", "data_b64": base64.b64encode(b"The kettle leaks. " * 20_000).decode()}
    assert code_of(arena.ask(task, "order.read", {"order_id": "W1"}, attachments=[file])) != "request.too_large"


@pytest.mark.proves("LIMITS")
@pytest.mark.parametrize("long", [True, False])
def test_a_long_body_is_decoded_beside_the_loop(arena: Arena, monkeypatch: pytest.MonkeyPatch, long: bool) -> None:
    where: list[str] = []

    def noted(decode: Callable[..., Any]) -> Callable[..., Any]:
        def called(*given: Any, **named: Any) -> Any:
            where.append(threading.current_thread().name.partition("_")[0])
            return decode(*given, **named)

        return called

    task = arena.task()
    for name in ("decode_form", "decode_object"):
        monkeypatch.setattr(bodies, name, noted(getattr(bodies, name)))
    sent(arena, "/oauth/par", b"a=" + b"%41" * (20_000 if long else 100), FORM)
    sent(arena, "/login/v1/sign-in", b'{"ceremony":"' + b"x" * (15_000 if long else 100) + b'"}', JSON)
    arena.ask_bytes(task, b'{"action":"order.read","params":{"order_id":"' + b"x" * (60_000 if long else 100) + b'"}}')
    assert len(where) == 3
    assert {one == "remit-bodies" for one in where} == {long}


@pytest.fixture
def seconds() -> list[float]:
    return [1000.0]


@pytest.fixture
def narrow(seconds: list[float], request: pytest.FixtureRequest) -> Iterator[Arena]:
    with open_arena(settings={"limits": OPEN | request.param}) as one:
        one.context.world.ticks = lambda: seconds[0]  # type: ignore[method-assign]  # only the clock is held
        yield one


FULL = b'{"ceremony":"' + b"x" * (UNPROVED.size - 15) + b'"}'
BURST = MIB // UNPROVED.size


@pytest.mark.proves("LIMITS")
@pytest.mark.parametrize("narrow", [{"peer_bytes_per_s": MIB, "peer_bytes_burst": MIB}], indirect=True)
def test_bytes_of_an_address_that_proves_nothing_are_counted_like_its_requests(narrow: Arena, seconds: list[float]) -> None:
    assert len(FULL) == UNPROVED.size
    agent = narrow.agent()
    codes = [sent(narrow, "/login/v1/sign-in", FULL, JSON) for _ in range(BURST + 3)]
    assert "request.rate_limited" not in {one.code for one in codes[:BURST] if one.status != 200}
    assert [one.code for one in codes[BURST:]] == ["request.rate_limited"] * 3
    assert codes[-1].status == 429
    assert json.loads(codes[-1].body)["retry_after_s"] == 1
    assert sent(narrow, "/oauth/token", b"a=b", FORM).status == 429
    assert sent(narrow, "/login/v1/sign-in", b"{}", JSON, address="192.0.2.8").status == 200
    seconds[0] += 1
    assert sent(narrow, "/login/v1/sign-in", b"{}", JSON).status == 200
    for _ in range(2 * BURST):  # what is proved is charged to no address
        assert narrow.form("/oauth/introspect", {"token": "x" * 10_000}, agent=agent).status_code == 200


@pytest.mark.proves("LIMITS")
@pytest.mark.parametrize("narrow", [{"peer_per_s": 1, "peer_burst": 5}], indirect=True)
def test_choices_of_a_language_are_limited_by_address(narrow: Arena) -> None:
    origin = (b"origin", ISSUER.encode())
    found = [sent(narrow, "/language", b"language=en", FORM, origin).status for _ in range(8)]
    assert found == [303] * 5 + [429] * 3
    assert sent(narrow, "/language", b"language=en", FORM, origin, address="192.0.2.8").status == 303


@pytest.mark.proves("LIMITS")
@pytest.mark.parametrize("narrow", [{"unproved_bytes_per_s": MIB, "unproved_bytes_burst": MIB}], indirect=True)
def test_bytes_of_many_addresses_that_prove_nothing_are_counted_together(narrow: Arena) -> None:
    found = [sent(narrow, "/login/v1/sign-in", FULL, JSON, address=f"192.0.2.{n}") for n in range(BURST + 3)]
    assert [one.status for one in found[BURST:]] == [429] * 3
    assert 429 not in {one.status for one in found[:BURST]}


@pytest.mark.proves("LIMITS")
@pytest.mark.parametrize(
    ("narrow", "same"), [({"peer_in_flight_bytes": MIB}, True), ({"in_flight_bytes": MIB}, False)], indirect=["narrow"]
)
def test_bodies_that_are_held_at_the_same_time_are_bounded(narrow: Arena, same: bool) -> None:
    async def flood() -> tuple[list[Sent], Sent, Sent, Sent]:
        last = asyncio.Event()
        held = [Sent(narrow, "/login/v1/sign-in", FULL, JSON, address=f"192.0.2.{1 if same else n}") for n in range(BURST + BURST // 2)]
        for one in held:
            one.held = last
        tasks = [asyncio.ensure_future(one.go()) for one in held]
        await asyncio.gather(*(one.arrived.wait() for one in held))
        late = await Sent(narrow, "/login/v1/sign-in", FULL, JSON, address="192.0.2.1").go()
        other = await Sent(narrow, "/login/v1/sign-in", FULL, JSON, address="198.51.100.1").go()
        last.set()
        await asyncio.gather(*tasks)
        return held, late, other, await Sent(narrow, "/login/v1/sign-in", FULL, JSON, address="192.0.2.1").go()

    held, late, other, after = narrow.run(flood())
    assert (late.status, late.code) == (429, "request.rate_limited")
    assert (other.status == 429) is not same
    assert after.status != 429
    assert any(one.status == 429 for one in held)
    assert not all(one.status == 429 for one in held)
