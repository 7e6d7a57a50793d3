"""Running one set under one level of delegation, and scoring it.

Each case comes from an agent of an operator of its own: what one case did must not be held against the next.
"""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from remit.sandbox import Sandbox, SandboxReply, SandboxTask
from replay_desk import ReplaySet, breaks_schema, catalogue, facts, unknown_to_desk
from replay_mandates import mandate

_CASES_A_DESK: Final = 200
RAN: Final = "ran"
HELD: Final = "held"
REFUSED: Final = "refused"


@dataclass(kw_only=True)
class Tally:
    """What is counted while running."""

    left_out: int = 0
    calls: int = 0
    ask_s: float = 0.0
    cases: int = 0
    case_s: float = 0.0
    requests: int = 0


def replay(found: ReplaySet, level: str, *, limit: int = 0) -> dict[str, Any]:
    """Run the legitimate tasks, then the attacks; returns the figures."""
    tasks = found.tasks[:limit] if limit else found.tasks
    known = {task["id"]: task for task in tasks}
    attacks = [attack for attack in found.attacks if attack["task"] in known]
    sound = [task for task in tasks if not breaks_schema(found, task)]
    tally = Tally(left_out=len(tasks) - len(sound))
    done = list(_legitimate(found, sound, level, tally))
    fought = list(_attacked(found, known, attacks, level, tally))
    return _report(found, level, done, fought, tally)


def _legitimate(found: ReplaySet, tasks: Sequence[dict[str, Any]], level: str, tally: Tally) -> Iterator[dict[str, Any]]:
    for desk, task, opened, customer in _desks(found, [(task, task) for task in tasks], level, tally):
        del desk
        out: dict[str, Any] = {"id": task["id"], "lost": [], "silent": [], "asked": 0, "reference": 0, "not_found": 0}
        for call in task["calls"]:
            if call.get("desk"):
                continue
            out["reference"] += call["expected"] == "required"
            reply = _send(found, opened, call, tally)
            if reply.needs_human:
                out["asked"] += 1
                reply = customer.confirm(reply)
            elif reply.decision == "permit" and call["expected"] == "required":
                out["silent"].append(call["tool"])
            if reply.refused and unknown_to_desk(found, call):
                out["not_found"] += 1
            elif _stage(reply) != RAN:
                out["lost"].append({"call": call["tool"], "arguments": call["arguments"], **_said(reply)})
        opened.complete()
        yield out


def _attacked(
    found: ReplaySet, known: Mapping[str, dict[str, Any]], attacks: Sequence[dict[str, Any]], level: str, tally: Tally
) -> Iterator[dict[str, Any]]:
    for _, attack, opened, _ in _desks(found, [(known[attack["task"]], attack) for attack in attacks], level, tally):
        replies = [_send(found, opened, call, tally) for call in attack["calls"]]
        yield {
            "id": attack["id"],
            "kind": attack["kind"],
            "expected": attack["expected"][level],
            "stages": [_stage(reply) for reply in replies],
            "said": [_said(reply) for reply in replies],
            "calls": attack["calls"],
        }


def _desks(
    found: ReplaySet, cases: Sequence[tuple[dict[str, Any], dict[str, Any]]], level: str, tally: Tally
) -> Iterator[tuple[Sandbox, dict[str, Any], SandboxTask, Any]]:
    """Each case with a fresh delegation and a task open under it."""
    shown = catalogue(found)
    known = facts(found)
    for start in range(0, len(cases), _CASES_A_DESK):
        with Sandbox(shown, facts=known) as desk:
            for place, (task, case) in enumerate(cases[start : start + _CASES_A_DESK]):
                began = time.perf_counter()
                customer = desk.customer(task["principal"])
                agent = desk.agent(f"spiffe://operator-{place}.example/agent")
                opened = agent.open(customer.grant(agent, mandate(found, task["delegations"][level])))
                yield desk, case, opened, customer
                tally.cases += 1
                tally.case_s += time.perf_counter() - began
            tally.requests += desk.requests


def _send(found: ReplaySet, opened: SandboxTask, call: Mapping[str, Any], tally: Tally) -> SandboxReply:
    began = time.perf_counter()
    reply = opened.ask(found.action(call["tool"]), call["arguments"])
    tally.ask_s += time.perf_counter() - began
    tally.calls += 1
    return reply


def _stage(reply: SandboxReply) -> str:
    if reply.needs_human:
        return HELD
    return RAN if reply.decision == "permit" else REFUSED


def _said(reply: SandboxReply) -> dict[str, Any]:
    return {"decision": reply.decision, "codes": list(reply.codes), "detail": reply.body.get("detail", "")}


def _report(found: ReplaySet, level: str, done: list[dict[str, Any]], fought: list[dict[str, Any]], tally: Tally) -> dict[str, Any]:
    scored = [one for one in fought if one["expected"] != "allow"]
    denies = [one for one in fought if one["expected"] == "deny"]
    silent = sum(len(task["silent"]) for task in done)
    kept = [task for task in done if not task["lost"]]
    asked, reference = sum(task["asked"] for task in done), sum(task["reference"] for task in done)
    wrong: list[Any] = [task for task in done if task["lost"] or task["silent"]]
    wrong += [one for one in scored if _all(one, RAN) or (one["expected"] == "deny" and REFUSED not in one["stages"])]
    return {
        "set": found.name,
        "level": level,
        "tasks": len(done),
        "left_out": tally.left_out,
        "attacks": len(fought),
        "tasks_done": _share(len(kept), len(done)),
        "calls_not_found": sum(task["not_found"] for task in done),
        "silent_high": silent,
        "asks_a_task": asked / max(1, len(done)),
        "reference_asks_a_task": reference / max(1, len(done)),
        "ran_silently": _share(sum(_all(one, RAN) for one in scored), len(scored)),
        "ran_or_held": _share(sum(_all(one, RAN, HELD) for one in scored), len(scored)),
        "should_deny_denied": _share(sum(REFUSED in one["stages"] for one in denies), len(denies)),
        "ran_of_all": _share(sum(_all(one, RAN) for one in fought), len(fought)),
        "by_kind": _by_kind(fought),
        "calls": tally.calls,
        "calls_a_second": tally.calls / max(tally.ask_s, 1e-9),
        "case_ms": 1000 * tally.case_s / max(1, tally.cases),
        "requests": tally.requests,
        "wrong": wrong,
    }


def _by_kind(fought: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
    kinds: dict[str, Counter[str]] = {}
    for one in fought:
        what = "refused" if REFUSED in one["stages"] else "ran" if _all(one, RAN) else "held"
        kinds.setdefault(one["kind"], Counter()).update(("all", f"should {one['expected']}", what))
    order = ("all", "should deny", "should confirm", "should allow", "refused", "held", "ran")
    return {kind: {what: row[what] for what in order} for kind, row in sorted(kinds.items())}


def _all(one: Mapping[str, Any], *stages: str) -> bool:
    return all(stage in stages for stage in one["stages"])


def _share(part: int, whole: int) -> dict[str, float | int | None]:
    return {"count": part, "of": whole, "percent": round(100 * part / whole, 2) if whole else None}
