"""One small run of everything, and what is made of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.document import page
from benchmarks.measure import Cost, available, process_cpu, server_cpu
from benchmarks.musthold import lines
from benchmarks.plot import draw
from benchmarks.results import (
    CHECKED,
    CHECKED_2,
    MOVED,
    MOVED_2,
    OFFLINE,
    USUAL,
    Results,
    lowest,
)
from benchmarks.session import benchmark
from benchmarks.verify import STAGES
from benchmarks.writers import quantile

ROWS = 20_000
"""Enough for a clock of ten milliseconds."""

pytestmark = pytest.mark.skipif(not available(), reason="CPU times are read from /proc")


@pytest.fixture(scope="module")
def results() -> Results:
    return benchmark(rows=ROWS, repeats=1, larger=2 * ROWS, idle_seconds=1.0, capture_scale=0.05)


@pytest.mark.slow
def test_every_variant_costs_cpu_and_wal_and_takes_time(results: Results) -> None:
    best = results.best()
    assert set(best) == {OFFLINE, USUAL, MOVED, MOVED_2, CHECKED, CHECKED_2}
    assert all(cost.cpu > 0 and cost.wall > 0 for cost in best.values())
    # Every variant writes at least the rows of the child.
    assert all(cost.wal > ROWS * 100 for cost in best.values())


@pytest.mark.slow
def test_baselines_and_chain_build_tables_of_like_size(results: Results) -> None:
    child, parent = results.chain_bytes()
    assert child == pytest.approx(results.offline_bytes[0], rel=0.3)
    assert parent == pytest.approx(results.offline_bytes[1], rel=0.3)
    assert results.usual_bytes[0] > results.offline_bytes[0]


@pytest.mark.slow
def test_the_chain_runs_its_checks_only_where_it_says_so(results: Results) -> None:
    assert results.chains[MOVED][0].check_seconds == 0
    assert results.chains[CHECKED][0].check_seconds > 0


@pytest.mark.slow
def test_writers_wrote_before_and_during_the_chain_without_a_lasting_error(
    results: Results,
) -> None:
    live = results.live[0]
    assert live.idle.writes > 50
    assert live.chain.writes > 50
    assert 0 < live.chain.p50 <= live.chain.p99 <= live.chain.longest
    assert set(live.errors) <= {"40001", "40P01", "55P03"}
    assert sum(felt.writes for felt in live.steps.values()) == live.chain.writes


@pytest.mark.slow
def test_every_capture_is_measured_for_every_kind_of_statement(results: Results) -> None:
    figures = results.best_capture()
    assert set(figures) == {"none", "application", "log", "one way", "two ways"}
    for variant in figures.values():
        assert len(variant) == 9
        assert all(milliseconds > 0 for milliseconds in variant.values())


@pytest.mark.slow
def test_verify_is_measured_beside_except_at_every_stage_that_has_two_sides(
    results: Results,
) -> None:
    assert results.verify is not None
    assert list(results.verify.stages) == list(results.verify.obvious) == list(STAGES)
    assert "| at 0003 |" in page(results, "benchmarks.svg")


@pytest.mark.slow
def test_every_target_has_a_figure(results: Results) -> None:
    judged = lines(results)
    unseen = [line.what for line in judged if line.figure is None]
    # That one divides by a difference, which a busy machine swallows in a run as short as this.
    assert [what for what in unseen if not what.startswith("change log, single")] == []
    seen = {line.verdict for line in judged if line.figure is not None}
    assert seen <= {"met", "missed", "reported"}


@pytest.mark.slow
def test_page_plot_and_json_are_written(results: Results, tmp_path: Path) -> None:
    text = page(results, "benchmarks.svg")
    assert "## Targets" in text
    assert OFFLINE in text
    data = json.loads(json.dumps(results.as_json()))
    assert data["rows"] == ROWS
    assert data["best"][OFFLINE]["wal"] > 0
    if draw(results, tmp_path / "benchmarks.svg"):
        assert "</svg>" in (tmp_path / "benchmarks.svg").read_text()


def test_the_lowest_of_each_figure_is_taken_by_itself() -> None:
    assert lowest([Cost(1.0, 30, 5.0), Cost(2.0, 20, 4.0)]) == Cost(1.0, 20, 4.0)


def test_a_quantile_is_an_element_and_never_past_the_end() -> None:
    ordered = [float(n) for n in range(100)]
    assert quantile(ordered, 0.5) == 50.0
    assert quantile(ordered, 1.0) == 99.0
    assert quantile([], 0.5) == 0.0


def test_a_target_is_missed_only_where_a_figure_is_above_it() -> None:
    results = Results(rows=100, repeats=1, server="none")
    results.baselines[OFFLINE] = [Cost(1.0, 100, 1.0)]
    assert {line.verdict for line in lines(results)} == {"not measured"}
    results.offline_bytes = (100, 100)
    assert all(line.figure is None for line in lines(results))


def test_cpu_of_this_process_grows_with_work() -> None:
    import os

    before = process_cpu(os.getpid())
    while process_cpu(os.getpid()) - before < 0.05:
        sum(range(10_000))
    # As a server: this process and its children.
    assert server_cpu(os.getpid()) > 0
