"""Where keys come from: files and loopback addresses, refreshed when due, and never led astray."""

import asyncio
import ipaddress
import ssl
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.identity_minting import NOW, KeyServer, jwk, refusal, tls_pair, write_json
from remit.adapters.identity import key_sources
from remit.adapters.identity.assertions import AssertionClients
from remit.adapters.identity.fetching import MAX_DOCUMENT, Fetcher, verify_address, verify_url
from remit.adapters.identity.key_sets import verify_bundle, verify_jwks
from remit.adapters.identity.key_sources import MAX_AGE_MS, RETRY_MS, KeySources
from remit.adapters.identity.keys import PublicKey
from remit.domain.errors import Code, Fault, Refused
from remit.domain.ids import OperatorId
from remit.domain.values import Instant
from remit.ports.identity import ClientMethod, InlineKeys, KeyFile, KeySource, KeyUrl, Registration, SpiffeBundleFile, SpiffeBundleUrl

TLS = ssl.create_default_context()
OLD, NEW = {"keys": [jwk("ES256", "old", kid="old")]}, {"keys": [jwk("ES256", "new", kid="new")]}


def sources(*, allow_loopback: bool = True) -> KeySources:
    return KeySources(Fetcher(allow_loopback=allow_loopback, tls=TLS))


def at(later_ms: int) -> Instant:
    return Instant(NOW + later_ms)


async def find(shelf: KeySources, source: KeySource, kid: str, later_ms: int = 0) -> PublicKey:
    return await shelf.verify_key(source, kid=kid, alg="ES256", now=at(later_ms))


async def lost(act: Awaitable[object], code: Code) -> None:
    if code is Code.FAULT_IDENTITY:
        with pytest.raises(Fault) as broken:
            await act
        assert broken.value.code is code
    else:
        with pytest.raises(Refused) as caught:
            await act
        assert caught.value.code is code


def on_server(scenario: Callable[[KeyServer, KeySources, KeyUrl], Awaitable[None]], **server: Any) -> None:
    async def run() -> None:
        async with KeyServer(**server) as keys:
            keys.publish(OLD)
            await scenario(keys, sources(), KeyUrl(url=keys.url))

    asyncio.run(run())


def test_keys_of_an_address_are_read_once_and_kept() -> None:
    async def scenario(server: KeyServer, shelf: KeySources, source: KeyUrl) -> None:
        for later in (0, 1000, 299_000):
            assert (await find(shelf, source, "old", later)).kid == "old"
        assert server.hits == 1
        await find(shelf, source, "old", 300_000)
        assert server.hits == 2

    on_server(scenario)


def test_a_rotated_key_is_found_at_once_and_made_up_names_do_not_hammer_the_source() -> None:
    async def scenario(server: KeyServer, shelf: KeySources, source: KeyUrl) -> None:
        await find(shelf, source, "old")
        server.publish(NEW)
        assert (await find(shelf, source, "new")).kid == "new"
        assert server.hits == 2
        for number in range(20):
            await lost(find(shelf, source, f"made up {number}", number), Code.CREDENTIAL_WRONG_KEY)
        assert server.hits == 2
        await lost(find(shelf, source, "made up", RETRY_MS), Code.CREDENTIAL_WRONG_KEY)
        assert server.hits == 3

    on_server(scenario)


def test_a_withdrawn_key_is_dead_when_the_set_is_read_again() -> None:
    async def scenario(server: KeyServer, shelf: KeySources, source: KeyUrl) -> None:
        await find(shelf, source, "old")
        server.publish(NEW)
        await lost(find(shelf, source, "old", 300_000), Code.CREDENTIAL_WRONG_KEY)

    on_server(scenario)


def test_many_at_once_read_once() -> None:
    async def scenario(server: KeyServer, shelf: KeySources, source: KeyUrl) -> None:
        server.gate = asyncio.Event()
        waiting = [asyncio.create_task(find(shelf, source, "old", number)) for number in range(20)]
        await server.arrivals.acquire()
        server.gate.set()
        assert {key.kid for key in await asyncio.gather(*waiting)} == {"old"}
        assert server.hits == 1

    on_server(scenario)


