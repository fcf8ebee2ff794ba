"""Creating tables from their portraits, in an order that never gives too much access."""

from __future__ import annotations

from membership_refactor.portrait import Portrait, Table
from membership_refactor.sql.ddl.bare_table import create_bare_table
from membership_refactor.sql.ddl.comments_and_statistics import comment, create_statistics
from membership_refactor.sql.ddl.constraints import create_checks, create_foreign_keys
from membership_refactor.sql.ddl.grants_and_policies import (
    create_policies,
    grant_sequence,
    grant_table,
)
from membership_refactor.sql.ddl.indexes import (
    create_indexes,
    create_keys,
    finish_indexes,
    set_replica_identity,
)
from membership_refactor.sql.ddl.partition_names import open_partitions
from membership_refactor.sql.ddl.publications import publish
from membership_refactor.sql.ddl.triggers_and_rules import create_rules, create_triggers
from membership_refactor.sql.names import Names
from membership_refactor.sql.statements import Statement

EMPTY_SEARCH_PATH = Statement("SET LOCAL search_path = ''")
"""Run it first in a transaction with statements of a portrait. Their names are qualified, and no
object of another schema must be found before pg_catalog."""


def evaluation_path(names: Names) -> Statement:
    """Instead, where statements evaluate expressions over rows: functions of the application in
    them find what they name."""
    path = names.search_path if names.path else "''"
    return Statement(f"SET LOCAL search_path = {path}")


def create_tables(portrait: Portrait) -> tuple[Statement, ...]:
    """Empty tables with everything, foreign keys after all tables. One transaction."""
    return (
        *(s for table in portrait.tables for s in create_structure(table)),
        *(s for table in portrait.tables for s in create_foreign_keys(table)),
        *(s for table in portrait.tables for s in finish_table(table)),
    )


def create_table(table: Table) -> tuple[Statement, ...]:
    """One empty table with everything. One transaction."""
    return (*create_structure(table), *create_foreign_keys(table), *finish_table(table))


def create_structure(table: Table) -> tuple[Statement, ...]:
    """Columns, indexes, keys and checks."""
    return (
        *create_bare_table(table),
        *create_indexes(table),
        *create_keys(table),
        *create_checks(table),
    )


def finish_table(table: Table) -> tuple[Statement, ...]:
    """Everything after data, indexes and foreign keys. Row security before grants, grants last."""
    return (
        *finish_indexes(table),
        *set_replica_identity(table),
        *create_statistics(table),
        *create_rules(table),
        *create_triggers(table),
        *create_policies(table),
        *comment(table),
        *publish(table),
        *(
            statement
            for column in table.columns
            if column.sequence and column.sequence.owned
            for statement in grant_sequence(column.sequence, table.owner)
        ),
        *open_partitions(table),
        *grant_table(table),
    )
