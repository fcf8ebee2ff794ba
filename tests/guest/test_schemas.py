"""One plan in several schemas, and templates that cannot run it."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.util import CommandError

from tests.cli.processes import query, value
from tests.fixtures.databases import NewDatabase
from tests.guest.projects import COPY, DUAL, FIRST, ROWS, TABLE, Project, Revision, new_project

TWO = """
[membership_refactor]
plans = shop_plans:ORDERS

[membership_refactor:orders]
schemas = north, south
"""


def in_two_schemas(folder: Path, url: str) -> Project:
    tables = [
        f"SET LOCAL search_path = {schema}; {TABLE}; {ROWS}; RESET search_path"
        for schema in ("north", "south")
    ]
    first = Revision.sql("a1_lines", *tables, down="DROP TABLE north.order_line, south.order_line")
    project = new_project(folder, url, revisions=(first, COPY, DUAL))
    query(url, "CREATE SCHEMA north; CREATE SCHEMA south")
    ini = project.folder / "alembic.ini"
    ini.write_text(ini.read_text() + TWO)
    return project


def steps(project: Project, schema: str) -> list[tuple[str, str]]:
    return query(project.url, f"SELECT step, direction FROM {schema}_refactor.step ORDER BY step")


def test_a_step_goes_through_each_schema_and_goes_on_in_the_next(
    tmp_path: Path, new_database: NewDatabase
) -> None:
    project = in_two_schemas(tmp_path, new_database())
    project.upgraded("a1_lines")
    # A group that disagrees stops the second schema.
    query(project.url, "UPDATE south.order_line SET note = 'other' WHERE id = 1")
    done = project.alembic("upgrade", "head")
    assert done.status == 255 and "note" in done.said
    assert steps(project, "north") == [("copy_table", "up")] and project.versions() == ["a1_lines"]
    query(project.url, "UPDATE south.order_line SET note = 'note 1 1' WHERE id = 1")
    project.upgraded()
    both = [("copy_table", "up"), ("dual_write", "up")]
    assert steps(project, "north") == steps(project, "south") == both
    assert project.versions() == ["d4_dual"]
    assert project.alembic("downgrade", "a1_lines").status == 0
    assert value(project.url, "SELECT to_regclass('north.item')") is None
    assert value(project.url, "SELECT to_regclass('south.item')") is None


def test_the_template_for_several_databases_is_refused_in_one_line(
    tmp_path: Path, new_database: NewDatabase
) -> None:
    url = new_database()
    project = new_project(tmp_path, url, template="multidb", revisions=(FIRST, COPY))
    folder = project.folder / "migrations/versions"
    for file in folder.glob("*.py"):
        text = file.read_text()
        for verb in ("upgrade", "downgrade"):
            text = text.replace(f"def {verb}()", f"def {verb}(engine_name)")
        file.write_text(text)
    ini = project.folder / "alembic.ini"
    text = ini.read_text().replace("databases = engine1, engine2", "databases = engine1")
    named = url.replace("%", "%%")
    ini.write_text(text.replace("driver://user:pass@localhost/dbname2", named))
    with project.in_process() as config, pytest.raises(CommandError) as error:
        command.upgrade(config, "head")
    assert "in a transaction of the caller" in str(error.value) and "multidb" in str(error.value)
    assert value(url, "SELECT to_regclass('order_line')") is None
