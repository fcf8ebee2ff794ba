"""retire_source: the copy takes the source's place; the source is an archive without writes."""

from __future__ import annotations

from dataclasses import replace

from membership_refactor.checks.check import Check
from membership_refactor.checks.copied_rows import links_match_keys
from membership_refactor.checks.gate import gates
from membership_refactor.checks.privileges_return import archive_admits_nobody_else
from membership_refactor.checks.rows_by_position import no_row_by_position
from membership_refactor.planning import Stage
from membership_refactor.portrait import Portrait, Table
from membership_refactor.sql.build.builds_of_plan import build_of_retired
from membership_refactor.sql.build.table_build import TableBuild
from membership_refactor.sql.comparisons.comparison import Comparison
from membership_refactor.sql.comparisons.copied_rows import links_of_keys
from membership_refactor.sql.ddl.cannot_copy import rewriting_rules
from membership_refactor.sql.ddl.copy_portrait import copy_differences, linked, under_name
from membership_refactor.sql.handover.dependents import handover_obstacles
from membership_refactor.sql.handover.exchange import (
    hand_back,
    hand_back_locks,
    hand_over,
    hand_over_locks,
    validate_after_hand_back,
    validate_after_hand_over,
)
from membership_refactor.sql.handover.retired import retired_table
from membership_refactor.sql.refuse_writes import close_functions, close_triggers, open_retired
from membership_refactor.sql.statements import Lock, Statement
from membership_refactor.sql.trigger_statements import install_triggers, remove_triggers
from membership_refactor.sql.triggers import drop_own
from membership_refactor.steps import copy_table, old_shape, partition_roles, partitions_to_come
from membership_refactor.steps.actions import (
    Action,
    Brief,
    Build,
    Run,
    Switch,
    create_functions,
    drop_functions,
)
from membership_refactor.steps.captures import to_copy, to_source
from membership_refactor.steps.foreign_keys import add_keys
from membership_refactor.steps.portraits import with_tables
from membership_refactor.steps.revision_text import SHORT, RevisionText
from membership_refactor.steps.step import Situation, Step
from membership_refactor.steps.subscribers import other_names

RECONCILING = "reconciling"


def _source(s: Situation) -> Table:
    return s.before("retire_source").table(s.plan.source)


def refusals(s: Situation) -> tuple[str, ...]:
    """Differences of the copy that would be lost, and objects that cannot be moved."""
    source, copy = _source(s), s.child("retire_source")
    return (
        *copy_differences(s.plan, source, copy),
        *rewriting_rules(source),
        *handover_obstacles(source, server=s.server),
    )


def evidence(s: Situation) -> tuple[Check, ...]:
    return (
        *gates(s.names, s.revisions, "retire_source"),
        *no_row_by_position(
            s.plan, _source(s), s.revisions, "retire_source", ledger=s.names.ledger
        ),
    )


def before_up(s: Situation) -> tuple[Check, ...]:
    return (*copy_table.after_up(s), *old_shape.before_making(s))


def up(s: Situation) -> tuple[Action, ...]:
    names, source = s.names, _source(s)
    syncs = (to_copy(s), to_source(s))
    validations = tuple(
        Run(
            key=f"validate_incoming_key:{n}",
            title=f"Validate incoming foreign key {n}",
            statements=(statement,),
        )
        for n, statement in enumerate(validate_after_hand_over(source), start=1)
    )
    return (
        *partition_roles.keys_of_source_gone(s, source),
        Brief(
            key="hand_over",
            title="Rename the tables: the copy takes over",
            locks=hand_over_locks(names, source),
            statements=(
                *partition_roles.before_hand_over(s, source),
                *partition_roles.captures_end(s, syncs),
                *partitions_to_come.ended(s),
                *hand_over(names, source),
                *old_shape.made(s),
            ),
        ),
        *partition_roles.renamed_to_archive(s, source),
        *partition_roles.closed_by_itself(s, source, syncs),
        *partitions_to_come.gone(s, names.retired),
        *validations,
        drop_functions(*(f for sync in syncs for f in sync.drop_statements())),
    )


def _move(s: Situation) -> TableBuild:
    # Not as before create_parent: the chain may never have come that far.
    return build_of_retired(s.names, s.current(s.plan.child))


