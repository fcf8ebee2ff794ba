"""Scripts of a project of somebody else, run by psql."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import create_engine

from membership_refactor.catalog.read import read_portrait
from membership_refactor.planning import TableSplit
from membership_refactor.portrait.document import to_json
from tests.cli.processes import query, value
from tests.fixtures.databases import NewDatabase
from tests.guest.projects import LINES, PLANS, Project, new_project
from tests.offline.scripts import run_psql

BOTH = pytest.mark.parametrize("lines", (False, True), ids=("untouched", "two lines"))
STEPS = "SELECT step, direction, state FROM public_refactor.step ORDER BY step"


def script(project: Project, portrait: Path, way: str) -> str:
    """What `alembic upgrade` or `downgrade` prints with --sql."""
    first, _, last = way.partition(":")
    order = [*project.revisions, "head"]
    verb = command.upgrade if order.index(first) < order.index(last) else command.downgrade
    with project.in_process(f"portrait={portrait}") as config:
        config.output_buffer = printed = StringIO()
        verb(config, way, sql=True)
    return printed.getvalue()


@pytest.fixture
def portrait(tmp_path: Path) -> Path:
    return tmp_path / "portrait.json"


def at_first(folder: Path, url: str, portrait: Path, *, lines: bool = False) -> Project:
    """A project at its first own revision, and the portrait of its table in a file."""
    project = new_project(folder / "shop", url)
    with project.in_process() as config:
        command.upgrade(config, "a1_lines")
    if lines:
        project.edit(*LINES)
    write_portrait(url, portrait)
    return project


def write_portrait(url: str, file: Path) -> None:
    names: dict[str, TableSplit] = {}
    exec(PLANS, names)
    plan = names["ORDERS"]
    engine = create_engine(url)
    with engine.connect() as connection:
        file.write_text(to_json(read_portrait(connection, "public", plan.tables)))
    engine.dispose()


@BOTH
def test_a_script_goes_where_alembic_goes(
    tmp_path: Path, new_database: NewDatabase, portrait: Path, lines: bool
) -> None:
    project = at_first(tmp_path, new_database(), portrait, lines=lines)
    text = script(project, portrait, "a1_lines:head")
    assert (
        text.index("\\set ON_ERROR_STOP on") < text.index("Running upgrade a1_lines") or not lines
    )
    done = run_psql(project.url, text)
    assert done.code == 0, done
    assert project.versions() == ["e5_own"]
    assert project.steps() == {"copy_table": "up done", "dual_write": "up done"}
    # What a script did Alembic goes on from, and the other way round.
    with project.in_process() as config:
        command.downgrade(config, "b2_copy")
    assert project.versions() == ["b2_copy"]


@BOTH
def test_a_step_does_not_begin_where_the_revision_before_it_failed(
    tmp_path: Path, new_database: NewDatabase, portrait: Path, lines: bool
) -> None:
    """psql goes on after an error, and the transaction of c3_own becomes a rollback."""
    project = at_first(tmp_path, new_database(), portrait, lines=lines)
    with project.in_process() as config:
        command.upgrade(config, "b2_copy")
    query(project.url, "CREATE TABLE c3 ()")
    before = query(project.url, STEPS)
    done = run_psql(project.url, script(project, portrait, "b2_copy:head"))
    assert done.code == 3, done
    assert "c3" in done.said and ("before d4_dual did not run" in done.said) is not lines
    assert query(project.url, STEPS) == before and project.versions() == ["b2_copy"]
    assert value(project.url, "SELECT to_regclass('e5')") is None


def test_an_own_revision_that_fails_keeps_the_version_of_the_step_before(
    tmp_path: Path, new_database: NewDatabase, portrait: Path
) -> None:
    project = at_first(tmp_path, new_database(), portrait)
    query(project.url, "CREATE TABLE e5 ()")
    done = run_psql(project.url, script(project, portrait, "a1_lines:head"))
    assert done.code == 3 and project.versions() == ["d4_dual"]


def test_a_way_down_begins_at_its_own_version(
    tmp_path: Path, new_database: NewDatabase, portrait: Path
) -> None:
    project = at_first(tmp_path, new_database(), portrait)
    with project.in_process() as config:
        command.upgrade(config, "head")
    text = script(project, portrait, "e5_own:a1_lines")
    query(project.url, "UPDATE alembic_version SET version_num = 'c3_own'")
    assert run_psql(project.url, text).code == 3
    assert project.steps()["dual_write"] == "up done"
    query(project.url, "UPDATE alembic_version SET version_num = 'e5_own'")
    query(project.url, "CREATE TABLE IF NOT EXISTS e5 ()")
    done = run_psql(project.url, text)
    assert done.code == 0, done
    assert project.versions() == ["a1_lines"]
