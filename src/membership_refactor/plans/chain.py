"""The steps of the chain that ships. What their revisions are called is read from the project."""

from __future__ import annotations

from membership_refactor.plans import enrollment_step
from membership_refactor.plans.enrollment_tables import enrollment_tables
from membership_refactor.plans.legacy_tables import legacy_tables
from membership_refactor.steps import SPLIT_STEPS, legacy_baseline
from membership_refactor.steps.step import Step
from membership_refactor.steps.step_chain import Chain

BASELINE = Chain(
    (legacy_baseline.step(legacy_tables, enrollment_tables), enrollment_step.STEP),
    groups=(legacy_tables, enrollment_tables),
)
"""The steps before the copy. alembic.ini registers them with the plan."""

STEPS: tuple[Step, ...] = (*BASELINE, *SPLIT_STEPS)
"""Every step that has verbs for revisions."""
