"""The port to shared signals: the events key, tokens of the parties, addresses, and others' tokens."""

import asyncio
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc.jwk import ECKey, RSAKey

from conformance.ssf_peer import CAEP, Peer, peer_served, read_set, secret_file
from remit.adapters.events.posts import HttpEventPosts
from remit.adapters.events.signer import RsaEventSigner, event_key
from remit.adapters.events.tokens import StaticTokens
from remit.adapters.events.verifier import SetVerifier, discovery_url
from remit.adapters.identity.fetching import Fetcher
from remit.domain.errors import Code, Fault, Refused
from remit.domain.events.kinds import EventEffect
from remit.domain.events.parties import Transmitter
from remit.domain.events.security_event import SetRefused
from remit.domain.values import Instant
from settings_made import settings_made

SHORT = rsa.generate_private_key(65537, 1024).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())  # refused
NOW = Instant(1_790_000_000_000)


@pytest.fixture
def peer() -> Iterator[Peer]:
    with peer_served() as one:
        yield one


def transmitter(issuer: str) -> Transmitter:
    return Transmitter(
        name="login",
        issuer=issuer,
        audience="https://desk.example",
        algorithms=frozenset({"RS256"}),
        customers=True,
        operator="",
        revoked_session=EventEffect.GRANTS,
        private_network=False,
    )


def fetchers(*, allow_loopback: bool) -> dict[bool, Fetcher]:
    tls = ssl.create_default_context()
    return {private: Fetcher(allow_loopback=allow_loopback, tls=tls, allow_private=private) for private in (False, True)}


def verifier() -> SetVerifier:
    return SetVerifier(fetchers(allow_loopback=True), {})


def token(peer: Peer) -> str:
    return peer.sign(
        peer.set(f"{CAEP}session-revoked", {"format": "opaque", "id": "x"}, {}, now_s=NOW // 1000, audience="https://desk.example")
    )


def test_events_are_signed_by_the_first_key_and_all_keys_are_published() -> None:
    keys = [RSAKey.generate_key(2048).as_pem(private=True) for _ in range(2)]
    signer = RsaEventSigner([event_key(pem) for pem in keys])
    claims = '{"iss":"https://desk.example","aud":"x","iat":1,"jti":"1","events":{"https://x.example/y":{}}}'
    assert read_set(signer.sign(claims), signer.jwks())["jti"] == "1"
    assert [one["kid"] for one in signer.jwks()["keys"]] == [RSAKey.import_key(pem).thumbprint() for pem in keys]
    assert all(set(one) == {"alg", "e", "kid", "kty", "n", "use"} for one in signer.jwks()["keys"])


@pytest.mark.parametrize("pem", [b"no key", ECKey.generate_key("P-256").as_pem(private=True), SHORT], ids=["none", "EC", "short"])
def test_another_key_stops_the_start(pem: bytes) -> None:
    with pytest.raises(Refused):
        event_key(pem)


def test_tokens_are_of_one_party_and_of_one_side() -> None:
    one = transmitter("https://login.example")
    tokens = StaticTokens([], [("of-the-login", one)])
    assert tokens.transmitter("of-the-login") is one
    assert tokens.transmitter("of-the-logi") is None
    assert tokens.transmitter("") is None
    assert tokens.receiver("of-the-login") is None


def test_keys_are_discovered_at_the_issuer(peer: Peer) -> None:
    event = asyncio.run(verifier().verify(transmitter(peer.url), token(peer), now=NOW))
    assert (event.issuer, event.type) == (peer.url, f"{CAEP}session-revoked")
    assert discovery_url("https://login.example/tenant/1") == "https://login.example/.well-known/ssf-configuration/tenant/1"


def test_metadata_of_another_issuer_gives_no_keys(peer: Peer) -> None:
    peer.metadata["issuer"] = "https://elsewhere.example"
    with pytest.raises(Fault):
        asyncio.run(verifier().verify(transmitter(peer.url), token(peer), now=NOW))


def test_a_token_of_a_stranger_is_refused_with_its_reason(peer: Peer) -> None:
    forged = peer.sign({"iss": peer.url}, key=RSAKey.generate_key(2048))
    with pytest.raises(SetRefused) as refused:
        asyncio.run(verifier().verify(transmitter(peer.url), forged, now=NOW))
    assert (refused.value.err, refused.value.code) == ("invalid_key", Code.CREDENTIAL_WRONG_KEY)


def test_addresses_inside_are_for_parties_that_the_settings_let_there() -> None:
    posts = HttpEventPosts(fetchers(allow_loopback=False))
    assert posts.verify_url("https://10.0.0.1/x", private_network=True) == "https://10.0.0.1/x"
    for address, private in (("https://10.0.0.1/x", False), ("https://169.254.169.254/", True), ("https://127.0.0.1/", True)):
        with pytest.raises(Refused):
            posts.verify_url(address, private_network=private)


WRONG = [
    ({"receivers": [{"name": "siem", "audience": "x", "token_files": ["t"]}]}, "events.key_files", "openssl genpkey"),
    ({"receivers": [{"name": "S!", "audience": "x", "token_files": ["t"]}], "key_files": ["t"]}, "events.receivers.name", "plain name"),
    ({"receivers": [{"name": "siem", "audience": "x"}], "key_files": ["t"]}, "events.receivers.token_files", "is missing"),
    (
        {
            "receivers": [{"name": "siem", "audience": "x", "token_files": ["t"], "operator": "o.example", "subject": "email"}],
            "key_files": ["t"],
        },
        "events.receivers.subject",
        "opaque",
    ),
    (
        {"receivers": [{"name": "siem", "audience": "x", "token_files": ["t"], "events": ["everything"]}], "key_files": ["t"]},
        "events.receivers.events",
        "session-revoked",
    ),
    (
        {"transmitters": [{"name": "a", "issuer": "https://a.example", "push_token_files": ["t"]}]},
        "events.transmitters.customers",
        "operator",
    ),
    (
        {"transmitters": [{"name": "a", "issuer": "https://a.example", "push_token_files": ["t"], "customers": True}]},
        "events.transmitters.customers",
        "people.oidc",
    ),
    (
        {
            "transmitters": [
                {"name": "a", "issuer": "https://a.example", "push_token_files": ["t"], "operator": "o", "algorithms": ["none"]}
            ]
        },
        "events.transmitters.algorithms",
        "RS256",
    ),
    (
        {"transmitters": [{"name": "a", "issuer": "http://a.example", "push_token_files": ["t"], "operator": "o"}]},
        "events.transmitters.issuer",
        "https",
    ),
    ({"transmitters": [{"name": "a", "issuer": "https://a.example", "operator": "o"}]}, "events.transmitters.push_token_files", "poll_url"),
    (
        {"transmitters": [{"name": one, "issuer": "https://a.example", "push_token_files": ["t"], "operator": "o"} for one in ("a", "b")]},
        "events.transmitters.issuer",
        "differ",
    ),
]


@pytest.mark.parametrize(("table", "key", "cure"), WRONG, ids=lambda one: one if isinstance(one, str) else "")
def test_a_wrong_setting_stops_the_start_with_its_key_and_cure(tmp_path: Path, table: dict[str, object], key: str, cure: str) -> None:
    secret_file(tmp_path, "t")
    with pytest.raises(Refused) as stopped:
        settings_made(tmp_path, events=table)
    assert stopped.value.code is Code.SETTINGS_INVALID
    assert stopped.value.detail.startswith(key)
    assert cure in stopped.value.detail


def test_shared_signals_are_off_unless_set(tmp_path: Path) -> None:
    assert settings_made(tmp_path).events is None
