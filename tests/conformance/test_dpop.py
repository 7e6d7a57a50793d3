"""The 32 proof defects of the OpenID conformance suite, at the token endpoint and an agent's own door, and the examples of RFC 9449's draft."""

import json
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest

from attacks.arena import EXCHANGE, ISSUER, SHOP, Arena, mandate, open_arena
from conformance.harness import vector_set
from conformance.live import FORM, Key, Live, LiveAgent
from contracts.identity_minting import mint, proof_header, segment, without
from remit.adapters.identity.dpop import DpopProofs
from remit.client.calls import MANDATE_TOKEN
from remit.domain.identity.dpop import token_hash
from remit.domain.values import Instant
from remit.proof.canonical import b64url, unb64url

pytestmark = pytest.mark.xdist_group("live")
NEGATIVE = vector_set("dpop-negative")
CASES: list[Mapping[str, Any]] = NEGATIVE.read()["cases"]
EXAMPLES = vector_set("dpop-examples")
PRINTED: list[Mapping[str, str]] = EXAMPLES.read()["examples"]
OK = "200/201"
CASELESS = "DPoP proof expecting RS to compare scheme and hostname using case independent mode when validating htu claim"
FRAGMENT = "DPoP proof where 'htu' has a query/fragment (which must be ignored in match as per 4.3-9 in DPoP spec)"
NO_FRAGMENT = "DPoP proof where 'htu' does not contain the query/fragment (which must be ignored in match as per 4.3-9 in DPoP spec)"
EXTRA = "DPoP proof with extra claims on header and claims, as it should be ignored by resource server"


