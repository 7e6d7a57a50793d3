"""What a run of the benchmarks found becomes JSON, tables, goals and a chart that say the same."""

import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chart import drawn, share_of
from goals import RATIOS, judged
from results import TABLE_BEGIN, TABLE_END, Goal, Load, Measured, Run, figure, goal_row, markdown, replaced, report

SVG = "{http://www.w3.org/2000/svg}"
MACHINE = {
    "cpu": "A <fast> one",
    "cores": 2,
    "memory_gb": 24,
    "disk": "ext4",
    "system": "Linux",
    "python": "3.13.5",
    "es256_us": 61.4,
    "sync_ms": 0.14,
    "rounds": 5,
}


def side(name: str, connections: int, rate: float, **more: Any) -> Measured:
    values: dict[str, Any] = {
        "part": "ask",
        "label": f"the one & only {name}",
        "p50_ms": 0.9,
        "p99_ms": 16.0,
        "cpu_us": 500.0,
        "pss_mb": 70.0,
    }
    return Measured(name=name, connections=connections, rate=rate, generator_share=0.05, **{**values, **more})


def run(**more: Any) -> Run:
    sides = [
        side("opens", 32, 2600.0, part="exchange", cpu_us=400.0),
        side("oidc-provider", 32, 1000.0, part="exchange", cpu_us=1200.0),
        side("reads", 32, 1500.0),
        side("reads", 1, 800.0),
        side("cerbos", 32, 3000.0, cpu_us=250.0),
        side("first-stack-cerbos-reads", 32, 500.0, cpu_us=2000.0),
        side("now-reads", 32, 1500.0, part="before", cpu_us=500.0),
        side("before-reads", 32, 1000.0, part="before", cpu_us=700.0),
    ]
    others = {"slow-reads": 91.2, "nodes-reads": 1.95}
    found = Run(machine=MACHINE, versions={"oidc-provider": "9.13.3"}, sides=sides, others=others, **more)
    found.goals = list(judged(found))
    return found


def goal(name: str) -> Goal:
    return next(one for one in run().goals if one.name == name)


def test_ratios_are_of_rates_of_cpu_or_per_core_among_32_as_each_goal_says() -> None:
    cpu, per_core, floor = goal("opens against oidc-provider"), goal("reads against cerbos"), goal("now-reads against before-reads")
    assert (cpu.found, cpu.at_most, cpu.verdict) == (pytest.approx(1 / 3), True, "goal reached")
    assert (per_core.found, per_core.per_core, per_core.verdict) == (pytest.approx(0.5), pytest.approx(0.5), "floor reached")
    assert (floor.found, floor.verdict) == (pytest.approx(5 / 7), "floor reached")


def test_what_did_not_run_is_not_said_to_be_reached() -> None:
    for name in ("renews against oidc-provider", "acts p50", "acts, 4 ms more a sync", "verify-log, store", "acts, two nodes"):
        assert (goal(name).found, goal(name).verdict) == (None, "not measured")


def test_latency_and_memory_are_reached_from_above() -> None:
    assert (goal("reads p50").found, goal("reads p50").verdict) == (0.9, "floor reached")
    assert (goal("reads p99").found, goal("reads p99").verdict) == (16.0, "goal reached")
    assert (goal("memory").found, goal("memory").verdict) == (70.0, "goal reached")
    assert goal("reads, 4 ms more a sync").verdict == "floor reached"
    assert goal("reads, two nodes").verdict == "goal reached"


@pytest.mark.parametrize(
    ("found", "at_most", "verdict"),
    [
        (4.0, False, "goal reached"),
        (3.0, False, "floor reached"),
        (2.9, False, "missed"),
        (4.0, True, "goal reached"),
        (5.0, True, "floor reached"),
        (5.1, True, "missed"),
    ],
)
def test_a_goal_is_reached_its_floor_or_neither(found: float, at_most: bool, verdict: str) -> None:
    assert Goal(name="x", what="x", wanted=4.0, floor=5.0 if at_most else 3.0, found=found, unit="", at_most=at_most).verdict == verdict


def test_every_floor_is_easier_than_its_goal() -> None:
    bars = [one for one in run().goals if one.wanted is not None]
    assert len(bars) >= len(RATIOS) + 5
    for one in bars:
        assert one.floor is not None
        assert one.wanted is not None
        assert one.floor > one.wanted if one.at_most else one.floor < one.wanted, one.name


def test_a_comparison_without_a_goal_is_told_and_judged_by_nothing() -> None:
    found = goal("reads against first-stack-cerbos")
    assert (found.found, found.wanted, found.verdict, found.per_core) == (3.0, None, "no goal", pytest.approx(4.0))
    assert "evaluations against cerbos-evaluations" not in {one.name for one in run().goals}


