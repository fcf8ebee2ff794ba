"""0007: every distinct key has one parent, and every write to the child keeps it so."""

from __future__ import annotations

from membership_refactor.checks.check import Check
from membership_refactor.checks.parents import (
    children_have_parents,
    keys_are_unique,
    parents_follow_policies,
)
from membership_refactor.portrait import Portrait
from membership_refactor.sql.build.table_build import build_of_parents
from membership_refactor.sql.ddl.constraints import (
    create_checks,
)
from membership_refactor.sql.ddl.create import EMPTY_SEARCH_PATH
from membership_refactor.sql.ddl.indexes import create_indexes, create_keys
from membership_refactor.sql.parents.grouping import (
    derive_functions,
    derive_triggers,
    settle_function,
)
from membership_refactor.sql.quoting import ident, qualified
from membership_refactor.sql.statements import Lock, Statement
from membership_refactor.sql.triggers import SYNC_MARK, SYNC_ON, install_triggers, remove_triggers
from membership_refactor.steps.actions import Action, Brief, Build, Run, Switch
from membership_refactor.steps.create_parent import parent
from membership_refactor.steps.foreign_keys import put_on, take_off
from membership_refactor.steps.portraits import with_tables
from membership_refactor.steps.step import Situation, Step

SHARE_ROW, EXCLUSIVE = Lock.SHARE_ROW_EXCLUSIVE, Lock.ACCESS_EXCLUSIVE


def up(s: Situation) -> tuple[Action, ...]:
    _plan, names, table = s.plan, s.names, parent(s)
    build = build_of_parents(names, s.child("0007"))
    logged = build.log.triggers()
    actions: list[Action] = [
        Run(
            name="functions",
            statements=(
                *settle_function(names, s.child("0007")),
                *build.function_statements(),
                *derive_functions(names),
            ),
        ),
        Build(name="rebuild", build=build),
    ]
    actions += [
        Run(
            name=f"index {name}",
            statements=(EMPTY_SEARCH_PATH, *create_indexes(table, only={name})),
        )
        for name in (index.name for index in table.indexes)
    ]
    actions.append(
        Run(
            name="keys and checks",
            statements=(
                EMPTY_SEARCH_PATH,
                *create_keys(table),
                *create_checks(table),
                Statement(f"ANALYZE {names.parent}"),
            ),
        )
    )
    actions.append(
        Switch(
            name="switch to synchronous capture",
            build=build,
            locks=((names.copy, SHARE_ROW), (names.parent, SHARE_ROW)),
            resting=logged,
            statements=install_triggers(derive_triggers(names)),
        )
    )
    actions.append(
        Brief(
            name="take the log down",
            locks=((names.copy, EXCLUSIVE),),
            statements=remove_triggers(logged),
        )
    )
    actions.append(
        # Without the lock: a dropped table's file and buffers take their time.
        Run(
            name="drop the log",
            statements=(*build.drop_statements(), *build.log.drop_statements()),
        )
    )
    actions += put_on(table, table.foreign_keys)
    return tuple(actions)


def after_up(s: Situation) -> tuple[Check, ...]:
    _plan, names = s.plan, s.names
    return (
        parents_follow_policies(names, s.child("0007")),
        children_have_parents(names),
        keys_are_unique(names),
    )


def down(s: Situation) -> tuple[Action, ...]:
    """Back to the empty parent and its log, as 0006 leaves them."""
    _plan, names, table = s.plan, s.names, parent(s)
    build = build_of_parents(names, s.child("0007"))
    bare = tuple(
        Statement(f"ALTER TABLE {names.parent} DROP CONSTRAINT IF EXISTS {ident(c.name)}")
        for c in table.constraints
        if c.kind in "puc"
    ) + tuple(
        Statement(f"DROP INDEX IF EXISTS {qualified(table.schema, index.name)}")
        for index in table.indexes
    )
    functions = ("derive_insert", "derive_update", "derive_delete", "derive_truncate", "settle")
    return (
        Run(
            name="log",
            statements=(*build.log.table_statements(), *build.log.function_statements()),
        ),
        Brief(
            name="record changes",
            locks=((names.copy, EXCLUSIVE),),
            statements=(
                *remove_triggers(derive_triggers(names)),
                *install_triggers(build.log.triggers()),
            ),
        ),
        *take_off(names.parent, table.foreign_keys, written=False),
        Run(
            name="empty the parent",
            statements=(
                Statement(f"SET LOCAL {SYNC_MARK} = {SYNC_ON}"),
                Statement(f"TRUNCATE {names.parent}"),
                Statement(f"DELETE FROM {build.log.log}"),
                *bare,
                *build.drop_statements(),
                *(Statement(f"DROP FUNCTION IF EXISTS {names.own(f)}") for f in functions),
            ),
        ),
    )


def becomes(s: Situation) -> Portrait:
    return with_tables(s.before("0007"), parent(s))


STEP = Step(
    revision="0007",
    name="rebuild_parent",
    up=up,
    down=down,
    becomes=becomes,
    after_up=after_up,
)
