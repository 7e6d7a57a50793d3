"""The contract of `ProofVerifier`: which DPoP proofs count, for which request. The suite's own defects are in tests/conformance."""

import hmac
import json
from functools import partial
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
    jwk,
    mint,
    private_key,
    proof_claims,
    proof_header,
    raw_sign,
    refusal,
    segment,
    without,
)
from remit.adapters.identity.dpop import DpopProofs
from remit.adapters.identity.keys import verify_jwk
from remit.domain.errors import Code, Refused
from remit.domain.identity.dpop import token_hash
from remit.domain.values import Instant
from remit.ports.identity import Proof
from remit.proof.canonical import b64url

URL = f"{ISSUER}/oauth/token"
HEADER = proof_header()


def check(proof: str, plug: DpopProofs | None = None, **changes: Any) -> Proof:
    terms: dict[str, Any] = {"method": "POST", "url": URL, "now": NOW, "ath": None, "expected_jkt": None}
    return (plug or DpopProofs()).verify_proof(proof, **{**terms, **changes})


def code_of(proof: str, plug: DpopProofs | None = None, **changes: Any) -> Code:
    with pytest.raises(Refused) as caught:
        check(proof, plug, **changes)
    return caught.value.code


@pytest.mark.parametrize("alg", DpopProofs().algorithms())
def test_a_sound_proof_names_its_key(alg: str) -> None:
    proof = check(mint(proof_header(alg), proof_claims(nonce="n-1")))
    assert (proof.jti, proof.iat, proof.nonce) == ("j-1", NOW, "n-1")
    assert check(mint(proof_header(alg), proof_claims()), expected_jkt=proof.jkt).jkt == proof.jkt


def test_the_thumbprint_is_the_one_of_rfc_7638() -> None:
    example = {
        "kty": "RSA",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
        "e": "AQAB",
        "alg": "RS256",
        "kid": "2011-04-29",
    }
    assert verify_jwk(example).jkt == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_another_key_than_the_bound_one_is_refused() -> None:
    assert code_of(mint(HEADER, proof_claims()), expected_jkt="0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I") is Code.CREDENTIAL_WRONG_KEY
    assert code_of(mint(HEADER, proof_claims()), expected_jkt="") is Code.CREDENTIAL_WRONG_KEY


def test_a_key_that_did_not_sign_is_refused() -> None:
    assert code_of(mint(HEADER, proof_claims(), name="thief")) is Code.CREDENTIAL_WRONG_KEY


@pytest.mark.parametrize(("seconds", "sound"), [(-61, False), (-60, True), (0, True), (60, True), (61, False)])
def test_a_proof_counts_for_a_minute_either_way(seconds: int, sound: bool) -> None:
    proof = mint(HEADER, proof_claims(iat=NOW_S + seconds))
    if sound:
        found = check(proof)
        assert found.expires_at > found.iat + 60_000
    else:
        assert code_of(proof) is Code.CREDENTIAL_EXPIRED


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"exp": NOW_S + 30, "nbf": NOW_S - 30}, None),
        ({"exp": NOW_S - 59, "nbf": NOW_S + 60}, None),
        ({"exp": NOW_S - 60}, Code.CREDENTIAL_EXPIRED),
        ({"nbf": NOW_S + 61}, Code.CREDENTIAL_EXPIRED),
        ({"exp": "soon"}, Code.CREDENTIAL_MALFORMED),
        ({"nbf": None}, Code.CREDENTIAL_MALFORMED),
    ],
)
def test_what_a_proof_says_itself_of_its_life_holds(members: dict[str, Any], code: Code | None) -> None:
    assert refusal(partial(check, mint(HEADER, proof_claims(**members)))) is code


@pytest.mark.parametrize("iat", [str(NOW_S), None, True, [NOW_S], -1, 1e15], ids=repr)
def test_a_time_that_is_no_time_is_refused(iat: object) -> None:
    assert code_of(mint(HEADER, proof_claims(iat=iat))) is Code.CREDENTIAL_MALFORMED


@pytest.mark.parametrize("jti", ["", "j" * 257, 7, None, ["j"]], ids=repr)
def test_a_jti_has_1_to_256_characters(jti: object) -> None:
    assert code_of(mint(HEADER, proof_claims(jti=jti))) is Code.CREDENTIAL_MALFORMED
    assert check(mint(HEADER, proof_claims(jti="j" * 256))).jti == "j" * 256


