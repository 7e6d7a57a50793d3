"""Some of `make fuzz`: every address of the description asked by schemathesis a few times, with what a client, a customer and officers have."""

from pathlib import Path

import pytest

from fuzz.doors import SCHEMATHESIS, fuzz_doors


@pytest.mark.skipif(
    not SCHEMATHESIS.exists(), reason="remit: NOT RUN: no schemathesis in .bench; make .bench/schemathesis/.done fetches it"
)
def test_every_address_answers_as_it_is_described(tmp_path: Path) -> None:
    code, counted, said = fuzz_doors(tmp_path, examples=2, seed=1, phases="fuzzing")
    assert code == 0, said[-6000:]
    assert sum(counted.values()) > 200
    assert [status for status in counted if status.startswith("5")] == []
    assert {"200", "400", "401", "404"} <= counted.keys()