class Doors:
    """An agent with a mandate and a task, whose proofs are signed by hand."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.agent: LiveAgent = live.agent(SHOP)
        code, verifier = self.agent.granted()
        self.mandate = self.agent.redeem(code["code"], verifier).raise_for_status().json()["mandate"]
        opened = self.agent.open(self.mandate).raise_for_status().json()
        self.task, self.token = opened["task"], opened["access_token"]
        self.key: Key = self.agent.key
        self.header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": self.key.jwk}

    def where(self, door: str) -> tuple[str, str]:
        return ("GET", f"/v1/tasks/{self.task}") if door == "resource" else ("POST", "/oauth/token")

    def claims(self, door: str, **members: Any) -> dict[str, Any]:
        method, path = self.where(door)
        found = {"jti": secrets.token_hex(8), "htm": method, "htu": self.live.url + path, "iat": int(time.time())}
        return found | ({"ath": token_hash(self.token)} if door == "resource" else {}) | members

    def send(self, door: str, *proofs: str, scheme: str = "DPoP", query: str = "", host: str = "") -> httpx.Response:
        method, path = self.where(door)
        headers = [("dpop", proof) for proof in proofs] + ([("host", host)] if host else [])
        if door == "resource":
            return self.live.http.request(method, path + query, headers=[("authorization", f"{scheme} {self.token}"), *headers])
        fields = {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token": self.mandate,
            "subject_token_type": "urn:remit:token-type:mandate",
        } | self.agent.assertion()
        content = str(httpx.QueryParams(fields)).encode()
        return self.live.http.request(method, path + query, headers=[("content-type", FORM), *headers], content=content)


def proofs_of(doors: Doors, door: str, case: str) -> tuple[str, ...]:
    """What a case of the suite sends; a case that is not about the proof alone is in `sent`."""
    claims, key = doors.claims(door), doors.key
    url = doors.live.url + doors.where(door)[1]
    missing = re.fullmatch(r"DPoP proof where '(\w+)' is missing(?: in header)?", case)
    if missing is not None:
        name = missing[1]
        return (key.signed(without(doors.header, name), without(claims, name)),)
    changed: Mapping[str, Mapping[str, Any]] = {
        "DPoP proof with incorrect 'htm'": {"htm": "PUT"},
        FRAGMENT: {"htu": f"{url}?a=b#c"},
        "DPoP proof where 'htu' is a different url": {"htu": f"{url}x"},
        "DPoP proof where 'iat' is one hour in the future": {"iat": int(time.time()) + 3600},
        "DPoP proof where 'iat' is one hour in the past": {"iat": int(time.time()) - 3600},
        "DPoP proof where 'ath' is incorrect": {"ath": token_hash("another")},
        CASELESS: {"htu": url.replace("http://", "HTTP://").replace("localhost", "LOCALHOST")},
    }
    if case in changed:
        return (key.signed(doors.header, claims | changed[case]),)
    return _made(doors, case, claims)


def _made(doors: Doors, case: str, claims: Mapping[str, Any]) -> tuple[str, ...]:
    good = doors.key.signed(doors.header, claims)
    private = doors.key.jwk | {"d": b64url(doors.key.private.private_numbers().private_value.to_bytes(32, "big"))}
    head, _, signature = good.rpartition(".")
    made: Mapping[str, tuple[str, ...]] = {
        "with more than one DPoP in the header": (good, doors.key.signed(doors.header, {**claims, "jti": "another-one"})),
        "DPoP proof not well-formed JWT": ("dpop.proof",),
        "DPoP proof with invalid 'typ' in header": (doors.key.signed({**doors.header, "typ": "JWT"}, claims),),
        "DPoP proof signed using RS256": (mint(proof_header("RS256"), claims),),
        "DPoP proof with none alg": (f"{segment({**doors.header, 'alg': 'none'})}.{segment(claims)}.",),
        "DPoP proof with invalid signature": (f"{head}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}",),
        "DPoP proof with jwk header incorrectly containing private key": (doors.key.signed({**doors.header, "jwk": private}, claims),),
        "DPoP signed with a different key": (mint(proof_header(name="another"), claims, name="another"),),
        EXTRA: (doors.key.signed({**doors.header, "extra": 1, "jku": "https://evil.example/"}, {**claims, "extra": {"a": [1]}}),),
        "resource access without DPoP proof": (),
        "resource access without DPoP proof and authorization type changed to 'Bearer'": (),
    }
    return made.get(case, (good,))


@pytest.fixture(scope="module")
def doors(live: Live) -> Doors:
    return Doors(live)


def test_every_case_of_the_suite_is_there() -> None:
    assert len(CASES) == 32


@pytest.mark.proves("DPOP-BOUND", "DPOP-REPLAY")
@NEGATIVE.each({f"{door}: {case['case']}": (door, case) for door in ("resource", "token") for case in CASES})
def test_each_door_gives_the_answer_the_suite_expects_in_the_standards_words(doors: Doors, check: tuple[str, Mapping[str, Any]]) -> None:
    door, case = check
    name = case["case"]
    proofs = proofs_of(doors, door, name)
    scheme = "DPOP" if "upper case" in name else "Bearer" if "Bearer" in name else "DPoP"
    if "Second use" in name:
        assert doors.send(door, *proofs).status_code == 200
    answer = doors.send(door, *proofs, scheme=scheme, query="?a=b" if name == NO_FRAGMENT else "")
    body = answer.json()
    assert answer.headers["cache-control"] == "no-store"
    if case["expect"] == OK:
        assert answer.status_code == 200, body
    elif door == "token":
        other_key = name == "DPoP signed with a different key"  # a sound proof, of a key the mandate is not bound to
        assert (answer.status_code, body["error"]) == (400, "invalid_grant" if other_key else "invalid_dpop_proof"), body
    else:
        assert (answer.status_code, answer.headers["content-type"], body["status"]) == (401, "application/problem+json", 401), body
        challenge = answer.headers["www-authenticate"]
        assert challenge.startswith("DPoP ")
        assert 'algs="ES256 ' in challenge
        word = "" if not proofs and scheme == "DPoP" else "invalid_token" if not proofs else "invalid_dpop_proof"
        assert (f'error="{word}"' in challenge) is bool(word)


def test_a_default_port_is_no_other_address() -> None:
    """⚔ No desk listens on 80 here: the function that the doors call judges the suite's case about it."""
    for htu in ("https://support.acme.example:443/oauth/token", "https://support.acme.example/oauth/token"):
        key = Key()
        proof = key.proof("POST", htu)
        assert verified(proof, "POST", "https://support.acme.example/oauth/token", int(time.time()), key.thumbprint)


