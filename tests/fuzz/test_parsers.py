"""No parser of strangers' bytes falls over: some of each by hypothesis here, many more and by coverage with `make fuzz`."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fuzz.parsers import PARSERS, grown, run

EDITS = st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 12), st.binary(max_size=8)), min_size=1, max_size=4)
HOSTILE = (
    b"",
    b"\x00",
    b"\xff" * 9,
    b"[" * 40_000,
    b'{"a":' * 10_000,
    b"9" * 20_000,
    b'"\\ud800"',
    b"1e999999999",
    b"-" * 5000,
    b"." * 70_000,
    b"=" * 70_000,
    "\N{ARABIC-INDIC DIGIT FIVE}\N{RIGHT-TO-LEFT OVERRIDE}".encode(),
)


@pytest.mark.parametrize("name", PARSERS)
def test_a_parser_answers_whatever_it_is_given(name: str) -> None:
    seeds = PARSERS[name].seeds
    for raw in (*HOSTILE, *seeds, *(seed[:place] for seed in seeds for place in range(0, len(seed), 7))):
        run(name, raw)

    @settings(max_examples=60)
    @given(st.sampled_from(seeds), EDITS)
    def changed(seed: bytes, edits: list[tuple[int, int, bytes]]) -> None:
        run(name, grown(seed, edits))

    @settings(max_examples=30)
    @given(st.binary(max_size=400))
    @example(b"\n")
    def anything(raw: bytes) -> None:
        run(name, raw)

    changed()
    anything()
