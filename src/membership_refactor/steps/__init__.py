"""The steps: what each revision does, up and down, as pure functions of plan and portrait."""

from collections.abc import Mapping

from membership_refactor.steps import copy_table, create_parent, dual_write, rebuild_parent
from membership_refactor.steps.step import Step

ALL: Mapping[str, Step] = {
    s.revision: s
    for s in (copy_table.STEP, dual_write.STEP, create_parent.STEP, rebuild_parent.STEP)
}
"""The steps of a split, by revision."""
