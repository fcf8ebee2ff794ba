"""A relative target asks the refusals of every step on its way, as an absolute one does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.processes import REFUSED, query
from tests.fixtures.databases import NewDatabase
from tests.guest.projects import MIXED, Revision, new_project
from tests.guest.test_verbs import MORE

REVISIONS = (
    *MIXED,
    *MORE,
    Revision.step("j10_stop", "stop_parallel_save"),
    Revision.sql("k11_own", "CREATE TABLE k11 ()", down="DROP TABLE k11"),
)
TWO_LINES = "from membership_refactor import refactoring\n\nrefactoring(context)\n"


@pytest.mark.slow
def test_what_a_lower_step_refuses_is_asked_before_a_higher_one_is_taken_down(
    new_database: NewDatabase, tmp_path: Path
) -> None:
    project = new_project(tmp_path, new_database(), revisions=REVISIONS)
    project.upgraded("head", "-x", "accept-usage=a test")
    # A parent without children has no row in the table as it was.
    query(
        project.url,
        "INSERT INTO purchase (customer_id, ordered_on, note) VALUES (99, '2030-01-01', 'none')",
    )
    stands = {"stop_parallel_save": "up done", "link_children": "up done"}

    # Without the two lines the first step of the way asks; the own revision above has gone.
    refused = project.alembic("downgrade", "-3")
    assert refused.status == REFUSED and "99" in refused.said
    assert project.versions() == ["j10_stop"]
    assert stands.items() <= project.steps().items()
    absolute = project.alembic("downgrade", "h8_rebuild")
    assert absolute.said.splitlines()[0] == refused.said.splitlines()[0]

    project.upgraded("head")
    text = project.env.read_text()
    project.env.write_text(
        text.replace("config = context.config", f"{TWO_LINES}config = context.config", 1)
    )
    refused = project.alembic("downgrade", "-3")
    assert refused.status == REFUSED and "99" in refused.said
    assert project.versions() == ["k11_own"]
    assert stands.items() <= project.steps().items()
    one = project.alembic("downgrade", "-1")
    assert one.status == 0, one.out + one.err
    assert project.versions() == ["j10_stop"]
