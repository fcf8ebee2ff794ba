"""The twins of partitions: made with the rows that the default has for them, or taken out.

A partition cannot be made while a default partition beside it holds rows for it. So the default is
detached, each row goes to its new partition, and the default is attached again. Row triggers that
PostgreSQL clones vanish with the detaching, all triggers are off until the rows have moved, and
DROP fires none: nothing here is captured as a write, or refused as one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from membership_refactor.portrait import Member, Table
from membership_refactor.portrait.partition_twins import parent_name
from membership_refactor.sql.ddl.bare_table import create_partition
from membership_refactor.sql.ddl.grants_and_policies import grants
from membership_refactor.sql.quoting import columns, dollar_quoted, qualified
from membership_refactor.sql.statements import Lock, Statement


def make_twins(
    follower: Table, made: Sequence[Member], defaults: Sequence[Member], rows: Mapping[str, str]
) -> Iterator[Statement]:
    """Make partitions of the follower, in their order. For one transaction under ACCESS EXCLUSIVE
    on all of it, in which the triggers of these and of the defaults are enabled afterwards.

    ``defaults`` are the default partitions of the follower. ``rows`` has, for the name of each of
    ``made`` that has one of them beside it, the condition that its rows meet.
    """
    wanted = {parent_name(member) for member in made}
    defaults = [default for default in defaults if parent_name(default) in wanted]
    # No event of a trigger may wait while tables are altered.
    yield Statement("SET CONSTRAINTS ALL IMMEDIATE")
    for default in defaults:
        yield _alter(default.parent, f"DETACH PARTITION {_name(default)}")
        yield _alter(_name(default), "DISABLE TRIGGER USER")
    for member in made:
        yield create_partition(member)
        yield _alter(_name(member), "DISABLE TRIGGER USER")
        yield from grants(f"TABLE {_name(member)}", member.owner, member.grants)
    for default in defaults:
        beside = [member for member in made if parent_name(member) == parent_name(default)]
        yield from _empty(follower, default, {_name(m): rows[m.name] for m in beside})
        yield _alter(default.parent, f"ATTACH PARTITION {_name(default)} DEFAULT")


def _empty(follower: Table, default: Member, rows: Mapping[str, str]) -> Iterator[Statement]:
    """Move the rows. A default without any gets a new file, by which it is seen to be empty."""
    name = _name(default)
    written = columns(c.name for c in follower.columns if c.generated is None)
    for member, condition in rows.items():
        yield Statement(
            f"INSERT INTO {member} ({written}) OVERRIDING SYSTEM VALUE\n"
            f"SELECT {written} FROM {name} WHERE {condition}"
        )
    yield Statement(f"DELETE FROM {name} WHERE {' OR '.join(f'({c})' for c in rows.values())}")
    body = f"BEGIN IF NOT EXISTS (SELECT FROM {name}) THEN TRUNCATE {name}; END IF; END"
    yield Statement(f"DO {dollar_quoted(body)}")


def take_out(member: Member, *, drop: bool) -> tuple[Statement, ...]:
    """Detach a partition of the follower, and drop it with its rows. No trigger fires for them."""
    detach = _alter(member.parent, f"DETACH PARTITION {_name(member)}")
    return (detach, Statement(f"DROP TABLE {_name(member)}")) if drop else (detach,)


def _name(member: Member) -> str:
    return qualified(member.schema, member.name)


def _alter(table: str, change: str) -> Statement:
    return Statement(f"ALTER TABLE {table} {change}", Lock.ACCESS_EXCLUSIVE, table)
