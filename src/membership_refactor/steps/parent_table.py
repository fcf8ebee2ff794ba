"""The portrait of the parent: made from the child's columns, keys and indexes."""

from __future__ import annotations

from dataclasses import replace

from membership_refactor.portrait import Column, Constraint, Index, Table
from membership_refactor.sql.ddl.copy_portrait import under_name
from membership_refactor.sql.parents.grouping import parent_columns
from membership_refactor.sql.quoting import ident, qualified
from membership_refactor.steps.step import Situation


def parent_table(situation: Situation, child: Table, *, required: tuple[str, ...]) -> Table:
    """The parent as rebuild_parent leaves it, without grants: link_children opens it.

    Foreign keys and plain indexes of the child whose columns all move to the parent are the
    parent's too, under names made from its own. ``required`` columns are NOT NULL.
    """
    plan = situation.plan
    moving = {*plan.deprecated}
    # Every name and text of the child as it would be under the parent's name.
    renamed = under_name(child, plan.parent)
    uuid = Column(name=plan.parent_id, type="uuid", not_null=True, default="gen_random_uuid()")
    columns = tuple(
        replace(c, not_null=c.name in required, sequence=None, identity="", default=_default(c))
        for c in parent_columns(plan, child)
    )
    unique = [_primary_key(situation), _key(situation)]
    if plan.keep:
        unique.append(_kept_key(situation))
    constraints = list(unique)
    constraints += [
        c for c in renamed.constraints if c.kind in "cf" and c.columns and moving >= set(c.columns)
    ]
    indexes = [_unique_index(situation, constraint) for constraint in unique]
    indexes += [
        replace(i, clustered=False, replica_identity=False)
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


def _primary_key(situation: Situation) -> Constraint:
    name = situation.names.parent_primary_key_name
    column = situation.plan.parent_id
    return Constraint(
        name=name,
        kind="p",
        definition=f"PRIMARY KEY ({ident(column)})",
        columns=(column,),
        index=name,
    )


def _key(situation: Situation) -> Constraint:
    name, key = situation.names.parent_key_name, situation.plan.key
    listed = ", ".join(ident(c) for c in key)
    return Constraint(
        name=name,
        kind="u",
        definition=f"UNIQUE NULLS NOT DISTINCT ({listed})",
        columns=key,
        index=name,
    )


def _kept_key(situation: Situation) -> Constraint:
    """What the foreign key over the kept columns and the link refers to."""
    name, plan = situation.names.parent_kept_key_name, situation.plan
    columns = (*plan.keep, plan.parent_id)
    listed = ", ".join(ident(c) for c in columns)
    return Constraint(
        name=name, kind="u", definition=f"UNIQUE ({listed})", columns=columns, index=name
    )


def _unique_index(situation: Situation, constraint: Constraint) -> Index:
    table = qualified(situation.names.schema, situation.plan.parent)
    listed = ", ".join(ident(c) for c in constraint.columns)
    nulls = " NULLS NOT DISTINCT" if "NULLS NOT DISTINCT" in constraint.definition else ""
    return Index(
        name=constraint.name,
        definition=(
            f"CREATE UNIQUE INDEX {ident(constraint.name)} ON {table} USING btree ({listed}){nulls}"
        ),
        columns=constraint.columns,
        unique=True,
        constraint=constraint.name,
    )
