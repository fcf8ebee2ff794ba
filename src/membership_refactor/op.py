"""The verbs of a revision file, with types: ``from membership_refactor import op``.

Each takes a plan, and a schema where it is not the registered one. ``op.copy_table(PLAN)`` takes
the step up, ``op.undo_copy_table(PLAN)`` takes it down. Both commit as they go, or print a script
with ``--sql``, and raise CommandError where the step is refused or stopped.
``from alembic import op`` has the same verbs, without types.
"""

from __future__ import annotations

from alembic import op

from membership_refactor.operations import StepOperation
from membership_refactor.planning import TableSplit
from membership_refactor.plans.chain import STEPS
from membership_refactor.steps.step import Direction, Step


class Verb:
    """A function of a plan. Call it in ``upgrade()`` or ``downgrade()`` of a revision."""

    def __init__(self, step: Step, direction: Direction) -> None:
        self.step, self.direction = step, direction

    def __call__(self, plan: TableSplit, schema: str | None = None) -> None:
        """Take the step of this plan, or print its script. Raises CommandError.

        Without ``schema`` it is taken in each schema that the project registers for the plan.
        """
        op.invoke(StepOperation(plan, self.step, self.direction, schema))


def _verbs(name: str) -> tuple[Verb, Verb]:
    step = next(step for step in STEPS if step.name == name)
    return Verb(step, Direction.UP), Verb(step, Direction.DOWN)


legacy_baseline, undo_legacy_baseline = _verbs("legacy_baseline")
enrollment_identity, undo_enrollment_identity = _verbs("enrollment_identity")
copy_table, undo_copy_table = _verbs("copy_table")
dual_write, undo_dual_write = _verbs("dual_write")
retire_source, undo_retire_source = _verbs("retire_source")
create_parent, undo_create_parent = _verbs("create_parent")
rebuild_parent, undo_rebuild_parent = _verbs("rebuild_parent")
link_children, undo_link_children = _verbs("link_children")
stop_parallel_save, undo_stop_parallel_save = _verbs("stop_parallel_save")
drop_deprecated_columns, undo_drop_deprecated_columns = _verbs("drop_deprecated_columns")
drop_retired_table, undo_drop_retired_table = _verbs("drop_retired_table")
