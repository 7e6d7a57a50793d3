"""The doors of shared signals: described as they answer, only where they are, and of the sides that the settings turn on."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from attacks.arena import open_arena
from attacks.signals.company import Signals, signals_opened
from conformance.ssf_peer import key_file, secret_file

SUBJECT = {"format": "opaque", "id": "x"}


def paths(signals: Signals) -> dict[str, Any]:
    found: dict[str, Any] = signals.arena.room.raw("GET", "/openapi.json").json()["paths"]
    return found


def declared(described: dict[str, Any], method: str, path: str, answer: httpx.Response) -> None:
    """The status and media type of an answer are in the document."""
    said = described[path][method.lower()]["responses"].get(str(answer.status_code))
    assert said is not None, (method, path, answer.status_code, answer.text)
    if answer.content:
        assert answer.headers["content-type"].partition(";")[0] in said["content"], (method, path, answer.status_code)


def test_every_door_answers_as_it_is_described(tmp_path: Path) -> None:
    with signals_opened(tmp_path) as signals:
        described = paths(signals)
        app = signals.arena.desk.desk.app  # type: ignore[union-attr]  # in this process
        assert {(method.upper(), path) for path, methods in described.items() for method in methods} == set(app.addresses)
        name = ""
        for method, path, body in (
            ("GET", "/.well-known/ssf-configuration", None),
            ("GET", "/ssf/v1/jwks.json", None),
            ("POST", "/ssf/v1/stream", {"events_requested": 1}),
            ("POST", "/ssf/v1/stream", {}),
            ("POST", "/ssf/v1/stream", {}),
            ("GET", "/ssf/v1/stream", None),
            ("PATCH", "/ssf/v1/stream", {"stream_id": "NAME", "description": "d"}),
            ("PUT", "/ssf/v1/stream", {"description": "d"}),
            ("GET", "/ssf/v1/status", None),
            ("POST", "/ssf/v1/status", {"stream_id": "NAME", "status": "enabled"}),
            ("POST", "/ssf/v1/subjects/add", {"stream_id": "NAME", "subject": SUBJECT}),
            ("POST", "/ssf/v1/subjects/remove", {"stream_id": "NAME", "subject": SUBJECT}),
            ("POST", "/ssf/v1/verify", {"stream_id": "NAME"}),
            ("POST", "/ssf/v1/verify", {"stream_id": "NAME"}),
            ("POST", "/ssf/v1/poll/NAME", {"returnImmediately": True}),
            ("POST", "/ssf/v1/poll/other", {"returnImmediately": True}),
            ("DELETE", "/ssf/v1/stream", None),
        ):
            sent = {**body, "stream_id": name} if body and "stream_id" in body else body
            answer = signals.call(method, path.replace("NAME", name), sent)
            name = answer.json()["stream_id"] if answer.status_code == 201 else name
            declared(described, method, path.replace("NAME", "{id}").replace("other", "{id}"), answer)
            if path.startswith("/ssf") and "jwks" not in path:
                declared(
                    described, method, path.replace("NAME", "{id}").replace("other", "{id}"), signals.call(method, path, sent, bearer="x")
                )
                refused = signals.call(method, path, sent, by="looks")
                declared(described, method, path.replace("NAME", "{id}").replace("other", "{id}"), refused)
        for token in ("x", signals.peer.sign(signals.claims("session-revoked", signals.anna, iss=f"{signals.peer.url}/login"))):
            declared(described, "POST", "/ssf/v1/events", signals.push(token))
        assert signals.arena.room.raw("DELETE", "/ssf/v1/status", check=False).headers["allow"] == "GET, POST"


def test_a_desk_without_shared_signals_has_none_of_their_doors() -> None:
    with open_arena() as arena:
        assert not any("ssf" in path for path in arena.room.raw("GET", "/openapi.json").json()["paths"])
        for path in ("/.well-known/ssf-configuration", "/ssf/v1/stream", "/ssf/v1/jwks.json"):
            assert arena.room.raw("GET", path, check=False).status_code == 404
        assert arena.room.raw("POST", "/ssf/v1/events", content=b"x", check=False).status_code == 404


@pytest.mark.parametrize("side", ["receivers", "transmitters"])
def test_one_side_alone_opens_its_own_doors(tmp_path: Path, side: str) -> None:
    file, _ = secret_file(tmp_path / "own", "token")
    tables: dict[str, Any] = {
        "receivers": {"key_files": [key_file(tmp_path / "own")], "receivers": [{"name": "siem", "audience": "x", "token_files": [file]}]},
        "transmitters": {
            "transmitters": [{"name": "a", "issuer": "https://a.example", "operator": "a.example", "push_token_files": [file]}]
        },
    }
    with open_arena(settings={"events": tables[side]}) as arena:
        found = {path for path in arena.room.raw("GET", "/openapi.json").json()["paths"] if "ssf" in path}
        assert ("/ssf/v1/events" in found) is (side == "transmitters")
        assert ("/.well-known/ssf-configuration" in found) is (side == "receivers")
        assert arena.room.raw("GET", "/.well-known/ssf-configuration", check=False).is_success is (side == "receivers")
