"""Published vectors of RFC 9421 and of Web Bot Auth, through the parts that the doors verify with (read in place, nothing is copied)."""

import re
from typing import Any

import pytest

from conformance.harness import vector_set
from remit.adapters.identity.directories import verify_directory
from remit.adapters.identity.fetching import Fetched
from remit.adapters.identity.keys import PublicKey, verify_jwk
from remit.domain.errors import Code, Refused
from remit.domain.identity.message_signatures import SignedMessage, read_signatures, signature_base, the_signature, verify_algorithm
from remit.domain.identity.signature_agent import signature_agent
from remit.domain.values import Instant

RFC, AGENTS, OLDER = vector_set("httpsig-rfc9421"), vector_set("httpsig-web-bot-auth"), vector_set("httpsig-architecture")
APPENDIX, DRAFT, ARCHITECTURE = RFC.read(), AGENTS.read(), OLDER.read()
SIGNED_AT = Instant(1_735_689_600_000)


def key_of(jwk: dict[str, Any]) -> PublicKey:
    return verify_jwk({name: value for name, value in jwk.items() if name != "d"})


def rfc_key(name: str) -> PublicKey:
    return key_of(APPENDIX["keys"][name]["public_jwk"])


def message_of(case: dict[str, Any]) -> SignedMessage:
    """A message of appendix B.2, with the case's signature."""
    request, found = APPENDIX["messages"]["request"], APPENDIX["messages"][case["message"]]
    signed = [("signature-input", case["signature_input"]), ("signature", case["signature"])]
    headers = [(name.lower(), value) for name, value in found["headers"]]
    url = f"https://example.com{request['target']}"
    return SignedMessage(method=request["method"], url=url, headers=[*headers, *signed], status=found.get("status"))


def verify(message: SignedMessage, key: PublicKey) -> None:
    """As the doors do: one signature, the base from the message, the key's own algorithm."""
    found = the_signature(message)
    key.verify_signature(verify_algorithm(found.algorithm, key.algorithms), found.signature, signature_base(message, found))


@RFC.each({f"base {case['title']}": case for case in APPENDIX["cases"]}, "case")
def test_the_base_of_every_message_of_the_rfc_is_rebuilt(case: dict[str, Any]) -> None:
    message = message_of(case)
    assert signature_base(message, the_signature(message)).decode() == case["signature_base"]


@RFC.each({f"signature {case['title']}": case for case in APPENDIX["cases"]}, "case")
def test_every_message_signed_by_a_key_pair_verifies_and_none_that_was_changed(case: dict[str, Any]) -> None:
    message, key = message_of(case), rfc_key(case["keyid"])
    verify(message, key)
    found = the_signature(message)
    base = signature_base(message, found)
    for place in range(0, len(base), 7):
        broken = bytes([*base[:place], base[place] ^ 1, *base[place + 1 :]])
        with pytest.raises(Refused):
            key.verify_signature(verify_algorithm(found.algorithm, key.algorithms), found.signature, broken)


def test_a_shared_secret_signs_nothing_here() -> None:
    """B.2.5 is right by the RFC, and refused by policy: no key of the desk's own kinds knows its algorithm."""
    for name in APPENDIX["keys"]:
        if "public_jwk" in APPENDIX["keys"][name]:
            with pytest.raises(Refused):
                verify_algorithm("hmac-sha256", rfc_key(name).algorithms)


@OLDER.each({f"{number} {case['key']['kty']} {case['label']}": case for number, case in enumerate(ARCHITECTURE)}, "case")
def test_every_vector_of_the_architecture_verifies(case: dict[str, Any]) -> None:
    agent = [("signature-agent", case["signature_agent"])] if "signature_agent" in case else []
    headers = [("signature-input", case["signature_input"]), ("signature", case["signature"]), *agent]
    message = SignedMessage(method="GET", url=case["target_url"], headers=headers)
    verify(message, key_of(case["key"]))
    if agent:
        assert signature_agent(message, the_signature(message), allow_loopback=False) == "https://signature-agent.test"
    elsewhere = SignedMessage(method="GET", url="https://other.example/", headers=headers)
    with pytest.raises(Refused):
        verify(elsewhere, key_of(case["key"]))


REQUESTS = [one for one in DRAFT["cases"] if "Directory" not in one["title"]]


@AGENTS.each({f"{number} {case['title']}": case for number, case in enumerate(REQUESTS)}, "case")
def test_every_request_of_the_draft_verifies(case: dict[str, Any]) -> None:
    headers = [(name.lower(), value) for name, value in (line.split(": ", 1) for line in case["headers"].splitlines())]
    message = SignedMessage(method="GET", url="https://example.com/", headers=headers)
    assert signature_base(message, the_signature(message)).decode() == case["signature_base"]
    verify(message, rfc_key("test-key-rsa-pss" if "rsa-pss" in case["headers"] else "test-key-ed25519"))
    assert signature_agent(message, the_signature(message), allow_loopback=False) == "https://signature-agent.test"


def directory() -> tuple[Fetched, str]:
    """The signed directory of the draft, and its base."""
    case = next(one for one in DRAFT["cases"] if "Directory" in one["title"])
    headers = [(name.lower(), value) for name, value in (line.split(": ", 1) for line in case["headers"].splitlines())]
    media = ("content-type", "application/http-message-signatures-directory+json")
    return Fetched(status=200, headers=(*headers, media), body=case["other_blocks"][1].encode()), case["signature_base"]


@AGENTS.each(["the signed directory"])
def test_the_signed_directory_of_the_draft_is_read_for_its_own_host_alone(check: str) -> None:
    del check
    fetched, base = directory()
    message = SignedMessage(method="GET", url="https://signature-agent.test/", headers=fetched.headers, status=200)
    assert signature_base(message, read_signatures(message)[0]).decode() == base
    found = verify_directory("https://signature-agent.test", fetched, now=Instant(SIGNED_AT + 1000))
    assert [one.jkt for one in found.keys] == ["poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U"]
    for origin, body in (
        ("https://other.example", fetched.body),
        ("https://signature-agent.test", re.sub(b'"use":"sig"', b'"use": "sig"', fetched.body)),
    ):
        with pytest.raises(Refused) as caught:
            verify_directory(origin, Fetched(status=200, headers=fetched.headers, body=body), now=Instant(SIGNED_AT + 1000))
        assert caught.value.code is Code.CREDENTIAL_WRONG_KEY
