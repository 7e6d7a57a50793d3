"""The result of a run: every deviation, the exit code, and the same as JSON. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from remit.sandbox.demo.books_check import Balance, euros
from remit.sandbox.demo.judge import Expected, StepRow, judge_all, judge_step
from remit.sandbox.demo.scenario import DemoAgent
from remit.sandbox.demo.verify_offline import OfflineVerification


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoResult:
    """One run of the whole cast. `others` are further differences in the desk's books from honest work alone.

    Agents' own reports are shown; the books and the log are read apart from them, so that no agent can talk itself
    clean.
    """

    url: str
    cast: Sequence[DemoAgent]
    rows: Sequence[StepRow]
    balances: Sequence[Balance]
    others: Sequence[str]
    verified: OfflineVerification

    @property
    def expected(self) -> Mapping[str, Expected]:
        """The expected steps of each agent."""
        return {part.name: part.expected for part in self.cast}

    @property
    def steps(self) -> list[str]:
        """The steps that did not end as they must."""
        return [f"{step}: {verdict.value}" for step, verdict in judge_all(self.rows, self.expected)]

    @property
    def money_same(self) -> bool:
        """Whether the money is where honest work would leave it."""
        return all(one.same for one in self.balances)

    @property
    def wrong(self) -> list[str]:
        """Everything that is not as it must be."""
        money = [
            f"money of {balance.customer}: {balance.record}, {balance.method} is {euros(balance.now)}"
            for balance in self.balances
            if not balance.same
        ]
        return [*self.steps, *money, *self.others, *self.verified.problems]

    @property
    def code(self) -> int:
        """The exit code: 1 when anything got through, or honest work was not done."""
        return 1 if self.wrong else 0

    def report(self) -> dict[str, Any]:
        """Return the same as JSON."""
        return {
            "ok": not self.wrong,
            "url": self.url,
            "rows": [
                {**asdict(row), "verdict": judge_step(row, self.expected.get(row.agent, {})).value} for row in self.rows
            ],
            "balances": [{**asdict(one), "same": one.same} for one in self.balances],
            "wrong": self.wrong,
            "verified": {"entries": self.verified.entries, "receipts": self.verified.receipts},
        }
