"""A network of its own for one node (a namespace behind a pair of veth): it reaches its database through it, until nothing gets through.

Nothing is reset and nobody is told: what is sent goes to an address that no machine has, or the cable is out. People and agents reach the
node all the while, through a relay on this machine's loopback.
"""

import contextlib
import ctypes
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from secrets import randbelow, token_hex
from typing import Final

import pytest

WAYS: Final = ("asks", "answers")
_NOBODY: Final = "02:00:00:00:00:01"
"""An address that nothing here has: whatever is sent to it is gone."""
_NETWORK: Final = 0x4000_0000  # CLONE_NEWNET
_CHUNK: Final = 1 << 16


def ip(*words: str) -> str:
    """Run iproute2's `ip`; what it printed."""
    ran = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if ran.returncode:
        raise OSError(ran.returncode, f"ip {' '.join(words)}: {ran.stderr.strip()}")
    return ran.stdout


class Apart:
    """A network namespace, and the two ends of the cable that leads out of it. `outside` is the address out here."""

    def __init__(self) -> None:
        name = token_hex(4)
        self._name = f"remit-{name}"
        self._ends = (f"rmt{name}a", f"rmt{name}b")
        first = (198 << 24) | (18 << 16) | (randbelow(1 << 15) << 2)  # of the addresses for tests of networks (RFC 2544)
        self.outside, self._inside = (socket.inet_ntoa((first + one).to_bytes(4)) for one in (1, 2))
        self.range = f"{socket.inet_ntoa(first.to_bytes(4))}/30"
        self.command = ("ip", "netns", "exec", self._name)
        """What a command is begun with that is to run in there."""
        self._unplugged = False
        self._listening: list[socket.socket] = []

    def make(self) -> None:
        """Make it.

        Raises:
            OSError: that takes rights that are not given here.
        """
        out, inner = self._ends
        ip("netns", "add", self._name)
        ip("link", "add", out, "type", "veth", "peer", "name", inner, "netns", self._name)
        ip("addr", "add", f"{self.outside}/30", "dev", out)
        ip("link", "set", out, "up")
        ip("-n", self._name, "addr", "add", f"{self._inside}/30", "dev", inner)
        ip("-n", self._name, "link", "set", "lo", "up")
        ip("-n", self._name, "link", "set", inner, "up")

    def remove(self) -> None:
        """Leave nothing behind, however far it came."""
        for one in self._listening:
            one.close()
        for words in (("link", "del", self._ends[0]), ("netns", "del", self._name)):
            with contextlib.suppress(OSError):
                ip(*words)

    def lose(self, *ways: str) -> None:
        """From now on nothing gets through any more of what is asked from in there (`asks`), or of what is answered (`answers`)."""
        out, inner = self._ends
        if "asks" in ways:
            ip("-n", self._name, "neigh", "replace", self.outside, "lladdr", _NOBODY, "dev", inner, "nud", "permanent")
        if "answers" in ways:
            ip("neigh", "replace", self._inside, "lladdr", _NOBODY, "dev", out, "nud", "permanent")

    def unplug(self) -> None:
        """The cable is out: what was connected hears nothing, and no way out is left."""
        self._unplugged = True
        ip("-n", self._name, "link", "set", self._ends[1], "down")

    def heal(self) -> None:
        """Everything gets through again."""
        out, inner = self._ends
        if self._unplugged:
            self._unplugged = False
            ip("-n", self._name, "link", "set", inner, "up")
        for words in (
            ("-n", self._name, "neigh", "flush", "dev", inner, "nud", "permanent"),
            ("neigh", "flush", "dev", out, "nud", "permanent"),
        ):
            ip(*words)

    def relay(self, port: int) -> None:
        """Whoever connects to a port of this machine's loopback is connected to that port in there."""
        listening = socket.create_server(("127.0.0.1", port))
        self._listening.append(listening)
        threading.Thread(target=self._take, args=(listening, port), daemon=True).start()

    def reach(self, port: int) -> None:
        """Whoever connects in there to a port of its loopback is connected to that port of this machine's, cable or not."""
        with ThreadPoolExecutor(1) as aside:
            listening = aside.submit(self._listening_inside, port).result()
        self._listening.append(listening)
        threading.Thread(target=_take, args=(listening, port), daemon=True).start()

    def _listening_inside(self, port: int) -> socket.socket:
        self._go_inside()
        return socket.create_server(("127.0.0.1", port))

    def _take(self, listening: socket.socket, port: int) -> None:
        self._go_inside()
        _take(listening, port)

    def _go_inside(self) -> None:
        with Path(f"/run/netns/{self._name}").open() as there:
            _enter(there.fileno())  # this thread alone


def _take(listening: socket.socket, port: int) -> None:
    """Connect whoever comes to the port of the loopback that this thread has."""
    with contextlib.suppress(OSError):
        while True:
            here, _ = listening.accept()
            there = socket.socket()
            try:
                there.connect(("127.0.0.1", port))
            except OSError:  # nobody listens there now
                here.close()
                there.close()
                continue
            for one, other in ((here, there), (there, here)):
                threading.Thread(target=_pass, args=(one, other), daemon=True).start()


def _enter(network: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(network, _NETWORK):
        raise OSError(ctypes.get_errno(), "setns")


def _pass(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := one.recv(_CHUNK):
            other.sendall(data)
    for end in (one, other):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
    one.close()


@contextmanager
def apart() -> Iterator[Apart]:
    """A network of a node's own. Skipped where none can be made; under CI it must be possible where root has `ip`."""
    if os.getuid() or shutil.which("ip") is None:
        pytest.skip("a network of a node's own takes root, and `ip` (Debian's iproute2)")
    network = Apart()
    try:
        try:
            network.make()
        except OSError as problem:
            (pytest.fail if os.environ.get("CI") else pytest.skip)(f"no network of a node's own can be made: {problem}")
        yield network
    finally:
        network.remove()
