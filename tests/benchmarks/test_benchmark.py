"""One small run of everything, and what is made of it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from benchmarks.__main__ import ROOT, arguments
from benchmarks.capture import Capture
from benchmarks.document import COMPARED, QUICK, page
from benchmarks.downgrades import FEW, UP_OF, USUAL_GROUPS
from benchmarks.measure import Cost, available, process_cpu, server_cpu
from benchmarks.musthold import lines
from benchmarks.peers import OFFLINE_COPY, OURS, PGROLL
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
    return benchmark(
        rows=ROWS,
        repeats=1,
        larger=2 * ROWS,
        idle_seconds=1.0,
        capture_rounds=2,
        capture_scale=0.05,
    )


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
def test_the_chain_reads_rows_to_check_them_only_where_it_says_so(results: Results) -> None:
    moved, checked = (set(results.chains[name][0].asked) for name in (MOVED, CHECKED))
    reads_rows = {
        "copy is exact",
        "links match keys",
        "keys are unique",
        "every child has its parent",
        "same key",
        "same values",
    }
    assert reads_rows <= checked
    # The runner asks the catalog before every step, whatever the step's own checks are.
    assert "own triggers and functions stand" in moved and moved <= checked - reads_rows
    assert results.chains[CHECKED][0].check_seconds > results.chains[MOVED][0].check_seconds


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
def test_the_throttle_is_measured_beside_the_chain_without_it(results: Results) -> None:
    ratio = results.throttled_ratio()
    assert ratio is not None and ratio > 0
    assert f"{ratio:.2f} times as long as with `-x max-latency=off`" in page(results, "x.svg")


@pytest.mark.slow
def test_the_command_line_takes_time_and_memory(results: Results) -> None:
    assert results.client is not None
    assert set(results.client.seconds) == set(results.client.megabytes) == {"--help", "status"}
    # Python alone takes more than that.
    assert all(seconds > 0.01 for seconds in results.client.seconds.values())
    assert all(megabytes > 10 for megabytes in results.client.megabytes.values())


@pytest.mark.slow
def test_every_capture_is_measured_for_every_kind_of_statement(results: Results) -> None:
    figures = results.capture.medians()
    assert set(figures) == {"none", "application", "log", "one way", "two ways"}
    assert {len(rounds) for rounds in results.capture.rounds.values()} == {2}
    for variant in figures.values():
        assert len(variant) == 9
        assert all(milliseconds > 0 for milliseconds in variant.values())


@pytest.mark.slow
def test_every_downgrade_that_moves_rows_is_measured_for_both_shapes_of_groups(
    results: Results,
) -> None:
    assert set(results.downgrades) == {USUAL_GROUPS, FEW}
    for (ways,) in results.downgrades.values():
        assert ways.rows == ROWS
        # Each writes at least the rows of a table.
        assert all(ways.down[revision].wal > ROWS * 50 for revision in ("0009", "0005"))
        assert all(ways.times(revision) > 0 for revision in UP_OF)
    assert f"| 0009, {FEW} |" in page(results, "benchmarks.svg")


@pytest.mark.slow
def test_each_other_tool_is_measured_or_named_with_the_reason(results: Results) -> None:
    peers = results.peers
    assert peers is not None
    assert set(peers.costs) | set(peers.absent) == {*COMPARED, OFFLINE_COPY}
    assert set(peers.absent) <= {"psycopack", "pg_repack"}
    offline = peers.costs[OFFLINE_COPY][0]
    # pgroll's way rewrites the table with its indexes in place; nobody copies for less WAL.
    assert peers.costs[PGROLL][0].wal > peers.costs[OURS][0].wal > 0.9 * offline.wal
    text = page(results, "benchmarks.svg")
    assert all(f"{name} did not run. {why}" in text for name, why in peers.absent.items())


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


def test_a_ratio_of_capture_compares_what_was_measured_in_the_same_round() -> None:
    # In the second round the machine was three times slower.
    rounds = {
        "none": [{"k": 1.0}, {"k": 3.0}],
        "log": [{"k": 1.5}, {"k": 4.5}],
        "application": [{"k": 2.0}, {"k": 6.0}],
    }
    found = Capture(rounds)
    assert found.medians()["application"] == {"k": 4.0}
    assert found.ratio("k", "log", "none") == 1.5
    assert found.share("k") == 0.5
    assert Capture({**rounds, "application": rounds["none"]}).share("k") is None


def test_a_quick_run_is_smaller_and_leaves_the_pages_alone() -> None:
    quick, whole = arguments(["--quick"]), arguments([])
    assert quick.rows < whole.rows and quick.repeats < whole.repeats
    assert (quick.larger, quick.only) == (0, whole.only)
    assert whole.out == ROOT / "docs" and ROOT / "docs" not in (quick.out, *quick.out.parents)
    asked = arguments(["--quick", "--rows", "5", "--out", "docs"])
    assert (asked.rows, str(asked.out)) == (5, "docs")

    assert QUICK in page(Results(rows=5, repeats=1, server="none", quick=True), "plot")
    assert QUICK not in page(Results(rows=5, repeats=1, server="none"), "plot")


def test_help_explains_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        arguments(["--help"])
    shown = capsys.readouterr().out
    for option in ("--quick", "--rows", "--repeats", "--only", "--larger", "--out"):
        assert re.search(rf"\n  {option}[^\n]*\s+\w", shown), option


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
