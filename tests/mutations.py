"""Switch every rule off, one at a time, and see that its attack then succeeds: a check that cannot fail is none.

`python tests/mutations.py [WORD …]` runs the entries of `attacks/mutations.toml` whose rule or file has one of the
words in it, all without. Exit code 0: every test passes with its rule and fails without it.

Every run is forked from this process, which has imported what others wrote, and nothing of Remit and of its tests.
"""

import compileall
import contextlib
import faulthandler
import gc
import importlib
import importlib.util
import io
import json
import os
import py_compile
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from _pytest.config import default_plugins

from postgres_server import DATABASE, NoServer, server

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parent
LIST: Final = HERE / "attacks" / "mutations.toml"
SLOTS: Final = 2
_PARTS: Final = 16
"""Into so many runs the tests are divided that must pass with every rule on: none may take as long as `LONGEST_S`."""
LONGEST_S: Final = 90
_TELLING_S: Final = 5
_SAID: Final = 2_000
_MODE: Final = py_compile.PycInvalidationMode.UNCHECKED_HASH
_NOT_RUN: Final = 70
"""The exit code of tests that ran over some other copy of the source."""
_NO_CODE: Final = 71
"""The exit code of a change that is no code: its file does not compile, or names what is not there."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """One rule switched off: in `file`, `find` becomes `put`, and then `test` must fail."""

    rule: str
    test: str
    file: str
    find: str
    put: str


@dataclass(frozen=True, slots=True)
class Job:
    """One run of tests over a copy of the source, changed or not."""

    tests: tuple[str, ...]
    change: Mutation | None


def read_list() -> tuple[Mutation, ...]:
    """The list."""
    data = tomllib.loads(LIST.read_text(encoding="utf-8"))
    return tuple(Mutation(**one) for one in data["mutation"])


def stale(mutations: Sequence[Mutation], source: Path) -> list[str]:
    """What in the list does not fit the source any more: a snippet that stands not exactly once, a test that is gone."""
    wrong: list[str] = []
    for one in mutations:
        text = (source / one.file).read_text(encoding="utf-8") if (source / one.file).is_file() else ""
        if text.count(one.find) != 1:
            wrong.append(f"{one.rule}: the snippet stands {text.count(one.find)} times in {one.file}: {one.find.strip()[:80]!r}")
        if one.find == one.put:
            wrong.append(f"{one.rule}: nothing is changed in {one.file}")
        path, _, name = one.test.partition("::")
        file = ROOT / path
        if not file.is_file() or f"def {name.partition('[')[0]}(" not in file.read_text(encoding="utf-8"):
            wrong.append(f"{one.rule}: there is no test {one.test}")
    return wrong


def meaningless(mutations: Sequence[Mutation], source: Path) -> list[str]:
    """What is no rule switched off but a broken file: a change that does not parse, or names what is not there."""
    with tempfile.TemporaryDirectory(prefix="remit-mutations-") as folder:
        for number, one in enumerate(mutations):
            text = (source / one.file).read_text(encoding="utf-8").replace(one.find, one.put)
            (Path(folder) / f"{number}.py").write_text(text, encoding="utf-8")
        found = subprocess.run(  # our own linter over our own files
            [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--select", "E9,F82", "--output-format", "json", folder],
            capture_output=True,
            check=False,
        )
        first = {int(Path(one["filename"]).stem): one["message"] for one in reversed(json.loads(found.stdout))}
    return [f"{mutations[number].rule}: this is no code: {message}" for number, message in sorted(first.items())]


class Slot:
    """A copy of the source that one run at a time may change."""

    def __init__(self, folder: Path) -> None:
        self.source = folder / "src"
        shutil.copytree(ROOT / "src", self.source, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        compileall.compile_dir(self.source, quiet=2, invalidation_mode=_MODE)
        self.output = folder / "output"
        self.scratch = folder / "scratch"
        """Where the tests of a run keep their files: no two runs share a folder, and the next run of this slot empties it."""
        self.job: Job | None = None
        self.started = 0.0
        self._restore: dict[Path, bytes] = {}

    def start(self, job: Job) -> int:
        """Change the copy and run the tests in a process of their own; returns its id."""
        self.job = job
        self.output.unlink(missing_ok=True)
        self.started = time.monotonic()
        if job.change is not None:
            path = self.source / job.change.file
            compiled = Path(importlib.util.cache_from_source(str(path)))
            self._restore = {kept: kept.read_bytes() for kept in (path, compiled)}
            text = path.read_text(encoding="utf-8")
            path.write_text(text.replace(job.change.find, job.change.put), encoding="utf-8")
            compiled.unlink()
        process = os.fork()
        if process == 0:
            code = _NOT_RUN
            try:
                code = _run(self, job)
            except BaseException:  # noqa: BLE001  # told as the run's output; a process forked here may end in no other way
                with self.output.open("a", encoding="utf-8", errors="backslashreplace") as output:
                    traceback.print_exc(file=output)
            finally:  # whatever happens, what the parent cleans up at its own end is not the child's to clean
                os._exit(code)
        return process

    def finish(self) -> None:
        """Put the copy back as it was."""
        for path, kept in self._restore.items():
            path.write_bytes(kept)
        self._restore = {}


class Seen:
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


def _run(slot: Slot, job: Job) -> int:
    """Run in the forked process. 0: all passed, 1: some failed, anything else: they could not be run."""
    signal.alarm(LONGEST_S)
    random.seed()
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(slot.source))
    os.chdir(ROOT)
    said = io.StringIO()
    with (
        slot.output.open("w", encoding="utf-8", errors="backslashreplace") as output,
        contextlib.redirect_stdout(said),
        contextlib.redirect_stderr(said),
    ):
        faulthandler.dump_traceback_later(LONGEST_S - _TELLING_S, file=output)
        try:
            code = _compiled(slot.source / job.change.file) if job.change else 0
            os.environ[DATABASE] = f"tests_{slot.source.parent.name}"
            code = code or _tested(slot.source, slot.scratch, job)
        finally:
            faulthandler.cancel_dump_traceback_later()
            output.write(said.getvalue())
    return code


def _compiled(path: Path) -> int:
    try:
        py_compile.compile(str(path), doraise=True, invalidation_mode=_MODE)
    except py_compile.PyCompileError as error:
        print(error.msg)  # noqa: T201  # told as the run's output
        return _NO_CODE
    return 0


def _tested(source: Path, scratch: Path, job: Job) -> int:
    seen = Seen()
    first = ("-x", "--tb=line") if job.change else ()
    try:
        code = int(pytest.main([*_PLAIN, *first, f"--basetemp={scratch}", "-o", f"pythonpath={source} {HERE}", *job.tests], plugins=[seen]))
    except Exception:
        if seen.code is None or job.change is None:
            raise
        traceback.print_exc()
        code = seen.code
    where = getattr(sys.modules.get("remit"), "__file__", None) or ""
    if not where.startswith(str(source)):
        return _NOT_RUN
    if seen.errors:
        print(*seen.errors, sep="\n")  # noqa: T201  # told as the run's output
        return _NO_CODE
    return code


def judge(job: Job, code: int) -> str:
    """What is wrong with how a run ended ("" when nothing is)."""
    if job.change is None:
        return "" if code == 0 else f"the tests do not pass with every rule on (exit {code})"
    if code == 0:
        return "the rule was switched off and its test still passes"
    return "" if code == 1 else f"the tests could not be run with the rule off (exit {code})"


def run(mutations: Sequence[Mutation]) -> int:
    """Run everything, `SLOTS` at a time. Returns how many went wrong."""
    tests = tuple(dict.fromkeys(one.test for one in mutations))
    jobs = [Job(tests[place::_PARTS], None) for place in range(min(_PARTS, len(tests)))] + [Job((one.test,), one) for one in mutations]
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="remit-mutations-") as folder:
        free = [Slot(_made(Path(folder) / str(number))) for number in range(SLOTS)]
        running: dict[int, Slot] = {}
        while jobs or running:
            while jobs and free:
                slot = free.pop()
                running[slot.start(jobs.pop(0))] = slot
            process, status = os.wait()
            slot = running.pop(process)
            slot.finish()
            free.append(slot)
            wrong += _tell(slot, os.waitstatus_to_exitcode(status))
    return wrong


def _tell(slot: Slot, code: int) -> int:
    job = slot.job
    if job is None:
        return 1
    problem = judge(job, code)
    what = f"{len(job.tests)} tests, every rule on" if job.change is None else f"{job.change.rule}: {job.change.file}"
    took = f"{time.monotonic() - slot.started:5.1f} s"
    print(f"{'FAIL' if problem else 'ok  '} {took}  {what}  {problem}".rstrip(), flush=True)  # noqa: T201  # a command tells
    if problem:
        said = slot.output.read_text(encoding="utf-8") if slot.output.exists() else ""
        if len(said) > 2 * _SAID:
            said = f"{said[:_SAID]}\n …\n{said[-_SAID:]}"
        print(f"     {job.tests[0] if job.change else ''}\n{said}", flush=True)  # noqa: T201  # a command tells
    return 1 if problem else 0


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def make_ready() -> None:
    """Import what every run needs. What is forked must be one thread: another's locks would stay held for ever."""
    for name in _THEIRS:
        importlib.import_module(name)
    tasks = Path("/proc/self/task")
    threads = len(list(tasks.iterdir())) if tasks.is_dir() else threading.active_count()
    ours = sorted(name for name in sys.modules if name.partition(".")[0] in {"remit", "attacks", "tests"})
    if threads != 1 or ours:
        raise RuntimeError(f"not fit to be forked: {threads} threads, {ours}")
    gc.collect()
    gc.freeze()


def main(words: Sequence[str]) -> int:
    """Run the command."""
    mutations = tuple(one for one in read_list() if not words or any(word in f"{one.rule} {one.file} {one.test}" for word in words))
    wrong = stale(mutations, ROOT / "src") or meaningless(mutations, ROOT / "src")
    if wrong or not mutations:
        print("\n".join(wrong) or "no entry has these words", file=sys.stderr)  # noqa: T201  # a command tells
        return 1
    started = time.monotonic()
    make_ready()
    if any(word in f"{one.file} {one.test}" for one in mutations for word in ("postgres", "_nodes")):
        with contextlib.suppress(NoServer):  # its tests are then skipped, and that is told
            server()  # one for all runs, that this process stops: those it forks end without a goodbye
    failed = run(mutations)
    print(f"{len(mutations)} rules switched off in {time.monotonic() - started:.0f} s, {failed} problems")  # noqa: T201  # a command tells
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
