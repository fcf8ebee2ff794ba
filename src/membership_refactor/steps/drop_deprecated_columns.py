"""drop_deprecated_columns: the deprecated columns are gone; this is the current structure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from membership_refactor.checks.check import Check
from membership_refactor.checks.column_drops import nothing_stops_the_drop
from membership_refactor.checks.gate import gates
from membership_refactor.checks.rows_by_position import no_row_by_position
from membership_refactor.planning import Stage
from membership_refactor.portrait import ColumnUse, Index, Portrait, Table
from membership_refactor.sql.ddl.bare_table import column_clause, column_settings
from membership_refactor.sql.ddl.comments_and_statistics import create_statistics
from membership_refactor.sql.ddl.constraints import add_constraint, once
from membership_refactor.sql.ddl.create import EMPTY_SEARCH_PATH
from membership_refactor.sql.ddl.grants_and_policies import grant_table
from membership_refactor.sql.parallel.install import freeze, freeze_triggers, frozen_still
from membership_refactor.sql.quoting import ident, qualified
from membership_refactor.sql.statements import Lock, Statement, apart
from membership_refactor.sql.trigger_statements import bodies, idle_functions, remove_triggers
from membership_refactor.steps.actions import Action, Brief, Run, create_functions
from membership_refactor.steps.lost_with_columns import (
    back_with_columns,
    build_indexes,
    finished,
    going,
)
from membership_refactor.steps.partition_roles import from_here_known
from membership_refactor.steps.partition_triggers import hang, take_down
from membership_refactor.steps.portraits import with_tables
from membership_refactor.steps.revision_text import SHORT, RevisionText
from membership_refactor.steps.step import Situation, Step
from membership_refactor.steps.stop_parallel_save import compares, holds, parents_hold

EXCLUSIVE = Lock.ACCESS_EXCLUSIVE


def _child(s: Situation) -> Table:
    return s.child("drop_deprecated_columns")


def refusals(s: Situation) -> tuple[str, ...]:
    """What would stop the ALTER, and a replica identity that would be lost without an error."""
    child, gone = _child(s), s.plan.leaving
    return (
        *(
            f"{use.name} uses {', '.join(use.columns)}; change or drop it first "
            f"({s.revisions.verb('scan')} --rewrite writes the new form of a query)"
            for use in child.uses_of(gone, stops=True)
            if not _is_exclusion(child, use)
        ),
        *(
            f"index {index.name} is the replica identity and goes with {', '.join(gone)}; first "
            f"run ALTER TABLE {s.names.child} REPLICA IDENTITY DEFAULT"
            for index in going(s).indexes
            if index.replica_identity and child.replica_identity == "i"
        ),
    )


def evidence(s: Situation) -> tuple[Check, ...]:
    return (
        *gates(s.names, s.revisions, "drop_deprecated_columns"),
        *no_row_by_position(
            s.plan, _child(s), s.revisions, "drop_deprecated_columns", ledger=s.names.ledger
        ),
    )


def notes(s: Situation) -> tuple[str, ...]:
    """What goes with the columns, and what has to be changed first."""
    # Before the copy has its dependents, those of the source are what this step will meet.
    table = _child(s)
    if not table.uses and (before := s.portraits.get("retire_source")):
        table = before.find(s.plan.source) or table
    uses = [u for stops in (True, False) for u in table.uses_of(s.plan.leaving, stops=stops)]
    locking = tuple(u for u in uses if _is_exclusion(table, u))
    stopping = tuple(u for u in uses if u.stops and u not in locking)
    back = tuple(u for u in uses if not u.stops and u not in locking)
    said = (
        ("to be changed or dropped before this step, which they would stop", stopping),
        (
            "dropped with the columns, and brought back by the way down, which builds its index "
            "under a lock that stops every reader and writer",
            locking,
        ),
        ("dropped with the columns, and brought back by the way down", back),
    )
    return tuple(f"{what}: {'; '.join(u.name for u in uses)}" for what, uses in said if uses)


def _is_exclusion(table: Table, use: ColumnUse) -> bool:
    """Whether it is an exclusion constraint of the table itself, which this step drops first."""
    names = {f"constraint {c.name}" for c in table.constraints if c.kind == "x"}
    constraint, _, of = use.name.partition(" on table ")
    return constraint in names and of.rpartition(".")[2] in (table.name, ident(table.name))


def before_up(s: Situation) -> tuple[Check, ...]:
    return (nothing_stops_the_drop(s.names), *parents_hold(s))


def up(s: Situation) -> tuple[Action, ...]:
    plan, names = s.plan, s.names
    freezing = freeze_triggers(names, _child(s))
    # A column in the expression of an exclusion constraint stops the ALTER, one in its key does
    # not. Dropped first, it stops nothing.
    drops = ", ".join(
        (
            *(
                f"DROP CONSTRAINT IF EXISTS {ident(c.name)}"
                for c in going(s).constraints
                if c.kind == "x"
            ),
            *(f"DROP COLUMN IF EXISTS {ident(c)}" for c in plan.leaving),
        )
    )
    # One by one and beforehand: otherwise the files of all indexes would be unlinked, and their
    # buffers searched, under the one lock.
    unindexed = tuple(
        Brief(
            key=f"drop_index:{index.name}",
            title=f"Drop index {index.name}",
            locks=((names.child, EXCLUSIVE),),
            statements=(
                Statement(
                    f"DROP INDEX IF EXISTS {qualified(names.schema, index.name)}",
                    EXCLUSIVE,
                    names.child,
                ),
            ),
            leaves_triggers=True,
        )
        for index in going(s).indexes
        if index.constraint is None
    )
    if names.partitioned:
        return (*unindexed, *_one_by_one(s), *take_down("freeze", _child(s), freezing))
    return (
        *unindexed,
        Brief(
            key="drop_columns",
            title="Drop the deprecated columns",
            # One ALTER: the columns are only marked as gone, no row is rewritten.
            locks=((names.child, EXCLUSIVE),),
            statements=(
                *remove_triggers(freezing),
                Statement(f"ALTER TABLE {names.child} {drops}", EXCLUSIVE, names.child),
            ),
        ),
    )


def _one_by_one(s: Situation) -> Iterator[Action]:
    """Drop each column under a lock of its own: PostgreSQL takes longer with each partition. Those
    that are left stay frozen."""
    child, names = _child(s), s.names
    columns = [c for c in s.plan.leaving if c in s.current(s.plan.child).column_names]
    for n, column in enumerate(columns, start=1):
        left = columns[n:]
        yield Brief(
            key=f"drop_column:{column}",
            title=f"Drop the deprecated column {column}",
            locks=((names.child, EXCLUSIVE),),
            statements=(
                *(
                    frozen_still(names, child, left)
                    if left
                    else idle_functions(freeze_triggers(names, child))
                ),
                Statement(
                    f"ALTER TABLE {names.child} DROP COLUMN IF EXISTS {ident(column)}",
                    EXCLUSIVE,
                    names.child,
                ),
            ),
        )


def down(s: Situation) -> tuple[Action, ...]:
    """Add the columns, empty and frozen. The next step down fills them, and then adds the
    constraints that their values have to meet."""
    names, back = s.names, back_with_columns(s)
    back = replace(back, indexes=(*back.indexes, *_dropped_alone(s)))
    adds = ", ".join(f"ADD COLUMN IF NOT EXISTS {column_clause(c)}" for c in back.columns)
    alter = (Statement(f"ALTER TABLE {names.child} {adds}", EXCLUSIVE, names.child),)
    functions, triggers = apart(freeze(names, s.child("link_children")))
    freezing = freeze_triggers(names, _child(s))
    return (
        create_functions(*functions),
        *hang("freeze", _child(s), freezing),
        *(_added_one_by_one(s, back) if names.partitioned else ()),
        Brief(
            key="add_columns",
            title="Add the deprecated columns, empty",
            locks=((names.child, EXCLUSIVE),),
            statements=(
                EMPTY_SEARCH_PATH,
                *(() if names.partitioned else alter),
                *column_settings(back),
                *bodies(freezing, functions),
                *triggers,
                *from_here_known(s),
            ),
        ),
        *build_indexes(back, back.indexes),
        *(
            Brief(
                key=f"add_check:{check.name}",
                title=f"Add check {check.name} (NOT VALID)",
                locks=((names.child, EXCLUSIVE),),
                statements=(
                    EMPTY_SEARCH_PATH,
                    once(add_constraint(back, check, not_valid=True), back, check),
                ),
                leaves_triggers=True,
            )
            for check in back.constraints
        ),
        Run(
            key="describe",
            title="Restore statistics, comments and grants",
            statements=(
                EMPTY_SEARCH_PATH,
                *create_statistics(back),
                *finished(back),
                *grant_table(back),
            ),
        ),
    )


def _added_one_by_one(s: Situation, back: Table) -> Iterator[Action]:
    """The reverse: each column is frozen with the lock under which it comes."""
    child, names = _child(s), s.names
    there = [c for c in s.plan.leaving if c in s.current(s.plan.child).column_names]
    for column in (c for c in back.columns if c.name not in there):
        there.append(column.name)
        add = f"ADD COLUMN IF NOT EXISTS {column_clause(column)}"
        yield Brief(
            key=f"add_column:{column.name}",
            title=f"Add the deprecated column {column.name}, empty",
            locks=((names.child, EXCLUSIVE),),
            statements=(
                EMPTY_SEARCH_PATH,
                Statement(f"ALTER TABLE {names.child} {add}", EXCLUSIVE, names.child),
                *frozen_still(names, child, there),
            ),
        )


def _dropped_alone(s: Situation) -> tuple[Index, ...]:
    """The unique indexes, where the upgrade was stopped before it dropped the columns: they still
    have their values. Otherwise these wait for the next step down, which fills the columns."""
    if not {*s.plan.leaving} <= {*s.current(s.plan.child).column_names}:
        return ()
    return tuple(i for i in going(s).indexes if i.unique and i.constraint is None)


def becomes(s: Situation) -> Portrait:
    child, gone, part = _child(s), set(s.plan.leaving), going(s)
    lost = {c.name for c in part.constraints} | {i.name for i in part.indexes}
    lost |= {x.name for x in part.statistics}
    return with_tables(
        s.before("drop_deprecated_columns"),
        replace(
            child,
            columns=tuple(c for c in child.columns if c.name not in gone),
            constraints=tuple(c for c in child.constraints if c.name not in lost),
            indexes=tuple(i for i in child.indexes if i.name not in lost),
            statistics=tuple(x for x in child.statistics if x.name not in lost),
            column_grants=tuple(g for g in child.column_grants if g.column not in gone),
        ),
    )


STEP = Step(
    name="drop_deprecated_columns",
    stage=Stage.CURRENT,
    up=up,
    down=down,
    becomes=becomes,
    refusals=refusals,
    before_up=before_up,
    holds=holds,
    compares=compares,
    notes=notes,
    gates=evidence,
    text=RevisionText(
        title="Drop the deprecated columns of {child}",
        deploy="In a release of its own, after the code that stopped using them.",
        locks="{child} ACCESS EXCLUSIVE once for each index that is dropped and once for the ALTER "
        f"TABLE: {SHORT}.",
        undo="Adds the columns, empty, and their indexes concurrently. The downgrade of "
        "{stop_parallel_save} fills them, and brings back what is unique.",
    ),
)
