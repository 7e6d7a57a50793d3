"""The chart of a run as SVG: bars of requests a second, and of how far each goal was reached. No library; readable in light and dark."""

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from results import FLOOR_REACHED, REACHED, Goal, Measured, Run, figure

WIDTH, LABELS, RIGHT = 960, 330, 170
BARS = WIDTH - LABELS - RIGHT
ROW, BAR, GAP, TOP = 26, 16, 46, 64
OURS = frozenset({"opens", "renews", "reads", "acts", "mixed", "words", "now-reads", "now-acts"})
OURS |= {"postgres-reads", "postgres-acts", "evaluations", "new-evaluations"}
PARTS = (
    ("exchange", "Token exchanges a second, 32 connections"),
    ("ask", "Asks or decisions a second, 32 connections"),
    ("before", "Asks a second of this tree and of an older one, 32 connections"),
    ("postgres", "Asks a second on PostgreSQL, 32 connections"),
    ("decide", "Evaluations a second, 32 connections"),
)
FAR, SHARE = 1.6, 0.55
"""Where the bars of goals end (what went further has an arrow), and the share of the width that they have."""
STYLE = """
text { font: 14px system-ui, sans-serif; fill: #1b1f24; }
.head { font-weight: 600; font-size: 16px; }
.name, .number { font-size: 13px; }
.back { fill: #ffffff; }
.ours { fill: #0b5cad; }
.peer { fill: #6b7280; }
.met { fill: #1a7f37; }
.floor { fill: #8a6d00; }
.unmet { fill: #b35900; }
.line { stroke: #1b1f24; stroke-width: 1.5; stroke-dasharray: 4 3; }
.tick { stroke: #1b1f24; stroke-width: 1.5; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .back { fill: #0d1117; }
  .ours { fill: #58a6ff; }
  .peer { fill: #9aa4af; }
  .met { fill: #3fb950; }
  .floor { fill: #d4a72c; }
  .unmet { fill: #f0883e; }
  .line, .tick { stroke: #e6edf3; }
}
"""


def _bar(top: int, share: float, kind: str, label: str, number: str, *, at: float | None = None) -> str:
    """A bar with its label before it, and its number behind it or `at` a place."""
    width = max(2.0, share * BARS)
    middle = top + BAR / 2 + 5
    return (
        f'<text class="name" x="{LABELS - 10}" y="{middle:g}" text-anchor="end">{escape(label)}</text>'
        f'<rect class="{kind}" x="{LABELS}" y="{top}" width="{width:.1f}" height="{BAR}" rx="2"/>'
        f'<text class="number" x="{LABELS + width + 8 if at is None else at:.1f}" y="{middle:g}">{escape(number)}</text>'
    )


def _rates(title: str, sides: Sequence[Measured], top: int) -> Iterator[str]:
    yield f'<text class="head" x="20" y="{top}">{escape(title)}</text>'
    most = max(one.rate for one in sides)
    for place, one in enumerate(sides):
        kind = "ours" if one.name in OURS else "peer"
        yield _bar(
            top + 14 + place * ROW, one.rate / most, kind, one.label, f"{figure(one.rate)}, {figure(one.cpu_us)} us CPU"
        )


def share_of(goal: Goal, found: float | None) -> float:
    """How far a goal is reached by a finding: 1 is just reached, whichever way it is wanted."""
    if found is None or found <= 0 or not goal.wanted:
        return 0.0
    return goal.wanted / found if goal.at_most else found / goal.wanted


def _goals(goals: Sequence[Goal], top: int) -> Iterator[str]:
    title = "How far each goal is reached (line: goal; ticks: floors)"
    yield f'<text class="head" x="20" y="{top}">{title}</text>'
    reach = BARS * SHARE / FAR
    for place, goal in enumerate(goals):
        share = share_of(goal, goal.found)
        shown = "" if goal.found is None else f"{figure(goal.found)} of {figure(goal.wanted or 0)}{goal.unit}, "
        number = f"{'→ ' if share > FAR else ''}{shown}{goal.verdict}"
        kind = {REACHED: "met", FLOOR_REACHED: "floor"}.get(goal.verdict, "unmet")
        y = top + 14 + place * ROW
        yield _bar(
            y,
            min(share, FAR) / FAR * SHARE,
            kind,
            goal.name,
            number,
            at=LABELS + BARS * SHARE + 12,
        )
        floor = LABELS + reach * share_of(goal, goal.floor)
        yield f'<line class="tick" x1="{floor:.1f}" x2="{floor:.1f}" y1="{y - 2}" y2="{y + BAR + 2}"/>'
    at = LABELS + reach
    yield f'<line class="line" x1="{at:.1f}" x2="{at:.1f}" y1="{top + 8}" y2="{top + 10 + len(goals) * ROW}"/>'


def _described(run: Run) -> str:
    rates = [f"{one.label}: {figure(one.rate)} a second" for one in run.sides if one.connections == 32]
    goals = [f"{goal.what}: {goal.verdict}" for goal in run.goals]
    return ". ".join([*rates, *goals]) + "."


def drawn(run: Run) -> str:
    """The chart."""
    parts: list[str] = []
    top = TOP
    for part, title in PARTS:
        sides = [one for one in run.sides if one.part == part and one.connections == 32]
        if sides:
            parts.extend(_rates(title, sides, top))
            top += 14 + len(sides) * ROW + GAP
    goals = [goal for goal in run.goals if goal.wanted is not None]
    if goals:
        parts.extend(_goals(goals, top))
        top += 14 + len(goals) * ROW + GAP
    title = f"Remit beside others, measured on {run.machine['cores']} cores of {run.machine['cpu']}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" width="{WIDTH}" height="{top}" '
        f'role="img" aria-labelledby="title desc">\n<title id="title">{escape(title)}</title>\n'
        f'<desc id="desc">{escape(_described(run))}</desc>\n<style>{STYLE}</style>\n'
        f'<rect class="back" width="{WIDTH}" height="{top}"/>\n<text class="head" x="20" y="30">{escape(title)}</text>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def draw(run: Run, path: Path) -> None:
    """Write the chart."""
    path.write_text(drawn(run), encoding="utf-8")
