"""CPU time of the words check by rules, and of the search for secrets, for different messages of 1 kB.

Usage: PYTHONPATH=src python bench/words_cost.py [--against SRC] [--rounds N] [--languages en]; reads banking77 under REMIT_SHARED, as `words_speed.py` does.
SRC is the `src` of another checkout: its messages are read in turns with this one's, so that a busy machine slows both.
Each message counts with the fastest of its rounds. An ES256 verification is timed with them, as a measure of the machine.
"""

import argparse
import collections
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

import remit
from remit.domain.secrets.find import find_secrets
from words_speed import speed_desk

MESSAGES: Final = 200
BATCH: Final = 20
WORDS, SECRETS, SIGNATURE = "words", "secrets", "an ES256 verification"


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--against", type=Path, help="the src of another checkout")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--languages", nargs="+", default=["en"])
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        _work(given.languages)
        return
    trees = [Path(remit.__file__).parents[1], *([given.against.resolve()] if given.against else [])]
    found = [_Times() for _ in trees]
    workers = [_worker(tree, given.languages) for tree in trees]
    for _ in range(given.rounds):
        for first in range(0, MESSAGES, BATCH):
            for times, worker in zip(found, workers, strict=True):
                times.add(_ask(worker, first))
    for worker in workers:
        worker.kill()
    for tree, times in zip(trees, found, strict=True):
        times.print(tree)
    for other, tree in zip(found[1:], trees[1:], strict=True):
        for kind in (WORDS, SECRETS):
            print(f"{kind}: {_median(other.best[kind]) / _median(found[0].best[kind]):.2f} times as fast as {tree}")


class _Times:
    """The fastest time of each message, by kind."""

    def __init__(self) -> None:
        self.best: dict[str, dict[int, float]] = collections.defaultdict(dict)

    def add(self, times: Sequence[tuple[str, int, float]]) -> None:
        """Take the times of a round."""
        for kind, number, spent in times:
            self.best[kind][number] = min(spent, self.best[kind].get(number, spent))

    def print(self, tree: Path) -> None:
        """Print them, alone and as verifications."""
        both = {number: spent + self.best[SECRETS][number] for number, spent in self.best[WORDS].items()}
        unit = _median(self.best[SIGNATURE])
        print(tree)
        for kind, spent in ((WORDS, self.best[WORDS]), (SECRETS, self.best[SECRETS]), ("together", both)):
            print(
                f"  {kind}: {_figures(spent)} = {_median(spent) / unit:.1f} ES256 verifications of {unit * 1e6:.0f} us"
            )


def _figures(spent: Mapping[int, float]) -> str:
    ordered = sorted(spent.values())
    return f"p50 {ordered[len(ordered) // 2] * 1e3:.2f} ms, p99 {ordered[-2] * 1e3:.2f} ms"


def _median(spent: Mapping[int, float]) -> float:
    return sorted(spent.values())[len(spent) // 2]


def _worker(tree: Path, languages: Sequence[str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(  # this very file
        [sys.executable, __file__, "--worker", "--languages", *languages],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(tree)},
    )


def _ask(worker: "subprocess.Popen[str]", first: int) -> list[tuple[str, int, float]]:
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write(f"{first}\n")
    worker.stdin.flush()
    return [(kind, number, spent) for kind, number, spent in json.loads(worker.stdout.readline())]


def _work(languages: Sequence[str]) -> None:
    """Answer each line, the number of a message, with the times of a batch from there."""
    key = ec.generate_private_key(ec.SECP256R1())
    signed = key.sign(b"x", ec.ECDSA(SHA256()))
    public = key.public_key()
    logging.disable(logging.CRITICAL)
    with speed_desk({"languages": [*languages]}) as (judge, texts):
        whats: dict[str, Callable[[str], object]] = {WORDS: judge, SECRETS: find_secrets}
        for line in sys.stdin:
            times = []
            for number in range(int(line), int(line) + BATCH):
                for kind, what in whats.items():
                    began = time.process_time()
                    what(texts[number])
                    times.append((kind, number, time.process_time() - began))
            began = time.process_time()
            for _ in range(BATCH):  # one alone would find its code out of the caches
                public.verify(signed, b"x", ec.ECDSA(SHA256()))
            times.append((SIGNATURE, int(line), (time.process_time() - began) / BATCH))
            print(json.dumps(times), flush=True)


if __name__ == "__main__":
    main()
