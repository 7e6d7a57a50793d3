"""The probes P1 to P18 through the MCP door: the same tests, whose asks are calls of tools.

`TESTS_DOOR=mcp pytest tests/attacks` runs every attack of these probes that way; here, the attacks that are asks.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILES = {
    "P2": "test_amount_above",
    "P3": "test_another_order",
    "P4": "test_unplanned_act",
    "P7": "test_approval_replayed",
    "P8": "test_small_refunds",
    "P10": "test_used_after_the_end",
    "P11": "test_secret_in_message",
    "P12": "test_reply_too_wide",
    "P13": "test_audit_store_down",
    "P14": "test_revocation_store_down",
    "P17": "test_shape_tricks",
    "P18": "test_chain_widened",
}
NO_ASK = {"P5": "a report of the log", "P9": "the log itself", "P16": "a person's page"}
"""Probes that no agent's door has part in."""
NO_TOOL = {"P1": "a person's doors", "P6": "the record, or a person's page", "P15": "a person's session, at HTTP's doors"}
"""Probes attacked elsewhere than at the tool that asked; `attacks/probes` tries them once for this door too."""
LEFT_OUT = (
    "test_a_mandate_with_anything_unknown_in_it_is_not_even_shown",
    "test_a_secret_in_what_an_agent_says_it_wants_is_shown_to_nobody_and_signed_by_nobody",
    "test_a_secret_stands_in_nothing_that_is_kept_shown_sent_or_logged",
    "test_json_that_two_readers_could_read_differently_is_not_read",
)
"""Tests whose attacks are bytes, files or forms of HTTP alone: they call no tool, or one before the attack begins."""


def test_every_probe_that_an_ask_can_carry_passes_through_the_mcp_door() -> None:
    assert {f"P{number}" for number in range(1, 19)} == FILES.keys() | NO_ASK.keys() | NO_TOOL.keys()
    paths = [next((ROOT / "tests" / "attacks").glob(f"*/{name}.py")) for name in FILES.values()]
    left_out = f"not ({' or '.join(LEFT_OUT)})"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-k", left_out, *map(str, paths)]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"TESTS_DOOR": "mcp"}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) > 60
