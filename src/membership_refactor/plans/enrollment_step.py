"""The step for the table of program enrollments, and the portrait that it leaves."""

from __future__ import annotations

from dataclasses import replace

from membership_refactor.plans.printed_names import printed, printed_in
from membership_refactor.plans.program_enrollment import IDENTITY
from membership_refactor.portrait import Constraint, Index, Portrait, Table
from membership_refactor.steps import enrollment_identity
from membership_refactor.steps.portraits import with_tables
from membership_refactor.steps.step import Situation, Step


def constrained(portrait: Portrait) -> Portrait:
    """Add the CHECK and the unique constraints to the portrait, where it has the table."""
    table = portrait.find(IDENTITY.table)
    return portrait if table is None else with_tables(portrait, _with_constraints(table))


def _with_constraints(table: Table) -> Table:
    identities = ", ".join(printed(column) for column in IDENTITY.identity_columns)
    added = [
        Constraint(
            name=IDENTITY.required,
            kind="c",
            definition=f"CHECK ((num_nonnulls({identities}) >= 1))",
            columns=IDENTITY.identity_columns,
        )
    ]
    indexes = []
    for alternative in IDENTITY.alternatives:
        columns, name = (alternative.column, *IDENTITY.scope), alternative.constraint
        listed = ", ".join(printed(column) for column in columns)
        added.append(
            Constraint(
                name=name,
                kind="u",
                definition=f"UNIQUE ({listed})",
                columns=columns,
                index=name,
            )
        )
        indexes.append(
            Index(
                name=name,
                definition=f"CREATE UNIQUE INDEX {printed(name)} ON "
                f"{printed_in(table.schema, table.name)} USING btree ({listed})",
                columns=columns,
                unique=True,
                constraint=name,
            )
        )
    # One that was there before stays as it is.
    known = {constraint.name for constraint in table.constraints}
    constraints = [*table.constraints, *(c for c in added if c.name not in known)]
    others = {index.name for index in table.indexes}
    all_indexes = [*table.indexes, *(i for i in indexes if i.name not in others)]
    return replace(
        table,
        constraints=tuple(sorted(constraints, key=lambda constraint: constraint.name)),
        indexes=tuple(sorted(all_indexes, key=lambda index: index.name)),
    )


def _becomes(s: Situation) -> Portrait:
    return constrained(s.before("enrollment_identity"))


STEP: Step = enrollment_identity.step(IDENTITY, becomes=_becomes)
"""The step for program enrollments."""
