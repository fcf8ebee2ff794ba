"""The portrait of the parent: made from the child's columns, keys and indexes."""

from __future__ import annotations

from dataclasses import replace

from membership_refactor.portrait import Column, Constraint, Index, Table
from membership_refactor.sql.ddl.copy_portrait import under_name
from membership_refactor.sql.ddl.indexes import of_partitions_too
from membership_refactor.sql.names import Names
from membership_refactor.sql.parents.grouping import parent_columns
from membership_refactor.sql.quoting import ident


def parent_table(names: Names, child: Table, *, required: tuple[str, ...]) -> Table:
    """The parent as rebuild_parent leaves it, without grants: link_children opens it.

    Foreign keys and plain indexes of the child whose columns all move to the parent are the
    parent's too, under names made from its own. ``required`` columns are NOT NULL.
    """
    plan = names.plan
    moving = {*plan.deprecated}
    # Every name and text of the child as it would be under the parent's name.
    renamed = under_name(child, plan.parent)
    uuid = Column(name=plan.parent_id, type="uuid", not_null=True, default="gen_random_uuid()")
    columns = tuple(
        replace(c, not_null=c.name in required, sequence=None, identity="", default=_default(c))
        for c in parent_columns(plan, child)
    )
    unique = [
        _unique(names, names.parent_primary_key_name, "PRIMARY KEY", (plan.parent_id,)),
        _unique(names, names.parent_key_name, "UNIQUE NULLS NOT DISTINCT", plan.key),
    ]
    if plan.keep:
        # What the foreign key over the kept columns and the link refers to.
        kept = (*plan.keep, plan.parent_id)
        unique.append(_unique(names, names.parent_kept_key_name, "UNIQUE", kept))
    constraints = [constraint for constraint, _ in unique]
    constraints += [
        c for c in renamed.constraints if c.kind in "cf" and c.columns and moving >= set(c.columns)
    ]
    indexes = [index for _, index in unique]
    indexes += [
        replace(
            i,
            definition=of_partitions_too(i.definition),
            clustered=False,
            replica_identity=False,
        )
        for i in renamed.indexes
        if i.valid and i.constraint is None and not i.unique
        if i.columns and moving >= set(i.columns)
    ]
    return Table(
        schema=child.schema,
        name=plan.parent,
        owner=child.owner,
        columns=(uuid, *columns),
        constraints=tuple(constraints),
        indexes=tuple(indexes),
    )


def _default(column: Column) -> str | None:
    return column.default if column.identity == "" and column.sequence is None else None


def _unique(
    names: Names, name: str, kind: str, columns: tuple[str, ...]
) -> tuple[Constraint, Index]:
    """The constraint of that kind over the columns, and the index that it rests on."""
    listed = ", ".join(map(ident, columns))
    nulls = kind.removeprefix("UNIQUE") if kind != "PRIMARY KEY" else ""
    made = f"CREATE UNIQUE INDEX {ident(name)} ON {names.parent} USING btree ({listed}){nulls}"
    return (
        Constraint(
            name=name,
            kind="p" if kind == "PRIMARY KEY" else "u",
            definition=f"{kind} ({listed})",
            columns=columns,
            index=name,
        ),
        Index(name=name, definition=made, columns=columns, unique=True, constraint=name),
    )
