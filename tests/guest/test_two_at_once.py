"""Two upgrades at once: the second is told before a step, with and without lines in env.py."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from membership_refactor.database import libpq_url
from membership_refactor.execution.tenant_lock import try_lock
from tests.cli.processes import REFUSED, query, until, value
from tests.fixtures.databases import NewDatabase
from tests.guest.projects import LINES, new_project


@pytest.mark.parametrize("lines", (False, True), ids=("untouched", "two lines"))
def test_the_second_is_refused_while_the_first_holds_the_lock(
    tmp_path: Path, new_database: NewDatabase, lines: bool
) -> None:
    project = new_project(tmp_path, new_database())
    if lines:
        project.edit(*LINES)
    with psycopg.connect(libpq_url(project.url), autocommit=True) as first:
        first.execute(try_lock("public").encode())
        done = project.alembic("upgrade", "head")
    assert done.status == REFUSED and "another migration" in done.said
    # With the lines nothing ran at all; without them the revision before the step did.
    assert bool(value(project.url, "SELECT to_regclass('order_line')")) is not lines
    assert project.steps() == {}
    project.upgraded()


def test_one_that_looked_before_the_first_ended_changes_nothing(
    tmp_path: Path, new_database: NewDatabase
) -> None:
    """It read the version, waited in an own revision, and found the step taken."""
    project = new_project(tmp_path, new_database())
    project.upgraded("a1_lines")
    project.edit(
        "op.copy_table(ORDERS)",
        "op.execute('LOCK TABLE pause'); op.copy_table(ORDERS)",
        project.folder / "migrations/versions/b2_copy.py",
    )
    query(project.url, "CREATE TABLE pause ()")
    with psycopg.connect(libpq_url(project.url)) as gate:
        gate.execute("LOCK TABLE pause")
        with project.running("upgrade", "head") as late:
            waits = "SELECT count(*) FROM pg_locks WHERE NOT granted"
            until(lambda: value(project.url, waits) > 0)
            project.edit(
                "op.execute('LOCK TABLE pause'); ",
                "",
                project.folder / "migrations/versions/b2_copy.py",
            )
            project.upgraded()
            steps = query(project.url, "SELECT * FROM public_refactor.step ORDER BY step")
            gate.rollback()
            out, err = late.communicate(timeout=60)
    assert late.returncode == REFUSED, out + err
    assert "another command changed the version meanwhile" in out + err
    assert query(project.url, "SELECT * FROM public_refactor.step ORDER BY step") == steps
    assert project.versions() == ["e5_own"]
