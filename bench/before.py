"""An older tree of this repository, to measure beside this one: taken from its history, run by the same Python with its own sources."""

import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path

from peer_servers import ROOT
from processes import LeftOut

COMMIT = "99af0869f4ad2610a3b2a730c2ff22149e732085"
"""The tree that the goals of CPU are told against."""


def older_tree(commit: str = COMMIT) -> Path:
    """Put the tree of a commit under .bench/, where it is not there yet; returns its folder.

    Raises:
        LeftOut: when this checkout's history does not have it.
    """
    place = ROOT / ".bench" / f"tree-{commit[:7]}"
    done = place / ".done"
    if done.is_file():
        return place
    archive = subprocess.run(
        ["git", "-C", str(ROOT), "archive", commit, "src", "bench"], capture_output=True, check=False
    )
    if archive.returncode:
        said = archive.stderr.decode(errors="replace").strip().splitlines() or ["git said nothing"]
        raise LeftOut(
            f"the history of this checkout does not have the commit {commit[:7]}: {said[-1]}; "
            "measure in a full clone, or run `git fetch --unshallow`"
        )
    place.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(place, filter="data")
    done.touch()
    return place


def environment_of(tree: Path) -> Mapping[str, str]:
    """The environment in which this Python imports `remit` from another tree.

    Raises:
        LeftOut: when it imports another one all the same, or none.
    """
    environment = {"PYTHONPATH": str(tree / "src")}
    command = [sys.executable, "-c", "import remit.wiring; print(remit.__file__)"]
    tried = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
    found = tried.stdout.strip() or (tried.stderr.strip().splitlines() or ["it said nothing"])[-1]
    if tried.returncode or not Path(found).is_relative_to(tree):
        raise LeftOut(f"this Python does not run the older tree ({found})")
    return environment
