"""The parsers fuzzed by coverage with atheris, one after another.

`python tests/fuzz/by_coverage.py --seconds 60 [NAME …]` (`make fuzz`): exit code 1 where one fell over; its input is then kept in
`.bench/fuzz/<name>`. atheris stands in `.bench/atheris`; where it cannot be had, one line says so.
"""

import argparse
import importlib
import os
import sys
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
ATHERIS: Final = ROOT / ".bench" / "atheris"
KEPT: Final = ROOT / ".bench" / "fuzz"
INSTRUMENTED: Final = [
    "remit.domain",
    "remit.proof",
    "remit.entrypoints.http",
    "remit.adapters.identity",
    "remit.adapters.backoffice.directory",
]


def fuzz(atheris: Any, parsers: Any, name: str, folder: Path, seconds: int) -> None:
    """Fuzz one parser in this process, which ends with it."""
    said = os.open(folder / "said", os.O_CREAT | os.O_TRUNC | os.O_WRONLY)
    os.dup2(said, 1)
    os.dup2(said, 2)
    limits = (f"-max_total_time={seconds}", "-timeout=20", "-max_len=4096", f"-artifact_prefix={folder}/crash-")
    atheris.Setup([name, str(folder / "corpus"), *limits], lambda raw: parsers.run(name, raw))
    atheris.Fuzz()


def tried(atheris: Any, parsers: Any, name: str, seconds: int) -> bool:
    """Fuzz one parser in a process of its own, and say how it went."""
    folder = KEPT / name.replace(" ", "-")
    (folder / "corpus").mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(parsers.PARSERS[name].seeds):
        (folder / "corpus" / f"seed-{number}").write_bytes(seed)
    child = os.fork()
    if child == 0:
        fuzz(atheris, parsers, name, folder, seconds)
        os._exit(0)
    held = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    said = (folder / "said").read_text(errors="replace")
    runs = next((line for line in said.splitlines() if line.startswith("Done ")), "")
    sys.stdout.write(f"{name}: {f'held; {runs}' if held else f'fell over; {said[-3000:]}'}\n")
    sys.stdout.flush()
    return held


def main() -> int:
    """Fuzz each parser for so many seconds."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("names", nargs="*")
    arguments.add_argument("--seconds", type=int, default=60)
    given = arguments.parse_args()
    if not ATHERIS.is_dir():
        sys.stdout.write("remit: NOT RUN: no atheris in .bench/atheris; there is no build of it for this Python, or it cannot be fetched\n")
        return 0
    sys.path.append(str(ATHERIS))
    atheris = importlib.import_module("atheris")
    with atheris.instrument_imports(include=INSTRUMENTED):
        parsers = importlib.import_module("fuzz.parsers")
    held = [tried(atheris, parsers, name, given.seconds) for name in given.names or parsers.PARSERS]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