def verified(proof: str, method: str, url: str, at_s: int, jkt: str, token: str | None = None) -> str:
    found = DpopProofs().verify_proof(
        proof, method=method, url=url, now=Instant(at_s * 1000), ath=None if token is None else token_hash(token), expected_jkt=jkt
    )
    return found.jti


PRINTED_JKT = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"


def unfolded(number: int) -> str:
    return re.sub(r"\\\n\s*", "", PRINTED[number]["text"])


def printed_proof(number: int) -> None:
    """Verify a printed proof at the time it was made, for the request it was made for."""
    text = unfolded(number)
    bearer = re.search(r"^Authorization: DPoP (\S+)", text, re.MULTILINE)
    (proof,) = re.findall(r"^DPoP: (eyJ[\w.-]+)", text, re.MULTILINE)
    said = json.loads(unb64url(proof.split(".")[1]))
    token = bearer[1] if bearer is not None else None
    assert verified(proof, said["htm"], said["htu"], said["iat"], PRINTED_JKT, token) == said["jti"]


def printed_claims(number: int, of: int) -> None:
    """Compare header and claims as printed with those of the proof that they explain."""
    (proof,) = re.findall(r"^DPoP: (eyJ[\w.-]+)", unfolded(of), re.MULTILINE)
    header, claims = (json.loads(part) for part in PRINTED[number]["text"].split("\n.\n"))
    assert [json.loads(unb64url(part)) for part in proof.split(".")[:2]] == [header, claims]


