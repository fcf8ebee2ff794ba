"""The chain that ships: its baseline, its steps, and the ids of its revisions."""

from __future__ import annotations

from membership_refactor.planning import Revisions
from membership_refactor.plans import enrollment_step
from membership_refactor.plans.enrollment_tables import enrollment_tables
from membership_refactor.plans.legacy_tables import legacy_tables
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.steps import legacy_baseline, steps_of
from membership_refactor.steps.step_chain import Chain

__all__ = ["BASELINE", "CHAIN", "REVISIONS", "SPLIT"]

REVISIONS = Revisions.in_a_row(
    {
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
)
"""The ids of the shipped revisions. Users and scripts rely on them, so they never change."""

BASELINE = Chain(
    (legacy_baseline.step(legacy_tables, enrollment_tables), enrollment_step.STEP),
    groups=(legacy_tables, enrollment_tables),
)
"""The steps before the copy. alembic.ini registers them with the plan."""

CHAIN = Chain((*BASELINE, *steps_of(SPLIT)), REVISIONS, BASELINE.groups)
"""What the project finds in alembic.ini and in the revisions, for the demo and for tests."""