def down(s: Situation) -> tuple[Action, ...]:
    """Copy to the archive what the child has, while changes are captured. Then swap the names
    back."""
    plan, names, source = s.plan, s.names, _source(s)
    if partition_roles.has_not_handed_over(s):
        return add_keys(s.current(plan.source), source.foreign_keys)
    copy, build = s.current(plan.child), _move(s)
    syncs = (to_copy(s), to_source(s))
    functions = tuple(f for sync in syncs for f in sync.function_statements())
    logged = build.log.triggers()
    closing = close_triggers(names, RECONCILING, names.retired, members=names.partitioned)
    message = f'table "{plan.retired}" is being reconciled and cannot be written'
    exclusive = Lock.ACCESS_EXCLUSIVE
    validations = tuple(
        Run(
            key=f"validate_foreign_key:{n}",
            title=f"Validate foreign key {n}",
            statements=(statement,),
        )
        for n, statement in enumerate(validate_after_hand_back(source, copy), start=1)
    )
    return (
        create_functions(
            *build.log.table_statements(),
            *build.log.function_statements(),
            *build.function_statements(),
            *close_functions(
                names,
                RECONCILING,
                message,
                f'Write to "{plan.child}"; the old table comes back.',
            ),
            *(() if names.partitioned else functions),
        ),
        *partition_roles.before_recording(s, syncs, closing, logged),
        Brief(
            key="record_changes",
            title="Record changes in the log",
            locks=((names.copy, Lock.SHARE_ROW_EXCLUSIVE), (names.retired, exclusive)),
            statements=(
                *install_triggers(closing),
                *(() if names.partitioned else open_retired(names)),
                *install_triggers(logged),
                *partition_roles.from_here_known(s),
                # The mark of a TRUNCATE: the replay deletes archive rows without an origin.
                Statement(f"INSERT INTO {build.log.log} (keys) VALUES (NULL)"),
            ),
        ),
        Build(key="reconcile", title="Reconcile the archive with the child", build=build),
        *partition_roles.before_switch(s, syncs),
        Switch(
            key="hand_back",
            title="Rename the tables back: the source takes over",
            build=build,
            locks=hand_back_locks(names, copy),
            disabled=logged,
            statements=(
                *partition_roles.before_hand_back(s, source),
                *partition_roles.captures_begin(s, syncs, closing),
                *hand_back(names, source, copy),
                *install_triggers(tuple(t for sync in syncs for t in sync.triggers())),
            ),
        ),
        *partition_roles.after_switch(s, closing, logged),
        *partitions_to_come.follow(s, s.current(plan.retired)),
        Brief(
            key="drop_log",
            title="Drop the log",
            locks=((names.copy, exclusive),),
            statements=(
                *remove_triggers(logged),
                *build.drop_statements(),
                *build.log.drop_statements(),
                *drop_own(names, RECONCILING),
                *partition_roles.functions_of_archive_gone(names),
            ),
        ),
        *partition_roles.renamed_to_source(s, source),
        *validations,
        *(
            add_keys(partition_roles.source_again(s, source), source.foreign_keys)
            if source.partitioning is not None
            else ()
        ),
        *old_shape.drop(s),
    )


def before_down(s: Situation) -> tuple[Check, ...]:
    """Every downgrade to here asks it. Without an archive there is nothing to ask."""
    return (archive_admits_nobody_else(s.names), *old_shape.before_dropping(s))


def holds(s: Situation) -> tuple[Check, ...]:
    return (*links_match_keys(s.names, beside_source=False), *old_shape.holds(s))


def notes(s: Situation) -> tuple[str, ...]:
    return (*other_names(s), *old_shape.notes_of_making(s))


def compares(s: Situation) -> tuple[Comparison, ...]:
    return (links_of_keys(s.names, s.source()),) if s.plan.link else ()


def becomes(s: Situation) -> Portrait:
    source = _source(s)
    copy = partition_roles.without_nets(source, s.child("retire_source"))
    taken = under_name(source, s.plan.child)
    child = replace(
        copy,
        columns=linked(source, s.plan.link).columns,
        triggers=taken.triggers,
        rules=taken.rules,
        publications=taken.publications,
        incoming=source.incoming,
    )
    portrait = with_tables(s.before("retire_source"), child, without=(s.plan.source,))
    return with_tables(portrait, retired_table(s.plan, source))


STEP = Step(
    name="retire_source",
    stage=Stage.COPY,
    up=up,
    down=down,
    becomes=becomes,
    refusals=refusals,
    before_up=before_up,
    after_up=old_shape.holds,
    before_down=before_down,
    after_down=copy_table.after_up,
    holds=holds,
    compares=compares,
    notes=notes,
    gates=evidence,
    text=RevisionText(
        title="Retire the old {source}, and give its identity and its references to {child}",
        deploy="After the last reader and writer of {source} has moved to the copy.",
        locks="Both tables, those that refer to the old one and those that it refers to, ACCESS "
        f"EXCLUSIVE in one short transaction: {SHORT}.",
        undo="Brings the old table up to date in batches while writes are captured, then gives it "
        "its name back.",
    ),
)