def test_a_row_shows_cpu_and_cores_of_both_sides_and_the_ratio_per_core() -> None:
    ours, theirs = Load(cpu_us=500.0, cores=0.75), Load(cpu_us=250.0, cores=1.0)
    shown = Goal(name="x", what="x", wanted=2.0, floor=1.0, found=1.5, unit=" times", ours=ours, theirs=theirs)
    assert goal_row(shown) == ("x", "at least 2 times", "at least 1 times", "1.5 times", "floor reached", "500 / 250", "0.75 / 1", "0.50")


def test_a_part_that_was_left_out_is_said_in_the_report() -> None:
    assert "Left out: before (no history)." in report(run(left={"before": "no history"}))
    assert "Left out" not in report(run())


def test_json_gives_the_run_back_rounded(tmp_path: Path) -> None:
    found = run()
    found.sides[0] = replace(found.sides[0], rate=2600.123456)
    found.save(tmp_path / "bench.json")
    again = Run.read(tmp_path / "bench.json")
    assert again.sides[0].rate == 2600.0
    assert (again.machine, again.versions, again.others) == (found.machine, found.versions, found.others)
    assert [(one.verdict, one.ours is None) for one in again.goals] == [(one.verdict, one.ours is None) for one in found.goals]
    assert again.sides[1:] == found.sides[1:]


def test_tables_have_as_many_cells_in_every_line() -> None:
    lines = report(run()).splitlines()
    for first in (number for number, line in enumerate(lines) if line.startswith("| ---")):
        table = [lines[first - 1], lines[first]]
        table += [line for line in lines[first + 1 :] if line.startswith("|")][:3]
        assert len({line.count("|") for line in table}) == 1
    assert "| the one & only reads | 1 | 800 | 0.4 | 2,000 | 0.9 | 16 | 500 | 70 |" in lines
    assert markdown(("a", "b"), [("1", "2")]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"


def test_only_the_generated_part_of_a_document_is_exchanged() -> None:
    before = f"# Title\n{TABLE_BEGIN}\nold\n{TABLE_END}\nafter\n"
    after = replaced(before, report(run()))
    assert after.startswith("# Title\n" + TABLE_BEGIN)
    assert after.endswith(TABLE_END + "\nafter\n")
    assert "old" not in after
    assert replaced(after, report(run())) == after
    with pytest.raises(ValueError, match="has no"):
        replaced("# Title", "part")


@pytest.mark.parametrize(
    ("value", "text"), [(1234.5, "1,234"), (999.9, "1,000"), (250.4, "250"), (99.94, "99.9"), (0.123456, "0.123"), (3.0, "3")]
)
def test_figures_have_as_many_digits_as_mean_something(value: float, text: str) -> None:
    assert figure(value) == text


def test_the_chart_is_well_formed_and_tells_in_words_what_it_shows() -> None:
    root = ET.fromstring(drawn(run()))
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "title desc"
    assert root.findtext(f"{SVG}title") == "Remit beside others, measured on 2 cores of A <fast> one"
    told = root.findtext(f"{SVG}desc") or ""
    assert "the one & only reads: 1,500 a second" in told
    assert "missed" in told or "floor reached" in told
    assert "prefers-color-scheme: dark" in (root.findtext(f"{SVG}style") or "")
    labels = {one.text for one in root.iter(f"{SVG}text")}
    assert {"the one & only opens", "opens against oidc-provider"} <= labels


def test_bars_of_the_chart_are_as_long_as_what_they_show_and_stay_inside() -> None:
    root = ET.fromstring(drawn(run()))
    bars = [one for one in root.iter(f"{SVG}rect") if one.get("class") in {"ours", "peer"}]
    ours, peer, reads, cerbos, *_ = (float(one.get("width", "")) for one in bars)
    assert peer / ours == pytest.approx(1000 / 2600, rel=0.01)
    assert reads / cerbos == pytest.approx(0.5, rel=0.01)
    width, height = float(root.get("width", "")), float(root.get("height", ""))
    for one in root.iter(f"{SVG}rect"):
        assert float(one.get("x", "0")) + float(one.get("width", "")) <= width
        assert float(one.get("y", "0")) + float(one.get("height", "")) <= height


def test_a_chart_of_a_run_without_a_part_leaves_it_out() -> None:
    found = run()
    found.sides = [one for one in found.sides if one.part == "ask"]
    assert "Token exchanges" not in drawn(found)


@pytest.mark.parametrize(
    ("wanted", "found", "at_most", "share"), [(2.0, 1.0, False, 0.5), (2.0, 4.0, True, 0.5), (2.0, None, False, 0.0), (2.0, 0.0, True, 0.0)]
)
def test_one_is_just_reached_whichever_way_it_is_wanted(wanted: float, found: float | None, at_most: bool, share: float) -> None:
    assert share_of(Goal(name="x", what="x", wanted=wanted, floor=None, found=found, unit="", at_most=at_most), found) == share
