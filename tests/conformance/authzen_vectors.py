"""The public vectors, read where they are: below `REMIT_SHARED`."""

import json
from functools import cache
from typing import Any

import pytest

from conformance.harness import SHARED

needs_vectors = pytest.mark.skipif(not SHARED.is_dir(), reason="the public vectors are not here; set REMIT_SHARED")


@cache
def vectors(name: str) -> Any:
    """Read one file of vectors."""
    return json.loads((SHARED / name).read_text())
