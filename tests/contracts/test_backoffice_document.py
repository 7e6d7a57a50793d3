"""The page and the OpenAPI document of the backoffice contract: made from the code, and true of what it sends and answers."""

import json
import re
import tomllib
from base64 import b64decode
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from contracts.broken_desks import serve_broken
from contracts.desk_plugs import act
from contracts.http_desk import GATE, signer
from remit.__main__ import main
from remit.adapters.backoffice.conformance import promises
from remit.adapters.backoffice.conformance.probe import Probe
from remit.adapters.backoffice.http import messages
from remit.adapters.backoffice.http.signatures import MessageVerifier, SignedRequest
from remit.settings.decode import decode

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "backoffice.md").read_text(encoding="utf-8")
FILE = ROOT / "docs" / "backoffice.openapi.json"


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


def test_the_document_is_what_the_program_makes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["desk", "openapi"]) == 0
    assert FILE.read_text(encoding="utf-8") == capsys.readouterr().out, "remit desk openapi > docs/backoffice.openapi.json"
    assert main(["desk", "openapi", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(FILE.read_text(encoding="utf-8"))


def requests() -> list[tuple[str, str, str, bytes]]:
    """(path of the document, method, path, body) of each address."""
    asked = messages.records_request([("order", "W1"), ("order", "W9")], "anna")
    performed, body = act("key 1"), messages.encode_body
    return [
        ("/v1/about", "GET", "/v1/about", b""),
        ("/v1/facts", "POST", "/v1/facts", body(asked)),
        ("/v1/contents", "POST", "/v1/contents", body(asked)),
        ("/v1/read", "POST", "/v1/read", body(messages.ReadRequest(customer="anna", action="order.read", params={"order_id": "W1"}))),
        (
            "/v1/attributes",
            "POST",
            "/v1/attributes",
            body(messages.attributes_request("anna", ["contact.email"], {"order": ["W1"]})),
        ),
        ("/v1/records", "POST", "/v1/records", body(messages.OwnRecordsRequest(customer="anna", kind="order"))),
        ("/v1/acts", "POST", "/v1/acts", body(messages.act_body(performed))),
        ("/v1/acts/{key}", "GET", "/v1/acts/key%201", b""),
        ("/v1/acts/{key}/fence", "POST", "/v1/acts/key%201/fence", body(messages.act_body(performed))),
    ]


def test_every_address_takes_and_gives_what_the_document_says(tmp_path: Path) -> None:
    document = json.loads(FILE.read_text(encoding="utf-8"))
    described = {(path, method.upper()) for path, methods in document["paths"].items() for method in methods}
    assert {(path, method) for path, method, _, _ in requests()} == described

    def hold(content: Any, value: bytes) -> None:
        schema = {**content["application/json"]["schema"], "components": document["components"]}
        problems = [str(one)[:200] for one in jsonschema_rs.validator_for(schema).iter_errors(json.loads(value))]
        assert problems == []

    with serve_broken(tmp_path) as served, httpx.Client(trust_env=False) as http:
        for named, method, path, body in requests():
            operation = document["paths"][named][method.lower()]
            acting = {"idempotency-key": "key 1", "txn-token": "token"}
            given = acting if any("Txn-Token" in one["$ref"] for one in operation["parameters"]) else {}
            signed = signer(GATE).request_headers(SignedRequest(method=method, url=f"{served.url}{path}", headers=given, body=body))
            answer = http.request(method, f"{served.url}{path}", headers={**given, **signed}, content=body)
            assert answer.status_code == 200, (path, answer.text)
            hold(operation["responses"]["200"]["content"], answer.content)
            if body:
                hold(operation["requestBody"]["content"], body)


def test_the_signatures_that_are_shown_verify() -> None:
    def key(text: str) -> Ed25519PublicKey:
        found = load_der_public_key(b64decode(text))
        assert isinstance(found, Ed25519PublicKey)
        return found

    def headers(block: str) -> dict[str, str]:
        return dict(line.split(": ", 1) for line in block.strip().splitlines()[1:])

    remit, shop = (key(one) for one in re.findall(r"`(MCow[^`]+)`", PAGE))
    sent, answered = (one.encode() for one in re.findall(r'`(\{"(?:customer|records)":[^`]*"O-1001"[^`]*\})`', PAGE)[-2:])
    asking, answering = (headers(one) for one in blocks("http"))
    request = SignedRequest(method="POST", url="https://shop.example/remit/v1/facts", headers=asking, body=sent)
    assert MessageVerifier((remit,), now_s=lambda: 1_900_000_010).verify_request(request)
    MessageVerifier((shop,), now_s=lambda: 1_900_000_010).verify_answer(200, answering, answered, request_signature=asking["signature"])
    for signed, shown in zip((asking, answering), blocks("text"), strict=True):
        assert f'"content-digest": {signed["content-digest"]}' in shown
        assert shown.strip().endswith(f'"@signature-params": {signed["signature-input"].removeprefix("remit=")}')


def test_the_page_lists_every_promise_and_shows_the_probe_of_the_examples() -> None:
    made = {one.id: one.text for one in vars(promises).values() if isinstance(one, promises.Promise)}
    assert len(made) == 33
    assert dict(re.findall(r"^\| `([a-z_.]+)` \| (.+) \|$", PAGE, re.MULTILINE)) == made
    settings, shown = blocks("toml")
    assert tomllib.loads(settings)["desk"] == {"backoffice": "http"}
    example = (ROOT / "examples" / "backoffice" / "probe.toml").read_text(encoding="utf-8")
    assert decode(Probe, tomllib.loads(shown)) == decode(Probe, tomllib.loads(example))


def test_the_bodies_that_are_shown_are_those_of_the_contract() -> None:
    (shown,) = blocks("json")
    assert messages.act_of(messages.decode_body(shown.encode(), messages.ActBody)).key == "act_7"
