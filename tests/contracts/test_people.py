"""What every passkey plug promises: one verified person, on the desk's own page, over exactly this challenge."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remit.adapters.people.passkey import WebauthnPasskeys
from remit.domain.errors import Code, Refused
from remit.ports.people import NewPasskey, Passkeys
from remit.proof.canonical import b64url, unb64url
from remit.sandbox.passkey import SoftPasskey

ORIGIN = "https://desk.example"
CHALLENGE, OTHER = b"c" * 32, b"d" * 32
PLUGS: dict[str, Callable[[], Passkeys]] = {"webauthn": lambda: WebauthnPasskeys(origin=ORIGIN, name="Acme")}


@pytest.fixture(params=list(PLUGS))
def passkeys(request: pytest.FixtureRequest) -> Passkeys:
    return PLUGS[request.param]()


def enrolled(passkeys: Passkeys, device: SoftPasskey) -> NewPasskey:
    options = passkeys.creation_options(person="yu", name="Yusuf", challenge=CHALLENGE, known=())
    return passkeys.verify_creation(device.create(options), challenge=CHALLENGE)


def assertion(passkeys: Passkeys, device: SoftPasskey, known: NewPasskey, **said: Any) -> dict[str, Any]:
    options = passkeys.request_options(challenge=CHALLENGE, allowed=(known.credential_id,))
    return device.get(options, **said)


def refusal(work: Callable[[], object]) -> Code:
    with pytest.raises(Refused) as caught:
        work()
    return caught.value.code


def test_options_ask_for_a_verified_user_and_name_our_challenge(passkeys: Passkeys) -> None:
    made: Any = passkeys.creation_options(person="yu", name="Yusuf", challenge=CHALLENGE, known=(b64url(b"old-key"),))
    asked: Any = passkeys.request_options(challenge=CHALLENGE, allowed=(b64url(b"a-key"),))
    assert made["challenge"] == asked["challenge"] == b64url(CHALLENGE)
    assert made["authenticatorSelection"]["userVerification"] == asked["userVerification"] == "required"
    assert made["rp"]["id"] == asked["rpId"] == "desk.example"
    assert [one["id"] for one in made["excludeCredentials"]] == [b64url(b"old-key")]
    assert [one["id"] for one in asked["allowCredentials"]] == [b64url(b"a-key")]
    assert {one["alg"] for one in made["pubKeyCredParams"]} == {-7, -8, -257}


def test_an_enrolled_passkey_signs_a_challenge_and_leaves_evidence(passkeys: Passkeys) -> None:
    device = SoftPasskey(ORIGIN)
    known = enrolled(passkeys, device)
    given_answer = assertion(passkeys, device, known)
    proved = passkeys.verify_assertion(given_answer, challenge=CHALLENGE, public_key=known.public_key, sign_count=known.sign_count)
    assert proved.credential_id == known.credential_id
    assert proved.sign_count > known.sign_count
    assert json.loads(proved.evidence)["response"]["signature"] == given_answer["response"]["signature"]


@pytest.mark.parametrize(
    "said",
    [
        {"crossOrigin": True},
        {"crossOrigin": "false"},
        {"topOrigin": "https://agent.example"},
        {"topOrigin": ORIGIN},
        {"origin": "https://agent.example"},
        {"origin": "https://desk.example.agent.example"},
        {"origin": "http://desk.example"},
        {"type": "webauthn.create"},
    ],
)
def test_a_page_that_is_framed_driven_or_elsewhere_signs_nothing(passkeys: Passkeys, said: dict[str, Any]) -> None:
    device = SoftPasskey(ORIGIN)
    known = enrolled(passkeys, device)
    wrong = assertion(passkeys, device, known, **said)
    check = passkeys.verify_assertion
    assert refusal(lambda: check(wrong, challenge=CHALLENGE, public_key=known.public_key, sign_count=0)) is Code.CREDENTIAL_WRONG_KEY


def test_another_passkey_an_older_count_and_another_challenge_do_not_count(passkeys: Passkeys) -> None:
    device, stranger = SoftPasskey(ORIGIN), SoftPasskey(ORIGIN)
    known, other = enrolled(passkeys, device), enrolled(passkeys, stranger)
    check = passkeys.verify_assertion
    right = assertion(passkeys, device, known)
    assert refusal(lambda: check(right, challenge=CHALLENGE, public_key=other.public_key, sign_count=0)) is Code.CREDENTIAL_WRONG_KEY
    assert refusal(lambda: check(right, challenge=CHALLENGE, public_key=known.public_key, sign_count=99)) is Code.CREDENTIAL_WRONG_KEY
    assert refusal(lambda: check(right, challenge=OTHER, public_key=known.public_key, sign_count=0)) is Code.CREDENTIAL_WRONG_KEY


def test_a_passkey_of_another_site_is_not_enrolled(passkeys: Passkeys) -> None:
    options = passkeys.creation_options(person="yu", name="Yusuf", challenge=CHALLENGE, known=())
    for origin in ("https://agent.example", "https://desk.example:8443"):
        elsewhere = SoftPasskey(origin).create(options)
        assert refusal(lambda made=elsewhere: passkeys.verify_creation(made, challenge=CHALLENGE)).value.startswith("credential.")  # type: ignore[misc]  # bound now


def without_verification(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The same answer with the user-verified bit of the authenticator data taken away."""
    response = dict(answer["response"])
    data = bytearray(unb64url(response["authenticatorData"]))
    data[32] &= ~0x04
    return {**answer, "response": {**response, "authenticatorData": b64url(bytes(data))}}


