"""0011: the archive is gone."""

from __future__ import annotations

from membership_refactor.checks.check import Check
from membership_refactor.checks.gate import gate
from membership_refactor.portrait import Portrait
from membership_refactor.sql.ddl.create import EMPTY_SEARCH_PATH
from membership_refactor.sql.handover import recreate_retired
from membership_refactor.sql.statements import Lock, Statement
from membership_refactor.steps.actions import Action, Brief, Run
from membership_refactor.steps.portraits import with_tables
from membership_refactor.steps.step import Situation, Step


def evidence(s: Situation) -> Check:
    return gate(
        s.plan,
        s.names.schema,
        revision="0011",
        target=f'table "{s.plan.retired}"',
        empty=s.names.retired,
    )


def up(s: Situation) -> tuple[Action, ...]:
    drop = Statement(
        f"DROP TABLE IF EXISTS {s.names.retired}", Lock.ACCESS_EXCLUSIVE, s.names.retired
    )
    function = Statement(f"DROP FUNCTION IF EXISTS {s.names.own('refuse_retired')}()")
    return (
        Brief(
            name="drop the archive",
            locks=((s.names.retired, Lock.ACCESS_EXCLUSIVE),),
            statements=(drop, function),
        ),
    )


def down(s: Situation) -> tuple[Action, ...]:
    """The structure, empty; the downgrade of 0005 fills it from the child."""
    source = s.before("0005").table(s.plan.source)
    return (
        Run(
            name="create the empty archive",
            statements=(EMPTY_SEARCH_PATH, *recreate_retired(s.names, source)),
        ),
    )


def becomes(s: Situation) -> Portrait:
    return with_tables(s.before("0011"), without=(s.plan.retired,))


STEP = Step(
    revision="0011",
    name="drop_retired_table",
    up=up,
    down=down,
    becomes=becomes,
    gate=evidence,
)
