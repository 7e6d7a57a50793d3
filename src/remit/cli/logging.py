"""The process's own log: one JSON object a line on standard error, without secrets. Not the transcript."""

import json
import logging
import re
import sys
import threading
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, TextIO

from remit.domain.secrets.find import find_secrets, redact
from remit.entrypoints.http.request_log import request_id

LEVELS: Final = ("debug", "info", "warning", "error")
UNNAMED: Final = "log"
"""The event of a line from a library, which has no name of ours."""
_HEAD, _TAIL = 1_000, 3_000
"""Shown ends of a long text: its beginning, and its end, which has the error of a traceback."""
_READ: Final = 8_000
"""Maximum length read at either end. ⚔ More than is shown, since half of a secret is not recognised as one."""
_LAST_WORD: Final = re.compile(r"(?:\s|\A)\S*\Z")
_FIRST_WORD: Final = re.compile(r"\A\S*(?:\s|\Z)")
_NOTICES: Final = "remit.notices"
_PAGE: Final = re.compile(r"https?://[A-Za-z0-9.:\[\]-]{1,260}/(?:me|desk|confirm/cnf_[a-z2-7]{26})")
"""The only addresses that a notice links to."""
_LOG: Final = logging.getLogger("remit")
_QUIET: Final = ("asyncio", "asyncpg", "httpcore", "httpx", "opentelemetry", "urllib3", "uvicorn")
"""Libraries log addresses, queries and statements at their lower levels; a query can hold a code."""


class JsonLines(logging.Formatter):
    """Formats a log record as one line of JSON. ⚔ The last filter for secrets in a message or a traceback.

    `node` is the name of this process among all that serve the desk.
    """

    def __init__(self, node: str = "") -> None:
        super().__init__()
        self._node = node

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, tz=UTC)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "event": str(getattr(record, "event", UNNAMED)),
            "logger": record.name,
            "node": self._node,
            "message": _clean_notice(record),
        }
        request = request_id()
        if request:
            line["request"] = request
        if record.exc_info:
            line["error"] = _clean(self.formatException(record.exc_info))
        if record.stack_info:
            line["stack"] = _clean(record.stack_info)
        return json.dumps(line, ensure_ascii=False)


class _Lines(logging.StreamHandler[TextIO]):
    """Writes lines. ⚔ An unwritable record is not dumped raw on standard error, as the standard library would."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # as in the standard library
        """Say nothing: there is nowhere to say it."""
        del record


def start_logs(level: str, *, node: str = "") -> None:
    """Start logging from this level on: our own records, those of libraries, and uncaught errors."""
    handler = _Lines(sys.stderr)
    handler.setFormatter(JsonLines(node))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    logging.captureWarnings(capture=True)
    for quiet in _QUIET:
        logging.getLogger(quiet).setLevel(max(logging.WARNING, root.level))
    # ⚔ Python would write these raw on standard error, with whatever their exception says.
    threading.excepthook = _log_thread_error
    sys.unraisablehook = _log_unraisable


def _log_thread_error(what: threading.ExceptHookArgs) -> None:
    _uncaught("a thread ended", what.exc_type, what.exc_value, what.exc_traceback)


def _log_unraisable(what: "sys.UnraisableHookArgs") -> None:
    _uncaught("an exception could not be raised", what.exc_type, what.exc_value, what.exc_traceback)


def _uncaught(where: str, kind: type[BaseException], raised: BaseException | None, trace: TracebackType | None) -> None:
    exception = (kind, raised, trace) if raised is not None else None
    _LOG.error("%s: %s", where, kind.__name__, exc_info=exception, extra={"event": "exception.uncaught"})


def _message(record: logging.LogRecord) -> str:
    """Return a record's message, or its template where the arguments do not fit."""
    try:
        return record.getMessage()
    except Exception as no:  # noqa: BLE001  # whatever a part does when it is written: the line must be there, and say nothing raw
        return f"{record.msg} ({type(no).__name__}: its parts cannot be written)"


def _clean_notice(record: logging.LogRecord) -> str:
    """Return a record's clean message. ⚔ Of a notice, its own link to a page of the desk survives, where it ends.

    That line is the only copy of the notice, and an id looks like a token; the page lets nobody in.
    """
    message, page = _message(record), getattr(record, "page", "")
    if record.name != _NOTICES or not isinstance(page, str) or not _PAGE.fullmatch(page) or not message.endswith(page):
        return _clean(message)
    return _clean(message[: -len(page)]) + page


def _clean(text: str) -> str:
    """Redact secrets from a text and shorten it."""
    if len(text) > 2 * _READ:
        # The words at the edges may be halves of secrets.
        text = f"{_LAST_WORD.sub('', text[:_READ])} … {_FIRST_WORD.sub('', text[-_READ:])}"
    clean = redact(text, find_secrets(text))
    return clean if len(clean) <= _HEAD + _TAIL else f"{clean[:_HEAD]} … {clean[-_TAIL:]}"
