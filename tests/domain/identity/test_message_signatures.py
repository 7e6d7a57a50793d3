"""The signature base and the rules of signed messages, on paper; the doors have the rest."""

import hashlib
from base64 import b64encode

import pytest

from contracts.identity_minting import NOW, NOW_S
from remit.domain.errors import Code, Refused
from remit.domain.identity.message_signatures import (
    SignedMessage,
    authority,
    content_digest,
    read_signatures,
    signature_base,
    the_signature,
    verify_algorithm,
    verify_content_digest,
    verify_coverage,
    verify_times,
)
from remit.domain.identity.signature_agent import signature_agent


def message(
    covered: str, *more: tuple[str, str], params: str = "", url: str = "https://desk.example/a?x=1&y=a%20b", status: int | None = None
) -> SignedMessage:
    signed = [("signature-input", f"s=({covered}){params}"), ("signature", "s=:YQ==:")]
    return SignedMessage(method="POST", url=url, headers=[*more, *signed], status=status)


def base(covered: str, *more: tuple[str, str], **changed: object) -> list[str]:
    found = message(covered, *more, **changed)  # type: ignore[arg-type]  # changes of a case
    return signature_base(found, the_signature(found)).decode().split("\n")


def refused(code: Code, act: object) -> None:
    with pytest.raises(Refused) as caught:
        act()  # type: ignore[operator]  # a case
    assert caught.value.code is code


def test_every_component_that_is_supported_has_its_value() -> None:
    covered = '"@method" "@target-uri" "@authority" "@scheme" "@path" "@query" "@request-target" "@query-param";name="y" "a" "d";key="k"'
    assert base(covered, ("a", " 1 "), ("a", "2"), ("d", 'j=1, k="x";p')) == [
        '"@method": POST',
        '"@target-uri": https://desk.example/a?x=1&y=a%20b',
        '"@authority": desk.example',
        '"@scheme": https',
        '"@path": /a',
        '"@query": ?x=1&y=a%20b',
        '"@request-target": /a?x=1&y=a%20b',
        '"@query-param";name="y": a%20b',
        '"a": 1, 2',
        '"d";key="k": "x";p',
        f'"@signature-params": ({covered})',
    ]
    assert base('"@path" "@query" "@request-target"', url="https://desk.example")[:3] == [
        '"@path": /',
        '"@query": ?',
        '"@request-target": /',
    ]


def test_an_answer_has_its_status_and_may_cover_its_request() -> None:
    assert base('"@status" "@authority";req "a"', ("a", "1"), status=200)[:3] == [
        '"@status": 200',
        '"@authority";req: desk.example',
        '"a": 1',
    ]


@pytest.mark.parametrize(
    ("covered", "status"),
    [
        ('"@status"', None),
        ('"@unknown"', None),
        ('"@method";req', None),
        ('"absent"', None),
        ('"a";sf', None),
        ('"a";bs', None),
        ('"A"', None),
        ("a", None),
        ("1", None),
        ('"a" "a"', None),
        ('"d";key="z"', None),
        ('"a";key="("', None),
        ('"@query-param"', None),
        ('"@query-param";name="z"', None),
        ('"@method"', 200),
        ('"a";req', 200),
    ],
)
def test_a_component_that_is_not_supported_or_not_there_is_refused(covered: str, status: int | None) -> None:
    refused(Code.CREDENTIAL_MALFORMED, lambda: base(covered, ("a", "1"), ("d", "k=1"), status=status))


@pytest.mark.parametrize(
    ("inputs", "values"),
    [("", ""), ("s=()", "t=:YQ==:"), ("s=1", "s=:YQ==:"), ("s=()", "s=1"), ("s=()", "s=()"), ("s=();x=1", "s=:YQ==:"), ("s=(", "s=:YQ==:")],
)
def test_a_signature_without_its_input_is_refused(inputs: str, values: str) -> None:
    found = SignedMessage(method="GET", url="https://x.example/", headers=[("signature-input", inputs), ("signature", values)])
    assert found.signed
    refused(Code.CREDENTIAL_MALFORMED, lambda: read_signatures(found))
    refused(Code.CREDENTIAL_MALFORMED, lambda: read_signatures(message('"a"', ("signature", "x" * 8200))))


