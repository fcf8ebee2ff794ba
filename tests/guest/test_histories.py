"""Version tables, heads, hooks and -x names of the project's own, and relative targets."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.util import CommandError

from tests.cli.processes import query, value
from tests.fixtures.databases import NewDatabase
from tests.guest.projects import COPY, DUAL, FIRST, LINES, MIXED, OWN, Revision, new_project

CONFIGURE = "target_metadata=target_metadata"
BOTH = pytest.mark.parametrize("lines", (False, True), ids=("untouched", "two lines"))


@BOTH
def test_an_own_version_table_in_an_own_schema(
    tmp_path: Path, new_database: NewDatabase, lines: bool
) -> None:
    project = new_project(tmp_path, new_database())
    query(project.url, "CREATE SCHEMA versions")
    project.edit(
        CONFIGURE,
        f'{CONFIGURE}, version_table="shop version", version_table_schema="versions", '
        "include_schemas=True",
    )
    if lines:
        project.edit(*LINES)
    with project.in_process() as config:
        command.upgrade(config, "head")
        assert project.versions('versions."shop version"') == ["e5_own"]
        command.downgrade(config, "a1_lines")
        assert project.versions('versions."shop version"') == ["a1_lines"]
        command.upgrade(config, "head")
    assert value(project.url, "SELECT to_regclass('public.alembic_version')") is None


@BOTH
def test_two_bases_and_a_merge(tmp_path: Path, new_database: NewDatabase, lines: bool) -> None:
    project = new_project(tmp_path, new_database(), revisions=(FIRST, COPY, DUAL))
    other = Revision.sql("x1_other", "CREATE TABLE x1 ()", down="DROP TABLE x1")
    project.add(other)
    folder = project.folder / "migrations/versions"
    project.edit("down_revision = 'd4_dual'", "down_revision = None", folder / "x1_other.py")
    if lines:
        project.edit(*LINES)
    with project.in_process() as config:
        command.upgrade(config, "b2_copy")
        command.upgrade(config, "x1_other")
        assert project.versions() == ["b2_copy", "x1_other"]
        command.upgrade(config, "heads")
        assert project.versions() == ["d4_dual", "x1_other"]
        command.downgrade(config, "b2_copy")
        assert project.versions() == ["b2_copy", "x1_other"]
    project.add(Revision("y2_merge", "pass"))
    project.edit(
        "down_revision = 'x1_other'",
        "down_revision = ('d4_dual', 'x1_other')",
        folder / "y2_merge.py",
    )
    with project.in_process() as config:
        command.upgrade(config, "head")
        assert project.versions() == ["y2_merge"]
        assert project.steps() == {"copy_table": "up done", "dual_write": "up done"}


def test_a_hook_of_the_project_sees_every_revision(
    tmp_path: Path, new_database: NewDatabase
) -> None:
    """What it writes is committed with the version, also where a later revision fails."""
    project = new_project(tmp_path, new_database(), revisions=(FIRST, COPY, OWN, DUAL))
    query(project.url, "CREATE TABLE seen (id text)")
    project.edit(
        "target_metadata = None\n",
        "target_metadata = None\n\n\ndef seen(ctx, step, heads, run_args):\n"
        "    ctx.connection.exec_driver_sql(\n"
        "        f\"INSERT INTO seen VALUES ('{step.up_revision_id}')\"\n    )\n",
    )
    project.edit(CONFIGURE, f"{CONFIGURE}, on_version_apply=seen")
    project.add(Revision("e5_own", "raise RuntimeError('no')"))
    with project.in_process() as config, pytest.raises(RuntimeError):
        command.upgrade(config, "head")
    seen = [row[0] for row in query(project.url, "SELECT id FROM seen ORDER BY id")]
    assert seen == ["a1_lines", "b2_copy", "c3_own", "d4_dual"]
    assert project.versions() == ["d4_dual"]


def test_x_names_of_the_project_pass_and_near_misses_of_ours_do_not(
    tmp_path: Path, new_database: NewDatabase
) -> None:
    project = new_project(tmp_path, new_database())
    own = ("tenant=a", "url=is the project's", "schema=too", "verbose", "batch-rows=50")
    with project.in_process(*own) as config:
        command.upgrade(config, "head")
    assert project.versions() == ["e5_own"]
    with project.in_process("batchrows=5") as config, pytest.raises(CommandError) as error:
        command.downgrade(config, "a1_lines")
    assert "Did you mean batch-rows?" in str(error.value)
    with project.in_process("batch-rows=many") as config, pytest.raises(CommandError) as error:
        command.downgrade(config, "a1_lines")
    assert "is not a whole number" in str(error.value)
    assert project.steps()["copy_table"] == "up done"


@BOTH
def test_relative_targets_are_exact(tmp_path: Path, new_database: NewDatabase, lines: bool) -> None:
    project = new_project(tmp_path, new_database())
    if lines:
        project.edit(*LINES)
    stands = []
    with project.in_process() as config:
        for move in ("+1", "+2", "+2"):
            command.upgrade(config, move)
            stands.append(project.versions())
        for move in ("-2", "-2", "-1"):
            command.downgrade(config, move)
            stands.append(project.versions())
    ids = [revision.id for revision in MIXED]
    assert stands == [[ids[0]], [ids[2]], [ids[4]], [ids[2]], [ids[0]], []]


@BOTH
def test_what_the_lowest_step_refuses_is_told_before_the_first_changes_anything(
    tmp_path: Path, new_database: NewDatabase, lines: bool
) -> None:
    """Relative targets too: nobody but the owner may write the archive when it comes back."""
    parent = Revision.step("p5_parent", "create_parent")
    retire = Revision.step("r4_retire", "retire_source")
    last = Revision.sql("z9_own", "CREATE TABLE z9 ()", down="DROP TABLE z9")
    project = new_project(
        tmp_path, new_database(), revisions=(FIRST, COPY, DUAL, retire, parent, last)
    )
    with project.in_process("accept-usage=a test") as config:
        command.upgrade(config, "head")
    archive = "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relname ~ 'retired'"
    query(project.url, f'GRANT ALL ON "{value(project.url, archive)}" TO PUBLIC')
    steps = "SELECT step, direction, state, ended_at FROM public_refactor.step ORDER BY step"
    before = query(project.url, steps)
    if lines:
        project.edit(*LINES)
    for target in ("-3", "b2_copy", "base"):
        with project.in_process() as config, pytest.raises(CommandError) as error:
            command.downgrade(config, target)
        assert "archive" in str(error.value)
        assert query(project.url, steps) == before
        # Without the lines the own revision above the steps has gone; with them nothing has.
        assert project.versions() == (["z9_own"] if lines else ["p5_parent"])
        with project.in_process() as config:
            command.upgrade(config, "head")
    with project.in_process() as config:
        # As far as the step that does not refuse, it goes.
        command.downgrade(config, "-2")
    assert project.versions() == ["r4_retire"]


def test_the_line_without_the_lines_is_said_once(tmp_path: Path, new_database: NewDatabase) -> None:
    project = new_project(tmp_path, new_database())
    assert project.upgraded().err.count("refactoring(context) in env.py") == 1
    project.edit(*LINES)
    assert "refactoring(context) in env.py" not in project.upgraded().err


def test_an_open_step_is_told_before_an_own_revision_runs(
    tmp_path: Path, new_database: NewDatabase
) -> None:
    """With the two lines: the downgrade of an own revision is not run first."""
    project = new_project(tmp_path, new_database())
    project.edit(*LINES)
    with project.in_process() as config:
        command.upgrade(config, "head")
        query(
            project.url,
            "UPDATE public_refactor.step SET state = 'open', ended_at = NULL, direction = 'up' "
            "WHERE step = 'dual_write'",
        )
        with pytest.raises(CommandError) as error:
            command.downgrade(config, "a1_lines")
    assert "is open" in str(error.value) and project.versions() == ["e5_own"]
    assert value(project.url, "SELECT to_regclass('e5')") is not None


def test_the_lines_beside_an_env_that_is_ours_change_nothing(
    tmp_path: Path, new_database: NewDatabase
) -> None:
    project = new_project(tmp_path, new_database())
    project.env.write_text(
        "from alembic import context\nfrom sqlalchemy import MetaData\n\n"
        "from membership_refactor import environment, refactoring\n\n"
        "refactoring(context)\nrefactoring(context)\nenvironment.run(MetaData())\n"
    )
    with project.in_process(f"url={project.url}") as config:
        command.upgrade(config, "head")
        command.downgrade(config, "a1_lines")
    assert project.versions() == ["a1_lines"]
