"""The public vectors, read where they are: below `REMIT_SHARED`."""

import json
import os
from functools import cache
from pathlib import Path
from typing import Any


@cache
def vectors(name: str) -> Any:
    """Read one file of vectors."""
    return json.loads((Path(os.environ.get("REMIT_SHARED", Path(__file__).parents[3] / "shared")) / "vectors" / name).read_text())
