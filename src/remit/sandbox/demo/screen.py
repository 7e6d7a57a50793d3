"""The demo's output: plain words in 100 columns, colours on a terminal alone."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TextIO

from remit.sandbox.demo.books_check import Balance, euros
from remit.sandbox.demo.judge import StepRow, StepVerdict
from remit.sandbox.demo.scenario import DemoAgent

WIDE: Final = 100
_INDENT: Final = "        "
_COLOURS: Final = {"red": "31", "green": "32", "yellow": "33", "dim": "2", "bold": "1"}


@dataclass(slots=True)
class Screen:
    """An output for lines."""

    out: TextIO
    coloured: bool
    _why: str = ""

    def line(self, text: str = "") -> None:
        """Write one line unchanged."""
        self.out.write(f"{text}\n")
        self.out.flush()

    def heading(self, text: str) -> None:
        """Write a heading with space before it."""
        self.line()
        self.line(self._in(text, "bold"))

    def progress(self, text: str) -> None:
        """Announce something that takes a moment."""
        self.line(self._in(f"  … {text}", "dim"))

    def head(self) -> None:
        """Write the table's head."""
        self.heading(_cells("pid", "tried", "the gate said", "confirmed by", "outcome"))

    def part(self, part: DemoAgent) -> None:
        """Begin an agent."""
        self._why = ""
        self.line()
        self.line(f"{self._in(part.name, 'bold')} ({part.customer}'s agent): {part.about}")

    def note(self, text: str) -> None:
        """Write a sight or act of a person, between the steps."""
        for number, line in enumerate(textwrap.wrap(_plain(text), WIDE - len(_INDENT) - 2)):
            self.line(self._in(f"{_INDENT}{'  ' if number else '· '}{line}", "dim"))

    def row(self, row: StepRow, verdict: StepVerdict) -> None:
        """Write one step: the attempt, the gate's answer and its reason."""
        outcome = row.outcome or "stopped"
        decision = row.code or ("needs human, then permit" if row.confirmed_by else row.decision)
        text = _cells(str(row.pid), _plain(row.tried), decision, row.confirmed_by or "-", outcome)
        colour = "red" if verdict is not StepVerdict.FINE else "green" if outcome == "done" else "yellow"
        self.line(self._in(text, colour))
        if verdict is not StepVerdict.FINE:
            self.line(self._in(f"{_INDENT}!! {verdict.value}", "red"))
        if row.why and row.why != self._why:
            for number, line in enumerate(textwrap.wrap(_plain(row.why), WIDE - len(_INDENT) - 5)):
                self.line(self._in(f"{_INDENT}{'     ' if number else 'why: '}{line}", "dim"))
        self._why = row.why

    def balances(self, rows: Sequence[Balance]) -> None:
        """Write the money at the desk against the balances of honest work alone."""
        self.heading("The desk's money, from its own books")
        self.line(f"  {'':38}{'before':>12}{'now':>12}{'honest work only':>20}")
        for balance in rows:
            place = f"{balance.customer}, {balance.record}, {balance.method}"
            before, now, honest = euros(balance.before), euros(balance.now), euros(balance.honest)
            verdict = "same" if balance.same else "DIFFERENT"
            text = f"  {place:38}{before:>12}{now:>12}{honest:>20}  {verdict}"
            self.line(text if balance.same else self._in(text, "red"))

    def good(self, text: str) -> None:
        """Write that something is as it must be."""
        self.line(f"  {self._in('ok', 'green')}  {text}")

    def bad(self, text: str) -> None:
        """Write that something is not."""
        for number, line in enumerate(textwrap.wrap(_plain(text), WIDE - 6)):
            self.line(self._in(f"  {'!!' if number == 0 else '  '}  {line}", "red"))

    def _in(self, text: str, colour: str) -> str:
        return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if self.coloured and text else text


def _cells(pid: str, tried: str, said: str, who: str, outcome: str) -> str:
    return f"{pid:<8}{_cut(tried, 39):<40}{_cut(said, 26):<27}{_cut(who, 13):<14}{outcome}".rstrip()


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _plain(text: str) -> str:
    """⚔ Neutralise an agent's text, so that it cannot steer the terminal: no control characters, one line."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
