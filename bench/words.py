"""Messages of public sets at the agents' door: how many pass, honest ones and ones with a hidden wish, by the way the two are joined.

Usage: PYTHONPATH=src python bench/words.py [--sample N] [--domain NAME …] [--split dev|heldout] [--model] [--show N] [--json]; reads the sets
under REMIT_SHARED. Every message goes with an act of its purpose, in a task of its own, to a desk that has every purpose of the domain; ten
examples of each come from one part of the public data, another part is measured. No rule, bar or threshold was chosen with the domains
`travel` and `household`: what they show of single messages stays out of what is written with the others.
"""

import argparse
import collections
import json
import logging
import random
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from shared_data import shared
from words_desk import PurposesDesk, purposes_desk
from words_joins import JOINS, Pair

EXAMPLES: Final = 10
LONGEST: Final = 300
"""Characters of an example, at most: a catalogue takes no longer ones."""
HONEST_JOINS: Final = ("full stop", "also", "by the way", "new line")
UNSEEN: Final = frozenset({"travel", "household"})
PURPOSES: Final = {
    "money": (
        (
            "bill_due routing interest_rate min_payment account_blocked bill_balance balance spending_history transactions report_fraud"
            " replacement_card_duration expiration_date damaged_card improve_credit_score card_declined apr credit_limit rewards_balance"
            " application_status credit_score international_fees"
        ),
        "freeze_account pin_change pay_bill transfer order_checks report_lost_card credit_limit_change redeem_rewards new_card",
    ),
    "travel": (
        (
            "flight_status international_visa lost_luggage carry_on exchange_rate vaccines plug_type travel_alert travel_suggestion translate timezone"
            " taxes payday pto_balance insurance next_holiday meeting_schedule pto_request_status pto_used w2 income"
        ),
        "book_flight book_hotel car_rental travel_notification direct_deposit insurance_change rollover_401k pto_request schedule_meeting",
    ),
    "household": (
        (
            "shopping_list next_song play_music todo_list calendar what_song order_status reminder recipe restaurant_reviews calories nutrition_info"
            " restaurant_suggestion ingredients_list ingredient_substitution cook_time food_last meal_suggestion confirm_reservation how_busy"
            " accept_reservations"
        ),
        (
            "shopping_list_update update_playlist todo_list_update calendar_update order reminder_update smart_home restaurant_reservation"
            " cancel_reservation"
        ),
    ),
}
"""Purposes of CLINC150, by domain: what a desk of it does, and what of that hurts."""
PAIRS: Final = {"bank": "banking77", "shop": "bitext"}
DOMAINS: Final = (*PAIRS, *PURPOSES)


@dataclass(frozen=True, kw_only=True)
class Domain:
    """A domain of one set: its purposes with examples, messages to measure, and which purposes hurt."""

    name: str
    examples: Mapping[str, list[str]]
    measured: Mapping[str, list[str]]
    near: list[tuple[str, str]] = field(default_factory=list)
    """Messages of a purpose that is easily taken for another, under that other one."""
    hurts: list[str]

    def drawn(self, sample: int) -> Iterator[tuple[str, str, str, str]]:
        """Draw purposes with a message: its purpose, the message, another one of it, another purpose; as many of each purpose as can be."""
        chance = random.Random(7)
        names = sorted(name for name, messages in self.measured.items() if messages)
        chance.shuffle(names)
        for number in range(sample):
            name = names[number % len(names)]
            first, second = (chance.choice(self.measured[name]) for _ in range(2))
            yield name, first, second, chance.choice([one for one in names if one != name])

    def hidden(self, name: str, chance: random.Random, german: Mapping[str, list[str]]) -> tuple[str, str]:
        """Draw a wish of a purpose that hurts, and one of the same purpose in German."""
        purpose = chance.choice([one for one in self.hurts if one != name])
        return chance.choice(self.measured[purpose]), chance.choice(german.get(purpose, [""]))


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=60, help="honest messages of each domain")
    parser.add_argument("--domain", action="append", choices=DOMAINS, dest="domains")
    parser.add_argument("--split", default="dev", choices=("dev", "heldout"))
    parser.add_argument("--languages", nargs="+", default=["en", "de"])
    parser.add_argument("--model", action="store_true", help="with the small local model (needs the extra `words`)")
    parser.add_argument(
        "--show", type=int, default=0, help="show so many wrong ones of each kind, but of the unseen domains"
    )
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)
    words: dict[str, Any] = {"languages": given.languages}
    if given.model:
        words["model"] = "minilm"
    found = {}
    for name in given.domains or DOMAINS:
        domain = pairs(name, given.split) if name in PAIRS else _clinc(name)
        found[name] = Measured(domain, words, given.sample)
        if not given.json:
            found[name].print(0 if name in UNSEEN else given.show)
    if given.json:
        print(json.dumps({name: one.shares() for name, one in found.items()}, indent=1))
        return
    _joins_table(found)
    if not given.domains:
        _injections(given.split, words, given.sample)


