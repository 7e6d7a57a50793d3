"""Client assertions, identifiers and compact tokens: what is refused before any key is looked at."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.domain.errors import MEANINGS, Code, Fault, Refused
from remit.domain.identity.assertions import (
    AssertionType,
    claimed_client,
    verify_assertion_claims,
    verify_assertion_type,
    verify_svid_claims,
)
from remit.domain.identity.dpop import normalized_url
from remit.domain.identity.jws import MAX_COMPACT, UnverifiedJws, read
from remit.domain.identity.spiffe import verify_spiffe_pattern
from remit.domain.ids import is_id, is_pattern, new_id, timed_id, verify_id
from remit.domain.values import Instant, minor_digits
from remit.proof.canonical import b64url

ISSUER = "https://desk.example"
CLIENT = "https://helper.example/agent"
SPIFFE = "spiffe://helper.example/shop"
NOW = Instant(1_790_000_000_000)
NOW_S = NOW // 1000
CLAIMS: dict[str, Any] = {"iss": CLIENT, "sub": CLIENT, "aud": ISSUER, "jti": "one", "iat": NOW_S, "exp": NOW_S + 60}


def token(claims: object, header: object = None) -> str:
    parts = [header or {"alg": "ES256", "kid": "k"}, claims]
    return ".".join([*(b64url(json.dumps(part).encode()) for part in parts), b64url(b"signature")])


def unverified(header: dict[str, Any] | None = None, **claims: Any) -> UnverifiedJws:
    merged = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not None}
    return read(token(merged, {"alg": "ES256", "kid": "k", **(header or {})}))


def code_of(jws: UnverifiedJws) -> Code:
    with pytest.raises(Refused) as caught:
        verify_assertion_claims(jws, client_id=CLIENT, issuer=ISSUER, now=NOW)
    return caught.value.code


def test_a_sound_assertion_gives_its_client_its_mark_and_its_end() -> None:
    found = verify_assertion_claims(unverified(), client_id=CLIENT, issuer=ISSUER, now=NOW)
    assert (found.client_id, found.jti, found.expires_at) == (CLIENT, "one", NOW + 60_000)


@pytest.mark.parametrize(
    ("header", "claims", "code"),
    [
        ({"typ": "dpop+jwt"}, {}, Code.CREDENTIAL_MALFORMED),
        ({"typ": 5}, {}, Code.CREDENTIAL_MALFORMED),
        ({}, {"iss": "https://other.example"}, Code.AGENT_UNKNOWN),
        ({}, {"sub": "https://other.example"}, Code.AGENT_UNKNOWN),
        ({}, {"aud": [ISSUER]}, Code.CREDENTIAL_WRONG_AUDIENCE),
        ({}, {"aud": f"{ISSUER}/oauth/token"}, Code.CREDENTIAL_WRONG_AUDIENCE),
        ({}, {"aud": None}, Code.CREDENTIAL_WRONG_AUDIENCE),
        ({}, {"jti": None}, Code.CREDENTIAL_MALFORMED),
        ({}, {"jti": "x" * 257}, Code.CREDENTIAL_MALFORMED),
        ({}, {"exp": None}, Code.CREDENTIAL_MALFORMED),
        ({}, {"exp": "soon"}, Code.CREDENTIAL_MALFORMED),
        ({}, {"exp": True}, Code.CREDENTIAL_MALFORMED),
        ({}, {"exp": 2**44}, Code.CREDENTIAL_MALFORMED),
        ({}, {"exp": NOW_S}, Code.CREDENTIAL_EXPIRED),
        ({}, {"exp": NOW_S + 601}, Code.CREDENTIAL_MALFORMED),
        ({}, {"exp": NOW_S + 590, "iat": NOW_S - 300}, Code.CREDENTIAL_MALFORMED),
        ({}, {"iat": NOW_S + 61}, Code.CREDENTIAL_EXPIRED),
        ({}, {"nbf": NOW_S + 61}, Code.CREDENTIAL_EXPIRED),
    ],
)
def test_an_assertion_that_says_anything_else_is_refused(header: dict[str, Any], claims: dict[str, Any], code: Code) -> None:
    assert code_of(unverified(header, **claims)) is code


def test_a_minute_of_skew_is_granted_to_the_clock_of_the_sender() -> None:
    assert verify_assertion_claims(unverified(iat=NOW_S + 60, nbf=NOW_S + 60), client_id=CLIENT, issuer=ISSUER, now=NOW).jti == "one"


def test_an_assertion_tells_whom_it_claims_to_speak_for() -> None:
    assert claimed_client(AssertionType.JWT_BEARER, token(CLAIMS)) == CLIENT
    assert claimed_client(AssertionType.JWT_SPIFFE, token({"sub": SPIFFE})) == SPIFFE


@pytest.mark.parametrize(
    ("kind", "claims"),
    [
        (AssertionType.JWT_BEARER, {"iss": "https://other.example", "sub": CLIENT}),
        (AssertionType.JWT_BEARER, {"iss": CLIENT}),
        (AssertionType.JWT_SPIFFE, {"sub": "https://helper.example/agent"}),
        ("urn:ietf:params:oauth:client-assertion-type:saml2-bearer", CLAIMS),
        ("", CLAIMS),
    ],
)
def test_a_claim_that_disagrees_with_itself_is_no_claim(kind: str, claims: dict[str, Any]) -> None:
    with pytest.raises(Refused) as caught:
        claimed_client(kind, token(claims))
    assert caught.value.code is Code.CREDENTIAL_MALFORMED


def test_an_unknown_kind_of_assertion_is_told_which_kinds_there_are() -> None:
    with pytest.raises(Refused) as caught:
        verify_assertion_type("password")
    assert all(kind in str(caught.value.public) for kind in AssertionType)


@pytest.mark.parametrize(
    "compact",
    [
        token(CLAIMS, {"alg": "ES256", "crit": ["exp"]}),
        token(CLAIMS, {"alg": "ES256", "b64": False}),
        token(CLAIMS, {"alg": "ES256", "zip": "DEF"}),
        token([1]),
        token(CLAIMS, ["ES256"]),
        "a.b",
        "é.b.c",
        "a" * (MAX_COMPACT + 1),
        token(CLAIMS).rpartition(".")[0] + ".",
        token(CLAIMS) + "=",
    ],
)
def test_what_is_no_plain_compact_token_is_malformed(compact: str) -> None:
    with pytest.raises(Refused) as caught:
        read(compact)
    assert caught.value.code is Code.CREDENTIAL_MALFORMED


@pytest.mark.parametrize("address", ["https://desk.example/%", "https://desk.example/%4", "https://desk.example/%zz"])
def test_an_address_with_a_broken_escape_is_no_address(address: str) -> None:
    with pytest.raises(Refused) as caught:
        normalized_url(address)
    assert caught.value.code is Code.CREDENTIAL_MALFORMED


@given(st.binary(min_size=16, max_size=16), st.sampled_from(["task", "ask", "man", "conf"]))
def test_a_made_identifier_has_the_shape_of_its_kind_and_of_no_other(randomness: bytes, prefix: str) -> None:
    made = new_id(prefix, randomness)
    assert verify_id(made, prefix) == made
    assert not is_id(made, "case")
    assert not is_id(made.upper(), prefix)
    assert not is_id(made + "\n", prefix)


@pytest.mark.parametrize("size", [0, 15, 17])
def test_an_identifier_is_made_of_128_bits_and_no_fewer(size: int) -> None:
    with pytest.raises(ValueError, match="16 random bytes"):
        new_id("task", b"x" * size)


@pytest.mark.parametrize("text", ["", "task_", "task_1", "task_" + "a" * 25, "task_" + "a" * 27, "task_" + "A" * 26, "../task"])
def test_what_cannot_name_anything_here_is_not_looked_up(text: str) -> None:
    with pytest.raises(Refused) as caught:
        verify_id(text, "task")
    assert caught.value.code is Code.REQUEST_NOT_FOUND


def test_a_fault_says_its_code_what_broke_and_when_to_try_again() -> None:
    bare, told = Fault(Code.FAULT_STORE), Fault(Code.FAULT_CASE, "no answer in 2 s", retry_after_s=30)
    assert str(bare) == f"fault.store: {MEANINGS[Code.FAULT_STORE].title}"
    assert bare.retry_after_s > 0
    assert (str(told), told.retry_after_s) == ("fault.case: no answer in 2 s", 30)


def test_names_and_globs_are_patterns_and_nothing_else_is() -> None:
    assert all(is_pattern(one) for one in ("payment.refund", "payment.*"))
    assert not any(is_pattern(one) for one in ("*", "payment", "payment.*.x", "*.refund", ""))


def test_a_currency_has_as_many_digits_as_people_write() -> None:
    assert [minor_digits(one) for one in ("EUR", "JPY", "KWD", "XXX")] == [2, 0, 3, 2]


def svid(header: dict[str, Any] | None = None, **claims: Any) -> Code | tuple[str, Instant]:
    jws = unverified(header, **{"iss": None, "jti": None, "sub": SPIFFE, **claims})
    try:
        found = verify_svid_claims(jws, pattern=verify_spiffe_pattern("spiffe://helper.example/*"), issuer=ISSUER, now=NOW)
    except Refused as refused:
        return refused.code
    return str(found.spiffe_id), found.expires_at


@pytest.mark.parametrize("changed", [{}, {"aud": [ISSUER]}, {"header": {"typ": "JOSE"}}, {"header": {"typ": "JWT"}}])
def test_a_sound_svid_gives_its_id_and_its_end(changed: dict[str, Any]) -> None:
    assert svid(**changed) == (SPIFFE, NOW + 60_000)


@pytest.mark.parametrize(
    ("header", "claims", "code"),
    [
        ({"typ": "at+jwt"}, {}, Code.CREDENTIAL_MALFORMED),
        ({"cty": "jwt"}, {}, Code.CREDENTIAL_MALFORMED),
        ({"jku": "https://other.example"}, {}, Code.CREDENTIAL_MALFORMED),
        ({}, {"sub": "https://helper.example/shop"}, Code.CREDENTIAL_MALFORMED),
        ({}, {"sub": "spiffe://other.example/shop"}, Code.AGENT_UNKNOWN),
        ({}, {"aud": [ISSUER, "https://other.example"]}, Code.CREDENTIAL_WRONG_AUDIENCE),
        ({}, {"aud": [ISSUER, ISSUER]}, Code.CREDENTIAL_WRONG_AUDIENCE),
        ({}, {"aud": None}, Code.CREDENTIAL_WRONG_AUDIENCE),
        ({}, {"exp": None}, Code.CREDENTIAL_MALFORMED),
        ({}, {"exp": NOW_S}, Code.CREDENTIAL_EXPIRED),
        ({}, {"exp": NOW_S + 3601}, Code.CREDENTIAL_MALFORMED),
    ],
)
def test_an_svid_for_others_or_of_others_is_refused(header: dict[str, Any], claims: dict[str, Any], code: Code) -> None:
    assert svid(header, **claims) is code


def test_an_identifier_of_a_time_stands_behind_those_made_before_it() -> None:
    made = [timed_id("ask", at, bytes(10)) for at in (0, 1, 31, 1_790_000_000_000, 1_790_000_000_001)]
    assert made == sorted(made)
    assert all(is_id(one, "ask") for one in made)
    with pytest.raises(ValueError, match="10 random bytes"):
        timed_id("ask", 1, bytes(16))


def test_a_token_that_was_read_before_is_read_again_where_less_is_taken_or_something_else_stands() -> None:
    """What was read last is at hand for the very same text alone."""
    head, body = b64url(b'{"alg":"ES256"}'), b64url(b'{"sub":"a"}')
    token = f"{head}.{body}.{b64url(b's' * 64)}"
    first = read(token)
    assert read(token) is first
    with pytest.raises(Refused) as caught:
        read(token, max_chars=len(token) - 1)
    assert caught.value.code is Code.CREDENTIAL_MALFORMED
    elsewhere = b64url(b'{"sub":"b"}')
    other = f"{head}.{elsewhere}.{b64url(b's' * 64)}"
    assert (read(other).claims, read(token).claims) == ({"sub": "b"}, {"sub": "a"})
    assert read(token) == first
