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
        self._there = str(Path(parse_qs(urlsplit(url).query)["host"][0]) / NAME)
        self._folder = tempfile.mkdtemp(prefix="remit-proxy-")
        self.url = url.partition("?")[0] + f"?host={self._folder}"
        self._word = b""
        self._where = ""
        self._go_on = threading.Event()
        self.times = 0
        """How often something was cut or held up."""
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(Path(self._folder) / NAME))
        self._listening.listen()
        threading.Thread(target=self._accept, daemon=True).start()

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
            _Connection(self, here, self._there)

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


class _Connection:
    """One connection through it, both ways."""

    def __init__(self, proxy: Proxy, here: socket.socket, there: str) -> None:
        self._proxy = proxy
        self._here = here
        self._there = socket.socket(socket.AF_UNIX)
        self._there.connect(there)
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
                self._there.sendall(data)
        self._end()

    def _answer(self) -> None:
        with contextlib.suppress(OSError):
            while data := self._there.recv(1 << 16):
                if self._next:
                    self._proxy.held_up()
                    if self._next == "behind":
                        break
                    self._next = ""
                self._here.sendall(data)
        self._end()

    def _end(self) -> None:
        for one in (self._here, self._there):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
