"""The scripts of bench/ stand in no package: they import one another by name, from their own folder."""

import sys
from pathlib import Path

BENCH = str(Path(__file__).parents[2] / "bench")
if BENCH not in sys.path:
    sys.path.append(BENCH)
