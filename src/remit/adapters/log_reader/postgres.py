"""The log out of a desk's store on PostgreSQL."""

from collections.abc import Sequence
from typing import Any, Final, Self

from remit.adapters.db.postgres import BROKEN, VALUE_ERRORS, BlockingConnection, describe_error
from remit.adapters.log_reader.stored import HEAD, StoredLog
from remit.adapters.store.postgres.read_only import scope_to_desk
from remit.domain.errors import Code, Fault, Refused

_ANSWER_S: Final = 60.0


class PostgresLog(StoredLog):
    """A log at one moment of its database. To be used where no event loop runs."""

    def __init__(self, url: str, desk: str) -> None:
        """Connect and stay at the present state until closed.

        Raises:
            Refused: `settings.invalid` when there is no such store or it may not be read.
            Fault: `fault.store` when the server does not answer.
        """
        self._session = BlockingConnection(url, name="remit log", answer_s=_ANSWER_S)
        try:
            scope_to_desk(self._session, desk)
            super().__init__(self._rows, self._session.execute(HEAD).fetchone())
        except BaseException:
            self._session.close()
            raise

    def __enter__(self) -> Self:
        """Close it at the end."""
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connection."""
        self._session.close()

    def _rows(self, statement: str, given: Sequence[Any], path: str) -> list[tuple[Any, ...]]:
        try:
            return self._session.execute(statement, given).fetchall()
        except VALUE_ERRORS as broken:
            raise Refused(Code.LOG_DAMAGED, f"the log has no {path}: {describe_error(broken)}") from None
        except BROKEN as broken:
            raise Fault(Code.FAULT_STORE, f"{path}: {describe_error(broken)}") from None
