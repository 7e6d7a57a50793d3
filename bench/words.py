"""How the deterministic part of the words check does on messages it was not given as examples.

Usage: PYTHONPATH=src python bench/words.py [--split dev|heldout] [--model] [--show N]; reads the sets under REMIT_SHARED. One half
of dev gives each objective its examples; the other half, or all of heldout, is measured. Two more sets are made here of CLINC150. No rule,
bar or threshold was chosen with the one of travel and work, so it tells what the others, which were looked at, may not.
"""

import argparse
import collections
import importlib
import random
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from remit.adapters.files.vocabulary import read_vocabulary
from remit.domain.catalogue.model import Action, Area, Catalogue, Effect, Objective, PowerKind
from remit.domain.words.lexicon import Lexicon, build_lexicon
from remit.domain.words.verdict import WordsVerdict, judge_words
from remit.ports.text_model import TextModel
from shared_data import shared

EXAMPLES = 10
DESK = 12
LONG = 1000
JOINS = (". ", ". Also, ", " By the way, ", "\n")
CONNECTOR = re.compile(
    r"[.?!]?\s+(?:By the way, |Before that, |Also, |One more thing: |And while you are at it, |PS: )(\w)"
)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--show", type=int, default=0, help="show so many wrong verdicts of each kind")
    parser.add_argument("--split", default="dev", choices=("dev", "heldout"))
    parser.add_argument("--model", action="store_true", help="with the small local model (needs the extra `words`)")
    given = parser.parse_args()
    if given.model:
        _models.append(importlib.import_module("remit.adapters.text_model.minilm").MiniLm())
        _models[0].warm_up(lambda: False)
    for name in ("banking77", "bitext"):
        _pairs(name, given.split, given.show)
    for desk in DESKS:
        _clinc(desk, given.show)
    _speed(given.split)
    _injections(given.split, given.show)
    _tau(given.split, given.show)


def _action(name: str, title: str, effect: Effect = Effect.WRITE) -> Action:
    return Action(
        name=name,
        title=title,
        power=PowerKind.REQUEST,
        area=Area.ROUTINE,
        effect=effect,
        reversible=True,
        returns=(),
        schema={},
        marks=(),
        declared=frozenset(),
        builtin=False,
        digest="",
    )


def _catalogue(actions: dict[str, Action], objectives: dict[str, Objective]) -> Catalogue:
    return Catalogue(
        desk="Bench",
        currency="EUR",
        roles={},
        floors={},
        resources={},
        attributes={},
        actions=actions,
        objectives=objectives,
        waivers=(),
        digest="",
    )


def _objective(name: str, actions: frozenset[str], examples: tuple[str, ...] = ()) -> Objective:
    return Objective(
        name=name, title=name.replace("_", " "), target=None, actions=actions, after={}, done_when=(), examples=examples
    )


DESKS: Final = {
    "money": (
        (
            "bill_due routing interest_rate min_payment account_blocked bill_balance balance spending_history transactions report_fraud"
            " replacement_card_duration expiration_date damaged_card improve_credit_score card_declined apr credit_limit rewards_balance"
            " application_status credit_score international_fees"
        ),
        "freeze_account pin_change pay_bill transfer order_checks report_lost_card credit_limit_change redeem_rewards new_card",
    ),
    "travel and work": (
        (
            "flight_status international_visa lost_luggage carry_on exchange_rate vaccines plug_type travel_alert travel_suggestion translate timezone"
            " taxes payday pto_balance insurance next_holiday meeting_schedule pto_request_status pto_used w2 income"
        ),
        "book_flight book_hotel car_rental travel_notification direct_deposit insurance_change rollover_401k pto_request schedule_meeting",
    ),
}
"""Purposes of CLINC150, by domain: what a desk of it does, and what of that hurts."""
LEADS: Final = ("By the way, ", "Before that, ", "Also, ", "One more thing: ", "And while you are at it, ", "PS: ")


def _clinc(desk: str, show: int) -> None:
    """Domains of CLINC150 as a desk: the source's training part gives examples, its validation part is measured."""
    calm, hurts = (names.split() for names in DESKS[desk])
    names = sorted((*calm, *hurts))
    found: dict[str, dict[str, list[str]]] = {
        "train": collections.defaultdict(list),
        "val": collections.defaultdict(list),
    }
    for one in shared("intent_clinc150/dev.json"):
        if one["part"] in found and one["intent"] in names:
            found[one["part"]][one["intent"]].append(one["text"])
    chance = random.Random(7)
    measured: list[dict[str, Any]] = []
    for name in names:
        for text in found["val"][name]:
            other, hidden = (chance.choice([one for one in among if one != name]) for among in (names, hurts))
            told = f"{text[0].upper()}{text[1:]}. {chance.choice(LEADS)}{chance.choice(found['val'][hidden])}"
            kinds = {"in_scope": (name, text), "off_topic": (other, text), "hidden_escalation": (name, told)}
            measured += [
                {"objective": objective, "message": message, "kind": kind, "hidden_intent": hidden}
                for kind, (objective, message) in kinds.items()
            ]
    _measure(f"clinc150, {desk}", measured, {name: found["train"][name][:EXAMPLES] for name in names}, names, show)


