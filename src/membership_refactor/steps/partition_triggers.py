"""Triggers of many partitions: hung one partition after the other, each under its own short lock.

Their functions do nothing until a switch gives them their bodies. So the lock of the switch is held
as long for many partitions as for a few.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from membership_refactor.portrait import Table
from membership_refactor.sql.quoting import qualified
from membership_refactor.sql.statements import Lock
from membership_refactor.sql.trigger_statements import (
    idle_functions,
    install_triggers,
    remove_triggers,
)
from membership_refactor.sql.triggers import OwnTrigger
from membership_refactor.steps.actions import Action, Brief, Run


def _places(table: Table) -> Iterator[tuple[str, str]]:
    """The quoted name and the bare one of the table and of each partition."""
    yield qualified(table.schema, table.name), table.name
    for member in table.partitioning.members if table.partitioning is not None else ():
        yield qualified(member.schema, member.name), member.name


def _on(place: str, triggers: Sequence[OwnTrigger]) -> tuple[OwnTrigger, ...]:
    return tuple(replace(t, table=place, members=False) for t in triggers if t.members)


def hang(
    what: str, table: Table, triggers: Sequence[OwnTrigger], *, at_once: bool = False
) -> tuple[Action, ...]:
    """Hang those of ``triggers`` that hang on every member. ``at_once``: their functions are those
    that stand; otherwise they do nothing yet, and nothing may be using them.

    None for a table without partitions.
    """
    if table.partitioning is None:
        return ()
    idle = Run(
        key=f"idle:{what}",
        title=f"Create the functions of {what}, which do nothing yet",
        statements=idle_functions([t for t in triggers if t.members]),
    )
    return (
        *(() if at_once else (idle,)),
        *(
            Brief(
                key=f"hang:{what}:{name}",
                title=f"Hang the triggers of {what} on {name}",
                locks=((place, Lock.SHARE_ROW_EXCLUSIVE),),
                statements=install_triggers(_on(place, triggers)),
                of_partition=place if name != table.name else "",
            )
            for place, name in _places(table)
        ),
    )


def take_down(what: str, table: Table, triggers: Sequence[OwnTrigger]) -> tuple[Action, ...]:
    """Drop those of ``triggers`` that hang on every member, once their functions do nothing."""
    if table.partitioning is None:
        return ()
    return tuple(
        Brief(
            key=f"take_down:{what}:{name}",
            title=f"Drop the triggers of {what} on {name}",
            locks=((place, Lock.ACCESS_EXCLUSIVE),),
            statements=remove_triggers(_on(place, triggers)),
            of_partition=place if name != table.name else "",
        )
        for place, name in _places(table)
    )
