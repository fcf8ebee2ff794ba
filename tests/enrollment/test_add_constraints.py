"""The constraints come to a table with rows: what stops them, what is left, what goes again."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine

from membership_refactor.enrollment.add_constraints import add_constraints, drop_constraints
from membership_refactor.enrollment.label import label
from membership_refactor.enrollment.merge import merge
from membership_refactor.enrollment.undo import undo
from membership_refactor.errors import CheckFailed, PortraitMismatch
from membership_refactor.plans.program_enrollment import IDENTITY
from membership_refactor.sql.own_statements import MARK
from tests.enrollment.interruption import INTERRUPTION, interrupted
from tests.enrollment.tables import CONSTRAINTS, contents, enrol, run

STANDING = """
SELECT c.conname, pg_get_constraintdef(c.oid), c.convalidated
FROM pg_constraint AS c WHERE c.conrelid = 'program_enrollment'::regclass ORDER BY 1
"""
INDEXES = """
SELECT c.relname, i.indisvalid, i.indisready
FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
WHERE i.indrelid = 'program_enrollment'::regclass ORDER BY 1
"""


def structure(engine: Engine) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    with engine.connect() as connection:
        return run(connection, STANDING), run(connection, INDEXES)


def standing(engine: Engine) -> set[object]:
    with engine.connect() as connection:
        return {row[0] for row in run(connection, STANDING) if row[2]} & set(CONSTRAINTS)


def test_the_constraints_stand_and_go_again(unconstrained_engine: Engine) -> None:
    with unconstrained_engine.begin() as connection:
        enrol(connection, 1, "k")
    before = structure(unconstrained_engine)
    report = add_constraints(unconstrained_engine, IDENTITY, "public")
    assert standing(unconstrained_engine) == set(CONSTRAINTS)
    assert [built.attempts for built in report.built.values()] == [1, 1]
    drop_constraints(unconstrained_engine, IDENTITY, "public")
    assert structure(unconstrained_engine) == before
    add_constraints(unconstrained_engine, IDENTITY, "public")
    assert standing(unconstrained_engine) == set(CONSTRAINTS)


def test_a_second_run_finds_everything_done(unconstrained_engine: Engine) -> None:
    add_constraints(unconstrained_engine, IDENTITY, "public")
    before = structure(unconstrained_engine)
    report = add_constraints(unconstrained_engine, IDENTITY, "public")
    assert [built.attempts for built in report.built.values()] == [0, 0]
    assert structure(unconstrained_engine) == before


def test_constraints_that_were_there_before_stay_when_the_others_go(
    unconstrained_engine: Engine,
) -> None:
    with unconstrained_engine.begin() as connection:
        run(
            connection,
            "ALTER TABLE program_enrollment ADD CONSTRAINT uq_program_enrollment_key"
            " UNIQUE (external_user_key, program_uuid, curriculum_uuid)",
        )
    before = structure(unconstrained_engine)
    add_constraints(unconstrained_engine, IDENTITY, "public")
    drop_constraints(unconstrained_engine, IDENTITY, "public")
    assert structure(unconstrained_engine) == before


def test_a_constraint_of_the_same_name_that_means_something_else_stops_it(
    unconstrained_engine: Engine,
) -> None:
    with unconstrained_engine.begin() as connection:
        run(
            connection,
            "ALTER TABLE program_enrollment ADD CONSTRAINT uq_program_enrollment_key"
            " UNIQUE NULLS NOT DISTINCT (external_user_key, program_uuid, curriculum_uuid)",
        )
    before = structure(unconstrained_engine)
    with pytest.raises(CheckFailed, match="uq_program_enrollment_key is there already"):
        add_constraints(unconstrained_engine, IDENTITY, "public")
    assert structure(unconstrained_engine) == before


def test_an_index_of_the_same_name_on_other_columns_stops_it(unconstrained_engine: Engine) -> None:
    with unconstrained_engine.begin() as connection:
        run(
            connection,
            "CREATE UNIQUE INDEX uq_program_enrollment_user ON program_enrollment (user_id, id)",
        )
    with pytest.raises(PortraitMismatch, match="uq_program_enrollment_user"):
        add_constraints(unconstrained_engine, IDENTITY, "public")


def test_a_partitioned_table_is_refused_by_name(unconstrained_engine: Engine) -> None:
    with unconstrained_engine.begin() as connection:
        run(connection, "DROP TABLE program_course_enrollment, program_enrollment")
        run(
            connection,
            "CREATE TABLE program_enrollment (id bigint, user_id bigint, external_user_key text,"
            " program_uuid uuid, status text) PARTITION BY HASH (id)",
        )
    with pytest.raises(CheckFailed) as refused:
        add_constraints(unconstrained_engine, IDENTITY, "public")
    assert refused.value.keys == (
        "it is not an ordinary table (relkind p)",
        "column curriculum_uuid is missing",
    )


def test_duplicates_stop_it_before_anything_is_changed(unconstrained_engine: Engine) -> None:
    with unconstrained_engine.begin() as connection:
        ids = [enrol(connection, 1, "k") for _ in range(2)]
    before = structure(unconstrained_engine)
    with pytest.raises(CheckFailed) as refused:
        add_constraints(unconstrained_engine, IDENTITY, "public")
    assert refused.value.count == 1
    assert f"rows {ids[0]}, {ids[1]}" in refused.value.keys[0]
    assert "merge-duplicates --apply" in str(refused.value)
    assert structure(unconstrained_engine) == before
    merge(unconstrained_engine, IDENTITY, "public")
    add_constraints(unconstrained_engine, IDENTITY, "public")
    assert standing(unconstrained_engine) == set(CONSTRAINTS)


def test_rows_without_identity_stop_it_and_a_label_lets_it_go_on(
    unconstrained_engine: Engine,
) -> None:
    with unconstrained_engine.begin() as connection:
        nobody = enrol(connection, None, None, courses=("c",))
    before = contents(unconstrained_engine)
    with pytest.raises(CheckFailed) as refused:
        add_constraints(unconstrained_engine, IDENTITY, "public")
    assert refused.value.keys == (str(nobody),)
    count, number = label(unconstrained_engine, IDENTITY, "public", prefix="unknown-")
    assert count == 1 and number is not None
    with unconstrained_engine.connect() as connection:
        assert run(connection, "SELECT external_user_key FROM program_enrollment") == [
            (f"unknown-{nobody}",)
        ]
    add_constraints(unconstrained_engine, IDENTITY, "public")
    assert undo(unconstrained_engine, IDENTITY, "public", number).refused.keys() == {str(nobody)}
    drop_constraints(unconstrained_engine, IDENTITY, "public")
    assert undo(unconstrained_engine, IDENTITY, "public", number).undone == 1
    assert contents(unconstrained_engine) == before


def test_the_record_of_merges_outlives_the_constraints(unconstrained_engine: Engine) -> None:
    with unconstrained_engine.begin() as connection:
        for _ in range(2):
            enrol(connection, 1, "k")
    before = contents(unconstrained_engine)
    report = merge(unconstrained_engine, IDENTITY, "public")
    add_constraints(unconstrained_engine, IDENTITY, "public")
    assert report.run is not None
    refused = undo(unconstrained_engine, IDENTITY, "public", report.run)
    assert refused.undone == 0 and "unique constraint" in next(iter(refused.refused.values()))
    drop_constraints(unconstrained_engine, IDENTITY, "public")
    assert undo(unconstrained_engine, IDENTITY, "public", report.run).undone == 1
    assert contents(unconstrained_engine) == before


@pytest.mark.slow
def test_interrupted_at_every_statement_and_run_again_it_ends_the_same(
    unconstrained_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = structure(unconstrained_engine)
    with interrupted(monkeypatch) as counter:
        add_constraints(unconstrained_engine, IDENTITY, "public")
    statements, whole = counter.count, structure(unconstrained_engine)
    assert statements > 20
    with interrupted(monkeypatch) as counter:
        drop_constraints(unconstrained_engine, IDENTITY, "public")
    backwards = counter.count
    for number in range(1, statements + 1):
        for where in ("before", "after", "ended"):
            with (
                pytest.raises(INTERRUPTION),
                interrupted(monkeypatch, **{where: number}),
            ):
                add_constraints(unconstrained_engine, IDENTITY, "public")
            unconstrained_engine.dispose()
            add_constraints(unconstrained_engine, IDENTITY, "public")
            assert structure(unconstrained_engine) == whole, (number, where)
            stop = number % backwards + 1
            with pytest.raises(INTERRUPTION), interrupted(monkeypatch, **{where: stop}):
                drop_constraints(unconstrained_engine, IDENTITY, "public")
            unconstrained_engine.dispose()
            drop_constraints(unconstrained_engine, IDENTITY, "public")
            assert structure(unconstrained_engine) == bare, (stop, where)


def test_an_upgrade_that_was_interrupted_can_be_taken_back_from_every_statement(
    unconstrained_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = structure(unconstrained_engine)
    with interrupted(monkeypatch) as counter:
        add_constraints(unconstrained_engine, IDENTITY, "public")
    drop_constraints(unconstrained_engine, IDENTITY, "public")
    for number in range(1, counter.count + 1):
        with pytest.raises(INTERRUPTION), interrupted(monkeypatch, after=number):
            add_constraints(unconstrained_engine, IDENTITY, "public")
        drop_constraints(unconstrained_engine, IDENTITY, "public")
        assert structure(unconstrained_engine) == bare, number


def test_under_the_lock_nothing_is_waited_for_from_the_client(
    unconstrained_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lock, work and COMMIT are one message: on a busy machine each answer that has to be awaited
    can take longer than all of the work."""
    sent: list[str] = []
    execute = psycopg.Cursor.execute

    def noted(self: psycopg.Cursor[Any], query: Any, *arguments: Any, **options: Any) -> Any:
        sent.append(query.decode() if isinstance(query, bytes) else str(query))
        return execute(self, query, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(psycopg.Cursor, "execute", noted)
        add_constraints(unconstrained_engine, IDENTITY, "public")
        drop_constraints(unconstrained_engine, IDENTITY, "public")
    under = [text for text in sent if "ACCESS EXCLUSIVE MODE" in text]
    assert len(under) == 3
    assert all(
        "ALTER TABLE" in text and text.removesuffix(f"\n{MARK}").endswith("COMMIT")
        for text in under
    )


def test_a_role_that_may_not_make_temporary_tables_brings_the_constraints_in(
    unconstrained_engine: Engine,
) -> None:
    """It cannot rehearse; the lock is held a little longer."""
    with unconstrained_engine.begin() as connection:
        (database,) = run(connection, "SELECT quote_ident(current_database())")[0]
        run(connection, "CREATE ROLE without_temporary NOLOGIN")
        run(connection, f"REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC")
        run(connection, f"GRANT CREATE ON DATABASE {database} TO without_temporary")
        run(connection, "GRANT CREATE, USAGE ON SCHEMA public TO without_temporary")
        run(connection, "ALTER TABLE program_enrollment OWNER TO without_temporary")
    try:
        add_constraints(unconstrained_engine, IDENTITY, "public")
        assert standing(unconstrained_engine) == set(CONSTRAINTS)
    finally:
        with unconstrained_engine.begin() as connection:
            run(connection, "REASSIGN OWNED BY without_temporary TO CURRENT_USER")
            run(connection, "DROP OWNED BY without_temporary")
            run(connection, "DROP ROLE without_temporary")
