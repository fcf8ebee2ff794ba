"""The offline minimum: nobody writes, so every table is made in one statement, indexes after it.

The cheapest rebuild that PostgreSQL has a statement for; no tool that keeps writers going can be
cheaper. It has the same uuid expression, the same indexes, keys and foreign keys.
"""

from __future__ import annotations

from benchmarks.place import Connection
from benchmarks.target import NAMES, Target
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.portrait import Table
from membership_refactor.sql.ddl.constraints import create_foreign_keys
from membership_refactor.sql.ddl.indexes import create_indexes, create_keys
from membership_refactor.sql.parents.grouping import grouped, parent_columns
from membership_refactor.sql.parents.parent_uuid import computed
from membership_refactor.sql.quoting import columns as listed
from membership_refactor.sql.quoting import ident, qualified


def rebuild(connection: Connection, wanted: Target) -> None:
    """Child and parent stand with everything, ANALYZE included."""
    for text in statements(wanted):
        connection.execute(text.encode())


def statements(wanted: Target) -> list[str]:
    child, parent = wanted.child, wanted.parent
    parent_name = qualified(parent.schema, parent.name)
    link = f"{computed(NAMES, 'a')} AS {ident(SPLIT.link)}"
    columns = [SPLIT.parent_id, *(c.name for c in parent_columns(SPLIT, child))]
    return [
        *copied(child, listed([c.name for c in wanted.source.columns], "a."), link),
        f"CREATE TABLE {parent_name} ({listed(columns)}) AS\n{grouped(NAMES, child, 'true')}",
        *(s.text for s in create_indexes(parent)),
        *(s.text for s in create_keys(parent)),
        *(s.text for s in create_foreign_keys(child)),
        *(s.text for s in create_foreign_keys(parent)),
        wanted.link_key,
        f"ANALYZE {parent_name}",
    ]


def copied(copy: Table, *values: str) -> list[str]:
    """The copy with ``values`` of each row of the source, its indexes and keys."""
    return [
        f"CREATE TABLE {NAMES.copy} AS\nSELECT {', '.join(values)} FROM {NAMES.source} AS a",
        *(s.text for s in create_indexes(copy)),
        *(s.text for s in create_keys(copy)),
        f"ANALYZE {NAMES.copy}",
    ]
