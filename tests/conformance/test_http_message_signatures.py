"""PyPI `http-message-signatures` as an agent: it signs, and this desk verifies by code that shares nothing with it."""

import secrets
import warnings
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver
from http_message_signatures.algorithms import ECDSA_P256_SHA256, ED25519, RSA_PSS_SHA512

from attacks.arena import SEND_BACK, Arena, mandate, open_arena
from attacks.arrivals import ArrivingAgent, Named
from contracts.identity_minting import private_key
from contracts.message_signing import MessageKey

ALGORITHMS = {"ES256": ECDSA_P256_SHA256, "Ed25519": ED25519, "PS512": RSA_PSS_SHA512}


def signer(key: MessageKey) -> HTTPMessageSigner:
    private = {key.thumbprint: private_key(key.alg, key.name)}
    resolver = MappingKeyResolver(private_keys=private, public_keys={})
    return HTTPMessageSigner(signature_algorithm=ALGORITHMS[key.alg], key_resolver=resolver)


def dress(key: MessageKey, request: httpx.Request) -> None:
    """Sign a request of our own client with the library, in place of its DPoP proof."""
    request.headers.pop("dpop", None)
    named = [*(["content-digest"] if request.content else []), *(["authorization"] if "authorization" in request.headers else [])]
    headers = {name.lower(): value for name, value in request.headers.items()}
    message: Any = SimpleNamespace(method=request.method, url=str(request.url), headers=headers)
    now = datetime.now(tz=UTC)
    with warnings.catch_warnings(action="ignore"):
        signer(key).sign(
            message,
            key_id=key.thumbprint,
            body=request.content or None,
            covered_component_ids=("@method", "@authority", "@path", "@query", *named),
            created=now,
            expires=now + timedelta(seconds=60),
            nonce=secrets.token_urlsafe(16),
            label="sig1",
            include_alg=key.alg != "PS512",
        )
    for name in ("Content-Digest", "Signature", "Signature-Input"):
        if name in message.headers:
            request.headers[name] = message.headers[name]


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_an_agent_that_signs_by_the_library_goes_the_whole_way(alg: str) -> None:
    with open_arena() as at:
        agent = signing(at, MessageKey("library", alg))
        task = agent.open(at.anna.grant(agent, mandate()))
        assert at.anna.confirm(task.ask("order.return", SEND_BACK)).outcome == "done"


def signing(at: Arena, key: MessageKey) -> ArrivingAgent:
    agent = ArrivingAgent(
        at.room,
        "library",
        method="http_message_signature",
        keys={"jwks": {"keys": [key.public]}},
        identity=Named("library"),
        dress=lambda request: dress(key, request),
    )
    agent.client.key_thumbprint = key.thumbprint
    return agent
