"""The page of large tables is what the figures say, and says what it assumes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks.chain import WHOLE
from benchmarks.large import DOCS, PAGE, REPLAYED, Figures, page, runs
from membership_refactor.inspect.scale import GROWTH, grown, power_of


@pytest.fixture
def values() -> Any:
    return json.loads((DOCS / "benchmarks.json").read_text(encoding="utf-8"))


def test_the_page_is_what_the_figures_say(values: Any) -> None:
    assert page(values, runs()) == PAGE.read_text(encoding="utf-8"), (
        "run: python -m benchmarks.large"
    )


def test_another_figure_is_another_page(values: Any) -> None:
    written = page(values)
    for run in values["steps"]["0003-0010, all checks"]:
        run["0003"]["cpu"] *= 2
    assert page(values) != written


def test_the_size_that_was_measured_is_predicted_within_a_fifth(values: Any) -> None:
    figures = Figures(values)
    for step in WHOLE:
        for workers in (1, 2):
            measured = figures.steps[workers][step].wall
            predicted = figures.step(step, figures.rows).seconds(workers)
            assert predicted == pytest.approx(measured, rel=0.2), (step, workers)


@pytest.mark.parametrize("run", runs(), ids=lambda run: f"{run['rows']} rows")
def test_a_run_with_many_rows_is_predicted_within_a_fifth(values: Any, run: Any) -> None:
    """CPU and WAL of all steps, and the disk. The time only where the machine had time."""
    figures, steps = Figures(values), run["steps"]
    wanted = {step: figures.step(step, run["rows"]) for step in WHOLE}
    for what in ("cpu", "wal"):
        found = sum(steps[step][what] for step in WHOLE)
        predicted = sum(getattr(one, what) for one in wanted.values())
        assert predicted == pytest.approx(found, rel=0.2), what
    assert sum(one.disk for one in wanted.values()) == pytest.approx(sum(run["bytes"]), rel=0.2)
    if run["load"] <= run["cores"]:
        found = sum(steps[step]["wall"] for step in WHOLE)
        predicted = sum(one.seconds(run["workers"]) for one in wanted.values())
        assert predicted == pytest.approx(found, rel=0.2)


def test_workers_share_batches_and_nothing_else(values: Any) -> None:
    one = Figures(values).step("0003", 10**9)
    times = [one.seconds(workers) for workers in (1, 2, 4, 8, 16)]
    assert times == sorted(times, reverse=True)
    assert times[-1] > one.alone > 0
    assert one.lag(16) == one.wal - REPLAYED * one.shared / 16 > one.lag(1) == 0


def test_what_plan_takes_for_the_growth_is_what_was_measured(values: Any) -> None:
    rows, times, _ = values["growth"]
    assert pytest.approx(power_of(rows / values["rows"], times), abs=0.05) == GROWTH
    assert grown(5 * 10**6, measured=10**6) == pytest.approx(times, rel=0.08)
    assert grown(10, measured=100) == pytest.approx(0.1), "few rows are in proportion"
