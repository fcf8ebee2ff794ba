"""Merging: who survives, what hangs from whom, what is refused, and how it is taken up again."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import Engine

from membership_refactor.enrollment.detect import findings
from membership_refactor.enrollment.merge import merge, planned
from membership_refactor.enrollment.patience import Patience
from membership_refactor.enrollment.undo import undo, where_is
from membership_refactor.errors import LockNotObtained, PortraitMismatch, WrongUse
from membership_refactor.planning import Dependent, Keep, Ranking, SurvivorRule
from membership_refactor.plans.program_enrollment import IDENTITY, STATUSES
from tests.cli.processes import until
from tests.enrollment.interruption import INTERRUPTION, interrupted
from tests.enrollment.tables import contents, enrol, run
from tests.fixtures.sessions import Stage


def ids(engine: Engine) -> list[object]:
    with engine.connect() as connection:
        return [row[0] for row in run(connection, "SELECT id FROM program_enrollment ORDER BY id")]


def test_a_dry_run_says_what_would_happen_and_changes_nothing(unconstrained_engine: Engine) -> None:
    with unconstrained_engine.begin() as connection:
        enrol(connection, 1, None, courses=("c",))
        enrol(connection, 1, "k", courses=("c",))
    before = contents(unconstrained_engine)
    report = planned(unconstrained_engine, IDENTITY, "public")
    (decision,) = report.decisions
    assert decision.values == (("external_user_key", "k"),)
    assert (report.merged, report.removed, report.run, report.untried) == (1, 1, None, "")
    assert contents(unconstrained_engine) == before
    with unconstrained_engine.connect() as connection:
        assert run(connection, "SELECT to_regnamespace('public_refactor') IS NULL") == [(True,)]
    assert merge(unconstrained_engine, IDENTITY, "public").run == 1


def test_the_survivor_is_realised_then_active_then_has_children_then_is_old(
    unconstrained_engine: Engine,
) -> None:
    with unconstrained_engine.begin() as connection:
        groups = [
            (enrol(connection, None, "a"), enrol(connection, 1, "a", status="canceled")),
            (enrol(connection, 2, None, status="canceled"), enrol(connection, 2, None)),
            (enrol(connection, 3, None), enrol(connection, 3, None, courses=("c",))),
        ]
        oldest = enrol(connection, 4, None)
        enrol(connection, 4, None)
    merge(unconstrained_engine, IDENTITY, "public")
    assert ids(unconstrained_engine) == [*(group[1] for group in groups), oldest]


def test_the_rules_of_survival_can_be_changed(unconstrained_engine: Engine) -> None:
    with unconstrained_engine.begin() as connection:
        waiting = enrol(connection, None, "a", status="enrolled")
        enrol(connection, 1, "a", status="canceled")
    plan = replace(IDENTITY, survivor=(SurvivorRule.OLDEST,))
    merge(unconstrained_engine, plan, "public")
    assert ids(unconstrained_engine) == [waiting]


@pytest.mark.parametrize(("keep", "status"), [(Keep.SURVIVOR, "canceled"), (Keep.BEST, "enrolled")])
def test_a_merge_reactivates_nobody_unless_it_is_told_to(
    unconstrained_engine: Engine, keep: Keep, status: str
) -> None:
    with unconstrained_engine.begin() as connection:
        enrol(connection, 1, "a", status="canceled")
        enrol(connection, None, "a", status="enrolled")
    plan = replace(IDENTITY, status=Ranking(column="status", order=STATUSES, keep=keep))
    merge(unconstrained_engine, plan, "public")
    with unconstrained_engine.connect() as connection:
        assert run(connection, "SELECT status FROM program_enrollment") == [(status,)]


def test_where_a_row_went_is_found_through_later_merges(unconstrained_engine: Engine) -> None:
    with unconstrained_engine.begin() as connection:
        first = enrol(connection, None, "a")
        second = enrol(connection, 1, "a")
    merge(unconstrained_engine, IDENTITY, "public")
    with unconstrained_engine.begin() as connection:
        third = enrol(connection, 1, None, courses=("c", "d"))
        run(connection, "UPDATE program_enrollment SET status = 'ended' WHERE id = %s", second)
    merge(unconstrained_engine, IDENTITY, "public")
    with unconstrained_engine.connect() as connection:
        found = where_is(connection, IDENTITY, "public", first)
        assert found is not None and found.survivor == str(third)
        assert found.row["external_user_key"] == "a"
        assert where_is(connection, IDENTITY, "public", third) is None


def test_a_run_that_never_was_cannot_be_taken_back(unconstrained_engine: Engine) -> None:
    with pytest.raises(WrongUse, match="run 5"):
        undo(unconstrained_engine, IDENTITY, "public", 5)


def test_a_survivor_that_was_changed_since_is_not_written_over(
    unconstrained_engine: Engine,
) -> None:
    with unconstrained_engine.begin() as connection:
        kept = enrol(connection, 1, None)
        enrol(connection, 1, "k")
    plan = replace(IDENTITY, survivor=(SurvivorRule.OLDEST,))
    report = merge(unconstrained_engine, plan, "public")
    with unconstrained_engine.begin() as connection:
        run(connection, "UPDATE program_enrollment SET external_user_key = 'new'")
    before = contents(unconstrained_engine)
    assert report.run is not None
    refused = undo(unconstrained_engine, plan, "public", report.run).refused
    assert "changed after the merge" in refused[str(kept)]
    assert contents(unconstrained_engine) == before


def test_a_table_that_the_plan_does_not_know_stops_the_merge(unconstrained_engine: Engine) -> None:
    with unconstrained_engine.begin() as connection:
        enrol(connection, 1, "k")
        enrol(connection, 1, "k")
        run(
            connection,
            "CREATE TABLE note (enrollment bigint REFERENCES program_enrollment ON DELETE CASCADE)",
        )
    before = contents(unconstrained_engine)
    with pytest.raises(PortraitMismatch, match=r"note \(enrollment\)"):
        merge(unconstrained_engine, IDENTITY, "public")
    assert contents(unconstrained_engine) == before


def test_grandchildren_follow_and_collide_like_children(unconstrained_engine: Engine) -> None:
    role = Dependent(table="role", parent="course", unique=("name",))
    courses = replace(IDENTITY.dependents[0], dependents=(role,))
    plan = replace(IDENTITY, dependents=(courses,))
    with unconstrained_engine.begin() as connection:
        run(
            connection,
            "CREATE TABLE role (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
            " course bigint NOT NULL REFERENCES program_course_enrollment ON DELETE CASCADE,"
            " name text, UNIQUE (course, name))",
        )
        enrol(connection, 1, None, courses=("same",))
        enrol(connection, 1, None, courses=("same", "other"))
        run(
            connection,
            "INSERT INTO role (course, name) SELECT id, name FROM program_course_enrollment"
            " CROSS JOIN LATERAL (VALUES ('staff'), (course_key || id)) AS n(name)",
        )
        names = {row[0] for row in run(connection, "SELECT name FROM role")}
        before = run(connection, "SELECT * FROM role ORDER BY id")
    report = merge(unconstrained_engine, plan, "public")
    with unconstrained_engine.connect() as connection:
        assert {row[0] for row in run(connection, "SELECT name FROM role")} == names
        per_course = run(
            connection,
            "SELECT course_key, count(*)::int, count(*) FILTER (WHERE name = 'staff')::int"
            " FROM role JOIN program_course_enrollment AS c ON c.id = course GROUP BY 1 ORDER BY 1",
        )
        assert per_course == [("other", 2, 1), ("same", 3, 1)]
    assert report.run is not None
    undo(unconstrained_engine, plan, "public", report.run)
    with unconstrained_engine.connect() as connection:
        assert run(connection, "SELECT * FROM role ORDER BY id") == before


def test_a_row_that_joins_the_component_before_the_locks_is_seen_under_them(
    unconstrained_engine: Engine, on_stage: Callable[[str], Stage]
) -> None:
    """The merge has looked and waits for a row; meanwhile the component becomes contradictory."""

    with unconstrained_engine.begin() as connection:
        held = enrol(connection, 1, "k")
        enrol(connection, 1, None)
    stage = on_stage(unconstrained_engine.url.render_as_string(hide_password=False))
    writer = stage.session("writer")
    writer.run("BEGIN")
    writer.run("UPDATE program_enrollment SET status = status WHERE id = %s", (held,))
    with ThreadPoolExecutor(1) as pool:
        merging = pool.submit(merge, unconstrained_engine, IDENTITY, "public")
        waiting = (
            "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database()"
            " AND wait_event_type = 'Lock' AND query LIKE '%FOR UPDATE OF t%'"
        )
        while stage.query(waiting) != [(True,)]:
            assert not merging.done()
        writer.run(
            "INSERT INTO program_enrollment (user_id, external_user_key, program_uuid,"
            " curriculum_uuid, status) SELECT 1, 'other', program_uuid, curriculum_uuid, status"
            " FROM program_enrollment WHERE id = %s",
            (held,),
        )
        writer.run("COMMIT")
        report = merging.result(30)
    assert report.merged == 0
    assert len(ids(unconstrained_engine)) == 3
    assert list(report.left.values()) == ["they name two values of external_user_key"]


def test_a_writer_that_keeps_a_row_locked_ends_the_merge_in_an_honest_failure(
    unconstrained_engine: Engine, on_stage: Callable[[str], Stage]
) -> None:
    with unconstrained_engine.begin() as connection:
        enrol(connection, 1, "k")
        enrol(connection, 1, None)
    before = contents(unconstrained_engine)
    stage = on_stage(unconstrained_engine.url.render_as_string(hide_password=False))
    writer = stage.session("writer")
    writer.run("BEGIN")
    writer.run("UPDATE program_enrollment SET status = status")
    with pytest.raises(LockNotObtained, match="2 tries"):
        merge(unconstrained_engine, IDENTITY, "public", patience=Patience(tries=2))
    writer.run("ROLLBACK")
    assert contents(unconstrained_engine) == before


@pytest.mark.slow
@pytest.mark.parametrize("how", ["before", "after", "ended"])
def test_a_merge_interrupted_at_every_statement_and_run_again_ends_the_same(
    unconstrained_engine: Engine, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    with unconstrained_engine.begin() as connection:
        enrol(connection, 1, None, courses=("a", "b"))
        enrol(connection, 1, "k", courses=("b", "c"))
        for key in ("x", "y"):
            enrol(connection, None, key)
            enrol(connection, 2 if key == "x" else None, key)
        enrol(connection, 8, "p")
        enrol(connection, 8, "q")
    start = contents(unconstrained_engine)
    # The first run makes the tables of the record, in a transaction of its own.
    merge(unconstrained_engine, IDENTITY, "public", batch=1)
    take_back(unconstrained_engine)
    with interrupted(monkeypatch) as counter:
        report = merge(unconstrained_engine, IDENTITY, "public", batch=1)
    end = contents(unconstrained_engine)
    assert report.merged == 3
    for number in range(1, counter.count + 1):
        take_back(unconstrained_engine)
        assert contents(unconstrained_engine) == start, number
        with pytest.raises(INTERRUPTION), interrupted(monkeypatch, **{how: number}):
            merge(unconstrained_engine, IDENTITY, "public", batch=1)
        unconstrained_engine.dispose()
        merge(unconstrained_engine, IDENTITY, "public", batch=1)
        assert contents(unconstrained_engine) == end, number


def take_back(engine: Engine) -> None:
    """Every run that has something to take back, the latest first."""
    with engine.connect() as connection:
        runs = run(
            connection,
            "SELECT DISTINCT run FROM public_refactor.program_enrollment_merge"
            " WHERE undone IS NULL ORDER BY run DESC",
        )
    for (number,) in runs:
        assert undo(engine, IDENTITY, "public", int(str(number))).refused == {}


def test_numbers_keep_their_digits_in_the_record(unconstrained_engine: Engine) -> None:
    with unconstrained_engine.begin() as connection:
        run(connection, "ALTER TABLE program_enrollment ADD COLUMN fee numeric")
        run(
            connection,
            "ALTER TABLE program_enrollment ADD COLUMN twice numeric"
            " GENERATED ALWAYS AS (fee * 2) STORED",
        )
        for _ in range(2):
            enrol(connection, 1, "k")
        run(connection, "UPDATE program_enrollment SET fee = 1234567890123456789.01234567890")
    before = contents(unconstrained_engine)
    report = merge(unconstrained_engine, IDENTITY, "public")
    assert report.run is not None
    undo(unconstrained_engine, IDENTITY, "public", report.run)
    assert contents(unconstrained_engine) == before


def test_an_undone_merge_is_found_again(unconstrained_engine: Engine) -> None:
    with unconstrained_engine.begin() as connection:
        for _ in range(2):
            enrol(connection, 1, "k")
    report = merge(unconstrained_engine, IDENTITY, "public")
    assert report.run is not None
    undo(unconstrained_engine, IDENTITY, "public", report.run)
    with unconstrained_engine.connect() as connection, connection.begin():
        assert len(list(findings(connection, IDENTITY, "public"))) == 1


def test_with_indexes_the_tables_are_read_when_looking_and_never_for_a_batch(
    unconstrained_engine: Engine,
) -> None:
    """Four reads of the enrollments a look, and two looks: one finds the duplicates, one none."""
    with unconstrained_engine.begin() as connection:
        for column in ("user_id", "external_user_key"):
            run(connection, f"CREATE INDEX ON program_enrollment ({column})")
        for number in range(12):
            enrol(connection, number // 2, None)
        (database,) = run(connection, "SELECT quote_ident(current_database())")[0]
        # The rows are so few that they would rather be read than an index be used.
        run(connection, f"ALTER DATABASE {database} SET enable_seqscan = off")
    unconstrained_engine.dispose()
    before = reads(unconstrained_engine)[0]
    report = merge(unconstrained_engine, IDENTITY, "public", batch=1)
    assert report.merged == 6
    # The counters come when the sessions end.
    unconstrained_engine.dispose()
    until(lambda: reads(unconstrained_engine)[1] == 6)
    assert reads(unconstrained_engine)[0] - before <= 2 * 4


def reads(engine: Engine) -> tuple[int, int]:
    """How often the table was read from end to end, and how many rows were deleted."""
    with engine.connect() as connection:
        (row,) = run(
            connection,
            "SELECT seq_scan::int, n_tup_del::int FROM pg_stat_user_tables"
            " WHERE relname = 'program_enrollment' AND schemaname = 'public'",
        )
    return int(str(row[0])), int(str(row[1]))