@pytest.mark.parametrize("htm", ["GET", "post", "POST ", "*"])
def test_the_method_is_compared_letter_by_letter(htm: str) -> None:
    assert code_of(mint(HEADER, proof_claims(htm=htm))) is Code.CREDENTIAL_WRONG_AUDIENCE


@pytest.mark.parametrize(
    "htu",
    [
        "https://support.acme.example/oauth/token",
        "HTTPS://SUPPORT.acme.EXAMPLE/oauth/token",
        "https://support.acme.example:443/oauth/token",
        "https://support.acme.example:/oauth/token",
        "https://support.acme.example/oauth/x/../token",
        "https://support.acme.example/./oauth/token",
        "https://support.acme.example/oauth/%74oken",
        "https://support.acme.example/oauth/token?a=1",
        "https://support.acme.example/oauth/token#a",
    ],
)
def test_other_spellings_of_our_address_are_our_address(htu: str) -> None:
    assert check(mint(HEADER, proof_claims(htu=htu))).jti == "j-1"


@pytest.mark.parametrize(
    "htu",
    [
        "http://support.acme.example/oauth/token",
        "https://support.acme.example:8443/oauth/token",
        "https://support.acme.example.evil.example/oauth/token",
        "https://support.acme.example./oauth/token",
        "https://support.acme.example/oauth/token/",
        "https://support.acme.example/oauth//token",
        "https://support.acme.example/OAuth/token",
        "https://support.acme.example/oauth%2Ftoken",
        "https://support.acme.example/oauth/token%20",
        "https://support.acme.example/oauth/token;a",
        "https://support.acme.example",
        "https://support.acme.example/?/oauth/token",
    ],
)
def test_another_address_is_refused(htu: str) -> None:
    assert code_of(mint(HEADER, proof_claims(htu=htu))) is Code.CREDENTIAL_WRONG_AUDIENCE


@pytest.mark.parametrize(
    "htu",
    [
        "/oauth/token",
        "https:///oauth/token",
        "https://user@support.acme.example/oauth/token",
        "https://@support.acme.example/oauth/token",
        "https://support.acme.example\\@evil.example/oauth/token",
        "ftp://support.acme.example/oauth/token",
        "https://support.acme.example/oauth/tok%6",
        "https://support.acme.example/oauth/tok%zz",
        "https://support.acme.example/oauth/to ken",
        "https://support.acme.example/oauth/\ntoken",
        "https://support.acme.example:99999/oauth/token",
        "https://[support/oauth/token",
        "https://süpport.acme.example/oauth/token",
        "",
        "x" * 3000,
        7,
        None,
    ],
    ids=range(17),
)
def test_what_is_no_address_is_refused(htu: object) -> None:
    assert code_of(mint(HEADER, proof_claims(htu=htu))) is Code.CREDENTIAL_MALFORMED


def test_beside_a_token_the_proof_must_name_that_token() -> None:
    bound = mint(HEADER, proof_claims(ath=token_hash("token-1")))
    assert check(bound, ath=token_hash("token-1")).jti == "j-1"
    assert code_of(bound, ath=token_hash("token-2")) is Code.CREDENTIAL_WRONG_AUDIENCE
    assert code_of(mint(HEADER, proof_claims()), ath=token_hash("token-1")) is Code.CREDENTIAL_MALFORMED
    for ath in ("", 7, None, token_hash("token-1") + "=", "ä"):
        assert code_of(mint(HEADER, proof_claims(ath=ath)), ath=token_hash("token-1")) in {
            Code.CREDENTIAL_MALFORMED,
            Code.CREDENTIAL_WRONG_AUDIENCE,
        }


def test_the_ath_is_the_one_of_rfc_9449() -> None:
    assert token_hash("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU") == "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"


def private(alg: str) -> dict[str, Any]:
    return {**jwk(alg), "d": b64url(bytes(range(32)))}


