"""The process's own log: one JSON object a line on standard error, with nothing secret in it. The transcript is another thing."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Final

from remit.domain.secrets import find_secrets, redact

LEVELS: Final = ("debug", "info", "warning", "error")
_LONGEST: Final = 4_000


class JsonLines(logging.Formatter):
    """A log record as one line of JSON. ⚔ Secrets that reach a message or a traceback are taken out here, last of all."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, tz=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _clean(record.getMessage()),
        }
        if record.exc_info:
            line["error"] = _clean(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


def start_logs(level: str) -> None:
    """Log from this level on, ours and what comes from below."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    # What is below us tells addresses and queries at these levels; a query can hold a code.
    for quiet in ("uvicorn", "httpx", "httpcore", "asyncio"):
        logging.getLogger(quiet).setLevel(max(logging.WARNING, root.level))


def _clean(text: str) -> str:
    short = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    return redact(short, find_secrets(short))
