"""The partitions of a table under another name, and their grants. They are made with the table."""

from __future__ import annotations

from dataclasses import replace

from membership_refactor.portrait import Partitioning, Table
from membership_refactor.sql.ddl.grants_and_policies import grants
from membership_refactor.sql.ddl.renaming import DerivedNames
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


def members_kept(table: Table, new: str) -> Partitioning | None:
    """The partitions of ``table``, which keep their names where it is called ``new``."""
    if table.partitioning is None:
        return None
    before, now = (qualified(table.schema, name) for name in (table.name, new))
    members = (
        replace(m, parent=now) if m.parent == before else m for m in table.partitioning.members
    )
    return replace(table.partitioning, members=tuple(members))


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