BAD_HEADERS: dict[str, dict[str, Any]] = {
    "no typ": without(HEADER, "typ"),
    "another typ": {**HEADER, "typ": "at+jwt"},
    "typ is a number": {**HEADER, "typ": 1},
    "no alg": without(HEADER, "alg"),
    "none": {**HEADER, "alg": "none"},
    "None": {**HEADER, "alg": "None"},
    "HS256": {**HEADER, "alg": "HS256"},
    "RS256": {**HEADER, "alg": "RS256", "jwk": jwk("RS256")},
    "ES256K": {**HEADER, "alg": "ES256K"},
    "ES512": {**HEADER, "alg": "ES512"},
    "alg is a list": {**HEADER, "alg": ["ES256"]},
    "no jwk": without(HEADER, "jwk"),
    "jwk is a text": {**HEADER, "jwk": json.dumps(jwk("ES256"))},
    "jwk is null": {**HEADER, "jwk": None},
    "empty jwk": {**HEADER, "jwk": {}},
    "private EC": {**HEADER, "jwk": private("ES256")},
    "private OKP": {**HEADER, "alg": "EdDSA", "jwk": private("EdDSA")},
    "private RSA": {**HEADER, "alg": "PS256", "jwk": private("PS256")},
    "symmetric": {**HEADER, "jwk": {"kty": "oct", "k": "AAAA"}},
    "symmetric beside public": {**HEADER, "jwk": {**jwk("ES256"), "k": "AAAA"}},
    "unknown curve": {**HEADER, "jwk": {**jwk("ES256"), "crv": "secp256k1"}},
    "unknown kind": {**HEADER, "jwk": {"kty": "AKP", "pub": "AA"}},
    "off the curve": {**HEADER, "jwk": {**jwk("ES256"), "x": "A" * 43}},
    "critical extension": {**HEADER, "crit": ["nonce"], "nonce": "a"},
    "empty crit": {**HEADER, "crit": []},
    "unencoded payload": {**HEADER, "b64": False},
    "compressed": {**HEADER, "zip": "DEF"},
}


@pytest.mark.parametrize("case", BAD_HEADERS)
def test_a_bad_header_is_refused(case: str) -> None:
    assert code_of(mint(BAD_HEADERS[case], proof_claims(), alg="ES256")) is Code.CREDENTIAL_MALFORMED


def test_a_key_is_used_with_its_own_algorithm_only() -> None:
    for alg, other in (("ES384", "ES256"), ("EdDSA", "ES256"), ("PS256", "ES256"), ("ES256", "ES384"), ("ES256", "PS256")):
        assert code_of(mint({**HEADER, "alg": alg, "jwk": jwk(other)}, proof_claims(), alg=other)) is Code.CREDENTIAL_WRONG_KEY


def test_the_public_key_is_no_hmac_secret() -> None:
    secret = private_key("ES256").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for alg in ("HS256", "ES256"):
        signing_input = f"{segment({**HEADER, 'alg': alg})}.{segment(proof_claims())}"
        forged = f"{signing_input}.{b64url(hmac.digest(secret, signing_input.encode(), 'sha256'))}"
        assert code_of(forged) in {Code.CREDENTIAL_MALFORMED, Code.CREDENTIAL_WRONG_KEY}


def test_addresses_and_certificates_in_the_header_are_never_used() -> None:
    brought = {**HEADER, "jku": "https://thief.example/", "x5u": "https://thief.example/", "x5c": ["AAAA"], "kid": "k"}
    assert check(mint(brought, proof_claims())).jkt == check(mint(HEADER, proof_claims())).jkt
    assert code_of(mint(brought, proof_claims(), name="thief")) is Code.CREDENTIAL_WRONG_KEY


def test_signatures_of_another_form_are_refused() -> None:
    head = f"{segment(HEADER)}.{segment(proof_claims())}"
    raw = raw_sign("ES256", head.encode())
    der = private_key("ES256").sign(head.encode(), ec.ECDSA(SHA256()))
    assert check(f"{head}.{b64url(raw)}").jti == "j-1"
    for signature in (der, bytes(64), raw[:32] + bytes(32), bytes(32) + raw[32:], raw[:63], raw + b"\x00", raw[:32] + b"\x00" + raw[32:]):
        assert code_of(f"{head}.{b64url(signature)}") is Code.CREDENTIAL_WRONG_KEY


