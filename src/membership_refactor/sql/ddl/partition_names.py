"""The partitions of a table under another name, and their grants. They are made with the table."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from membership_refactor.portrait import Member, Partitioning, Table
from membership_refactor.sql.ddl.grants_and_policies import grants
from membership_refactor.sql.ddl.renaming import DerivedNames, free_name
from membership_refactor.sql.quoting import literal, qualified
from membership_refactor.sql.statements import Lock, Statement


def open_partitions(table: Table) -> tuple[Statement, ...]:
    """Comments and grants of the partitions, which have no other grants yet."""
    members = table.partitioning.members if table.partitioning is not None else ()
    made: list[Statement] = []
    for member in members:
        name = qualified(member.schema, member.name)
        if member.comment is not None:
            made.append(
                Statement(
                    f"COMMENT ON TABLE {name} IS {literal(member.comment)}",
                    Lock.SHARE_UPDATE_EXCLUSIVE,
                    name,
                )
            )
        made += grants(f"TABLE {name}", member.owner, member.grants)
    return tuple(made)


def with_nets(table: Table) -> Partitioning | None:
    """The partitions of the copy ``table``, with a default wherever there is none.

    It is a net: the source may get a partition at any moment, and no trigger sees that. Without a
    net each INSERT into it would fail, because the copy has no partition for the row.
    """
    partitioning = table.partitioning
    if partitioning is None:
        return None
    root = qualified(table.schema, table.name)
    nets: list[Member] = []
    if partitioning.strategy in NEEDS_NET and not _has_default(partitioning.members, root):
        used = {m.name for m in partitioning.members}
        nets.append(_net(table, table.name, root, used))
    nets += nets_below(partitioning.members, {m.name for m in (*partitioning.members, *nets)})
    return replace(partitioning, members=(*partitioning.members, *nets))


def nets_below(members: Sequence[Member], used: Collection[str]) -> list[Member]:
    """The nets of those of ``members`` that are partitioned themselves."""
    nets: list[Member] = []
    for member in members:
        parent = qualified(member.schema, member.name)
        if member.strategy in NEEDS_NET and not _has_default(members, parent):
            taken = {*used, *(net.name for net in nets)}
            nets.append(_net(member, member.name, parent, taken))
    return nets


NEEDS_NET = ("LIST", "RANGE")
"""Hash partitions are complete from the beginning."""


def _has_default(members: Iterable[Member], parent: str) -> bool:
    return any(m.is_default and m.parent == parent for m in members)


def _net(like: Member | Table, name: str, parent: str, used: Collection[str]) -> Member:
    return Member(
        schema=like.schema,
        name=free_name(f"{name}_net", used),
        parent=parent,
        bound="DEFAULT",
        owner=like.owner,
    )


def members_under_name(table: Table, names: DerivedNames) -> Partitioning | None:
    """The partitions of ``table`` under the names that they have with it."""
    if table.partitioning is None:
        return None
    given = {qualified(table.schema, table.name): qualified(table.schema, names.new)}
    given |= {
        qualified(m.schema, m.name): qualified(m.schema, names[m.name])
        for m in table.partitioning.members
    }
    members = tuple(
        replace(m, name=names[m.name], parent=given[m.parent]) for m in table.partitioning.members
    )
    return replace(table.partitioning, members=members)
