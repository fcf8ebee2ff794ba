"""From a wide table in somebody's project to the end, with nothing written or edited by hand."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.processes import Ended, command, environment, query, value
from tests.fixtures.databases import NewDatabase
from tests.guest.projects import Project, Revision, new_project
from tests.propose.look import execute
from tests.propose.shapes import ORDER_LINES, SHAPES, Shape

USAGE = ("-x", "accept-usage=nobody else knows these tables")
OWN = Revision.sql("a1_own", "CREATE TABLE own ()", down="DROP TABLE own")


def _run(project: Project, *arguments: str) -> Ended:
    done = subprocess.run(
        [*command("membership-refactor"), *arguments],
        cwd=project.folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def _done(ended: Ended) -> Ended:
    assert ended.status == 0, ended.out + ended.err
    return ended


def _rows(project: Project, shape: Shape, table: str | None = None) -> list[tuple[Any, ...]]:
    """Every row of the wide table as text, by columns in the order of their names."""
    columns = [*shape.key, *shape.parent, *shape.child]
    listed = ", ".join(f"{c}::text" for c in sorted(columns))
    return query(project.url, f"SELECT id::text, {listed} FROM {table or shape.table} ORDER BY 1")


def _joined(project: Project, shape: Shape, child: str, parent: str, link: str) -> list[Any]:
    """The same rows, read from parent and child."""
    own = {*shape.child}
    listed = ", ".join(
        f"{'c' if c in own else 'p'}.{c}::text"
        for c in sorted([*shape.key, *shape.parent, *shape.child])
    )
    return query(
        project.url,
        f"SELECT c.id::text, {listed} FROM {child} AS c JOIN {parent} AS p ON p.uuid = c.{link} "
        "ORDER BY 1",
    )


def _expected(rows: list[tuple[Any, ...]], shape: Shape, project: Project) -> list[Any]:
    """The rows as the policy latest makes them: asked of PostgreSQL, in other words than ours."""
    columns = sorted([*shape.key, *shape.parent, *shape.child])
    key = ", ".join(shape.key)
    listed = ", ".join(
        f"first_value({c}::text) OVER w" if c in shape.broken else f"{c}::text" for c in columns
    )
    return query(
        project.url,
        f"SELECT id::text, {listed} FROM before_all "
        f"WINDOW w AS (PARTITION BY {key} ORDER BY updated_at DESC, id DESC) ORDER BY 1",
    )


@pytest.mark.slow
def test_three_commands_to_dual_write_then_on_back_and_up(
    tmp_path: Path, new_database: NewDatabase
) -> None:
    shape = ORDER_LINES
    url = new_database()
    execute(url, shape.script(2_000))
    project = new_project(tmp_path, url, revisions=(OWN,))
    before = _rows(project, shape)

    _done(_run(project, "new", "order_line", "--yes"))
    stopped = project.alembic("upgrade", "head")

    # The gate of retire_source asks for evidence that nobody uses the old table.
    assert stopped.status == 255 and "asks for evidence" in stopped.out
    assert project.steps() == {"copy_table": "up done", "dual_write": "up done"}
    assert _rows(project, shape, "order_line_item") == before
    execute(url, "UPDATE order_line_item SET pieces = 77 WHERE id = 5")
    assert value(url, "SELECT pieces FROM order_line WHERE id = 5") == 77

    execute(url, "CREATE TABLE before_all AS TABLE order_line")
    before = _rows(project, shape)
    _done(project.alembic(*USAGE, "upgrade", "head"))
    expected = _expected(before, shape, project)
    link = "order_header_uuid"
    assert _joined(project, shape, "order_line_item", "order_header", link) == expected
    assert value(url, "SELECT count(*) FROM order_header") == 500

    _done(project.alembic(*USAGE, "downgrade", "a1_own"))
    assert project.versions() == ["a1_own"]
    assert _rows(project, shape) == before
    assert value(url, "SELECT to_regclass('order_header')") is None

    _done(project.alembic(*USAGE, "upgrade", "head"))
    assert _joined(project, shape, "order_line_item", "order_header", link) == expected


@pytest.mark.slow
def test_in_place_to_the_end_and_back(tmp_path: Path, new_database: NewDatabase) -> None:
    shape = ORDER_LINES
    url = new_database()
    execute(url, shape.script(2_000))
    execute(url, "CREATE TABLE before_all AS TABLE order_line")
    project = new_project(tmp_path, url, revisions=(OWN,))
    before = _rows(project, shape)

    _done(_run(project, "new", "order_line", "--in-place", "--yes"))
    _done(project.alembic(*USAGE, "upgrade", "head"))

    expected = _expected(before, shape, project)
    link = "order_header_uuid"
    assert _joined(project, shape, "order_line", "order_header", link) == expected

    _done(project.alembic(*USAGE, "downgrade", "a1_own"))
    assert _rows(project, shape) == before

    _done(project.alembic(*USAGE, "upgrade", "head"))
    assert _joined(project, shape, "order_line", "order_header", link) == expected


@pytest.mark.slow
@pytest.mark.parametrize("in_place", [False, True], ids=["split", "in place"])
@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: s.table)
def test_every_shape_goes_up_down_and_up(
    tmp_path: Path, new_database: NewDatabase, shape: Shape, in_place: bool
) -> None:
    url = new_database()
    execute(url, shape.script(20_000))
    project = new_project(tmp_path, url, revisions=(OWN,))
    before = _rows(project, shape)
    how = ("--in-place",) if in_place else ("--child", "child")

    _done(_run(project, "new", shape.table, "--parent", "parent", *how, "--yes"))
    _done(project.alembic(*USAGE, "upgrade", "head"))
    _done(project.alembic(*USAGE, "downgrade", "a1_own"))
    assert _rows(project, shape) == before
    _done(project.alembic(*USAGE, "upgrade", "head"))

    assert value(url, "SELECT count(*) FROM parent") == len({_key(row, shape) for row in before})
    assert len(query(url, f"SELECT 1 FROM {shape.table if in_place else 'child'}")) == len(before)


def _key(row: tuple[Any, ...], shape: Shape) -> tuple[Any, ...]:
    places = {c: n for n, c in enumerate(sorted([*shape.key, *shape.parent, *shape.child]), 1)}
    return tuple(row[places[c]] for c in shape.key)
