"""The CHECK and the unique constraints: added online, attached from their indexes, taken off."""

from __future__ import annotations

from collections.abc import Sequence

from membership_refactor.planning import Alternative
from membership_refactor.sql.identifiers import ident, literal
from membership_refactor.sql.statements import Lock, Statement
from membership_refactor.sql.unique_identity.names import IdentityNames


def add_check(names: IdentityNames) -> Statement:
    """New and changed rows have an identity; the rows that are there are not read.

    ACCESS EXCLUSIVE, but for as long as a catalog row takes: NOT VALID skips the scan.
    """
    return _alter(
        names,
        f"ADD CONSTRAINT {ident(names.plan.required)} CHECK ({names.known()}) NOT VALID",
        Lock.ACCESS_EXCLUSIVE,
    )


def validate_check(names: IdentityNames) -> Statement:
    """Every row has an identity; writers go on while the table is read."""
    return _alter(
        names, f"VALIDATE CONSTRAINT {ident(names.plan.required)}", Lock.SHARE_UPDATE_EXCLUSIVE
    )


def attach(names: IdentityNames, alternatives: Sequence[Alternative]) -> Statement:
    """The unique indexes become the constraints of the same name, all in one short lock."""
    actions = ",\n  ".join(
        f"ADD CONSTRAINT {ident(a.constraint)} UNIQUE USING INDEX {ident(a.constraint)}"
        for a in alternatives
    )
    return _alter(names, actions, Lock.ACCESS_EXCLUSIVE)


def drop_constraints(names: IdentityNames, constraints: Sequence[str]) -> Statement:
    """The constraints are gone, and the indexes behind the unique ones with them."""
    actions = ",\n  ".join(f"DROP CONSTRAINT IF EXISTS {ident(name)}" for name in constraints)
    return _alter(names, actions, Lock.ACCESS_EXCLUSIVE)


def constraint_states(names: IdentityNames) -> str:
    """Name, kind, validated, definition of the table's constraints that the plan names."""
    wanted = ", ".join(literal(name) for name in constraint_names(names))
    return (
        "SELECT c.conname, c.contype::text, c.convalidated, pg_catalog.pg_get_constraintdef(c.oid),"
        " c.condeferrable\n"
        "FROM pg_catalog.pg_constraint AS c\n"
        f"WHERE c.conrelid = {literal(names.table)}::pg_catalog.regclass\n"
        f"  AND c.conname IN ({wanted})"
    )


def constraint_names(names: IdentityNames) -> tuple[str, ...]:
    """The CHECK, then the unique constraints."""
    return (names.plan.required, *(a.constraint for a in names.plan.alternatives))


def check_columns(names: IdentityNames) -> str:
    """The columns that a constraint reads, for comparing it with the plan's by what it says."""
    return (
        "SELECT a.attname\n"
        "FROM pg_catalog.pg_constraint AS c\n"
        "CROSS JOIN LATERAL pg_catalog.unnest(c.conkey) WITH ORDINALITY AS k(number, place)\n"
        "JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = k.number\n"
        f"WHERE c.conrelid = {literal(names.table)}::pg_catalog.regclass AND c.conname = $1\n"
        "ORDER BY k.place"
    )


def _alter(names: IdentityNames, actions: str, lock: Lock) -> Statement:
    return Statement(f"ALTER TABLE {names.table}\n  {actions}", lock, names.table)
