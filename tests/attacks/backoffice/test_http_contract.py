"""⚔ The HTTP contract of the backoffice: forged requests at the service, forged answers at Remit, and services that misbehave."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.desk_plugs import FACTS, StandingWorld, act, small_catalogue
from contracts.http_desk import ABOUT, GATE, SHOP, LoopThread, client_to, now_s, served, signer, token_of, verifier
from remit.adapters.backoffice.breaker import MAX_FAULTS, OPEN_S
from remit.adapters.backoffice.http.client import HttpBackoffice
from remit.adapters.backoffice.http.messages import MAX_BYTES, act_body, encode_body, records_request
from remit.adapters.backoffice.http.server import BackofficeServer
from remit.adapters.backoffice.http.signatures import MAX_AGE_S, SignedRequest
from remit.adapters.backoffice.sandbox import SandboxBackoffice
from remit.adapters.http.connection import HttpAnswer, HttpConnections
from remit.domain.errors import Code, Fault, Refused
from remit.ports.backoffice import ActOutcome

OTHER = Ed25519PrivateKey.from_private_bytes(b"\x03" * 32)
Change = Callable[[int, list[tuple[bytes, bytes]], bytes], tuple[int, list[tuple[bytes, bytes]], bytes]]


class Meddler:
    """What stands between: it passes requests on and changes answers."""

    def __init__(self, app: BackofficeServer) -> None:
        self.app = app
        self.change: Change = lambda status, headers, body: (status, headers, body)
        self.asked = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        sent: list[Any] = []

        async def keep(message: Any) -> None:
            sent.append(message)

        self.asked += 1
        await self.app(scope, receive, keep)
        start, body = sent
        status, headers, raw = self.change(start["status"], start["headers"], body["body"])
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": raw})


class Shop:
    """A company's service behind the meddler, and raw calls to it."""

    def __init__(self, loop: LoopThread, between: Meddler, base: str, books: SandboxBackoffice) -> None:
        self.loop, self.between, self.base, self.books = loop, between, base, books
        self.world = StandingWorld()

    def ask(self, work: Callable[[HttpBackoffice], Awaitable[Any]]) -> Any:
        async def run() -> Any:
            client = client_to(self.base, self.world)
            try:
                return await work(client)
            finally:
                client.close()

        return self.loop.submit(run()).result(timeout=30)

    def send(self, method: str, path: str, headers: dict[str, str], body: bytes) -> HttpAnswer:
        async def run() -> HttpAnswer:
            connections = HttpConnections(self.base, tls=ssl.create_default_context(), allow_loopback=True)
            try:
                return await connections.send(method, path, headers=headers, body=body, timeout_s=10)
            finally:
                connections.close()

        answer: HttpAnswer = self.loop.submit(run()).result(timeout=30)
        return answer

    def signed(self, path: str, body: bytes, headers: dict[str, str] | None = None, **how: Any) -> dict[str, str]:
        """The headers of a request as Remit signs it."""
        given = headers or {}
        request = SignedRequest(method="POST", url=f"{self.base}{path}", headers=given, body=body)
        return {**given, **signer(how.get("key", GATE), **{name: how[name] for name in how if name == "at"}).request_headers(request)}


@pytest.fixture
def shop() -> Iterator[Shop]:
    with far_shop() as one:
        yield one


@contextmanager
def far_shop(verify_token: Any = None) -> Iterator[Shop]:
    books = SandboxBackoffice(small_catalogue(), StandingWorld(), FACTS, perform=lambda *_: {"order.status": "marked"})
    loop = LoopThread()

    def make(base: str) -> Meddler:
        return Meddler(
            BackofficeServer(books, base=base, about=ABOUT, signer=signer(SHOP), verifier=verifier(GATE), verify_token=verify_token)
        )

    try:
        with served(loop, make) as (between, base):
            yield Shop(loop, between, base, books)
    finally:
        loop.close()


FACTS_BODY = encode_body(records_request([("order", "W1")], "anna"))
ACT_BODY = encode_body(act_body(act("k1")))
ACT_HEADERS = {"idempotency-key": "k1", "txn-token": token_of(act("k1"))}


def test_a_signed_request_is_answered(shop: Shop) -> None:
    assert shop.send("POST", "/v1/facts", shop.signed("/v1/facts", FACTS_BODY), FACTS_BODY).status == 200
    assert shop.send("POST", "/v1/acts", shop.signed("/v1/acts", ACT_BODY, ACT_HEADERS), ACT_BODY).status == 200


def later() -> int:
    return now_s() + MAX_AGE_S + 60


def earlier() -> int:
    return now_s() - MAX_AGE_S - 1


