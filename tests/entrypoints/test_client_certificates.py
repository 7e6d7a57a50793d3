"""A client certificate comes from the desk's own TLS front and from nowhere else."""

import base64
import hashlib
import ipaddress
from typing import Any

import pytest

from remit.domain.errors import Code, Refused
from remit.domain.identity.certificates import MAX_CERTIFICATE, MAX_CHAIN
from remit.entrypoints.http.client_certificates import FRONT, TlsFront, presented_certificate
from remit.entrypoints.http.wire import HEADERS, read_headers
from remit.proof.canonical import b64url
from remit.settings.decode import InvalidSetting
from remit.settings.mtls import MtlsTable, proxies_of

DER = b"0\x82 certificate"
FRONTS = TlsFront(tuple(ipaddress.ip_network(one) for one in ("10.0.0.5/32", "10.1.0.0/24", "fd00::/64")))


def field(der: bytes = DER) -> bytes:
    return b":%b:" % base64.b64encode(der)


def scope(*headers: tuple[bytes, bytes], client: Any = ("10.0.0.5", 1), front: TlsFront | None = FRONTS) -> dict[str, Any]:
    return {"client": client, "headers": list(headers), HEADERS: read_headers(headers), **({} if front is None else {FRONT: front})}


def test_the_thumbprint_is_of_the_whole_certificate() -> None:
    found = presented_certificate(scope((b"client-cert", field()), (b"client-cert-chain", field(b"a") + b", " + field(b"b"))))
    assert found is not None
    assert (found.leaf, found.chain) == (DER, (b"a", b"b"))
    assert found.thumbprint == b64url(hashlib.sha256(DER).digest())


@pytest.mark.parametrize("client", [("10.1.0.77", 1), ("::ffff:10.0.0.5", 1), ("fd00::7", 1)])
def test_every_configured_proxy_counts(client: tuple[str, int]) -> None:
    assert presented_certificate(scope((b"client-cert", field()), client=client)) is not None


@pytest.mark.parametrize("client", [("10.0.0.6", 1), ("127.0.0.1", 1), ("10.0.0.5.example", 1), ("", 0), None])
def test_from_anywhere_else_the_header_is_nothing(client: Any) -> None:
    assert presented_certificate(scope((b"client-cert", field()), client=client)) is None
    assert presented_certificate(scope((b"client-cert", b"junk"), client=client)) is None


@pytest.mark.parametrize("front", [None, TlsFront()])
def test_without_a_setting_there_is_no_front(front: TlsFront | None) -> None:
    assert presented_certificate(scope((b"client-cert", field()), client=("127.0.0.1", 1), front=front)) is None


def test_without_a_certificate_there_is_none() -> None:
    assert presented_certificate(scope()) is None


@pytest.mark.parametrize(
    "headers",
    [
        ((b"client-cert", field()), (b"client-cert", field(b"other"))),
        ((b"client-cert-chain", field()),),
        ((b"client-cert", b""),),
        ((b"client-cert", b"::"),),
        ((b"client-cert", field()[1:]),),
        ((b"client-cert", field() + b";a=1"),),
        ((b"client-cert", field() + b", " + field()),),
        ((b"client-cert", b":YQ:"),),
        ((b"client-cert", b":YWI\xe9:"),),
        ((b"client-cert", field(b"x" * (MAX_CERTIFICATE + 1))),),
        ((b"client-cert", field()), (b"client-cert-chain", b", ".join([field()] * (MAX_CHAIN + 1)))),
        ((b"client-cert", field()), (b"client-cert-chain", b"")),
    ],
)
def test_a_header_that_is_not_one_certificate_is_refused(headers: tuple[tuple[bytes, bytes], ...]) -> None:
    with pytest.raises(Refused) as caught:
        presented_certificate(scope(*headers))
    assert caught.value.code is Code.CREDENTIAL_MALFORMED


@pytest.mark.parametrize("text", ["proxy.example", "10.0.0.5/8", "0.0.0.0/0", "::/0", "10.0.0.0/7"])
def test_a_wrong_proxy_stops_the_start(text: str) -> None:
    with pytest.raises(InvalidSetting, match=r"mtls\.proxies"):
        proxies_of(MtlsTable(proxies=(text,)))
