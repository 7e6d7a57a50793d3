"""`Client-Cert` and `Client-Cert-Chain` as headers; whose they are is for the doors and the identity plugs."""

from base64 import b64encode

import pytest

from remit.domain.errors import Code, Refused
from remit.domain.identity.certificates import MAX_CERTIFICATE, MAX_CHAIN, parse_certificate


def field(der: bytes) -> str:
    return f":{b64encode(der).decode()}:"


def test_a_leaf_and_the_certificates_sent_with_it() -> None:
    assert parse_certificate([], []) is None
    found = parse_certificate([f" {field(b'leaf')}\t"], [f"{field(b'a')},{field(b'b')}", field(b"c")])
    assert found is not None
    assert (found.leaf, found.chain, len(found.thumbprint)) == (b"leaf", (b"a", b"b", b"c"), 43)


@pytest.mark.parametrize(
    ("values", "chain"),
    [
        ([], [field(b"a")]),
        ([field(b"a"), field(b"b")], []),
        ([f"{field(b'a')};x"], []),
        ([":YQ:"], []),
        ([""], []),
        ([field(b"x" * (MAX_CERTIFICATE + 1))], []),
        ([field(b"a")], [",".join([field(b"b")] * (MAX_CHAIN + 1))]),
    ],
)
def test_anything_else_is_refused(values: list[str], chain: list[str]) -> None:
    with pytest.raises(Refused) as caught:
        parse_certificate(values, chain)
    assert caught.value.code is Code.CREDENTIAL_MALFORMED
