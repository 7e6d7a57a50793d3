"""SPIFFE's own accept and reject lists: IDs, JWT-SVIDs and bundles, through the functions that client authentication calls."""

import asyncio
import base64
import json
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from cryptography import x509

from conformance.harness import SHARED, vector_set
from contracts.identity_minting import ISSUER, NOW, NOW_S, jwk, mint, svid_claims, without, write_json
from remit.adapters.identity.assertions import AssertionClients
from remit.adapters.identity.certificates import read_certificate, verify_leaf, verify_x509_svid
from remit.adapters.identity.key_sets import verify_bundle, verify_jwks
from remit.domain.errors import Code, Refused
from remit.domain.identity.assertions import AssertionType
from remit.domain.identity.certificates import PresentedCertificate
from remit.domain.identity.spiffe import verify_spiffe_id
from remit.domain.ids import OperatorId
from remit.domain.values import Instant, decode_json
from remit.ports.identity import ClientMethod, ProvedClient, Registration, SpiffeBundleFile

SPIFFE_IDS = vector_set("spiffe-ids")
BUNDLES = vector_set("spiffe-bundles")
SVIDS = vector_set("spiffe-jwt-svid")
IDS: dict[str, Any] = SPIFFE_IDS.read()
SCHEMA: Any = SVIDS.read("spiffe/JWT-SVID.schema.json")
ROOT = SHARED / "spiffe"
FOLDER = ROOT / "bundles"
HEADER = {"alg": "ES256", "kid": "k1", "typ": "JWT"}


@SPIFFE_IDS.each({f"valid {text}": text for text in IDS["valid"]})
def test_every_valid_id_is_read(check: str) -> None:
    assert str(verify_spiffe_id(check)) == check


@SPIFFE_IDS.each({f"invalid {row['id']!r}": row["id"] for row in IDS["invalid"]})
def test_every_invalid_id_is_refused(check: str) -> None:
    with pytest.raises(Refused) as caught:
        verify_spiffe_id(check)
    assert caught.value.code is Code.CREDENTIAL_MALFORMED


SOUND = {
    "bundle_spiffebundle-spiffebundle_valid_1.json": 1,
    "bundle_spiffebundle-spiffebundle_valid_2.json": 6,
    "bundle_spiffebundle-spiffebundle_valid_with_wit.json": 2,
    "bundle_spiffebundle-spiffebundle_multiple_x509.json": 1,
}
UNSOUND = ["bundle_spiffebundle-spiffebundle_missing_kid.json", "bundle_spiffebundle-spiffebundle_no_keys.json"]
SOUND_JWKS = {
    "bundle_jwtbundle-jwks_valid_1.json": 1,
    "bundle_jwtbundle-jwks_valid_2.json": 2,
    "exp_bundle_witbundle-jwks_valid_1.json": 1,
    "exp_bundle_witbundle-jwks_valid_2.json": 2,
}
UNSOUND_JWKS = ["bundle_jwtbundle-jwks_missing_kid.json", "exp_bundle_witbundle-jwks_missing_kid.json"]


def test_every_bundle_file_is_judged() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {*SOUND, *UNSOUND, *SOUND_JWKS, *UNSOUND_JWKS}


@BUNDLES.each({name: (name, count) for name, count in SOUND.items()})
def test_sound_bundles_give_their_jwt_keys_only(check: tuple[str, int]) -> None:
    name, count = check
    raw = (FOLDER / name).read_bytes()
    found = verify_bundle(decode_json(raw))
    named = [key["kid"] for key in json.loads(raw)["keys"] if key["use"] == "jwt-svid"]
    assert len(found.keys) == count
    assert [key.kid for key in found.keys] == named


@BUNDLES.each(UNSOUND)
def test_bundles_without_kid_or_keys_are_refused(check: str) -> None:
    with pytest.raises(Refused) as caught:
        verify_bundle(decode_json((FOLDER / check).read_bytes()))
    assert caught.value.code is Code.REQUEST_MALFORMED


