"""Log of a desk's store on PostgreSQL."""

from collections.abc import Sequence
from typing import Any, Final

from remit.adapters.db.postgres import BROKEN, VALUE_ERRORS, BlockingConnection, describe_error
from remit.adapters.log_reader.stored import HEAD, StoredLog
from remit.adapters.store.postgres.read_only import scope_to_desk
from remit.domain.errors import Code, Fault, Refused

_ANSWER_S: Final = 60.0


class PostgresLog(StoredLog):
    """Log at one moment of its database, for use without an event loop."""

    def __init__(self, url: str, desk: str) -> None:
        """Connect and stay at the present state until closed.

        Raises:
            Refused: `settings.invalid` when the store is missing or unreadable.
            Fault: `fault.store` when the server does not answer.
        """
        self._session = BlockingConnection(url, name="remit log", answer_s=_ANSWER_S)
        try:
            scope_to_desk(self._session, desk)
            super().__init__(self._rows, self._session.execute(HEAD).fetchone())
        except BaseException:
            self._session.close()
            raise

    def close(self) -> None:
        """Drop the connection."""
        self._session.close()

    def _rows(self, statement: str, given: Sequence[Any], path: str) -> list[tuple[Any, ...]]:
        try:
            return self._session.execute(statement, given).fetchall()
        except VALUE_ERRORS as broken:
            raise Refused(Code.LOG_DAMAGED, f"the log has no {path}: {describe_error(broken)}") from None
        except BROKEN as broken:
            raise Fault(Code.FAULT_STORE, f"{path}: {describe_error(broken)}") from None