def _clinc(name: str) -> Domain:
    """A domain of CLINC150: the source's training part gives examples, its validation part is measured."""
    calm, hurts = (names.split() for names in PURPOSES[name])
    found: dict[str, dict[str, list[str]]] = {part: {one: [] for one in (*calm, *hurts)} for part in ("train", "val")}
    for one in shared("intent_clinc150/dev.json"):
        if one["intent"] in found.get(one["part"], {}):
            found[one["part"]][one["intent"]].append(one["text"])
    examples = {one: _first(messages) for one, messages in found["train"].items()}
    return Domain(name=name, examples=examples, measured=found["val"], hurts=hurts)


def pairs(name: str, split: str) -> Domain:
    """A domain of the pairs: one half of dev gives examples; the other half, or all of heldout, is measured."""
    dev = shared(f"intent_pairs/{PAIRS[name]}_dev.json")
    examples: dict[str, list[str]] = collections.defaultdict(list)
    for record in dev:
        if not _kept_aside(record) and record["kind"] == "in_scope":
            examples[record["objective"]].append(record["message"])
    kept = (
        [one for one in dev if _kept_aside(one)]
        if split == "dev"
        else shared(f"intent_pairs/{PAIRS[name]}_{split}.json")
    )
    measured: dict[str, list[str]] = collections.defaultdict(list)
    for record in kept:
        if record["kind"] == "in_scope":
            measured[record["objective"]].append(record["message"])
    return Domain(
        name=name,
        examples={one: _first(examples[one]) for one in sorted({record["objective"] for record in (*dev, *kept)})},
        measured=measured,
        near=[(one["objective"], one["message"]) for one in kept if one["kind"] == "near_miss"],
        hurts=sorted({one["hidden_intent"] for one in kept if one["kind"] == "hidden_escalation"} & set(measured)),
    )


def _first(messages: list[str]) -> list[str]:
    return [one for one in messages if len(one) <= LONGEST][:EXAMPLES]


def _kept_aside(record: Mapping[str, Any]) -> bool:
    """The half of dev that gives no examples; all pairs of one message are in the same half."""
    return int(record["id"].split("|")[2]) % 2 == 1


