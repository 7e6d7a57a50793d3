"""A rule is found by function and shape, exactly once, and its change is the one that the line says, whatever the layout."""

import ast
from pathlib import Path

import pytest

from mutation_list import read_list
from mutation_sites import NotFound, Source, sites

TEXT = '''
LIMITS = {"few": 3}
HEADER = f"a{LIMITS} b; HttpOnly; c"


class Store:
    async def commit(self, record, owners=(), *, limit=None):
        """Commit."""
        if record.owner not in owners:
            raise Refused(
                Code.NOT_OWNED,
                "not theirs",
            )
        elif record.gone:
            return None
        await self.verify_free(record)
        verify_again(record, limit=limit)
        found = [one for one in owners if one.alive and one.known]
        return Written(record, found, limit=limit) if found and record.name else None


def other(record):
    """
    Say
      more.
    """
    if record.gone:
        raise Refused(Code.GONE, "ü")
    raise Refused(Code.UNKNOWN, "é")
'''
DATA = """
asks = ['\\bask\\b', '\\bbeg\\b']
wants = ['\\bwant\\b']
"""


@pytest.fixture
def source(tmp_path: Path) -> Source:
    (tmp_path / "stores").mkdir()
    (tmp_path / "stores" / "one.py").write_text(TEXT, encoding="utf-8")
    (tmp_path / "stores" / "words.toml").write_text(DATA, encoding="utf-8")
    (tmp_path / "words.toml").write_text("", encoding="utf-8")
    (tmp_path / "two.py").write_text("def other(record):\n    return record.gone\n", encoding="utf-8")
    return Source(tmp_path)


def changed(source: Source, where: str, anchor: str) -> str:
    return source.edit(where, anchor).applied(TEXT)


@pytest.mark.parametrize(
    ("where", "anchor", "before", "after"),
    [
        ("Store.commit", "NOT_OWNED", "record.owner not in owners", "False"),
        ("other", "GONE", "if record.gone:\n        raise", "if False:\n        raise"),
        ("other", "UNKNOWN", 'raise Refused(Code.UNKNOWN, "é")', "pass"),
        ("Store.commit", "if owner => True", "record.owner not in owners", "True"),
        ("Store.commit", "if gone => not _0", "elif record.gone", "elif not record.gone"),
        ("Store.commit", "verify_free()", "await self.verify_free(record)", "pass"),
        ("Store.commit", "drop _.alive", "one.alive and one.known", "one.known"),
        ("Store.commit", "drop limit=_#2", "found, limit=limit", "found"),
        ("Store.commit", "drop verify_again(...)", "verify_again(record, limit=limit)", "pass"),
        (
            "Store.commit",
            "Written(_1, ...) => Other(_1, 1, ...)",
            "Written(record, found, limit=limit)",
            "Other(record, 1, found, limit=limit)",
        ),
        ("Store.commit", "limit=_#1 => limit=3", "record, limit=limit", "record, limit=3"),
        ("Store.commit", "_ = [_ for _ in _ if ...] => _0; del self", " and one.known]", " and one.known]; del self"),
        (
            "Store.commit",
            "await _(...); _(...) => return",
            "await self.verify_free(record)\n        verify_again(record, limit=limit)",
            "return",
        ),
        (
            "Store.commit",
            "verify_again(...) => _0 ;; _0",
            "verify_again(record, limit=limit)",
            "verify_again(record, limit=limit); verify_again(record, limit=limit)",
        ),
        ("HEADER", "~'HttpOnly; ' => ~''", "HttpOnly; ", ""),
        ("LIMITS", "3 => 4", "3}", "4}"),
        ("stores/<module>", "3 => 4", "3}", "4}"),
    ],
)
def test_a_line_changes_what_it_says_and_moves_no_other_line(source: Source, where: str, anchor: str, before: str, after: str) -> None:
    text = changed(source, where, anchor)
    assert TEXT.count(before) == 1
    assert ast.dump(ast.parse(text)) == ast.dump(ast.parse(TEXT.replace(before, after)))
    assert text.count("\n") == TEXT.count("\n")


@pytest.mark.parametrize(
    ("where", "anchor"),
    [("gone", "GONE"), ("Store.commit", "GONE"), ("other", "_.gone => False"), ("two/other", "GONE"), ("other", "drop (")]
    + [("stores/words.toml", one) for one in ("r'\\b' => ''", "'gone' => ''", "ask => beg", "'ask'", "1 => 2")]
    + [("words.toml", "'ask' => 'beg'"), ("gone.toml", "'ask' => 'beg'")],
)
def test_what_fits_nowhere_or_twice_is_told(source: Source, where: str, anchor: str) -> None:
    with pytest.raises(NotFound):
        source.edit(where, anchor)


def test_a_folder_tells_two_functions_of_one_name_apart(source: Source) -> None:
    assert source.edit("two/other", "_.gone => False").file == "two.py"
    assert source.edit("stores/other", "_.gone => False").file == "stores/one.py"


def test_a_text_in_data_becomes_another(source: Source) -> None:
    edit = source.edit("stores/words.toml", r'''r", '\bbeg\b'" => ""''')
    assert (edit.file, edit.applied(DATA)) == ("stores/words.toml", DATA.replace(r", '\bbeg\b'", ""))


def test_what_looks_like_a_rule_is_listed(source: Source) -> None:
    names = [name for file in source.files for name, _ in sites(file)]
    commit = ["NOT_OWNED", "if record.gone", "verify_free()", "verify_again()"]
    assert sorted(names) == sorted([*(f"Store.commit: {one}" for one in commit), "other: GONE", "other: UNKNOWN"])


def test_a_line_is_read() -> None:
    (one,) = read_list("# P1 own confirmation\n\nverify: if a => b -> test_x[c]  # why\n")
    assert (one.heading, one.where, one.anchor, one.test, one.note) == ("P1 own confirmation", "verify", "if a => b", "test_x[c]", "why")
