"""How a store is read statement by statement, whichever database it is kept in: `?` for each value, rows as tuples."""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol


class StatementRows(Protocol):
    """The rows of one statement."""

    def fetchone(self) -> Any:  # noqa: ANN401  # a row of the statement's own shape, or None
        """The next row, None where there is none left."""
        ...

    def fetchall(self) -> list[Any]:  # rows of the statement's own shape
        """The rows that are left."""
        ...

    def __iter__(self) -> Iterator[Any]: ...


class ReadConnection(Protocol):
    """One connection, standing at one moment of one desk's rows."""

    def execute(self, statement: str, values: Sequence[Any] = (), /) -> StatementRows:
        """Rows of one statement."""
        ...
