"""What one policy decision costs at 50 policies: prepared and sliced, against policy text at each call.

Run: python bench/policy.py (prints medians in microseconds of CPU time, and the ratio).
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cedarpy

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from desks.policies import DESK, question  # noqa: E402  # the path is set above
from remit.adapters.params.schema import JsonSchemaParams  # noqa: E402  # the path is set above
from remit.adapters.policy.cedar import CedarPolicy  # noqa: E402  # the path is set above
from remit.adapters.policy.cedar_request import build_context, build_entities  # noqa: E402  # the path is set above
from remit.adapters.policy.cedar_schema import build_model  # noqa: E402  # the path is set above
from remit.domain.policy.floors import ladder_rungs  # noqa: E402  # the path is set above
from remit.engine.ask.evaluate import climb_ladder  # noqa: E402  # the path is set above

ROUNDS = 15
SCOPES = (
    '== Action::"payment.refund"',
    '== Action::"order.read"',
    '== Action::"order.cancel"',
    '== Action::"offer.take"',
    'in Action::"area:commitment"',
)


def policies(count: int) -> str:
    """A set in which one policy in five can apply to a refund."""
    made = [
        '@id("all") permit(principal, action, resource) when { context.confirmed_by.contains("customer") || context.risk < 50 };'
    ]
    for n in range(1, count):
        when = f'context.risk > {50 + n % 50} && principal.tier == "unproved"'
        made.append(f'@id("p{n}") forbid(principal, action {SCOPES[n % 5]}, resource) when {{ {when} }};')
    return "\n".join(made)


def micros(call: Callable[[], object], times: int) -> float:
    """CPU time of one call, over one round."""
    start = time.process_time()
    for _ in range(times):
        call()
    return (time.process_time() - start) / times * 1e6


def main() -> None:
    """Measure interleaved and print."""
    text = policies(50)
    plug = CedarPolicy([("bench.cedar", text)], DESK)
    params = JsonSchemaParams(DESK)
    model = build_model(DESK)
    schema = json.dumps(model.schema())
    calm, risky = question(risk=10), question(risk=60)

    def text_each_call() -> object:
        request = {
            "principal": {"type": "Agent", "id": calm.agent},
            "action": {"type": "Action", "id": calm.action},
            "resource": {"type": "Task", "id": calm.task},
            "context": dict(build_context(model.actions[calm.action], calm)),
        }
        return cedarpy.is_authorized(request, text, [dict(one) for one in build_entities(calm)], schema)

    cases: dict[str, tuple[Callable[[], object], int]] = {
        "decide, sliced": (lambda: plug.decide(calm), 300),
        "text at each call": (text_each_call, 20),
        "ladder, first rung": (lambda: climb_ladder(plug, calm, ladder_rungs(frozenset(), tuple(DESK.roles))), 300),
        "ladder, second rung": (lambda: climb_ladder(plug, risky, ladder_rungs(frozenset(), tuple(DESK.roles))), 150),
        "params": (lambda: params.verify(calm.action, calm.params), 3000),
    }
    taken: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(ROUNDS):
        for name, (call, times) in cases.items():
            taken[name].append(micros(call, times))
    medians = {name: statistics.median(one) for name, one in taken.items()}
    for name, median in medians.items():
        print(f"{name:22}{median:10.1f} us")
    print(f"{'text / sliced':22}{medians['text at each call'] / medians['decide, sliced']:10.1f} x")
    print(f"policies in the slice: {plug._slices[calm.action].size} of 50")  # noqa: SLF001  # the bench shows what it measures


if __name__ == "__main__":
    main()
