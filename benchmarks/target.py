"""What both baselines build: the child and the parent that the chain's 0008 leaves, by portrait."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.place import Connection, Place
from membership_refactor.catalog.read import read_portrait
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.portrait import Table
from membership_refactor.sql.ddl.copy_portrait import cloned, under_name
from membership_refactor.sql.ddl.parent_table import parent_table
from membership_refactor.sql.ledger.table_definitions import create_ledger
from membership_refactor.sql.names import Names
from membership_refactor.sql.parents.parent_uuid import identity_functions
from membership_refactor.sql.quoting import ident, qualified

NAMES = Names(SPLIT, "public")
REBUILT = "rebuilt_parent"
"""The parent's name where the source still has the old one."""


@dataclass(frozen=True, slots=True)
class Target:
    """Portraits of the tables to build; ``parent`` under a name that is free."""

    source: Table
    child: Table
    parent: Table

    @property
    def link_key(self) -> str:
        """ALTER TABLE that adds the foreign key of the link."""
        parent = qualified(self.parent.schema, self.parent.name)
        return (
            f"ALTER TABLE {NAMES.copy} ADD CONSTRAINT {ident(NAMES.link_key_name)} "
            f"FOREIGN KEY ({ident(SPLIT.link)}) REFERENCES {parent} ({ident(SPLIT.parent_id)})"
        )


def target(place: Place, database: str) -> Target:
    """Read from the database's own source, as the steps do it."""
    with place.engine(database).connect() as connection:
        portrait = read_portrait(connection, "public", (SPLIT.source,))
    source = portrait.table(SPLIT.source)
    child = cloned(source, name=SPLIT.child, link=SPLIT.link)
    required = tuple(c for c in SPLIT.deprecated if source.column(c).not_null)
    parent = under_name(parent_table(NAMES, child, required=required), REBUILT)
    return Target(source, child, parent)


def prepare(connection: Connection, wanted: Target) -> None:
    """The uuid function stands, as it does for the chain; not part of what is measured."""
    for statement in create_ledger("public"):
        connection.execute(statement.text.encode())
    for statement in identity_functions(NAMES, wanted.source):
        connection.execute(statement.text.encode())
