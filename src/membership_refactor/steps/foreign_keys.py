"""Foreign keys, put on and taken off one at a time, each under its own short lock."""

from __future__ import annotations

from collections.abc import Iterable

from membership_refactor.portrait import Constraint, Table
from membership_refactor.sql.ddl.constraints import add_constraint, validate_constraint
from membership_refactor.sql.ddl.create import EMPTY_SEARCH_PATH
from membership_refactor.sql.quoting import ident, qualified
from membership_refactor.sql.statements import Lock, Statement
from membership_refactor.steps.actions import Action, Brief, Run


def put_on(table: Table, keys: Iterable[Constraint], *, again: bool = False) -> tuple[Action, ...]:
    """NOT VALID first, then validated without a lock that stops writers; a key that was not valid
    in the portrait stays so. ``again``: one of that name may be there already, and is replaced."""
    name = qualified(table.schema, table.name)
    lock = Lock.ACCESS_EXCLUSIVE if again else Lock.SHARE_ROW_EXCLUSIVE
    actions: list[Action] = []
    for key in keys:
        off = (_off(name, key),) if again else ()
        made = add_constraint(table, key, not_valid=True)
        actions.append(
            Brief(
                name=f"foreign key {key.name}",
                locks=((name, lock), *_other(key, lock)),
                statements=(EMPTY_SEARCH_PATH, *off, made),
            )
        )
        if key.validated:
            valid = validate_constraint(table.schema, table.name, key.name)
            actions.append(Run(name=f"validate {key.name}", statements=(valid,)))
    return tuple(actions)


def take_off(table: str, keys: Iterable[Constraint], *, written: bool = True) -> tuple[Brief, ...]:
    """Each dropped where ``table`` (quoted) has it. ``written``: whether writers still come to the
    table itself, so that it is locked first, in their order."""
    own = ((table, Lock.ACCESS_EXCLUSIVE),) if written else ()
    return tuple(
        Brief(
            name=f"take off foreign key {key.name}",
            locks=(*own, *_other(key, Lock.ACCESS_EXCLUSIVE)),
            statements=(_off(table, key),),
        )
        for key in keys
    )


def _off(table: str, key: Constraint) -> Statement:
    return Statement(f"ALTER TABLE IF EXISTS {table} DROP CONSTRAINT IF EXISTS {ident(key.name)}")


def _other(key: Constraint, lock: Lock) -> tuple[tuple[str, Lock], ...]:
    return ((qualified(*key.references), lock),) if key.references else ()
