"""The processes in which tests run over a copy of the source with one rule switched off. For `mutations.py`.

For each copy (a slot) there are two processes that every run is forked from: a *cold* one, which has imported what others wrote and nothing
of Remit and of its tests, and a *warm* one, which has imported all of both over the copy as it is with every rule on, and found the tests. A
warm run gives the functions in which the rule stands their changed code, and begins with the first of its tests. Where that cannot be done,
and wherever it does not end as it should, a cold run decides.
"""

import compileall
import contextlib
import faulthandler
import gc
import importlib
import importlib.util
import io
import os
import py_compile
import random
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from _pytest.config import default_plugins

from code_swapped import Made, NotSwappable, Place, functions_made, place_of, swap
from mutation_list import Mutation
from postgres_server import DATABASE

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parent
LONGEST_S: Final = 90
FAILED: Final = 1
"""The exit code of tests of which one failed."""
_NOT_RUN: Final = 70
"""The exit code of tests that ran over some other copy of the source."""
_NO_CODE: Final = 71
"""The exit code of a change that is no code: its file does not compile, or names what is not there."""
_COLD_ONLY: Final = 72
"""The exit code of a warm run whose change is more than one inside functions."""
_TELLING_S: Final = 5
_MODE: Final = py_compile.PycInvalidationMode.UNCHECKED_HASH
_BROKEN: Final = (ImportError, NameError, SyntaxError)
# Assertions are not rewritten to explain themselves: pytest would do that to Remit whole, as it brings a plugin, at every run.
# Nor is a file that a rule switched off leaves open of any interest.
_PLUGINS: Final = ("cacheprovider", "unraisableexception", "remit", "hypothesispytest", "xdist", "cov", "anyio")
_PLAIN: Final = ("-q", "--no-header", "--assert=plain", *(f"-pno:{plugin}" for plugin in _PLUGINS))
_THEIRS: Final = (
    *("anyio._backends._asyncio", "asyncio", "cedarpy", "cryptography.hazmat.backends.openssl.backend", "httpx", "jinja2"),
    *("cryptography.hazmat.primitives.asymmetric.ec", "cryptography.hazmat.primitives.ciphers.aead", "hypothesis.stateful"),
    *("joserfc.jwt", "jsonschema_rs", "msgspec", "sqlite3", "asyncpg", "uvicorn.logging", "uvicorn.protocols.http.h11_impl", "webauthn"),
    *(f"_pytest.{name}" for name in default_plugins),
)
"""What every run would import for itself. A name that is missing here costs time, nothing else."""
_THREADED: Final = frozenset({"tests/contracts/test_text_model.py"})
"""Tests whose libraries start threads as they are imported: each of their runs imports them for itself, behind its fork."""


@dataclass(frozen=True, slots=True)
class Job:
    """One run of tests over a copy of the source, changed or not."""

    tests: tuple[str, ...]
    change: Mutation | None


@dataclass(frozen=True, slots=True)
class Ended:
    """How a job ended."""

    job: Job
    code: int
    said: str
    took_s: float


Run = Callable[[int], int]
Serve = Callable[[Run], None]


class _Host:
    """A process that runs are forked from. It is one thread: another's locks would stay held in what is forked."""

    def __init__(self, live: Callable[[Serve], None]) -> None:
        """Fork it.

        Args:
            live: prepares the process, then calls its argument with the function that runs a job, given the job's place.
        """
        asked, self._ask = os.pipe()
        self._told, tell = os.pipe()
        if os.fork() == 0:
            os.close(self._ask)  # those of hosts before it stay open here until it ends, which it does when its own are closed
            try:
                live(lambda run: _serve(asked, tell, run))
            except BaseException:  # noqa: BLE001  # told; a process forked here may end in no other way
                traceback.print_exc()
            finally:  # what the parent cleans up at its own end is not the child's to clean
                os._exit(1)
        os.close(asked)
        os.close(tell)

    def run(self, place: int) -> int:
        """Run one job; how it ended."""
        os.write(self._ask, place.to_bytes(4))
        told = os.read(self._told, 4)
        if len(told) < 4:
            raise RuntimeError("a process that runs are forked from is gone")
        return int.from_bytes(told, signed=True)

    def close(self) -> None:
        """No more jobs."""
        os.close(self._ask)
        os.close(self._told)


def _serve(asked: int, tell: int, run: Run) -> None:
    _fit_to_fork()
    while place := os.read(asked, 4):
        process = os.fork()
        if process == 0:
            code = _NOT_RUN
            try:
                code = run(int.from_bytes(place))
            finally:
                os._exit(code)
        _, status = os.waitpid(process, 0)
        os.write(tell, os.waitstatus_to_exitcode(status).to_bytes(4, signed=True))


def _fit_to_fork() -> None:
    tasks = Path("/proc/self/task")
    threads = len(list(tasks.iterdir())) if tasks.is_dir() else threading.active_count()
    if threads != 1:
        raise RuntimeError(f"not fit to be forked: {threads} threads")
    gc.collect()
    gc.freeze()


