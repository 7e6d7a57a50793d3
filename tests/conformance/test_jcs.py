"""RFC 8785 pairs of cyberphone/json-canonicalization, byte for byte."""

import json
from decimal import Decimal
from typing import Any

from conformance.harness import vector_set
from remit.proof.canonical import canonical

JCS = vector_set("jcs")
CASES: dict[str, Any] = {case["name"]: case for case in JCS.read()["cases"]}


@JCS.each(CASES)
def test_the_published_pairs_come_out_byte_for_byte(check: dict[str, Any]) -> None:
    for fractions in (float, Decimal):
        value = json.loads(check["input"], parse_float=fractions)
        assert canonical(value) == bytes.fromhex(check["output_hex"])


def test_all_six_pairs_are_there() -> None:
    assert len(CASES) == 6
