"""The verbs of a revision file have types, and there are two for each step."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from alembic import op as untyped

import membership_refactor
from membership_refactor import op
from membership_refactor.steps.step import Direction, Step
from tests.fixtures.steps import SHIPPED as CHAIN

REVISION = '''"""Copy the table."""

from membership_refactor import Conflict, ParentColumn, TableSplit, op

revision = "0003"
down_revision = None

PLAN = TableSplit(
    name="orders",
    source="order_line",
    copy="item",
    parent="purchase",
    link="purchase_uuid",
    key=("customer_id", "ordered_on"),
    parent_columns=(ParentColumn(name="note", conflict=Conflict.LATEST),),
    child_columns=("sku",),
    changed="updated_at",
)


def upgrade() -> None:
    op.copy_table(PLAN)


def downgrade() -> None:
    op.undo_copy_table(PLAN)
'''


@pytest.mark.parametrize("step", CHAIN.steps, ids=lambda step: step.name)
def test_every_step_has_a_verb_for_each_direction(step: Step) -> None:
    up, down = getattr(op, step.name), getattr(op, f"undo_{step.name}")
    assert (up.step, up.direction) == (step, Direction.UP)
    assert (down.step, down.direction) == (step, Direction.DOWN)
    assert callable(getattr(untyped, step.name)) and callable(getattr(untyped, f"undo_{step.name}"))


def test_there_is_no_verb_without_a_step() -> None:
    verbs = {name for name, value in vars(op).items() if isinstance(value, op.Verb)}
    names = [step.name for step in CHAIN]
    assert verbs == {*names, *(f"undo_{name}" for name in names)}


def test_everything_that_is_exported_is_there() -> None:
    assert [n for n in membership_refactor.__all__ if not hasattr(membership_refactor, n)] == []


def mypy(folder: Path, text: str) -> str:
    """What mypy --strict says about a revision in a project of its own."""
    (folder / "0003_copy.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "0003_copy.py"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    return done.stdout + done.stderr


@pytest.mark.slow
def test_a_revision_in_another_project_passes_mypy_strict(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    assert "Success" in mypy(tmp_path, REVISION)
    wrong = mypy(tmp_path, REVISION.replace("undo_copy_table(PLAN)", "undo_copy_tables(PLAN)"))
    assert 'no attribute "undo_copy_tables"' in wrong
    wrong = mypy(tmp_path, REVISION.replace("op.copy_table(PLAN)", "op.copy_table(1)"))
    assert "incompatible type" in wrong
