"""create_parent: the empty, closed parent exists; every write to the child is recorded."""

from __future__ import annotations

from dataclasses import replace

from membership_refactor.checks.check import Check
from membership_refactor.checks.constraints_fit import chosen_values_fit
from membership_refactor.checks.gate import gates
from membership_refactor.checks.source_rows import policies_hold
from membership_refactor.checks.standing_on import nothing_stands_on_link, nothing_stands_on_parent
from membership_refactor.planning import Stage
from membership_refactor.portrait import Portrait, Table
from membership_refactor.sql.build.builds_of_plan import build_of_parents
from membership_refactor.sql.ddl.bare_table import create_bare_table
from membership_refactor.sql.ddl.comments_and_statistics import comment
from membership_refactor.sql.ddl.create import EMPTY_SEARCH_PATH
from membership_refactor.sql.ddl.parent_table import parent_table
from membership_refactor.sql.refuse_writes import close_functions, close_triggers
from membership_refactor.sql.statements import Lock, Statement
from membership_refactor.sql.trigger_statements import install_triggers, remove_triggers
from membership_refactor.sql.triggers import drop_own
from membership_refactor.steps import add_link, first_step, retire_source
from membership_refactor.steps.actions import Action, Brief, Run
from membership_refactor.steps.partition_triggers import hang, take_down
from membership_refactor.steps.portraits import with_tables
from membership_refactor.steps.revision_text import OWN_TRIGGERS, SHORT, RevisionText
from membership_refactor.steps.step import Situation, Step

CLOSED = "closed"


def parent(s: Situation) -> Table:
    """The parent as rebuild_parent leaves it; NOT NULL where the source's column was."""
    child = s.child("create_parent")
    columns = (*s.plan.deprecated, *((s.plan.changed,) if s.plan.changed else ()))
    required = tuple(c for c in columns if s.source().column(c).not_null)
    return parent_table(s.names, child, required=required)


def evidence(s: Situation) -> tuple[Check, ...]:
    """Asks that nobody uses the old name for the old table, because it gets a new meaning. In
    place the name keeps its meaning."""
    if s.plan.copy is None:
        return first_step.gates(s)
    return gates(s.names, s.revisions, "create_parent")


def closed_message(s: Situation) -> tuple[str, str]:
    """Return error and hint for a writer of the closed parent."""
    later = s.revisions.mention("link_children")
    return (
        f'table "{s.plan.parent}" is being rebuilt and cannot be written yet',
        f'Write to it from {later} on; until then write to "{s.plan.child}".',
    )


def refusals(s: Situation) -> tuple[str, ...]:
    """What copy_table has refused already, where the table was copied."""
    return first_step.refusals(s) if s.plan.copy is None else ()


def notes(s: Situation) -> tuple[str, ...]:
    return add_link.notes(s) if s.plan.copy is None else ()


def before_up(s: Situation) -> tuple[Check, ...]:
    return (
        *(first_step.before_up(s) if s.plan.copy is None else ()),
        *policies_hold(s.plan, s.names.child),
        *chosen_values_fit(s.names, s.before("create_parent").table(s.plan.child)),
    )


def up(s: Situation) -> tuple[Action, ...]:
    names, child = s.names, s.child("create_parent")
    build = build_of_parents(names, child)
    return (
        *(add_link.up(s, child) if s.plan.copy is None else ()),
        Run(
            key="create_parent",
            title="Create the empty parent and its log",
            statements=(
                EMPTY_SEARCH_PATH,
                *create_bare_table(parent(s)),
                # Of the columns; its constraints are not there yet.
                *comment(replace(parent(s), constraints=())),
                *close_functions(names, CLOSED, *closed_message(s)),
                *install_triggers(close_triggers(names, CLOSED, names.parent)),
                *build.log.table_statements(),
                *build.log.function_statements(),
            ),
        ),
        *hang("log", child, build.log.triggers(), at_once=True),
        Brief(
            key="record_changes",
            title="Record changes in the log",
            locks=((names.child, Lock.SHARE_ROW_EXCLUSIVE),),
            statements=install_triggers(build.log.triggers()),
        ),
    )


def down(s: Situation) -> tuple[Action, ...]:
    names, child = s.names, s.child("create_parent")
    log = build_of_parents(names, child).log
    return (
        *take_down("log", child, log.triggers()),
        Brief(
            key="stop_recording",
            title="Stop recording changes",
            locks=((names.child, Lock.ACCESS_EXCLUSIVE),),
            statements=remove_triggers(log.triggers()),
        ),
        Run(
            key="drop_parent",
            title="Drop the parent and its log",
            statements=(
                Statement(f"DROP TABLE IF EXISTS {names.parent}"),
                *log.drop_statements(),
                *drop_own(names, CLOSED),
            ),
        ),
        *(add_link.down(s, child) if s.plan.copy is None else ()),
    )


def before_down(s: Situation) -> tuple[Check, ...]:
    parent = nothing_stands_on_parent(s.names)
    return (parent,) if s.plan.copy is not None else (parent, nothing_stands_on_link(s.names))


def after_up(s: Situation) -> tuple[Check, ...]:
    """In place: this step has written the links."""
    return retire_source.holds(s) if s.plan.copy is None else ()


def becomes(s: Situation) -> Portrait:
    bare = parent(s)
    return with_tables(
        s.before("create_parent"),
        s.child("create_parent"),
        Table(schema=bare.schema, name=bare.name, columns=bare.columns, owner=bare.owner),
    )


STEP = Step(
    name="create_parent",
    stage=Stage.COPY,
    up=up,
    down=down,
    becomes=becomes,
    refusals=refusals,
    notes=notes,
    before_up=before_up,
    after_up=after_up,
    before_down=before_down,
    holds=retire_source.holds,
    compares=retire_source.compares,
    gates=evidence,
    text=RevisionText(
        title="Create the new, empty {parent}, and record every write for it",
        deploy="When no code means another table by the name {parent} any more.",
        locks=f"{{child}} SHARE ROW EXCLUSIVE: {SHORT}.",
        undo="Drops the empty table.",
    ),
    text_in_place=RevisionText(
        title="Add the link to {child} and fill it, create the empty {parent}, and record every "
        "write for it",
        deploy="At any time. Applications cannot reach the new table yet.",
        locks=f"{{child}} ACCESS EXCLUSIVE, then SHARE ROW EXCLUSIVE: {SHORT}. Batches of about 20 "
        f"ms lock the rows whose link they fill. {OWN_TRIGGERS} VACUUM and the index on the link "
        "take SHARE UPDATE EXCLUSIVE: reads and writes go on, and another ALTER TABLE waits.",
        undo="Drops the empty table and the link, and keeps the uuids in the ledger.",
    ),
)