def test_who_knows_the_key_does_not_wait_for_a_slow_source() -> None:
    async def scenario(server: KeyServer, shelf: KeySources, source: KeyUrl) -> None:
        await find(shelf, source, "old")
        server.gate = asyncio.Event()
        slow = asyncio.create_task(find(shelf, source, "old", 300_000))
        for _ in range(2):
            await server.arrivals.acquire()
        assert (await find(shelf, source, "old", 300_001)).kid == "old"
        assert not slow.done()
        server.gate.set()
        await slow

    on_server(scenario)


def test_who_gives_up_waiting_spoils_nothing() -> None:
    async def scenario(server: KeyServer, shelf: KeySources, source: KeyUrl) -> None:
        server.gate = asyncio.Event()
        first, second = (asyncio.create_task(find(shelf, source, "old")) for _ in range(2))
        await server.arrivals.acquire()
        first.cancel()
        server.gate.set()
        assert (await second).kid == "old"

    on_server(scenario)


def test_a_failing_source_keeps_the_old_keys_for_an_hour_and_then_proves_nobody() -> None:
    async def scenario(server: KeyServer, shelf: KeySources, source: KeyUrl) -> None:
        await find(shelf, source, "old")
        server.status = "503 Down"
        assert (await find(shelf, source, "old", MAX_AGE_MS - 1)).kid == "old"
        await find(shelf, source, "old", MAX_AGE_MS - 1)
        assert server.hits == 2
        await lost(find(shelf, source, "old", MAX_AGE_MS), Code.FAULT_IDENTITY)
        server.status = "200 OK"
        assert (await find(shelf, source, "old", MAX_AGE_MS + RETRY_MS)).kid == "old"

    on_server(scenario)


def test_a_source_that_never_answered_is_a_fault_and_is_not_hammered() -> None:
    async def scenario(server: KeyServer, shelf: KeySources, source: KeyUrl) -> None:
        for later in (0, 1, RETRY_MS - 1):
            with pytest.raises(Fault) as caught:
                await find(shelf, source, "old", later)
            assert caught.value.code is Code.FAULT_IDENTITY
            assert caught.value.retry_after_s == 10
        assert server.hits == 1
        server.status = "200 OK"
        assert (await find(shelf, source, "old", RETRY_MS)).kid == "old"

    on_server(scenario, status="500 Broken")


def test_a_clock_that_went_back_makes_keys_stale_instead_of_eternal() -> None:
    async def scenario(server: KeyServer, shelf: KeySources, source: KeyUrl) -> None:
        await find(shelf, source, "old")
        await find(shelf, source, "old", -5000)
        assert server.hits == 1
        await find(shelf, source, "old", -3_600_000)
        assert server.hits == 2

    on_server(scenario)


ODD_ANSWERS: dict[str, dict[str, Any]] = {
    "a redirect": {"status": "302 Found", "headers": "Location: /elsewhere\r\n"},
    "a compressed body": {"headers": "Content-Encoding: gzip\r\n"},
    "no answer": {"silent": True},
    "not found": {"status": "404 Not Found"},
    "no content": {"status": "204 No Content"},
}


