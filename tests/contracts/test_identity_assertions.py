"""The contract of `ClientVerifier`: who is proved by a client assertion, and who is not."""

import asyncio
import hmac
import json
import ssl
import string
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.identity_minting import (
    ISSUER,
    NOW,
    NOW_S,
    assertion_claims,
    jwk,
    mint,
    private_key,
    raw_sign,
    refusal,
    segment,
    svid_claims,
    without,
    write_json,
)
from remit.adapters.identity.assertions import AssertionClients
from remit.domain.errors import Code, Fault, Refused
from remit.domain.identity.assertions import CLIENT_ALGORITHMS, AssertionType, claimed_client
from remit.domain.ids import OperatorId
from remit.domain.values import Instant
from remit.ports.identity import ClientMethod, InlineKeys, KeyFile, KeySource, KeyUrl, ProvedClient, Registration, SpiffeBundleFile
from remit.proof.canonical import b64url

ALGORITHMS = list(CLIENT_ALGORITHMS)
HEADER = {"alg": "ES256", "kid": "k1", "typ": "client-authentication+jwt"}
TLS = ssl.create_default_context()
BEARER, SPIFFE = AssertionType.JWT_BEARER, AssertionType.JWT_SPIFFE


def registration(*jwks: dict[str, Any], **changes: Any) -> Registration:
    keys = InlineKeys(jwks={"keys": list(jwks) or [jwk("ES256", kid="k1")]})
    members = {
        "client_id": "shop",
        "actor": "agent_shop",
        "operator": OperatorId("helper.example"),
        "method": ClientMethod.PRIVATE_KEY_JWT,
        "keys": keys,
    }
    return Registration(**{**members, **changes})


def prove(token: str, registered: Registration | None = None, kind: str = BEARER, now: Instant = NOW) -> ProvedClient:
    clients = AssertionClients(allow_loopback=False, tls=TLS)
    return asyncio.run(
        clients.verify_client(
            unverified_type=kind, unverified_assertion=token, registration=registered or registration(), issuer=ISSUER, now=now
        )
    )


def code_of(token: str, registered: Registration | None = None, kind: str = BEARER) -> Code:
    with pytest.raises(Refused) as caught:
        prove(token, registered, kind)
    return caught.value.code


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_sound_assertion_proves_its_client(alg: str) -> None:
    proved = prove(mint({**HEADER, "alg": alg}, assertion_claims()), registration(jwk(alg, kid="k1", use="sig")))
    assert (proved.client_id, proved.actor, proved.jti, proved.expires_at) == ("shop", "agent_shop", "a-1", (NOW_S + 60) * 1000)
    assert proved.replay_key


@pytest.mark.parametrize("typ", [None, "client-authentication+jwt", "application/client-authentication+jwt", "JWT", "jwt"])
def test_the_type_may_be_absent_or_say_what_it_is(typ: str | None) -> None:
    header = without(HEADER, "typ") | ({} if typ is None else {"typ": typ})
    assert prove(mint(header, assertion_claims())).client_id == "shop"


@pytest.mark.parametrize("typ", ["at+jwt", "dpop+jwt", "", 1, None, ["JWT"]], ids=repr)
def test_another_kind_of_token_is_no_assertion(typ: object) -> None:
    assert code_of(mint({**HEADER, "typ": typ}, assertion_claims())) is Code.CREDENTIAL_MALFORMED


@pytest.mark.parametrize(
    "audience",
    [
        f"{ISSUER}/oauth/token",
        f"{ISSUER}/oauth/par",
        f"{ISSUER}/",
        ISSUER.upper(),
        [ISSUER],
        [ISSUER, f"{ISSUER}/oauth/token"],
        [],
        None,
        {"a": ISSUER},
        "",
    ],
)
def test_only_our_issuer_alone_and_as_one_text_is_our_audience(audience: object) -> None:
    assert code_of(mint(HEADER, assertion_claims(aud=audience))) is Code.CREDENTIAL_WRONG_AUDIENCE


