"""Running one set under one level of delegation, and scoring it.

Each case comes from an agent of an operator of its own: what one case did must not be held against the next.
"""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from remit.client import Refused
from remit.sandbox import Sandbox, SandboxAgent, SandboxCustomer, SandboxReply, SandboxTask
from remit.sandbox.replies import refused_reply
from replay_desk import ReplaySet, breaks_schema, catalogue, customer_id, facts, unknown_to_desk
from replay_mandates import mandate
from replay_words import words_for

_CASES_A_DESK: Final = 200
RAN: Final = "ran"
HELD: Final = "held"
REFUSED: Final = "refused"
_BEYOND: Final = frozenset({"words.wider", "words.contradicts", "words.unreadable"})


@dataclass(kw_only=True)
class Tally:
    """What is counted while running."""

    left_out: int = 0
    not_granted: int = 0
    calls: int = 0
    ask_s: float = 0.0
    cases: int = 0
    case_s: float = 0.0
    requests: int = 0
    words: str = "none"
    with_words: int = 0
    words_lost: int = 0
    words_secret: int = 0
    words_left_out: int = 0
    beyond: str = "refuse"


def replay(
    found: ReplaySet, level: str, *, limit: int = 0, words: str = "none", beyond: str = "refuse"
) -> dict[str, Any]:
    """Run the legitimate tasks, then the attacks; returns the figures. `words` says which calls carry what their user said, `beyond` what the desk does with words that say more."""
    tasks = found.tasks[:limit] if limit else found.tasks
    known = {task["id"]: task for task in tasks}
    attacks = [attack for attack in found.attacks if attack["task"] in known]
    sound = [task for task in tasks if not breaks_schema(found, task)]
    tally = Tally(left_out=len(tasks) - len(sound), words=words, beyond=beyond)
    done = list(_legitimate(found, sound, level, tally))
    fought = list(_attacked(found, known, attacks, level, tally))
    return _report(found, level, done, fought, tally)


def _legitimate(
    found: ReplaySet, tasks: Sequence[dict[str, Any]], level: str, tally: Tally
) -> Iterator[dict[str, Any]]:
    for task, opened, customer in _desks(found, [(task, task) for task in tasks], level, tally):
        own = [call for call in task["calls"] if not call.get("desk")]
        reference = sum(call.get("expected") == "required" for call in own)
        out: dict[str, Any] = {
            "id": task["id"],
            "lost": [],
            "silent": [],
            "asked": 0,
            "reference": reference,
            "not_found": 0,
        }
        if isinstance(opened, Refused):
            out["lost"].append({"call": "the delegation itself", "codes": [opened.code], "detail": opened.detail})
        else:
            for call in own:
                _legitimate_call(found, opened, call, customer, tally, out, task)
            _end(opened)
        yield out


def _legitimate_call(
    found: ReplaySet,
    opened: SandboxTask,
    call: Mapping[str, Any],
    customer: SandboxCustomer,
    tally: Tally,
    out: dict[str, Any],
    task: Mapping[str, Any],
) -> None:
    """Send one call, let the customer say yes where asked, and note what went wrong."""
    said = _said_with(found, call, task, tally.words)
    reply = _send(found, opened, call, tally, said)
    tally.with_words += said is not None
    tally.words_lost += any(code in _BEYOND for code in reply.codes)
    tally.words_secret += "words.secret" in reply.codes
    tally.words_left_out += "notice" in reply.body
    if reply.needs_human:
        out["asked"] += 1
        try:
            reply = customer.confirm(reply)
        except Refused as refused:
            out["lost"].append(
                {
                    "call": call["tool"],
                    "arguments": call["arguments"],
                    "codes": [refused.code],
                    "detail": refused.detail,
                }
            )
            return
    elif reply.decision == "permit" and call.get("expected") == "required":
        out["silent"].append(call["tool"])
    if reply.refused and unknown_to_desk(found, call):
        out["not_found"] += 1
    elif _stage(reply) != RAN:
        out["lost"].append({"call": call["tool"], "arguments": call["arguments"], **_said(reply)})


def _said_with(found: ReplaySet, call: Mapping[str, Any], task: Mapping[str, Any], words: str) -> str | None:
    """What a call carries of its user's words."""
    if words == "none" or (words != "all" and found.reads(call["tool"])):
        return None
    return str(task["objective"]) if words == "whole" else words_for(task, call, found.titles)


def _attacked(
    found: ReplaySet, known: Mapping[str, dict[str, Any]], attacks: Sequence[dict[str, Any]], level: str, tally: Tally
) -> Iterator[dict[str, Any]]:
    for attack, opened, _ in _desks(found, [(known[attack["task"]], attack) for attack in attacks], level, tally):
        if isinstance(opened, Refused):
            tally.not_granted += 1
            continue
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
) -> Iterator[tuple[dict[str, Any], SandboxTask | Refused, SandboxCustomer]]:
    """Each case with a fresh delegation and a task open under it, or why the delegation cannot be granted."""
    shown = catalogue(found)
    known = facts(found)
    for start in range(0, len(cases), _CASES_A_DESK):
        with Sandbox(shown, facts=known, settings={"words": {"beyond": tally.beyond}}) as desk:
            for place, (task, case) in enumerate(cases[start : start + _CASES_A_DESK]):
                began = time.perf_counter()
                customer = desk.customer(customer_id(task["principal"]))
                agent = desk.agent(f"spiffe://operator-{place}.example/agent")
                opened = _opened(customer, agent, mandate(found, task["delegations"][level]))
                yield case, opened, customer
                tally.cases += 1
                tally.case_s += time.perf_counter() - began
            tally.requests += desk.requests


def _opened(customer: SandboxCustomer, agent: SandboxAgent, asked: Mapping[str, Any]) -> SandboxTask | Refused:
    try:
        return agent.open(customer.grant(agent, asked))
    except Refused as refused:
        return refused


def _end(opened: SandboxTask) -> None:
    """End a task that is still open. One that the desk ended has lost calls that say so."""
    with suppress(Refused):
        opened.complete()


def _send(
    found: ReplaySet, opened: SandboxTask, call: Mapping[str, Any], tally: Tally, words: str | None = None
) -> SandboxReply:
    began = time.perf_counter()
    try:
        reply = opened.ask(found.action(call["tool"]), call["arguments"], words=words)
    except Refused as refused:  # what cannot even be sent
        reply = refused_reply(refused, opened.poll)
    tally.ask_s += time.perf_counter() - began
    tally.calls += 1
    return reply


def _stage(reply: SandboxReply) -> str:
    if reply.needs_human:
        return HELD
    return RAN if reply.decision == "permit" else REFUSED


def _said(reply: SandboxReply) -> dict[str, Any]:
    return {"decision": reply.decision, "codes": list(reply.codes), "detail": reply.body.get("detail", "")}


def _report(
    found: ReplaySet, level: str, done: list[dict[str, Any]], fought: list[dict[str, Any]], tally: Tally
) -> dict[str, Any]:
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
        "attacks_not_granted": tally.not_granted,
        "tasks_done": _share(len(kept), len(done)),
        "with_words": tally.with_words,
        "words_lost": _share(tally.words_lost, tally.with_words),
        "words_secret": tally.words_secret,
        "words_left_out": _share(tally.words_left_out, tally.with_words),
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
