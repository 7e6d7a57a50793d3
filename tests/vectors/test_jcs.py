"""RFC 8785 pairs of cyberphone/json-canonicalization, and digests over canonical JSON that others published."""

import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from remit.proof.canonical import canonical, digest

VECTORS = Path(os.environ.get("REMIT_SHARED", Path(__file__).parents[3] / "shared")) / "vectors" / "jcs" / "rfc8785.json"
CASES = json.loads(VECTORS.read_text())["cases"] if VECTORS.exists() else []
MISSION = VECTORS.parents[1] / "mission" / "integrity-vectors.json"
DIGESTS = json.loads(MISSION.read_text())["vectors"] if MISSION.exists() else []

pytestmark = pytest.mark.skipif(not CASES, reason="the shared vectors are not here; set REMIT_SHARED")


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
@pytest.mark.parametrize("fractions", [float, Decimal])
def test_the_published_pairs_come_out_byte_for_byte(case: dict[str, Any], fractions: Any) -> None:
    value = json.loads(case["input"], parse_float=fractions)
    assert canonical(value) == bytes.fromhex(case["output_hex"])


def test_all_six_pairs_are_there() -> None:
    assert len(CASES) == 6


@pytest.mark.parametrize("case", DIGESTS, ids=[f"{place} {case['name']}" for place, case in enumerate(DIGESTS)])
def test_the_published_digests_are_ours(case: dict[str, Any]) -> None:
    value = case["value"] if "value" in case else case["envelope"]
    assert canonical(value).decode() == case["canonical"]
    assert digest(value) == case["digest"]


def test_all_nine_digests_are_there() -> None:
    assert len(DIGESTS) == 9
