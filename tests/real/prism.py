"""Stoplight's prism between Remit and a fake: every request and answer is held to the vendor's document."""

import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

BENCH = Path(__file__).parents[2] / ".bench" / "real"
PRISM = BENCH / "prism" / "node_modules" / ".bin" / "prism"
DOCUMENTS = BENCH / "documents"
_START_S = 60
_ANY: Final[Mapping[str, Any]] = {"application/json": {"schema": {"type": "object"}}}


def installed(name: str) -> bool:
    """Whether prism and a vendor's document are here."""
    return PRISM.exists() and (DOCUMENTS / f"{name}.yaml").exists()


def _path(method: str, *names: str, status: str = "200", answer: Mapping[str, Any] = _ANY) -> Mapping[str, Any]:
    parameters = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]
    body = {"requestBody": {"content": _ANY}} if method == "post" else {}
    return {method: {"parameters": parameters, **body, "responses": {status: {"description": "", "content": answer}}}}


LACKING: Final[Mapping[str, Mapping[str, Any]]] = {
    "freshdesk": {
        "/agents/me": _path("get", answer={"application/json": {"schema": {"$ref": "#/components/schemas/Agent"}}}),
    },
    "jira": {
        "/rest/api/3/search/jql": _path("get"),
        "/rest/servicedeskapi/request": _path("post", status="201"),
        "/rest/servicedeskapi/request/{issue}/comment": _path("post", "issue", status="201"),
    },
}
"""Requests that a document lacks, as docs/helpdesk.md says: what is sent there is held to nothing."""


def _plain(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path)


def _checkable(value: Any) -> Any:
    """Loosen what prism cannot check, and then leaves a whole answer unchecked.

    That is `nullable` without a type. Alternatives may overlap: they do in the documents, and where prism cuts a cycle.
    """
    if isinstance(value, dict):
        loose = value.get("nullable") is True and "type" not in value and "$ref" not in value
        return {} if loose else {{"oneOf": "anyOf"}.get(name, name): _checkable(one) for name, one in value.items()}
    return [_checkable(one) for one in value] if isinstance(value, list) else value


class _Loader(yaml.CSafeLoader):
    """YAML in which `=` is a text."""


_Loader.add_constructor("tag:yaml.org,2002:value", lambda _, node: node.value)


def document(name: str, routes: Iterable[str], folder: Path) -> Path:
    """Write a vendor's document, of its paths those that a fake has, with the requests that it lacks; return its file."""
    document = yaml.load((DOCUMENTS / f"{name}.yaml").read_text(), _Loader)  # a safe one
    used = {_plain(route.partition(" ")[2]) for route in routes}
    kept = {path: item for path, item in document["paths"].items() if _plain(path) in used}
    document["paths"] = kept | LACKING.get(name, {})
    assert {_plain(path) for path in document["paths"]} >= used
    for item in kept.values():
        for operation in (one for one in item.values() if isinstance(one, dict)):
            operation["responses"].get("204", {}).pop("content", None)  # Jira's gives an answer without a body a content
    path = folder / f"{name}.json"
    path.write_text(json.dumps(_checkable(document), default=str))
    return path


class Prism:
    """`prism proxy --errors`: a request that breaks the document is 422, an answer that breaks it is 500."""

    def __init__(self, document: Path, upstream: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        log = document.with_suffix(".log")
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                [str(PRISM), "proxy", "--errors", "-h", "127.0.0.1", "-p", str(self.port), str(document), upstream],
                stdout=out,
                stderr=out,
                start_new_session=True,
                env={**os.environ, "NODE_OPTIONS": "--max-old-space-size=1024"},
            )
        until = time.monotonic() + _START_S
        while time.monotonic() < until:
            try:
                httpx.get(self.url, timeout=5, trust_env=False)
            except httpx.HTTPError:
                time.sleep(0.1)
            else:
                return
        raise AssertionError(log.read_text()[-2000:])

    def stop(self) -> None:
        """Kill it with its children."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
