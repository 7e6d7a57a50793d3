"""Something between a plug and PostgreSQL that cuts a connection, or holds an answer up, where a test says so."""

import contextlib
import shutil
import socket
import tempfile
import threading
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

NAME = ".s.PGSQL.5432"


class Proxy:
    """A socket of its own before a server's."""

    def __init__(self, url: str) -> None:
        self._there = _socket(url)
        self._folder = tempfile.mkdtemp(prefix="remit-proxy-")
        self.url = url.partition("?")[0] + f"?host={self._folder}"
        self._word = b""
        self._where = ""
        self._go_on = threading.Event()
        self._lost: frozenset[str] = frozenset()
        self._refuses = False
        self._connections: list[_Connection] = []
        """All there ever were."""
        self.times = 0
        """How often something was cut or held up."""
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(Path(self._folder) / NAME))
        self._listening.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def taken(self) -> int:
        """How many connections it ever took."""
        return len(self._connections)

    def cut(self, word: bytes, where: str) -> None:
        """Cut the next connection that says this word: `before` the server hears it, or `behind`, when its answer has come."""
        self._word, self._where = word, where

    def hold(self, word: bytes) -> None:
        """Hold up the answer to the next connection that says this word, when it has come, until `go_on`."""
        self._word, self._where = word, "held"
        self._go_on.clear()

    def go_on(self) -> None:
        """Let the answer through."""
        self._go_on.set()

    def lose(self, *ways: str) -> None:
        """From now on nothing gets through any more, and nobody is told: neither what is asked (`asks`) nor what is answered (`answers`).

        What was lost stays lost: connections of this time are of no use later either.
        """
        self._lost = frozenset(ways or ("asks", "answers"))
        for one in self._connections:
            one.lost |= self._lost

    def sever(self) -> None:
        """End every connection, and take no new one."""
        self._refuses = True
        for one in self._connections:
            one.end()

    def heal(self) -> None:
        """New connections are taken, and everything on them gets through."""
        self._lost, self._refuses = frozenset(), False

    def lead(self, url: str) -> None:
        """Lead new connections to another server, and end the others: as a name does that is given to a new primary."""
        self._there = _socket(url)
        for one in self._connections:
            one.end()

    def close(self) -> None:
        """Take nobody any more."""
        self._go_on.set()
        self._listening.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _accept(self) -> None:
        while True:
            try:
                here, _ = self._listening.accept()
            except OSError:
                return
            if self._refuses:
                here.close()
                continue
            with contextlib.suppress(OSError):
                self._connections.append(_Connection(self, here, self._there, self._lost))

    def said(self, data: bytes) -> str:
        """What is to be done with what somebody says."""
        if not self._word or self._word not in data:
            return ""
        self._word = b""
        return self._where

    def held_up(self) -> None:
        """Count, and wait where an answer is held."""
        self.times += 1
        if self._where == "held":
            self._go_on.wait()


def _socket(url: str) -> str:
    return str(Path(parse_qs(urlsplit(url).query)["host"][0]) / NAME)


class _Connection:
    """One connection through it, both ways."""

    def __init__(self, proxy: Proxy, here: socket.socket, there: str, lost: frozenset[str]) -> None:
        self._proxy = proxy
        self.lost = lost
        self._here = here
        self._there = socket.socket(socket.AF_UNIX)
        try:
            self._there.connect(there)
        except OSError:
            self._there.close()
            here.close()
            raise
        self._next = ""
        for work in (self._ask, self._answer):
            threading.Thread(target=work, daemon=True).start()

    def _ask(self) -> None:
        with contextlib.suppress(OSError):
            while data := self._here.recv(1 << 16):
                self._next = self._proxy.said(data)
                if self._next == "before":
                    self._proxy.held_up()
                    break
                if "asks" not in self.lost:
                    self._there.sendall(data)
        self.end()

    def _answer(self) -> None:
        with contextlib.suppress(OSError):
            while data := self._there.recv(1 << 16):
                if self._next:
                    self._proxy.held_up()
                    if self._next == "behind":
                        break
                    self._next = ""
                if "answers" not in self.lost:
                    self._here.sendall(data)
        self.end()

    def end(self) -> None:
        """Cut it."""
        for one in (self._here, self._there):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
