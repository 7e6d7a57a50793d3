"""A served desk with a decision point, by policies and entities given as files."""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from conformance.authzen_checks import Point
from example_desk import served
from remit.__main__ import main

FILES = Path(__file__).parent / "authzen"
SECRET = "a-secret-of-the-decision-point"  # of a desk that lives as long as a test


def new_desk(folder: Path) -> Path:
    """Make a desk in a folder."""
    desk = folder / "desk"
    assert main(["init", "--json", str(desk)]) == 0
    return desk


@contextmanager
def decision_point(folder: Path, name: str) -> Iterator[Point]:
    """Serve a desk whose decision point has the policies `<name>.cedar` and the entities `<name>.json`."""
    desk = new_desk(folder)
    for ending in ("cedar", "json"):
        shutil.copy(FILES / f"{name}.{ending}", desk)
    (desk / "caller").write_text(hashlib.sha256(SECRET.encode()).hexdigest())
    with (desk / "remit.toml").open("a") as settings:
        settings.write(
            f'\n[decision_point]\npolicies = ["{name}.cedar"]\nentities = "{name}.json"\n'
            '\n[[decision_point.callers]]\nname = "suite"\nsha256_file = "caller"\nactions = ["*"]\n'
        )
    with served(desk) as base, httpx.Client(timeout=30) as http:
        yield Point(base=base, secret=SECRET, http=http)
