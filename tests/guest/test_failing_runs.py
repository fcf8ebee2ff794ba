"""A run that fails or is interrupted leaves version, steps and own revisions of one history."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import psycopg
import pytest

from membership_refactor.database import libpq_url
from tests.cli.processes import REFUSED, query, until, value
from tests.fixtures.databases import NewDatabase
from tests.guest.projects import COPY, DUAL, FAILS, FIRST, MIXED, OWN, Revision, new_project

PER_MIGRATION = ("target_metadata=target_metadata", "transaction_per_migration=True")
DONE = {"copy_table": "up done", "dual_write": "up done"}


@pytest.mark.parametrize("per_migration", (False, True), ids=("one for all", "one for each"))
def test_an_own_revision_that_fails_leaves_the_version_of_the_last_step(
    tmp_path: Path, new_database: NewDatabase, per_migration: bool
) -> None:
    project = new_project(tmp_path, new_database(), revisions=(FIRST, COPY, OWN, DUAL, FAILS))
    if per_migration:
        project.edit(PER_MIGRATION[0], ", ".join(PER_MIGRATION))
    done = project.alembic("upgrade", "head")
    assert done.status == 1 and "the last revision fails" in done.err
    assert project.versions() == ["d4_dual"] and project.steps() == DONE
    (project.folder / "migrations/versions/e5_own.py").unlink()
    project.revisions.pop()
    project.add(MIXED[-1])
    assert "dual_write up" not in project.upgraded().err
    assert project.versions() == ["e5_own"]


def test_what_fails_between_two_steps_is_taken_back_alone(
    tmp_path: Path, new_database: NewDatabase
) -> None:
    fails = Revision("c3_own", f"{OWN.up}; {FAILS.up}")
    project = new_project(tmp_path, new_database(), revisions=(FIRST, COPY, fails, DUAL))
    assert project.alembic("upgrade", "head").status == 1
    assert project.versions() == ["b2_copy"]
    assert project.steps() == {"copy_table": "up done"}
    assert value(project.url, "SELECT to_regclass('c3')") is None


def test_a_step_that_is_done_lets_alembic_write_its_version(
    tmp_path: Path, new_database: NewDatabase
) -> None:
    project = new_project(tmp_path, new_database())
    project.upgraded()
    query(project.url, "UPDATE alembic_version SET version_num = 'a1_lines'; DROP TABLE c3, e5")
    assert "up already, nothing to do" in project.upgraded().err
    assert project.versions() == ["e5_own"] and project.steps() == DONE


def test_a_refusal_is_one_line_and_keeps_what_ran_before(
    tmp_path: Path, new_database: NewDatabase
) -> None:
    project = new_project(tmp_path, new_database())
    file = project.folder / "migrations/versions/a1_lines.py"
    project.edit("'note '", "n || 'note '", file)
    done = project.alembic("upgrade", "head")
    assert done.status == REFUSED and "note" in done.said
    assert project.versions() == ["a1_lines"] and project.steps() == {}


@pytest.mark.parametrize(("template", "driver"), (("generic", "psycopg"), ("async", "asyncpg")))
def test_ctrl_c_stops_the_step_and_the_next_run_goes_on(
    tmp_path: Path, new_database: NewDatabase, template: str, driver: str
) -> None:
    project = new_project(tmp_path, new_database(), template=template, driver=driver)
    project.upgraded("a1_lines")
    with psycopg.connect(libpq_url(project.url)) as other:
        other.execute("LOCK TABLE order_line IN SHARE ROW EXCLUSIVE MODE")
        with project.running("upgrade", "head") as process:
            waiting = (
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                "AND application_name LIKE 'membership_refactor%'"
            )
            until(lambda: value(project.url, waiting) > 0)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
        assert process.returncode == REFUSED, out + err
        assert "interrupted" in out + err and "Traceback" not in out + err
    assert project.versions() == ["a1_lines"]
    project.upgraded()
    assert project.versions() == ["e5_own"] and project.steps() == DONE


@pytest.mark.parametrize("driver", ("psycopg", "asyncpg"))
def test_alembics_connection_may_be_idle_for_as_long_as_a_step_takes(
    tmp_path: Path, new_database: NewDatabase, driver: str
) -> None:
    template = "async" if driver == "asyncpg" else "generic"
    project = new_project(tmp_path, new_database(), template=template, driver=driver)
    project.upgraded("a1_lines")
    database = value(project.url, "SELECT current_database()")
    query(project.url, f"ALTER DATABASE \"{database}\" SET idle_session_timeout = '500ms'")
    waiting = (
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
        "AND application_name LIKE 'membership_refactor%'"
    )
    idle = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND state = 'idle' AND now() - state_change > interval '1 s'"
    )
    with psycopg.connect(libpq_url(project.url)) as other:
        other.execute("SET idle_session_timeout = 0")
        other.execute("LOCK TABLE order_line IN SHARE ROW EXCLUSIVE MODE")
        with project.running("upgrade", "head") as process:
            until(lambda: value(project.url, waiting) > 0)
            until(lambda: value(project.url, idle) > 0)
            other.rollback()
            out, err = process.communicate(timeout=60)
    assert process.returncode == 0, out + err
    assert project.versions() == ["e5_own"] and project.steps() == DONE


@pytest.mark.parametrize("driver", ("psycopg", "asyncpg"))
def test_the_loss_of_alembics_connection_during_a_step_is_one_line_and_the_run_goes_on(
    tmp_path: Path, new_database: NewDatabase, driver: str
) -> None:
    template = "async" if driver == "asyncpg" else "generic"
    project = new_project(tmp_path, new_database(), template=template, driver=driver)
    project.upgraded("a1_lines")
    waiting = (
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
        "AND application_name LIKE 'membership_refactor%'"
    )
    with psycopg.connect(libpq_url(project.url)) as other:
        other.execute("LOCK TABLE order_line IN SHARE ROW EXCLUSIVE MODE")
        with project.running("upgrade", "head") as process:
            until(lambda: value(project.url, waiting) > 0)
            ended = value(
                project.url,
                "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE datname"
                " = current_database() AND pid <> pg_backend_pid() AND state = 'idle'"
                " AND application_name NOT LIKE 'membership_refactor%'",
            )
            other.rollback()
            out, err = process.communicate(timeout=60)
    assert ended == 1
    assert process.returncode == REFUSED, out + err
    assert "Traceback" not in err and "PendingRollback" not in err, err
    assert re.search("terminating connection|connection was closed|connection is lost", err), err
    project.upgraded()
    assert project.versions() == ["e5_own"] and project.steps() == DONE


def test_a_second_downgrade_is_refused_while_the_first_is_at_a_step(
    tmp_path: Path, new_database: NewDatabase
) -> None:
    project = new_project(tmp_path, new_database(), revisions=(FIRST, COPY))
    project.upgraded()
    with psycopg.connect(libpq_url(project.url)) as other:
        other.execute("LOCK TABLE order_line IN SHARE ROW EXCLUSIVE MODE")
        with project.running("downgrade", "a1_lines") as process:
            held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"
            until(lambda: value(project.url, held) > 0)
            second = project.alembic("downgrade", "a1_lines")
            assert second.status == REFUSED and "another migration" in second.said
            other.rollback()
            out, err = process.communicate(timeout=60)
    assert process.returncode == 0, out + err
    assert project.versions() == ["a1_lines"]
    assert value(project.url, "SELECT to_regclass('item')") is None
