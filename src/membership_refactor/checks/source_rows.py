"""Checks of the wide table: what the policies and the plan require of its rows."""

from __future__ import annotations

from membership_refactor.checks.check import Check, Reach
from membership_refactor.planning import Conflict, Nulls, TableSplit
from membership_refactor.portrait import Table
from membership_refactor.sql.comparisons.repeated_keys import shown_key
from membership_refactor.sql.ddl.constraints import check_expression
from membership_refactor.sql.names import Names
from membership_refactor.sql.quoting import columns as listed
from membership_refactor.sql.quoting import ident, literal, qualified
from membership_refactor.sql.row_id import RowId

GROUPS_AGREE = "groups agree"
"""The name of the check that the policy ``agree`` makes."""


def policies_hold(plan: TableSplit, table: str) -> tuple[Check, ...]:
    """What the policies ``agree`` and ``reject`` require of ``table`` (quoted)."""
    checks = []
    agreeing = plan.with_policy(Conflict.AGREE)
    key = listed(plan.key, "t.")
    if agreeing:
        apart = " OR ".join(several_values(f"t.{ident(c)}") for c in agreeing)
        checks.append(
            Check(
                name=GROUPS_AGREE,
                sentence=f"the rows of a key agree on {', '.join(agreeing)}",
                query=(
                    f"SELECT pg_catalog.concat_ws(', ', {shown_key(plan, 't')})\n"
                    f"FROM {table} AS t GROUP BY {key} HAVING {apart}"
                ),
                hint="Correct those rows, or give the columns another conflict policy in the plan.",
            )
        )
    if plan.nulls is Nulls.REJECT:
        gap = " OR ".join(f"t.{ident(c)} IS NULL" for c in plan.key)
        checks.append(
            Check(
                name="keys are complete",
                sentence="no key column is NULL",
                query=f"SELECT {RowId(plan.ids).text('t')} FROM {table} AS t WHERE {gap}",
                hint='Fill those columns, or set nulls="equal" in the plan.',
            )
        )
    return tuple(checks)


def several_values(value: str) -> str:
    """A condition of a group: its rows do not agree on ``value``. 1.0 and 1.00 are one value."""
    # count(DISTINCT) ignores NULL, so NULLs are counted apart. json has no equality.
    return (
        f"pg_catalog.count(DISTINCT pg_catalog.to_jsonb({value})) "
        f"+ pg_catalog.max(({value} IS NULL)::int) > 1"
    )


def unvalidated_checks_hold(plan: TableSplit, source: Table) -> tuple[Check, ...]:
    """No row breaks a CHECK that is NOT VALID. Such a row could not be written again: neither when
    it follows its parent, nor by a downgrade."""
    table, shown = qualified(source.schema, source.name), RowId(plan.ids).shown("")
    rows = [
        # No alias: a definition may refer to the whole row by the table's name.
        f"SELECT pg_catalog.format('%s (%s)', {shown}, {literal(c.name)}) FROM {table}\n"
        f"WHERE NOT ({check_expression(c.definition)})"
        for c in source.constraints
        if c.kind == "c" and c.enforced and not c.validated
    ]
    if not rows:
        return ()
    return (
        Check(
            name="unvalidated checks hold",
            sentence="no row breaks a CHECK that is NOT VALID",
            query="\nUNION ALL ".join(rows),
            hint="Correct those rows or drop the constraint, then run the same command again.",
        ),
    )


def not_null_is_valid(names: Names) -> Check:
    """No column is NOT NULL NOT VALID (PostgreSQL 18): the copy's columns are NOT NULL at once."""
    table = f"pg_catalog.to_regclass({literal(names.source)})"
    return Check(
        name="NOT NULL is valid",
        sentence="every NOT NULL is validated",
        query=(
            "SELECT pg_catalog.format('ALTER TABLE %s VALIDATE CONSTRAINT %I', "
            "k.conrelid::pg_catalog.regclass, k.conname)\n"
            "FROM pg_catalog.pg_constraint AS k\n"
            f"WHERE k.conrelid = {table} AND k.contype = 'n' AND NOT k.convalidated"
        ),
        reach=Reach.CATALOG,
        hint="Run the statements that are named, after you have filled those columns, or drop the "
        "constraint. Then run the same command again.",
    )
