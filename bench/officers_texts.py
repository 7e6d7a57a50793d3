"""How many officers' texts that tell too much leave, and how many ordinary ones are blocked, at the officers' own door.

Usage: python bench/officers_texts.py [--sets DIR] [--show]; reads `outbound*.jsonl`, `officer*.jsonl` and
`override_attacks.jsonl` there. Each text is sent as a reply in a case of its own: the ordinary ones at a desk of their
starter pack with its own facts, under a mandate for their action and the attributes they name; the others at one desk
whose customer has the uncovered values. Its officer may override: what is held is sent again with a reason, and with
what the check of a text was bound to that may be overridden.
"""

import argparse
import contextlib
import itertools
import json
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from remit import packs
from remit.adapters.files.catalogue import read_files
from remit.client.errors import Miswritten, Refused
from remit.sandbox import Sandbox, SandboxTask

PACKS = Path(str(packs.__path__[0]))
SETS = Path(__file__).parent / "sets"
CONTACTS = [
    "https://www.acme.example/returns",
    "https://www.acme.example/help",
    "https://www.meridianbank.example/forms",
    "https://it.northwind.example/mfa",
    "https://hr.northwind.example",
    "0800 555 0140",
    "0800 555 0190",
    "4400",
]
_FEW = 5
"""Texts at one desk: asks that the desk refuses raise the risk of their record, until it holds the next task."""
_REASON = "The customer asked for it on the phone."
_agents = itertools.count()
SETTINGS = {"words": {"contacts": CONTACTS}}


