"""The beginning of a split in place: the table gets the link, filled while it is written.

Afterwards the table is what a split has after retire_source: it is the child, and each link is the
uuid of its row's key. It is part of create_parent.
"""

from __future__ import annotations

from membership_refactor.portrait import Table
from membership_refactor.sql.application_code.changed_meaning import changed_meaning
from membership_refactor.sql.ddl.copy_portrait import link_index
from membership_refactor.sql.ddl.create import EMPTY_SEARCH_PATH
from membership_refactor.sql.ddl.indexes import create_index
from membership_refactor.sql.parents.fill_link import FUNCTIONS, fill_link_functions
from membership_refactor.sql.parents.keep_link import keep_link_function, keep_link_triggers
from membership_refactor.sql.parents.kept_uuids import resolve_kept
from membership_refactor.sql.parents.parent_uuid import identity_functions, link_function
from membership_refactor.sql.quoting import ident, qualified
from membership_refactor.sql.snapshot_fence import open_fence
from membership_refactor.sql.statements import Lock, Statement
from membership_refactor.sql.trigger_statements import install_triggers, remove_triggers
from membership_refactor.sql.triggers import drop_own
from membership_refactor.steps import first_step
from membership_refactor.steps.actions import Action, Alone, Brief, Ranges, Run
from membership_refactor.steps.partition_indexes import build_by_partition
from membership_refactor.steps.partition_roles import from_here_known
from membership_refactor.steps.step import Situation
from membership_refactor.steps.subscribers import another_column

EXCLUSIVE = Lock.ACCESS_EXCLUSIVE


def notes(s: Situation) -> tuple[str, ...]:
    """What wide rows and the application's triggers meet from here on."""
    return (
        *cost_in_place(s.source()),
        *first_step.room_for_link(s),
        *first_step.long_locks(s),
        *another_column(s),
        *changed_meaning(s.plan, s.source(), s.revisions),
    )


_ENTRY, _NEW_ENTRY = 15, 80
"""Bytes of an entry in an index, and what a new one costs in the WAL."""
_WRITTEN_IN_PLACE, _WRITTEN_BY_COPY = 3, 1.4
"""WAL as multiples of the rows, and of rows and indexes; with those above measured with 1,000,000
rows and 3 and 9 indexes."""
_MANY_INDEXES, _WIDE_ROW = 5, 1_000
"""From where on a copy is plainly cheaper."""


def cost_in_place(table: Table) -> tuple[str, ...]:
    """What working in place costs beside a copy, as far as rows and size of the table are known."""
    indexes = sum(index.valid for index in table.indexes)
    if not table.rows or not table.bytes:
        return ()
    size, entries = table.bytes, table.rows * indexes
    heap = max(size - entries * _ENTRY, size // 4)
    in_place = heap * _WRITTEN_IN_PLACE + entries * _NEW_ENTRY
    why = []
    if indexes >= _MANY_INDEXES:
        why.append(f"{indexes} indexes")
    if heap / table.rows > _WIDE_ROW:
        why.append(f"rows of {heap // table.rows:,} bytes")
    better = (
        'A copy (copy="NAME" in the plan) pays where there are five indexes or more, or wide rows'
    )
    if why:
        better = (
            f"This table has {' and '.join(why)}: a copy "
            '(copy="NAME" in the plan) writes less and takes less time'
        )
    return (
        f"in place every row is written again, with a new entry in each index ({indexes}): "
        f"about {in_place / 1e6:,.0f} MB of WAL, where a copy writes about "
        f"{size * _WRITTEN_BY_COPY / 1e6:,.0f} MB. The table is vacuumed meanwhile and grows by "
        "about a fifth, the indexes to about twice their size: run REINDEX TABLE CONCURRENTLY "
        f"{qualified(table.schema, table.name)} afterwards. A transaction that stays open "
        f"meanwhile keeps VACUUM from its work, and the table grows to twice its size. {better}",
    )


def _qualified_index(s: Situation, child: Table) -> str:
    return qualified(s.names.schema, link_index(child, s.plan.link).name)


def up(s: Situation, child: Table) -> tuple[Action, ...]:
    """Add the link with the triggers that keep it, fill it, then index it. ``child`` has it."""
    names, plan = s.names, s.plan
    return (
        Run(
            key="create_link_functions",
            title="Create the functions that compute and fill the link",
            statements=(
                EMPTY_SEARCH_PATH,
                *open_fence(names),
                *names.id.type_statements(child.columns),
                *identity_functions(names, child),
                *resolve_kept(names),
                link_function(names, child),
                *keep_link_function(names),
                *fill_link_functions(names, child),
            ),
        ),
        Brief(
            key="add_link",
            title="Add the link, and keep it for every row that is written",
            # A column without a default: no row is rewritten.
            locks=((names.child, EXCLUSIVE),),
            statements=(
                Statement(
                    f"ALTER TABLE {names.child} ADD COLUMN IF NOT EXISTS {ident(plan.link)} "
                    "pg_catalog.uuid",
                    EXCLUSIVE,
                    names.child,
                ),
                *install_triggers(keep_link_triggers(names)),
                *from_here_known(s),
            ),
        ),
        Ranges(
            key="fill_link",
            title="Fill the link of the rows that were there before",
            function=names.own("fill_link"),
            table=names.child,
            along=names.id,
            key_type=names.id.type_in(child.columns),
            vacuum=True,
        ),
        *_indexed(s, child),
        Run(
            key="drop_fill",
            title="Drop functions that are no longer used",
            statements=(
                *drop_own(names, *FUNCTIONS),
                Statement(f"ANALYZE {names.child} ({ident(plan.link)})"),
            ),
        ),
    )


def _indexed(s: Situation, child: Table) -> tuple[Action, ...]:
    index = link_index(child, s.plan.link)
    if child.partitioning is not None:
        return tuple(build_by_partition(child, child.partitioning, index))
    return (
        Alone(
            key="create_link_index",
            title="Create the index on the link",
            statement=create_index(child, index, concurrently=True),
            index=_qualified_index(s, child),
        ),
    )


def down(s: Situation, child: Table) -> tuple[Action, ...]:
    """Drop the link. The ledger keeps the uuids that are not the computed ones."""
    names, plan = s.names, s.plan
    return (
        # Beforehand: otherwise its file would be unlinked under the lock that drops the column.
        Brief(
            key="drop_link_index",
            title="Drop the index on the link",
            locks=((names.child, EXCLUSIVE),),
            statements=(
                Statement(
                    f"DROP INDEX IF EXISTS {_qualified_index(s, child)}", EXCLUSIVE, names.child
                ),
            ),
        ),
        Brief(
            key="drop_link",
            title="Drop the link",
            locks=((names.child, EXCLUSIVE),),
            statements=(
                *remove_triggers(keep_link_triggers(names)),
                Statement(
                    f"ALTER TABLE {names.child} DROP COLUMN IF EXISTS {ident(plan.link)}",
                    EXCLUSIVE,
                    names.child,
                ),
            ),
        ),
        Run(
            key="drop_link_functions",
            title="Drop functions that are no longer used",
            statements=drop_own(names, *FUNCTIONS, "keep_link", "link", "fence"),
        ),
    )
