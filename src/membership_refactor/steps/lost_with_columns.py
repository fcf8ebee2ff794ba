"""What goes with the deprecated columns at drop_deprecated_columns, and how it comes back.

An index comes back with the empty columns. What the values have to fit, a unique index or a
constraint, comes back one step further down, after they have been filled.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from membership_refactor.portrait import Index, Table
from membership_refactor.sql.ddl.comments_and_statistics import comment
from membership_refactor.sql.ddl.constraints import once, validate_constraint
from membership_refactor.sql.ddl.create import EMPTY_SEARCH_PATH
from membership_refactor.sql.ddl.indexes import create_index, create_key, finish_indexes
from membership_refactor.sql.quoting import qualified
from membership_refactor.sql.statements import Lock, Statement
from membership_refactor.steps.actions import Action, Alone, Brief, Run
from membership_refactor.steps.partition_indexes import build_by_partition
from membership_refactor.steps.step import Situation


def going(s: Situation) -> Table:
    """The part of the child's portrait that is dropped with the deprecated columns.

    An index with such a column anywhere goes, and the constraint that rests on it.
    """
    child, gone = s.child("drop_deprecated_columns"), set(s.plan.leaving)
    indexes = tuple(i for i in child.indexes if i.valid and gone & set(i.columns))
    resting = {i.name for i in indexes}
    return replace(
        child,
        columns=tuple(c for c in child.columns if c.name in gone),
        constraints=tuple(
            c
            for c in child.constraints
            if c.kind != "p" and (gone & set(c.columns) or c.index in resting)
        ),
        indexes=indexes,
        statistics=tuple(x for x in child.statistics if gone & set(x.columns)),
        grants=None,
        column_grants=tuple(g for g in child.column_grants if g.column in gone),
        policies=(),
        comment=None,
    )


def back_with_columns(s: Situation) -> Table:
    """What the downgrade of drop_deprecated_columns brings back: nothing that is unique."""
    lost = going(s)
    return replace(
        lost,
        constraints=tuple(c for c in lost.constraints if c.kind == "c"),
        indexes=tuple(i for i in lost.indexes if not i.unique and i.constraint is None),
    )


def back_with_values(s: Situation) -> tuple[Action, ...]:
    """What has to wait until the columns are filled: unique indexes, keys, exclusions and validated
    checks.

    PostgreSQL builds the index of an exclusion under the lock that adds it; no other way exists.
    """
    if "drop_deprecated_columns" not in s.portraits:
        return ()
    lost = going(s)
    unique = tuple(i for i in lost.indexes if i.unique)
    keys = tuple(c for c in lost.constraints if c.kind in "ux")
    resting = {c.index for c in keys}
    described = finished(
        replace(
            lost,
            columns=(),
            constraints=keys,
            indexes=tuple(i for i in lost.indexes if i.unique or i.name in resting),
        )
    )
    return (
        *build_indexes(lost, unique),
        *(
            Brief(
                key=f"add_key:{key.name}",
                title=f"Add {'unique' if key.kind == 'u' else 'exclusion'} constraint {key.name}",
                locks=((s.names.child, Lock.ACCESS_EXCLUSIVE),),
                statements=(EMPTY_SEARCH_PATH, once(create_key(lost, key), lost, key)),
            )
            for key in keys
        ),
        *(
            Run(
                key=f"validate_check:{check.name}",
                title=f"Validate check {check.name}",
                statements=(validate_constraint(lost.schema, s.plan.child, check.name),),
            )
            for check in lost.constraints
            if check.kind == "c" and check.validated
        ),
        *(
            (
                Run(
                    key="describe_keys",
                    title="Restore comments of unique indexes",
                    statements=(EMPTY_SEARCH_PATH, *described),
                ),
            )
            if described
            else ()
        ),
    )


def build_indexes(table: Table, indexes: tuple[Index, ...]) -> Iterator[Action]:
    """Each is built while the table is written; one that stands already is left alone."""
    for index in indexes:
        if table.partitioning is not None:
            yield from build_by_partition(table, table.partitioning, index)
            continue
        yield Alone(
            key=f"create_index:{index.name}",
            title=f"Create index {index.name}",
            statement=create_index(table, index, concurrently=True),
            index=qualified(table.schema, index.name),
        )


def finished(table: Table) -> tuple[Statement, ...]:
    """Statistics targets, the CLUSTER mark and comments of indexes, and comments of the rest.

    A tablespace of an index is not restored: that would copy the index under an exclusive lock.
    """
    indexes = tuple(replace(i, tablespace=None) for i in table.indexes)
    return (*finish_indexes(replace(table, indexes=indexes)), *comment(table))
