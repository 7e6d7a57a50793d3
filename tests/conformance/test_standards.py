"""Every row of docs/standards.md has its tests, named in `standards.toml`."""

from conformance.standards import ROOT, entries, entry_of, standards_named


def test_every_standard_has_its_tests_and_every_entry_its_standard() -> None:
    known = entries()
    found = {title: entry_of(title, known) for title in standards_named()}
    assert [title for title, entry in found.items() if entry is None] == [], "give these rows an entry in tests/conformance/standards.toml"
    assert known.keys() - set(found.values()) == set(), "these entries are no row of docs/standards.md"


def test_every_test_named_is_there() -> None:
    assert [path for entry in entries().values() for path in entry["tests"] if not (ROOT / path).is_file()] == []
