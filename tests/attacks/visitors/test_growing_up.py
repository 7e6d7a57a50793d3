"""A client whose document names keys is an ordinary agent, and nobody is taken for it without them."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest

from attacks.arena import Arena, code_of
from desks import shop
from remit.client import PrivateKeyJwt
from remit.client.keys import ProofKey, load_key, new_key
from remit.proof.canonical import b64url
from visiting import Documents, Visitor


@dataclass(frozen=True)
class Keyed:
    """A client with a key, as `Arena.form` wants one."""

    identity: PrivateKeyJwt


def _published(docs: Documents, key: str, **members: Any) -> str:
    public = load_key(key).as_dict(private=False) | {"kid": "k1", "use": "sig", "alg": "ES256"}
    docs.answers["/jwks.json"] = (200, {}, json.dumps({"keys": [public]}).encode())
    return docs.publish(token_endpoint_auth_method="private_key_jwt", jwks_uri=docs.base + "/jwks.json", **members)


def _push(arena: Arena, client_id: str, key: str, proof: ProofKey) -> Any:
    push = {
        "response_type": "code",
        "redirect_uri": "http://127.0.0.1/callback",
        "code_challenge": b64url(hashlib.sha256(b"a" * 43).digest()),
        "code_challenge_method": "S256",
        "authorization_details": json.dumps([shop.MANDATE]),
    }
    return arena.form("/oauth/par", push, agent=Keyed(PrivateKeyJwt(client_id, key, "k1")), key=proof)  # type: ignore[arg-type]  # what is used of one


@pytest.mark.proves("VISITOR-IDENTITY")
def test_a_client_that_publishes_keys_pushes_and_binds_like_any_agent(arena: Arena, docs: Documents) -> None:
    key, proof = new_key(), ProofKey(new_key())
    client_id = _published(docs, key)
    pushed = _push(arena, client_id, key, proof)
    assert pushed.status_code == 201, pushed.text
    path = f"/me/v1/requests/{pushed.json()['request_uri'].rpartition(':')[2]}"
    shown = arena.anna.get(path)
    assert shown["agent"]["tier"] == "unproved"
    assert shown["agent"]["operator"] == client_id.split("/")[2]
    arena.anna.post(path, {"answer": "grant", "ceremony": shown["ceremony"], "assertion": arena.anna.passkey.get(shown["options"])})
    assert arena.recorded("mandate.granted")["envelope"].get("tier") is None


@pytest.mark.proves("VISITOR-IDENTITY")
def test_without_its_key_nobody_comes_in_its_name(arena: Arena, docs: Documents) -> None:
    key = new_key()
    client_id = _published(docs, key)
    assert code_of(_push(arena, client_id, new_key(), ProofKey(new_key()))) == "credential.wrong_key"
    visitor = Visitor(arena.room, client_id)
    answered = arena.person("GET", f"/me/v1/visits?{urlencode(visitor.query())}", cookie=arena.anna.cookie)
    assert code_of(answered) == "agent.unknown"
    keyless = docs.publish("/keyless.json")
    assert code_of(_push(arena, keyless, key, ProofKey(new_key()))) == "credential.wrong_key"
