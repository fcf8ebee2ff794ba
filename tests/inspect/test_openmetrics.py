"""The numbers of status are valid OpenMetrics text, and the example dashboard asks for them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as prometheus

from membership_refactor.cli.status import write_whole
from membership_refactor.inspect.openmetrics import as_openmetrics
from membership_refactor.inspect.status import read_standing
from membership_refactor.inspect.status_text import (
    FeltNow,
    JobStatus,
    LastCheck,
    OpenStep,
    Standing,
    StepStatus,
)
from tests.chain.driver import Chain
from tests.cli.processes import refactor
from tests.fixtures.chains import ChainAt

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
DASHBOARD = Path(__file__).parents[2] / "examples/grafana/dashboard.json"
BUSY = Standing(
    plan='order "lines"\\',
    schema="pub\nlic",
    alembic_version="0006",
    ledger="public_refactor",
    fingerprint="f",
    same_plan=True,
    steps=(
        StepStatus(
            revision="0003",
            name="copy_table",
            state="up",
            started_at=NOW,
            ended_at=NOW.replace(minute=2),
            rows=1_000_000,
            lock_held_ms=2.5,
        ),
        StepStatus(revision="0007", name="rebuild_parent", state="open up", started_at=NOW),
        StepStatus(revision="0008", name="link_children", state="to come"),
    ),
    open_step=OpenStep(
        revision="0007",
        name="rebuild_parent",
        direction="up",
        started_at=NOW,
        done=(),
        to_do=("build",),
        jobs=(
            JobStatus(
                job="build",
                rows=250,
                expected=1000,
                ranges=3,
                percent=25.0,
                rows_per_second=100.5,
                seconds_left=7.5,
                last_at=NOW,
            ),
        ),
        sessions=("build 1",),
        go_on="",
        take_back="",
        felt=FeltNow(median_ms=2.5, longest_ms=7.0, idle_ms=2.0, allowed_ms=6.0, lag_bytes=None),
    ),
    checks=(LastCheck(name="copy", revision="0003", broken=4, keys=(), checked_at=NOW),),
)


def read(text: str) -> dict[str, list[tuple[dict[str, str], float]]]:
    return {
        family.name: [(sample.labels, sample.value) for sample in family.samples]
        for family in openmetrics(text)  # type: ignore[no-untyped-call]
    }


def numbers(chain: Chain) -> str:
    return as_openmetrics(read_standing(chain.runner()), now=NOW)


def test_the_parser_of_openmetrics_reads_labels_and_values_as_they_were() -> None:
    found = read(as_openmetrics(BUSY, now=NOW))
    common = {"plan": BUSY.plan, "schema": BUSY.schema}

    (ratio,) = found["membership_refactor_job_progress_ratio"]
    assert ratio == (common | {"job": "build"}, 0.25)
    held = found["membership_refactor_step_lock_held_seconds"]
    assert held == [(common | {"step": "copy_table", "revision": "0003"}, 0.0025)]
    (open_step,) = found["membership_refactor_step_open"]
    assert open_step[0]["step"] == "rebuild_parent" and open_step[0]["direction"] == "up"
    assert found["membership_refactor_small_write_seconds"] == [(common, 0.0025)]
    assert found["membership_refactor_small_write_allowed_seconds"] == [(common, 0.006)]
    assert found["membership_refactor_check_broken_rows"] == [(common | {"check": "copy"}, 4)]
    assert found["membership_refactor_read_timestamp_seconds"] == [(common, NOW.timestamp())]


def test_the_textfile_collector_reads_the_same_numbers() -> None:
    text = as_openmetrics(BUSY, now=NOW)
    plain = {
        family.name: [(sample.labels, sample.value) for sample in family.samples]
        for family in prometheus(text)
    }
    assert plain == read(text)


def test_what_is_not_known_is_left_out_instead_of_being_zero() -> None:
    found = read(as_openmetrics(replace(BUSY, open_step=None), now=NOW))

    assert "membership_refactor_step_open" not in found
    states = {labels["step"] for labels, _ in found["membership_refactor_step_state"]}
    timed = {labels["step"] for labels, _ in found["membership_refactor_step_duration_seconds"]}
    assert states - timed == {"rebuild_parent", "link_children"}


@pytest.mark.parametrize("revision", ["0002", "0007", "0010"])
def test_the_numbers_of_a_real_chain_say_where_it_stands(revision: str, chain_at: ChainAt) -> None:
    found = read(numbers(chain_at(revision)))

    states = {
        sample["revision"]: sample["state"] for sample, _ in found["membership_refactor_step_state"]
    }
    assert all((state == "up") == (step <= revision) for step, state in states.items()), states


def asked(dashboard: dict[str, Any]) -> list[str]:
    return [
        *(t["expr"] for panel in dashboard["panels"] for t in panel["targets"]),
        *(v["query"] for v in dashboard["templating"]["list"] if v["type"] == "query"),
    ]


def test_every_query_of_the_dashboard_names_metrics_and_labels_that_are_there() -> None:
    known = read(as_openmetrics(BUSY, now=NOW))
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))

    for query in asked(dashboard):
        names = re.findall(r"membership_refactor_\w+", query)
        assert names and set(names) <= set(known), query
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            (name,) = re.findall(r"membership_refactor_\w+", target["expr"])
            for label in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]):
                assert label in known[name][0][0], (panel["title"], label)


def test_the_dashboard_shows_what_writers_feel_beside_what_is_allowed() -> None:
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    felt = {name for name in read(as_openmetrics(BUSY, now=NOW)) if "_small_write_" in name}

    (panel,) = (p for p in dashboard["panels"] if "small_write" in json.dumps(p["targets"]))
    shown = {re.findall(r"\w+", target["expr"])[0] for target in panel["targets"]}
    assert shown == felt and len(felt) == 4
    assert panel["fieldConfig"]["defaults"]["unit"] == "s"


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "refactor.prom"
    write_whole(path, "one")
    write_whole(path, "two")
    assert path.read_text(encoding="utf-8") == "two"
    assert list(tmp_path.iterdir()) == [path]

    with pytest.raises(OSError, match="missing") as raised:
        write_whole(tmp_path / "missing" / "refactor.prom", "x")
    assert raised.value.filename.endswith("missing/refactor.prom")


def test_the_command_line_writes_the_file(chain_at: ChainAt, tmp_path: Path) -> None:
    path = tmp_path / "refactor.prom"
    url = chain_at("0004").url

    done = refactor("status", "--format", "openmetrics", "-o", str(path), url=url)

    assert done.status == 0 and done.out == "", done.err
    assert "membership_refactor_info" in read(path.read_text(encoding="utf-8"))
