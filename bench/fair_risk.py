"""Count the steps at which attacks are held, and how many honest customers are, on the rules of risk alone.

`python bench/fair_risk.py`; 0.5 s. An attack is a list of (customer, event); each customer has one task and one grant,
all of one operator. Honest traffic is drawn: a hundred customers, ten asks each, one in five of them refused or declined.
"""

import random
from collections.abc import Iterator

from remit.domain.errors import Code
from remit.domain.policy.decision import RiskThresholds
from remit.domain.policy.risk import (
    AskPermitted,
    AskRefused,
    AskRepeated,
    RiskHistory,
    RiskHistoryEvent,
    SubjectKind,
    advance_risk_history,
    new_risk_history,
    overall_risk,
)
from remit.domain.values import Instant

START, STEP_MS, SETTINGS = 1_800_000_000_000, 1000, RiskThresholds()
READ = AskPermitted(action="order.read", write=False)
REFUND = AskPermitted(action="payment.refund", write=True, capped=True, target="W1")
REFUSALS = (
    Code.PARAMS_NOT_OWNED,
    Code.MANDATE_LIMIT_EXCEEDED,
    Code.MANDATE_OFF_TARGET,
    Code.MANDATE_POWER_MISSING,
    Code.POLICY_FORBIDDEN,
    Code.CONFIRMATION_DECLINED,
)
RUNS, CUSTOMERS, ASKS, SHARE = 200, 100, 10, 0.2


class Desk:
    """The trails of one operator's tasks."""

    def __init__(self) -> None:
        self.trails: dict[tuple[SubjectKind, str], RiskHistory] = {}
        self.now = START

    def ask(self, customer: str, event: RiskHistoryEvent) -> tuple[int, bool]:
        """Record an event in the customer's task; return the risk it was asked at, and whether the task is held now."""
        self.now += STEP_MS
        now, keys = Instant(self.now), self._keys(customer)
        trails = [self.trails.get(key) or new_risk_history(*key) for key in keys]
        before = overall_risk(trails, now, customer).highest
        after = [advance_risk_history(trail, event, now, customer) for trail in trails]
        self.trails.update(zip(keys, after, strict=True))
        return before, overall_risk(after, now, customer).highest >= SETTINGS.hold

    @staticmethod
    def _keys(customer: str) -> list[tuple[SubjectKind, str]]:
        return [
            (SubjectKind.TASK, customer),
            (SubjectKind.GRANT, customer),
            (SubjectKind.AGENT, "agent"),
            (SubjectKind.OPERATOR, "operator"),
        ]


def not_owned(number: int) -> AskRefused:
    """One more guess at another's record."""
    return AskRefused(code=Code.PARAMS_NOT_OWNED, about=str(number))


ATTACKS: dict[str, list[tuple[str, RiskHistoryEvent]]] = {
    "sweep under one customer": [("a", not_owned(n)) for n in range(40)],
    "sweep under two in turn": [("ab"[n % 2], not_owned(n)) for n in range(40)],
    "sweep under three in turn": [("abc"[n % 3], not_owned(n)) for n in range(40)],
    "sweep under ten in turn": [("abcdefghij"[n % 10], not_owned(n)) for n in range(40)],
    "ten small refunds": [("a", REFUND)] * 10,
    "words tried on": [("a", AskRefused(code=Code.WORDS_WIDER))] * 40,
    "words tried on, each mended": [
        ("a", event)
        for n in range(40)
        for event in (
            AskRefused(code=Code.WORDS_WIDER, mend=str(n)),
            AskPermitted(action="order.read", write=False, mends=(str(n),)),
        )
    ],
    "asked again after a no": [("a", AskRefused(code=Code.CONFIRMATION_DECLINED)), *[("a", AskRepeated())] * 10],
    "asked alike after a no": [
        ("a", AskRefused(code=Code.CONFIRMATION_DECLINED)),
        *[("a", AskRepeated(alike=True))] * 10,
    ],
}


def steps_until_held(attack: list[tuple[str, RiskHistoryEvent]]) -> int:
    """Return the step at which the first task is held, 0 for never."""
    desk = Desk()
    return next((place for place, (customer, event) in enumerate(attack, 1) if desk.ask(customer, event)[1]), 0)


def bram_after_anna() -> int:
    """Return the risk of another customer's first read after one no and two re-asks under Anna's later permissions."""
    desk = Desk()
    desk.ask("anna", AskRefused(code=Code.CONFIRMATION_DECLINED))
    for _ in range(2):
        desk.ask("anna", AskRepeated(alike=True))
    return desk.ask("bram", READ)[0]


def honest(seed: int) -> Iterator[tuple[int, bool]]:
    """Draw one day of honest traffic, customers in turn."""
    desk, chance = Desk(), random.Random(seed)
    for place in range(ASKS):
        for customer in range(CUSTOMERS):
            bad = chance.random() < SHARE
            event = AskRefused(code=chance.choice(REFUSALS), about=f"{customer} {place}") if bad else READ
            yield desk.ask(f"c{customer}", event)


def main() -> None:
    """Print the figures."""
    for name, attack in ATTACKS.items():
        print(f"{name:30} held at step {steps_until_held(attack) or '-'}")
    print(f"Bram's first read after Anna's no: risk {bram_after_anna()}")
    held = confirmed = 0
    for seed in range(RUNS):
        for risk, holds in honest(seed):
            held, confirmed = held + holds, confirmed + (risk >= SETTINGS.confirm)
    asks = RUNS * CUSTOMERS * ASKS
    print(f"honest, {CUSTOMERS} customers, {SHARE:.0%} refused or declined, {RUNS} runs of {CUSTOMERS * ASKS} asks:")
    print(f"  held {held} times, another confirmation for {confirmed} of {asks} asks ({confirmed / asks:.3%})")


if __name__ == "__main__":
    main()