def main() -> None:
    """Print what left and what was blocked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=Path, default=SETS)
    parser.add_argument("--show", action="store_true", help="show the texts on the wrong side")
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)
    for path in sorted(given.sets.glob("outbound*.jsonl")):
        sent = [*_leaking(_read(path))]
        _report(path.name, "left", [(one["how"], one, not held) for one, held in sent], show=given.show)
        _report(
            path.name, "left by an override", [(one["how"], one, one["overridden"]) for one, _ in sent], show=given.show
        )
    for path in sorted(given.sets.glob("override*.jsonl")):
        found = [(one["how"], one, left) for one, left in _overriding(_read(path))]
        _report(path.name, "left by an override", found, show=given.show)
    whole: list[tuple[str, dict[str, Any], bool]] = []
    for path in sorted(given.sets.glob("officer*.jsonl")):
        found = [(f"{one['pack']}, {one['language']}", one, held) for one, held in _ordinary(_read(path))]
        _report(path.name, "blocked", found, show=given.show)
        whole += [(one["reason"], one, held) for _, one, held in found if "traps" not in path.name]
        narrow = [(one["reason"], one, held) for one, held in _ordinary(_read(path), covered=False)]
        _report(f"{path.name}, the agent may be told nothing", "blocked", narrow, show=given.show)
    _report("ordinary sentences of both halves, by the reason", "blocked", whole, show=False)


def _read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def _report(name: str, said: str, found: list[tuple[str, dict[str, Any], bool]], *, show: bool) -> None:
    wrong = [one for one in found if one[2]]
    print(f"== {name}: {len(wrong)} of {len(found)} {said} ({len(wrong) / max(1, len(found)):.1%})")
    every, kinds = Counter(kind for kind, _, _ in found), Counter(kind for kind, _, _ in wrong)
    for kind, count in sorted(kinds.items()):
        print(f"  {kind}: {count} of {every[kind]}")
    for _, text, _ in wrong if show else ():
        print(f"    {text['id']}: {text['text']}  {text.get('held', '')}")


def _post(desk: Sandbox, task: SandboxTask, body: dict[str, Any]) -> dict[str, Any]:
    """Send a reply, or try to, as an officer who may override where the desk lets anybody."""
    roles = desk.desk.context.catalogue.roles if desk.desk else {}
    officer = desk.officer("olga", roles=[next(iter(roles))])
    path = f"/desk/v1/cases/{task.case}/reply"
    answer: dict[str, Any] = desk.room.raw("POST", path, body, cookie=officer.cookie, check=False).json()
    return answer


def _sent(desk: Sandbox, task: SandboxTask, one: dict[str, Any], text: str) -> bool:
    """Send a reply; return whether any of it was held. What was held, and whether an override sends it, is noted."""
    body = _post(desk, task, {"text": text})
    if body.get("code") not in {None, "reply.withheld"}:
        raise SystemExit(f"{text!r}: {body}")
    marks = body.get("held", ())
    one["held"] = "; ".join(
        f"{held['why']} {held.get('name', '')}: {text[held['start'] : held['end']]}" for held in marks
    )
    one["reason"] = ", ".join(sorted({held["why"] for held in marks}))
    one["overridden"] = body.get("code") is not None and _overrides(
        desk, task, text, body.get("override", {}).get("check", "none")
    )
    return body.get("code") is not None


def _overrides(desk: Sandbox, task: SandboxTask, text: str, check: str) -> bool:
    body = _post(desk, task, {"text": text, "override": {"reason": _REASON, "check": check}})
    if body.get("code") not in {None, "reply.withheld", "person.not_allowed"}:
        raise SystemExit(f"{text!r}: {body}")
    return body.get("code") is None


def _leaking(texts: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], bool]]:
    """Send texts that tell too much: facts, a customer and another one of each text's own."""
    names = {name.removeprefix("other.") for one in texts for name in one["uncovered"]} | {"identity.name"}
    kinds = {name.removesuffix("_id") for name in names if name.endswith("_id")} | {"order"}
    attributes = {name: {"title": name, "sensitive": True} for name in sorted(names) if not name.endswith("_id")}
    catalogue = {
        "desk": {"name": "Bench", "currency": "EUR"},
        "role": {"billing": {"title": "Billing officer", "may_override": True}},
        "resource": {kind: {"title": kind} for kind in sorted(kinds)},
        "attribute": {**attributes, "order.status": {"title": "state of the order"}},
        "action": {
            "order.read": {
                "title": "Look at order {order_id}",
                "power": "receive",
                "area": "routine",
                "effect": "read",
                "returns": ["order.status"],
                "params": {
                    "properties": {"order_id": {"type": "string", "x-resource": "order"}},
                    "required": ["order_id"],
                },
            }
        },
        "objective": {
            "track": {
                "title": "Find an order",
                "target": "order",
                "actions": ["order.read"],
                "examples": ["where is it?"],
            }
        },
    }
    with Sandbox(catalogue=catalogue, settings=SETTINGS) as desk:
        for number, one in enumerate(texts):
            own, other = f"own{number}", f"other{number}"
            values = {name: value for name, value in one["uncovered"].items() if not name.startswith("other.")}
            others = {n.removeprefix("other."): v for n, v in one["uncovered"].items() if n.startswith("other.")}
            owners = {kind: {others.pop(f"{kind}_id", f"B{number}"): other} for kind in kinds}
            owners["order"][f"A{number}"] = own
            desk.replace_facts({"owners": owners, "attributes": {"customer": {own: values, other: others}}})
            if "identity.name" in others:
                desk.customer(other, name=others["identity.name"])
            customer = desk.customer(own, name=values.get("identity.name", ""))
            task = _task(desk, customer, "track", {"order": [f"A{number}"]}, ["order.status"], {})
            for before in one["earlier"]:
                _post(desk, task, {"text": before})
            yield one, _sent(desk, task, one, one["text"])


