"""The 32 proof defects of the OpenID conformance suite, and the examples of the DPoP draft itself."""

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from contracts.identity_minting import ISSUER, NOW, NOW_S, jwk, mint, private_key, proof_claims, proof_header, segment, without
from remit.adapters.identity.dpop import DpopProofs
from remit.domain.errors import Code, Refused
from remit.domain.identity.dpop import token_hash, verify_bound, verify_presented
from remit.domain.values import Instant
from remit.ports.identity import Proof
from remit.proof.canonical import b64url, unb64url

ROOT = Path(os.environ.get("REMIT_SHARED", Path(__file__).parents[2] / ".." / "shared")) / "vectors" / "oauth"
pytestmark = pytest.mark.skipif(not ROOT.is_dir(), reason="the public vectors are not here; set REMIT_SHARED")
CASES: list[dict[str, Any]] = json.loads((ROOT / "oidf-dpop-negative.json").read_text())["cases"] if ROOT.is_dir() else []

TOKEN = "eyJhbGciOiJFUzI1NiJ9.e30.c2ln"
URL = f"{ISSUER}/v1/tasks/task_1/asks"
JKT = (
    DpopProofs()
    .verify_proof(
        mint(proof_header(), proof_claims()), method="POST", url=f"{ISSUER}/oauth/token", now=NOW, access_token=None, expected_jkt=None
    )
    .jkt
)


@dataclass(frozen=True)
class Resource:
    """A protected resource that holds a replay set, as a node does."""

    proofs: DpopProofs
    seen: set[str]

    def call(self, authorization: list[str], dpop: list[str], url: str = URL) -> Proof:
        presented = verify_presented(authorization=authorization, dpop=dpop)
        verify_bound(presented, token_jkt=JKT)
        assert presented.unverified_proof is not None
        proof = self.proofs.verify_proof(
            presented.unverified_proof, method="POST", url=url, now=NOW, access_token=presented.unverified_token, expected_jkt=JKT
        )
        if proof.replay_key in self.seen:
            raise Refused(Code.CREDENTIAL_REPLAYED)
        self.seen.add(proof.replay_key)
        return proof


def claims(**members: Any) -> dict[str, Any]:
    return proof_claims(htu=URL, ath=token_hash(TOKEN), **members)


def proof(header: dict[str, Any] | None = None, body: dict[str, Any] | None = None, **minting: Any) -> str:
    return mint(header or proof_header(), body or claims(), **minting)


def private_jwk() -> dict[str, Any]:
    number = private_key("ES256").private_numbers().private_value
    return jwk("ES256", d=b64url(number.to_bytes(32, "big")))


def flipped(text: str) -> str:
    head, _, signature = text.rpartition(".")
    return f"{head}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"


def calls(*dpop: str, scheme: str = "DPoP", url: str = URL) -> Callable[[Resource], object]:
    return lambda resource: resource.call([f"{scheme} {TOKEN}"], list(dpop), url)


def twice(resource: Resource) -> None:
    calls(proof())(resource)
    calls(proof(body=claims(iat=NOW_S + 1)))(resource)


