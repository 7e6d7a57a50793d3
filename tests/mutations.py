"""Switch every rule off, one at a time, and see that its attack then succeeds: a check that cannot fail is none.

`python tests/mutations.py [WORD …]` runs the entries of `attacks/mutations.toml` whose rule or file has one of the
words in it, all without. Exit code 0: every test passes with its rule and fails without it.
"""

import compileall
import contextlib
import importlib
import importlib.util
import io
import os
import py_compile
import shutil
import signal
import sys
import tempfile
import time
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parent
LIST: Final = HERE / "attacks" / "mutations.toml"
SLOTS: Final = 2
LONGEST_S: Final = 90
_MODE: Final = py_compile.PycInvalidationMode.UNCHECKED_HASH
_PLAIN: Final = ("-q", "--no-header", *(f"-pno:{plugin}" for plugin in ("cacheprovider", "remit", "hypothesispytest", "xdist", "cov")))
_HEAVY: Final = ("cedarpy", "cryptography.hazmat.primitives.asymmetric.ec", "httpx", "joserfc.jwt", "jsonschema_rs", "msgspec", "webauthn")


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


class Slot:
    """A copy of the source that one run at a time may change."""

    def __init__(self, folder: Path) -> None:
        self.source = folder / "src"
        shutil.copytree(ROOT / "src", self.source, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        compileall.compile_dir(self.source, quiet=2, invalidation_mode=_MODE)
        self.output = folder / "output"
        self.job: Job | None = None
        self.started = 0.0
        self._restore: tuple[Path, str] | None = None

    def start(self, job: Job) -> int:
        """Change the copy and run the tests in a process of their own; returns its id."""
        self.job = job
        self.started = time.monotonic()
        if job.change is not None:
            path = self.source / job.change.file
            text = path.read_text(encoding="utf-8")
            self._restore = path, text
            path.write_text(text.replace(job.change.find, job.change.put), encoding="utf-8")
            Path(importlib.util.cache_from_source(str(path))).unlink(missing_ok=True)
        process = os.fork()
        if process == 0:
            os._exit(_run(self, job))
        return process

    def finish(self) -> None:
        """Put the copy back as it was."""
        if self._restore is not None:
            path, text = self._restore
            path.write_text(text, encoding="utf-8")
            py_compile.compile(str(path), invalidation_mode=_MODE)
            self._restore = None


def _run(slot: Slot, job: Job) -> int:
    """Run in the forked process. 0: all passed, 1: some failed, anything else: they could not be run."""
    signal.alarm(LONGEST_S)
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(slot.source))
    os.chdir(ROOT)
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = int(
            pytest.main([*_PLAIN, *(("-x", "--tb=line") if job.change else ()), "-o", f"pythonpath={slot.source} {HERE}", *job.tests])
        )
    slot.output.write_text(said.getvalue(), encoding="utf-8")
    where = getattr(sys.modules.get("remit"), "__file__", None) or ""
    return code if where.startswith(str(slot.source)) else 70


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
    jobs = [Job(tests[place::SLOTS], None) for place in range(min(SLOTS, len(tests)))] + [Job((one.test,), one) for one in mutations]
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
        print(f"     {job.tests[0] if job.change else ''}\n{said[-3000:]}", flush=True)  # noqa: T201  # a command tells
    return 1 if problem else 0


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def main(words: Sequence[str]) -> int:
    """Run the command."""
    mutations = tuple(one for one in read_list() if not words or any(word in f"{one.rule} {one.file} {one.test}" for word in words))
    wrong = stale(mutations, ROOT / "src")
    if wrong or not mutations:
        print("\n".join(wrong) or "no entry has these words", file=sys.stderr)  # noqa: T201  # a command tells
        return 1
    for name in _HEAVY:
        importlib.import_module(name)
    started = time.monotonic()
    failed = run(mutations)
    print(f"{len(mutations)} rules switched off in {time.monotonic() - started:.0f} s, {failed} problems")  # noqa: T201  # a command tells
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
