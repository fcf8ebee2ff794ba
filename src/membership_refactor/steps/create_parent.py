"""0006: the empty parent stands, closed, and every write to the child is recorded for it."""

from __future__ import annotations

from membership_refactor.checks.check import Check
from membership_refactor.checks.gate import gate
from membership_refactor.checks.source_rows import policies_hold
from membership_refactor.portrait import Portrait, Table
from membership_refactor.sql.build.table_build import build_of_parents
from membership_refactor.sql.capture.refuse_writes import close_functions, close_triggers
from membership_refactor.sql.ddl.bare import create_bare_table
from membership_refactor.sql.ddl.create import EMPTY_SEARCH_PATH
from membership_refactor.sql.statements import Lock, Statement
from membership_refactor.sql.triggers import install_triggers, remove_triggers
from membership_refactor.steps.actions import Action, Brief, Run
from membership_refactor.steps.parent_table import parent_table
from membership_refactor.steps.portraits import with_tables
from membership_refactor.steps.step import Situation, Step

CLOSED = "closed"


def parent(s: Situation) -> Table:
    """The parent as 0007 leaves it; NOT NULL where the source's column was."""
    child = s.child("0006")
    columns = (*s.plan.deprecated, *((s.plan.changed,) if s.plan.changed else ()))
    required = tuple(c for c in columns if s.source().column(c).not_null)
    return parent_table(s, child, required=required)


def evidence(s: Situation) -> Check:
    """The old name gets a new meaning: nobody may still mean the old table by it."""
    return gate(
        s.plan,
        s.names.schema,
        revision="0006",
        target=f'old meaning of "{s.plan.source}"',
        since_step="0005",
        empty=s.names.copy,
    )


def closed_message(s: Situation) -> tuple[str, str]:
    """What a writer of the closed parent is told, and what to do instead."""
    return (
        f'table "{s.plan.parent}" is being rebuilt and cannot be written yet',
        f'Write to it from revision 0008 on; until then write to "{s.plan.copy}".',
    )


def before_up(s: Situation) -> tuple[Check, ...]:
    return policies_hold(s.plan, s.names.copy)


def up(s: Situation) -> tuple[Action, ...]:
    names = s.names
    build = build_of_parents(names, s.child("0006"))
    return (
        Run(
            name="create the parent",
            statements=(
                EMPTY_SEARCH_PATH,
                *create_bare_table(parent(s)),
                *close_functions(names, CLOSED, *closed_message(s)),
                *install_triggers(close_triggers(names, CLOSED, names.parent)),
                *build.log.table_statements(),
                *build.log.function_statements(),
            ),
        ),
        Brief(
            name="record changes",
            locks=((names.copy, Lock.SHARE_ROW_EXCLUSIVE),),
            statements=install_triggers(build.log.triggers()),
        ),
    )


def down(s: Situation) -> tuple[Action, ...]:
    names = s.names
    log = build_of_parents(names, s.child("0006")).log
    return (
        Brief(
            name="stop recording",
            locks=((names.copy, Lock.ACCESS_EXCLUSIVE),),
            statements=remove_triggers(log.triggers()),
        ),
        Run(
            name="drop the parent",
            statements=(
                Statement(f"DROP TABLE IF EXISTS {names.parent}"),
                *log.drop_statements(),
                Statement(f"DROP FUNCTION IF EXISTS {names.own(CLOSED)}()"),
            ),
        ),
    )


def becomes(s: Situation) -> Portrait:
    bare = parent(s)
    return with_tables(
        s.before("0006"),
        Table(schema=bare.schema, name=bare.name, columns=bare.columns, owner=bare.owner),
    )


STEP = Step(
    revision="0006",
    name="create_parent",
    up=up,
    down=down,
    becomes=becomes,
    before_up=before_up,
    gate=evidence,
)
