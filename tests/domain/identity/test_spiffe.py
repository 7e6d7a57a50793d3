"""SPIFFE IDs, trust domains and patterns. The accept and reject lists of SPIFFE itself are in tests/conformance."""

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.identity_minting import refusal
from remit.domain.errors import Code, Refused
from remit.domain.identity.spiffe import verify_member, verify_spiffe_id, verify_spiffe_pattern, verify_trust_domain

SEGMENTS = st.text("abzAZ09._-", min_size=1, max_size=8).filter(lambda text: text not in {".", ".."})
DOMAINS = st.text("abz09._-", min_size=1, max_size=20)


def refused(code: Code, act: object, *args: object) -> None:
    with pytest.raises(Refused) as caught:
        act(*args)  # type: ignore[operator]  # a function under test
    assert caught.value.code is code


@given(DOMAINS, st.lists(SEGMENTS, max_size=5))
def test_every_well_formed_id_reads_back_as_itself(domain: str, segments: list[str]) -> None:
    text = "/".join((f"spiffe://{domain}", *segments))
    assert str(verify_spiffe_id(text)) == text


@given(st.text(max_size=60) | st.text("spife:/.ab*%@", max_size=40).map(lambda text: f"spiffe://{text}"))
def test_whatever_is_read_is_spelled_exactly_as_given(text: str) -> None:
    code = refusal(partial(verify_spiffe_id, text))
    assert code in {None, Code.CREDENTIAL_MALFORMED}
    if code is None:
        assert str(verify_spiffe_id(text)) == text


def test_an_id_of_more_than_2048_bytes_is_refused() -> None:
    longest = "spiffe://td/" + "a" * (2048 - 12)
    assert str(verify_spiffe_id(longest)) == longest
    refused(Code.CREDENTIAL_MALFORMED, verify_spiffe_id, longest + "a")


@pytest.mark.parametrize("text", ["", "a" * 256, "A", "a:1", "a/b", "ä", "a\n", "u@a", "*"])
def test_a_wrong_trust_domain_is_refused(text: str) -> None:
    refused(Code.CREDENTIAL_MALFORMED, verify_trust_domain, text)


@pytest.mark.parametrize(
    "text", ["spiffe://*/a", "spiffe://td/*/a", "spiffe://td/a*", "*", "/*", "spiffe://td/a/**", "spiffe://td//*", "spiffe://td/../*"]
)
def test_a_star_counts_only_as_the_last_segment(text: str) -> None:
    refused(Code.CREDENTIAL_MALFORMED, verify_spiffe_pattern, text)


@pytest.mark.parametrize(
    ("pattern", "member"),
    [
        ("spiffe://td/shop", "spiffe://td/shop"),
        ("spiffe://td", "spiffe://td"),
        ("spiffe://td/shop/*", "spiffe://td/shop/a"),
        ("spiffe://td/shop/*", "spiffe://td/shop/a/b"),
        ("spiffe://td/*", "spiffe://td/a"),
    ],
)
def test_a_pattern_covers_its_own_segments(pattern: str, member: str) -> None:
    assert str(verify_member(verify_spiffe_id(member), verify_spiffe_pattern(pattern))) == member


@pytest.mark.parametrize(
    ("pattern", "stranger"),
    [
        ("spiffe://td/shop", "spiffe://td/shop/a"),
        ("spiffe://td/shop", "spiffe://td/Shop"),
        ("spiffe://td/shop/*", "spiffe://td/shop"),
        ("spiffe://td/shop/*", "spiffe://td/shopper/a"),
        ("spiffe://td/shop/*", "spiffe://other/shop/a"),
        ("spiffe://td/*", "spiffe://td"),
        ("spiffe://td/*", "spiffe://td.evil/a"),
    ],
)
def test_a_pattern_covers_nothing_beside_its_segments(pattern: str, stranger: str) -> None:
    refused(Code.AGENT_UNKNOWN, verify_member, verify_spiffe_id(stranger), verify_spiffe_pattern(pattern))


@given(DOMAINS, st.lists(SEGMENTS, max_size=3), DOMAINS, st.lists(SEGMENTS, max_size=4))
def test_below_means_same_domain_and_a_longer_path_with_the_same_beginning(a: str, stem: list[str], b: str, path: list[str]) -> None:
    pattern = verify_spiffe_pattern("/".join((f"spiffe://{a}", *stem, "*")))
    candidate = verify_spiffe_id("/".join((f"spiffe://{b}", *path)))
    expected = a == b and len(path) > len(stem) and path[: len(stem)] == stem
    if expected:
        assert verify_member(candidate, pattern) is candidate
    else:
        refused(Code.AGENT_UNKNOWN, verify_member, candidate, pattern)
