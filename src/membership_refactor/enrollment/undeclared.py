"""Refuse a merge while something refers to its rows that the plan does not name."""

from __future__ import annotations

import re

from sqlalchemy import Connection

from membership_refactor.counts import counted
from membership_refactor.enrollment.cursor import rows
from membership_refactor.enrollment.looks_like import Column, Target, guesses, kind_of
from membership_refactor.errors import PortraitMismatch
from membership_refactor.sql.unique_identity import merge_rows, possible_references
from membership_refactor.sql.unique_identity.names import IdentityNames


def refuse_unknown_dependents(connection: Connection, names: IdentityNames) -> None:
    """Raise PortraitMismatch for a foreign key to the plan's tables that the plan does not name.

    A merge would not move its rows, and ON DELETE CASCADE would delete them without a word.
    """
    plan = names.plan
    levels = [
        (plan.table, plan.id, plan.dependents),
        *((d.table, d.id, d.dependents) for d in plan.walk()),
    ]
    unknown = []
    for table, id_column, dependents in levels:
        known = {(names.schema, d.table, d.parent) for d in dependents}
        for schema, referring, column, constraint in rows(
            connection, merge_rows.foreign_keys_to(names, table, id_column)
        ):
            if (schema, referring, column) not in known:
                by = column or f"not by {id_column}"
                unknown.append(f"{schema}.{referring} ({by}) refers to {table}: {constraint}")
    if unknown:
        raise PortraitMismatch(
            f"{counted(len(unknown), 'foreign key')} to rows that may be merged, not in the plan:",
            differences=unknown,
            hint="Add these tables to the plan's dependents.",
        )


def refuse_undeclared(connection: Connection, names: IdentityNames) -> None:
    """Raise PortraitMismatch for columns that look like references without a foreign key.

    After a merge their values would name rows that no longer exist, and nobody would notice.
    """
    if found := undeclared(connection, names):
        raise PortraitMismatch(
            f"{counted(len(found), 'column')} without a foreign key may refer to rows that a merge "
            "would delete:",
            differences=found,
            hint="Run `membership-refactor merge-duplicates` with --dependent TABLE.COLUMN for "
            "each whose rows a merge has to move, and with --leave TABLE.COLUMN --reason TEXT for "
            "each that stays as it is.",
        )


def undeclared(connection: Connection, names: IdentityNames) -> list[str]:
    """Return a sentence for each column that looks like a reference and is not in the plan.

    Names and types of columns come from the catalog. Of columns of type uuid and JSON, the first
    values are read too, where this session may read them all.
    """
    plan = names.plan
    catalog = [
        Column(*row) for row in rows(connection, possible_references.columns_of_database(names))
    ]
    targets = [Target(plan.table, plan.id, (*plan.identity_columns, *plan.scope))]
    # Only rows of a table with a unique key can be deleted in favour of another one.
    targets += [
        Target(d.table, d.id, (d.parent, *d.unique_columns))
        for d in plan.walk()
        if d.unique is not None
    ]
    known = _named(names)
    # The plan says of such a name that it means something else.
    other = {*plan.identity_columns, *plan.scope} | {c for d in plan.walk() for c in d.unite}
    found: dict[Column, str] = {}
    for target in targets:
        for column, why in guesses(catalog, names.schema, target):
            if column.key not in known and column.name not in other:
                found.setdefault(column, why)
        for column in catalog:
            asked = _asked(names, target, column, kind_of(catalog, names.schema, target))
            if asked and column.key not in known and column not in found:
                query, why = asked
                if rows(connection, query)[0][0]:
                    found[column] = why
    return [f"{'.'.join(column.key)}: {why}" for column, why in sorted(found.items())]


def _asked(
    names: IdentityNames, target: Target, column: Column, kind: str | None
) -> tuple[str, str] | None:
    """Return a query that asks the column's values, and what it means if they say yes."""
    if column.constrained or not column.readable:
        return None
    if column.kind == kind == "uuid":
        # A uuid of one table is found in no other by chance. Small numbers are.
        query = possible_references.values_among_ids(
            names, target.table, target.id, column.key, array=column.array
        )
        return query, f"its values are ids of {target.table}"
    if column.kind in ("json", "jsonb") and not column.array:
        full = "_?".join(re.escape(word) for word in target.table.split("_"))
        query = possible_references.documents_that_name(column.key, f'"{full}_?(uu)?ids?"')
        return query, f"its documents have ids of {target.table}"
    return None


def _named(names: IdentityNames) -> set[tuple[str, str, str]]:
    """Return the columns that the plan names, or says to leave: schema, table, column."""
    plan = names.plan
    own = [plan.id, *plan.identity_columns, *plan.scope]
    own += [plan.status.column] if plan.status else []
    known = {(names.schema, plan.table, column) for column in own}
    for d in plan.walk():
        listed = (d.id, d.parent, *d.unique_columns, *d.unite)
        known |= {(names.schema, d.table, column) for column in listed}
    for place in plan.leave:
        *schema, table, column = place.split(".")
        known.add((schema[0] if schema else names.schema, table, column))
    return known