@BUNDLES.each({name: (name, count) for name, count in SOUND_JWKS.items()})
def test_sound_plain_sets_are_read_as_jwks_and_hold_no_svid_key(check: tuple[str, int]) -> None:
    name, count = check
    value = decode_json((FOLDER / name).read_bytes())
    assert len(verify_jwks(value).keys) == count
    with pytest.raises(Refused):
        verify_bundle(value)


@BUNDLES.each(UNSOUND_JWKS)
def test_plain_sets_with_a_nameless_key_are_refused(check: str) -> None:
    with pytest.raises(Refused) as caught:
        verify_jwks(decode_json((FOLDER / check).read_bytes()))
    assert caught.value.code is Code.REQUEST_MALFORMED


def test_the_refresh_hint_of_a_bundle_is_kept() -> None:
    assert verify_bundle(decode_json((FOLDER / "bundle_spiffebundle-spiffebundle_valid_with_wit.json").read_bytes())).refresh_ms == 60_000


def present(folder: Path, token: str, trust_domain: str = "helper.example") -> ProvedClient:
    path = write_json(folder / "bundle.json", {"keys": [jwk("ES256", "td", kid="k1", use="jwt-svid")]})
    registration = Registration(
        client_id="shop",
        actor="spiffe://helper.example/agent/*",
        operator=OperatorId("helper.example"),
        method=ClientMethod.SPIFFE_JWT,
        keys=SpiffeBundleFile(path=str(path), trust_domain=trust_domain),
        spiffe_id="spiffe://helper.example/agent/*",
    )
    clients = AssertionClients(allow_loopback=False)
    return asyncio.run(
        clients.verify_client(
            unverified_type=AssertionType.JWT_SPIFFE, unverified_assertion=token, registration=registration, issuer=ISSUER, now=NOW
        )
    )


SVID = svid_claims()
DEFECTS = {
    "malformed token": ("a.b", Code.CREDENTIAL_MALFORMED),
    "unsupported algorithm (HS256)": (mint({**HEADER, "alg": "HS256"}, SVID, alg="ES256", name="td"), Code.CREDENTIAL_MALFORMED),
    "missing sub": (mint(HEADER, without(SVID, "sub"), name="td"), Code.CREDENTIAL_MALFORMED),
    "missing exp": (mint(HEADER, without(SVID, "exp"), name="td"), Code.CREDENTIAL_MALFORMED),
    "expired": (mint(HEADER, svid_claims(exp=NOW_S), name="td"), Code.CREDENTIAL_EXPIRED),
    "unexpected audience": (mint(HEADER, svid_claims(aud=["https://other.example"]), name="td"), Code.CREDENTIAL_WRONG_AUDIENCE),
    "sub is not a SPIFFE ID": (mint(HEADER, svid_claims(sub="https://helper.example/agent/shop"), name="td"), Code.CREDENTIAL_MALFORMED),
    "no bundle for the trust domain": (mint(HEADER, svid_claims(sub="spiffe://else.example/agent/shop"), name="td"), Code.AGENT_UNKNOWN),
    "kid not in the trust domain's bundle": (mint({**HEADER, "kid": "k2"}, SVID, name="td"), Code.CREDENTIAL_WRONG_KEY),
    "signature by another trust domain's key": (mint(HEADER, SVID, name="other td"), Code.CREDENTIAL_WRONG_KEY),
    "typ other than JWT or JOSE": (mint({**HEADER, "typ": "at+jwt"}, SVID, name="td"), Code.CREDENTIAL_MALFORMED),
    "EdDSA algorithm (not in the JWT-SVID list)": (mint({**HEADER, "alg": "EdDSA"}, SVID, name="td"), Code.CREDENTIAL_MALFORMED),
    "header parameter other than alg, kid, typ": (
        mint({**HEADER, "jku": "https://evil.example"}, SVID, name="td"),
        Code.CREDENTIAL_MALFORMED,
    ),
}


def test_every_negative_case_of_the_list_is_here() -> None:
    assert set(IDS["jwt_svid_negative"]) == set(DEFECTS)


@SPIFFE_IDS.each({f"jwt-svid {case}": defect for case, defect in DEFECTS.items()})
def test_a_defective_svid_is_refused(check: tuple[str, Code], tmp_path: Path) -> None:
    token, code = check
    with pytest.raises(Refused) as caught:
        present(tmp_path, token)
    assert caught.value.code is code