def import_theirs() -> None:
    """Import what every run needs of others."""
    for name in _THEIRS:
        importlib.import_module(name)
    ours = sorted(name for name in sys.modules if name.partition(".")[0] in {"remit", "attacks", "tests"})
    if ours:
        raise RuntimeError(f"Remit is imported already: {ours}")


def compiled_copy(folder: Path) -> Path:
    """A copy of the source in a new folder, compiled: what it is compiled to says where it stands only until it is imported."""
    shutil.copytree(ROOT / "src", folder, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    compileall.compile_dir(folder, quiet=2, invalidation_mode=_MODE)
    return folder


def _is_threaded(job: Job) -> bool:
    return any(test.partition("::")[0] in _THREADED for test in job.tests)


class Slot:
    """A copy of the source that one run at a time may change, and the processes that runs over it are forked from."""

    def __init__(self, folder: Path, jobs: Sequence[Job], compiled: Path) -> None:
        """Make the copy, of one that is compiled. Jobs are asked for by their place among `jobs`."""
        folder.mkdir()
        self.name = folder.name
        self.source = folder / "src"
        shutil.copytree(compiled, self.source)
        self._output = folder / "output"
        self._scratch = folder / "scratch"
        """Where the tests of a run keep their files: no two runs share a folder, and the next run of this slot empties it."""
        self._jobs = jobs
        self._hosts = (_Host(self._live_warm), _Host(lambda serve: serve(self._run_cold)))

    def run(self, place: int) -> Ended:
        """Run one job and wait for its end: warm, and what that does not show to be as it should, cold."""
        job = self._jobs[place]
        began = time.monotonic()
        self._output.unlink(missing_ok=True)
        code = _NOT_RUN
        with self._changed(job.change):
            for host in self._hosts[_is_threaded(job) :]:
                code = host.run(place)
                if code == (FAILED if job.change else 0):
                    break
        said = self._output.read_text(encoding="utf-8") if self._output.exists() else ""
        return Ended(job, code, said, time.monotonic() - began)

    def close(self) -> None:
        """End its processes."""
        for host in self._hosts:
            host.close()

    @contextlib.contextmanager
    def _changed(self, change: Mutation | None) -> Iterator[None]:
        """The copy with the rule off, for processes that a test starts and for cold runs; afterwards as it was."""
        if change is None:
            yield
            return
        path = self.source / change.file
        compiled = Path(importlib.util.cache_from_source(str(path)))
        before = {kept: kept.read_bytes() for kept in (path, compiled) if kept.exists()}  # data is not compiled
        try:
            path.write_text(change.edit.applied(path.read_text(encoding="utf-8")), encoding="utf-8")
            if compiled in before:
                compiled.unlink()
                with contextlib.suppress(py_compile.PyCompileError):  # told by the run
                    py_compile.compile(str(path), doraise=True, invalidation_mode=_MODE)
            yield
        finally:
            for kept, content in before.items():
                kept.write_bytes(content)

    def _live_warm(self, serve: Serve) -> None:
        """Import all of Remit that the tests need, and find the tests, over this copy; then let runs begin there."""
        _stand_here(self.source)
        files = sorted({test.partition("::")[0] for job in self._jobs if not _is_threaded(job) for test in job.tests})
        if not files:
            serve(lambda _: _COLD_ONLY)
            return
        said = io.StringIO()

        def found(session: pytest.Session) -> None:
            if session.testsfailed or not _over(self.source):
                raise RuntimeError(f"the tests cannot be collected: {said.getvalue()[-2000:]}")
            gc.unfreeze()  # conftest.py's: what is frozen is not among the objects there are
            warm = _Warm(session, said, _by_name(session.items), functions_made(), _read_vocabulary())
            said.truncate(said.seek(0))
            serve(lambda place: self._run_warm(self._jobs[place], warm))

        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            pytest.main([*_PLAIN, *self._places(), *files], plugins=[_Found(found)])

    def _run_warm(self, job: Job, warm: "_Warm") -> int:
        if job.change is not None:
            if not job.change.file.endswith(".py"):
                return _COLD_ONLY  # data that was read before the fork
            path = self.source / job.change.file
            name = ".".join(Path(job.change.file).with_suffix("").parts).removesuffix(".__init__")
            if name in sys.modules:
                after = path.read_text(encoding="utf-8")
                before = (ROOT / "src" / job.change.file).read_text(encoding="utf-8")
                try:
                    changed = swap(str(path), before, after, warm.made)
                except (NotSwappable, SyntaxError):
                    return _COLD_ONLY
                if changed & warm.ran:
                    return _COLD_ONLY  # the vocabulary was read with the rule on
        if not all(test in warm.found for test in job.tests):
            return _COLD_ONLY  # which tells so
        session = warm.session
        session.items = list(dict.fromkeys(item for test in job.tests for item in warm.found[test]))

        def run(*plugins: object) -> int:
            for plugin in plugins:
                session.config.pluginmanager.register(plugin)
            if job.change is not None:
                session.config.option.maxfail = 1
                session.config.option.tbstyle = "line"
            with contextlib.suppress(session.Failed):  # that many have failed
                session.config.hook.pytest_runtestloop(session=session)
            return FAILED if session.testsfailed else 0

        return self._tested(job, run, warm.said)

    def _run_cold(self, place: int) -> int:
        _stand_here(self.source)
        job, said = self._jobs[place], io.StringIO()
        first = ("-x", "--tb=line") if job.change else ()

        def run(*plugins: object) -> int:
            return int(pytest.main([*_PLAIN, *first, *self._places(), *job.tests], plugins=plugins))

        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            return self._tested(job, run, said)

    def _places(self) -> tuple[str, ...]:
        return f"--basetemp={self._scratch}", "-o", f"pythonpath={self.source} {HERE}"

    def _tested(self, job: Job, run: Callable[..., int], said: io.StringIO) -> int:
        """Run a job's tests in this process. 0: all passed, 1: some failed, anything else: they could not be run."""
        signal.alarm(LONGEST_S)
        random.seed()
        os.environ[DATABASE] = f"tests_{self.name}"
        with self._output.open("w", encoding="utf-8", errors="backslashreplace") as output:
            faulthandler.dump_traceback_later(LONGEST_S - _TELLING_S, file=output)
            try:
                return self._code(job, run)
            except BaseException:  # noqa: BLE001  # told as the run's output
                traceback.print_exc()
                return _NOT_RUN
            finally:
                faulthandler.cancel_dump_traceback_later()
                output.write(said.getvalue())

    def _code(self, job: Job, run: Callable[..., int]) -> int:
        if job.change is not None and job.change.file.endswith(".py"):
            path = self.source / job.change.file
            try:
                compile(path.read_bytes(), path, "exec")
            except SyntaxError as error:
                print(error)  # noqa: T201  # told as the run's output
                return _NO_CODE
        seen = _Seen()
        try:
            code = run(seen)
        except Exception:
            if seen.code is None or job.change is None:
                raise
            traceback.print_exc()
            code = seen.code
        if not _over(self.source):
            return _NOT_RUN
        if seen.errors:
            print(*seen.errors, sep="\n")  # noqa: T201  # told as the run's output
            return _NO_CODE
        return code


@dataclass(frozen=True, slots=True)
class _Warm:
    """State of the warm process that each of its runs is forked with."""

    session: pytest.Session
    said: io.StringIO
    found: Mapping[str, Sequence[pytest.Item]]
    """Tests by each name that means them."""
    made: Made
    ran: AbstractSet[Place]
    """Functions that ran while the vocabulary was read."""


def _read_vocabulary() -> set[Place]:
    """Read the vocabulary: most of the time of a run that builds a desk. Returns the functions that ran."""
    vocabulary: Any = sys.modules.get("remit.adapters.files.vocabulary")
    ran: set[Place] = set()
    if vocabulary is not None:
        sys.setprofile(lambda frame, _event, _: ran.add(place_of(frame.f_code)))
        try:
            for languages in (("en",), ("de",), ("en", "de")):
                vocabulary.read_vocabulary(*languages)
        finally:
            sys.setprofile(None)
    return ran


class _Found:
    """Pytest plugin that calls a function once the tests are collected, in place of running them."""

    def __init__(self, then: Callable[[pytest.Session], None]) -> None:
        self._then: Callable[[pytest.Session], None] | None = then

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Call it, once; a run that it starts is an ordinary one."""
        then, self._then = self._then, None
        if then is None:
            return None
        then(session)
        return True


def _by_name(items: Sequence[pytest.Item]) -> dict[str, list[pytest.Item]]:
    """Tests by each name that means them: their own, and those of their function, class and file."""
    found: dict[str, list[pytest.Item]] = {}
    for item in items:
        parts = item.nodeid.partition("[")[0].split("::")
        for name in {item.nodeid, *("::".join(parts[:length]) for length in range(1, len(parts) + 1))}:
            found.setdefault(name, []).append(item)
    return found


class _Seen:
    """A plugin of pytest that tells a rule's failed test from a change that is no code, and from what breaks around the tests."""

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.code: int | None = None
        """How the tests ended, once they have: what pytest stumbles over afterwards takes nothing back."""

    def pytest_runtest_makereport(self, call: pytest.CallInfo[None]) -> None:
        """Keep what a test ended with, where it says that a name is not there."""
        if call.excinfo is not None and call.excinfo.errisinstance(_BROKEN):
            self.errors.append(call.excinfo.exconly())

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Keep how the tests ended."""
        self.code = int(exitstatus)


def _stand_here(source: Path) -> None:
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(source))
    os.chdir(ROOT)


def _over(source: Path) -> bool:
    """Whether the Remit that is imported is this copy."""
    return (getattr(sys.modules.get("remit"), "__file__", None) or "").startswith(str(source))
