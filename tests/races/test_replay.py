"""The replay of a log: unique values that wander while it runs, and writers who outpace it."""

from __future__ import annotations

import re
import time

import pytest

from membership_refactor.errors import ReplayOutpaced
from membership_refactor.execution import switching
from membership_refactor.execution.options import Options
from membership_refactor.sql.pacing import pace
from tests.fixtures.databases import TemplateDatabase
from tests.fixtures.sessions import PATIENCE, Session, Stage
from tests.races.pilot import Flight, Pilot
from tests.races.race import OnStage
from tests.races.stages import tables_at
from tests.races.tables import COPY, RETIRED, SOURCE, assert_equal, execute, query

WAYS: dict[str, tuple[str, str, str, Flight]] = {
    "copy": ("0001", SOURCE, COPY, lambda runner: runner.upgrade("copy_table")),
    "retired": ("0005", COPY, RETIRED, lambda runner: runner.downgrade("retire_source")),
}
"""Each move of rows: where it sets off, what is written, what is built, and the flight."""


def wait_blocked(stage: Stage, pid: int, by: Session) -> None:
    """Until the backend waits for a lock that this session holds."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        (blocked,) = stage.query(
            "SELECT %s = ANY (pg_catalog.pg_blocking_pids(%s))", (by.pid, pid)
        )[0]
        if blocked:
            return
    raise AssertionError(f"never blocked by {by.name}")


def hand_on(url: str, table: str, giver: int, taker: int) -> None:
    """The badge of one row goes to another; the giver has none from now on."""
    (badge,) = query(url, f"SELECT badge FROM {table} WHERE id = {giver}")[0]
    execute(
        url,
        f"UPDATE {table} SET badge = CASE id WHEN {taker} THEN '{badge}' END"
        f" WHERE id IN ({giver}, {taker})",
    )


@pytest.mark.parametrize("job", WAYS)
def test_a_unique_value_that_wanders_on_during_a_replay_is_replayed_once_more(
    job: str, template_database: TemplateDatabase, on_stage: OnStage
) -> None:
    """The replay takes a row from the log; before it writes it, the row gets another one's value.
    It takes the whole log; before it writes that, a row of it gets the value of a third."""
    revision, origin, target, flight = WAYS[job]
    url = template_database(tables_at(revision))
    stage = on_stage(url)
    first, second = stage.session("first"), stage.session("second")
    with Pilot(url) as pilot:
        pilot.start(flight, until=rf'm_{job}_log" LIMIT', before=True)
        execute(url, f"UPDATE {origin} SET rotation = 'x' WHERE id = 11")
        pilot.until(rf'SELECT "s_refactor"\."m_{job}_drain"\(\d', before=True)
        for session, id in ((first, 11), (second, 12)):
            session.begin()
            session.run(f"SELECT 1 FROM {target} WHERE id = %s FOR UPDATE", [id])
        assert pilot.halted_on is not None
        mover = pilot.halted_on.info.backend_pid
        pilot.go()
        wait_blocked(stage, mover, first)
        hand_on(url, origin, 12, 11)
        first.commit()
        wait_blocked(stage, mover, second)
        hand_on(url, origin, 13, 12)
        second.commit()
        pilot.finish()
    assert_equal(url)


def test_a_replay_that_writers_outpace_ends_with_their_rate_and_goes_on_when_less_is_written(
    template_database: TemplateDatabase,
) -> None:
    url = template_database(tables_at("0001"))
    busy = True

    def write(text: str) -> str:
        # Whenever it asks how much waits, three more keys have come.
        if busy and re.search(r'm_copy_log" LIMIT', text):
            execute(url, f"UPDATE {SOURCE} SET rotation = rotation || 'x' WHERE id < 4")
        return text

    options = Options(batch_rows=150, lock_timeout=1)
    with Pilot(url, mutation=write, options=options) as pilot:
        with pytest.raises(ReplayOutpaced) as said:
            pilot.upgrade("0003")
        found = re.search(
            r'changes of "s"\."wide" arrive faster than they can be replayed: in the last (\d+) s '
            r"([\d,]+) keys a second came, ([\d,]+) a second were replayed, and (\d+) wait\. "
            r"Reduce the writes for a while",
            str(said.value),
        )
        assert found is not None, str(said.value)
        assert int(found[2].replace(",", "")) > 0
        assert found[2] == found[3]
        busy = False
        pilot.upgrade("0003")
    assert_equal(url)


def test_a_log_longer_than_what_is_counted_is_replayed_before_the_lock(
    template_database: TemplateDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if a mass statement had promised a high rate: as much as ever may be left for the lock.
    monkeypatch.setattr(switching, "FEWEST", pace.MOST)
    monkeypatch.setattr(switching, "MOST", pace.MOST)
    url = template_database(tables_at("0001"))
    with Pilot(url) as pilot:
        pilot.start(
            lambda runner: runner.upgrade("copy_table"), until=r'm_copy_log" LIMIT', before=True
        )
        pilot.until(r'm_copy_log" LIMIT', before=True)
        execute(
            url,
            "DO $$ BEGIN FOR i IN 1..2500 LOOP"
            f" UPDATE {SOURCE} SET rotation = 'x' || i WHERE id = 11; END LOOP; END $$",
        )
        pilot.until(r"m_copy_drain\"?\(NULL\)", before=True)
        ((left,),) = query(url, "SELECT count(*) FROM s_refactor.m_copy_log")
        pilot.finish()
    assert isinstance(left, int)
    assert left < 1000
    assert_equal(url)
