"""From somebody's wide table to a parent and a child under the table's own name, and back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.processes import query
from tests.fixtures.databases import NewDatabase
from tests.guest.projects import FIRST, Project, new_project
from tests.propose.projects import new, verb

COLUMNS = (
    "SELECT string_agg(column_name, ',' ORDER BY column_name) FROM information_schema.columns "
    "WHERE table_schema = 'public' AND table_name = 'order_line'"
)
ROWS = (
    "SELECT md5(string_agg(md5((id, customer_id, ordered_on, note, sku, quantity, updated_at)"
    "::text), '' ORDER BY id)) FROM order_line"
)


def _written(project: Project) -> None:
    done = new(project, "order_line", "--yes", "--in-place", "--key", "customer_id,ordered_on")
    assert done.status == 0, done.out + done.err


@pytest.mark.slow
def test_three_commands_split_the_table_and_one_more_ends_it(
    tmp_path: Path, new_database: NewDatabase
) -> None:
    url = new_database()
    project = new_project(tmp_path, url, revisions=(FIRST,))
    project.upgraded()
    before, rows = query(url, COLUMNS), query(url, ROWS)
    _written(project)

    stopped = project.alembic("upgrade", "head")

    assert stopped.status == 255, stopped.out + stopped.err
    assert project.steps() == dict.fromkeys(
        ("create_parent", "rebuild_parent", "link_children"), "up done"
    )
    # The gates of the last two steps are closed, which plan says.
    for looks, status in {"plan": 1, "status": 0, "checks": 0, "verify": 0}.items():
        done = verb(project, looks)
        assert done.status == status, done.out + done.err
    accepted = project.upgraded("head", "-x", "accept-usage=nobody reads these columns")
    assert "note" not in query(url, COLUMNS)[0][0]
    assert query(url, "SELECT count(*) FROM order_line") == [(200,)]
    assert accepted.status == 0

    back = project.alembic("downgrade", FIRST.id)

    assert back.status == 0, back.out + back.err
    assert query(url, COLUMNS) == before
    assert query(url, ROWS) == rows
