"""How long a file of 1 MiB takes to be read and cleaned, and where the time goes.

Usage: PYTHONPATH=src python bench/attachments.py [--bytes N]; in CPU time of one core, without the desk around it. Growth is shown by half the size.
"""

import argparse
import json
import random
import time
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from remit.domain.files import scrub
from remit.domain.files.scrub import FileScrubber
from remit.domain.files.text import detect_text_file, scrub_text_file, verify_no_instructions
from remit.domain.files.zip import ArchiveMember, pack, unpack
from remit.domain.secrets import find as secrets_module
from remit.domain.secrets.find import SecretFinding, find_secrets

HEADERS = (
    ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
    ("Accept-Language", "en-GB,en;q=0.5"),
    ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"),
    ("Referer", "https://shop.example/orders"),
)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bytes", type=int, default=1024 * 1024)
    size = parser.parse_args().bytes
    print(f"{'file':<14}{'bytes':>10}{'ms':>8}{'secrets ms':>12}{'orders ms':>11}{'calls':>8}{'letters read':>14}")
    for name, make in (("a.har", har), ("a.json", rows), ("a.log", log), ("a.csv", table)):
        for part in (size // 2, size):
            _show(name, make(part))
    packed = pack([ArchiveMember(name="a.har", data=har(size * 9 // 10))])
    started = time.process_time()
    unpack(packed)
    print(f"unpacking an archive of it ({len(packed)} bytes): {(time.process_time() - started) * 1000:.0f} ms")


def _show(name: str, data: bytes) -> None:
    calls, letters, spent = 0, 0, 0.0
    real: Callable[..., tuple[SecretFinding, ...]] = find_secrets

    def counted(text: str, **more: Any) -> tuple[SecretFinding, ...]:
        nonlocal calls, letters, spent
        began = time.process_time()
        found = real(text, **more)
        calls, letters, spent = calls + 1, letters + len(text), spent + time.process_time() - began
        return found

    best = [float("inf")] * 3
    for _ in range(3):
        calls, letters, spent = 0, 0, 0.0
        with patch.object(scrub, "find_secrets", counted), patch.object(secrets_module, "find_secrets", counted):
            began = time.process_time()
            file = detect_text_file(data, name=name, media_type="application/octet-stream")
            cleaned = scrub_text_file(file, FileScrubber(name))
            between = time.process_time()
            verify_no_instructions(cleaned, file.kind)
            done = time.process_time()
        best = min(best, [done - began, spent, done - between])
    whole, secrets, orders = (round(one * 1000) for one in best)
    print(f"{name:<14}{len(data):>10}{whole:>8}{secrets:>12}{orders:>11}{calls:>8}{letters:>14}")


def _word(chance: random.Random) -> str:
    return "".join(chance.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(chance.randint(3, 9)))


def _sentence(chance: random.Random, words: int) -> str:
    return " ".join(_word(chance) for _ in range(words))


def har(size: int) -> bytes:
    """A recorded session: requests with the headers of a browser, pages and JSON in their bodies."""
    chance, total = random.Random(7), 0  # the same file each time
    entries: list[dict[str, Any]] = []
    while total < size:
        number = len(entries)
        body = _sentence(chance, chance.randint(20, 400))
        if number % 3 == 0:
            body = json.dumps(
                [
                    {"id": chance.randint(1, 99_999), "name": _word(chance), "price": chance.randint(1, 9_999)}
                    for _ in range(20)
                ]
            )
        sid = _word(chance) * 3
        entry = {
            "startedDateTime": f"2026-11-27T10:{number % 60:02}:{chance.randint(0, 59):02}.123Z",
            "time": chance.random() * 300,
            "request": {
                "method": "GET",
                "url": f"https://shop.example/{_word(chance)}/{_word(chance)}.js?v={chance.randint(1, 999)}",
                "cookies": [{"name": "sid", "value": sid}],
                "headers": [{"name": name, "value": value} for name, value in (*HEADERS, ("Cookie", f"sid={sid}"))],
                "queryString": [{"name": "v", "value": str(chance.randint(1, 999))}],
            },
            "response": {
                "status": 200,
                "headers": [
                    {"name": "Content-Type", "value": "text/html; charset=utf-8"},
                    {"name": "Content-Length", "value": str(len(body))},
                ],
                "content": {"size": len(body), "mimeType": "text/html", "text": body},
            },
            "timings": {"send": 0, "wait": chance.random() * 100, "receive": chance.random() * 30},
        }
        total += len(json.dumps(entry))
        entries.append(entry)
    return json.dumps({"log": {"version": "1.2", "entries": entries}}).encode()


def rows(size: int) -> bytes:
    """A JSON export of orders."""
    chance, total = random.Random(8), 0
    out: list[dict[str, Any]] = []
    while total < size:
        out.append(
            {
                "order": f"W{len(out)}",
                "name": _word(chance),
                "note": _sentence(chance, 12),
                "amount": chance.randint(1, 99_999),
            }
        )
        total += len(json.dumps(out[-1]))
    return json.dumps(out).encode()


def log(size: int) -> bytes:
    """A log of a server."""
    chance, total = random.Random(9), 0
    out: list[str] = []
    while total < size:
        out.append(f"2026-11-27T10:00:00Z INFO {_word(chance)}: {_sentence(chance, 9)} in {chance.randint(1, 900)} ms")
        total += len(out[-1]) + 1
    return "\n".join(out).encode()


def table(size: int) -> bytes:
    """A table of orders."""
    chance, out, total = random.Random(10), ["order,name,note,amount"], 0
    while total < size:
        out.append(f"W{len(out)},{_word(chance)},{_sentence(chance, 8)},{chance.randint(1, 99_999)}")
        total += len(out[-1]) + 1
    return "\n".join(out).encode()


if __name__ == "__main__":
    main()