@pytest.mark.parametrize("case", ODD_ANSWERS)
def test_an_odd_answer_is_a_fault(case: str) -> None:
    async def scenario(server: KeyServer, shelf: KeySources, source: KeyUrl) -> None:
        await lost(find(shelf, source, "old"), Code.FAULT_IDENTITY)
        assert server.hits == 1

    on_server(scenario, **ODD_ANSWERS[case])


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"keys":{}}', b'{"keys":[1]}', b'{"keys":[]}', b'{"keys":[],"keys":[]}', b"\xff", b" " * (MAX_DOCUMENT + 1)],
    ids=range(9),
)
def test_an_unreadable_document_is_a_fault(body: bytes, tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(body)

    async def scenario(server: KeyServer, shelf: KeySources, source: KeyUrl) -> None:
        server.body = body
        for each in (
            source,
            KeyFile(path=str(path)),
            SpiffeBundleFile(path=str(path), trust_domain="td"),
            SpiffeBundleUrl(url=source.url, trust_domain="td"),
        ):
            await lost(find(shelf, each, "old"), Code.FAULT_IDENTITY)

    on_server(scenario)


def test_the_request_carries_nothing_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    async def scenario(server: KeyServer, shelf: KeySources, source: KeyUrl) -> None:
        await find(shelf, source, "old")
        head = server.requests[0].lower()
        assert f"\r\nhost: {source.url.split('/')[2]}\r\n".encode() in head
        assert b"authorization" not in head
        assert b"cookie" not in head

    on_server(scenario)


def test_a_name_is_dialled_at_the_address_that_was_checked() -> None:
    async def scenario(server: KeyServer, shelf: KeySources, source: KeyUrl) -> None:
        named = KeyUrl(url=source.url.replace("127.0.0.1", "localhost"))
        assert (await find(shelf, named, "old")).kid == "old"
        assert b"localhost" in server.requests[0]
        await lost(find(sources(allow_loopback=False), named, "old"), Code.FAULT_IDENTITY)
        await lost(find(sources(allow_loopback=False), KeyUrl(url=named.url.replace("http:", "https:")), "old"), Code.FAULT_IDENTITY)
        assert server.hits == 1

    on_server(scenario)


def test_only_a_certificate_for_the_name_is_believed(tmp_path: Path) -> None:
    right, trusted = tls_pair(tmp_path, "localhost")
    wrong, trusted_too = tls_pair(tmp_path, "evil.example")

    async def fetch(tls: ssl.SSLContext, client: ssl.SSLContext) -> bytes:
        async with KeyServer(tls=tls, body=b"{}") as server:
            return await Fetcher(allow_loopback=True, tls=client).fetch(server.url.replace("127.0.0.1", "localhost"))

    assert asyncio.run(fetch(right, trusted)) == b"{}"
    for tls, client in ((right, TLS), (wrong, trusted_too)):
        asyncio.run(lost(fetch(tls, client), Code.FAULT_IDENTITY))


def test_a_file_is_read_again_like_an_address(tmp_path: Path) -> None:
    path = write_json(tmp_path / "keys.json", OLD)
    source = KeyFile(path=str(path))

    async def run() -> None:
        shelf = sources()
        assert (await find(shelf, source, "old")).kid == "old"
        write_json(path, NEW)
        assert (await find(shelf, source, "new")).kid == "new"
        path.unlink()
        assert (await find(shelf, source, "new", 300_000)).kid == "new"
        await lost(find(shelf, source, "new", MAX_AGE_MS), Code.FAULT_IDENTITY)

    asyncio.run(run())


def test_a_bundles_own_hint_says_when_it_is_due(tmp_path: Path) -> None:
    bundle = {"keys": [jwk("ES256", "old", kid="old", use="jwt-svid")], "spiffe_refresh_hint": 60}
    path = write_json(tmp_path / "bundle.json", bundle)
    source = SpiffeBundleFile(path=str(path), trust_domain="td")

    async def run() -> None:
        shelf = sources()
        await find(shelf, source, "old")
        write_json(path, {"keys": [jwk("ES256", "new", kid="new", use="jwt-svid")]})
        await find(shelf, source, "old", 59_999)
        await lost(find(shelf, source, "old", 60_000), Code.CREDENTIAL_WRONG_KEY)

    asyncio.run(run())


@pytest.mark.parametrize(("hint", "expected"), [(0, 10_000), (60, 60_000), (10**9, 3_600_000)])
def test_a_hint_is_kept_within_bounds(hint: int, expected: int) -> None:
    assert verify_bundle({"keys": [jwk("ES256", kid="k", use="jwt-svid")], "spiffe_refresh_hint": hint}).refresh_ms == expected


@pytest.mark.parametrize("hint", [-1, "60", True, 1.5], ids=repr)
def test_a_hint_that_is_no_number_of_seconds_spoils_the_bundle(hint: Any) -> None:
    with pytest.raises(Refused):
        verify_bundle({"keys": [jwk("ES256", kid="k", use="jwt-svid")], "spiffe_refresh_hint": hint})


SKIPPED = [
    {"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"},
    {"kty": "OKP", "crv": "X25519", "x": "AA"},
    {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA"},
    jwk("RS256", kid="enc", use="enc"),
    jwk("ES256", kid="ops", key_ops=["deriveKey"]),
]


def test_keys_for_other_purposes_are_skipped() -> None:
    assert [key.kid for key in verify_jwks({"keys": [*SKIPPED, jwk("ES256", kid="mine")]}).keys] == ["mine"]
    with pytest.raises(Refused):
        verify_jwks({"keys": SKIPPED})


good = jwk("ES256", kid="k")
rsa = jwk("RS256", kid="k")
SPOILED: dict[str, dict[str, Any]] = {
    "symmetric": {"kty": "oct", "k": "AAAA"},
    "symmetric without its secret": {"kty": "oct", "kid": "k"},
    **{f"private {name}": {**good, name: "AAAA"} for name in ("d", "p", "q", "dp", "dq", "qi", "k", "oth")},
    "off the curve": {**good, "x": "A" * 43},
    "short coordinate": {**good, "x": good["x"][:40]},
    "padded coordinate": {**good, "x": good["x"] + "="},
    "no y": {name: value for name, value in good.items() if name != "y"},
    "number as kid": {**good, "kid": 7},
    "small RSA": {**rsa, "n": rsa["n"][:171]},
    "huge RSA": {**rsa, "n": rsa["n"] * 5},
    "RSA with leading zero": {**rsa, "e": "AAEAAQ"},
    "RSA with exponent 1": {**rsa, "e": "AQ"},
    "RSA with exponent 3": {**rsa, "e": "Aw"},
    "even RSA exponent": {**rsa, "e": "AQAC"},
    "short Ed25519": {"kty": "OKP", "crv": "Ed25519", "x": "AAAA"},
}


@pytest.mark.parametrize("case", SPOILED)
def test_a_bad_or_secret_key_spoils_the_whole_set(case: str) -> None:
    for bad in ({"keys": [SPOILED[case]]}, {"keys": [good, {**SPOILED[case]}]}):
        with pytest.raises(Refused) as caught:
            verify_jwks(bad)
        assert caught.value.code is Code.REQUEST_MALFORMED


@settings(max_examples=150)
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.text(max_size=5)
        | st.sampled_from(["EC", "RSA", "OKP", "P-256", "Ed25519", "sig", "jwt-svid", "AQAB", good["x"], good["y"], rsa["n"]]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["keys", "kty", "crv", "x", "y", "n", "e", "use", "kid", "alg", "key_ops", "spiffe_refresh_hint"]),
                inner,
                max_size=8,
            )
        ),
        max_leaves=14,
    )
)
def test_no_json_breaks_the_readers(value: Any) -> None:
    for read in (verify_jwks, verify_bundle):
        for candidate in (value, {"keys": [value]}):
            assert refusal(partial(read, candidate)) in {None, Code.REQUEST_MALFORMED}