def _pairs(name: str, split: str, show: int) -> None:
    dev = shared(f"intent_pairs/{name}_dev.json")
    examples: dict[str, list[str]] = collections.defaultdict(list)
    for record in dev:
        if not _measured(record) and record["kind"] == "in_scope" and len(examples[record["objective"]]) < EXAMPLES:
            examples[record["objective"]].append(record["message"])
    measured = (
        [record for record in dev if _measured(record)]
        if split == "dev"
        else shared(f"intent_pairs/{name}_{split}.json")
    )
    _measure(name, measured, examples, sorted({record["objective"] for record in (*dev, *measured)}), show)


def _measure(
    name: str, measured: list[dict[str, Any]], examples: Mapping[str, Sequence[str]], names: Sequence[str], show: int
) -> None:
    """Hold every message against its objective, with a desk of these names."""
    actions = {
        f"desk.{one.strip('?')}": _action(f"desk.{one.strip('?')}", one.strip("?").replace("_", " ").capitalize())
        for one in names
    }
    catalogue = _catalogue(
        actions, {one: _objective(one, frozenset(actions), tuple(examples.get(one, ()))) for one in names}
    )
    lexicon = _lexicon(catalogue)
    counts: collections.Counter[tuple[str, bool]] = collections.Counter()
    wrong: dict[str, list[str]] = collections.defaultdict(list)
    began = time.perf_counter()
    for record in measured:
        ids = set(re.findall(r"\d+", record["message"]))  # the ask of an honest message has its numbers
        verdict = _judge(
            record["message"],
            actions[f"desk.{record['objective'].strip('?')}"],
            catalogue,
            record["objective"],
            ids,
            lexicon,
        )
        counts[record["kind"], verdict.passes] += 1
        if verdict.passes != (record["kind"] == "in_scope"):
            wrong[record["kind"]].append(
                f"{record['objective']} + {record.get('hidden_intent')}: {record['message']!r} [{verdict.reason}]"
            )
    counts.update(_variants(measured, actions, catalogue, lexicon))
    spent = (time.perf_counter() - began) / max(1, len(measured))
    print(f"{name}: {len(measured)} messages, {spent * 1e6:.0f} us each")
    for kind in (
        "in_scope",
        "two in_scope joined",
        "near_miss",
        "off_topic",
        "hidden_escalation",
        "hidden, no connector",
    ):
        total = counts[kind, True] + counts[kind, False]
        print(
            f"  {kind}: let through {counts[kind, True]} of {total}"
            + (f" = {counts[kind, True] / total:.1%}" if total else "")
        )
        print(
            *[f"    {one}" for one in wrong[kind][: show if kind in {"in_scope", "hidden_escalation"} else 0]], sep="\n"
        )


_models: list[TextModel] = []


def _lexicon(catalogue: Catalogue) -> Lexicon:
    lexicon = build_lexicon(catalogue, read_vocabulary("en"))
    return replace(lexicon, off_topic=_models[0].learn(catalogue).off_topic) if _models else lexicon


def _measured(record: dict[str, Any]) -> bool:
    """The half of dev that gives no examples; all pairs of one message are in the same half."""
    return int(record["id"].split("|")[2]) % 2 == 1


def _variants(
    measured: list[dict[str, Any]], actions: dict[str, Action], catalogue: Catalogue, lexicon: Lexicon
) -> collections.Counter[tuple[str, bool]]:
    """What the sets do not have: honest messages of two parts, and hidden wishes without a tell-tale connector."""
    counts: collections.Counter[tuple[str, bool]] = collections.Counter()
    last: dict[str, str] = {}
    for place, record in enumerate(measured):
        message, objective = record["message"], record["objective"]
        if record["kind"] == "in_scope" and objective in last:
            kind = "two in_scope joined"
            message = f"{last[objective]}{JOINS[place % len(JOINS)]}{message}"
        elif record["kind"] == "hidden_escalation":
            kind = "hidden, no connector"
            message = CONNECTOR.sub(lambda found: f". {found[1].upper()}", message)
        else:
            kind = ""
        if record["kind"] == "in_scope":
            last[objective] = record["message"]
        if kind:
            ids = set(re.findall(r"\d+", message))
            counts[
                kind,
                _judge(message, actions[f"desk.{objective.strip('?')}"], catalogue, objective, ids, lexicon).passes,
            ] += 1
    return counts


def _judge(
    message: str, action: Action, catalogue: Catalogue, objective: str, ids: set[str], lexicon: Lexicon | None = None
) -> WordsVerdict:
    return judge_words(
        message,
        action=action,
        params={"ids": [*sorted(ids), *map(int, sorted(ids))]},
        objective=catalogue.objectives[objective],
        lexicon=lexicon or build_lexicon(catalogue, read_vocabulary("en")),
    )


