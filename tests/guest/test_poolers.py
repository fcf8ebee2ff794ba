"""A project whose env.py leads through a pooler: nothing is left in the application's sessions."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.cli.processes import query
from tests.fixtures.databases import NewDatabase
from tests.fixtures.poolers import Through, left_behind
from tests.guest.projects import COPY, DUAL, FIRST, LINES, ROWS, Project, new_project

VERBS = (
    *((verb,) for verb in ("status", "plan", "checks", "verify", "rehearse")),
    ("upgrade", "b2_copy"),
)


def _project(folder: Path, pooled: str, url: str, *, driver: str = "psycopg") -> Project:
    """Its table is there already, as the server itself says."""
    project = new_project(folder, url, revisions=(FIRST, COPY, DUAL))
    project.upgraded("a1_lines")
    moved = folder / "pooled"
    return new_project(moved, pooled, driver=driver, revisions=(FIRST, COPY, DUAL))


@pytest.mark.parametrize("mode", ["transaction", "session"])
@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_what_is_refused_has_set_nothing_in_any_session_of_the_pool(
    tmp_path: Path, new_database: NewDatabase, through: Through, mode: str, driver: str
) -> None:
    """The next INSERT of the application would go to the table of another schema."""
    url = new_database()
    pooled = through(url, mode)
    project = _project(tmp_path, pooled, url, driver=driver)

    for verb in VERBS:
        done = project.refactor(*verb)
        assert "connection pooler answers at 127.0.0.1" in done.out + done.err
    done = project.alembic("upgrade", "head")
    assert "connection pooler answers at 127.0.0.1" in done.out + done.err

    assert left_behind(pooled) == []


@pytest.mark.parametrize("lines", [False, True])
def test_a_pool_that_shares_its_sessions_is_found_out_before_anything_is_set(
    tmp_path: Path, new_database: NewDatabase, through: Through, lines: bool
) -> None:
    url = new_database()
    pooled = through(url, "transaction")
    project = _project(tmp_path, pooled, url)
    if lines:
        project.edit(*LINES)

    for verb in VERBS:
        done = project.refactor("-x", "pooler=session", *verb)
        assert "shares its sessions" in done.out + done.err, done.out + done.err
    done = project.alembic("-x", "pooler=session", "upgrade", "head")
    assert "shares its sessions" in done.out + done.err

    assert left_behind(pooled) == []


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2", "asyncpg"])
def test_the_versions_may_go_through_a_pool_and_the_steps_to_the_server_itself(
    tmp_path: Path, new_database: NewDatabase, through: Through, driver: str
) -> None:
    url = new_database()
    pooled = through(url, "transaction")
    template = "async" if driver == "asyncpg" else "generic"
    project = new_project(
        tmp_path, pooled, template=template, driver=driver, revisions=(FIRST, COPY, DUAL)
    )
    project.edit(LINES[0], LINES[1].replace("(context)", f"(context, url={url!r})"))
    if driver == "asyncpg":
        project.edit(
            "poolclass=pool.NullPool,",
            'poolclass=pool.NullPool, connect_args={"statement_cache_size": 0},',
        )

    project.upgraded("d4_dual", "-x", "accept-usage=a test")

    assert project.steps() == {"copy_table": "up done", "dual_write": "up done"}
    assert left_behind(pooled) == []


def test_a_connection_that_a_pool_keeps_is_not_ended_for_being_idle(
    tmp_path: Path, new_database: NewDatabase, through: Through
) -> None:
    url = new_database()
    name = make_url(url).database
    project = _project(tmp_path, through(url, "session"), url)
    query(url, f"ALTER DATABASE {name} SET idle_session_timeout = '300ms'")
    # Copying so many takes longer than that.
    query(url, ROWS.replace("200", "100000"))

    done = project.upgraded("b2_copy", "-x", "pooler=session")

    assert project.steps() == {"copy_table": "up done"}, done.err
    assert query(url, "SELECT version_num FROM alembic_version") == [("b2_copy",)]
