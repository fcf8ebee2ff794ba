"""What a project says of its plans, put together from configuration and revisions."""

from __future__ import annotations

from pathlib import Path

from alembic.config import Config

from membership_refactor.plans.chain import BASELINE
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.project.alembic_project import AlembicProject
from membership_refactor.steps import SPLIT_STEPS
from tests.fixtures.steps import in_a_row

ROOT = Path(__file__).parents[2]
# Users and scripts rely on these, so they never change.
IDS = {
    "legacy_baseline": "0001",
    "enrollment_identity": "0002",
    "copy_table": "0003",
    "dual_write": "0004",
    "retire_source": "0005",
    "create_parent": "0006",
    "rebuild_parent": "0007",
    "link_children": "0008",
    "stop_parallel_save": "0009",
    "drop_deprecated_columns": "0010",
    "drop_retired_table": "0011",
}


def test_the_chain_that_ships_is_what_its_registration_and_revisions_say(tmp_path: Path) -> None:
    """With the shipped alembic.ini, and with one of one's own for the shipped revisions."""
    own = tmp_path / "alembic.ini"
    own.write_text(f"[alembic]\nscript_location = {ROOT}/alembic\npath_separator = os\n")
    for file in (ROOT / "alembic.ini", own):
        project = AlembicProject(Config(file))
        assert [registered.plan for registered in project.plans] == [SPLIT]
        chain = project.chain(SPLIT, "public")
        assert chain.steps == (*BASELINE.steps, *SPLIT_STEPS) and chain.tables == BASELINE.tables
        assert chain.revisions == in_a_row(IDS)
        models = project.models(SPLIT)
        assert [len(models(step)) for step in chain] == [1, 2, 0, 0, 0, 0, 0, 2, 2, 2, 2]


def test_without_a_project_there_are_the_steps_of_the_plan() -> None:
    project = AlembicProject(None)
    assert project.plans == () and project.schemas(SPLIT) == ("public",)
    names = tuple(step.name for step in project.chain(SPLIT, "public"))
    assert names == SPLIT.steps