DEFECTS: dict[str, tuple[dict[str, Any], Code]] = {
    "no aud": (without(assertion_claims(), "aud"), Code.CREDENTIAL_WRONG_AUDIENCE),
    "no exp": (without(assertion_claims(), "exp"), Code.CREDENTIAL_MALFORMED),
    "no jti": (without(assertion_claims(), "jti"), Code.CREDENTIAL_MALFORMED),
    "empty jti": (assertion_claims(jti=""), Code.CREDENTIAL_MALFORMED),
    "long jti": (assertion_claims(jti="j" * 257), Code.CREDENTIAL_MALFORMED),
    "number as jti": (assertion_claims(jti=7), Code.CREDENTIAL_MALFORMED),
    "no iss": (without(assertion_claims(), "iss"), Code.AGENT_UNKNOWN),
    "no sub": (without(assertion_claims(), "sub"), Code.AGENT_UNKNOWN),
    "another iss": (assertion_claims(iss="bank"), Code.AGENT_UNKNOWN),
    "another sub": (assertion_claims(sub="bank"), Code.AGENT_UNKNOWN),
    "another client": (assertion_claims(iss="bank", sub="bank"), Code.AGENT_UNKNOWN),
    "expired": (assertion_claims(exp=NOW_S), Code.CREDENTIAL_EXPIRED),
    "lives too long": (assertion_claims(exp=NOW_S + 601), Code.CREDENTIAL_MALFORMED),
    "was made long ago": (assertion_claims(iat=NOW_S - 3600), Code.CREDENTIAL_MALFORMED),
    "from the future": (assertion_claims(iat=NOW_S + 61), Code.CREDENTIAL_EXPIRED),
    "not yet": (assertion_claims(nbf=NOW_S + 61), Code.CREDENTIAL_EXPIRED),
    "text as exp": (assertion_claims(exp=str(NOW_S + 60)), Code.CREDENTIAL_MALFORMED),
    "true as exp": (assertion_claims(exp=True), Code.CREDENTIAL_MALFORMED),
    "null exp": (assertion_claims(exp=None), Code.CREDENTIAL_MALFORMED),
    "negative iat": (assertion_claims(iat=-1), Code.CREDENTIAL_MALFORMED),
}


@pytest.mark.parametrize("case", DEFECTS)
def test_a_defective_claim_is_refused(case: str) -> None:
    claims, code = DEFECTS[case]
    assert code_of(mint(HEADER, claims)) is code


def test_the_edges_of_time_are_kept() -> None:
    for claims in (
        assertion_claims(exp=NOW_S + 600),
        assertion_claims(exp=NOW_S + 1),
        assertion_claims(iat=NOW_S + 60),
        without(assertion_claims(), "iat"),
    ):
        assert prove(mint(HEADER, claims)).client_id == "shop"
    assert prove(mint(HEADER, assertion_claims(exp=NOW_S + 1)), now=Instant(NOW + 999)).client_id == "shop"


def test_a_time_with_a_fraction_is_read_exactly() -> None:
    assert prove(mint(HEADER, assertion_claims(exp=NOW_S + 0.5))).expires_at == NOW + 500


def secret_hs256(secret: bytes) -> str:
    signing_input = f"{segment({**HEADER, 'alg': 'HS256'})}.{segment(assertion_claims())}"
    return f"{signing_input}.{b64url(hmac.digest(secret, signing_input.encode(), 'sha256'))}"


def test_the_public_key_is_no_hmac_secret() -> None:
    public = private_key("ES256").public_key()
    spellings = [
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        json.dumps(jwk("ES256")).encode(),
        b"",
    ]
    for secret in spellings:
        assert code_of(secret_hs256(secret)) is Code.CREDENTIAL_MALFORMED


@pytest.mark.parametrize(
    "alg", ["none", "None", "NONE", "nOnE", "", "HS256", "HS512", "ES256K", "RS1", "ES512", "RS512", 256, None, ["ES256"]], ids=repr
)
def test_no_other_algorithm_is_taken(alg: object) -> None:
    head, payload = segment({**HEADER, "alg": alg}), segment(assertion_claims())
    for signature in ("", b64url(raw_sign("ES256", f"{head}.{payload}".encode()))):
        assert code_of(f"{head}.{payload}.{signature}") is Code.CREDENTIAL_MALFORMED


@pytest.mark.parametrize("registered", ALGORITHMS)
@pytest.mark.parametrize("claimed", ALGORITHMS)
def test_a_key_is_used_with_its_own_algorithms_only(registered: str, claimed: str) -> None:
    families = [{"PS256", "RS256"}, {"EdDSA", "Ed25519"}]
    same = registered == claimed or {registered, claimed} in families
    token = mint({**HEADER, "alg": claimed}, assertion_claims(), alg=registered if not same else claimed)
    registered_keys = registration(jwk(registered, kid="k1"))
    if same:
        assert prove(token, registered_keys).client_id == "shop"
    else:
        assert code_of(token, registered_keys) is Code.CREDENTIAL_WRONG_KEY