INSIDE = [
    "0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "192.0.0.1", "192.0.2.1", "192.168.1.1", "198.18.0.1", "224.0.0.1", "240.0.0.1",
    "255.255.255.255", "::", "::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::a00:1", "64:ff9b::7f00:1", "2002:a00:1::", "2002:7f00:1::", "2001::1", "fc00::1", "fe80::1", "ff02::1", "ff0e::1", "2001:db8::1", "fec0::1",
]  # fmt: skip


@pytest.mark.parametrize("text", INSIDE)
def test_a_special_use_address_is_refused(text: str) -> None:
    with pytest.raises(Refused) as caught:
        verify_address(ipaddress.ip_address(text), allow_loopback=False)
    assert caught.value.code is Code.REQUEST_MALFORMED


@pytest.mark.parametrize("text", ["1.1.1.1", "2606:4700:4700::1111", "64:ff9b::101:101"])
def test_a_public_address_is_taken(text: str) -> None:
    address = ipaddress.ip_address(text)
    assert verify_address(address, allow_loopback=False) is address


@pytest.mark.parametrize("text", ["10.0.0.1", "169.254.169.254", "::ffff:10.0.0.1", "fe80::1", "0.0.0.0"])
def test_allowing_loopback_opens_nothing_else(text: str) -> None:
    with pytest.raises(Refused):
        verify_address(ipaddress.ip_address(text), allow_loopback=True)


