"""Indexes, and the primary key, unique and exclusion constraints that use them."""

from __future__ import annotations

from collections.abc import Collection

from membership_refactor.portrait import Constraint, Index, Table
from membership_refactor.portrait.tokens import tokens
from membership_refactor.sql.quoting import ident, literal, qualified
from membership_refactor.sql.statements import Lock, Statement


def create_indexes(table: Table, *, only: Collection[str] | None = None) -> tuple[Statement, ...]:
    """Every valid index, except ``made_by_constraints``.

    Indexes of primary key and unique constraints are plain unique indexes until ``create_keys``.
    ``only`` restricts it to these names.
    """
    return tuple(
        create_index(table, index)
        for index in table.indexes
        if index.valid
        and index.name not in made_by_constraints(table)
        and (only is None or index.name in only)
    )


def create_index(table: Table, index: Index, *, concurrently: bool = False) -> Statement:
    """One index by its own definition."""
    name = qualified(table.schema, table.name)
    if not concurrently:
        return Statement(of_partitions_too(index.definition), Lock.SHARE, name)
    parts, done = [], False
    for token in tokens(index.definition):
        parts.append(token.text)
        if not done and token.text == "INDEX":
            parts.append(" CONCURRENTLY")
            done = True
    return Statement("".join(parts), Lock.SHARE_UPDATE_EXCLUSIVE, name)


def of_partitions_too(definition: str) -> str:
    """PostgreSQL prints the index of a partitioned table as one of the root alone (ON ONLY)."""
    parts = [token.text for token in tokens(definition)]
    if "ONLY" not in parts:
        return definition
    place = parts.index("ONLY")
    return "".join((*parts[:place], *parts[place + 2 :]))


def create_keys(table: Table, kinds: str = "pux") -> tuple[Statement, ...]:
    """Primary key (p) and unique constraints (u), which use their indexes. Then exclusion
    constraints (x), whose indexes are built under the lock."""
    return tuple(
        create_key(table, c) for kind in kinds for c in table.constraints if c.kind == kind
    )


def create_key(table: Table, constraint: Constraint) -> Statement:
    """One constraint that uses an index. A primary key or unique one uses the existing index."""
    name = qualified(table.schema, table.name)
    if (constraint.index or constraint.name) in made_by_constraints(table):
        rest = constraint.definition
    else:
        kind = "PRIMARY KEY" if constraint.kind == "p" else "UNIQUE"
        rest = f"{kind} USING INDEX {ident(constraint.index or constraint.name)}"
        rest += _deferral(constraint)
    return Statement(
        f"ALTER TABLE {name} ADD CONSTRAINT {ident(constraint.name)} {rest}",
        Lock.ACCESS_EXCLUSIVE,
        name,
    )


def _deferral(constraint: Constraint) -> str:
    for suffix in (" DEFERRABLE INITIALLY DEFERRED", " DEFERRABLE"):
        if constraint.definition.endswith(suffix):
            return suffix
    return ""


def finish_indexes(table: Table) -> tuple[Statement, ...]:
    """Everything that CREATE INDEX cannot set: tablespace, statistics targets, CLUSTER, comments.

    After ``create_keys``. The tablespace is changed by copying the index, under ACCESS EXCLUSIVE.
    """
    statements = []
    relation = qualified(table.schema, table.name)
    for index in (index for index in table.indexes if index.valid):
        name = qualified(table.schema, index.name)
        if index.tablespace:
            text = f"ALTER INDEX {name} SET TABLESPACE {ident(index.tablespace)}"
            statements.append(Statement(text, Lock.ACCESS_EXCLUSIVE, relation))
        for number, target in index.statistics:
            text = f"ALTER INDEX {name} ALTER COLUMN {number} SET STATISTICS {target}"
            statements.append(Statement(text, Lock.SHARE_UPDATE_EXCLUSIVE, relation))
        if index.options and index.name in made_by_constraints(table):
            options = ", ".join(f"{n}={literal(v)}" for n, v in _pairs(index.options))
            text = f"ALTER INDEX {name} SET ({options})"
            statements.append(Statement(text, Lock.SHARE_UPDATE_EXCLUSIVE, relation))
        if index.clustered:
            text = f"ALTER TABLE {relation} CLUSTER ON {ident(index.name)}"
            statements.append(Statement(text, Lock.SHARE_UPDATE_EXCLUSIVE, relation))
        if index.comment is not None:
            text = f"COMMENT ON INDEX {name} IS {literal(index.comment)}"
            statements.append(Statement(text, Lock.SHARE_UPDATE_EXCLUSIVE, relation))
    return tuple(statements)


def set_replica_identity(table: Table) -> tuple[Statement, ...]:
    """The replica identity, if it is not the default."""
    name = qualified(table.schema, table.name)
    kind = {"n": "NOTHING", "f": "FULL"}.get(table.replica_identity)
    if table.replica_identity == "i":
        index = next((i for i in table.indexes if i.replica_identity), None)
        # If the index has been dropped since, PostgreSQL treats it as NOTHING.
        kind = f"USING INDEX {ident(index.name)}" if index else "NOTHING"
    if kind is None:
        return ()
    text = f"ALTER TABLE {name} REPLICA IDENTITY {kind}"
    return (Statement(text, Lock.ACCESS_EXCLUSIVE, name),)


def made_by_constraints(table: Table) -> frozenset[str]:
    """The indexes that only ADD CONSTRAINT creates: those of exclusion constraints; in a
    partitioned table, where no constraint takes an existing index, those of all."""
    kinds = "x" if table.partitioning is None else "pux"
    return frozenset(c.index or c.name for c in table.constraints if c.kind in kinds)


def _pairs(options: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(option.partition("=")[0], option.partition("=")[2]) for option in options]