def test_an_alg_in_the_registered_key_pins_it() -> None:
    pinned = registration(jwk("RS256", kid="k1", alg="PS256"))
    assert (
        prove(mint({**HEADER, "alg": "PS256"}, assertion_claims()), registration(jwk("PS256", kid="k1", alg="PS256"))).client_id == "shop"
    )
    assert code_of(mint({**HEADER, "alg": "RS256"}, assertion_claims()), pinned) is Code.CREDENTIAL_WRONG_KEY


def signed_by_hand(signature: bytes) -> str:
    return f"{segment(HEADER)}.{segment(assertion_claims())}.{b64url(signature)}"


def test_signatures_of_another_form_are_refused() -> None:
    signing_input = f"{segment(HEADER)}.{segment(assertion_claims())}".encode()
    raw = raw_sign("ES256", signing_input)
    der = private_key("ES256").sign(signing_input, ec.ECDSA(SHA256()))
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    r, s = raw[:32], int.from_bytes(raw[32:], "big")
    wrong = [
        der,
        bytes(64),
        raw[:32] + bytes(32),
        bytes(32) + raw[32:],
        raw[:-1],
        raw + b"\x00",
        raw[:32] + b"\x00" + raw[32:],
        b"\x00" + raw,
        raw[::-1],
        r + order.to_bytes(32, "big"),
    ]
    assert prove(signed_by_hand(raw)).client_id == "shop"
    assert s < order
    for signature in wrong:
        assert code_of(signed_by_hand(signature)) is Code.CREDENTIAL_WRONG_KEY


def test_a_token_has_one_spelling() -> None:
    head, payload, signature = mint(HEADER, assertion_claims()).split(".")
    last = {"A": "B", "Q": "R", "g": "h", "w": "x"}[signature[-1]]
    for token in (
        f"{head}.{payload}.{signature[:-1]}{last}",
        f"{head}.{payload}.{signature}==",
        f"{head}.{payload}.{signature} ",
        f"{head}.{payload}\n.{signature}",
        f" {head}.{payload}.{signature}",
        f"{head}.{payload}.{signature}.",
        f"{head}..{signature}",
        f"{head}.{payload}.{signature[:4]}+{signature[5:]}",
        f"{head}.{payload}.{signature}é",
    ):
        assert code_of(token) is Code.CREDENTIAL_MALFORMED


def test_a_doubled_claim_is_refused() -> None:
    payload = b64url(b'{"iss":"shop","iss":"bank"}')
    assert code_of(f"{segment(HEADER)}.{payload}.AAAA") is Code.CREDENTIAL_MALFORMED


@pytest.mark.parametrize("extra", [{"crit": ["exp"], "exp": 1}, {"crit": []}, {"b64": False}, {"zip": "DEF"}])
def test_what_changes_the_meaning_of_a_header_is_refused(extra: dict[str, Any]) -> None:
    assert code_of(mint({**HEADER, **extra}, assertion_claims())) is Code.CREDENTIAL_MALFORMED


@pytest.mark.parametrize("name", ["jwk", "jku", "x5u", "x5c"])
def test_a_key_that_the_token_brings_along_is_never_used(name: str) -> None:
    brought = {"jwk": jwk("ES256", "thief"), "jku": "https://thief.example/keys", "x5u": "https://thief.example/c", "x5c": ["AAAA"]}[name]
    assert code_of(mint({**HEADER, name: brought}, assertion_claims(), name="thief")) is Code.CREDENTIAL_WRONG_KEY


def test_the_kid_chooses_and_nothing_is_tried() -> None:
    two = registration(jwk("ES256", "a", kid="a"), jwk("ES256", "b", kid="b"))
    assert prove(mint({**HEADER, "kid": "a"}, assertion_claims(), name="a"), two).client_id == "shop"
    assert code_of(mint({**HEADER, "kid": "b"}, assertion_claims(), name="a"), two) is Code.CREDENTIAL_WRONG_KEY
    assert code_of(mint({**HEADER, "kid": "c"}, assertion_claims(), name="a"), two) is Code.CREDENTIAL_WRONG_KEY
    assert code_of(mint(without(HEADER, "kid"), assertion_claims(), name="a"), two) is Code.CREDENTIAL_WRONG_KEY


def test_two_keys_of_one_name_are_no_key() -> None:
    twins = registration(jwk("ES256", "a", kid="k1"), jwk("ES256", "b", kid="k1"))
    assert code_of(mint(HEADER, assertion_claims(), name="a"), twins) is Code.CREDENTIAL_WRONG_KEY


