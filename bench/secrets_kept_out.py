"""How many planted secrets are kept out, and how many harmless messages are changed.

Usage: PYTHONPATH=src python bench/secrets_kept_out.py [--split dev|heldout] [--show N]; reads the sets under REMIT_SHARED.
"""

import argparse
import collections
import time

from remit.domain.secrets import find_secrets
from shared_data import shared

CHECKED = {"CREDIT_CARD", "IBAN_CODE", "US_SSN", "EMAIL_ADDRESS", "PHONE_NUMBER"}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--show", type=int, default=0, help="show so many misses and false alarms")
    parser.add_argument("--split", default="dev", choices=("dev", "heldout"))
    given = parser.parse_args()
    show, split = given.show, given.split
    planted = shared(f"secrets/planted_{split}.json")
    benign = shared(f"secrets/benign_{split}.json")
    ordinary = [one for one in shared(f"injection_text/{split}.json") if not one["attack"]]
    personal = shared(f"pii_presidio/{split}.json")
    began = time.perf_counter()
    kept: collections.Counter[tuple[str, str, bool]] = collections.Counter()
    types: collections.Counter[tuple[str, bool]] = collections.Counter()
    misses = []
    for record in planted:
        findings = find_secrets(record["text"], contacts=True)
        for span in record["spans"]:
            safe = _safe(span, findings)
            group = "everyday" if record["source"] == "made" else "credential shapes"
            kept[group, record["variant"], safe] += 1
            types[f"{span['type']}/{'plain' if record['variant'] == 'plain' else 'disguised'}", safe] += 1
            if not safe:
                misses.append((span["type"], record["variant"], record["text"][max(0, span["start"] - 50) : span["end"] + 5]))
    spent = time.perf_counter() - began
    _print_kept(kept)
    print("lowest:", *sorted(_shares(types))[:12], sep="\n  ")
    for name, records in (("made for this", benign), ("bank questions and mails", ordinary)):
        changed = [one["text"] for one in records if find_secrets(one["text"])]
        print(f"harmless changed ({name}): {len(changed)} of {len(records)} = {len(changed) / max(1, len(records)):.1%}")
        print(*[f"  ! {text[:150]!r}" for text in changed[:show]], sep="\n")
    print("presidio, pattern-like types:", *sorted(_presidio(personal)), sep="\n  ")
    print(f"{spent / max(1, len(planted)) * 1e6:.0f} us a message")
    print(*[f"  - {miss}" for miss in misses[:show]], sep="\n")
    _print_slowest()


def _print_slowest() -> None:
    """The longest of texts made to be slow to read, 60,000 characters each."""
    parts = [
        "a",
        "A1-",
        "1 ",
        "https://a?b&",
        "a b ",
        "%41",
        "one ",
        "DE12",
        "recovery code a-",
        "x\n",
        "eyJ",
        "a.b@",
        "key=",
        "sk_live_",
        "4111 1111 ",
        "a@",
        "(",
        '"',
        "a.b.",
        "-",
        ".",
        "é",
        "-" * 31 + "%41",
        "\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}",
    ]
    spent = {}
    for part in parts:
        began = time.perf_counter()
        find_secrets(part * (60_000 // len(part)), contacts=True)
        spent[part] = time.perf_counter() - began
    slowest = max(spent, key=lambda part: spent[part])
    print(f"slowest hostile text: {slowest!r} repeated, {spent[slowest]:.2f} s for 60,000 characters")


def _safe(span: dict[str, int], findings: tuple[object, ...]) -> bool:
    covered = sum(max(0, min(span["end"], one.end) - max(span["start"], one.start)) for one in findings)  # type: ignore[attr-defined]
    return covered >= (span["end"] - span["start"]) * 0.8


def _print_kept(kept: collections.Counter[tuple[str, str, bool]]) -> None:
    for group, variant in sorted({(group, variant) for group, variant, _ in kept}):
        good, bad = kept[group, variant, True], kept[group, variant, False]
        print(f"{group}, {variant}: {good} of {good + bad} = {good / (good + bad):.1%}")
    hidden = [(one, count) for one, count in kept.items() if one[1] != "plain"]
    good = sum(count for one, count in hidden if one[2])
    print(f"disguised, all: {good / max(1, sum(count for _, count in hidden)):.1%}")


def _shares(types: collections.Counter[tuple[str, bool]]) -> list[str]:
    names = {name for name, _ in types}
    return [f"{types[name, True] / (types[name, True] + types[name, False]):4.0%} {name}" for name in names]


def _presidio(records: list[dict[str, object]]) -> list[str]:
    types: collections.Counter[tuple[str, bool]] = collections.Counter()
    for record in records:
        findings = find_secrets(str(record["text"]), contacts=True)
        for span in record["spans"]:  # type: ignore[attr-defined]
            if span["type"] in CHECKED:
                types[span["type"], _safe(span, findings)] += 1
    return _shares(types)


if __name__ == "__main__":
    main()
