"""The steps run in a project whose env.py is as `alembic init` wrote it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.processes import query, value
from tests.fixtures.databases import NewDatabase
from tests.guest.projects import MIXED, new_project

DONE = {"copy_table": "up done", "dual_write": "up done"}
TEMPLATES = (
    ("generic", "psycopg"),
    ("generic", "psycopg2"),
    ("async", "asyncpg"),
    ("async", "psycopg_async"),
    ("pyproject", "psycopg"),
)


@pytest.mark.parametrize(("template", "driver"), TEMPLATES)
def test_own_revisions_and_steps_go_to_head_and_back(
    tmp_path: Path, new_database: NewDatabase, template: str, driver: str
) -> None:
    project = new_project(tmp_path, new_database(), template=template, driver=driver)
    project.upgraded()
    assert project.versions() == ["e5_own"] and project.steps() == DONE
    rows = "SELECT customer_id, ordered_on, note, sku, quantity FROM {} ORDER BY id"
    copied = query(project.url, rows.format("item"))
    assert copied == query(project.url, rows.format("order_line")) and len(copied) == 200
    assert query(project.url, "SELECT to_regclass('c3'), to_regclass('e5')") == [("c3", "e5")]
    down = project.alembic("downgrade", "-4")
    assert down.status == 0, down.out + down.err
    assert project.versions() == ["a1_lines"]
    assert value(project.url, "SELECT to_regclass('item')") is None
    project.upgraded()
    assert project.versions() == [MIXED[-1].id] and project.steps() == DONE
