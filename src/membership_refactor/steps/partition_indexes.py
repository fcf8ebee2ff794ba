"""An index of a partitioned table in use: built leaf by leaf, without a lock that stops writers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from membership_refactor.portrait import Index, Member, Partitioning, Table
from membership_refactor.sql.ddl.create import EMPTY_SEARCH_PATH
from membership_refactor.sql.ddl.indexes import create_index
from membership_refactor.sql.quoting import fitted, ident, literal, qualified
from membership_refactor.sql.statements import Lock, Statement
from membership_refactor.steps.actions import Action, Alone, Brief


def build_by_partition(table: Table, partitioning: Partitioning, index: Index) -> Iterator[Action]:
    """PostgreSQL builds no index of a partitioned table concurrently. So it is made for the table
    alone, and for each partition that is partitioned itself; it is built on each leaf, and
    attached. It is valid with the last one."""
    root, own = qualified(table.schema, table.name), qualified(table.schema, index.name)
    above = {root: own}
    yield Brief(
        key=f"create_index:{index.name}",
        title=f"Create index {index.name}, without the partitions",
        locks=((root, Lock.SHARE_ROW_EXCLUSIVE),),
        statements=(EMPTY_SEARCH_PATH, _unless_there(own, index.definition)),
        leaves_triggers=True,
    )
    attached_last: list[Action] = []
    for member in partitioning.members:
        place, name = qualified(member.schema, member.name), _name(index, member)
        above[place] = qualified(member.schema, name)
        attach = _attach(index, member, above[member.parent], above[place])
        if member.by is not None:
            alone = _unless_there(above[place], _on(index, f"ONLY {place}", name))
            yield Brief(
                key=f"create_index:{index.name}:{member.name}",
                title=f"Create index {index.name} of partition {member.name}, without its own",
                locks=((place, Lock.SHARE_ROW_EXCLUSIVE),),
                statements=(EMPTY_SEARCH_PATH, alone),
                of_partition=place,
                leaves_triggers=True,
            )
            attached_last.insert(0, attach)
            continue
        of_leaf = replace(index, name=name, definition=_on(index, place, name))
        yield Alone(
            key=f"create_index:{index.name}:{member.name}",
            title=f"Create index {index.name} of partition {member.name}",
            statement=create_index(table, of_leaf, concurrently=True),
            index=above[place],
            of_partition=place,
        )
        yield attach
    yield from attached_last


def _attach(index: Index, member: Member, above: str, own: str) -> Brief:
    """An index that becomes valid by this makes the one above valid, if it is attached itself, and
    then PostgreSQL locks the table two levels above against everybody. So the index of a table
    with partitions is attached after theirs."""
    place = qualified(member.schema, member.name)
    return Brief(
        key=f"attach_index:{index.name}:{member.name}",
        title=f"Attach the index of partition {member.name}",
        # Whoever uses the partition holds its index, too. So the statement waits for nobody.
        locks=((place, Lock.ACCESS_EXCLUSIVE),),
        statements=(Statement(f"ALTER INDEX {above} ATTACH PARTITION {own}"),),
        of_partition=place,
        leaves_triggers=True,
    )


def _name(index: Index, member: Member) -> str:
    return fitted(f"{member.name}_{index.name}")


def _unless_there(index: str, definition: str) -> Statement:
    there = f"IF pg_catalog.to_regclass({literal(index)}) IS NULL THEN"
    return Statement(f"DO $own$ BEGIN {there} EXECUTE {literal(definition)}; END IF; END $own$")


def _on(index: Index, place: str, name: str) -> str:
    """The definition of the index on a partition."""
    unique = "UNIQUE " if index.unique else ""
    rest = index.definition.partition(" USING ")[2]
    return f"CREATE {unique}INDEX {ident(name)} ON {place} USING {rest}"
