"""Identities and keys: what is proved, and what is not even sent."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from joserfc import jws, jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from client.fake_desk import DESK, SPIFFE, FakeClock, FakeDesk
from remit.client import Agent, IdentityUnusable, JwtSvidFile, PrivateKeyJwt, new_key
from remit.client.keys import ProofKey

MakeAgent = Callable[..., Agent]
SVID_KEY = ECKey.generate_key("P-256")


def svid(now_s: float, **changed: Any) -> str:
    claims = {"sub": SPIFFE, "aud": [DESK], "exp": int(now_s) + 300} | changed
    return jwt.encode({"alg": "ES256", "kid": "s1"}, claims, SVID_KEY)


def test_a_jwt_svid_is_read_again_for_every_request(desk: FakeDesk, clock: FakeClock, make_agent: MakeAgent, tmp_path: Path) -> None:
    desk.svid_key = SVID_KEY
    path = tmp_path / "svid"
    path.write_text(svid(clock.now_s) + "\n")

    async def main() -> None:
        async with make_agent(identity=JwtSvidFile(path)) as agent, agent.mandate("mandate_1").task() as task:
            clock.turn(295)
            path.write_text(svid(clock.now_s))
            await task.ask("order.read", {})

    asyncio.run(main())
    first, second = (seen.form for seen in desk.requests("/oauth/token"))
    assert first["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-spiffe"
    assert first["client_id"] == SPIFFE
    assert first["client_assertion"] != second["client_assertion"]


@pytest.mark.parametrize(
    "written",
    [
        None,
        "",
        "not a jwt",
        "a.b.c",
        "a.W10.c",
        "\xff",
        "x" * 20_000,
        {"aud": "https://other.example"},
        {"aud": [DESK, "https://other.example"]},
        {"exp": 1},
        {"exp": None},
        {"sub": "ann"},
    ],
)
def test_an_svid_that_is_not_for_this_desk_now_is_not_sent(
    desk: FakeDesk, clock: FakeClock, make_agent: MakeAgent, tmp_path: Path, written: str | dict[str, Any] | None
) -> None:
    path = tmp_path / "svid"
    if written is not None:
        path.write_text(svid(clock.now_s, **written) if isinstance(written, dict) else written, encoding="latin-1")

    async def main() -> None:
        async with make_agent(identity=JwtSvidFile(path)) as agent, agent.mandate("mandate_1").task():
            raise AssertionError("opened")

    with pytest.raises(IdentityUnusable) as caught:
        asyncio.run(main())
    assert desk.requests("/oauth/token") == []
    assert SPIFFE not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "alg"),
    [
        (ECKey.generate_key("P-256"), "ES256"),
        (ECKey.generate_key("P-384"), "ES384"),
        (RSAKey.generate_key(2048), "PS256"),
        (OKPKey.generate_key("Ed25519"), "Ed25519"),
    ],
)
@pytest.mark.parametrize("form", ["key", "pem", "jwk"])
def test_an_assertion_is_signed_by_the_algorithm_of_its_key(key: ECKey | RSAKey | OKPKey, alg: str, form: str) -> None:
    source: Any = {"key": key, "pem": key.as_pem(private=True), "jwk": key.as_dict(private=True)}[form]
    sent = PrivateKeyJwt("client", source, "k1").credentials(issuer=DESK, now_s=1000.4)
    read = jws.deserialize_compact(sent["client_assertion"], key, registry=jws.JWSRegistry(algorithms=[alg]))
    assert read.headers() == {"typ": "client-authentication+jwt", "alg": alg, "kid": "k1"}
    claims = json.loads(read.payload)
    assert len(claims.pop("jti")) >= 22
    assert claims == {"iss": "client", "sub": "client", "aud": DESK, "iat": 1000, "exp": 1060}


def test_no_two_assertions_are_the_same() -> None:
    identity = PrivateKeyJwt("client", new_key())
    sent = {json.dumps(identity.credentials(issuer=DESK, now_s=0)) for _ in range(20)}
    assert len(sent) == 20


@pytest.mark.parametrize(
    "source",
    [
        "no pem",
        b"",
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "d": "AA"},
        {},
        ECKey.generate_key("P-256").as_dict(private=False),
        OKPKey.generate_key("X25519"),
        ECKey.generate_key("secp256k1"),
    ],
)
def test_what_is_no_private_key_is_refused(source: Any) -> None:
    with pytest.raises(IdentityUnusable):
        PrivateKeyJwt("client", source)


@pytest.mark.parametrize("source", [ECKey.generate_key("P-384"), RSAKey.generate_key(2048), OKPKey.generate_key("Ed25519")])
def test_the_proof_key_is_on_p_256(source: Any) -> None:
    with pytest.raises(IdentityUnusable):
        ProofKey(source)


def test_a_password_shaped_key_is_no_key() -> None:
    with pytest.raises(IdentityUnusable):
        ProofKey(OctKey.generate_key().as_dict())


def test_keys_stay_out_of_reprs_and_messages() -> None:
    key = ECKey.generate_key("P-256")
    secret = str(key.as_dict(private=True)["d"])
    assert secret not in repr(PrivateKeyJwt("client", key))
    with pytest.raises(IdentityUnusable) as caught:
        PrivateKeyJwt("client", {"kty": "EC", "crv": "P-256", "x": "!", "y": "!", "d": secret})
    assert secret not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_proof_names_the_address_without_query_and_fragment() -> None:
    proof = ProofKey(new_key()).proof("GET", f"{DESK}/v1/x?wait=30#y", now_s=0)
    assert jws.extract_compact(proof.encode()).payload.decode().count(f'"htu":"{DESK}/v1/x"') == 1
