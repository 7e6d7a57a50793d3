"""Every stored file of the vectors is judged by a set, or is said to be somebody's next; the page has every set."""

import pytest

from conformance.harness import SHARED, all_sets, files_named
from conformance.table import PAGE

AWAITED = ("mcp/schema-*", "mcp/conformance-sep-requirements.json")
"""Files that tests read without a row of their own: schemas and examples, in test_mcp_wire."""


@pytest.mark.skipif(not SHARED.is_dir(), reason="remit: NOT RUN: the public vectors are not here; set REMIT_SHARED")
def test_every_file_is_judged_by_a_set() -> None:
    judged = {file for one in all_sets() for file in one.files}
    awaited = files_named(AWAITED)
    here = {str(path.relative_to(SHARED)) for path in SHARED.rglob("*.json")}
    assert sorted(here - judged - awaited) == []


def test_every_set_has_its_row_and_a_title_of_its_own(pytestconfig: pytest.Config) -> None:
    titles = [one.title for one in all_sets()]
    assert len(titles) == len(set(titles))
    if pytestconfig.getoption("conformance_table"):
        return  # the page is made at the end of this run
    page = PAGE.read_text(encoding="utf-8")
    assert [title for title in titles if f"| {title} |" not in page and f"| [{title}](" not in page] == []


def test_every_exception_has_a_reason() -> None:
    for one in all_sets():
        assert all(one.excepted.values())
        assert all(one.not_offered.values())
