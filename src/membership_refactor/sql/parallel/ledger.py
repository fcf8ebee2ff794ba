"""The ledger's tables of parallel saving: values that lost, uuids, parents of the moment."""

from __future__ import annotations

from membership_refactor.portrait import Table
from membership_refactor.sql.names import Names
from membership_refactor.sql.parallel.sides import Sides
from membership_refactor.sql.quoting import fitted, ident
from membership_refactor.sql.statements import Statement

TABLES = ("replaced", "losers", "uuid_map", "born", "emptied")


def lost(column: str) -> str:
    """Whether that column of the child lost its own value."""
    return ident(fitted(f"lost_{column}"))


def was(column: str) -> str:
    """The child's own value."""
    return ident(fitted(f"was_{column}"))


def by(column: str) -> str:
    """The value that replaced it."""
    return ident(fitted(f"by_{column}"))


def ledger_tables(names: Names, child: Table) -> tuple[Statement, ...]:
    """``replaced``, ``losers``, ``uuid_map``, ``born``, ``emptied``, where not there yet."""
    sides = Sides(names, child)
    values = "".join(
        f",\n  {lost(c.name)} boolean NOT NULL DEFAULT false, "
        f"{was(c.name)} {c.type}, {by(c.name)} {c.type}"
        for c in (*sides.values, *(child.column(name) for name in sides.changed))
    )
    key = "".join(f",\n  {ident(c.name)} {c.type}" for c in sides.key)
    shapes = {
        # Under which parent the child was when nobody followed it any more (0009).
        "replaced": f'"child id" {sides.id_type} PRIMARY KEY{values},\n  under uuid',
        # Work to do, not a record: which children are still to get the winning values.
        "losers": f'"child id" {sides.id_type} PRIMARY KEY',
        "uuid_map": f'"child id" {sides.id_type} PRIMARY KEY,\n  "kept uuid" uuid NOT NULL{key}',
        # Only rows of the running transaction count; (xid, uuid) finds them and the dead ones.
        "born": "xid xid8 NOT NULL,\n  uuid uuid NOT NULL,\n  PRIMARY KEY (xid, uuid)",
        "emptied": "uuid uuid PRIMARY KEY",
    }
    return tuple(
        Statement(f"CREATE TABLE IF NOT EXISTS {names.own(name)} (\n  {shape}\n)")
        for name, shape in shapes.items()
    )
