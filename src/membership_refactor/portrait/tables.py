"""The portrait: everything that the catalog says about the tables of a plan, as plain values.

Definitions are PostgreSQL's own texts (format_type, pg_get_constraintdef and so on), read with an
empty search_path, so names in them are qualified.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from membership_refactor.portrait.called_functions import PathSchema, Routine


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One privilege, as in an aclitem. ``column`` is empty for the whole object."""

    grantee: str
    """A role's name; empty for PUBLIC."""
    privilege: str
    """SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER, USAGE."""
    grantable: bool = False
    grantor: str = ""
    column: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """The sequence behind an identity or serial column: options without the position."""

    schema: str
    name: str
    type: str = "bigint"
    start: int = 1
    increment: int = 1
    minimum: int = 1
    maximum: int = 9223372036854775807
    cache: int = 1
    cycle: bool = False
    owned: bool = True
    """Whether it belongs to the column (identity or serial) and is dropped with it."""
    grants: tuple[Grant, ...] | None = None
    """None if the ACL is the built-in default."""
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column."""

    name: str
    type: str
    """format_type with modifier, such as ``timestamp(3) with time zone``."""
    not_null: bool = False
    default: str | None = None
    """The default's expression; None for identity and generated columns."""
    identity: str = ""
    """``always``, ``by default`` or empty."""
    generated: str | None = None
    """The expression of a generated column."""
    virtual: bool = False
    """Whether a generated column is computed on read (PostgreSQL 18)."""
    sequence: Sequence | None = None
    """The sequence of an identity or serial column."""
    collation: str | None = None
    """A quoted, qualified collation, if it is not the type's own."""
    deterministic: bool = True
    """False if different texts are equal in the collation."""
    base_type: str | None = None
    """The type under a domain, through all domains between; None for other types."""
    enum: bool = False
    """Whether its values are labels of an enum, under a domain or not."""
    refuses_null: bool = False
    """Whether its type is a domain that refuses NULL."""
    storage: str | None = None
    """PLAIN, EXTERNAL, EXTENDED or MAIN, if it is not the type's own."""
    compression: str | None = None
    statistics: int | None = None
    options: tuple[str, ...] = ()
    """Attribute options such as ``n_distinct=-0.5``."""
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """A primary key, unique, check, foreign key or exclusion constraint of the table."""

    name: str
    kind: str
    """p, u, c, f, x as in pg_constraint.contype."""
    definition: str
    """pg_get_constraintdef."""
    validated: bool = True
    columns: tuple[str, ...] = ()
    references: tuple[str, str] | None = None
    """(schema, table) that a foreign key refers to."""
    on_delete: str = ""
    """a, r, c, n, d as in pg_constraint.confdeltype, for foreign keys."""
    on_update: str = ""
    index: str | None = None
    """The name of the index behind p, u and x."""
    deferrable: bool = False
    enforced: bool = True
    """False for NOT ENFORCED (PostgreSQL 18)."""
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingKey:
    """A foreign key of another table that refers to this one."""

    schema: str
    table: str
    name: str
    definition: str
    validated: bool = True
    columns: tuple[str, ...] = ()
    """The other table's columns."""
    references: tuple[str, ...] = ()
    """The columns of this table that they refer to."""
    kind: str = "r"
    """pg_class.relkind of the other table."""
    owner: str = ""
    """The other table's owner."""
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """One index, including those of constraints."""

    name: str
    definition: str
    """pg_get_indexdef."""
    columns: tuple[str, ...] = ()
    """All columns it depends on: key columns, and columns in expressions and the predicate."""
    unique: bool = False
    valid: bool = True
    constraint: str | None = None
    """The constraint it belongs to."""
    clustered: bool = False
    replica_identity: bool = False
    tablespace: str | None = None
    options: tuple[str, ...] = ()
    comment: str | None = None
    statistics: tuple[tuple[int, int], ...] = ()
    """(column number, target) of expression columns that have one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """A trigger made by users (not internal, not the tool's own)."""

    name: str
    definition: str
    """pg_get_triggerdef."""
    enabled: str = "O"
    """O, D, R, A as in pg_trigger.tgenabled."""
    timing: str = ""
    """BEFORE, AFTER or INSTEAD OF."""
    row: bool = False
    function: str = ""
    """The quoted, qualified function with its arguments' types."""
    columns: tuple[str, ...] = ()
    """The columns of UPDATE OF and of WHEN."""
    constraint: bool = False
    """Whether it is a constraint trigger."""
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rewrite rule other than a view's own."""

    name: str
    definition: str
    enabled: str = "O"
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A row security policy."""

    name: str
    permissive: bool
    command: str
    """ALL, SELECT, INSERT, UPDATE or DELETE."""
    roles: tuple[str, ...]
    """Role names; an empty string is PUBLIC."""
    using: str | None
    check: str | None
    columns: tuple[str, ...] = ()
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """An extended statistics object."""

    schema: str
    name: str
    definition: str
    """pg_get_statisticsobjdef."""
    columns: tuple[str, ...] = ()
    target: int | None = None
    owner: str = ""
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """A publication that names the table (not one FOR ALL TABLES or for its schema)."""

    name: str
    columns: tuple[str, ...] | None = None
    where: str | None = None
    owner: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependent:
    """An object that depends on the table by OID, or mentions its name in a text body."""

    kind: str
    """view, materialized view, function, rule, policy, generated column, ... ."""
    name: str
    """Quoted and qualified."""
    definition: str | None = None
    columns: tuple[str, ...] = ()
    by_text: bool = False
    """True if only a text body mentions the name: it follows the name, not the OID."""
    owner: str = ""
    grants: tuple[Grant, ...] | None = None
    options: tuple[str, ...] = ()
    """A view's options, such as security_barrier."""
    comment: str | None = None
    schema: str = ""
    """Bare schema and name, if the object has them."""
    bare_name: str = ""
    used_by: tuple[str, ...] = ()
    """What depends on it and would be lost if it were dropped and created again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnUse:
    """An object that PostgreSQL ties to columns of the table, found where they are dropped."""

    kind: str
    """view, index, table constraint, policy, ... as in pg_identify_object."""
    name: str
    """As PostgreSQL describes it, such as ``index public.ix_place``."""
    columns: tuple[str, ...]
    stops: bool
    """Whether it stops the drop. Otherwise it is dropped with the columns in silence."""
    sequence: bool = False
    """Whether it uses the identity or serial sequence of the columns, and not their values."""


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

    def uses_of(self, columns: Collection[str], *, stops: bool) -> tuple[ColumnUse, ...]:
        """What stops one ALTER that drops ``columns``, or what goes with them in silence.

        Each has only those of its columns that are dropped. One silent way to go is enough.
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