def test_a_proof_of_more_than_4_kib_is_refused() -> None:
    assert code_of(mint(HEADER, proof_claims(extra="x" * 4096))) is Code.CREDENTIAL_MALFORMED
    assert check(mint(HEADER, proof_claims(extra="x" * 2000))).jti == "j-1"


@pytest.mark.parametrize("nonce", ["", "n" * 257, 7, None], ids=repr)
def test_a_nonce_that_is_no_text_is_refused(nonce: object) -> None:
    assert code_of(mint(HEADER, proof_claims(nonce=nonce))) is Code.CREDENTIAL_MALFORMED


def test_the_replay_key_is_that_of_key_and_jti() -> None:
    first = check(mint(HEADER, proof_claims())).replay_key
    assert check(mint({**HEADER, "kid": "other header"}, proof_claims(iat=NOW_S + 5))).replay_key == first
    assert check(mint(HEADER, proof_claims(jti="j-2"))).replay_key != first
    assert check(mint(proof_header(name="b"), proof_claims(), name="b")).replay_key != first


def test_a_remembered_header_does_not_vouch_for_another_signature() -> None:
    plug = DpopProofs()
    check(mint(HEADER, proof_claims()), plug)
    assert code_of(mint(HEADER, proof_claims(), name="thief"), plug) is Code.CREDENTIAL_WRONG_KEY
    assert check(mint(HEADER, proof_claims(jti="j-2")), plug).jti == "j-2"


def test_only_headers_that_signed_are_remembered_and_only_so_many() -> None:
    plug = DpopProofs(max_headers=3)
    for number in range(10):
        check(mint({**HEADER, "kid": str(number)}, proof_claims()), plug)
        assert code_of(mint({**HEADER, "kid": f"forged {number}"}, proof_claims(), name="thief"), plug) is Code.CREDENTIAL_WRONG_KEY
    assert list(plug._headers) == [segment({**HEADER, "kid": str(number)}) for number in (7, 8, 9)]


REFUSALS = {None, Code.CREDENTIAL_EXPIRED, Code.CREDENTIAL_MALFORMED, Code.CREDENTIAL_WRONG_AUDIENCE, Code.CREDENTIAL_WRONG_KEY}
JSONISH = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["POST", URL, "dpop+jwt", "ES256", "EC", NOW_S]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["htm", "htu", "iat", "jti", "ath", "nonce", "crit", "jwk", "kty", "x"]), inner, max_size=6)
    ),
    max_leaves=8,
)


@settings(max_examples=200)
@given(st.dictionaries(st.sampled_from(list(HEADER)), JSONISH) | JSONISH, JSONISH)
def test_no_header_or_claim_breaks_the_plug(header: Any, claims: Any) -> None:
    head = {**HEADER, **header} if isinstance(header, dict) and len(header) < 3 else header
    body = {**proof_claims(), **claims} if isinstance(claims, dict) else claims
    token = f"{segment(head)}.{segment(body)}.{b64url(raw_sign('ES256', f'{segment(head)}.{segment(body)}'.encode()))}"
    beside = "t" if isinstance(body, dict) and "ath" in body else None
    assert refusal(partial(check, token, ath=beside and token_hash(beside))) in REFUSALS


@settings(max_examples=200)
@given(st.text(max_size=80) | st.text("eyJ.-_A=", max_size=80))
def test_no_text_breaks_the_plug(text: str) -> None:
    assert code_of(text) is Code.CREDENTIAL_MALFORMED


@settings(max_examples=60)
@given(st.data())
def test_a_changed_letter_anywhere_is_refused(data: st.DataObject) -> None:
    # No draw may depend on the token: each run mints another one.
    token = mint(HEADER, proof_claims())
    place, letter = data.draw(st.integers(0, 10_000)) % len(token), data.draw(st.integers(0, 7))
    other = "AZaz09-_.".replace(token[place], "")[letter]
    assert code_of(token[:place] + other + token[place + 1 :]).startswith("credential.")


def test_time_is_the_callers() -> None:
    proof = mint(HEADER, proof_claims(iat=0))
    assert check(proof, now=Instant(60_000)).iat == 0
    assert code_of(proof) is Code.CREDENTIAL_EXPIRED
