"""What ``plan`` says of columns that look like the version of a row (optimistic locking)."""

from __future__ import annotations

from membership_refactor.planning import TableSplit
from membership_refactor.portrait import Column, Table
from membership_refactor.sql.ddl.plan_fits import COUNTS
from membership_refactor.sql.types import base_type

_NAMES = frozenset(
    {
        "version",
        "row_version",
        "rowversion",
        "lock_version",
        "version_id",
        "object_version",
        "revision",
        "optlock",
        "opt_lock",
    }
)
"""The defaults and examples of the usual libraries, in small letters."""


def unnamed_versions(plan: TableSplit, child: Table) -> tuple[str, ...]:
    """Columns that look like a version, if the plan names none."""
    if plan.version:
        return ()
    return tuple(
        f'column "{c.name}" looks like a version (optimistic locking). From this step on a value '
        "that is saved in one row also goes to the other rows of its parent. If applications "
        f'compare this column, set version="{c.name}" in the plan. Otherwise a save of such a row '
        "by somebody who read it earlier overwrites the value without an error"
        for c in child.columns
        if looks_like_version(c) and c.name not in (*plan.ids, *plan.deprecated)
    )


def looks_like_version(column: Column) -> bool:
    """Whether its name and type are those by which libraries notice a concurrent save."""
    return (
        column.name.lower() in _NAMES
        and column.generated is None
        and base_type(column.base_type or column.type) in COUNTS
    )
