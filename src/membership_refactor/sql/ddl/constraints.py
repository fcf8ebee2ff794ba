"""CHECK constraints and foreign keys."""

from __future__ import annotations

from dataclasses import replace

from membership_refactor.portrait import Constraint, Table
from membership_refactor.sql.quoting import dollar_quoted, ident, literal, qualified
from membership_refactor.sql.statements import Lock, Statement

_NOT_VALID = " NOT VALID"


def create_checks(table: Table) -> tuple[Statement, ...]:
    """The CHECK constraints. Each valid one scans the table."""
    return tuple(add_constraint(table, c) for c in table.constraints if c.kind == "c")


def create_foreign_keys(table: Table, *, not_valid: bool = False) -> tuple[Statement, ...]:
    """The outgoing foreign keys. With ``not_valid`` nothing is scanned; run
    ``validate_foreign_keys`` afterwards."""
    return (
        *(add_constraint(table, c, not_valid=not_valid) for c in table.foreign_keys),
        *(said for c in table.foreign_keys for said in comment_on_key(table, c)),
    )


def comment_on_key(table: Table, key: Constraint) -> tuple[Statement, ...]:
    """The comment on a foreign key, if it has one."""
    if key.comment is None:
        return ()
    name = qualified(table.schema, table.name)
    text = f"COMMENT ON CONSTRAINT {ident(key.name)} ON {name} IS {literal(key.comment)}"
    return (Statement(text, Lock.SHARE_UPDATE_EXCLUSIVE, name),)


def validate_foreign_keys(table: Table) -> tuple[Statement, ...]:
    """Validates those that are valid in the portrait; reads both tables, blocks no writer."""
    return tuple(
        validate_constraint(table.schema, table.name, c.name)
        for c in table.foreign_keys
        if c.validated
    )


def add_constraint(table: Table, constraint: Constraint, *, not_valid: bool = False) -> Statement:
    """One constraint by its own definition."""
    name = qualified(table.schema, table.name)
    return Statement(
        f"ALTER TABLE {name} ADD CONSTRAINT {ident(constraint.name)} "
        + constraint_text(constraint.definition, not_valid=not_valid or not constraint.validated),
        # A foreign key takes the weaker lock, also on the table that it refers to.
        Lock.SHARE_ROW_EXCLUSIVE if constraint.kind == "f" else Lock.ACCESS_EXCLUSIVE,
        name,
    )


def once(statement: Statement, table: Table, constraint: Constraint) -> Statement:
    """``statement``, which adds the constraint, where the table does not have it yet."""
    name = qualified(table.schema, table.name)
    body = f"""
BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_constraint AS k
      WHERE k.conrelid = {literal(name)}::pg_catalog.regclass
      AND k.conname = {literal(constraint.name)}) THEN
    {statement.text};
  END IF;
END
"""
    return replace(statement, text=f"DO {dollar_quoted(body)}")


def constraint_text(definition: str, *, not_valid: bool) -> str:
    """A definition with or without NOT VALID; one that is NOT ENFORCED stays as it is."""
    bare = definition.removesuffix(_NOT_VALID)
    if bare.endswith(" NOT ENFORCED"):
        return bare
    return bare + _NOT_VALID if not_valid else bare


def check_expression(definition: str) -> str:
    """The condition of a CHECK, in its parentheses."""
    bare = definition.removesuffix(_NOT_VALID).removesuffix(" NO INHERIT")
    return bare.removeprefix("CHECK ")


def validate_constraint(schema: str, table: str, constraint: str) -> Statement:
    """Reads the whole table under a lock that blocks no writer."""
    name = qualified(schema, table)
    text = f"ALTER TABLE {name} VALIDATE CONSTRAINT {ident(constraint)}"
    return Statement(text, Lock.SHARE_UPDATE_EXCLUSIVE, name)


def drop_constraint(table: Table, constraint: Constraint) -> Statement:
    """Drops one constraint."""
    name = qualified(table.schema, table.name)
    text = f"ALTER TABLE {name} DROP CONSTRAINT {ident(constraint.name)}"
    return Statement(text, Lock.ACCESS_EXCLUSIVE, name)


def drop_foreign_keys(table: Table) -> tuple[Statement, ...]:
    """Drops the outgoing foreign keys; also locks the tables that they refer to for a moment."""
    return tuple(drop_constraint(table, constraint) for constraint in table.foreign_keys)
