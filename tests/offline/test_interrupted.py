"""A killed script is finished by the runner, and a killed runner by a script."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import psycopg
import pytest

from membership_refactor.database import libpq_url
from membership_refactor.errors import StepInterrupted
from membership_refactor.portrait import differences
from membership_refactor.script import print_head
from membership_refactor.steps.step import Direction
from tests.chain.driver import REVISIONS, Chain, snapshot
from tests.offline.scripts import (
    DOWN,
    STOPPED,
    UP,
    Script,
    held_at_batch,
    psql,
    run_psql,
    wait_until,
)

LONG = pytest.mark.parametrize(
    ("revision", "direction"), [("0003", UP), ("0007", UP), ("0009", DOWN), ("0005", DOWN)]
)
"""The steps with batches: the copy, the parents, the refresh, the archive."""


def brought(chain: Chain, script: Script, revision: str, direction: Direction) -> None:
    """To where the step begins, the ledger included."""
    head = print_head(chain.names, script.legacy, REVISIONS[0], UP)
    run_psql(chain.url, head).fine()
    if direction is UP:
        chain.up_to(f"{int(revision) - 1:04d}")
    else:
        chain.up_to("0011")
        chain.down_to(revision)


def step(chain: Chain, revision: str, direction: Direction) -> None:
    (chain.up if direction is UP else chain.down)(revision)


def killed(chain: Chain, work: Callable[[], object]) -> None:
    """``work`` is stopped at its third batch, and its sessions are ended."""
    with ThreadPoolExecutor(1) as pool, held_at_batch(chain, 3) as kill:
        stopped = pool.submit(work)
        kill()
        with pytest.raises(StepInterrupted):
            stopped.result(timeout=60)
    assert left_open(chain) == (2, 1)


def left_open(chain: Chain) -> tuple[int, int]:
    """Batches done, and claimed but not done."""
    return chain.query(
        "SELECT count(*) FILTER (WHERE done), count(*) FILTER (WHERE NOT done) "
        "FROM public_refactor.batch"
    )[0]


def assert_undisturbed(chain: Chain, other: Chain) -> None:
    one, two = snapshot(chain), snapshot(other)
    assert differences(one.portrait, two.portrait, ignore_order=False) == ()
    assert one.own == two.own
    assert one.tables == two.tables
    assert left_open(chain) == (0, 0)


@LONG
def test_a_killed_script_is_finished_by_the_runner(
    script: Script, online: Chain, revision: str, direction: Direction
) -> None:
    chain = script.chain
    brought(chain, script, revision, direction)
    text = script.text([revision], direction)
    with held_at_batch(chain, 3) as kill, psql(chain.url, text) as process:
        kill()
        assert process.wait(30) == 2
    assert left_open(chain) == (2, 1)
    step(chain, revision, direction)
    brought(online, script, revision, direction)
    step(online, revision, direction)
    assert_undisturbed(chain, online)


@LONG
def test_a_killed_runner_is_finished_by_a_script(
    script: Script, online: Chain, revision: str, direction: Direction
) -> None:
    chain = script.chain
    brought(chain, script, revision, direction)
    killed(chain, lambda: step(chain, revision, direction))
    said = (script.up if direction is UP else script.down)(revision).fine().said
    assert "resumed" in said
    brought(online, script, revision, direction)
    step(online, revision, direction)
    assert_undisturbed(chain, online)


@pytest.mark.parametrize(
    ("revision", "direction", "log"),
    [
        ("0003", UP, "copy_log"),
        pytest.param("0007", UP, "parent_log", marks=pytest.mark.slow),
        pytest.param("0005", DOWN, "retired_log", marks=pytest.mark.slow),
    ],
)
def test_a_trigger_of_the_log_that_is_dropped_meanwhile_stops_the_script(
    script: Script, revision: str, direction: Direction, log: str
) -> None:
    """A script does not record which triggers stand, so it asks for those that it disables."""
    chain = script.chain
    brought(chain, script, revision, direction)
    killed(chain, lambda: step(chain, revision, direction))
    named = f"SELECT tgname, tgrelid::regclass FROM pg_trigger WHERE tgname LIKE '%{log}_delete'"
    ((name, table),) = chain.query(named)
    chain.run(f'DROP TRIGGER "{name}" ON {table}')
    go = script.up if direction is UP else script.down
    for _ in range(2):
        outcome = go(revision)
        assert outcome.code == STOPPED, outcome.said
        assert "somebody dropped triggers of this tool" in outcome.said
        assert "abandon" in outcome.said
    chain.runner().abandon()
    go(revision).fine()


def test_the_server_stops_the_loop_when_psql_is_killed(script: Script) -> None:
    chain = script.chain
    brought(chain, script, "0003", UP)
    with held_at_batch(chain, 3), psql(chain.url, script.text(["0003"])) as process:
        waiting = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)"
        wait_until(lambda: bool(chain.value(waiting)))
        process.kill()
        ours = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE '%script 0003%'"
        wait_until(lambda: not chain.value(f"{ours} AND datname = current_database()"))
    assert left_open(chain) == (2, 1)
    script.up("0003").fine()


def test_an_index_left_invalid_is_dropped_and_built_again(script: Script) -> None:
    chain = script.chain
    chain.up_to("0011")
    chain.down_to("0010")
    index = "public.ix_curriculum_membership_person_id"
    invalid = f"SELECT NOT indisvalid FROM pg_index WHERE indexrelid = to_regclass('{index}')"
    with psycopg.connect(libpq_url(chain.url)) as reader, ExitStack() as at_work:
        # The build waits for every older snapshot at its end.
        reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        reader.execute("SELECT 1 FROM pg_class LIMIT 1")
        process = at_work.enter_context(psql(chain.url, script.text(["0010"], DOWN)))
        wait_until(lambda: chain.query(invalid) == [(True,)])
        chain.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE query LIKE 'CREATE INDEX CONCURRENTLY%' AND datname = current_database()"
        )
        assert process.wait(30) == 2
    assert chain.query(invalid) == [(True,)]
    script.down("0010").fine()
    assert chain.query(invalid) == [(False,)]


def test_the_same_script_goes_on_where_it_was_killed(script: Script, online: Chain) -> None:
    chain = script.chain
    brought(chain, script, "0007", UP)
    text = script.text(REVISIONS)
    with held_at_batch(chain, 3) as kill, psql(chain.url, text) as process:
        kill()
        assert process.wait(30) == 2
    said = run_psql(chain.url, text).fine().said
    assert said.count("already, nothing to do") == REVISIONS.index("0007")
    assert "0007 rebuild_parent: resumed" in said
    online.up_to("0011")
    assert_undisturbed(chain, online)
