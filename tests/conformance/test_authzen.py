"""The public AuthZEN files against the running server: 56 checks of the certification scenario, 127 of the OpenID Foundation's suite."""

from collections import Counter
from collections.abc import Iterator

import pytest

from conformance.authzen_checks import CERTIFICATION, SUITE, Point, Row, rows
from conformance.authzen_desk import decision_point


@pytest.fixture(scope="module")
def point(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Point]:
    with decision_point(tmp_path_factory.mktemp("authzen"), "certification") as running:
        yield running


@pytest.fixture(scope="module")
def table(point: Point) -> list[Row]:
    """One row for each check of the files, as they are."""
    return list(rows(point))


@pytest.mark.parametrize(("file", "checks"), [(CERTIFICATION, 56), (SUITE, 127)])
def test_every_check_of_the_public_files_passes(table: list[Row], file: str, checks: int) -> None:
    assert Counter(row.file for row in table)[file] == checks
    assert [row for row in table if row.file == file and row.reason] == []
