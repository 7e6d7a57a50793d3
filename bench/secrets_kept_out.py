"""How many planted secrets are kept out, and how many harmless messages are changed, beside detect-secrets and gitleaks.

"remit" is `find_secrets`, which every door of agents redacts with; "officers' door" what the check of an officer's text
withholds of its own accord: secrets, codes and contacts. Both are called as functions, for there are forty thousand texts; a part of
them goes through the doors themselves, and the first lines say how many are treated there just as the functions do.

Usage: python bench/secrets_kept_out.py [--split dev|heldout] [--show N] [--no-peers] [--doors N]; reads the sets under REMIT_SHARED.
"""

import argparse
import collections
import json
import logging
import os
import random
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

try:
    from detect_secrets.core.scan import scan_file, scan_line
    from detect_secrets.settings import default_settings
except ModuleNotFoundError:  # then with --no-peers alone
    scan_file = scan_line = default_settings = None

from remit.domain.secrets import tokens
from remit.domain.secrets.find import find_secrets
from remit.domain.secrets.outbound import find_withheld
from secret_doors import print_doors
from shared_data import shared

Spans = list[tuple[int, int]]
PATTERNED = {"CREDIT_CARD", "IBAN_CODE", "US_SSN", "EMAIL_ADDRESS", "PHONE_NUMBER", "IP_ADDRESS"}
CHECKED = {"card_number", "iban", "ssn"}
GOALS = {
    "everyday, plain": 0.95,
    "personal data with check digits": 0.95,
    "credential shapes": 0.85,
    "disguised": 0.60,
}
HARMLESS = 0.01
SETS = Path(__file__).parent / "sets"
COVERED = 0.8


def main() -> None:
    """Print the figures of each side."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--show", type=int, default=0, help="show so many misses and false alarms of Remit")
    parser.add_argument("--split", default="dev", choices=("dev", "heldout"))
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--doors", type=int, default=300, help="send so many texts through the doors themselves")
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)
    planted = shared(f"secrets/planted_{given.split}.json")
    harmless = {
        "made for this": [one["text"] for one in shared(f"secrets/benign_{given.split}.json")],
        "bank questions and mails": [
            one["text"] for one in shared(f"injection_text/{given.split}.json") if not one["attack"]
        ],
        **_ordinary(given.split),
    }
    sides: dict[str, Callable[[Sequence[str]], list[Spans]]] = {
        "remit": _remit,
        "remit, officers' door": _officers_door,
        "remit, no known forms": _remit_without_forms,
    }
    if not given.no_peers:
        sides |= {"detect-secrets, lines": _detect_secrets_lines, "detect-secrets, files": _detect_secrets_files}
        if shutil.which("gitleaks"):
            sides["gitleaks"] = _gitleaks
        else:
            print("gitleaks is not installed (Debian has it: apt-get install gitleaks); it is left out")
    print("== through the doors themselves")
    everything = [*(one["text"] for one in planted), *harmless["made for this"]]
    print_doors(random.Random(5).sample(everything, min(given.doors, len(everything))), officers=True, show=given.show)
    recall = {}
    for name, side in sides.items():
        print(f"== {name}")
        # Ordinary mails have addresses in them: they are changed where contacts are kept out as well, as is meant.
        texts = {one: harmless[one] for one in list(harmless)[:1]} if side is _officers_door else harmless
        recall[name] = _side(side, planted, texts, given.show if name.startswith("remit") else 0)
    for name in ("detect-secrets, lines", "detect-secrets, files", "gitleaks"):
        for group, share in recall.get(name, {}).items():
            print(
                f"remit finds {recall['remit'][group] / share if share else float('inf'):.1f} times as much as {name}: {group}"
            )
    print("== hand-made: what is none (remit)")
    none = [
        json.loads(line)["text"]
        for path in sorted(SETS.glob("not_secrets*.jsonl"))
        for line in path.open(encoding="utf-8")
    ]
    wrong = [text for text, spans in zip(none, _remit(none), strict=True) if spans]
    print(
        f"taken out: {len(wrong)} of {len(none)} = {len(wrong) / max(1, len(none)):.1%}",
        *wrong[: given.show],
        sep="\n  ! ",
    )
    print("== presidio's sentences (officers' door)")
    print(*sorted(_presidio(shared(f"pii_presidio/{given.split}.json"))), sep="\n")


def _side(
    side: Callable[[Sequence[str]], list[Spans]], planted: list[Any], harmless: dict[str, list[str]], show: int
) -> dict[str, float]:
    began = sum(os.times()[:4])
    found = side([one["text"] for one in planted])
    spent = (sum(os.times()[:4]) - began) * 1e3 / len(planted)
    kept: dict[str, list[bool]] = collections.defaultdict(list)
    for record, spans in zip(planted, found, strict=True):
        for span in record["spans"]:
            safe = _covered(span["start"], span["end"], spans)
            for group in _groups(record, span):
                kept[group].append(safe)
            if not safe and show > 0:
                show -= 1
                print(
                    f"  - {span['type']}, {record['variant']}: {record['text'][max(0, span['start'] - 50) : span['end'] + 5]!r}"
                )
    shares = {group: sum(safe) / len(safe) for group, safe in kept.items()}
    for group in sorted(kept):
        goal = GOALS.get(group)
        said = "" if goal is None else f"  (goal {goal:.0%}: {'reached' if shares[group] >= goal else 'not reached'})"
        print(f"{group}: {sum(kept[group])} of {len(kept[group])} = {shares[group]:.1%}{said}")
    for name, texts in harmless.items():
        changed = [text for text, spans in zip(texts, side(texts), strict=True) if spans]
        share = len(changed) / max(1, len(texts))
        print(
            f"harmless changed, {name}: {len(changed)} of {len(texts)} = {share:.2%}  (goal {HARMLESS:.0%}: {'reached' if share <= HARMLESS else 'not reached'})"
        )
        for text in changed[: max(0, show)]:
            print(f"  ! {text[:150]!r}")
    print(f"{spent:.3f} ms of the processor a message")
    return {group: shares[group] for group in GOALS if group in shares}


def _groups(record: Any, span: Any) -> Iterable[str]:
    if record["variant"] != "plain":
        yield "disguised"
        yield f"disguised, {record['variant']}"
    else:
        yield "everyday, plain" if record["source"] == "made" else "credential shapes"
        if span["type"] in CHECKED:
            yield "personal data with check digits"


def _covered(start: int, end: int, spans: Spans) -> bool:
    return sum(max(0, min(end, last) - max(start, first)) for first, last in spans) >= (end - start) * COVERED


def _ordinary(split: str) -> dict[str, list[str]]:
    """Other ordinary text, where nobody planted anything: what customers write, and what they set out to do."""
    texts = {
        "BANKING77": _texts(shared(f"intent_banking77/{split}.json")),
        "CLINC150": _texts(shared(f"intent_clinc150/{split}.json")),
        "bitext": _texts(shared(f"intent_pairs/bitext_{split}.json")),
    }
    for name in ("tau_retail", "tau_airline", "agentdojo_slack", "agentdojo_travel", "agentdojo_workspace"):
        texts[name] = _texts(shared(f"{name}/tasks_{split}.json"))
    return texts


def _texts(value: Any) -> list[str]:
    found: dict[str, None] = {}
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, str) and len(one) > 15:
            found[one] = None
        elif isinstance(one, dict):
            left.extend(one.values())
        elif isinstance(one, list):
            left.extend(one)
    return list(found)


def _remit(texts: Sequence[str]) -> list[Spans]:
    return [[(one.start, one.end) for one in find_secrets(text)] for text in texts]


def _officers_door(texts: Sequence[str]) -> list[Spans]:
    """Return the places withheld from an officer's text at a desk that knows no values and no contacts of its own."""
    return [[(one.start, one.end) for one in find_withheld(text, {})] for text in texts]


