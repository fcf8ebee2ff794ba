"""Foreign keys, added and dropped one at a time, each under its own short lock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from membership_refactor.portrait import Constraint, Partitioning, Table
from membership_refactor.sql.ddl.constraints import (
    add_constraint,
    comment_on_key,
    once,
    validate_constraint,
)
from membership_refactor.sql.ddl.create import EMPTY_SEARCH_PATH
from membership_refactor.sql.quoting import dollar_quoted, ident, literal, qualified
from membership_refactor.sql.statements import Lock, Statement
from membership_refactor.steps.actions import Action, Brief, Run


def add_keys(
    table: Table, keys: Iterable[Constraint], *, again: bool = False
) -> tuple[Action, ...]:
    """Add each key NOT VALID, then validate it without a lock that stops writers.

    A key that is not valid in the portrait stays NOT VALID. With ``again`` a key of the same name
    that exists already is replaced.
    """
    name = qualified(table.schema, table.name)
    lock = Lock.ACCESS_EXCLUSIVE if again else Lock.SHARE_ROW_EXCLUSIVE
    actions: list[Action] = []
    for key in keys:
        if table.partitioning is not None and key.validated:
            actions += _by_partition(table, table.partitioning, key)
            continue
        off = (drop_key(name, key),) if again else ()
        made = add_constraint(table, key, not_valid=True)
        actions.append(
            Brief(
                key=f"add_foreign_key:{key.name}",
                title=f"Add foreign key {key.name} (NOT VALID)",
                locks=((name, lock), *_other(key, lock)),
                statements=(EMPTY_SEARCH_PATH, *off, made, *comment_on_key(table, key)),
                leaves_triggers=True,
            )
        )
        if key.validated:
            actions += validate_everywhere(table, key)
    return tuple(actions)


def _by_partition(table: Table, partitioning: Partitioning, key: Constraint) -> Iterator[Action]:
    """Add the key to each leaf, NOT VALID, and validate it there; then add it to the table, which
    adopts those keys and scans nothing. Before PostgreSQL 18 a partitioned table takes no key that
    is NOT VALID."""
    lock = Lock.SHARE_ROW_EXCLUSIVE
    for leaf, made in zip(partitioning.leaves, add_everywhere(table, key), strict=True):
        yield Brief(
            key=f"add_foreign_key:{key.name}:{leaf.name}",
            title=f"Add foreign key {key.name} to partition {leaf.name} (NOT VALID)",
            locks=((qualified(leaf.schema, leaf.name), lock), *_other(key, lock)),
            statements=(EMPTY_SEARCH_PATH, made),
            of_partition=qualified(leaf.schema, leaf.name),
            leaves_triggers=True,
        )
    yield from validate_everywhere(table, key)


def add_everywhere(table: Table, key: Constraint) -> tuple[Statement, ...]:
    """Add the key NOT VALID, to a partitioned table leaf by leaf; SHARE ROW EXCLUSIVE on each of
    them, and on the table that the key refers to."""
    if table.partitioning is None:
        return (add_constraint(table, key, not_valid=True),)
    leaves = (replace(table, schema=m.schema, name=m.name) for m in table.partitioning.leaves)
    return tuple(once(add_constraint(leaf, key, not_valid=True), leaf, key) for leaf in leaves)


def validate_everywhere(
    table: Table, key: Constraint, *, key_of_action: str = "", title: str = ""
) -> Iterator[Action]:
    """Validate what ``add_everywhere`` added, without a lock that stops writers. Then the key is
    added to the partitioned table itself, which adopts those of its leaves."""
    action = key_of_action or f"validate_foreign_key:{key.name}"
    title = title or f"Validate foreign key {key.name}"
    if table.partitioning is None:
        valid = validate_constraint(table.schema, table.name, key.name)
        yield Run(key=action, title=title, statements=(valid,))
        return
    for leaf in table.partitioning.leaves:
        yield Run(
            key=f"{action}:{leaf.name}",
            title=f"{title} on partition {leaf.name}",
            statements=(validate_constraint(leaf.schema, leaf.name, key.name),),
            of_partition=qualified(leaf.schema, leaf.name),
        )
    name, lock = qualified(table.schema, table.name), Lock.SHARE_ROW_EXCLUSIVE
    yield Brief(
        key=f"add_foreign_key:{key.name}",
        title=f"Add foreign key {key.name}",
        locks=((name, lock), *_other(key, lock)),
        statements=(
            EMPTY_SEARCH_PATH,
            once(add_constraint(table, key), table, key),
            *comment_on_key(table, key),
        ),
        leaves_triggers=True,
    )


def drop_keys(table: str, keys: Iterable[Constraint], *, written: bool = True) -> tuple[Brief, ...]:
    """Drop each key where ``table`` (quoted) has it.

    With ``written`` the table still has writers, so it is locked first, in their order.
    """
    own = ((table, Lock.ACCESS_EXCLUSIVE),) if written else ()
    return tuple(
        Brief(
            key=f"drop_foreign_key:{key.name}",
            title=f"Drop foreign key {key.name}",
            locks=(*own, *_other(key, Lock.ACCESS_EXCLUSIVE)),
            statements=(drop_key(table, key),),
            leaves_triggers=True,
        )
        for key in keys
    )


def drop_key(table: str, key: Constraint) -> Statement:
    """Drops the key where ``table`` (quoted) has it; ACCESS EXCLUSIVE on both tables."""
    return Statement(f"ALTER TABLE IF EXISTS {table} DROP CONSTRAINT IF EXISTS {ident(key.name)}")


def drop_of_leaves(table: Table, key: str) -> tuple[Statement, ...]:
    """Drops the key from leaves whose table has not adopted it: the step that added it was stopped.
    Run it after the key of the table is dropped. One statement, because mostly there is none."""
    if table.partitioning is None:
        return ()
    leaves = ", ".join(literal(qualified(m.schema, m.name)) for m in table.partitioning.leaves)
    body = f"""
DECLARE
  leaf pg_catalog.regclass;
BEGIN
  FOR leaf IN SELECT k.conrelid FROM pg_catalog.pg_constraint AS k
    WHERE k.conname = {literal(key)} AND k.conrelid = ANY (ARRAY(
      SELECT pg_catalog.to_regclass(v.v) FROM pg_catalog.unnest(ARRAY[{leaves}]) AS v (v)))
  LOOP
    EXECUTE pg_catalog.format('ALTER TABLE %s DROP CONSTRAINT %I', leaf, {literal(key)});
  END LOOP;
END
"""
    return (Statement(f"DO {dollar_quoted(body)}"),)


def _other(key: Constraint, lock: Lock) -> tuple[tuple[str, Lock], ...]:
    return ((qualified(*key.references), lock),) if key.references else ()