@pytest.mark.parametrize(
    "url",
    [
        "http://keys.example/jwks",
        "ftp://keys.example/",
        "file:///etc/passwd",
        "https://",
        "https://user@keys.example/",
        "https://user:secret@keys.example/",
        "https://keys.example/#a",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:169.254.169.254]/",
        "//keys.example/",
        "keys.example",
        "",
        "https://[",
        "https://a:99999999/",
        "https://\x00",
    ],
)
def test_an_address_that_is_not_plain_https_is_refused(url: str) -> None:
    with pytest.raises(Refused) as caught:
        verify_url(url, allow_loopback=False)
    assert caught.value.code is Code.REQUEST_MALFORMED


def test_http_off_loopback_is_refused_even_where_loopback_is_allowed() -> None:
    fetcher = Fetcher(allow_loopback=True, tls=TLS)
    asyncio.run(lost(fetcher._resolve(httpx.URL("http://1.1.1.1/keys")), Code.REQUEST_MALFORMED))
    assert asyncio.run(fetcher._resolve(httpx.URL("https://1.1.1.1/keys"))) == ipaddress.ip_address("1.1.1.1")


@settings(max_examples=100)
@given(st.text(max_size=30) | st.text("htps:/.[]@#%a1", max_size=30).map(lambda text: f"https://{text}"))
def test_no_address_breaks_the_reader(url: str) -> None:
    assert refusal(partial(verify_url, url, allow_loopback=True)) in {None, Code.REQUEST_MALFORMED}


def test_keys_written_into_a_registration_that_went_bad_are_a_fault() -> None:
    asyncio.run(lost(find(sources(), InlineKeys(jwks={"keys": [{"kty": "oct", "k": "AAAA"}]}), "k"), Code.FAULT_IDENTITY))


def test_only_so_many_sources_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_sources, "MAX_SOURCES", 2)
    files = [KeyFile(path=str(write_json(tmp_path / f"{number}.json", OLD))) for number in range(5)]

    async def run() -> None:
        shelf = sources()
        for source in files:
            await find(shelf, source, "old")
        assert list(shelf._shelves) == files[-2:]
        assert (await find(shelf, files[0], "old")).kid == "old"

    asyncio.run(run())


def test_an_address_is_tried_when_it_is_registered() -> None:
    async def run() -> None:
        clients = AssertionClients(allow_loopback=True, tls=TLS)
        async with KeyServer() as server:
            registration = Registration(
                client_id="shop",
                actor="agent_shop",
                operator=OperatorId("helper.example"),
                method=ClientMethod.PRIVATE_KEY_JWT,
                keys=KeyUrl(url=server.url),
            )
            await lost(clients.verify_registration(unverified=registration, now=NOW), Code.FAULT_IDENTITY)
            server.publish(OLD)
            assert await clients.verify_registration(unverified=registration, now=at(RETRY_MS)) is registration
            assert server.hits == 2

    asyncio.run(run())
