"""A desk by the rules of one of the `examples`, as their README tells a company to make it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from remit.__main__ import main

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"


def make_example_desk(name: str, desk: Path, *, url: str, reading: str = "read", acting: str = "act") -> None:
    """Make a desk in front of the system at an address, with the tokens of its two accounts."""
    rules = EXAMPLES / name
    assert main(["init", "--json", str(desk)]) == 0
    shutil.rmtree(desk / "catalogue")
    (desk / "catalogue").mkdir()
    shutil.copy(rules / "catalogue.toml", desk / "catalogue")
    for folder in ("policies", "policy_cases"):
        shutil.rmtree(desk / folder)
        shutil.copytree(rules / folder, desk / folder)
    for file in ("mapping.toml", "openapi.yaml"):
        shutil.copy(rules / file, desk)
    (desk / "token-read").write_text(reading)
    (desk / "token-act").write_text(acting)
    settings = (desk / "remit.toml").read_text()
    assert 'pack = "consumer"' in settings
    settings = settings.replace('pack = "consumer"', 'backoffice = "mapped"')
    (desk / "remit.toml").write_text(
        f'{settings}\n[backoffice]\nurl = "{url}"\nmapping = "mapping.toml"\ndocument = "openapi.yaml"\n'
        'read_token_file = "token-read"\nact_token_file = "token-act"\n'
    )


@contextmanager
def served(desk: Path) -> Iterator[str]:
    """Serve a desk on a free port as a sandbox, in a process of its own, and give its address. Its log is `server.log` beside it."""
    settings = (desk / "remit.toml").read_text()
    assert "enabled = false" in settings
    (desk / "remit.toml").write_text(settings.replace("enabled = false", "enabled = true", 1))
    command = [sys.executable, "-m", "remit", "serve", "--port", "0", "--json", "--config", str(desk)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    with (
        (desk.parent / "server.log").open("a") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment) as process,
    ):
        assert process.stdout is not None
        try:
            yield str(json.loads(process.stdout.readline())["issuer"])
        finally:
            process.terminate()
