"""How long the words check takes for a message of 1 kB, in CPU time of one core: the check alone, as the agents' door calls it.

Usage: PYTHONPATH=src python bench/words_speed.py [--model] [--languages en]; other messages each time, as people write them, read under REMIT_SHARED.
"""

import argparse
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from remit.domain.words.verdict import WordsVerdict, judge_words
from shared_data import shared
from words import pairs
from words_desk import action_name, purpose_name, purposes_desk

LONG: Final = 1000
MESSAGES: Final = 200
DESK: Final = 12


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", action="store_true", help="with the small local model (needs the extra `words`)")
    parser.add_argument("--languages", nargs="+", default=["en", "de"])
    given = parser.parse_args()
    settings = {"languages": given.languages, **({"model": "minilm"} if given.model else {})}
    with speed_desk(settings) as (judge, texts):
        spent, passed = [], 0
        for text in texts:
            began = time.process_time()
            passed += judge(text).passes
            spent.append(time.process_time() - began)
    spent.sort()
    p50, p99 = spent[MESSAGES // 2] * 1e3, spent[MESSAGES * 99 // 100] * 1e3
    print(f"1 kB of words: p50 {p50:.2f} ms, p99 {p99:.2f} ms of one core ({passed} of {MESSAGES} let through)")


@contextmanager
def speed_desk(settings: Mapping[str, Any]) -> Iterator[tuple[Callable[[str], WordsVerdict], list[str]]]:
    """Open a desk of twelve purposes; give its judge of one purpose, and messages to it."""
    domain = pairs("bank", "dev")
    names = sorted(domain.measured)[:DESK]
    texts = _texts(domain.measured[names[0]])
    with purposes_desk({name: domain.examples[name] for name in names}, settings) as desk:
        catalogue, lexicon = desk.context.catalogue, desk.context.lexicon
        action, objective = (
            catalogue.actions[action_name(names[0])],
            catalogue.objective(purpose_name(names[0])),
        )
        yield (
            lambda text: judge_words(text, action=action, params={}, objective=objective, lexicon=lexicon),
            texts,
        )


def _texts(calm: list[str]) -> list[str]:
    """Make messages of sentences of one purpose with rarer words in them: the same in each run."""
    known = {one["message"] for one in shared("intent_pairs/banking77_dev.json") if one["kind"] == "in_scope"}
    words = sorted({word for text in known for word in re.findall(r"[a-z]{4,}", text)})
    chance = random.Random(11)
    found = []
    for _ in range(MESSAGES):
        text = ""
        while len(text) < LONG:
            text += f"{chance.choice(calm).rstrip('.?! ')}, {chance.choice(words)} {chance.choice(words)}. "
        found.append(text[:LONG])
    return found


if __name__ == "__main__":
    main()
