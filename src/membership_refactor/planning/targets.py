"""Targets: the structures that go, under the names by which the ledger records who used them."""

from __future__ import annotations

from collections.abc import Container

from membership_refactor.planning.split import TableSplit
from membership_refactor.planning.stages import Stage


def source_table(plan: TableSplit) -> str:
    """The wide table, until it is retired."""
    return f'table "{plan.source}"'


def old_meaning(plan: TableSplit) -> str:
    """The wide table's name while no table has it. A statement that uses it fails."""
    return f'old meaning of "{plan.source}"'


def deprecated_columns(plan: TableSplit) -> str:
    """The columns of the child that move to the parent."""
    return f'deprecated columns of "{plan.child}"'


def retired_table(plan: TableSplit) -> str:
    """The archive of the wide table."""
    return f'table "{plan.retired}"'


def old_shape(plan: TableSplit) -> str:
    """The view of the wide table's old shape."""
    return f'view of the old shape of "{plan.source}"'


def targets_of(plan: TableSplit, step: str) -> tuple[str, ...]:
    """What the step takes away, so that its gates ask who uses it; nothing for any other step."""
    match step:
        case "retire_source":
            return (source_table(plan),)
        case "create_parent" if plan.copy is not None:
            return (old_meaning(plan),)
        case "stop_parallel_save" | "drop_deprecated_columns":
            return (deprecated_columns(plan),)
        case "drop_retired_table":
            return (retired_table(plan), *((old_shape(plan),) if plan.old_shape_view else ()))
    return ()


def targets_at(plan: TableSplit, up: Container[str]) -> tuple[str, ...]:
    """The targets that exist while the steps of these names are up, in the order of the gates."""
    found = []
    if plan.copy is not None and "retire_source" not in up:
        found.append(source_table(plan))
    if plan.copy is not None and "retire_source" in up:
        if "create_parent" in plan.steps and "create_parent" not in up:
            found.append(old_meaning(plan))
        if "drop_retired_table" not in up:
            found += targets_of(plan, "drop_retired_table")
    # Without a copy they are the source's own, from the beginning.
    began = plan.copy is None or "copy_table" in up
    if plan.parent and began and "drop_deprecated_columns" not in up:
        found.append(deprecated_columns(plan))
    return tuple(found)


def targets_by_table(plan: TableSplit) -> dict[str, str]:
    """By table of the plan: the target that it stands for, or has."""
    found = {plan.source: source_table(plan), plan.retired: retired_table(plan)}
    if plan.parent:
        found[plan.child] = deprecated_columns(plan)
    return {table: target for table, target in found.items() if table}


def stages_that_show(plan: TableSplit, target: str) -> tuple[Stage, ...]:
    """The stages of a scan that finds every use of the target in SQL. At the others its name
    belongs to nothing, or to something else. Where the parent has the source's name, a statement
    that names only columns of the parent cannot be told from one that reads the old shape."""
    late = (Stage.INTERIM, Stage.CURRENT)
    if target in (retired_table(plan), old_shape(plan)):
        return late
    if target == deprecated_columns(plan) and plan.copy is not None:
        return (Stage.COPY, *late)
    if target != deprecated_columns(plan) and plan.source == plan.parent:
        return (Stage.LEGACY, Stage.COPY)
    return tuple(Stage)


def scan_stage(plan: TableSplit, target: str) -> Stage:
    """The stage at which a consumer should be scanned before the target goes."""
    late = Stage.INTERIM in stages_that_show(plan, target)
    return Stage.INTERIM if late else Stage.COPY
