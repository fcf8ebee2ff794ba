"""The chain that ships: its plan, its baseline, its steps, and every table that they concern."""

from __future__ import annotations

from collections.abc import Mapping

from membership_refactor.plans import enrollment_step
from membership_refactor.plans.enrollment_tables import enrollment_tables
from membership_refactor.plans.legacy_tables import legacy_tables
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.steps import ALL, legacy_baseline
from membership_refactor.steps.step import Step

__all__ = ["SPLIT", "STEPS", "TABLES"]

STEPS: Mapping[str, Step] = {
    "0001": legacy_baseline.step(legacy_tables, enrollment_tables),
    "0002": enrollment_step.STEP,
    **ALL,
}
"""By revision."""

TABLES: tuple[str, ...] = tuple(
    table.name for group in (legacy_tables, enrollment_tables) for table in group("public").tables
)
"""The baseline's tables, of which portraits are read and kept."""
