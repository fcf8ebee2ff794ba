"""Foreign keys, added and dropped one at a time, each under its own short lock."""

from __future__ import annotations

from collections.abc import Iterable

from membership_refactor.portrait import Constraint, Table
from membership_refactor.sql.ddl.constraints import (
    add_constraint,
    comment_on_key,
    validate_constraint,
)
from membership_refactor.sql.ddl.create import EMPTY_SEARCH_PATH
from membership_refactor.sql.quoting import ident, qualified
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
        off = (drop_key(name, key),) if again else ()
        made = add_constraint(table, key, not_valid=True)
        actions.append(
            Brief(
                key=f"add_foreign_key:{key.name}",
                title=f"Add foreign key {key.name} (NOT VALID)",
                locks=((name, lock), *_other(key, lock)),
                statements=(EMPTY_SEARCH_PATH, *off, made, *comment_on_key(table, key)),
            )
        )
        if key.validated:
            valid = validate_constraint(table.schema, table.name, key.name)
            actions.append(
                Run(
                    key=f"validate_foreign_key:{key.name}",
                    title=f"Validate foreign key {key.name}",
                    statements=(valid,),
                )
            )
    return tuple(actions)


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
        )
        for key in keys
    )


def drop_key(table: str, key: Constraint) -> Statement:
    """Drops the key where ``table`` (quoted) has it; ACCESS EXCLUSIVE on both tables."""
    return Statement(f"ALTER TABLE IF EXISTS {table} DROP CONSTRAINT IF EXISTS {ident(key.name)}")


def _other(key: Constraint, lock: Lock) -> tuple[tuple[str, Lock], ...]:
    return ((qualified(*key.references), lock),) if key.references else ()