ACTS: dict[str, Callable[[Resource], object]] = {
    "DPoP proof with all upper case header value": calls(proof(), scheme="DPOP"),
    "with more than one DPoP in the header": calls(proof(), proof(body=claims(jti="j-2"))),
    "DPoP proof not well-formed JWT": calls("dpop.proof"),
    "DPoP proof where 'typ' is missing in header": calls(proof(without(proof_header(), "typ"))),
    "DPoP proof where 'alg' is missing": calls(proof(without(proof_header(), "alg"), alg="ES256")),
    "DPoP proof where 'jwk' is missing": calls(proof(without(proof_header(), "jwk"))),
    **{f"DPoP proof where '{name}' is missing": calls(proof(body=without(claims(), name))) for name in ("jti", "htm", "htu", "iat", "ath")},
    "DPoP proof with invalid 'typ' in header": calls(proof({**proof_header(), "typ": "JWT"})),
    "DPoP proof signed using RS256": calls(proof(proof_header("RS256"))),
    "DPoP proof with none alg": calls(f"{segment({**proof_header(), 'alg': 'none'})}.{segment(claims())}."),
    "DPoP proof with invalid signature": calls(flipped(proof())),
    "DPoP proof with jwk header incorrectly containing private key": calls(proof({**proof_header(), "jwk": private_jwk()})),
    "DPoP proof with incorrect 'htm'": calls(proof(body=claims(htm="PUT"))),
    "DPoP proof where 'htu' has a query/fragment (which must be ignored in match as per 4.3-9 in DPoP spec)": calls(
        proof(body={**claims(), "htu": f"{URL}?a=b#c"})
    ),
    "DPoP proof where 'htu' does not contain the query/fragment (which must be ignored in match as per 4.3-9 in DPoP spec)": calls(
        proof(), url=f"{URL}?a=b#c"
    ),
    "DPoP proof where 'htu' is a different url": calls(proof(body={**claims(), "htu": f"{ISSUER}/v1/tasks/task_2/asks"})),
    "DPoP proof where 'iat' is one hour in the future": calls(proof(body=claims(iat=NOW_S + 3600))),
    "DPoP proof where 'iat' is one hour in the past": calls(proof(body=claims(iat=NOW_S - 3600))),
    "DPoP reuse, First use of jti": calls(proof()),
    "DPoP reuse, Second use of the same jti, this 'should' fail": twice,
    "DPoP proof where 'ath' is incorrect": calls(proof(body={**claims(), "ath": token_hash("another")})),
    "DPoP signed with a different key": calls(proof(proof_header(name="another"), name="another")),
    "DPoP proof with extra claims on header and claims, as it should be ignored by resource server": calls(
        proof({**proof_header(), "extra": 1, "jku": "https://evil.example/"}, claims(extra={"a": [1]}))
    ),
    "DPoP proof expecting RS to compare scheme and hostname using case independent mode when validating htu claim": calls(
        proof(body={**claims(), "htu": URL.replace("https://support.acme.example", "HTTPS://Support.ACME.example")})
    ),
    "DPoP proof expecting Scheme based normalization of htu claim, where the port is not considered if that is the default for the scheme.": calls(
        proof(body={**claims(), "htu": URL.replace("acme.example", "acme.example:443")})
    ),
    "resource access without DPoP proof": calls(),
    "resource access without DPoP proof and authorization type changed to 'Bearer'": calls(scheme="Bearer"),
    "Check a correct DPoP proof still works": calls(proof()),
}
CREDENTIAL = {
    Code.CREDENTIAL_MALFORMED,
    Code.CREDENTIAL_MISSING,
    Code.CREDENTIAL_EXPIRED,
    Code.CREDENTIAL_REPLAYED,
    Code.CREDENTIAL_WRONG_AUDIENCE,
    Code.CREDENTIAL_WRONG_KEY,
}


def test_every_case_of_the_suite_is_here() -> None:
    assert {case["case"] for case in CASES} == set(ACTS)
    assert len(CASES) == 32


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_the_suite_gets_the_answer_it_expects(case: dict[str, Any]) -> None:
    act, resource = ACTS[case["case"]], Resource(proofs=DpopProofs(), seen=set())
    if case["expect"] == "200/201":
        act(resource)
        return
    with pytest.raises(Refused) as caught:
        act(resource)
    assert caught.value.code in CREDENTIAL


@pytest.mark.parametrize("case", [case["case"] for case in CASES if case["expect"] != "200/201"])
def test_a_warm_cache_changes_no_refusal(case: str) -> None:
    resource = Resource(proofs=DpopProofs(), seen=set())
    resource.call([f"DPoP {TOKEN}"], [proof(body=claims(jti="warm"))])
    with pytest.raises(Refused) as caught:
        ACTS[case](resource)
    assert caught.value.code in CREDENTIAL


def test_the_proofs_printed_in_the_draft_verify() -> None:
    examples = json.loads((ROOT / "dpop-examples.json").read_text())["examples"]
    found = 0
    for example in examples:
        folded = re.sub(r"\\\n\s*", "", example["text"])
        bearer = re.search(r"^Authorization: DPoP (\S+)", folded, re.MULTILINE)
        for token in re.findall(r"^DPoP: (eyJ[\w.-]+)", folded, re.MULTILINE):
            payload = json.loads(unb64url(token.split(".")[1]))
            found += 1
            checked = DpopProofs().verify_proof(
                token,
                method=payload["htm"],
                url=payload["htu"],
                now=Instant(payload["iat"] * 1000),
                access_token=bearer.group(1) if bearer and "ath" in payload else None,
                expected_jkt="0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I",
            )
            assert checked.jti == payload["jti"]
    assert found >= 2