@pytest.mark.proves("BACKOFFICE-SIGNED")
@pytest.mark.parametrize("how", ["bare", "other key", "old", "of the future", "other path", "other method", "other body", "two signatures"])
def test_a_request_that_remit_did_not_sign_is_not_read(shop: Shop, how: str) -> None:
    headers = shop.signed("/v1/facts", FACTS_BODY)
    method, path, body = "POST", "/v1/facts", FACTS_BODY
    match how:
        case "bare":
            headers = {}
        case "other key":
            headers = shop.signed("/v1/facts", FACTS_BODY, key=OTHER)
        case "old":
            headers = shop.signed("/v1/facts", FACTS_BODY, at=earlier)
        case "of the future":
            headers = shop.signed("/v1/facts", FACTS_BODY, at=later)
        case "other path":
            path = "/v1/contents"
        case "other method":
            method, path = "GET", "/v1/about"
        case "other body":
            body = encode_body(records_request([("order", "W1")], "bram"))
        case _:
            headers["signature"] += ", other=:AA==:"
    assert shop.send(method, path, headers, body).status == 401


@pytest.mark.proves("BACKOFFICE-SIGNED")
def test_a_request_that_was_recorded_is_not_taken_again(shop: Shop) -> None:
    headers = shop.signed("/v1/acts", ACT_BODY, ACT_HEADERS)
    assert [shop.send("POST", "/v1/acts", headers, ACT_BODY).status for _ in range(2)] == [200, 401]


@pytest.mark.proves("BACKOFFICE-SIGNED")
@pytest.mark.parametrize("name", ["idempotency-key", "txn-token"])
def test_the_key_and_the_token_of_an_act_are_signed(shop: Shop, name: str) -> None:
    """⚔ With another key a recorded act would be done again, with another token under another decision."""
    headers = shop.signed("/v1/acts", ACT_BODY, ACT_HEADERS)
    assert shop.send("POST", "/v1/acts", {**headers, name: "other"}, ACT_BODY).status == 401
    without = {key: value for key, value in headers.items() if key != name}
    assert shop.send("POST", "/v1/acts", without, ACT_BODY).status == 401
    assert shop.books.performed == []


def test_a_header_that_comes_twice_is_not_chosen_from(shop: Shop) -> None:
    headers = shop.signed("/v1/facts", FACTS_BODY)
    assert shop.send("POST", "/v1/facts", {**headers, "Content-Digest": headers["content-digest"]}, FACTS_BODY).status == 400


def test_a_body_of_another_shape_or_too_long_is_refused(shop: Shop) -> None:
    for body, status in ((b'{"customer": "anna"}', 400), (b"[", 400), (b" " * (MAX_BYTES + 1), 413)):
        assert shop.send("POST", "/v1/facts", shop.signed("/v1/facts", body), body).status == status


def test_the_key_of_the_body_is_the_key_of_header_and_path(shop: Shop) -> None:
    """⚔ Or one key is fenced, and another done."""
    headers = shop.signed("/v1/acts/k2/fence", ACT_BODY, ACT_HEADERS)
    assert shop.send("POST", "/v1/acts/k2/fence", headers, ACT_BODY).status == 400
    headers = shop.signed("/v1/acts", ACT_BODY, {**ACT_HEADERS, "idempotency-key": "k2"})
    assert shop.send("POST", "/v1/acts", headers, ACT_BODY).status == 400
    assert shop.ask(lambda client: client.outcome(act("k1"))).state is ActOutcome.UNSEEN


@pytest.mark.proves("BACKOFFICE-SIGNED")
def test_an_act_with_the_token_of_another_act_is_not_done() -> None:
    def verify(token: str, of: Any) -> None:
        if token != token_of(of):
            raise Refused(Code.CREDENTIAL_WRONG_AUDIENCE, "the token of another act")

    with far_shop(verify) as shop:
        headers = shop.signed("/v1/acts", ACT_BODY, {**ACT_HEADERS, "txn-token": token_of(act("k2"))})
        assert shop.send("POST", "/v1/acts", headers, ACT_BODY).status == 401
        assert shop.books.performed == []
        assert shop.ask(lambda client: client.perform(act("k1"))).state is ActOutcome.DONE


# Answers.


