"""The steps: what each does, up and down, as pure functions of plan and portrait."""

from __future__ import annotations

from membership_refactor.planning import TableSplit
from membership_refactor.steps import (
    copy_table,
    create_parent,
    drop_deprecated_columns,
    drop_retired_table,
    dual_write,
    link_children,
    rebuild_parent,
    retire_source,
    stop_parallel_save,
)
from membership_refactor.steps.step import Step

SPLIT_STEPS: tuple[Step, ...] = (
    copy_table.STEP,
    dual_write.STEP,
    retire_source.STEP,
    create_parent.STEP,
    rebuild_parent.STEP,
    link_children.STEP,
    stop_parallel_save.STEP,
    drop_deprecated_columns.STEP,
    drop_retired_table.STEP,
)
"""The steps of a split, in order. Plans of other shapes take some of them."""


def steps_of(plan: TableSplit) -> tuple[Step, ...]:
    """The steps that the plan takes, in order."""
    return tuple(step for step in SPLIT_STEPS if step.name in plan.steps)