def test_presence_without_verification_is_not_a_person(passkeys: Passkeys) -> None:
    device = SoftPasskey(ORIGIN)
    known = enrolled(passkeys, device)
    touched = without_verification(assertion(passkeys, device, known))
    check = passkeys.verify_assertion
    assert refusal(lambda: check(touched, challenge=CHALLENGE, public_key=known.public_key, sign_count=0)) is Code.CREDENTIAL_WRONG_KEY


def code_of(work: Callable[[], object]) -> Code | None:
    try:
        work()
    except Refused as refused:
        return refused.code
    return None


DEVICE = SoftPasskey(ORIGIN)
PLUG = WebauthnPasskeys(origin=ORIGIN, name="Acme")
KNOWN = enrolled(PLUG, DEVICE)
ANSWER = assertion(PLUG, DEVICE, KNOWN)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=60)
@given(st.sampled_from(["id", "rawId", "type", "response", "clientExtensionResults"]), JSON)
def test_whatever_a_browser_sends_is_refused_by_code_or_verified(member: str, value: Any) -> None:
    changed = {**ANSWER, member: value}
    allowed = {None, Code.CREDENTIAL_MALFORMED, Code.CREDENTIAL_WRONG_KEY}
    used = partial(PLUG.verify_assertion, changed, challenge=CHALLENGE, public_key=KNOWN.public_key, sign_count=0)
    assert code_of(used) in allowed
    assert code_of(partial(PLUG.verify_creation, changed, challenge=CHALLENGE)) in allowed - {None}


@settings(max_examples=60)
@given(st.sampled_from(["clientDataJSON", "authenticatorData", "signature"]), JSON | st.binary(max_size=200).map(b64url))
def test_a_changed_part_of_an_answer_never_verifies(member: str, value: Any) -> None:
    if value == ANSWER["response"][member]:
        return
    changed = {**ANSWER, "response": {**ANSWER["response"], member: value}}
    code = refusal(lambda: PLUG.verify_assertion(changed, challenge=CHALLENGE, public_key=KNOWN.public_key, sign_count=0))
    assert code in {Code.CREDENTIAL_MALFORMED, Code.CREDENTIAL_WRONG_KEY}
