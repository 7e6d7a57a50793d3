"""What a proof says of its request, nonces without a store, and addresses in one spelling."""

from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.identity_minting import refusal
from remit.domain.errors import Code, Refused
from remit.domain.identity.dpop import (
    NONCE_WINDOW_MS,
    PresentedToken,
    issue_nonce,
    normalized_url,
    token_hash,
    verify_bound,
    verify_claims,
    verify_header_type,
    verify_nonce,
    verify_presented,
)
from remit.domain.values import Instant

SECRET, OTHER = b"s" * 32, b"t" * 32
INSTANTS = st.integers(0, 2**52).map(Instant)


def refused(nonce: str | None, secret: bytes, now: Instant) -> None:
    with pytest.raises(Refused) as caught:
        verify_nonce(nonce, secret, now)
    assert caught.value.code is Code.CREDENTIAL_NONCE


@given(INSTANTS, st.integers(0, NONCE_WINDOW_MS))
def test_a_nonce_counts_for_at_least_a_minute_on_every_node(now: Instant, later: int) -> None:
    nonce = issue_nonce(SECRET, now)
    assert verify_nonce(nonce, SECRET, Instant(now + later)) == nonce


@given(INSTANTS)
def test_an_old_foreign_or_future_nonce_does_not_count(now: Instant) -> None:
    nonce = issue_nonce(SECRET, now)
    refused(nonce, SECRET, Instant(now + 2 * NONCE_WINDOW_MS))
    refused(nonce, OTHER, now)
    refused(issue_nonce(SECRET, Instant(now + NONCE_WINDOW_MS)), SECRET, now)


@given(st.none() | st.text(max_size=40))
def test_no_text_is_taken_for_a_nonce(text: str | None) -> None:
    refused(text, SECRET, Instant(10**12))


@given(st.integers(0, 31), st.sampled_from("AQaz09-_"))
def test_a_changed_letter_makes_it_another_nonce(place: int, letter: str) -> None:
    nonce = issue_nonce(SECRET, Instant(10**12))
    if nonce[place] != letter:
        refused(nonce[:place] + letter + nonce[place + 1 :], SECRET, Instant(10**12))


@given(st.text(max_size=40) | st.text("/.%2eE5aé?#@:[]", max_size=40).map(lambda text: f"https://a{text}"))
def test_the_one_spelling_is_its_own_spelling(text: str) -> None:
    code = refusal(partial(normalized_url, text))
    assert code in {None, Code.CREDENTIAL_MALFORMED}
    if code is None:
        assert normalized_url(normalized_url(text)) == normalized_url(text)


@pytest.mark.parametrize(
    ("url", "spelling"),
    [
        ("https://A.example", "https://a.example/"),
        ("http://a.example:80/x", "http://a.example/x"),
        ("http://a.example:443/x", "http://a.example:443/x"),
        ("https://a.example/a/./b/../c", "https://a.example/a/c"),
        ("https://a.example/../../x", "https://a.example/x"),
        ("https://a.example/a/..", "https://a.example/"),
        ("https://a.example/%7euser%2f", "https://a.example/~user%2F"),
        ("https://a.example/%2e%2e/x", "https://a.example/x"),
        ("https://[2001:DB8::1]:443/x?y#z", "https://[2001:db8::1]/x"),
    ],
)
def test_addresses_are_normalised_as_rfc_3986_says(url: str, spelling: str) -> None:
    assert normalized_url(url) == spelling


URL = "https://desk.example/asks"
NOW = Instant(1_790_000_000_000)
NOW_S = NOW // 1000
PROOF: dict[str, Any] = {"jti": "one", "htm": "POST", "htu": URL, "iat": NOW_S, "ath": token_hash("token")}


def of_request(**changed: Any) -> tuple[str, Instant]:
    claims = {name: value for name, value in {**PROOF, **changed}.items() if value is not None}
    return verify_claims(claims, method="POST", url=URL, now=NOW, ath=token_hash("token"))


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"htu": "HTTPS://DESK.example:443/./asks?page=2#x"},
        {"iat": NOW_S - 60},
        {"iat": NOW_S + 60},
        {"exp": NOW_S - 59, "nbf": NOW_S + 60},
    ],
)
def test_a_proof_of_this_request_gives_its_mark_and_its_time(changed: dict[str, Any]) -> None:
    assert of_request(**changed) == ("one", changed.get("iat", NOW_S) * 1000)


