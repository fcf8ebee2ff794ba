"""The portrait: everything that the catalog says about the tables of a plan, as plain values.

Definitions are PostgreSQL's own texts (format_type, pg_get_constraintdef and so on), read with an
empty search_path, so names in them are qualified.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from membership_refactor.portrait.called_functions import PathSchema, Routine
from membership_refactor.portrait.partitions import Partitioning
from membership_refactor.portrait.table_parts import (
    Column,
    ColumnUse,
    Constraint,
    Dependent,
    Grant,
    IncomingKey,
    Index,
    Policy,
    Publication,
    Rule,
    Statistics,
    Trigger,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table with its columns, constraints, indexes, triggers and dependents."""

    schema: str
    name: str
    columns: tuple[Column, ...]
    kind: str = "r"
    """pg_class.relkind: r ordinary, p partitioned, f foreign, v view ..."""
    persistence: str = "p"
    owner: str = ""
    grants: tuple[Grant, ...] | None = None
    """The grants on the table itself; None if the ACL is the built-in default."""
    column_grants: tuple[Grant, ...] = ()
    """The grants on single columns, each with its ``column``."""
    constraints: tuple[Constraint, ...] = ()
    incoming: tuple[IncomingKey, ...] = ()
    indexes: tuple[Index, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    rules: tuple[Rule, ...] = ()
    policies: tuple[Policy, ...] = ()
    row_security: bool = False
    force_row_security: bool = False
    statistics: tuple[Statistics, ...] = ()
    publications: tuple[Publication, ...] = ()
    published_by_schema: tuple[str, ...] = ()
    """Publications FOR ALL TABLES or FOR TABLES IN SCHEMA that include the table."""
    dependents: tuple[Dependent, ...] = ()
    uses: tuple[ColumnUse, ...] = field(default=(), compare=False)
    """Not compared, and empty in a portrait that no catalog was read for."""
    routines: tuple[Routine, ...] = field(default=(), compare=False)
    path: tuple[PathSchema, ...] = field(default=(), compare=False)
    """The schemas that ``routines`` need in their search_path, in its order."""
    replica_identity: str = "d"
    """d default, n nothing, f full, i index."""
    options: tuple[str, ...] = ()
    toast_options: tuple[str, ...] = ()
    tablespace: str | None = None
    access_method: str = "heap"
    inherits: tuple[str, ...] = ()
    children: tuple[str, ...] = ()
    """Inheritance children or partitions."""
    partitioning: Partitioning | None = field(default=None, metadata={"later": True})
    """How it is partitioned; None for a table that is not. Older documents do not have it."""
    of_type: str | None = None
    subscribed: bool = False
    """Whether a subscription writes it. Such writes fire only row triggers."""
    security_labels: tuple[tuple[str, str], ...] = ()
    """(provider, label), those of columns included."""
    extension: str | None = None
    """The extension that the table belongs to."""
    comment: str | None = None
    rows: int | None = None
    """pg_class.reltuples; not compared."""
    bytes: int | None = None
    """pg_total_relation_size; not compared."""

    def column(self, name: str) -> Column:
        """The column of that name; KeyError if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    @property
    def column_names(self) -> tuple[str, ...]:
        """Every column's name, in the table's order."""
        return tuple(column.name for column in self.columns)

    @property
    def primary_key(self) -> Constraint | None:
        """The primary key constraint, if there is one."""
        return next((c for c in self.constraints if c.kind == "p"), None)

    def identity_index(self, columns: Collection[str]) -> Index | None:
        """The index that makes these columns unique together, at once and for all rows: that of
        the primary key, or another one."""
        late = {c.index for c in self.constraints if c.deferrable}
        own = self.primary_key.index if self.primary_key else None
        found = (i for i in self.indexes if i.name not in late and i.is_unique_on(columns))
        return min(found, key=lambda i: i.name != own, default=None)

    def uses_of(self, columns: Collection[str], *, stops: bool) -> tuple[ColumnUse, ...]:
        """Return what stops an ALTER that drops ``columns``, or what it drops without an error.

        Each has only those of its columns that are dropped. An object that is dropped without an
        error in one way is not among those that stop it.
        """
        met = [
            replace(use, columns=tuple(c for c in use.columns if c in columns))
            for use in self.uses
            if not use.sequence and set(columns) & set(use.columns)
        ]
        silent = {use.name for use in met if not use.stops}
        return tuple(u for u in met if u.stops is stops and not (stops and u.name in silent))

    @property
    def foreign_keys(self) -> tuple[Constraint, ...]:
        """The outgoing foreign keys."""
        return tuple(c for c in self.constraints if c.kind == "f")


@dataclass(frozen=True, slots=True, kw_only=True)
class Portrait:
    """The tables of a plan, and the version of the server."""

    schema: str
    tables: tuple[Table, ...]
    server_version: int = 150000
    """server_version_num."""

    def table(self, name: str) -> Table:
        """The table of that name; KeyError if there is none."""
        found = self.find(name)
        if found is None:
            raise KeyError(name)
        return found

    def find(self, name: str) -> Table | None:
        """The table of that name, or None."""
        return next((table for table in self.tables if table.name == name), None)
