"""The page for developers of MCP clients: its example runs as it stands, and its configuration is one."""

import json
import re
from pathlib import Path

import pytest

from attacks.arena import open_arena
from conformance.mcp_peers import ROOT, driving, listening, needs_peers, proxied

pytestmark = [needs_peers, pytest.mark.xdist_group("mcp")]
PAGE = (ROOT / "docs" / "agents" / "mcp.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    """The page's one example in a language."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


def test_the_example_in_python_runs_as_it_stands(tmp_path: Path) -> None:
    script = tmp_path / "example.py"
    script.write_text(f"{block('python')}\nimport asyncio, sys\nprint(asyncio.run(read_order(*sys.argv[1:])))\n", encoding="utf-8")
    with listening() as proxy:
        proxy.proves, proxy.url = False, proxy.url.replace("127.0.0.1", "localhost")
        with open_arena(settings={"server": {"issuer": proxy.url.removesuffix("/mcp")}}) as arena:
            proxy.held, proxy.room = arena.task(), arena.room
            with driving(script, proxy.url, proxy.task.token, str(proxy.task.agent.key)) as process:
                out, wrong = process.communicate(timeout=60)
    assert process.returncode == 0, wrong[-3000:]
    assert "'order_read'" in out
    assert "delivered" in out


def test_the_three_lines_are_what_a_client_is_configured_by() -> None:
    config = block("json")
    assert len(config.strip().splitlines()) == 3
    json.loads(config)
    with open_arena() as arena, proxied(arena.task()) as proxy:
        given = config.replace("https://support.acme.example/mcp", proxy.url)
        with driving("fastmcp_config.py", given) as process:
            out, wrong = process.communicate(timeout=60)
    assert process.returncode == 0, wrong[-3000:]
    assert "order_read" in json.loads(out.splitlines()[-1])