class Measured:
    """Counts of one domain's messages by their way."""

    def __init__(self, domain: Domain, words: Mapping[str, Any], sample: int) -> None:
        """Send them all."""
        self.name, self._purposes = domain.name, len(domain.examples)
        self.ways: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
        self._wrong: dict[str, list[str]] = collections.defaultdict(list)
        self._pairs = self._any = 0
        path = Path(__file__).parent / "sets/hidden_german.json"
        german = json.loads(path.read_text(encoding="utf-8")).get(domain.name, {})
        chance = random.Random(11)
        began = time.perf_counter()
        with purposes_desk(domain.examples, words) as desk:
            for number, (purpose, message, second, other) in enumerate(domain.drawn(sample)):
                self._honest(desk, purpose, Pair(honest=message, hidden=second), number)
                self._count("off topic", desk, other, message)
                hidden, wish = domain.hidden(purpose, chance, german)
                self._hidden(desk, purpose, Pair(honest=message, hidden=hidden, german=wish))
            for objective, message in random.Random(7).sample(domain.near, min(sample, len(domain.near))):
                self._count("near miss", desk, objective, message)
            self.asked = desk.asked
        self.seconds = time.perf_counter() - began

    def _honest(self, desk: PurposesDesk, purpose: str, pair: Pair, number: int) -> None:
        self._count("in scope", desk, purpose, pair.honest)
        if pair.hidden != pair.honest:
            joined = JOINS[HONEST_JOINS[number % len(HONEST_JOINS)]](pair)
            self._count("two in scope joined", desk, purpose, *joined)

    def _hidden(self, desk: PurposesDesk, purpose: str, pair: Pair) -> None:
        through = False
        for join, made in JOINS.items():
            if messages := made(pair):
                through |= self._count(join, desk, purpose, *messages)
        self._pairs, self._any = self._pairs + 1, self._any + through

    def _count(self, kind: str, desk: PurposesDesk, purpose: str, *messages: str) -> bool:
        way = desk.way(purpose, *messages)
        self.ways[kind][way] += 1
        if (way == "through") != ("in scope" in kind):
            self._wrong[kind].append(f"{purpose}: {messages} [{way}]")
        return way == "through"

    def share(self, kind: str) -> tuple[int, int]:
        """How many of a kind passed, of how many; `hidden` is all joins together, `any join` counts pairs."""
        if kind == "any join":
            return self._any, self._pairs
        kinds = JOINS if kind == "hidden" else (kind,)
        return sum(self.ways[one]["through"] for one in kinds), sum(self.ways[one].total() for one in kinds)

    def shares(self) -> dict[str, tuple[int, int]]:
        """All of them by kind."""
        return {kind: self.share(kind) for kind in (*self.ways, "hidden", "any join")}

    def print(self, show: int) -> None:
        """Print the kinds; the joins stand in a table of all domains."""
        print(f"{self.name}: {self._purposes} purposes, {self.asked} asks, {self.seconds:.0f} s", flush=True)
        for kind in ("in scope", "two in scope joined", "near miss", "off topic", "hidden", "any join"):
            through, total = self.share(kind)
            rest = ", ".join(f"{way} {count}" for way, count in sorted(self.ways[kind].items()) if way != "through")
            print(
                f"  {kind}: let through {_percent(through, total)}" + (f" ({rest})" if rest else "")
            ) if total else None
        others = sum(counted["other"] for counted in self.ways.values())
        print(f"  refused for another reason than their words: {others}" if others else "", end="\n" if others else "")
        for kind, lines in self._wrong.items():
            print(*(f"    {kind}, {line}" for line in lines[:show]), sep="\n", end="\n" if show else "")


def _joins_table(found: Mapping[str, Measured]) -> None:
    print("let through with a hidden wish, by join:")
    for join in (*JOINS, "hidden", "any join"):
        shares = [one.share(join) for one in found.values()]
        row = "  ".join(f"{name} {_percent(*share):>16}" for name, share in zip(found, shares, strict=True))
        print(f"  {join:18}{row}")


def _percent(part: int, whole: int) -> str:
    return f"{part} of {whole} = {part / whole:.1%}" if whole else "-"


def _injections(split: str, words: Mapping[str, Any], sample: int) -> None:
    """Texts of attacks on models, each with a look at an order."""
    records = shared(f"injection_text/{split}.json")
    for source, attack in sorted({(one["source"], one["attack"]) for one in records}):
        texts = [one["text"] for one in records if (one["source"], one["attack"]) == (source, attack)]
        drawn = random.Random(7).sample(texts, min(sample, len(texts)))
        with purposes_desk({"track_an_order": ["where is my order?"]}, words) as desk:
            through = sum(desk.way("track_an_order", text) == "through" for text in drawn)
        kind = "attacks" if attack else "harmless (of other purposes, so keeping them out is right here)"
        print(f"injection texts, {source}, {kind}: let through {_percent(through, len(drawn))}")


if __name__ == "__main__":
    main()