def test_without_a_kid_the_only_fitting_key_is_meant() -> None:
    nameless = without(HEADER, "kid")
    assert prove(mint(nameless, assertion_claims()), registration(jwk("ES256"))).client_id == "shop"
    assert prove(mint(nameless, assertion_claims()), registration(jwk("ES256", kid="a"), jwk("RS256", kid="b"))).client_id == "shop"


def test_the_key_of_another_client_proves_nobody() -> None:
    assert code_of(mint(HEADER, assertion_claims(), name="another client")) is Code.CREDENTIAL_WRONG_KEY


def test_a_wrong_key_is_answered_with_what_cures_a_client_whatever_was_wrong_with_it(tmp_path: Path) -> None:
    svid = {"alg": "ES256", "kid": "ES256"}
    cases = {
        BEARER: (
            registration(),
            [
                mint({**HEADER, "kid": "k2"}, assertion_claims()),
                mint(HEADER, assertion_claims(), name="thief"),
                mint({**HEADER, "alg": "RS256"}, assertion_claims()),
            ],
        ),
        SPIFFE: (
            spiffe_registration(tmp_path),
            [
                mint({**svid, "kid": "k2"}, svid_claims()),
                mint(svid, svid_claims(), name="thief"),
                mint({**svid, "alg": "RS256"}, svid_claims()),
            ],
        ),
    }
    said: dict[AssertionType, set[str]] = {kind: set() for kind in cases}
    for kind, (registered, tokens) in cases.items():
        for token in tokens:
            with pytest.raises(Refused) as caught:
                prove(token, registered, kind)
            assert caught.value.code is Code.CREDENTIAL_WRONG_KEY
            assert caught.value.public
            said[kind].add(caught.value.public_cure)
    assert [len(cures) for cures in said.values()] == [1, 1]
    assert all("key set this client is registered with" in cure for cure in said[BEARER])
    assert all("fresh JWT-SVID" in cure and "trust bundle" in cure for cure in said[SPIFFE])


def test_the_registered_method_is_the_only_one(tmp_path: Path) -> None:
    spiffe = spiffe_registration(tmp_path)
    assert code_of(mint(HEADER, assertion_claims()), spiffe) is Code.CREDENTIAL_MALFORMED
    assert code_of(mint({"alg": "ES256", "kid": "k1"}, svid_claims()), registration(), SPIFFE) is Code.CREDENTIAL_MALFORMED
    assert (
        code_of(mint(HEADER, assertion_claims()), kind="urn:ietf:params:oauth:client-assertion-type:saml2-bearer")
        is Code.CREDENTIAL_MALFORMED
    )


def test_replay_keys_differ_by_client_and_jti_and_by_nothing_else() -> None:
    bank = registration(client_id="shop2")
    first = prove(mint(HEADER, assertion_claims())).replay_key
    assert prove(mint(HEADER, assertion_claims(exp=NOW_S + 90))).replay_key == first
    assert prove(mint(HEADER, assertion_claims(jti="a-2"))).replay_key != first
    assert prove(mint(HEADER, assertion_claims(iss="shop2", sub="shop2")), bank).replay_key != first


def test_the_claimed_client_can_be_looked_up_before_anything_is_proved() -> None:
    assert claimed_client(BEARER, mint(HEADER, assertion_claims(), name="anybody")) == "shop"
    assert claimed_client(SPIFFE, mint({"alg": "ES256"}, svid_claims())) == "spiffe://helper.example/agent/shop"
    for kind, token in (
        ("unknown", mint(HEADER, assertion_claims())),
        (BEARER, mint(HEADER, assertion_claims(iss="bank"))),
        (BEARER, mint(HEADER, without(assertion_claims(), "sub"))),
        (SPIFFE, mint(HEADER, assertion_claims())),
        (BEARER, "x"),
        (BEARER, "x" * 20_000),
    ):
        with pytest.raises(Refused) as caught:
            claimed_client(kind, token)
        assert caught.value.code is Code.CREDENTIAL_MALFORMED


