"""Switch every rule off, one at a time, and see that its attack then succeeds: a check that cannot fail is none.

`python tests/mutations.py [WORD …]` runs the lines of `attacks/mutations.txt` that have one of the words in them, in their heading or in
their file's name, all without. Exit code 0: every test passes with its rule and fails without it. `--sites` lists what looks like a rule
and is in no line: that is for information. `--passed FILE` lists the tests that have just passed over the same source: only a sample of
them runs again with every rule on, to see that they pass in a forked process, too.
"""

import contextlib
import json
import queue
import random
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Final

from mutation_list import Mutation, read_list, resolved
from mutation_runs import FAILED, ROOT, Ended, Job, Slot, compiled_copy, import_theirs
from mutation_sites import Source, sites
from postgres_server import NoServer, server

SLOTS: Final = 4
"""Two more than the cores of a small machine: many tests wait for a while."""
_PARTS: Final = 24
"""Into so many runs the tests are divided that must pass with every rule on: none may take as long as `LONGEST_S`."""
_SAMPLE: Final = 20
"""Of so many tests that have just passed, one runs again with every rule on."""
_SAID: Final = 2_000
_WITH_RULES: Final = frozenset({"adapters", "domain", "engine", "identity", "usecases"})


def meaningless(mutations: Sequence[Mutation], source: Path) -> list[str]:
    """What is no rule switched off but a broken file: a change that does not parse, or names what is not there."""
    first: dict[int, str] = {}
    with tempfile.TemporaryDirectory(prefix="remit-mutations-") as folder:
        for number, one in enumerate(mutations):
            text = one.edit.applied((source / one.file).read_text(encoding="utf-8"))
            if one.file.endswith(".py"):
                (Path(folder) / f"{number}.py").write_text(text, encoding="utf-8")
            elif one.file.endswith(".toml"):
                try:
                    tomllib.loads(text)
                except tomllib.TOMLDecodeError as error:
                    first[number] = str(error)
        found = subprocess.run(  # our own linter over our own files
            [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--select", "E9,F82", "--output-format", "json", folder],
            capture_output=True,
            check=False,
        )
        first |= {int(Path(one["filename"]).stem): one["message"] for one in reversed(json.loads(found.stdout))}
    return [f"{mutations[number].rule}: this is no code: {message}" for number, message in sorted(first.items())]


def judge(job: Job, code: int) -> str:
    """What is wrong with how a run ended ("" when nothing is)."""
    if job.change is None:
        return "" if code == 0 else f"the tests do not pass with every rule on (exit {code})"
    if code == 0:
        return "the rule was switched off and its test still passes"
    return "" if code == FAILED else f"the tests could not be run with the rule off (exit {code})"


def to_pass(mutations: Sequence[Mutation], passed: Collection[str]) -> tuple[str, ...]:
    """The tests to run with every rule on: those that have not just passed, and a sample of the others."""
    just = {name for one in passed for name in (one, one.partition("[")[0])}
    tests = tuple(dict.fromkeys(one.test for one in mutations))
    known = [test for test in tests if test in just]
    return (*(test for test in tests if test not in just), *random.sample(known, len(known) // _SAMPLE))


def run(mutations: Sequence[Mutation], passed: Collection[str]) -> list[str]:
    """Run everything, `SLOTS` at a time. Returns a line for each problem."""
    tests = to_pass(mutations, passed)
    jobs = [Job(tests[place::_PARTS], None) for place in range(min(_PARTS, len(tests)))] + [Job((one.test,), one) for one in mutations]
    free: queue.SimpleQueue[Slot] = queue.SimpleQueue()

    def one(place: int) -> Ended:
        slot = free.get()
        try:
            return slot.run(place)
        finally:
            free.put(slot)

    with tempfile.TemporaryDirectory(prefix="remit-mutations-") as folder:
        compiled = compiled_copy(Path(folder) / "compiled")
        slots = [
            Slot(Path(folder) / str(number), jobs, compiled) for number in range(min(SLOTS, len(jobs)))
        ]  # before there is a second thread
        for slot in slots:
            free.put(slot)
        with ThreadPoolExecutor(SLOTS) as hands:
            told = [_tell(ended.result()) for ended in as_completed(hands.submit(one, place) for place in range(len(jobs)))]
        for slot in slots:
            slot.close()
    return [line for line in told if line]


def _tell(ended: Ended) -> str:
    job, said = ended.job, ended.said
    problem = judge(job, ended.code)
    what = f"{len(job.tests)} tests, every rule on" if job.change is None else f"{job.change.rule}: {job.change.file}"
    line = f"{'FAIL' if problem else 'ok  '} {ended.took_s:5.1f} s  {what}  {problem}".rstrip()
    print(line, flush=True)  # noqa: T201  # a command tells
    if problem:
        if len(said) > 2 * _SAID:
            said = f"{said[:_SAID]}\n …\n{said[-_SAID:]}"
        print(f"     {job.tests[0] if job.change else ''}\n{said}", flush=True)  # noqa: T201  # a command tells
    return line if problem else ""


def list_sites(source: Path) -> None:
    """Print what looks like a rule and is in no line of the list, and how much of it each package has."""
    mutations, _ = resolved(read_list(), source)
    switched = [one.edit for one in mutations]
    every: Counter[str] = Counter()
    bare: Counter[str] = Counter()
    for file in Source(source).files:
        room, _, rest = file.name.removeprefix("remit/").partition("/")
        package = f"{room}/{rest.partition('/')[0]}" if "/" in rest else room
        if room not in _WITH_RULES:
            continue
        for name, edit in sites(file):
            every[package] += 1
            if not any(edit.meets(one) for one in switched):
                bare[package] += 1
                print(f"{file.name}:{file.text.count(chr(10), 0, edit.start) + 1}: {name}")  # noqa: T201  # a command tells
    for package, count in sorted(every.items()):
        print(f"{package}: {bare[package]} of {count} in no line")  # noqa: T201  # a command tells


def main(words: Sequence[str]) -> int:
    """Run the command."""
    if "--sites" in words:
        list_sites(ROOT / "src")
        return 0
    passed: Collection[str] = ()
    if words[:1] == ["--passed"]:
        passed, words = Path(words[1]).read_text(encoding="utf-8").splitlines(), words[2:]
    rules = read_list()
    resolve = resolved(rules, ROOT / "src")
    wanted = {one.name for one in rules if not words or any(one.has(word) for word in words)}
    mutations = tuple(one for one in resolve[0] if one.rule in wanted or any(word in f"{one.file} {one.test}" for word in words))
    wrong = resolve[1] or meaningless(mutations, ROOT / "src")
    if wrong or not mutations:
        print("\n".join(wrong) or "no line has these words", file=sys.stderr)  # noqa: T201  # a command tells
        return 1
    started = time.monotonic()
    import_theirs()
    if any(word in f"{one.file} {one.test}" for one in mutations for word in ("postgres", "_nodes")):
        with contextlib.suppress(NoServer):  # its tests are then skipped, and that is told
            server()  # one for all runs, that this process stops: those it forks end without a goodbye
    problems = run(mutations, passed)
    told = (*problems, f"{len(mutations)} rules switched off in {time.monotonic() - started:.0f} s, {len(problems)} problems")
    print("\n".join(told))  # noqa: T201  # a command tells
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
