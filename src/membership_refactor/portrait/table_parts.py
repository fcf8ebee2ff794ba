"""The parts of a table as values: columns, constraints, indexes, triggers and dependents."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import product


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
    not_null_name: str | None = None
    """The name of its NOT NULL constraint, if somebody chose it (PostgreSQL 18)."""
    not_null_by_default: str | None = field(default=None, compare=False, metadata={"later": True})
    """The name of its NOT NULL constraint, if PostgreSQL chose it: another table has others."""
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

    def is_unique_on(self, columns: Collection[str]) -> bool:
        """Whether no two rows have the same values there: it is unique, valid, not partial, and on
        these columns alone, in this order and by their default operators."""
        # PostgreSQL quotes a name only where it has to.
        quoted = [(name, '"' + name.replace('"', '""') + '"') for name in columns]
        spelled = [", ".join(names) for names in product(*quoted)]
        rest = self.definition.partition(" USING btree ")[2]
        return (
            self.unique
            and self.valid
            and any(rest.startswith(f"({name})") for name in spelled)
            and " WHERE " not in rest
        )


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
    """Whether it stops the drop. Otherwise it is dropped with the columns, without an error."""
    sequence: bool = False
    """Whether it uses the identity or serial sequence of the columns, and not their values."""
