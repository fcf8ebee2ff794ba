"""Partitions that the source gets later: a trigger follows their rows until repair knows them."""

from __future__ import annotations

from dataclasses import replace

from membership_refactor.sql.members.known_members import rest_later_triggers
from membership_refactor.sql.statements import Lock, Statement
from membership_refactor.sql.trigger_statements import (
    idle_functions,
    install_triggers,
    remove_triggers,
)
from membership_refactor.steps.actions import Action, Brief
from membership_refactor.steps.captures import later_to_copy
from membership_refactor.steps.step import Situation


def follow(s: Situation) -> tuple[Action, ...]:
    """Hang the trigger once the capture stands. It is off on all partitions of today."""
    if not s.names.partitioned:
        return ()
    later = later_to_copy(s)
    return (
        Brief(
            key="follow_later_partitions",
            title="Follow rows of partitions that come later",
            locks=((s.names.source, Lock.SHARE_ROW_EXCLUSIVE),),
            statements=(
                *later.function_statements(),
                *install_triggers((later.trigger,)),
                rest_later_triggers(s.names, s.plan.source),
            ),
        ),
    )


def ended(s: Situation) -> tuple[Statement, ...]:
    """From here on the trigger does nothing."""
    return idle_functions((later_to_copy(s).trigger,)) if s.names.partitioned else ()


def gone(s: Situation, table: str) -> tuple[Action, ...]:
    """Drop the trigger from ``table`` (quoted), and its function. ACCESS EXCLUSIVE on the table."""
    if not s.names.partitioned:
        return ()
    later = later_to_copy(s)
    return (
        Brief(
            key="drop_later_trigger",
            title="Drop the trigger for partitions that come later",
            locks=((table, Lock.ACCESS_EXCLUSIVE),),
            statements=(
                *remove_triggers((replace(later.trigger, table=table),)),
                *later.drop_statements(),
            ),
        ),
    )
