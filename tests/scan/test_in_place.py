"""What a query means while its table is split in place: one table, which keeps its name."""

from __future__ import annotations

from dataclasses import replace

from membership_refactor.planning import Stage
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.scan.resolve.tables_at_stage import Role, Standing, structure_at

PLAN = replace(SPLIT, copy=None, retired="", parent="membership")


def test_the_table_never_leaves_and_its_deprecated_columns_do() -> None:
    for stage in Stage:
        child, *parents = structure_at(PLAN, stage).tables
        assert (child.name, child.role, child.leaves) == (PLAN.source, Role.COPY, False)
        gone = Standing.GONE if stage is Stage.CURRENT else Standing.DEPRECATED
        assert {child.standing(c) for c in PLAN.deprecated} == {gone}
        assert child.standing("curriculum_id") is Standing.LIVE
        assert (PLAN.link in child.present) is (stage is not Stage.LEGACY)
        shown = stage in (Stage.INTERIM, Stage.CURRENT)
        assert [t.name for t in parents] == (["membership"] if shown else [])
