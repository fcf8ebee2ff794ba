"""Each reason for which a gate stays closed, alone: everything else speaks for opening it."""

from __future__ import annotations

import json
from dataclasses import replace

import psycopg
import pytest

from membership_refactor.checks.gate import gates
from membership_refactor.database import libpq_url
from membership_refactor.errors import GateClosed
from membership_refactor.execution.options import Options
from membership_refactor.planning import Revisions
from tests.chain.driver import Chain
from tests.fixtures.chains import ChainAt

LEDGER = "public_refactor"
TARGETS = {"0005": 'table "programme_membership"', "0006": 'old meaning of "programme_membership"'}


def watch(chain: Chain, target: str, *, began: int, ended: str = "0 days", uses: int = 0,
          covered: bool = True) -> None:  # fmt: skip
    """A watch that began so many days ago."""
    chain.run(
        f"INSERT INTO {LEDGER}.usage_interval (plan, target, source, began, ended, uses, covered) "
        f"VALUES ('{chain.plan.name}', '{target}', 'a test', now() - interval '{began} days', "
        f"now() - interval '{ended}', {uses}, {covered})"
    )


def scan(
    chain: Chain,
    consumer: str,
    *,
    findings: int = 0,
    ago: str = "1 hour",
    stage: str = "copy",
    in_the_way: dict[str, int] | None = None,
) -> None:
    detail = {} if in_the_way is None else {"in_the_way": in_the_way}
    chain.run(
        f"INSERT INTO {LEDGER}.scan_outcome "
        "(plan, stage, consumer, clear, findings, scanned_at, detail) "
        f"VALUES ('{chain.plan.name}', '{stage}', '{consumer}', {findings == 0}, {findings}, "
        f"now() - interval '{ago}', '{json.dumps(detail)}')"
    )


def ended_long_ago(chain: Chain) -> None:
    chain.run(f"UPDATE {LEDGER}.step SET ended_at = now() - interval '20 days'")


def without_acceptance(chain: Chain) -> Chain:
    chain.run(f"DELETE FROM {LEDGER}.acceptance")
    return replace(chain, options=Options(batch_rows=7))


def closed(chain: Chain, revision: str) -> str:
    with pytest.raises(GateClosed) as refused:
        chain.up(revision)
    return str(refused.value)


@pytest.mark.parametrize("revision", TARGETS)
def test_a_gate_opens_on_a_whole_watch_without_a_use_and_clear_scans(
    revision: str, chain_at: ChainAt
) -> None:
    chain = without_acceptance(chain_at(f"{int(revision) - 1:04d}"))
    ended_long_ago(chain)
    watch(chain, TARGETS[revision], began=15)
    scan(chain, "app", findings=3, ago="2 hours")
    scan(chain, "app")
    chain.up(revision)


def test_scans_alone_open_no_gate(chain_at: ChainAt) -> None:
    chain = without_acceptance(chain_at("0004"))
    scan(chain, "app")
    said = closed(chain, "0005")
    assert "no unbroken watch of 14 days" in said
    assert "scanned" not in said


@pytest.mark.parametrize(
    ("began", "ended", "covered"),
    [(13, "0 days", True), (15, "2 days", True), (15, "0 days", False)],
    ids=["too short", "ended since", "not covered"],
)
def test_a_watch_that_is_not_whole_opens_no_gate(
    began: int, ended: str, covered: bool, chain_at: ChainAt
) -> None:
    chain = without_acceptance(chain_at("0004"))
    watch(chain, TARGETS["0005"], began=began, ended=ended, covered=covered)
    scan(chain, "app")
    assert "no unbroken watch of 14 days" in closed(chain, "0005")


def test_a_watch_with_a_gap_opens_no_gate(chain_at: ChainAt) -> None:
    chain = without_acceptance(chain_at("0004"))
    watch(chain, TARGETS["0005"], began=20, ended="8 days")
    watch(chain, TARGETS["0005"], began=7)
    scan(chain, "app")
    assert "no unbroken watch of 14 days" in closed(chain, "0005")
    watch(chain, TARGETS["0005"], began=9, ended="6 days")
    chain.up("0005")


