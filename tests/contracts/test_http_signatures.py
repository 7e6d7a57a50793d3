"""The signatures of the backoffice contract are those of RFC 9421, as another implementation reads and writes them."""

import warnings
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from http_message_signatures import HTTPMessageVerifier, InvalidSignature, MappingKeyResolver
from http_message_signatures.algorithms import ED25519

from contracts.http_desk import GATE, SHOP, signer
from remit.adapters.backoffice.http.signatures import SignedRequest, key_id

URL = "https://shop.example/remit/v1/acts"
BODY = b'{"key":"k1"}'
GIVEN = {"idempotency-key": "k1", "txn-token": "a.b.c"}
COVERED = ("@method", "@target-uri", "content-digest", "idempotency-key", "txn-token")


def oracle() -> HTTPMessageVerifier:
    keys = {key_id(key.public_key()): key.public_key() for key in (GATE, SHOP)}
    return HTTPMessageVerifier(signature_algorithm=ED25519, key_resolver=MappingKeyResolver(public_keys=keys, private_keys={}))


def request(**changed: Any) -> Any:
    headers = {**GIVEN, **signer(GATE).request_headers(SignedRequest(method="POST", url=URL, headers=GIVEN, body=BODY))}
    return SimpleNamespace(**{"method": "POST", "url": URL, "headers": headers, **changed})


def verify(message: Any, body: bytes, covered: tuple[str, ...]) -> None:
    with warnings.catch_warnings(action="ignore"):
        oracle().verify(
            message,
            max_age=timedelta(seconds=60),
            expect_tag="remit-backoffice",
            expect_label="remit",
            require_components=covered,
            body=body,
        )


def test_another_implementation_verifies_a_request() -> None:
    verify(request(), BODY, COVERED)
    for changed, body in (
        ({"method": "PUT"}, BODY),
        ({"url": f"{URL}/"}, BODY),
        ({"headers": {**request().headers, "idempotency-key": "k2"}}, BODY),
        ({}, b"{}"),
    ):
        with pytest.raises(InvalidSignature):
            verify(request(**changed), body, COVERED)


def test_another_implementation_verifies_an_answer_and_the_request_it_answers() -> None:
    asked, answer = request(), b'{"state":"done"}'
    headers = signer(SHOP).answer_headers(200, answer, request_signature=asked.headers["signature"])
    covered = ("@status", "content-digest", '"signature";req;key="remit"')
    verify(SimpleNamespace(status_code=200, headers=headers, request=asked), answer, covered)
    for changed in ({"status_code": 201}, {"request": request()}):
        with pytest.raises(InvalidSignature):
            verify(SimpleNamespace(**{"status_code": 200, "headers": headers, "request": asked, **changed}), answer, covered)
