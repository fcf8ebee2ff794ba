"""Partitions that the source gets later: a trigger follows their rows until repair knows them."""

from __future__ import annotations

from dataclasses import replace

from membership_refactor.portrait import Table
from membership_refactor.sql.quoting import ident, literal, qualified
from membership_refactor.sql.statements import Lock, Statement
from membership_refactor.sql.trigger_statements import (
    idle_functions,
    install_triggers,
    remove_triggers,
)
from membership_refactor.steps.actions import Action, Brief
from membership_refactor.steps.captures import later_to_copy
from membership_refactor.steps.step import Situation


def follow(s: Situation, source: Table) -> tuple[Action, ...]:
    """Hang the trigger once the capture stands, and turn it off on each partition that ``source``
    has, under a lock of its own."""
    if source.partitioning is None:
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
            ),
        ),
        *(
            Brief(
                key=f"rest_later:{leaf.name}",
                title=f"Turn off on {leaf.name} what follows rows of later partitions",
                locks=((place, Lock.SHARE_ROW_EXCLUSIVE),),
                statements=(_turned_off(place, later.trigger.name),),
                of_partition=place,
            )
            for leaf in source.partitioning.leaves
            for place in (qualified(leaf.schema, leaf.name),)
        ),
    )


def _turned_off(place: str, trigger: str) -> Statement:
    """It does not hang on a partition that was detached meanwhile."""
    off = f"ALTER TABLE {place} DISABLE TRIGGER {ident(trigger)}"
    return Statement(
        f"DO $own$ BEGIN IF EXISTS (SELECT FROM pg_catalog.pg_trigger AS t\n"
        f"WHERE t.tgrelid = {literal(place)}::pg_catalog.regclass\n"
        f"AND t.tgname = {literal(trigger)}) THEN {off}; END IF; END $own$",
        Lock.SHARE_ROW_EXCLUSIVE,
        place,
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