_FACTS = {
    "owners": {"order": {"W1": "anna", "W2": "anna", "W9": "bram"}, "payment_method": {"pm_1": "anna"}},
    "attributes": {
        "order": {
            "W1": {
                "order.status": "delivered",
                "order.total": "431.77 EUR",
                "order.shipping_address": "Lindenweg 4, 20095 Hamburg",
            },
            "W9": {"order.total": "77.10 EUR", "order.shipping_address": "Kantstraat 5, 1012 AB Utrecht"},
        },
        "customer": {
            "anna": {
                "identity.name": "Anna Berg",
                "identity.birth_date": "1988-04-17",
                "contact.email": "anna@mail.example",
                "contact.phone": "+49 40 5550100",
                "account.credit": "12.34 EUR",
            },
            "bram": {
                "identity.name": "Bram de Vos",
                "identity.birth_date": "1979-11-02",
                "contact.email": "bram@mail.example",
            },
        },
    },
}
_PLAIN = "The total was 431.77 EUR."


def _overriding(texts: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], bool]]:
    """Override each text, beside a value that may be overridden: with its own check, and with that value's alone."""
    catalogue = deepcopy(dict(read_files([PACKS / "consumer" / "catalogue.toml"], {})))
    for role in catalogue["role"].values():
        role["may_override"] = True
    for at in range(0, len(texts), _FEW):
        with Sandbox(catalogue=catalogue, facts=_FACTS, settings=SETTINGS) as desk:
            desk.customer("bram", name="Bram de Vos", email="bram@mail.example")
            for one in texts[at : at + _FEW]:
                task = _task(
                    desk,
                    desk.customer("anna", name="Anna Berg", email="anna@mail.example"),
                    "correct-order",
                    {"order": ["W2"]},
                    ["order.status"],
                    {"order.change_address": {"order_id": "W2", "address": "Ulmenallee 27, 22609 Hamburg"}},
                    never=[{"power": "receive", "attributes": ["account.*"]}],
                )
                task.ask("order.change_address", {"order_id": "W2", "address": "Ulmenallee 27, 22609 Hamburg"})
                plain = _post(desk, task, {"text": _PLAIN})
                held = _sent(desk, task, one, one["text"])
                left = not held or one["overridden"] or _overrides(desk, task, one["text"], plain["override"]["check"])
                yield one, left


def _ordinary(texts: list[dict[str, Any]], *, covered: bool = True) -> Iterator[tuple[dict[str, Any], bool]]:
    """Send ordinary texts, each pack's at a desk of it; without `covered`, under mandates that receive no attribute."""
    texts = texts if covered else [{**one, "covered": []} for one in texts]
    for pack in sorted({one["pack"] for one in texts}):
        catalogue = deepcopy(dict(read_files([PACKS / pack / "catalogue.toml"], {})))
        seed = json.loads((PACKS / pack / "seed.json").read_text(encoding="utf-8"))
        facts = pack_facts(seed, catalogue)
        add_named(facts, [one for one in texts if one["pack"] == pack], catalogue)
        mine = [one for one in texts if one["pack"] == pack]
        for at in range(0, len(mine), _FEW):
            with Sandbox(catalogue=catalogue, facts=facts, settings=SETTINGS) as desk:
                for name, one in seed["customers"].items():
                    desk.customer(name, name=one["name"], email=one["attributes"].get("contact.email", ""))
                for one in mine[at : at + _FEW]:
                    yield one, _sent(desk, _asked(desk, one, catalogue, facts), one, one["text"])


def _asked(desk: Sandbox, one: dict[str, Any], catalogue: Mapping[str, Any], facts: Mapping[str, Any]) -> SandboxTask:
    """Open the case of an ordinary text, and make its ask there."""
    task = opened(desk, one, catalogue, facts)
    with contextlib.suppress(Refused, Miswritten):  # not every example fits the seed; the text is an ordinary one still
        task.ask(one["action"], one["params"])
    return task


