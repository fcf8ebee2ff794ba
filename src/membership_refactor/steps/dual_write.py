"""0004: either table may be written; the other follows in the same transaction."""

from __future__ import annotations

from membership_refactor.portrait import Portrait
from membership_refactor.sql.capture.copy_refuses import refusal_functions, refusal_triggers
from membership_refactor.sql.ddl.cannot_copy import rewriting_rules
from membership_refactor.sql.snapshot_fence import raise_fence
from membership_refactor.sql.statements import Lock
from membership_refactor.sql.triggers import disable_triggers, install_triggers, remove_triggers
from membership_refactor.steps.actions import Action, Brief, Run
from membership_refactor.steps.captures import to_source
from membership_refactor.steps.step import Situation, Step


def _both(s: Situation) -> tuple[tuple[str, Lock], ...]:
    """Source before copy: the order in which the source's writers take them."""
    mode = Lock.SHARE_ROW_EXCLUSIVE
    return ((s.names.source, mode), (s.names.copy, mode))


def up(s: Situation) -> tuple[Action, ...]:
    names, sync = s.names, to_source(s)
    refusing = refusal_triggers(names)
    return (
        Run(name="functions", statements=sync.function_statements()),
        Brief(
            name="open the copy to writers",
            locks=_both(s),
            statements=(
                raise_fence(names),
                *disable_triggers(refusing),
                *install_triggers(sync.triggers()),
            ),
        ),
        Brief(
            name="take the refusal down",
            locks=((names.copy, Lock.ACCESS_EXCLUSIVE),),
            statements=remove_triggers(refusing),
        ),
    )


def down(s: Situation) -> tuple[Action, ...]:
    names, sync = s.names, to_source(s)
    refusing = refusal_triggers(names)
    functions = refusal_functions(names, s.plan.id, s.source().columns)
    return (
        Run(name="functions", statements=functions),
        Brief(
            name="close the copy to writers",
            locks=_both(s),
            statements=(*install_triggers(refusing), *disable_triggers(sync.triggers())),
        ),
        Brief(
            name="take the reverse capture down",
            locks=((names.copy, Lock.ACCESS_EXCLUSIVE),),
            statements=remove_triggers(sync.triggers()),
        ),
        Run(name="drop the functions", statements=sync.drop_statements()),
    )


def refusals(s: Situation) -> tuple[str, ...]:
    """Rules that came since 0003: they would rewrite what is carried from one to the other."""
    found = s.before("0004")
    return tuple(
        text for name in (s.plan.source, s.plan.copy) for text in rewriting_rules(found.table(name))
    )


def becomes(s: Situation) -> Portrait:
    return s.before("0004")


STEP = Step(
    revision="0004", name="dual_write", up=up, down=down, becomes=becomes, refusals=refusals
)
