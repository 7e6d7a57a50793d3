"""Something between a plug and PostgreSQL that cuts a connection where a test says so: before the server hears a word, or behind its answer."""

import contextlib
import shutil
import socket
import tempfile
import threading
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

NAME = ".s.PGSQL.5432"


class Proxy:
    """A socket of its own before a server's. `cut` is told what goes to the server, and says where to cut: "", "before" or "behind"."""

    def __init__(self, url: str) -> None:
        self._there = str(Path(parse_qs(urlsplit(url).query)["host"][0]) / NAME)
        self._folder = tempfile.mkdtemp(prefix="remit-proxy-")
        self.url = url.partition("?")[0] + f"?host={self._folder}"
        self._word = b""
        self._where = ""
        self.times = 0
        """How often it was cut."""
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(Path(self._folder) / NAME))
        self._listening.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, word: bytes, where: str) -> None:
        """Cut the next connection that says this word: `before` the server hears it, or `behind`, when its answer has come."""
        self._word, self._where = word, where

    def close(self) -> None:
        """Take nobody any more."""
        self._listening.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _accept(self) -> None:
        while True:
            try:
                here, _ = self._listening.accept()
            except OSError:
                return
            there = socket.socket(socket.AF_UNIX)
            there.connect(self._there)
            answered = threading.Event()
            for work in (self._ask, self._answer):
                threading.Thread(target=work, args=(here, there, answered), daemon=True).start()

    def _ask(self, here: socket.socket, there: socket.socket, answered: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := here.recv(1 << 16):
                if self._word and self._word in data:
                    where, self._word = self._where, b""
                    if where == "behind":
                        answered.cut = True  # type: ignore[attr-defined]  # whoever brings the answer drops it
                        there.sendall(data)
                        answered.wait(10)
                    self.times += 1
                    break
                there.sendall(data)
        _end(here, there)

    def _answer(self, here: socket.socket, there: socket.socket, answered: Any) -> None:
        with contextlib.suppress(OSError):
            while data := there.recv(1 << 16):
                if getattr(answered, "cut", False):
                    answered.set()
                    continue
                here.sendall(data)
        answered.set()
        _end(here, there)


def _end(*ends: socket.socket) -> None:
    for one in ends:
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()