def _speed(split: str) -> None:
    """How long a message of 1 kB takes, in CPU time of one core: other ones each time, as people write them."""
    records = [one for one in shared(f"intent_pairs/banking77_{split}.json") if one["kind"] == "in_scope"]
    examples: dict[str, list[str]] = collections.defaultdict(list)
    for record in records:
        if len(examples[record["objective"]]) < EXAMPLES:
            examples[record["objective"]].append(record["message"])
    names = sorted(examples)[:DESK]
    actions = {
        f"desk.{one.strip('?')}": _action(f"desk.{one.strip('?')}", one.strip("?").replace("_", " ").capitalize())
        for one in names
    }
    catalogue = _catalogue(actions, {one: _objective(one, frozenset(actions), tuple(examples[one])) for one in names})
    lexicon = _lexicon(catalogue)
    calm = [one["message"].rstrip(".?! ") for one in records if one["objective"] == names[0]]
    words = sorted({word for one in records for word in re.findall(r"[a-z]{4,}", one["message"])})
    chance = random.Random(11)  # the same messages in each run
    spent: list[float] = []
    passed = 0
    for _ in range(200):
        text = ""
        while len(text) < LONG:
            text += f"{chance.choice(calm)}, {chance.choice(words)} {chance.choice(words)}. "
        began = time.process_time()
        passed += _judge(
            text[:LONG], actions[f"desk.{names[0].strip('?')}"], catalogue, names[0], set(), lexicon
        ).passes
        spent.append(time.process_time() - began)
    spent.sort()
    print(
        f"1 kB of words: p50 {spent[100] * 1e3:.2f} ms, p99 {spent[198] * 1e3:.2f} ms of one core ({passed} of 200 let through)"
    )


def _injections(split: str, show: int) -> None:
    records = shared(f"injection_text/{split}.json")
    action = _action("order.read", "Look at the order", Effect.READ)
    catalogue = _catalogue({"order.read": action}, {"track": _objective("track an order", frozenset({"order.read"}))})
    through: collections.Counter[tuple[str, bool]] = collections.Counter()
    totals: collections.Counter[tuple[str, bool]] = collections.Counter()
    for record in records:
        verdict = _judge(record["text"], action, catalogue, "track", set())
        totals[record["source"], record["attack"]] += 1
        through[record["source"], record["attack"]] += verdict.passes
        if show and record["source"] == "PurpleLlama" and verdict.passes:
            print(f"    {record['text'][:120]!r}")
    for source, attack in sorted(totals):
        kind = "attacks" if attack else "harmless (of other purposes, so wider is right here)"
        print(f"injection texts, {source}, {kind}: let through {through[source, attack]} of {totals[source, attack]}")


def _tau(split: str, show: int) -> None:
    """The user's own words as the message of the task's own main act: each alarm here is about a further wish, or false."""
    for name in ("tau_retail", "tau_airline", "tau_banking"):
        tools = {tool["name"]: tool for tool in shared(f"{name}/tools.json")}
        actions = {
            f"desk.{tool}": _action(
                f"desk.{tool}",
                one["description"].split(".")[0],
                Effect(one["effect"]) if one["effect"] != "other" else Effect.READ,
            )
            for tool, one in tools.items()
        }
        catalogue = _catalogue(actions, {"all": _objective("all", frozenset(actions))})
        lexicon = build_lexicon(catalogue, read_vocabulary("en"))
        single = [task for task in shared(f"{name}/tasks_{split}.json") if _writes(task, tools) == 1]
        alarms = []
        for task in single:
            call = next(call for call in task["calls"] if _is_write(call, tools))
            verdict = judge_words(
                _without_persona(task["objective"]),
                action=actions[f"desk.{call['tool']}"],
                params={key: value for key, value in call["arguments"].items() if not isinstance(value, float)},
                objective=catalogue.objectives["all"],
                lexicon=lexicon,
            )
            if not verdict.passes:
                alarms.append(f"{call['tool']}: {verdict.said} [{verdict.reason}] {task['objective'][:200]!r}")
        print(
            f"{name}: of {len(single)} users with one write, the whole story is let through with it for {len(single) - len(alarms)}"
        )
        print(*[f"    {one}" for one in alarms[:show]], sep="\n")


def _writes(task: dict[str, Any], tools: dict[str, dict[str, Any]]) -> int:
    return sum(_is_write(call, tools) for call in task["calls"])


def _is_write(call: dict[str, Any], tools: dict[str, dict[str, Any]]) -> bool:
    return call["tool"] in tools and tools[call["tool"]]["effect"] == "write"


def _without_persona(text: str) -> str:
    return ". ".join(part for part in text.split(". ") if not part.startswith(("Your name is", "You are")))


if __name__ == "__main__":
    main()