def opened(desk: Sandbox, one: dict[str, Any], catalogue: Mapping[str, Any], facts: Mapping[str, Any]) -> SandboxTask:
    """Open a task in which the ask of a line may be made."""
    owners, action, params = facts["owners"], one["action"], one["params"]
    values = [value for value in params.values() if isinstance(value, str)]
    owning = {owner[0] for kind in owners.values() for name, owner in kind.items() if name in values and owner}
    customer = min(owning) if owning else next(iter(facts["attributes"]["customer"]))
    named = {
        kind: [value for value in values if value in ids and (customer in ids[value] or not ids[value])]
        for kind, ids in owners.items()
    }
    fitting = [(name, each) for name, each in catalogue["objective"].items() if action in each["actions"]]
    name, objective = next(
        ((name, each) for name, each in fitting if each.get("target") is None or named.get(each["target"])), fitting[0]
    )
    target = {}
    if kind := objective.get("target"):
        target = {kind: named.get(kind) or [next(i for i, o in owners[kind].items() if customer in o or not o)]}
    return _task(desk, desk.customer(customer), name, target, one["covered"], {action: params})


def _task(
    desk: Sandbox,
    customer: Any,
    objective: str,
    target: Mapping[str, Any],
    covered: list[str],
    actions: Mapping[str, Mapping[str, Any]],
    *,
    never: Sequence[Mapping[str, Any]] = (),
) -> SandboxTask:
    powers: list[dict[str, Any]] = [{"power": "represent"}]
    if covered:
        powers.append({"power": "receive", "attributes": covered})
    for action, params in actions.items():
        power = desk.desk.context.catalogue.actions[action].power.value if desk.desk else "request"
        if power != "receive":
            where = {name: {"equals": value} for name, value in params.items() if name not in {"text", "reason"}}
            powers.append({"power": power, "actions": [action], "where": where})
        elif not covered:
            powers.append({"power": power, "actions": [action]})
    wanted = {
        "type": "remit_mandate",
        "objective": {"type": objective, "summary": "bench", **({"target": dict(target)} if target else {})},
        "powers": powers,
        "never": [dict(one) for one in never],
    }
    agent = desk.agent(f"spiffe://helper{next(_agents)}.example/shop")  # risk of one text does not count for the next
    return agent.open(customer.grant(agent, wanted))


def add_named(facts: dict[str, Any], texts: list[dict[str, Any]], catalogue: Mapping[str, Any]) -> None:
    """Add records that texts name and the seed does not have, and one of each kind for who has none."""
    owners, customers = facts["owners"], list(facts["attributes"]["customer"])
    for one in texts:
        for name, schema in catalogue["action"][one["action"]].get("params", {}).get("properties", {}).items():
            if (kind := schema.get("x-resource")) and isinstance(value := one["params"].get(name), str):
                owners.setdefault(kind, {}).setdefault(value, customers[:1])
    for kind, each in catalogue["resource"].items():
        owned = {owner for owner_list in owners.setdefault(kind, {}).values() for owner in owner_list}
        for customer in () if each.get("public") else customers:
            if customer not in owned:
                owners[kind][f"{kind}-{customer}"] = [customer]


def pack_facts(seed: Mapping[str, Any], catalogue: Mapping[str, Any]) -> dict[str, Any]:
    """Return a pack's seed as facts of the sandbox."""
    owners: dict[str, dict[str, Any]] = {}
    attributes: dict[str, dict[str, Any]] = {"customer": {n: one["attributes"] for n, one in seed["customers"].items()}}
    today = datetime.now(tz=UTC).date()
    for record in seed["records"]:
        kind, own = record["kind"], record["id"]
        if kind in catalogue["resource"]:
            owners.setdefault(kind, {})[own] = record["owners"]
        values = {f"{kind}.{name}": value for name, value in record["data"].items()}
        for name, value in values.items():
            if isinstance(value, dict) and "days" in value:
                values[name] = (today + timedelta(days=value["days"])).isoformat()
        known = {name: value for name, value in values.items() if name in catalogue["attribute"]}
        if kind in catalogue["resource"] and known:
            attributes.setdefault(kind, {})[own] = known
    return {"owners": owners, "attributes": attributes}


if __name__ == "__main__":
    main()
