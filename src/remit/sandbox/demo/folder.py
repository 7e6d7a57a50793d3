"""The demo's folder: its files, its lock, and its contents for a later command."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_MARK: Final = "REMIT-DEMO"
_LOCK: Final = "lock"
PEOPLE: Final = "people.json"
"""The people's software passkeys, and the mandate to ask under."""
RUN: Final = "run.json"
"""The address and process ids of the run that holds the folder."""
_SAID: Final = "Made by `remit demo`: an invented desk. The next `remit demo` deletes and makes it again.\n"


class DemoStopped(Exception):  # noqa: N818  # an end with one clear line, not an error of the program
    """The demo cannot go on; the message gives reason and cure."""

    def __init__(self, line: str, cure: str) -> None:
        """Store both."""
        super().__init__(line, cure)
        self.line = line
        self.cure = cure


@dataclass(frozen=True, slots=True)
class DemoFolder:
    """The demo's own folder. Only one run holds it at a time."""

    path: Path

    @property
    def desk(self) -> Path:
        """The desk's own folder, as `remit init` makes it."""
        return self.path / "desk"

    @property
    def agents(self) -> Path:
        """Identities of agents."""
        return self.path / "agents"

    @property
    def server_log(self) -> Path:
        """The server's standard error."""
        return self.path / "server.log"

    @contextmanager
    def held(self, *, command: str) -> Iterator[int]:
        """Hold the folder for one run; yield the lock's descriptor.

        The served desk inherits it: as long as that process lives the folder is held, even when the demo itself was
        killed.

        Raises:
            DemoStopped: when another run has it, or the folder is not ours.
        """
        self._verify_ours()
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.path / _MARK).write_text(_SAID, encoding="utf-8")
        descriptor = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                where = str(self.running().get("url", "")) or "it is just starting"
                raise DemoStopped(
                    f"a demo runs here already ({where}).",
                    f"Stop it with Ctrl-C in its terminal or with `{command} --stop`, or use another folder with --dir.",
                ) from None
            yield descriptor
        finally:
            os.close(descriptor)

    def is_held(self) -> bool:
        """Return whether a run holds the folder."""
        lock = self.path / _LOCK
        if not lock.is_file():
            return False
        descriptor = os.open(lock, os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(descriptor)
        return False

    def reset(self) -> None:
        """Delete everything of an earlier run, but not the lock that we hold."""
        for path in self.path.iterdir():
            if path.name in {_MARK, _LOCK}:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()

    def keep(self, name: str, content: Mapping[str, Any]) -> Path:
        """Write a JSON file that only this user can read: it contains keys."""
        path = self.path / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = path.with_name(f"{path.name}.new")
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(content, file, indent=1)
        beside.replace(path)
        return path

    def kept(self, name: str) -> dict[str, Any]:
        """Read a kept file; empty when there is none."""
        path = self.path / name
        if not path.is_file():
            return {}
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return content

    def running(self) -> dict[str, Any]:
        """Return the record of the run that holds the folder: url, pid, server."""
        return self.kept(RUN)

    def _verify_ours(self) -> None:
        """⚔ Verify that the folder is ours: a foreign one is never emptied, whatever --dir says."""
        if not self.path.exists():
            return
        if not self.path.is_dir() or (any(self.path.iterdir()) and not (self.path / _MARK).is_file()):
            detail = f"{self.path} is not a demo's folder; nothing in it was touched."
            raise DemoStopped(detail, "Name a new or empty folder with --dir.")
