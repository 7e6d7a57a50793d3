"""The conformance tool of MCP's own authors against the door, at every revision it has requirements for.

What a desk cannot pass stands with its reason in `sets/mcp-tool-<revision>.toml`; the lists of the public vectors say what must have been run.
"""

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from attacks.arena import open_arena
from conformance.harness import SHARED, vector_set
from conformance.mcp_peers import PEERS, listening, needs_peers, node, node_binary, proxied
from conformance.mcp_visits import desk_at
from provider.real import free_port
from visiting import TERMS, documents, picked_and_signed

pytestmark = [needs_peers, pytest.mark.xdist_group("mcp")]
TOOL = PEERS / "node" / "node_modules" / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
LEAST = {"2026-07-28": 40, "2025-11-25": 25}
"""Checks that pass, at least: a tool that ran nothing would have no failures either."""


def checked(revision: str, folder: Path) -> dict[str, str]:
    """Run the tool; every check by `scenario/check` with its status. A check that is made often counts as its worst."""
    with open_arena() as arena, proxied(arena.task()) as proxy:
        url = proxy.url.replace("127.0.0.1", "localhost")
        done = node(str(TOOL), "server", "--url", url, "--requirements", revision, "-o", str(folder))
    assert "SUMMARY" in done.stdout, done.stdout[-2000:] + done.stderr[-2000:]
    return results(folder)


def results(folder: Path) -> dict[str, str]:
    """Every check in a folder of results."""
    found: dict[str, str] = {}
    for path in folder.glob("*/checks.json"):
        scenario = re.sub(r"^(?:authorization-)?server-(.*)-\d{4}-\d\d-\d\dT.*$", r"\1", path.parent.name)
        for one in json.loads(path.read_text(encoding="utf-8")):
            name = f"{scenario}/{one['id']}"
            if not found.get(name, "").startswith("FAILURE"):
                found[name] = f"FAILURE: {one.get('errorMessage')}" if one["status"] == "FAILURE" else one["status"]
    return found


def judge(name: str, found: Mapping[str, str], request: pytest.FixtureRequest) -> None:
    """Compare what passed and what failed with the set's file; what is only told, or skipped by the tool, is neither."""
    judged = {check: status == "SUCCESS" or status for check, status in found.items() if status.startswith(("SUCCESS", "FAILURE"))}
    vector_set(name).judge(request, judged)


@pytest.mark.skipif(
    not SHARED.is_dir(), reason="remit: NOT RUN: the public vectors are not here; set REMIT_SHARED to the folder with vectors/"
)
@pytest.mark.parametrize("revision", sorted(LEAST))
def test_every_requirement_is_met_or_excepted_with_a_reason(revision: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    found = checked(revision, tmp_path)
    judge(f"mcp-tool-{revision}", found, request)
    assert sum(status == "SUCCESS" for status in found.values()) >= LEAST[revision]
    listed = json.loads((SHARED / "mcp" / f"conformance-requirements-{revision}.json").read_text(encoding="utf-8"))["server"]
    assert set(listed) <= {name.partition("/")[0] for name in found}


def test_the_authorization_server_passes_its_scenarios(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Metadata, and a code grant of a client without a key, whose user's browser we are."""
    port = str(free_port())
    with listening() as proxy, desk_at(proxy, TERMS) as arena, documents() as docs:
        client_id = docs.publish(redirect_uris=[f"http://127.0.0.1:{port}/callback"])
        given = (
            "--url",
            proxy.url.removesuffix("/mcp"),
            "--client-id",
            client_id,
            "--resource",
            proxy.url,
            "-p",
            port,
            "-o",
            str(tmp_path),
        )
        command = [str(node_binary()), str(TOOL), "authorization", *given]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            assert process.stdout is not None
            try:
                address = next(line.strip() for line in process.stdout if "/oauth/authorize?" in line)
                next(line for line in process.stdout if "server started" in line)
                httpx.get(picked_and_signed(arena.anna, address, "return-item", ["W1001"]))
                said = process.stdout.read()
            finally:
                process.kill()
    found = results(tmp_path)
    assert {name.partition("/")[0] for name in found} == {"authorization-server-metadata-endpoint", "authorization-code-grant"}, said
    judge("mcp-tool-authorization", found, request)
    assert sum(status == "SUCCESS" for status in found.values()) >= 2
