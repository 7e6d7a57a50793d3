"""The 32 proof defects of the OpenID conformance suite once more, through the doors: the token endpoint and an agent's own."""

import json
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from attacks.arena import EXCHANGE, ISSUER, Arena, mandate, open_arena
from contracts.identity_minting import mint, proof_header, segment, without
from remit.client.calls import MANDATE_TOKEN
from remit.domain.identity.dpop import token_hash
from remit.proof.canonical import b64url

VECTORS = Path(os.environ.get("REMIT_SHARED", Path(__file__).parents[3] / "shared")) / "vectors" / "oauth" / "oidf-dpop-negative.json"
CASES: list[Mapping[str, Any]] = json.loads(VECTORS.read_text())["cases"] if VECTORS.exists() else []
pytestmark = pytest.mark.skipif(not CASES, reason="the public vectors are not here; set REMIT_SHARED")

OK = "200/201"


class Doors:
    """An agent with a mandate and a task, whose proofs are signed by hand."""

    def __init__(self, arena: Arena) -> None:
        self.arena = arena
        self.agent = arena.agent()
        self.mandate = arena.anna.grant(self.agent, mandate(max_tasks=50))
        self.task = self.agent.open(self.mandate)
        key = load_pem_private_key(str(self.agent.key).encode(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        self.key = key
        numbers = key.public_key().public_numbers()
        x, y = (b64url(each.to_bytes(32, "big")) for each in (numbers.x, numbers.y))
        self.jwk = {"kty": "EC", "crv": "P-256", "x": x, "y": y}
        self.header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk}

    def claims(self, door: str, **members: Any) -> dict[str, Any]:
        method, path = self.where(door)
        found = {"jti": secrets.token_hex(8), "htm": method, "htu": ISSUER + path, "iat": int(time.time())}
        return found | ({"ath": token_hash(self.task.token)} if door == "resource" else {}) | members

    def where(self, door: str) -> tuple[str, str]:
        return ("GET", f"/v1/tasks/{self.task.id}") if door == "resource" else ("POST", "/oauth/token")

    def signed(self, header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
        signing_input = f"{segment(header)}.{segment(claims)}"
        r, s = decode_dss_signature(self.key.sign(signing_input.encode(), ec.ECDSA(SHA256())))
        return f"{signing_input}.{b64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"

    def send(self, door: str, *proofs: str, scheme: str = "DPoP", query: str = "") -> httpx.Response:
        method, path = self.where(door)
        headers = [("dpop", proof) for proof in proofs]
        if door == "resource":
            return self.arena.pairs(method, path + query, [("authorization", f"{scheme} {self.task.token}"), *headers])
        fields = {"grant_type": EXCHANGE, "subject_token": self.mandate.id, "subject_token_type": MANDATE_TOKEN}
        fields |= self.agent.identity.credentials(issuer=ISSUER, now_s=time.time())
        content = httpx.QueryParams(fields)
        return self.arena.pairs(
            method, path + query, [("content-type", "application/x-www-form-urlencoded"), *headers], str(content).encode()
        )


def proofs_of(doors: Doors, door: str) -> Mapping[str, tuple[str, ...]]:
    """What each case of the suite sends; a case that is not about the proof alone is in `sent`."""
    claims, sign = doors.claims, doors.signed
    number = doors.key.private_numbers().private_value
    good = sign(doors.header, claims(door))
    head, _, signature = good.rpartition(".")
    flipped = f"{head}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"
    url = ISSUER + doors.where(door)[1]
    return {
        "DPoP proof with all upper case header value": (good,),
        "with more than one DPoP in the header": (good, sign(doors.header, claims(door))),
        "DPoP proof not well-formed JWT": ("dpop.proof",),
        **{f"DPoP proof where '{name}' is missing in header": (sign(without(doors.header, name), claims(door)),) for name in ("typ",)},
        **{f"DPoP proof where '{name}' is missing": (sign(without(doors.header, name), claims(door)),) for name in ("alg", "jwk")},
        **{
            f"DPoP proof where '{name}' is missing": (sign(doors.header, without(claims(door), name)),)
            for name in ("jti", "htm", "htu", "iat", "ath")
        },
        "DPoP proof with invalid 'typ' in header": (sign({**doors.header, "typ": "JWT"}, claims(door)),),
        "DPoP proof signed using RS256": (mint(proof_header("RS256"), claims(door)),),
        "DPoP proof with none alg": (f"{segment({**doors.header, 'alg': 'none'})}.{segment(claims(door))}.",),
        "DPoP proof with invalid signature": (flipped,),
        "DPoP proof with jwk header incorrectly containing private key": (
            sign({**doors.header, "jwk": {**doors.jwk, "d": b64url(number.to_bytes(32, "big"))}}, claims(door)),
        ),
        "DPoP proof with incorrect 'htm'": (sign(doors.header, claims(door, htm="PUT")),),
        "DPoP proof where 'htu' has a query/fragment (which must be ignored in match as per 4.3-9 in DPoP spec)": (
            sign(doors.header, claims(door, htu=f"{url}?a=b#c")),
        ),
        "DPoP proof where 'htu' does not contain the query/fragment (which must be ignored in match as per 4.3-9 in DPoP spec)": (good,),
        "DPoP proof where 'htu' is a different url": (sign(doors.header, claims(door, htu=f"{url}x")),),
        "DPoP proof where 'iat' is one hour in the future": (sign(doors.header, claims(door, iat=int(time.time()) + 3600)),),
        "DPoP proof where 'iat' is one hour in the past": (sign(doors.header, claims(door, iat=int(time.time()) - 3600)),),
        "DPoP reuse, First use of jti": (good,),
        "DPoP reuse, Second use of the same jti, this 'should' fail": (sign(doors.header, claims(door)),),
        "DPoP proof where 'ath' is incorrect": (sign(doors.header, claims(door, ath=token_hash("another"))),),
        "DPoP signed with a different key": (mint(proof_header(name="another"), claims(door), name="another"),),
        "DPoP proof with extra claims on header and claims, as it should be ignored by resource server": (
            sign({**doors.header, "extra": 1, "jku": "https://evil.example/"}, claims(door, extra={"a": [1]})),
        ),
        "DPoP proof expecting RS to compare scheme and hostname using case independent mode when validating htu claim": (
            sign(doors.header, claims(door, htu=url.replace("http://localhost", "HTTP://LOCALHOST"))),
        ),
        "DPoP proof expecting Scheme based normalization of htu claim, where the port is not considered if that is the default for the scheme.": (
            sign(doors.header, claims(door, htu=url.replace("localhost", "localhost:80"))),
        ),
        "resource access without DPoP proof": (),
        "resource access without DPoP proof and authorization type changed to 'Bearer'": (),
        "Check a correct DPoP proof still works": (good,),
    }


@pytest.fixture(scope="module")
def doors() -> Iterator[Doors]:
    with open_arena() as arena:
        yield Doors(arena)


def test_every_case_of_the_suite_is_sent(doors: Doors) -> None:
    assert len(CASES) == 32
    for door in ("resource", "token"):
        assert set(proofs_of(doors, door)) == {case["case"] for case in CASES}


@pytest.mark.proves("DPOP-BOUND", "DPOP-REPLAY")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
@pytest.mark.parametrize("door", ["resource", "token"])
def test_each_door_gives_the_answer_the_suite_expects_in_the_standards_words(doors: Doors, door: str, case: Mapping[str, Any]) -> None:
    name = case["case"]
    proofs = proofs_of(doors, door)[name]
    scheme = "DPOP" if "upper case" in name else "Bearer" if "Bearer" in name else "DPoP"
    if "Second use" in name:
        assert doors.send(door, *proofs).status_code == 200
    answer = doors.send(door, *proofs, scheme=scheme, query="?a=b" if "does not contain" in name else "")
    body = json.loads(answer.read())
    if case["expect"] == OK or (door == "token" and "'ath'" in name):  # beside no token there is nothing to hash
        assert answer.status_code == 200, body
    elif door == "token" and name == "DPoP signed with a different key":
        assert (answer.status_code, body["error"]) == (400, "invalid_grant")  # a sound proof, of a key the mandate is not bound to
    elif door == "token":
        assert (answer.status_code, body["error"]) == (400, "invalid_dpop_proof"), body
    else:
        assert (answer.status_code, answer.headers["content-type"], body["status"]) == (401, "application/problem+json", 401), body
        challenge = answer.headers["www-authenticate"]
        assert challenge.startswith("DPoP ")
        assert 'algs="ES256 ' in challenge
        word = "" if not proofs and scheme == "DPoP" else "invalid_token" if not proofs else "invalid_dpop_proof"
        assert (f'error="{word}"' in challenge) is bool(word)
    assert answer.headers["cache-control"] == "no-store"
