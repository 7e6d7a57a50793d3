"""Client id metadata documents: which addresses name one, and what a document may say of its client."""

import json
from typing import Any

import pytest

from remit.domain.errors import Code, Refused
from remit.domain.identity.client_documents import (
    MAX_DOCUMENT_BYTES,
    ClientDocument,
    is_document_id,
    read_client_document,
    verify_document_id,
)

ID = "https://helper.example/client.json"
BACK = "https://helper.example/back"


def read(client_id: str = ID, *, loopback: bool = False, **members: Any) -> ClientDocument:
    document = {"client_id": client_id, "client_name": "Helper", "redirect_uris": [BACK], **members}
    raw = json.dumps(document).encode()
    return read_client_document(client_id, raw, allow_loopback=loopback)


def refused(client_id: str = ID, **members: Any) -> str:
    with pytest.raises(Refused) as no:
        read(client_id, **members)
    assert no.value.code is Code.AGENT_UNKNOWN
    return no.value.detail


def test_a_document_describes_a_public_client_by_its_host() -> None:
    found = read()
    assert (found.client_id, found.host, found.name, found.redirect_uris, found.keys) == (ID, "helper.example", "Helper", (BACK,), None)
    assert read(more="x").digest != found.digest == read().digest


@pytest.mark.parametrize(
    ("client_id", "is_one"), [(ID, True), ("http://localhost/c", True), ("spiffe://helper.example/a", False), ("", False)]
)
def test_a_client_id_that_is_an_address_names_a_document(client_id: str, *, is_one: bool) -> None:
    assert is_document_id(client_id) is is_one


@pytest.mark.parametrize(
    "client_id",
    [
        "https://helper.example/",
        "https://helper.example",
        "http://helper.example/c",
        "https://user@helper.example/c",
        "https://helper.example/c#part",
        "https://helper.example/a/../c",
        "https://helper.example/./c",
        "https://helper.example/%63",
        "https://helper.example./c",
        "https://:443/c",
        "https://helper.example:0/c",
        "https://helper.example:65536/c",
        "https://helper.example:https/c",
        "https://[::1/c",
        f"https://helper.example/{'c' * 255}",
        "https://hеlper.example/c",  # noqa: RUF001  # a Cyrillic letter
    ],
)
def test_an_address_that_could_be_read_in_two_ways_names_none(client_id: str) -> None:
    """⚔ The host is the operator, which is suspended as one: no other spelling of it is another operator."""
    with pytest.raises(Refused) as no:
        verify_document_id(client_id, allow_loopback=True)
    assert no.value.code is Code.AGENT_UNKNOWN


def test_a_host_is_the_same_on_every_port_and_in_every_case() -> None:
    for client_id in (ID, "https://HELPER.example/other", "https://helper.example:8443/c?x=1"):
        assert verify_document_id(client_id, allow_loopback=False) == "helper.example"


def test_plain_http_is_for_this_machine_alone_and_where_it_is_allowed() -> None:
    for host in ("localhost:8080", "127.0.0.1:8080", "[::1]:8080"):
        assert verify_document_id(f"http://{host}/c", allow_loopback=True) == host
        with pytest.raises(Refused, match="must be an https address"):
            verify_document_id(f"http://{host}/c", allow_loopback=False)


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'"x"', b'{"client_id":"a","client_id":"b"}', b"\xff", b" " * (MAX_DOCUMENT_BYTES + 1)])
def test_what_is_no_strict_document_describes_nobody(raw: bytes) -> None:
    with pytest.raises(Refused) as no:
        read_client_document(ID, raw, allow_loopback=False)
    assert no.value.code is Code.AGENT_UNKNOWN


def test_a_document_speaks_for_its_own_address_alone() -> None:
    """⚔ A copy on another host would be the client that customers know."""
    raw = json.dumps({"client_id": ID, "redirect_uris": [BACK]}).encode()
    with pytest.raises(Refused, match="names another client_id"):
        read_client_document("https://evil.example/client.json", raw, allow_loopback=False)


@pytest.mark.parametrize("name", ["client_secret", "client_secret_expires_at"])
def test_a_secret_that_everybody_can_read_is_none(name: str) -> None:
    assert refused(**{name: 0}) == "its document holds a shared secret"


@pytest.mark.parametrize("uris", [[], BACK, [BACK, 7], [BACK] * 33, {"0": BACK}])
def test_a_document_lists_its_redirect_addresses(uris: Any) -> None:
    assert refused(redirect_uris=uris) == "redirect_uris must be 1 to 32 addresses"


@pytest.mark.parametrize("name", [None, "", 7, ["Helper"], "key AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"])
def test_a_name_that_cannot_be_shown_is_that_of_the_host(name: Any) -> None:
    """⚔ Only the host is vouched for; a secret in a name would stand on every page."""
    assert read(client_name=name).name == "helper.example"


def test_a_client_proves_itself_by_one_key_source_or_by_none() -> None:
    method, url, keys = "private_key_jwt", "https://helper.example/keys", {"keys": []}
    assert read(token_endpoint_auth_method="none").keys is None
    assert read(token_endpoint_auth_method=method, jwks_uri=url).keys == {"jwks_url": url}
    assert read(token_endpoint_auth_method=method, jwks=keys).keys == {"jwks": keys}
    for members in ({}, {"jwks_uri": url, "jwks": keys}, {"jwks_uri": 7}, {"jwks": [keys]}):
        assert "one of jwks_uri and jwks" in refused(token_endpoint_auth_method=method, **members)


@pytest.mark.parametrize("method", ["client_secret_basic", "", "NONE", 7, [], ["none"], {}, None])
def test_no_client_authenticates_by_a_shared_secret(method: Any) -> None:
    """⚔ Whoever reads the document would be the client."""
    assert refused(token_endpoint_auth_method=method) == "token_endpoint_auth_method must be none or private_key_jwt"
