"""The public vectors, read where they are: below `REMIT_SHARED`."""

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest

VECTORS = Path(os.environ.get("REMIT_SHARED", Path(__file__).parents[3] / "shared")) / "vectors"
needs_vectors = pytest.mark.skipif(not VECTORS.is_dir(), reason="the public vectors are not here; set REMIT_SHARED")


@cache
def vectors(name: str) -> Any:
    """Read one file of vectors."""
    return json.loads((VECTORS / name).read_text())
