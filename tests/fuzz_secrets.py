"""Many messages with planted secrets, changed by lot, through redaction and some through the real doors. Run by hand.

`python tests/fuzz_secrets.py [--messages N] [--doors N] [--seed N]`: exit code 1 where one was left, or where one fell over.
"""

import argparse
import collections
import logging
import sys
import tempfile
import time
from io import StringIO
from pathlib import Path

from attacks.arena import open_arena
from attacks.secrets.disguised import cleaned, everything, through_doors
from secrets_mutated import leaks_among, planted

_SHOWN = 20


def _say(text: str, end: str = "\n") -> None:
    sys.stdout.write(f"{text}{end}")
    sys.stdout.flush()


def main() -> int:
    """Run it, and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--doors", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    given = parser.parse_args()
    _say(f"seed {given.seed}")
    log = StringIO()
    logging.basicConfig(stream=log, level=logging.DEBUG)
    left = 0
    slowest = 0.0
    kinds: collections.Counter[str] = collections.Counter()
    with (
        tempfile.TemporaryDirectory() as folder,
        open_arena(store=f"sqlite:///{folder}/store.db", settings={"words": {"secrets": "redact"}}) as arena,
    ):
        began = time.monotonic()
        for number, one in enumerate(planted(given.seed, given.messages), 1):
            before = time.process_time()
            kinds[one.disguise] += 1
            if not cleaned(arena, one):
                left += 1
                if left <= _SHOWN:
                    _say(f"\nleft: {one.kind}, {one.disguise}: {one.text!r}")
            slowest = max(slowest, time.process_time() - before)
            if number % 500 == 0:
                rate = number / (time.monotonic() - began)
                _say(
                    f"\r{number:,} of {given.messages:,}, {left} left, {rate:,.0f} a second, slowest {slowest * 1e3:.0f} ms",
                    end="",
                )
        _say(f"\ncleaned {given.messages:,} messages, each in five places: {left} left; slowest {slowest * 1e3:.0f} ms; {dict(kinds)}")
        sent = list(planted(given.seed + 1, given.doors))
        answers = through_doors(arena, sent)
        found = leaks_among(f"{answers}{everything(arena, Path(folder))}{log.getvalue()}", sent)
    _say(f"{given.doors:,} messages through the doors: {len(found)} left in logs, transcript, tickets, replies or the store")
    for one in found[:_SHOWN]:
        _say(f"left: {one}")
    return 1 if left or found else 0


if __name__ == "__main__":
    sys.exit(main())
