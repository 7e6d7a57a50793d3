"""The served desk: made with `remit init`, served with `remit serve`, like any other desk."""

import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from remit.sandbox.demo.folder import DemoFolder, DemoStopped

USUAL_PORT: Final = 8080
_TRIED: Final = 20
_STOP_S: Final = 40


@dataclass(frozen=True, slots=True)
class ServedDesk:
    """A desk that is being served."""

    url: str
    data: Path
    key: str
    process: "subprocess.Popen[str]"


def remit(*argv: str) -> "subprocess.CompletedProcess[str]":
    """Run one `remit` command to its end."""
    return subprocess.run(command(*argv), capture_output=True, text=True, check=False)  # noqa: S603  # our own program, no shell


def command(*argv: str) -> Sequence[str]:
    """Return the command line of this very Remit."""
    return [sys.executable, "-m", "remit", *argv]


_DEMO: Final = {
    "\n[visitors]\n": 'switcher = true                      # the bar "You are" on every page\n\n[visitors]\n',
    '\nsecrets = "refuse" ': '\nunreadable = "hold"                  # messages in other languages: an officer reads them\nofficer = "care"\nsecrets = "refuse" ',
}
"""What else the demo writes into a new desk's settings, and where."""
_TAKEN: Final = "another program listens there"
"""How `remit serve` says that a port is busy."""
_SWITCHED: Final = 2
"""Tables of a new desk's settings that the demo switches on: a sandbox, and visitors."""


def free_port(wanted: int | None) -> tuple[int, str]:
    """Return a port to serve on, with a remark: the wanted one, else the usual one or the next free one.

    Raises:
        DemoStopped: when the wanted one is busy.
    """
    if wanted is not None:
        if wanted and not _is_free(wanted):
            detail = f"port {wanted} is in use by another program."
            raise DemoStopped(detail, "Choose another with --port, or leave it out.")
        return wanted or _any(), ""
    for port in range(USUAL_PORT, USUAL_PORT + _TRIED):
        if _is_free(port):
            return port, "" if port == USUAL_PORT else f"Port {USUAL_PORT} is in use; taking {port}."
    return _any(), f"Ports {USUAL_PORT} to {USUAL_PORT + _TRIED - 1} are in use; taking another."


class PortTaken(DemoStopped):
    """Another program took the port between finding it free and serving on it."""


def _is_free(port: int) -> bool:
    with contextlib.closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _any() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def make(folder: DemoFolder, port: int) -> str:
    """Make the desk from the consumer pack, as a sandbox; return the log's public key.

    Raises:
        DemoStopped: when `remit init` failed.
    """
    made = remit("init", "--json", "--pack", "consumer", "--language", "de", "--port", str(port), str(folder.desk))
    if made.returncode:
        raise DemoStopped(f"the desk could not be made: {_error_message(made)}", "Repair that and run the demo again.")
    config = folder.desk / "remit.toml"
    text = config.read_text(encoding="utf-8")
    changed = text.replace("enabled = false", "enabled = true ")
    if changed.count("enabled = true ") != _SWITCHED:
        detail = f"{config} has no [sandbox] and [visitors] to switch on."
        raise DemoStopped(detail, "Report this line: `remit init` and `remit demo` do not fit together.")
    for old, new in _DEMO.items():
        if changed.count(old) != 1:
            raise DemoStopped(
                f"{config} has no {old.strip()!r}.", "Report this line: `remit init` and `remit demo` differ."
            )
        changed = changed.replace(old, new)
    # Its own assistant runs on this machine, where no document has an https address: it registers itself.
    config.write_text(f'{changed.rstrip()}\nregistration = "dynamic"\n', encoding="utf-8")
    return str(json.loads(made.stdout)["log_key"])


@contextmanager
def serving(folder: DemoFolder, *, port: int, key: str, lock: int) -> Iterator[ServedDesk]:
    """Serve the desk in its own process until the block is left.

    Raises:
        DemoStopped: when it does not start.
    """
    argv = command("serve", "--json", "--config", str(folder.desk), "--port", str(port))
    with folder.server_log.open("a", encoding="utf-8") as log:
        # In its own session: Ctrl-C reaches the demo first, which stops the agents before the desk.
        process = subprocess.Popen(  # noqa: S603  # our own program, no shell
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
            pass_fds=(lock,),
        )
    try:
        yield ServedDesk(_url(process, folder), folder.desk / "data", key, process)
    finally:
        stop(process)


def stop(process: "subprocess.Popen[str]") -> None:
    """Stop a process that we started, finally by force."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(timeout=_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()


def exists(pid: int) -> bool:
    """Return whether there is a process with this id."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _url(process: "subprocess.Popen[str]", folder: DemoFolder) -> str:
    line = process.stdout.readline() if process.stdout is not None else ""
    told: dict[str, Any] = json.loads(line) if line.startswith("{") else {}
    if "issuer" not in told:
        process.wait(timeout=_STOP_S)
        error = told.get("error", {})
        message = error.get("detail") or folder.server_log.read_text(encoding="utf-8").strip()[-500:]
        kind = PortTaken if _TAKEN in message else DemoStopped
        raise kind(f"the desk does not start: {message}", str(error.get("cure") or f"Look at {folder.server_log}."))
    return str(told["issuer"])


def _error_message(done: "subprocess.CompletedProcess[str]") -> str:
    try:
        return str(json.loads(done.stdout)["error"]["detail"])
    except (ValueError, KeyError, TypeError):
        return (done.stderr or done.stdout).strip()[-500:]
