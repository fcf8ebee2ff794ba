"""A script brings a database to the state that the runner brings it to."""

from __future__ import annotations

import pytest

from membership_refactor.portrait import differences
from tests.chain.driver import REVISIONS, Chain, Snapshot, snapshot
from tests.chain.subjects import KEPT
from tests.fixtures.steps import step_of
from tests.offline.conftest import SUBJECT
from tests.offline.scripts import Script


def assert_same(one: Snapshot, other: Snapshot) -> None:
    assert differences(one.portrait, other.portrait, ignore_order=False) == ()
    assert one.own == other.own
    assert one.tables == other.tables


@pytest.mark.parametrize("subject", [SUBJECT, KEPT], ids=["shipped", "kept"])
def test_every_step_by_script_is_every_step_online(script: Script, online: Chain) -> None:
    for revision in REVISIONS:
        script.up(revision).fine()
        online.up(revision)
        assert_same(snapshot(script.chain), snapshot(online))
    for revision in reversed(REVISIONS):
        script.down(revision).fine()
        online.down(revision)
        assert_same(snapshot(script.chain), snapshot(online))


def test_portraits_are_predicted_as_the_runner_reads_them(script: Script, online: Chain) -> None:
    prediction = script.prediction
    for revision in REVISIONS:
        online.up(revision)
        assert differences(prediction.after[step_of(revision)], online.portrait()) == ()


def test_one_script_goes_all_the_way_up_and_one_all_the_way_down(script: Script) -> None:
    legacy = snapshot(script.chain)
    script.up().fine()
    current = snapshot(script.chain)
    script.down().fine()
    back = snapshot(script.chain)
    assert differences(back.portrait, legacy.portrait, ignore_order=False) == ()
    assert back.tables == legacy.tables
    script.up().fine()
    again = snapshot(script.chain)
    assert differences(again.portrait, current.portrait) == ()
    assert again.tables == current.tables


def test_script_and_runner_take_turns(script: Script, online: Chain) -> None:
    for n, revision in enumerate(REVISIONS):
        if n % 2:
            script.up(revision).fine()
        else:
            script.chain.up(revision)
    online.up_to("0011")
    assert_same(snapshot(script.chain), snapshot(online))
    for n, revision in enumerate(reversed(REVISIONS)):
        if n % 2:
            script.chain.down(revision)
        else:
            script.down(revision).fine()
    online.down_to("0002")
    assert_same(snapshot(script.chain), snapshot(online))


def test_a_script_run_twice_does_nothing_the_second_time(script: Script) -> None:
    everything = (
        "SELECT c.oid, c.relfilenode, c.xmin, pg_stat_get_xact_tuples_inserted(c.oid) "
        "FROM pg_class c UNION ALL SELECT oid, 0, xmin, 0 FROM pg_proc UNION ALL "
        "SELECT oid, 0, xmin, 0 FROM pg_trigger"
    )
    records = "SELECT count(*), max(at) FROM public_refactor.event"
    for go in (script.up, script.down):
        go().fine()
        before = sorted(script.chain.query(everything), key=str), script.chain.query(records)
        said = go().fine().said
        assert said.count("already, nothing to do") == len(REVISIONS)
        after = sorted(script.chain.query(everything), key=str), script.chain.query(records)
        assert after == before