def forged(how: str) -> Change:
    """Somebody between the company's service and Remit."""
    kept: list[tuple[list[tuple[bytes, bytes]], bytes]] = []

    def change(status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        named = dict(headers)
        match how:
            case "bare":
                named = {name: value for name, value in named.items() if not name.startswith(b"signature")}
            case "other body":
                body = body.replace(b"anna", b"bram")
            case "other body with its digest":
                body = body.replace(b"anna", b"bram")
                named |= {b"content-length": b"%d" % len(body)}
                named |= {name.encode(): value.encode() for name, value in resigned(SHOP, body, "remit=:other:").items()}
            case "other key":
                named |= {name.encode(): value.encode() for name, value in resigned(OTHER, body, "").items()}
            case "recorded":
                kept.append((list(headers), body))
                return status, *kept[0]
            case _:
                raise AssertionError(how)
        return status, list(named.items()), body

    return change


def resigned(key: Any, body: bytes, request_signature: str) -> dict[str, str]:
    return signer(key).answer_headers(200, body, request_signature=request_signature)


@pytest.mark.proves("BACKOFFICE-SIGNED")
@pytest.mark.parametrize("how", ["bare", "other body", "other body with its digest", "other key", "recorded"])
def test_an_answer_that_the_company_did_not_give_to_this_request_tells_nothing(shop: Shop, how: str) -> None:
    """⚔ A recorded answer says whose a record was, or that an act was done which never was."""

    async def facts(client: HttpBackoffice) -> Any:
        return (await client.facts([("order", "W1")], customer="anna"))[0].owners

    assert shop.ask(facts) == {"anna"}
    shop.between.change = forged(how)
    if how == "recorded":
        assert shop.ask(facts) == {"anna"}, "the first is the one that is recorded"
    with pytest.raises(Fault) as broken:
        shop.ask(facts)
    assert broken.value.code is Code.FAULT_BACKOFFICE


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (302, [(b"location", b"http://127.0.0.1:1/")], b""),
        (200, [], b"<html>"),
        (200, [], b'{"records": []}'),
        (200, [], b'{"records": [{"id": "W1", "owners": "anna", "version": "1"}]}'),
        (200, [], b'{"records": [{"id": "W1", "owners": ["anna"], "version": 1}]}'),
        (200, [], b'{"records": [' + b"null," * 400_000 + b"null]}"),
        (500, [], b"{}"),
        (409, [], b"{}"),
        (204, [], b""),
    ],
    ids=["redirect", "page", "too few", "owners", "version", "long", "broken", "busy", "empty"],
)
def test_an_answer_that_is_none_is_a_fault(shop: Shop, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    """Signed with the company's own key: what it says must still be an answer."""
    signature: list[str] = []
    seen = shop.between.app._verifier
    assert seen is not None
    right = seen.verify_request

    def watched(request: SignedRequest) -> tuple[str, int]:
        signature.append(request.headers["signature"])
        return right(request)

    seen.verify_request = watched  # type: ignore[method-assign]

    def change(*_: Any) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        signed = signer(SHOP).answer_headers(status, body, request_signature=signature[-1])
        return status, [*headers, (b"content-length", b"%d" % len(body)), *((n.encode(), v.encode()) for n, v in signed.items())], body

    shop.between.change = change
    with pytest.raises(Fault) as broken:
        shop.ask(lambda client: client.facts([("order", "W1")], customer="anna"))
    assert broken.value.code is Code.FAULT_BACKOFFICE


def test_a_service_that_does_not_answer_is_left_alone_for_a_while_and_tried_again(shop: Shop) -> None:
    async def storm(client: HttpBackoffice) -> None:
        for _ in range(MAX_FAULTS):
            with pytest.raises(Fault):
                await client.facts([], customer="anna")
        asked = shop.between.asked
        shop.between.change = lambda status, headers, body: (status, headers, body)
        with pytest.raises(Fault) as broken:
            await client.facts([], customer="anna")
        assert "not asked" in broken.value.detail
        assert shop.between.asked == asked
        shop.world.at += int(OPEN_S * 1000)
        await client.facts([], customer="anna")
        await client.facts([], customer="anna")

    shop.between.change = lambda _status, headers, body: (503, headers, body)
    shop.ask(storm)


def test_params_that_break_the_service_stop_nobody_else(shop: Shop) -> None:
    """⚔ One agent's params that the service answers with 500 must not open the breaker for all."""

    async def storm(client: HttpBackoffice) -> Any:
        for _ in range(2 * MAX_FAULTS):
            with pytest.raises(Fault):
                await client.facts([], customer="anna")
        shop.between.change = lambda status, headers, body: (status, headers, body)
        return await client.facts([("order", "W1")], customer="anna")

    shop.between.change = lambda _status, headers, body: (500, headers, body)
    assert shop.ask(storm)[0].owners == {"anna"}


@pytest.mark.proves("BACKOFFICE-ADDRESS")
@pytest.mark.parametrize(
    "base",
    ["http://169.254.169.254/v1", "https://169.254.169.254/v1", "http://10.0.0.1/v1", "ftp://shop.example/", "https://u:p@shop.example/"],
)
def test_an_address_that_no_backoffice_has_is_refused(base: str) -> None:
    with pytest.raises(Refused):
        HttpConnections(base, tls=ssl.create_default_context(), allow_loopback=True)


@pytest.mark.proves("BACKOFFICE-ADDRESS")
def test_a_name_that_leads_to_this_machine_is_not_dialled() -> None:
    """⚔ A name in the settings whose DNS answer is another's: the desk's own machine and its cloud's metadata are not asked."""

    async def run() -> None:
        connections = HttpConnections("https://localhost.localdomain:9/", tls=ssl.create_default_context(), allow_loopback=False)

        async def resolved(*_: Any, **__: Any) -> Any:
            return [(0, 0, 0, "", ("169.254.169.254", 9))]

        asyncio.get_running_loop().getaddrinfo = resolved  # type: ignore[method-assign]
        with pytest.raises(Fault) as broken:
            await connections.send("GET", "/v1/about", headers={}, body=b"", timeout_s=2)
        assert "special-use" in broken.value.detail

    asyncio.run(run())


def test_a_line_end_in_a_header_is_not_sent(shop: Shop) -> None:
    with pytest.raises(Fault):
        shop.send("POST", "/v1/facts", {"idempotency-key": "a\r\nx: y"}, b"")
