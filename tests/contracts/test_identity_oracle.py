"""joserfc as the judge: what it signs we accept, what we accept it accepts, and thumbprints agree."""

import asyncio
import ssl
from typing import Any, cast

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import Key, import_key

from contracts.identity_minting import ISSUER, NOW, assertion_claims, jwk, private_key, proof_claims, proof_header
from remit.adapters.identity.assertions import AssertionClients
from remit.adapters.identity.dpop import DpopProofs
from remit.adapters.identity.keys import verify_jwk
from remit.domain.errors import Refused
from remit.domain.identity.assertions import AssertionType
from remit.domain.ids import OperatorId
from remit.ports.identity import ClientMethod, InlineKeys, Registration
from remit.proof.canonical import canonical

KINDS = {"ES256": "EC", "ES384": "EC", "Ed25519": "OKP", "PS256": "RSA", "RS256": "RSA"}


def private(alg: str, name: str = "") -> Key:
    pem = private_key(alg, name).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return cast("Key", import_key(pem, KINDS[alg]))  # type: ignore[call-overload]  # the kind is data here


def signed(header: dict[str, Any], claims: dict[str, Any], alg: str) -> str:
    registry = jws.JWSRegistry(algorithms=[alg], strict_check_header=False)
    return jws.serialize_compact(header, canonical(claims), private(alg), registry=registry)


@pytest.mark.parametrize("alg", KINDS)
def test_thumbprints_agree(alg: str) -> None:
    assert verify_jwk(jwk(alg)).jkt == private(alg).thumbprint()


@pytest.mark.parametrize("alg", ["ES256", "ES384", "Ed25519", "PS256"])
def test_a_proof_signed_by_joserfc_is_accepted(alg: str) -> None:
    token = signed(proof_header(alg), proof_claims(), alg)
    proof = DpopProofs().verify_proof(token, method="POST", url=f"{ISSUER}/oauth/token", now=NOW, ath=None, expected_jkt=None)
    assert proof.jkt == private(alg).thumbprint()


@pytest.mark.parametrize("alg", KINDS)
def test_an_assertion_signed_by_joserfc_is_accepted(alg: str) -> None:
    registration = Registration(
        client_id="shop",
        actor="agent_shop",
        operator=OperatorId("helper.example"),
        method=ClientMethod.PRIVATE_KEY_JWT,
        keys=InlineKeys(jwks={"keys": [jwk(alg)]}),
    )
    proved = asyncio.run(
        AssertionClients(allow_loopback=False, tls=ssl.create_default_context()).verify_client(
            unverified_type=AssertionType.JWT_BEARER,
            unverified_assertion=signed({"alg": alg, "typ": "client-authentication+jwt"}, assertion_claims(), alg),
            registration=registration,
            issuer=ISSUER,
            now=NOW,
        )
    )
    assert proved.client_id == "shop"


@settings(max_examples=120)
@given(st.data())
def test_we_accept_no_changed_proof_that_joserfc_refuses(data: st.DataObject) -> None:
    token = signed(proof_header(), proof_claims(), "ES256")
    place = data.draw(st.integers(0, 10_000)) % len(token)
    changed = token[:place] + data.draw(st.sampled_from("AQZaz09-_.=")) + token[place + 1 :]
    try:
        DpopProofs().verify_proof(changed, method="POST", url=f"{ISSUER}/oauth/token", now=NOW, ath=None, expected_jkt=None)
        ours = True
    except Refused:
        ours = False
    registry = jws.JWSRegistry(algorithms=["ES256"], strict_check_header=False)
    try:
        jws.deserialize_compact(changed, private("ES256"), registry=registry)
        theirs = True
    except (JoseError, ValueError):
        theirs = False
    assert theirs or not ours