def test_a_proof_without_a_token_needs_no_hash_of_one() -> None:
    claims = {name: value for name, value in PROOF.items() if name != "ath"}
    assert verify_claims(claims, method="POST", url=URL, now=NOW, ath=None) == ("one", NOW)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"htm": "GET"}, Code.CREDENTIAL_WRONG_AUDIENCE),
        ({"htm": "post"}, Code.CREDENTIAL_WRONG_AUDIENCE),
        ({"htu": "https://desk.example/asks/"}, Code.CREDENTIAL_WRONG_AUDIENCE),
        ({"htu": "https://other.example/asks"}, Code.CREDENTIAL_WRONG_AUDIENCE),
        ({"ath": token_hash("another")}, Code.CREDENTIAL_WRONG_AUDIENCE),
        ({"ath": "\ud800"}, Code.CREDENTIAL_WRONG_AUDIENCE),
        ({"ath": None}, Code.CREDENTIAL_MALFORMED),
        ({"jti": None}, Code.CREDENTIAL_MALFORMED),
        ({"iat": None}, Code.CREDENTIAL_MALFORMED),
        ({"htu": "https://me@desk.example/asks"}, Code.CREDENTIAL_MALFORMED),
        ({"htu": "https://desk.example:99999/asks"}, Code.CREDENTIAL_MALFORMED),
        ({"htu": "https://[desk.example/asks"}, Code.CREDENTIAL_MALFORMED),
        ({"htu": "https://desk.example/asks%2"}, Code.CREDENTIAL_MALFORMED),
        ({"htu": "/asks"}, Code.CREDENTIAL_MALFORMED),
        ({"iat": NOW_S - 61}, Code.CREDENTIAL_EXPIRED),
        ({"iat": NOW_S + 61}, Code.CREDENTIAL_EXPIRED),
        ({"exp": NOW_S - 60}, Code.CREDENTIAL_EXPIRED),
        ({"nbf": NOW_S + 61}, Code.CREDENTIAL_EXPIRED),
    ],
)
def test_a_proof_of_another_request_token_or_time_is_refused(changed: dict[str, Any], code: Code) -> None:
    assert refusal(partial(of_request, **changed)) is code


@pytest.mark.parametrize("typ", ["dpop+jwt", "DPoP+JWT", "application/dpop+jwt"])
def test_a_proof_names_its_type(typ: str) -> None:
    verify_header_type({"typ": typ})


@pytest.mark.parametrize("header", [{}, {"typ": "jwt"}, {"typ": 5}, {"typ": "dpop+jwt "}])
def test_another_kind_of_jwt_is_no_proof(header: dict[str, Any]) -> None:
    assert refusal(partial(verify_header_type, header)) is Code.CREDENTIAL_MALFORMED


def code_of(authorization: list[str], dpop: list[str]) -> Code:
    with pytest.raises(Refused) as caught:
        verify_presented(authorization=authorization, dpop=dpop)
    return caught.value.code


@pytest.mark.parametrize("scheme", ["DPoP", "dpop", "DPOP", "DPoP  "])
def test_a_token_with_its_proof_is_read(scheme: str) -> None:
    assert verify_presented(authorization=[f"{scheme} t.o-k_n"], dpop=["p"]) == PresentedToken(
        unverified_token="t.o-k_n", unverified_proof="p"
    )


def test_a_bearer_token_is_read_without_proof() -> None:
    assert verify_presented(authorization=["Bearer token"], dpop=[]) == PresentedToken(unverified_token="token", unverified_proof=None)


@pytest.mark.parametrize(("authorization", "dpop"), [([], []), ([], ["p"]), (["DPoP t"], [])])
def test_what_is_missing_is_said_to_be_missing(authorization: list[str], dpop: list[str]) -> None:
    assert code_of(authorization, dpop) is Code.CREDENTIAL_MISSING


@pytest.mark.parametrize(
    ("authorization", "dpop"),
    [
        (["DPoP t", "DPoP t"], ["p"]),
        (["DPoP t"], ["p", "p"]),
        (["DPoP t", "Bearer t"], ["p"]),
        (["Bearer t"], ["p"]),
        (["DPoP t, DPoP u"], ["p"]),
        (["DPoP"], ["p"]),
        (["DPoP "], ["p"]),
        (["DPoP t u"], ["p"]),
        (["DPoP t\n"], ["p"]),
        (["DPoP " + "t" * 9000], ["p"]),
        (["Basic dTpw"], []),
        ([""], []),
    ],
    ids=range(12),
)
def test_doubled_odd_or_half_credentials_are_refused(authorization: list[str], dpop: list[str]) -> None:
    assert code_of(authorization, dpop) is Code.CREDENTIAL_MALFORMED


@pytest.mark.parametrize(("proof", "jkt"), [(None, "k"), ("p", None)])
def test_a_bound_token_needs_its_proof_and_a_free_one_takes_none(proof: str | None, jkt: str | None) -> None:
    with pytest.raises(Refused) as caught:
        verify_bound(PresentedToken(unverified_token="t", unverified_proof=proof), token_jkt=jkt)
    assert caught.value.code is Code.CREDENTIAL_WRONG_KEY


def test_a_bound_token_with_proof_and_a_free_one_without_pass() -> None:
    for proof, jkt in (("p", "k"), (None, None)):
        presented = PresentedToken(unverified_token="t", unverified_proof=proof)
        assert verify_bound(presented, token_jkt=jkt) is presented


@given(
    st.lists(st.text(max_size=20) | st.text(max_size=9).map(lambda text: f"DPoP {text}"), max_size=2),
    st.lists(st.text(max_size=5), max_size=2),
)
def test_no_header_breaks_the_reader(authorization: list[str], dpop: list[str]) -> None:
    act = partial(verify_presented, authorization=authorization, dpop=dpop)
    assert refusal(act) in {None, Code.CREDENTIAL_MISSING, Code.CREDENTIAL_MALFORMED}
