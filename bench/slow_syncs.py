"""A server whose every sync takes longer: a small library in C, built with `cc` where it is needed and preloaded into that server alone.

Nothing of it is in the product, and the server under it is the same program.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

SOURCE = Path(__file__).parent / "slow_sync.c"
PROBE = "import os,sys,time; f=os.open(sys.argv[1],os.O_CREAT|os.O_RDWR); t=time.perf_counter(); os.fdatasync(f); os.fsync(f); print(time.perf_counter()-t)"


class Unmeasured(Exception):  # noqa: N818  # what was found, with its cure
    """Longer syncs cannot be had on this machine."""


def slowed(folder: Path, added_ms: float) -> Mapping[str, str]:
    """The environment of a server whose every sync takes so much longer; the library is built in `folder` and tried.

    Raises:
        Unmeasured: with a cure.
    """
    compiler = shutil.which("cc")
    if compiler is None:
        raise Unmeasured("there is no C compiler `cc`; install one (Debian: build-essential)")
    library = folder / "slow_sync.so"
    built = subprocess.run(
        [compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"],
        capture_output=True,
        text=True,
        check=False,
    )
    if built.returncode:
        raise Unmeasured(
            f"slow_sync.c could not be built: {built.stderr.strip().splitlines()[-1] if built.stderr.strip() else 'no reason given'}"
        )
    environment = {"LD_PRELOAD": str(library), "SLOW_SYNC_US": str(int(added_ms * 1000))}
    command = [sys.executable, "-c", PROBE, str(folder / "probe")]
    tried = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
    took_s = float(tried.stdout) if tried.returncode == 0 else 0.0
    if took_s < 2 * added_ms / 1000:
        raise Unmeasured(
            "this Python's syncs do not go through the C library's fsync, so that they cannot be made longer"
        )
    return environment
