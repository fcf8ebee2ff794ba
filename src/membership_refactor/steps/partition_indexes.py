"""An index of a partitioned table in use: built leaf by leaf, without a lock that stops writers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from membership_refactor.portrait import Index, Member, Partitioning, Table
from membership_refactor.sql.ddl.create import EMPTY_SEARCH_PATH
from membership_refactor.sql.ddl.indexes import create_index
from membership_refactor.sql.quoting import fitted, ident, literal, qualified
from membership_refactor.sql.statements import Lock, Statement
from membership_refactor.steps.actions import Action, Alone, Brief, Run


def build_by_partition(table: Table, partitioning: Partitioning, index: Index) -> Iterator[Action]:
    """PostgreSQL builds no index of a partitioned table concurrently. So it is made for the table
    alone, built on each leaf, and attached; it is valid with the last one."""
    root, own = qualified(table.schema, table.name), qualified(table.schema, index.name)
    alone = f"DO $own$ BEGIN IF pg_catalog.to_regclass({literal(own)}) IS NULL THEN EXECUTE "
    yield Brief(
        key=f"create_index:{index.name}",
        title=f"Create index {index.name}, without the partitions",
        locks=((root, Lock.SHARE_ROW_EXCLUSIVE),),
        statements=(
            EMPTY_SEARCH_PATH,
            Statement(f"{alone}{literal(index.definition)}; END IF; END $own$"),
        ),
    )
    for leaf in partitioning.leaves:
        name = fitted(f"{leaf.name}_{index.name}")
        of_leaf = replace(index, name=name, definition=_of_leaf(index, leaf, name))
        yield Alone(
            key=f"create_index:{index.name}:{leaf.name}",
            title=f"Create index {index.name} of partition {leaf.name}",
            statement=create_index(table, of_leaf, concurrently=True),
            index=qualified(leaf.schema, name),
            of_partition=qualified(leaf.schema, leaf.name),
        )
        yield Run(
            key=f"attach_index:{index.name}:{leaf.name}",
            title=f"Attach the index of partition {leaf.name}",
            statements=(
                Statement(f"ALTER INDEX {own} ATTACH PARTITION {qualified(leaf.schema, name)}"),
            ),
            of_partition=qualified(leaf.schema, leaf.name),
        )


def _of_leaf(index: Index, leaf: Member, name: str) -> str:
    unique = "UNIQUE " if index.unique else ""
    rest = index.definition.partition(" USING ")[2]
    place = qualified(leaf.schema, leaf.name)
    return f"CREATE {unique}INDEX {ident(name)} ON {place} USING {rest}"
