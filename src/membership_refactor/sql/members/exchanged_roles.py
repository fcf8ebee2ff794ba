"""Partitions when source and copy exchange their roles: nets go and come, and names follow.

Nothing is renamed under the lock of the exchange: the archive is not written, so each of its
partitions can be renamed by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from membership_refactor.planning import TableSplit
from membership_refactor.portrait import Member, Table
from membership_refactor.portrait.partition_twins import parent_name, twins
from membership_refactor.sql.ddl.bare_table import create_partition
from membership_refactor.sql.ddl.partition_names import members_under_name
from membership_refactor.sql.ddl.renaming import DerivedNames, derived_name
from membership_refactor.sql.members.known_members import changed_members, know_members
from membership_refactor.sql.names import Names
from membership_refactor.sql.quoting import dollar_quoted, ident, literal, qualified
from membership_refactor.sql.statements import Lock, Statement


def require_followed(names: Names) -> Statement:
    """Raise object_not_in_prerequisite_state where a partition came or left since the step began.
    Under the lock of the exchange, before its first statement."""
    body = f"""
DECLARE
  changed pg_catalog.text;
BEGIN
  SELECT pg_catalog.string_agg(c.said, '; ') INTO changed
  FROM ({changed_members(names, (), ())}) AS c (said);
  IF changed IS NOT NULL THEN
    RAISE object_not_in_prerequisite_state USING
      MESSAGE = 'partitions changed while the step was under way: ' || changed,
      HINT = 'Take the step back (abandon), run repair --apply, then run the step again.';
  END IF;
END
"""
    return Statement(f"DO {dollar_quoted(body)}")


def nets_of(source: Table, copy: Table) -> list[Member]:
    """The default partitions that only the copy has."""
    if source.partitioning is None or copy.partitioning is None:
        return []
    return twins(source.partitioning, copy.partitioning).nets


def drop_nets(names: Names, nets: Iterable[Member]) -> Iterator[Statement]:
    """Drop them, or raise where one holds rows. ACCESS EXCLUSIVE on the copy."""
    for net in nets:
        name = qualified(net.schema, net.name)
        said = f"default partition {name} holds rows of other partitions"
        body = (
            f"BEGIN IF EXISTS (SELECT FROM {name}) THEN\n"
            f"RAISE object_not_in_prerequisite_state USING MESSAGE = {literal(said)},\n"
            "HINT = 'Take the step back (abandon), run repair --apply, then run the step again.';\n"
            f"END IF; DROP TABLE {name}; END"
        )
        yield Statement(f"DO {dollar_quoted(body)}", Lock.ACCESS_EXCLUSIVE, names.copy)
    yield know_members(names, ())


def create_nets(nets: Iterable[Member], copy: Table) -> Iterator[Statement]:
    """Make them again below what still stands of the copy, where no default was made since."""
    there = {(copy.schema, copy.name)}
    defaults = set()
    if copy.partitioning is not None:
        there |= {(m.schema, m.name) for m in copy.partitioning.members if m.by}
        defaults = {parent_name(m) for m in copy.partitioning.members if m.is_default}
    for net in nets:
        if parent_name(net) in there - defaults:
            yield create_partition(net)


def names_of_archive(plan: TableSplit, source: Table) -> dict[str, str]:
    """What each partition of the source is called in the archive."""
    derived = members_under_name(source, DerivedNames(source, plan.retired))
    if source.partitioning is None or derived is None:
        return {}
    pairs = zip(source.partitioning.members, derived.members, strict=True)
    return {member.name: renamed.name for member, renamed in pairs}


def names_of_source(plan: TableSplit, source: Table, archive: Table) -> dict[str, str]:
    """The reverse, for the partitions that the archive has now. One that was made in the archive
    since gets a name like the others. ``source`` is from before retire_source."""
    if archive.partitioning is None:
        return {}
    back = {now: before for before, now in names_of_archive(plan, source).items()}
    used = {*back.values(), *(m.name for m in archive.partitioning.members)}
    for member in archive.partitioning.members:
        if member.name not in back and member.name not in back.values():
            name = derived_name(member.name, plan.retired, plan.source, used)
            back[member.name] = name
            used.add(name)
    there = {m.name for m in archive.partitioning.members}
    return {now: before for now, before in back.items() if now in there}


def rename_partition(schema: str, now: str, new: str) -> Statement:
    table = qualified(schema, now)
    return Statement(f"ALTER TABLE {table} RENAME TO {ident(new)}", Lock.ACCESS_EXCLUSIVE, table)
