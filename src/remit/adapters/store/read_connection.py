"""Statement-wise reading of a store in any database: `?` for each value, rows as tuples."""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol


class StatementRows(Protocol):
    """Rows of one statement."""

    def fetchone(self) -> Any:  # noqa: ANN401  # a row of the statement's own shape, or None
        """Return the next row, None at the end."""
        ...

    def fetchall(self) -> list[Any]:  # rows of the statement's own shape
        """Return the remaining rows."""
        ...

    def __iter__(self) -> Iterator[Any]: ...


class ReadConnection(Protocol):
    """One connection at one moment of one desk's rows."""

    def execute(self, statement: str, values: Sequence[Any] = (), /) -> StatementRows:
        """Run one statement."""
        ...
