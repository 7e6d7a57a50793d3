"""Where the keys of listed issuers, of the desk's own Workload API and of a certificate's bundle come from."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from contracts.certificate_minting import authority, bundle
from contracts.identity_minting import NOW, KeyServer, jwk, write_json
from remit.adapters.identity.assertions import AssertionClients
from remit.adapters.identity.fetching import Fetcher
from remit.adapters.identity.key_sets import KeySet, verify_bundle
from remit.adapters.identity.key_sources import KeySources, WorkloadBundles
from remit.domain.errors import Code, Fault, Refused
from remit.domain.ids import OperatorId
from remit.ports.identity import (
    ClientMethod,
    FederatedIssuer,
    InlineKeys,
    KeySource,
    Registration,
    SignatureDirectory,
    SpiffeBundleFile,
    SpiffeWorkloadApi,
)

KEYS = [jwk("ES256", "ci", kid="ci")]


def sources(bundles: WorkloadBundles | None = None) -> KeySources:
    return KeySources(Fetcher(allow_loopback=True, tls=ssl.create_default_context()), bundles)


def served(scenario: Callable[[KeyServer, str], Awaitable[None]]) -> None:
    """One document answers for discovery and for the keys."""

    async def run() -> None:
        async with KeyServer() as server:
            issuer = server.url.removesuffix("/keys")
            server.publish({"issuer": issuer, "jwks_uri": server.url, "keys": KEYS})
            await scenario(server, issuer)

    asyncio.run(run())


def test_an_issuers_keys_come_by_its_own_discovery_document() -> None:
    async def scenario(server: KeyServer, issuer: str) -> None:
        found = await sources().verify_key(FederatedIssuer(issuer=issuer), kid="ci", alg="ES256", now=NOW)
        assert found.kid == "ci"
        assert [one.split()[1] for one in server.requests] == [b"/.well-known/openid-configuration", b"/keys"]

    served(scenario)


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": "https://ci.example"},
        {"issuer": None},
        {"jwks_uri": None},
        {"jwks_uri": "https://10.0.0.1/keys"},
        {"jwks_uri": "https://169.254.169.254/"},
        {"jwks_uri": "http://ci.example/keys"},
        {"keys": []},
    ],
)
def test_another_issuers_document_or_an_address_that_must_not_be_read_gives_no_keys(changed: dict[str, Any]) -> None:
    async def scenario(server: KeyServer, issuer: str) -> None:
        server.publish({"issuer": issuer, "jwks_uri": server.url, "keys": KEYS} | changed)
        with pytest.raises(Fault) as broken:
            await sources().key_set(FederatedIssuer(issuer=issuer), now=NOW)
        assert broken.value.code is Code.FAULT_IDENTITY

    served(scenario)


def test_keys_in_a_file_need_no_discovery(tmp_path: Path) -> None:
    file = write_json(tmp_path / "keys.json", {"keys": KEYS})
    found = asyncio.run(sources().key_set(FederatedIssuer(issuer="https://ci.example", jwks_file=str(file)), now=NOW))
    assert found.keys[0].kid == "ci"


class OneBundle:
    """A Workload API with one trust domain."""

    def key_set(self, trust_domain: str) -> KeySet:
        if trust_domain != "helper.example":
            raise Fault(Code.FAULT_IDENTITY, "no bundle")
        return verify_bundle(bundle(authority(), jwt=True))


def test_the_workload_api_gives_the_bundle_of_the_asked_trust_domain_alone() -> None:
    found = asyncio.run(sources(OneBundle()).key_set(SpiffeWorkloadApi(trust_domain="helper.example"), now=NOW))
    assert (len(found.keys), len(found.authorities)) == (1, 1)
    for shelf, domain in ((sources(OneBundle()), "other.example"), (sources(), "helper.example")):
        with pytest.raises(Fault):
            asyncio.run(shelf.key_set(SpiffeWorkloadApi(trust_domain=domain), now=NOW))


def registration(method: ClientMethod, keys: KeySource, **changed: Any) -> Registration:
    named = "spiffe://helper.example/shop"
    spiffe = {"spiffe_id": named} if method in {ClientMethod.SPIFFE_JWT, ClientMethod.SPIFFE_X509} else {}
    return Registration(client_id=named, actor=named, operator=OperatorId("x"), method=method, keys=keys, **{**spiffe, **changed})


@pytest.mark.parametrize(
    ("method", "keys"),
    [
        (ClientMethod.SPIFFE_X509, InlineKeys(jwks={"keys": KEYS})),
        (ClientMethod.PRIVATE_KEY_JWT, SpiffeWorkloadApi(trust_domain="helper.example")),
        (ClientMethod.PRIVATE_KEY_JWT, FederatedIssuer(issuer="https://ci.example")),
        (ClientMethod.HTTP_SIGNATURE, SignatureDirectory(origin="https://agent.example")),
        (ClientMethod.WEB_BOT_AUTH, InlineKeys(jwks={"keys": KEYS})),
        (ClientMethod.FEDERATED_JWT, InlineKeys(jwks={"keys": KEYS})),
        (ClientMethod.FEDERATED_JWT, FederatedIssuer(issuer="https://ci.example")),
        (ClientMethod.SPIFFE_X509, SpiffeWorkloadApi(trust_domain="other.example")),
    ],
)
def test_a_method_takes_its_own_kind_of_keys(method: ClientMethod, keys: KeySource) -> None:
    with pytest.raises(Refused) as caught:
        asyncio.run(AssertionClients(allow_loopback=False).verify_registration(unverified=registration(method, keys), now=NOW))
    assert caught.value.code is Code.REQUEST_MALFORMED


@pytest.mark.parametrize(("method", "jwt"), [(ClientMethod.SPIFFE_X509, True), (ClientMethod.SPIFFE_JWT, False)])
def test_a_bundle_without_keys_for_the_method_is_noticed_when_the_agent_is_registered(
    tmp_path: Path, method: ClientMethod, *, jwt: bool
) -> None:
    value = bundle(jwt=True) if jwt else bundle(authority())
    source = SpiffeBundleFile(path=str(write_json(tmp_path / "bundle.json", value)), trust_domain="helper.example")
    with pytest.raises(Fault, match="no usable key"):
        asyncio.run(AssertionClients(allow_loopback=False).verify_registration(unverified=registration(method, source), now=NOW))


def test_an_x509_entry_that_is_no_authority_spoils_the_authorities_and_no_jwt_key() -> None:
    sound, wrong = bundle(authority(), jwt=True), bundle(authority(named=("digital_signature",)), jwt=True)
    assert len(verify_bundle(sound).authorities) == 1
    for entry in ({"use": "x509-svid", "x5c": []}, {"use": "x509-svid", "x5c": ["!"]}, {"use": "x509-svid"}, wrong["keys"][0]):
        found = verify_bundle({"keys": [*sound["keys"], entry]})
        assert (len(found.keys), found.authorities) == (1, ())