def claims_of(token: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(unb64url(token.split(".")[1]))
    return found


def bound_token(doors: Doors) -> None:
    printed = claims_of(re.sub(r"\\\n", "", PRINTED[6]["text"].strip()))
    assert printed == json.loads(PRINTED[7]["text"])
    assert claims_of(doors.token)["cnf"] == {"jkt": doors.key.thumbprint}
    assert printed.keys() - {"nbf"} <= claims_of(doors.token).keys()


def token_answer(doors: Doors) -> None:
    answer = doors.agent.open(doors.mandate)
    printed = json.loads(PRINTED[4]["text"].partition("\n\n")[2])
    assert (answer.status_code, answer.headers["cache-control"], answer.json()["token_type"]) == (200, "no-store", printed["token_type"])
    assert printed.keys() - {"refresh_token"} <= answer.json().keys()


def introspected(doors: Doors) -> None:
    answer = doors.agent.post("/oauth/introspect", {"token": doors.token})
    printed = json.loads(PRINTED[9]["text"].partition("\n\n")[2])
    assert answer.json()["cnf"] == {"jkt": doors.key.thumbprint}
    assert printed.keys() - {"nbf"} <= answer.json().keys()
    assert answer.json()["active"] is True


def asked(doors: Doors, *authorization: str, **headers: str) -> httpx.Response:
    sent = [("authorization", one) for one in authorization] + list(headers.items())
    return doors.live.http.request("GET", f"/v1/tasks/{doors.task}", headers=sent)


def nothing_shown(doors: Doors) -> None:
    answer = asked(doors)
    assert answer.status_code == 401
    assert re.match(r'DPoP .*algs="ES256 ', answer.headers["www-authenticate"])
    assert "error=" not in answer.headers["www-authenticate"]


def other_key(doors: Doors) -> None:
    answer = asked(doors, f"DPoP {doors.token}", dpop=Key().proof("GET", f"{doors.live.url}/v1/tasks/{doors.task}", token=doors.token))
    assert (answer.status_code, 'error="invalid_token"' in answer.headers["www-authenticate"]) == (401, True)


def invalid_bearer(doors: Doors) -> None:
    answer = asked(doors, "Bearer INVALID_TOKEN")
    assert answer.status_code == 401
    assert re.search(r'DPoP .*algs="ES256 ', answer.headers["www-authenticate"])


def two_ways(doors: Doors) -> None:
    answer = asked(doors, f"Bearer {doors.token}", f"DPoP {doors.token}")
    assert (answer.status_code, 'error="invalid_request"' in answer.headers["www-authenticate"]) == (400, True)


def scheme_and_spaces(doors: Doors) -> None:
    proof = doors.key.proof("GET", f"{doors.live.url}/v1/tasks/{doors.task}", token=doors.token)
    assert asked(doors, f"DPoP   {doors.token}", dpop=proof).status_code == 200


def token68(doors: Doors) -> None:
    """Every proof of ours is one, and what is none is refused before it is read."""
    proof = doors.key.proof("GET", f"{doors.live.url}/v1/tasks/{doors.task}", token=doors.token)
    assert re.fullmatch(r"[A-Za-z0-9._~+/-]+=*", proof)
    assert asked(doors, f"DPoP {doors.token}", dpop=f"{proof[:-4]}!,;{proof[-1]}").status_code == 401


LIVE_EXAMPLES = {
    1: token68,
    4: token_answer,
    6: bound_token,
    7: bound_token,
    8: None,
    9: introspected,
    10: scheme_and_spaces,
    13: nothing_shown,
    14: other_key,
    15: None,
    16: invalid_bearer,
    17: two_ways,
    23: None,
}


def named(number: int) -> str:
    return f"{number} {PRINTED[number]['section']}"


@EXAMPLES.each({named(number): judge for number, judge in LIVE_EXAMPLES.items()})
def test_our_answers_have_the_shape_of_the_printed_ones(doors: Doors, check: Any) -> None:
    check(doors)


@EXAMPLES.each({named(number): number for number in (0, 3, 5, 11)})
def test_the_proofs_printed_in_the_draft_verify(check: int) -> None:
    printed_proof(check)


@EXAMPLES.each({named(2): (2, 0), named(12): (12, 11)})
def test_the_claims_printed_are_those_of_the_proofs(check: tuple[int, int]) -> None:
    printed_claims(*check)


@EXAMPLES.each([named(number) for number in (18, 19, 20, 21, 22)])
def test_nonces_are_asked_for_given_and_renewed_as_printed(check: str, nonce_desk: "NonceDesk") -> None:
    number = int(check.split(maxsplit=1)[0])
    if number in {18, 19, 20, 21}:
        answer = nonce_desk.token_request("")
        assert (answer.status_code, answer.json()["error"]) == (400, "use_dpop_nonce")
        nonce = answer.headers["dpop-nonce"]
        assert re.fullmatch(r"[\x21\x23-\x5b\x5d-\x7e]+", nonce)
        given = nonce_desk.token_request(nonce)
        assert (given.status_code, given.headers["cache-control"]) == (200, "no-store")
        if number == 21:
            assert given.headers["dpop-nonce"]
    else:
        answer = nonce_desk.read_task("")
        assert answer.status_code == 401
        assert 'error="use_dpop_nonce"' in answer.headers["www-authenticate"]
        assert nonce_desk.read_task(answer.headers["dpop-nonce"]).status_code == 200
        assert PRINTED[number]["text"].strip().startswith("HTTP/1.1 401")


class NonceDesk:
    """A desk in this process that wants nonces, as `[dpop] nonce = true` has it."""

    def __init__(self, arena: Arena) -> None:
        self.arena = arena
        self.agent = arena.agent()
        self.key = Key(str(self.agent.key))
        self.mandate = arena.anna.grant(self.agent, mandate(max_tasks=50))
        self.task = self.agent.open(self.mandate)

    def token_request(self, nonce: str) -> httpx.Response:
        proof = self.key.proof("POST", f"{ISSUER}/oauth/token", **({"nonce": nonce} if nonce else {}))
        form = {"grant_type": EXCHANGE, "subject_token": self.mandate.id, "subject_token_type": MANDATE_TOKEN}
        return self.arena.form("/oauth/token", form, agent=self.agent, headers={"dpop": proof})

    def read_task(self, nonce: str) -> httpx.Response:
        path = f"/v1/tasks/{self.task.id}"
        proof = self.key.proof("GET", ISSUER + path, token=self.task.token, **({"nonce": nonce} if nonce else {}))
        return self.arena.pairs("GET", path, [("authorization", f"DPoP {self.task.token}"), ("dpop", proof)])


@pytest.fixture(scope="module")
def nonce_desk() -> Iterator[NonceDesk]:
    with open_arena(settings={"dpop": {"nonce": True}}) as arena:
        yield NonceDesk(arena)


def test_every_printed_example_is_judged() -> None:
    assert {*LIVE_EXAMPLES, 0, 2, 3, 5, 11, 12, 18, 19, 20, 21, 22} == set(range(len(PRINTED)))