def spiffe_registration(folder: Path, **changes: Any) -> Registration:
    path = write_json(folder / "bundle.json", {"keys": [jwk(alg, kid=alg, use="jwt-svid") for alg in ("ES256", "ES384", "ES512", "RS256")]})
    members: dict[str, Any] = {
        "client_id": "shop",
        "actor": "spiffe://helper.example/agent/*",
        "operator": OperatorId("helper.example"),
        "method": ClientMethod.SPIFFE_JWT,
        "keys": SpiffeBundleFile(path=str(path), trust_domain="helper.example"),
        "spiffe_id": "spiffe://helper.example/agent/*",
    }
    return Registration(**{**members, **changes})


@pytest.mark.parametrize("alg", ["ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"])
def test_every_algorithm_of_a_jwt_svid_is_taken(alg: str, tmp_path: Path) -> None:
    kid = alg if alg.startswith("ES") else "RS256"
    proved = prove(mint({"alg": alg, "kid": kid}, svid_claims()), spiffe_registration(tmp_path), SPIFFE)
    assert (proved.actor, proved.jti, proved.replay_key) == ("spiffe://helper.example/agent/shop", None, None)


@pytest.mark.parametrize(
    "audience", [[ISSUER, "https://other.example"], ["https://other.example"], [], None, f"{ISSUER}/oauth/token", [[ISSUER]]]
)
def test_a_shared_svid_is_refused(audience: object, tmp_path: Path) -> None:
    token = mint({"alg": "ES256", "kid": "ES256"}, svid_claims(aud=audience))
    assert code_of(token, spiffe_registration(tmp_path), SPIFFE) is Code.CREDENTIAL_WRONG_AUDIENCE


def test_an_svid_that_lives_longer_than_an_hour_is_refused(tmp_path: Path) -> None:
    token = mint({"alg": "ES256", "kid": "ES256"}, svid_claims(exp=NOW_S + 3601))
    assert code_of(token, spiffe_registration(tmp_path), SPIFFE) is Code.CREDENTIAL_MALFORMED


@pytest.mark.parametrize(
    "subject", ["spiffe://helper.example/agent", "spiffe://helper.example/agents/shop", "spiffe://else.example/agent/shop"]
)
def test_a_workload_outside_the_pattern_is_unknown(subject: str, tmp_path: Path) -> None:
    token = mint({"alg": "ES256", "kid": "ES256"}, svid_claims(sub=subject))
    assert code_of(token, spiffe_registration(tmp_path), SPIFFE) is Code.AGENT_UNKNOWN


def test_an_exact_registration_may_act_under_the_desks_own_name(tmp_path: Path) -> None:
    exact = spiffe_registration(tmp_path, actor="agent_shop", spiffe_id="spiffe://helper.example/agent/shop")
    assert prove(mint({"alg": "ES256", "kid": "ES256"}, svid_claims()), exact, SPIFFE).actor == "agent_shop"


WRONG_SPIFFE: dict[str, dict[str, Any]] = {
    "a shared name hides who acts": {"actor": "agent_shop"},
    "the actor is another workload": {"actor": "spiffe://helper.example/agent/bank"},
    "no pattern": {"spiffe_id": None},
    "a pattern in another trust domain": {"spiffe_id": "spiffe://else.example/*", "actor": "spiffe://else.example/*"},
    "keys that are no bundle": {"keys": InlineKeys(jwks={"keys": []})},
    "a trust domain that is none": {"keys": SpiffeBundleFile(path="x", trust_domain="Else")},
}


@pytest.mark.parametrize("case", WRONG_SPIFFE)
def test_a_registration_that_does_not_fit_together_proves_nobody_and_is_not_taken(case: str, tmp_path: Path) -> None:
    wrong = spiffe_registration(tmp_path, **WRONG_SPIFFE[case])
    assert code_of(mint({"alg": "ES256", "kid": "ES256"}, svid_claims()), wrong, SPIFFE) in {Code.AGENT_UNKNOWN, Code.CREDENTIAL_MALFORMED}
    with pytest.raises(Refused) as caught:
        asyncio.run(AssertionClients(allow_loopback=False, tls=TLS).verify_registration(unverified=wrong, now=NOW))
    assert caught.value.code is Code.REQUEST_MALFORMED


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": ""},
        {"actor": ""},
        {"spiffe_id": "spiffe://helper.example/a"},
        {"keys": SpiffeBundleFile(path="x", trust_domain="helper.example")},
        {"keys": KeyUrl(url="http://127.0.0.1/keys")},
        {"keys": KeyUrl(url="https://169.254.169.254/keys")},
        {"keys": InlineKeys(jwks={})},
        {"keys": InlineKeys(jwks={"keys": [{"kty": "oct", "k": "AAAA"}]})},
    ],
)
def test_a_wrong_registration_is_not_taken(changes: dict[str, Any]) -> None:
    with pytest.raises(Refused) as caught:
        asyncio.run(AssertionClients(allow_loopback=False, tls=TLS).verify_registration(unverified=registration(**changes), now=NOW))
    assert caught.value.code is Code.REQUEST_MALFORMED
    assert caught.value.public