def _remit_without_forms(texts: Sequence[str]) -> list[Spans]:
    """With nothing known of how anybody's tokens begin: what is left for those nobody has written a rule for."""
    kept = {name: getattr(tokens, name) for name in ("_KNOWN", "_KNOWN_WITHIN", "_AWS", "_GOOGLE")}
    for name in kept:
        setattr(tokens, name, re.compile(r"(?!)()"))
    try:
        return _remit(texts)
    finally:
        for name, pattern in kept.items():
            setattr(tokens, name, pattern)


def _detect_secrets_lines(texts: Sequence[str]) -> list[Spans]:
    """Its default plugins, line by line, as for a line that is handed to it: long words are entropy enough then."""
    out = []
    with default_settings():
        for text in texts:
            spans: Spans = []
            at = 0
            for line in text.splitlines(keepends=True):
                for one in scan_line(line.rstrip("\r\n")):
                    spans += _every(line, str(one.secret_value), at)
                at += len(line)
            out.append(spans)
    return out


def _detect_secrets_files(texts: Sequence[str]) -> list[Spans]:
    """Its default plugins and filters on one file for each text, as its command reads files."""
    out = []
    with tempfile.TemporaryDirectory() as folder, default_settings():
        for number, text in enumerate(texts):
            file = Path(folder, f"{number}.txt")
            file.write_text(text, encoding="utf-8")
            out.append([span for one in scan_file(str(file)) for span in _every(text, str(one.secret_value), 0)])
    return out


def _gitleaks(texts: Sequence[str]) -> list[Spans]:
    """Its default rules, on one file for each text, in one process."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        files = Path(folder, "files")
        files.mkdir()
        for number, text in enumerate(texts):
            (files / f"{number}.txt").write_text(text, encoding="utf-8")
        subprocess.run(
            [
                "gitleaks",
                "detect",
                "--no-git",
                "--no-banner",
                "--log-level",
                "error",
                "--exit-code",
                "0",
                "-s",
                str(files),
                "-f",
                "json",
                "-r",
                str(report),
            ],
            check=True,
        )
        out: list[Spans] = [[] for _ in texts]
        for one in json.loads(report.read_text(encoding="utf-8")):
            number = int(Path(one["File"]).stem)
            out[number] += _every(texts[number], one["Secret"] or one["Match"], 0)
    return out


def _every(text: str, found: str, at: int) -> Spans:
    return [(at + match.start(), at + match.end()) for match in re.finditer(re.escape(found), text)] if found else []


def _presidio(records: list[Any]) -> list[str]:
    types: dict[str, list[bool]] = collections.defaultdict(list)
    for record in records:
        spans = _officers_door([record["text"]])[0]
        for span in record["spans"]:
            types[span["type"]].append(_covered(span["start"], span["end"], spans))
    return [
        f"{'' if name in PATTERNED else '(needs a language model) '}{name}: {sum(safe)} of {len(safe)} = {sum(safe) / len(safe):.1%}"
        for name, safe in types.items()
    ]


if __name__ == "__main__":
    main()
