"""A table of somebody's project gets another name by four revisions of that project, and back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.processes import query
from tests.fixtures.databases import NewDatabase
from tests.guest.projects import FIRST, OWN, Project, Revision, new_project
from tests.guest.test_in_place import COLUMNS, ROWS

PLAN = '''"""The plans of this shop."""

from membership_refactor import TableSplit

ORDERS = TableSplit(name="orders", source="order_line", copy="item")
'''
STEPS = (
    Revision.step("b2_copy", "copy_table"),
    OWN,
    Revision.step("d4_both", "dual_write"),
    Revision.step("f6_old_name_goes", "retire_source"),
    Revision.step("g7_archive_goes", "drop_retired_table"),
)


def said(project: Project, *arguments: str, status: int = 0) -> str:
    done = project.refactor(*arguments)
    assert done.status == status, done.out + done.err
    return done.out


@pytest.mark.slow
def test_a_rename_in_a_project_of_its_own(tmp_path: Path, new_database: NewDatabase) -> None:
    url = new_database()
    project = new_project(tmp_path, url, revisions=(FIRST,))
    (project.folder / "shop_plans.py").write_text(PLAN)
    (project.folder / "report.sql").write_text("SELECT sku FROM order_line;\n")
    project.upgraded()
    columns, rows = query(url, COLUMNS), query(url, ROWS)
    project.add(*STEPS)

    planned = said(project, "plan")
    assert [r.id for r in STEPS if r.id in planned] == [r.id for r in STEPS if r is not OWN]
    assert "order_line" in said(project, "scan", "report.sql", status=1)

    stopped = project.alembic("upgrade", "head")
    assert stopped.status == 255 and "f6_old_name_goes" in stopped.err
    assert project.versions() == ["d4_both"]
    assert "d4_both" in said(project, "status")
    assert "all agree" in said(project, "verify")
    assert " 0 failed" in said(project, "checks")
    with_new = "UPDATE item SET quantity = quantity + 1 WHERE id = 1 RETURNING 1"
    assert query(url, with_new) == [(1,)]
    assert query(url, "SELECT quantity FROM order_line WHERE id = 1") == [(2,)]
    assert query(url, "UPDATE order_line SET quantity = 1 WHERE id = 1 RETURNING 1") == [(1,)]

    project.upgraded("head", "-x", "accept-usage=nobody knows the old name")
    assert query(url, "SELECT to_regclass('order_line') IS NULL, count(*) FROM item") == [
        (True, 200)
    ]
    assert "nothing was compared" in said(project, "verify")
    assert " 0 failed" in said(project, "checks")

    back = project.alembic("downgrade", FIRST.id)
    assert back.status == 0, back.out + back.err
    assert (query(url, COLUMNS), query(url, ROWS)) == (columns, rows)
    assert query(url, "SELECT to_regclass('item') IS NULL") == [(True,)]