def test_path_and_query_may_stand_for_the_address() -> None:
    found = message('"@method" "@authority" "@path" "@query"')
    verify_coverage(found, the_signature(found))
    for short in ('"@method" "@authority" "@path"', '"@target-uri"'):
        less = message(short)
        refused(Code.CREDENTIAL_MALFORMED, lambda less=less: verify_coverage(less, the_signature(less)))


def test_times_and_texts_of_the_parameters() -> None:
    sound = the_signature(message("", params=f";created={NOW_S};expires={NOW_S + 60}"))
    assert verify_times(sound, NOW, most_s=60) == NOW + 60_000
    assert (sound.tag, sound.algorithm) == ("", None)
    for params in (";created=?1;expires=2", ";created=-1;expires=2", ";created=x;expires=2", ";expires=2"):
        refused(Code.CREDENTIAL_MALFORMED, lambda params=params: verify_times(the_signature(message("", params=params)), NOW, most_s=None))
    for params in (";keyid=1", ';keyid=""', f';keyid="{"x" * 513}"', ""):
        refused(Code.CREDENTIAL_MALFORMED, lambda params=params: the_signature(message("", params=params)).text("keyid"))


def test_the_algorithm_is_the_keys_own() -> None:
    assert verify_algorithm(None, frozenset({"EdDSA", "Ed25519"})) == "Ed25519"
    assert verify_algorithm("rsa-pss-sha512", frozenset({"PS512", "RS256"})) == "PS512"
    for named, known in (("ed25519", {"ES256"}), (None, {"RS256"}), (None, {"ES512"}), ("hmac-sha256", {"ES256"}), (None, set[str]())):
        refused(Code.CREDENTIAL_WRONG_KEY, lambda named=named, known=known: verify_algorithm(named, frozenset(known)))


def test_a_digest_is_of_this_very_body() -> None:
    both = f"{content_digest(b'x')}, sha-512=:{b64encode(hashlib.sha512(b'x').digest()).decode()}:"
    verify_content_digest(both, b"x")
    verify_content_digest(None, b"")
    refused(Code.CREDENTIAL_WRONG_KEY, lambda: verify_content_digest(both, b"y"))
    refused(Code.CREDENTIAL_WRONG_KEY, lambda: verify_content_digest("sha-256=1", b"y"))
    for wrong in (None, "", "md5=:YQ==:", "sha-256"):
        code = Code.CREDENTIAL_WRONG_KEY if wrong == "sha-256" else Code.CREDENTIAL_MALFORMED
        refused(code, lambda wrong=wrong: verify_content_digest(wrong, b"y"))
    refused(Code.CREDENTIAL_MALFORMED, lambda: verify_content_digest("(", b"y"))


def test_the_authority_has_no_default_port() -> None:
    found = [
        authority(url) for url in ("https://Desk.example:443/", "http://desk.example:80", "https://desk.example:8443", "http://[::1]:80/")
    ]
    assert found == ["desk.example", "desk.example", "desk.example:8443", "[::1]"]


@pytest.mark.parametrize(
    ("field", "covered", "named"),
    [
        ('"https://a.example"', '"signature-agent"', "https://a.example"),
        ('s="https://a.example"', '"signature-agent"', "https://a.example"),
        ('s="https://a.example", t="https://b.example:8443"', '"signature-agent";key="t"', "https://b.example:8443"),
        ('s="https://a.example", t="https://b.example"', '"signature-agent"', ""),
        ('s="https://a.example"', '"signature-agent";key="t"', ""),
        ('s=("https://a.example")', '"signature-agent"', ""),
        ('s="https://a.example";p', '"signature-agent"', ""),
        ("s=1", '"signature-agent"', ""),
        ('"https://a.example" "', '"signature-agent"', ""),
        ('s="https://a.example"', '"signature-agent" "signature-agent";key="s"', ""),
        ('s="https://a.example"', '"@method"', ""),
        ('s="http://127.0.0.1:1"', '"signature-agent"', ""),
    ],
)
def test_signature_agent_names_one_origin(field: str, covered: str, named: str) -> None:
    found = message(covered, ("signature-agent", field))
    if named:
        assert signature_agent(found, the_signature(found), allow_loopback=False) == named
    else:
        refused(Code.CREDENTIAL_MALFORMED, lambda: signature_agent(found, the_signature(found), allow_loopback=False))
    if "127" in field:
        assert signature_agent(found, the_signature(found), allow_loopback=True) == "http://127.0.0.1:1"
