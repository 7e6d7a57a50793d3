"""How long it takes to look for secrets: in a support message, in a browser's recording, in texts made to be slow to read.

Usage: PYTHONPATH=src python bench/reading.py. Times are the processor's, best or middle of several.
"""

import json
import statistics
import time
from collections.abc import Callable
from typing import Any

from bench_texts import HAR, MESSAGE
from remit.domain.secrets.find import find_in_values, find_secrets

MESSAGE_GOAL_MS, HAR_GOAL_MS = 1.0, 300.0
HOSTILE = (
    *(
        "a",
        "A1-",
        "1 ",
        "https://a?b&",
        "http://a/",
        "a b ",
        "%41",
        "one ",
        "DE12",
        "x\n",
        "1\n",
        "eyJ",
        "a.b@",
        "key=",
        "k1=",
        "sk_live_",
        "ghp_",
        "4111 1111 ",
        "a@",
    ),
    *(
        '"',
        "a.b.",
        "-",
        ".",
        "é",
        "://a:b@",
        "&#65;",
        "=\n",
        "then 1 ",
        "MII",
        "-----BEGIN PRIVATE KEY-----",
        "a:",
        "12 ",
        "password a b c d ",
        "cookie: a=bbbbbb;",
    ),
    *(
        "2fa ",
        "otp ",
        "seed ",
        "yek ",
        "street 1 ",
        "fe80:",
        "QUJDREVG ",
        "7a ",
        "\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}",
        "internationalisation=" * 190 + " ",
    ),
)
LONG = 60_000


def main() -> None:
    """Print the figures."""
    find_secrets(MESSAGE)
    middle = statistics.median(_spent(lambda: find_secrets(MESSAGE)) for _ in range(500))
    print(
        f"a message of {len(MESSAGE)} letters: p50 {middle:.2f} ms (goal {MESSAGE_GOAL_MS} ms: {_reached(middle, MESSAGE_GOAL_MS)})"
    )
    whole = min(_spent(lambda: find_secrets(HAR)) for _ in range(5))
    print(
        f"a recording of {len(HAR):,} letters as one text: {whole:.0f} ms (goal {HAR_GOAL_MS:.0f} ms: {_reached(whole, HAR_GOAL_MS)})"
    )
    values = list(_leaves(json.loads(HAR[: HAR.rindex('}, {"startedDateTime')] + "}]}}"), ""))
    apart = min(_spent(lambda: find_in_values(values)) for _ in range(5))
    print(
        f"its {len(values):,} texts, each under its name: {apart:.0f} ms (goal {HAR_GOAL_MS:.0f} ms: {_reached(apart, HAR_GOAL_MS)})"
    )
    slow = {
        piece: _spent(lambda piece=piece: find_secrets(piece * (LONG // len(piece)), contacts=True))
        for piece in HOSTILE
    }  # type: ignore[misc]
    for piece in sorted(slow, key=lambda piece: -slow[piece])[:5]:
        print(f"{LONG:,} letters of {piece[:30]!r}: {slow[piece]:.0f} ms, {slow[piece] / LONG * 1e6:.0f} ns a letter")


def _spent(work: Callable[[], Any]) -> float:
    began = time.process_time()
    work()
    return (time.process_time() - began) * 1e3


def _leaves(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _leaves(one, key)
    elif isinstance(value, list):
        for one in value:
            yield from _leaves(one, name)
    elif isinstance(value, str):
        yield name, value


def _reached(found: float, goal: float) -> str:
    return "reached" if found <= goal else "not reached"


if __name__ == "__main__":
    main()