def test_a_watch_of_something_else_opens_no_gate(chain_at: ChainAt) -> None:
    chain = without_acceptance(chain_at("0004"))
    watch(chain, TARGETS["0006"], began=15)
    scan(chain, "app")
    assert "no unbroken watch of 14 days" in closed(chain, "0005")


def test_one_use_within_the_window_keeps_a_gate_closed(chain_at: ChainAt) -> None:
    chain = without_acceptance(chain_at("0004"))
    watch(chain, TARGETS["0005"], began=40, ended="13 days", uses=2)
    watch(chain, TARGETS["0005"], began=14)
    scan(chain, "app")
    assert "used 2 times until" in closed(chain, "0005")


def test_a_use_before_the_window_keeps_no_gate_closed(chain_at: ChainAt) -> None:
    chain = without_acceptance(chain_at("0004"))
    watch(chain, TARGETS["0005"], began=40, ended="15 days", uses=2)
    watch(chain, TARGETS["0005"], began=16)
    scan(chain, "app")
    chain.up("0005")


def test_a_watch_without_a_scan_opens_no_gate(chain_at: ChainAt) -> None:
    chain = without_acceptance(chain_at("0004"))
    watch(chain, TARGETS["0005"], began=15)
    said = closed(chain, "0005")
    assert "the SQL of no consumer has been scanned" in said
    assert "watch" not in said.split("Wait for")[0]


def test_one_consumer_with_references_left_keeps_a_gate_closed(chain_at: ChainAt) -> None:
    chain = without_acceptance(chain_at("0004"))
    watch(chain, TARGETS["0005"], began=15)
    scan(chain, "app")
    scan(chain, "report", findings=3)
    assert "consumer report has 3 references left" in closed(chain, "0005")


def test_references_to_something_else_keep_no_gate_closed(chain_at: ChainAt) -> None:
    chain = without_acceptance(chain_at("0004"))
    watch(chain, TARGETS["0005"], began=15)
    columns = 'deprecated columns of "curriculum_membership"'
    scan(chain, "app", findings=3, in_the_way={TARGETS["0005"]: 1, columns: 2})
    assert "consumer app has 1 references left" in closed(chain, "0005")
    scan(chain, "app", findings=2, in_the_way={TARGETS["0005"]: 0, columns: 2}, ago="1 minute")
    chain.up("0005")


def test_a_scan_that_does_not_say_of_what_its_findings_are_keeps_every_gate_closed(
    chain_at: ChainAt,
) -> None:
    chain = without_acceptance(chain_at("0004"))
    watch(chain, TARGETS["0005"], began=15)
    scan(chain, "app", findings=2, in_the_way={})
    assert "consumer app has 2 references left" in closed(chain, "0005")


def test_a_scan_for_a_structure_without_the_table_opens_no_gate(chain_at: ChainAt) -> None:
    """At interim the source's name is the parent's, so a use of the source is none."""
    chain = without_acceptance(chain_at("0004"))
    watch(chain, TARGETS["0005"], began=15)
    scan(chain, "app", stage="interim")
    said = closed(chain, "0005")
    assert "scan of consumer app is for another structure: scan it with --stage copy" in said
    scan(chain, "app", findings=1, ago="2 hours", in_the_way={TARGETS["0005"]: 1})
    assert "consumer app has 1 references left" in closed(chain, "0005")
    scan(chain, "app")
    chain.up("0005")


def test_a_clear_scan_of_an_earlier_release_opens_no_gate_once_there_is_a_newer_one(
    chain_at: ChainAt,
) -> None:
    """The newer one was for another structure, in which the source cannot be seen."""
    chain = without_acceptance(chain_at("0004"))
    watch(chain, TARGETS["0005"], began=15)
    scan(chain, "app", ago="9 days")
    scan(chain, "app", stage="interim", findings=3, in_the_way={TARGETS["0005"]: 0})
    assert "the newest scan of consumer app is for another structure" in closed(chain, "0005")
    scan(chain, "app", ago="2 hours")
    chain.up("0005")


