"""Output of the command line: results on standard output, progress and errors on standard error, exit codes."""

import errno
import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, TextIO

from remit.domain.errors import MEANINGS, Code, Fault, Refused
from remit.domain.text.normalize import is_invisible
from remit.entrypoints.http.replies import encode_json

_EVERY: Final = 20_000
_CURES: Final[Mapping[Code, str]] = {
    Code.AGENT_UNKNOWN: "`remit agent list` shows the agents there are.",
    Code.FAULT_IDENTITY: "Nothing was registered. Check that the address or file is right and can be read, then try again.",
    Code.FAULT_STORE: "Check that it is there and can be read, then try again.",
    Code.LOG_DAMAGED: "Keep the files as evidence, put a good copy back and run `remit recover`.",
    Code.MANDATE_UNKNOWN: "Check the id; customers see theirs on their page, and the transcript names each.",
    Code.PERSON_NOT_ALLOWED: "Let an admin do it; `remit person list` shows the people there are.",
    Code.REQUEST_CONFLICT: "Nothing was changed: choose another name, or leave it as it is.",
    Code.REQUEST_MALFORMED: "Correct what is named here; --help shows the options.",
    Code.REQUEST_NOT_FOUND: "Check the name; the `list` commands show what there is.",
    Code.TASK_BUSY: "Run it again.",
}
"""Cures for the command line, where those of the wire speak of requests."""


_OF_PATHS: Final[Mapping[int, str]] = {
    errno.EACCES: "Check its owner and mode, and those of its folder: the account Remit runs as must be able to use it.",
    errno.EEXIST: "Name another place: something is there already.",
    errno.EISDIR: "Name a file: that is a folder.",
    errno.ELOOP: "Name another path: that one leads round in a circle.",
    errno.ENAMETOOLONG: "Name a shorter path.",
    errno.ENOENT: "Check the path: it is not there.",
    errno.ENOTDIR: "Check the path: a part of it is a file and no folder.",
    errno.EPERM: "Check its owner and mode, and those of its folder: the account Remit runs as must be able to use it.",
    errno.EROFS: "Name a place that can be written.",
}


class ExitCode(IntEnum):
    """How a command ends; documented in docs/cli.md."""

    OK = 0
    REFUSED = 1
    USAGE = 2
    FAULT = 3
    DAMAGED = 4
    INTERRUPTED = 130


class AdvisedError(Exception):
    """A refusal or fault with a better cure than its code's own."""

    def __init__(self, error: Refused | Fault, cure: str) -> None:
        """Store the error and the cure."""
        super().__init__(str(error), cure)
        self.error = error
        self.cure = cure


@dataclass(slots=True)
class CommandOutput:
    """The output of a command. With `as_json` there is exactly one JSON object on standard output."""

    as_json: bool
    stdout: TextIO = field(default_factory=lambda: sys.stdout)
    stderr: TextIO = field(default_factory=lambda: sys.stderr)
    _shown: int = -1

    def tell(self, body: Mapping[str, object], *lines: str) -> None:
        """Print a result: the body as JSON, or the lines for people."""
        text = encode_json(body).decode() if self.as_json else terminal_safe("\n".join(lines))
        print(text, file=self.stdout, flush=True)

    def note(self, line: str) -> None:
        """Print a note for people on the way."""
        print(terminal_safe(line), file=self.stderr, flush=True)

    def progress(self, done: int, total: int) -> None:
        """Show the progress of long work: on a terminal in place, elsewhere now and then."""
        step = done // _EVERY
        if step == self._shown or total <= _EVERY:
            return
        self._shown = step
        end = "\r" if self.stderr.isatty() and done < total else "\n"
        print(f"remit: {done:,} of {total:,}", end=end, file=self.stderr, flush=True)

    def step(self, done: int, total: int, name: str) -> None:
        """Show the step of a short work on a terminal, in place; elsewhere nothing."""
        if self.stderr.isatty():
            end = "\n" if done == total else "\r"
            print(f"remit: {done} of {total}: {name:20}", end=end, file=self.stderr, flush=True)

    def error(self, error: Refused | Fault, cure: str = "") -> int:
        """Print an error as one clear line with its cure, and return the exit code."""
        detail = error.detail or MEANINGS[error.code].title
        cure = cure or cure_of(error)
        if self.as_json:
            said = {"code": error.code.value, "message": MEANINGS[error.code].title, "detail": detail, "cure": cure}
            print(json.dumps({"error": said}, ensure_ascii=False), file=self.stdout, flush=True)
        else:
            print(terminal_safe(f"remit: {error.code.value}: {sentence(detail)} Cure: {cure}"), file=self.stderr)
        return exit_code(error)


def cure_of(error: Refused | Fault) -> str:
    """Return the cure of an error for a user of the command line."""
    return error.cure or _CURES.get(error.code) or MEANINGS[error.code].cure


def system_error(problem: OSError, what: str = "") -> Refused | Fault:
    """Convert an OSError: a refusal where another path or other rights cure it, else a fault."""
    detail = f"{what or problem.filename or 'the system'}: {problem.strerror or problem}"
    cure = _OF_PATHS.get(problem.errno or 0)
    if cure is not None:
        return Refused(Code.SETTINGS_INVALID, detail, cure=cure)
    return Fault(Code.FAULT_INTERNAL, detail, cure="Check the disk, then try again.")


def exit_code(error: Refused | Fault) -> ExitCode:
    """Return the exit code of an error."""
    if error.code in {Code.LOG_DAMAGED, Code.LOG_OLDER}:
        return ExitCode.DAMAGED
    return ExitCode.REFUSED if isinstance(error, Refused) else ExitCode.FAULT


def command_line(*argv: object) -> str:
    """Quote a command as it is written in a shell."""
    return shlex.join(["remit", *map(str, argv)])


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Format rows under a head, in columns."""
    wide = [max(len(row[place]) for row in (head, *rows)) for place in range(len(head))]
    return ["  ".join(cell.ljust(size) for cell, size in zip(row, wide, strict=True)).rstrip() for row in (head, *rows)]


def terminal_safe(text: str) -> str:
    """Make lines safe for a terminal. ⚔ Much of the output is foreign text, and a terminal obeys control codes."""
    return "".join(f"⟨U+{ord(letter):04X}⟩" if letter == "\r" or is_invisible(letter) else letter for letter in text)


def sentence(text: str) -> str:
    """Return one line that ends like a sentence."""
    line = "; ".join(" ".join(part.split()) for part in text.splitlines() if part.strip())
    return line if line.endswith((".", "!", "?")) else f"{line}."
