"""Which credential stands on a request."""

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.identity_minting import refusal
from remit.domain.errors import Code, Refused
from remit.domain.identity.dpop import PresentedToken, verify_bound, verify_presented


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
