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
    idle_unless_hung,
    install_triggers,
    remove_triggers,
)
from membership_refactor.sql.triggers import OwnTrigger
from membership_refactor.steps.actions import Action, Brief, Run


def _places(table: Table, triggers: Sequence[OwnTrigger]) -> Iterator[tuple[str, str]]:
    """The quoted name and the bare one of the table and of each partition; none where no trigger
    hangs on each."""
    if not any(t.members for t in triggers):
        return
    yield qualified(table.schema, table.name), table.name
    for member in table.partitioning.members if table.partitioning is not None else ():
        yield qualified(member.schema, member.name), member.name


def _on(place: str, triggers: Sequence[OwnTrigger]) -> tuple[OwnTrigger, ...]:
    return tuple(replace(t, table=place, members=False) for t in triggers if t.members)


def _said(what: str) -> str:
    return what.replace("_", " ")


def hang(
    what: str, table: Table, triggers: Sequence[OwnTrigger], *, at_once: bool = False
) -> tuple[Action, ...]:
    """Hang ``triggers``. ``at_once``: their functions are those that stand; otherwise they do
    nothing yet, unless some of the triggers hang already.

    None for a table without partitions.
    """
    if table.partitioning is None:
        return ()
    idle = Run(
        key=f"idle:{what}",
        title=f"Create functions that do nothing yet: {_said(what)}",
        statements=(idle_unless_hung([t for t in triggers if t.by_function]),),
    )
    return (
        *(() if at_once else (idle,)),
        *(
            Brief(
                key=f"hang:{what}:{name}",
                title=f"Create triggers on {name}: {_said(what)}",
                locks=((place, Lock.SHARE_ROW_EXCLUSIVE),),
                statements=install_triggers(_on(place, triggers)),
                of_partition=place if name != table.name else "",
                of_root=place if name == table.name else "",
            )
            for place, name in _places(table, triggers)
        ),
        *(
            Brief(
                key=f"hang:{what}:each row:{n}",
                title=f"Create row trigger {n} on {table.name}: {_said(what)}",
                locks=((trigger.table, Lock.SHARE_ROW_EXCLUSIVE),),
                statements=install_triggers((trigger,)),
            )
            for n, trigger in _of_rows(table, triggers)
        ),
    )


def take_down(what: str, table: Table, triggers: Sequence[OwnTrigger]) -> tuple[Action, ...]:
    """Drop ``triggers`` of a partitioned table, once their functions do nothing."""
    if table.partitioning is None:
        return ()
    exclusive = Lock.ACCESS_EXCLUSIVE
    return (
        *(
            Brief(
                key=f"take_down:{what}:{name}",
                title=f"Drop triggers on {name}: {_said(what)}",
                locks=((place, exclusive),),
                statements=remove_triggers(_on(place, triggers)),
                of_partition=place if name != table.name else "",
                of_root=place if name == table.name else "",
            )
            for place, name in _places(table, triggers)
        ),
        *(
            Brief(
                key=f"take_down:{what}:each row:{n}",
                title=f"Drop row trigger {n} on {table.name}: {_said(what)}",
                locks=((trigger.table, exclusive),),
                statements=remove_triggers((trigger,)),
            )
            for n, trigger in _of_rows(table, triggers)
        ),
    )


def _of_rows(table: Table, triggers: Sequence[OwnTrigger]) -> Iterator[tuple[int, OwnTrigger]]:
    """Those that PostgreSQL clones, counted. Each takes a lock of its own on all partitions."""
    place = qualified(table.schema, table.name)
    return enumerate((replace(t, table=place) for t in triggers if t.cloned), start=1)
