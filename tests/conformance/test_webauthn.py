"""The test vectors of WebAuthn Level 3: a passkey is made and used with each, through the plug that the desk uses."""

import hashlib
from collections.abc import Mapping
from typing import Any

import pytest
from webauthn.helpers import parse_attestation_object

from conformance.harness import vector_set
from remit.adapters.people.passkey import WebauthnPasskeys
from remit.domain.errors import Code, Refused
from remit.ports.people import NewPasskey, VerifiedAssertion
from remit.proof.canonical import b64url

WEBAUTHN = vector_set("webauthn")
FOUND: Mapping[str, Any] = WEBAUTHN.read()
CASES: Mapping[str, Any] = {case["id"].removeprefix("sctn-test-vectors-"): case for case in FOUND["vectors"]}

TAKEN = ["none-es256", "packed-self-es256", "none-es256-long-credential-id", "packed-es256", "packed-rs256", "packed-eddsa"]
FRAMED = ["none-es256-crossOrigin", "none-es256-topOrigin"]
OTHER = ["packed-es384", "packed-es512", "packed-ed448", "tpm-es256", "android-key-es256", "apple-es256", "fido-u2f-es256"]
"""Keys of other algorithms than are asked for (-7, -8 and -257), attestation that nobody asked for (`none` is), or no user verified."""


def plug() -> WebauthnPasskeys:
    return WebauthnPasskeys(origin=FOUND["origin"], name="Acme")


def hexed(text: str) -> str:
    return b64url(bytes.fromhex(text))


def made(case: Mapping[str, Any]) -> NewPasskey:
    given = case["registration"]
    credential = hexed(given["credential_id"])
    response = {"clientDataJSON": hexed(given["clientDataJSON"]), "attestationObject": hexed(given["attestationObject"])}
    answer = {"id": credential, "rawId": credential, "type": "public-key", "response": response, "clientExtensionResults": {}}
    return plug().verify_creation(answer, challenge=bytes.fromhex(given["challenge"]))


def used(case: Mapping[str, Any], passkey: NewPasskey, **changed: bytes) -> VerifiedAssertion:
    given = case["authentication"]
    raw = {name: bytes.fromhex(given[name]) for name in ("clientDataJSON", "authenticatorData", "signature")} | changed
    answer = {
        "id": passkey.credential_id,
        "rawId": passkey.credential_id,
        "type": "public-key",
        "response": {name: b64url(value) for name, value in raw.items()},
        "clientExtensionResults": {},
    }
    challenge = bytes.fromhex(given["challenge"])
    return plug().verify_assertion(answer, challenge=challenge, public_key=passkey.public_key, sign_count=0)


def test_every_vector_is_judged() -> None:
    assert set(CASES) == {*TAKEN, *FRAMED, *OTHER}
    assert len(CASES) == 15


@WEBAUTHN.each({f"registration {name}": case for name, case in CASES.items()})
def test_a_published_passkey_is_made(check: Mapping[str, Any]) -> None:
    assert made(check).credential_id == hexed(check["registration"]["credential_id"])


@WEBAUTHN.each({f"authentication {name}": case for name, case in CASES.items()})
def test_a_published_passkey_is_used(check: Mapping[str, Any]) -> None:
    """Its key is taken as published, also where we would not have made it."""
    attested = parse_attestation_object(bytes.fromhex(check["registration"]["attestationObject"])).auth_data.attested_credential_data
    assert attested is not None
    key = NewPasskey(
        credential_id=hexed(check["registration"]["credential_id"]), public_key=b64url(attested.credential_public_key), sign_count=0
    )
    assert used(check, key).credential_id == key.credential_id


@pytest.mark.parametrize("name", TAKEN)
def test_a_passkey_is_made_and_used_where_its_user_was_verified(name: str) -> None:
    case = CASES[name]
    assert FOUND["rp_id"] == "example.org"
    verified = {what: bytes.fromhex(case[what][_DATA[what]]) for what in _DATA}
    flags = {what: _flags(what, raw) for what, raw in verified.items()}
    if not flags["registration"] & _USER_VERIFIED:
        with pytest.raises(Refused) as nobody:
            made(case)
        assert nobody.value.code is Code.CREDENTIAL_MALFORMED
        return
    passkey = made(case)
    assert passkey.credential_id == hexed(case["registration"]["credential_id"])
    if not flags["authentication"] & _USER_VERIFIED:
        with pytest.raises(Refused) as unverified:
            used(case, passkey)
        assert unverified.value.code is Code.CREDENTIAL_WRONG_KEY
        return
    assert used(case, passkey).credential_id == passkey.credential_id
    for member in ("clientDataJSON", "authenticatorData", "signature"):
        raw = bytearray(bytes.fromhex(case["authentication"][member]))
        raw[-1 if member != "clientDataJSON" else -3] ^= 1
        with pytest.raises(Refused) as other:
            used(case, passkey, **{member: bytes(raw)})
        assert other.value.code in {Code.CREDENTIAL_WRONG_KEY, Code.CREDENTIAL_MALFORMED}


_USER_VERIFIED = 0x04
_DATA = {"registration": "attestationObject", "authentication": "authenticatorData"}


def _flags(what: str, raw: bytes) -> int:
    """The flags behind the hash of the relying party's name, wherever that stands."""
    place = raw.index(hashlib.sha256(b"example.org").digest()) if what == "registration" else 0
    return raw[place + 32]


@pytest.mark.parametrize("name", FRAMED)
def test_a_framed_page_makes_and_uses_no_passkey(name: str) -> None:
    with pytest.raises(Refused) as refused:
        made(CASES[name])
    assert (refused.value.code, refused.value.detail) == (Code.CREDENTIAL_WRONG_KEY, "the page was framed or driven from another origin")
    with pytest.raises(Refused) as again:
        used(CASES[name], NewPasskey(credential_id="AAAA", public_key="", sign_count=0))
    assert (again.value.code, again.value.detail) == (Code.CREDENTIAL_WRONG_KEY, "the page was framed or driven from another origin")


@pytest.mark.parametrize("name", OTHER)
def test_a_passkey_of_a_kind_that_is_not_asked_for_is_not_taken(name: str) -> None:
    with pytest.raises(Refused) as refused:
        made(CASES[name])
    assert refused.value.code is Code.CREDENTIAL_MALFORMED
