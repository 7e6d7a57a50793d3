"""RFC 8785 pairs of cyberphone/json-canonicalization."""

import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from remit.domain.canonical import canonical

VECTORS = Path(os.environ.get("REMIT_SHARED", Path(__file__).parents[3] / "shared")) / "vectors" / "jcs" / "rfc8785.json"
CASES = json.loads(VECTORS.read_text())["cases"] if VECTORS.exists() else []

pytestmark = pytest.mark.skipif(not CASES, reason="the shared vectors are not here; set REMIT_SHARED")


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
@pytest.mark.parametrize("fractions", [float, Decimal])
def test_the_published_pairs_come_out_byte_for_byte(case: dict[str, Any], fractions: Any) -> None:
    value = json.loads(case["input"], parse_float=fractions)
    assert canonical(value) == bytes.fromhex(case["output_hex"])


def test_all_six_pairs_are_there() -> None:
    assert len(CASES) == 6
