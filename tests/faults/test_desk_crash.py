"""The built-in desk's process dies at its named points: the act happened whole or not at all, and `outcome` says which."""

import subprocess
import sys
from pathlib import Path

import pytest

from contracts.desk_plugs import act, builtin_desk, run
from remit.ports.backoffice import ActOutcome

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import os, sys
from pathlib import Path
from contracts.desk_plugs import EFFECTS, SEED, StandingWorld, act, desk_file, run, small_catalogue
from remit.adapters.backoffice.builtin import BuiltinBackoffice

def on_point(name):
    if name == sys.argv[2]:
        os._exit(137)

def dying(books, params):
    values = EFFECTS["order.mark"](books, params)
    if sys.argv[2] == "in the effect":
        os._exit(137)
    return values

database = desk_file(Path(sys.argv[1]))
plug = BuiltinBackoffice(database, StandingWorld(), small_catalogue(), effects={**EFFECTS, "order.mark": dying}, on_point=on_point)
run(plug.seed(SEED))
run(plug.perform(act("k1")))
"""


@pytest.mark.parametrize(
    ("point", "state", "status"),
    [
        ("desk.before_act", ActOutcome.UNSEEN, "pending"),
        ("in the effect", ActOutcome.UNSEEN, "pending"),
        ("desk.after_act", ActOutcome.DONE, "marked"),
    ],
)
def test_a_desk_that_dies_leaves_a_whole_act_or_none(point: str, state: ActOutcome, status: str, tmp_path: Path) -> None:
    env = {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'tests'}"}
    died = subprocess.run([sys.executable, "-c", SCRIPT, str(tmp_path), point], env=env, check=False, capture_output=True)
    assert died.returncode == 137, died.stderr.decode()
    with builtin_desk(tmp_path) as desk:
        assert run(desk.plug.outcome(act("k1"))).state is state
        assert run(desk.plug.read("order.read", {"order_id": "W1"}, customer="anna")).values["order.status"] == status
        assert run(desk.plug.perform(act("k1"))).state is ActOutcome.DONE
        assert desk.marks() == 1
