"""A fresh database of a project, as in CI or on a laptop, goes to head and back without a word."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from membership_refactor.database import libpq_url
from tests.cli.processes import REFUSED, query
from tests.fixtures.databases import NewDatabase
from tests.guest.projects import LINES, TABLE, Project, Revision, new_project

STEPS = (
    *("copy_table", "dual_write", "retire_source", "create_parent", "rebuild_parent"),
    *("link_children", "stop_parallel_save", "drop_deprecated_columns", "drop_retired_table"),
)
FIRST = Revision.sql("a1_lines", TABLE, down="DROP TABLE order_line")
ALL = (FIRST, *(Revision.step(f"r{n}_{step}", step) for n, step in enumerate(STEPS, start=2)))
ROW = "INSERT INTO order_line (customer_id, ordered_on) VALUES (1, '2024-01-01')"
MOST_SESSIONS = 12
"""For nine steps under the two lines: Alembic's, the lock's and two or three that are kept."""


def opened(project: Project) -> int:
    """How many sessions the database has seen. Each is counted when it ends."""
    (row,) = query(
        project.url, "SELECT sessions FROM pg_stat_database WHERE datname = current_database()"
    )
    return int(row[0])


def test_nine_steps_go_up_and_down_without_evidence_and_with_few_sessions(
    tmp_path: Path, new_database: NewDatabase
) -> None:
    project = new_project(tmp_path, new_database(), revisions=ALL)
    project.edit(*LINES)
    before = opened(project)
    project.upgraded()
    assert opened(project) - before <= MOST_SESSIONS
    assert project.steps() == dict.fromkeys(STEPS, "up done")
    down = project.alembic("downgrade", "base")
    assert down.status == 0, down.said
    assert query(project.url, "SELECT to_regclass('order_line')") == [(None,)]


def test_a_table_with_one_row_asks_for_evidence(tmp_path: Path, new_database: NewDatabase) -> None:
    project = new_project(tmp_path, new_database(), revisions=ALL)
    project.upgraded("a1_lines")
    query(project.url, ROW)
    refused = project.alembic("upgrade", "head")
    assert refused.status == REFUSED and "asks for evidence" in refused.said
    # What was written once may be written again, also where it is gone.
    project.alembic("downgrade", "a1_lines")
    query(project.url, "DELETE FROM order_line")
    with psycopg.connect(libpq_url(project.url), autocommit=True) as pg:
        pg.execute("VACUUM order_line")
    refused = project.alembic("upgrade", "head")
    assert refused.status == REFUSED and "asks for evidence" in refused.said


@pytest.mark.parametrize("gone", ["DELETE FROM order_line; DELETE FROM item", None])
def test_a_row_after_the_first_step_closes_the_gate_of_an_empty_table(
    gone: str | None, tmp_path: Path, new_database: NewDatabase
) -> None:
    project = new_project(tmp_path, new_database(), revisions=ALL)
    project.upgraded("r3_dual_write")
    query(project.url, ROW)
    if gone is not None:
        query(project.url, gone)
    refused = project.alembic("upgrade", "head")
    assert refused.status == REFUSED and "asks for evidence" in refused.said
