"""Count the messages at the agents' door that reach the case, are left out, held or refused.

Usage: python bench/words_at_doors.py [--sets DIR] [--model] [--beyond refuse|strip|hold] [--languages en de] [--show]; reads
`escalations*`, `harmless*`, `foreign*` and `mixed_foreign*` (`.jsonl`) there. Each message goes along with its ask at a desk of
its starter pack, under a mandate for exactly that ask; those without an ask go along with a look at an order.
"""

import argparse
import json
import logging
from collections import Counter, defaultdict
from copy import deepcopy
from pathlib import Path
from typing import Any

from officers_texts import PACKS, SETS, add_named, opened, pack_facts
from remit.adapters.files.catalogue import read_files
from remit.sandbox import Sandbox, SandboxReply

KINDS = ("escalations", "harmless", "foreign", "mixed_foreign")
DEFAULT_ASK = {"pack": "consumer", "action": "order.read", "params": {"order_id": "W1001"}}
_FEW = 5
"""Messages at one desk: refused ones raise the risk of their record, until it holds the next task."""
WAYS = ("through", "stripped", "held", "refused", "other")


def main() -> None:
    """Print a table for each set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=Path, default=SETS)
    parser.add_argument("--model", action="store_true", help="with the small local model (needs the extra `words`)")
    parser.add_argument("--beyond", default="refuse", choices=("refuse", "strip", "hold"))
    parser.add_argument("--languages", nargs="+", default=["en", "de"])
    parser.add_argument("--show", action="store_true", help="show each message with its way")
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)
    words: dict[str, Any] = {"beyond": given.beyond, "languages": given.languages}
    if given.beyond == "hold":
        words["officer"] = "billing"
    if given.model:
        words["model"] = "minilm"
    for kind in KINDS:
        for path in sorted(given.sets.glob(f"{kind}*.jsonl")):
            lines = path.read_text(encoding="utf-8").splitlines()
            _report(
                path.name, _sent([DEFAULT_ASK | json.loads(line) for line in lines if line], words), show=given.show
            )


def _report(name: str, found: list[tuple[dict[str, Any], str, str]], *, show: bool) -> None:
    ways = Counter(way for _, way, _ in found)
    print(f"== {name}: {len(found)} messages; " + ", ".join(f"{way} {ways[way] / len(found):.1%}" for way in WAYS))
    table: dict[str, Counter[str]] = defaultdict(Counter)
    for message, way, _ in found:
        table[message.get("class") or message.get("category") or ""][way] += 1
        table[f"language {message['language']}" if message["language"] in {"en", "de"} else ""][way] += 1
    for kind, counted in sorted(table.items()):
        if kind:
            print(f"  {kind:26}" + "  ".join(f"{way} {counted[way]:3}" for way in WAYS))
    for message, way, code in found if show else ():
        print(f"    {way:9}{code:24}{message['id']}: {message['words']}")


def _sent(messages: list[dict[str, Any]], words: dict[str, Any]) -> list[tuple[dict[str, Any], str, str]]:
    found = []
    for pack in sorted({one["pack"] for one in messages}):
        catalogue = deepcopy(
            dict(read_files([PACKS / pack / "catalogue.toml", PACKS / pack / "catalogue.de.toml"], {}))
        )
        seed = json.loads((PACKS / pack / "seed.json").read_text(encoding="utf-8"))
        facts = pack_facts(seed, catalogue)
        mine = [one for one in messages if one["pack"] == pack]
        add_named(facts, mine, catalogue)
        for at in range(0, len(mine), _FEW):
            with Sandbox(catalogue=catalogue, facts=facts, settings={"words": words}) as desk:
                for name, one in seed["customers"].items():
                    desk.customer(name, name=one["name"], email=one["attributes"].get("contact.email", ""))
                for one in mine[at : at + _FEW]:
                    task = opened(desk, one | {"covered": []}, catalogue, facts)
                    found.append((one, *_way(task.ask(one["action"], one["params"], one["words"]))))
    return found


def _way(reply: SandboxReply) -> tuple[str, str]:
    """Return what became of the words, and the code of a refusal; `other`: the ask was refused for another reason."""
    code, words = (*reply.codes, "")[0], str(reply.body.get("words", ""))
    if words in {"stripped", "held"}:
        return words, code
    if code.startswith("words."):
        return "refused", code
    return ("other", code) if reply.refused else ("through", code)


if __name__ == "__main__":
    main()