def test_a_sound_registration_is_taken(tmp_path: Path) -> None:
    keys: list[KeySource] = [
        InlineKeys(jwks={"keys": [jwk("ES256")]}),
        KeyFile(path=str(write_json(tmp_path / "k.json", {"keys": [jwk("ES256")]}))),
    ]
    clients = AssertionClients(allow_loopback=False, tls=TLS)
    for one in [registration(keys=key) for key in keys] + [spiffe_registration(tmp_path)]:
        assert asyncio.run(clients.verify_registration(unverified=one, now=NOW)) is one


def test_a_registration_whose_keys_cannot_be_had_is_a_fault(tmp_path: Path) -> None:
    missing = registration(keys=KeyFile(path=str(tmp_path / "none.json")))
    with pytest.raises(Fault) as caught:
        asyncio.run(AssertionClients(allow_loopback=False, tls=TLS).verify_registration(unverified=missing, now=NOW))
    assert caught.value.code is Code.FAULT_IDENTITY


JSONISH = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from([ISSUER, "shop", "ES256", "EC"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["alg", "kid", "typ", "iss", "sub", "aud", "exp", "iat", "nbf", "jti", "crit", "jwk", "keys"]),
            inner,
            max_size=6,
        )
    ),
    max_leaves=8,
)


REFUSALS = {
    None,
    Code.AGENT_UNKNOWN,
    Code.CREDENTIAL_EXPIRED,
    Code.CREDENTIAL_MALFORMED,
    Code.CREDENTIAL_WRONG_AUDIENCE,
    Code.CREDENTIAL_WRONG_KEY,
}


def overlaid(sound: dict[str, Any], change: object) -> object:
    """Mostly sound, so that every check is reached."""
    return {**sound, **change} if isinstance(change, dict) and len(change) < 3 else change


@settings(max_examples=200)
@given(JSONISH, JSONISH)
def test_no_signed_assertion_breaks_the_plug(header: object, claims: object) -> None:
    head, body = segment(overlaid(HEADER, header)), segment(overlaid(assertion_claims(), claims))
    token = f"{head}.{body}.{b64url(raw_sign('ES256', f'{head}.{body}'.encode()))}"
    assert refusal(partial(prove, token)) in REFUSALS


@settings(max_examples=200)
@given(JSONISH, JSONISH)
def test_no_signed_svid_breaks_the_plug(tmp_path_factory: pytest.TempPathFactory, header: object, claims: object) -> None:
    head, body = segment(overlaid({"alg": "ES256", "kid": "ES256"}, header)), segment(overlaid(svid_claims(), claims))
    token = f"{head}.{body}.{b64url(raw_sign('ES256', f'{head}.{body}'.encode()))}"
    assert refusal(partial(prove, token, spiffe_registration(tmp_path_factory.getbasetemp()), SPIFFE)) in REFUSALS


@pytest.mark.parametrize("kind", ["x", BEARER, SPIFFE])
def test_junk_is_refused_for_every_kind(kind: str) -> None:
    for token in (f"{segment({})}.{segment({})}.AA", f"{segment([])}.{segment({})}.AA", f"{segment({})}.{segment(1)}.AA"):
        with pytest.raises(Refused):
            prove(token, kind=kind)


@settings(max_examples=100)
@given(st.text(max_size=60), st.sampled_from([BEARER, SPIFFE]))
def test_no_text_breaks_the_plug(token: str, kind: str) -> None:
    with pytest.raises(Refused):
        prove(token, kind=kind)


_LETTERS = string.ascii_letters + string.digits + "-_"


@settings(max_examples=60)
@given(st.data())
def test_a_flipped_bit_anywhere_proves_nobody(data: st.DataObject) -> None:
    # No draw may depend on the token: each run mints another one.
    token = mint(HEADER, assertion_claims())
    place, step = data.draw(st.integers(0, 10_000)) % len(token), data.draw(st.integers(1, len(_LETTERS) - 1))
    other = _LETTERS[(_LETTERS.find(token[place]) + step) % len(_LETTERS)]
    with pytest.raises(Refused):
        prove(token[:place] + other + token[place + 1 :])