def test_a_bundle_registered_for_another_trust_domain_proves_nobody(tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught:
        present(tmp_path, mint(HEADER, SVID, name="td"), trust_domain="else.example")
    assert caught.value.code is Code.AGENT_UNKNOWN


@SVIDS.each({f"typ {typ}": typ for typ in ("JWT", "JOSE", None)}, "typ")
def test_a_sound_svid_follows_the_schema_and_proves_its_workload(typ: str | None, tmp_path: Path) -> None:
    header = without(HEADER, "typ") | ({} if typ is None else {"typ": typ})
    claims = svid_claims(aud=ISSUER)
    jsonschema_rs.validator_for(SCHEMA).validate({"header": header, "payload": claims})
    proved = present(tmp_path, mint(header, claims, name="td"))
    assert (proved.client_id, proved.actor, proved.replay_key) == ("shop", "spiffe://helper.example/agent/shop", None)


@SVIDS.each({f"alg {alg}": alg for alg in ("RS256", "ES256", "HS256", "none", "EdDSA", "PS512", "ES256K")}, "alg")
def test_our_algorithm_list_is_the_schemas(alg: str, tmp_path: Path) -> None:
    listed = alg in SCHEMA["properties"]["header"]["properties"]["alg"]["enum"]
    with_alg = mint({**HEADER, "alg": alg}, SVID, alg="ES256", name="td")
    if alg == "ES256":
        assert present(tmp_path, with_alg).client_id == "shop"
        return
    with pytest.raises(Refused) as caught:
        present(tmp_path, with_alg)
    assert caught.value.code is (Code.CREDENTIAL_WRONG_KEY if listed else Code.CREDENTIAL_MALFORMED)


CERTIFIED = vector_set("x509-svid")
CERTIFICATES: dict[str, str] = CERTIFIED.read()["certs"]
WRONG = sorted(name for name in CERTIFICATES if not name.startswith("good-"))


def presented(name: str) -> tuple[PresentedCertificate, Instant]:
    """A chain as a front hands it on, and a time at which its leaf counts."""
    blocks = re.findall(r"-----BEGIN CERTIFICATE-----(.+?)-----END", CERTIFICATES[name], re.DOTALL)
    leaf, *chain = [base64.b64decode(one) for one in blocks]
    try:
        began = x509.load_der_x509_certificate(leaf).not_valid_before_utc.timestamp()
    except ValueError:
        began = 0
    return PresentedCertificate(leaf=leaf, chain=tuple(chain)), Instant(int(began * 1000) + 1000)


@CERTIFIED.each(sorted(name for name in CERTIFICATES if name.startswith("good-")), "name")
def test_every_sound_certificate_is_one_workloads_own(name: str) -> None:
    """Its authorities are not among the vectors, so that the chain is where it ends."""
    certificate, now = presented(name)
    assert str(verify_leaf(read_certificate(certificate.leaf))) == "spiffe://example.org/workload-1"
    with pytest.raises(Refused) as caught:
        verify_x509_svid(certificate, (), now=now)
    assert caught.value.code is Code.CREDENTIAL_WRONG_KEY


@CERTIFIED.each(WRONG, "name")
def test_every_unsound_certificate_is_refused_before_its_chain_is_looked_at(name: str) -> None:
    certificate, now = presented(name)
    with pytest.raises(Refused) as caught:
        verify_x509_svid(certificate, (), now=now)
    assert caught.value.code is Code.CREDENTIAL_MALFORMED


def test_every_bundle_file_gives_its_x509_authorities_or_none() -> None:
    """`multiple_x509` has two certificates in one entry, which go-spiffe refuses too: no authority, but its JWT key stays."""
    counted = {name: len(verify_bundle(decode_json((FOLDER / name).read_bytes())).authorities) for name in SOUND}
    assert counted["bundle_spiffebundle-spiffebundle_multiple_x509.json"] == 0
    assert counted["bundle_spiffebundle-spiffebundle_valid_1.json"] == 1
