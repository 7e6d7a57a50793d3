"""Every address of `/openapi.json` of a served desk, asked by schemathesis: no 5xx, and no answer that is not described.

`python tests/fuzz/doors.py --requests 20000` (`make fuzz`). schemathesis stands in an environment of its own below `.bench`.
"""

import argparse
import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from fuzz.world import world

ROOT: Final = Path(__file__).parents[2]
SCHEMATHESIS: Final = ROOT / ".bench" / "schemathesis" / "bin" / "schemathesis"
CHECKS: Final = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


def fuzz_doors(folder: Path, *, examples: int, seed: int, phases: str = "coverage,fuzzing") -> tuple[int, dict[str, int], str]:
    """Run schemathesis against a new desk; its exit code, the number of requests by status, and what it said."""
    with contextlib.redirect_stdout(io.StringIO()), world(folder) as (live, file):
        counted = folder / "counted.json"
        environment = {
            **os.environ,
            "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT / 'tests' / 'fuzz'}",
            "SCHEMATHESIS_HOOKS": "hooks",
            "FUZZ_WORLD": str(file),
            "FUZZ_COUNT": str(counted),
            "FUZZ_SEED": str(seed),
            "NO_COLOR": "1",
        }
        command = [
            *(str(SCHEMATHESIS), "run", f"{live.url}/openapi.json", "--checks", CHECKS, "--phases", phases),
            *("--max-examples", str(examples), "--seed", str(seed), "--workers", "1", "--continue-on-failure"),
            *("--no-shrink", "--suppress-health-check", "all", "--warnings", "off", "--request-timeout", "30", "--max-redirects", "0"),
        ]
        ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        found = json.loads(counted.read_text(encoding="utf-8")) if counted.exists() else {}
        return ran.returncode, found, ran.stdout + ran.stderr


def main() -> int:
    """Run until so many requests were sent."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--examples", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    sent, seed = 0, given.seed
    while sent < given.requests:
        with tempfile.TemporaryDirectory() as folder:
            code, counted, said = fuzz_doors(Path(folder), examples=given.examples, seed=seed)
        sent += sum(counted.values())
        sys.stdout.write(f"seed {seed}: {sum(counted.values()):,} requests {counted}; {sent:,} so far\n")
        sys.stdout.flush()
        if code or not counted:
            sys.stdout.write(said)
            return 1
        seed += 1
    sys.stdout.write(f"{sent:,} requests: no 5xx, and no answer that is not described\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