def test_the_old_name_gets_its_new_meaning_only_a_window_after_0005(chain_at: ChainAt) -> None:
    chain = without_acceptance(chain_at("0005"))
    watch(chain, TARGETS["0006"], began=15)
    scan(chain, "app")
    assert "0005 ended less than 14 days ago" in closed(chain, "0006")


def test_the_acceptance_of_one_gate_opens_no_other(chain_at: ChainAt) -> None:
    chain = replace(chain_at("0005"), options=Options(batch_rows=7))
    assert "no unbroken watch" in closed(chain, "0006")


def test_an_empty_table_that_was_not_made_here_opens_no_gate(chain_at: ChainAt) -> None:
    chain = without_acceptance(chain_at("0004"))
    chain.run("DELETE FROM public.programme_membership")
    assert "no unbroken watch" in closed(chain, "0005")
    chain.run(f"INSERT INTO {LEDGER}.event (plan, event) VALUES ('{chain.plan.name}', 'created')")
    chain.up("0005")


def begun(chain: Chain, *, empty: bool) -> None:
    """The first step began, over an empty table or over one with rows."""
    for event in ("begun", "begun empty") if empty else ("begun",):
        chain.run(
            f"INSERT INTO {LEDGER}.event (plan, step, direction, event) "
            f"VALUES ('{chain.plan.name}', 'copy_table', 'up', '{event}')"
        )


@pytest.mark.parametrize("empty", [True, False])
def test_a_table_that_had_rows_and_lost_them_opens_no_gate(empty: bool, chain_at: ChainAt) -> None:
    """Its pages tell after a DELETE, and what was counted after a TRUNCATE."""
    chain = without_acceptance(chain_at("0004"))
    begun(chain, empty=empty)
    chain.run("CREATE TABLE public.kept AS TABLE public.programme_membership")
    chain.run("DELETE FROM public.programme_membership")
    assert "no unbroken watch" in closed(chain, "0005")
    chain.run("INSERT INTO public.programme_membership TABLE public.kept")
    chain.run("TRUNCATE public.programme_membership")
    assert "no unbroken watch" in closed(chain, "0005")


@pytest.mark.parametrize(("last", "opens"), [(True, True), (False, False), (None, False)])
def test_only_a_plan_that_began_over_an_empty_table_needs_no_evidence(
    last: bool | None, opens: bool, chain_at: ChainAt
) -> None:
    """``last`` is how its first step began the last time; None in a ledger that does not say."""
    chain = replace(chain_at("0002"), options=Options(batch_rows=7))
    chain.run("TRUNCATE public.programme_membership")
    # As if nobody had ever written it.
    chain.run("SELECT pg_stat_reset_single_table_counters('public.programme_membership'::regclass)")
    chain.up("0003")
    chain.up("0004")
    chain.run(f"DELETE FROM {LEDGER}.event WHERE event IN ('begun empty', 'begun', 'created')")
    if last is not None:
        begun(chain, empty=not last)
        begun(chain, empty=last)
    if opens:
        chain.up("0005")
        chain.up("0006")
    else:
        assert "no unbroken watch" in closed(chain, "0005")


def test_who_may_not_read_the_table_sees_that_it_is_empty_by_its_size(chain_at: ChainAt) -> None:
    chain = without_acceptance(chain_at("0004"))
    chain.run(f"INSERT INTO {LEDGER}.event (plan, event) VALUES ('{chain.plan.name}', 'created')")
    (own,) = gates(chain.names, Revisions(), "retire_source")
    (others,) = gates(chain.names, Revisions(), "retire_source", own=False)
    assert chain.query(own.query) == chain.query(others.query) != []
    chain.run("DELETE FROM public.programme_membership")
    assert chain.query(own.query) == []
    assert chain.query(others.query) != [], "only VACUUM shows that no row is left"
    with psycopg.connect(libpq_url(chain.url), autocommit=True) as pg:
        pg.execute("VACUUM public.programme_membership")
    assert chain.query(others.query) == []
