"""The ledger's tables for parallel saving: replaced values, kept uuids, new and emptied parents."""

from __future__ import annotations

from membership_refactor.portrait import Table
from membership_refactor.sql.names import Names
from membership_refactor.sql.parallel.sides import Sides
from membership_refactor.sql.quoting import fitted, ident
from membership_refactor.sql.row_id import RowId
from membership_refactor.sql.statements import Statement

CHILD_ID = RowId(("child id",))
"""The column with the child's id, as one word."""
TABLES = ("replaced", "losers", "uuid_map", "born", "emptied", "unsettled", "newer")


def lost(column: str) -> str:
    """The column that says whether the child lost its own value."""
    return ident(fitted(f"lost_{column}"))


def was(column: str) -> str:
    """The column with the child's own value."""
    return ident(fitted(f"was_{column}"))


def by(column: str) -> str:
    """The column with the value that replaced it."""
    return ident(fitted(f"by_{column}"))


def ledger_tables(names: Names, child: Table) -> tuple[Statement, ...]:
    """Creates the tables of ``TABLES`` that are missing."""
    sides = Sides(names, child)
    values = "".join(
        f",\n  {lost(c.name)} boolean NOT NULL DEFAULT false, "
        f"{was(c.name)} {c.type}, {by(c.name)} {c.type}"
        for c in (*sides.values, *(child.column(name) for name in (*sides.changed, *sides.version)))
    )
    key = "".join(f",\n  {ident(c.name)} {c.type}" for c in sides.key)
    shapes = {
        # ``under``: the child's parent at 0009, where the child stops following it.
        "replaced": f'"child id" {sides.id_type} PRIMARY KEY{values},\n  under uuid',
        # The children that still have to get the winning values.
        "losers": f'"child id" {sides.id_type} PRIMARY KEY',
        "uuid_map": f'"child id" {sides.id_type} PRIMARY KEY,\n  "kept uuid" uuid NOT NULL{key}',
        # Parents created in a transaction. Only rows of the running transaction count.
        "born": "xid xid8 NOT NULL,\n  uuid uuid NOT NULL,\n  PRIMARY KEY (xid, uuid)",
        "emptied": "uuid uuid PRIMARY KEY",
        # Parents that changed after their children, during the downgrade of 0009.
        "newer": "uuid uuid PRIMARY KEY",
        # Parents of restored children, with the last batch that restored one.
        "unsettled": "uuid uuid PRIMARY KEY,\n  xid xid8 NOT NULL",
    }
    return tuple(
        Statement(f"CREATE TABLE IF NOT EXISTS {names.own(name)} (\n  {shape}\n)")
        for name, shape in shapes.items()
    )
