"""How the words check tells languages apart: foreign sentences let through, honest ones refused for their language alone.

Usage: PYTHONPATH=src python bench/languages.py [--set FOLDER]. The hand-made sets (or those in FOLDER, `*.aside.jsonl`, too), and the public
English sentences under REMIT_SHARED.
"""

import argparse
import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from remit.adapters.files.vocabulary import read_vocabulary
from remit.domain.text.normalize import fold_text
from remit.domain.words.readable import FOREIGN, unreadable_reason
from remit.domain.words.vocabulary import Vocabulary
from shared_data import shared

SETS: Final = Path(__file__).parent / "sets"
DESKS: Final = (("en",), ("en", "de"))
PUBLIC: Final = (
    ("intent_banking77/dev.json", "text"),
    ("intent_clinc150/dev.json", "text"),
    ("intent_pairs/bitext_dev.json", "message"),
    ("injection_text/dev.json", "text"),
)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", type=Path, default=SETS)
    given = parser.parse_args()
    for languages in DESKS:
        vocabulary = read_vocabulary(*languages)
        print(f"a desk that reads {', '.join(languages)}")
        for name in ("foreign", "mixed_foreign"):
            rows = list(_rows(given.set, name))
            passed = [row for row in rows if not _why(row["words"], (), vocabulary)]
            print(f"  {name}: let through {len(passed)} of {len(rows)}")
            print(*[f"    {row['language']}: {row['words']}" for row in passed], sep="\n", end="\n" if passed else "")
        rows = [row for row in _rows(given.set, "harmless") if row["language"] in languages]
        refused = [row for row in rows if _why(row["words"], tuple(_values(row["params"])), vocabulary) == FOREIGN]
        print(f"  harmless: refused for the language alone {len(refused)} of {len(rows)}")
        print(*[f"    {row['words']}" for row in refused], sep="\n", end="\n" if refused else "")
        for file, key in PUBLIC:
            _public(file, key, vocabulary)


def _public(file: str, key: str, vocabulary: Vocabulary) -> None:
    texts = sorted({row[key] for row in shared(file) if not row.get("attack")})
    random.Random(1).shuffle(texts)
    began = time.process_time()
    refused = [text for text in texts if _why(text, (), vocabulary) == FOREIGN]
    spent = (time.process_time() - began) / len(texts)
    share = f"{len(refused)} of {len(texts)} = {len(refused) / len(texts):.2%}"
    print(f"  {file}: refused for the language alone {share}, {spent * 1e6:.0f} us each")


def _why(text: str, expected: tuple[str, ...], vocabulary: Vocabulary) -> str:
    return unreadable_reason(text, fold_text(text).text, expected=expected, vocabulary=vocabulary)


def _rows(folder: Path, name: str) -> Iterator[dict[str, Any]]:
    path = folder / f"{name}.jsonl"
    path = path if path.is_file() else folder / f"{name}.aside.jsonl"
    return map(json.loads, path.read_text("utf-8").splitlines())


def _values(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for one in value.values():
            yield from _values(one)
    elif isinstance(value, list):
        for one in value:
            yield from _values(one)
    else:
        yield str(value)


if __name__ == "__main__":
    main()
