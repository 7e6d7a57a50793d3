"""Writing and reading many rows by one statement: each statement costs a hand-over of the interpreter."""

import sqlite3
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Final

_ROWS: Final = 64
"""How many rows one statement writes at most; fewer go in powers of two, so that few different statements are ever made."""

Value = str | int | bytes | None


def write_rows(connection: sqlite3.Connection, template: str, rows: Sequence[tuple[Value, ...]]) -> None:
    """Write rows; `{rows}` in the template stands for them."""
    for statement, values in chunks(template, rows):
        connection.execute(statement, values)


def chunks(template: str, rows: Sequence[tuple[Value, ...]]) -> Iterable[tuple[str, list[Value]]]:
    """The statements for so many rows, with their values; `{rows}` in the template stands for the rows."""
    start = 0
    while start < len(rows):
        count = min(_ROWS, 1 << ((len(rows) - start).bit_length() - 1))
        part = rows[start : start + count]
        yield _statement(template, len(part[0]), count), [value for row in part for value in row]
        start += count


@cache
def _statement(template: str, width: int, count: int) -> str:
    """One statement for so many rows: at most seven for each template."""
    return template.format(rows=placeholders(width, count))


def placeholders(width: int, count: int) -> str:
    """So many rows of so many placeholders."""
    row = f"({', '.join('?' * width)})"
    return ", ".join([row] * count)
