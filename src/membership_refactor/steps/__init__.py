"""The steps: what each does, up and down, as pure functions of plan and portrait."""

from __future__ import annotations

from importlib import import_module

from membership_refactor.planning import TableSplit
from membership_refactor.planning.shapes import Shape
from membership_refactor.steps.step import Step

SPLIT_STEPS: tuple[Step, ...] = tuple(
    import_module(f"{__name__}.{name}").STEP for name in Shape.SPLIT.steps
)
"""The steps of a split, in order: a file each. Plans of other shapes take some of them."""


def steps_of(plan: TableSplit) -> tuple[Step, ...]:
    """The steps that the plan takes, in order."""
    return tuple(step for step in SPLIT_STEPS if step.name in plan.steps)
