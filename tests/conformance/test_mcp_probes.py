"""The probes P1 to P18 through the MCP door: the same tests, whose asks are calls of tools.

`TESTS_DOOR=mcp pytest tests/attacks` runs every attack of these probes that way; here, the file of each probe that an ask can carry.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = {
    "P1": "test_agent_confirms_itself",
    "P2": "test_amount_above",
    "P3": "test_another_order",
    "P4": "test_unplanned_act",
    "P6": "test_act_swapped_after_yes",
    "P7": "test_approval_replayed",
    "P8": "test_small_refunds",
    "P10": "test_used_after_the_end",
    "P11": "test_secret_in_message",
    "P12": "test_reply_too_wide",
    "P13": "test_audit_store_down",
    "P14": "test_revocation_store_down",
    "P15": "test_borrowed_login",
    "P17": "test_shape_tricks",
    "P18": "test_chain_widened",
}
NO_ASK = {"P5": "a report of the log", "P9": "the log itself", "P16": "a person's page"}
"""Probes that no agent's door has part in."""


@pytest.mark.xdist_group("mcp")
def test_every_probe_that_an_ask_can_carry_passes_through_the_mcp_door() -> None:
    assert {f"P{number}" for number in range(1, 19)} == FILES.keys() | NO_ASK.keys()
    paths = [next((ROOT / "tests" / "attacks").glob(f"*/{name}.py")) for name in FILES.values()]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *map(str, paths)]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"TESTS_DOOR": "mcp"}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) > 60
