"""copy_table: the copy is exact, has the link, and follows every write to the source."""

from __future__ import annotations

from membership_refactor.checks.check import Check
from membership_refactor.checks.constraints_fit import chosen_values_fit
from membership_refactor.checks.copied_rows import copy_is_exact, links_match_keys
from membership_refactor.checks.source_rows import policies_hold
from membership_refactor.checks.standing_on import nothing_stands_on_copy
from membership_refactor.planning import Stage
from membership_refactor.portrait import Portrait, Table
from membership_refactor.sql.application_code.changed_meaning import changed_meaning
from membership_refactor.sql.build.builds_of_plan import build_of_copy
from membership_refactor.sql.comparisons.comparison import Comparison
from membership_refactor.sql.comparisons.copied_rows import source_and_copy
from membership_refactor.sql.ddl.bare_table import create_bare_table
from membership_refactor.sql.ddl.copy_portrait import cloned
from membership_refactor.sql.ddl.create import EMPTY_SEARCH_PATH, finish_table
from membership_refactor.sql.handover.dependents import handover_obstacles
from membership_refactor.sql.parents.keep_link import keep_link_function, keep_link_triggers
from membership_refactor.sql.parents.kept_uuids import resolve_kept
from membership_refactor.sql.parents.parent_uuid import identity_functions, link_function
from membership_refactor.sql.refuse_writes import (
    close_functions,
    close_triggers,
    refusal_functions,
    refusal_triggers,
)
from membership_refactor.sql.snapshot_fence import open_fence
from membership_refactor.sql.statements import Lock, Statement
from membership_refactor.sql.trigger_statements import (
    bodies,
    disable_triggers,
    idle_functions,
    install_triggers,
    remove_triggers,
)
from membership_refactor.sql.triggers import OwnTrigger, drop_own
from membership_refactor.steps import first_step, partitions_to_come
from membership_refactor.steps.actions import Action, Brief, Build, Run, Switch
from membership_refactor.steps.captures import to_copy
from membership_refactor.steps.foreign_keys import add_keys, drop_keys
from membership_refactor.steps.index_copy import index_copy
from membership_refactor.steps.legacy_baseline import sequence_holds
from membership_refactor.steps.partition_roles import from_here_known
from membership_refactor.steps.partition_triggers import hang, take_down
from membership_refactor.steps.portraits import with_tables
from membership_refactor.steps.revision_text import RevisionText
from membership_refactor.steps.step import Situation, Step
from membership_refactor.steps.subscribers import more_events

SHARE_ROW, EXCLUSIVE = Lock.SHARE_ROW_EXCLUSIVE, Lock.ACCESS_EXCLUSIVE


def copied(s: Situation) -> Table:
    """The copy's portrait."""
    return cloned(s.source(), name=s.plan.child, link=s.plan.link)


def refusals(s: Situation) -> tuple[str, ...]:
    """Return why this plan cannot split or rename this table."""
    # retire_source could not move these; it is better to say so before the work.
    return first_step.refusals(s) or handover_obstacles(s.source(), server=s.server)


def before_up(s: Situation) -> tuple[Check, ...]:
    if not s.plan.parent:
        return first_step.before_up(s)
    return (
        *policies_hold(s.plan, s.names.source),
        *first_step.before_up(s),
        *chosen_values_fit(s.names, s.source()),
    )


def notes(s: Situation) -> tuple[str, ...]:
    """What wide rows, consumers of changes and the application's triggers meet from here on."""
    return (
        *first_step.room_for_link(s),
        *first_step.long_locks(s),
        *more_events(s),
        *changed_meaning(s.plan, s.source(), s.revisions),
    )


BUILDING = "building"
"""Purpose of the function that refuses writes to the copy while it is built."""


def building_message(s: Situation) -> tuple[str, str]:
    """Return error and hint for a writer of the copy while it is built."""
    later = s.revisions.mention("dual_write")
    return (
        f'table "{s.plan.child}" is being built and cannot be written yet',
        f'Write to it from {later} on; until then write to "{s.plan.source}".',
    )


def up(s: Situation) -> tuple[Action, ...]:
    plan, names, source, copy = s.plan, s.names, s.source(), copied(s)
    build = build_of_copy(names, source)
    sync = to_copy(s)
    refuse = refusal_functions(names, source.columns, opens=s.revisions.mention("dual_write"))
    refusing = refusal_triggers(names)
    logged = build.log.triggers()
    closing = close_triggers(names, BUILDING, names.copy, members=names.partitioned)
    identity: tuple[Statement, ...] = ()
    kept: tuple[OwnTrigger, ...] = ()
    if plan.link:
        kept = keep_link_triggers(names)
        identity = (
            *identity_functions(names, source),
            *resolve_kept(names),
            link_function(names, source),
        )
    return (
        Run(
            key="prepare",
            title="Create the empty copy, its log and the functions",
            statements=(
                EMPTY_SEARCH_PATH,
                *open_fence(names),
                *names.id.type_statements(source.columns),
                *identity,
                *build.log.table_statements(),
                *build.log.function_statements(),
                *create_bare_table(copy),
                *close_functions(names, BUILDING, *building_message(s)),
                # The owner of the table can reach it even without grants.
                *install_triggers(closing),
                *build.function_statements(),
                *sync.function_statements(),
                *(keep_link_function(names) if plan.link else ()),
                *refuse,
            ),
        ),
        *hang("log", source, logged, at_once=True),
        Brief(
            key="record_changes",
            title="Record changes in the log",
            locks=((names.source, SHARE_ROW),),
            statements=(*install_triggers(logged), *from_here_known(s)),
        ),
        Build(key="copy", title="Copy the rows", build=build),
        *index_copy(copy, build),
        *hang("capture", source, sync.triggers()),
        *_hung_on_copy(copy, (*kept, *refusing)),
        Switch(
            key="switch",
            title="Switch to synchronous capture",
            build=build,
            locks=((names.source, SHARE_ROW), (names.copy, SHARE_ROW)),
            disabled=logged,
            statements=(
                *bodies(sync.triggers(), sync.function_statements()),
                *install_triggers(sync.triggers()),
                *bodies(
                    (*kept, *refusing),
                    (*(keep_link_function(names) if plan.link else ()), *refuse),
                ),
                *install_triggers(kept),
                *install_triggers(refusing),
                *disable_triggers(closing),
            ),
        ),
        *partitions_to_come.follow(s, source),
        *take_down("log", source, logged),
        *take_down("closing", copy, closing),
        Brief(
            key="drop_log_triggers",
            title="Drop the log's triggers",
            locks=((names.source, EXCLUSIVE), (names.copy, EXCLUSIVE)),
            statements=remove_triggers((*logged, *closing)),
        ),
        # Without the lock: dropping the file and buffers of a table takes time.
        Run(
            key="drop_log",
            title="Drop the log",
            statements=(
                *build.drop_statements(),
                *build.log.drop_statements(),
                *drop_own(names, BUILDING),
            ),
        ),
        # Only now: while the copy lagged behind, a foreign key would have refused to delete a row
        # that the source no longer refers to.
        *add_keys(copy, copy.foreign_keys),
        Run(
            key="open_copy",
            title="Open the copy to readers",
            statements=(EMPTY_SEARCH_PATH, *finish_table(copy)),
        ),
    )


def _hung_on_copy(copy: Table, triggers: tuple[OwnTrigger, ...]) -> tuple[Action, ...]:
    """The triggers of a partitioned copy, which nobody else can reach yet: their functions do
    nothing until the switch."""
    if copy.partitioning is None:
        return ()
    return (
        Run(
            key="hang_on_copy",
            title="Create the triggers of the copy",
            statements=(*idle_functions(triggers), *install_triggers(triggers)),
        ),
    )


def after_up(s: Situation) -> tuple[Check, ...]:
    return (
        copy_is_exact(s.names, s.source()),
        *links_match_keys(s.names, beside_source=True),
    )


def keeps(s: Situation) -> tuple[Check, ...]:
    return sequence_holds(s, s.source(), s.names.copy)


def compares(s: Situation) -> tuple[Comparison, ...]:
    return (source_and_copy(s.names, s.source(), copy_written=False),)


def before_down(s: Situation) -> tuple[Check, ...]:
    return (nothing_stands_on_copy(s.names),)


def down(s: Situation) -> tuple[Action, ...]:
    _plan, names, source, copy = s.plan, s.names, s.source(), copied(s)
    build, sync = build_of_copy(names, source), to_copy(s)
    triggers = (*build.log.triggers(), *sync.triggers())
    return (
        *_stopped(s, triggers),
        Brief(
            key="stop_capture",
            title="Stop capture",
            locks=((names.source, EXCLUSIVE),),
            statements=remove_triggers(triggers),
        ),
        *partitions_to_come.gone(s, names.source),
        *drop_keys(names.copy, copy.foreign_keys, written=False),
        Run(
            key="drop_copy",
            title="Drop the copy",
            statements=(
                Statement(f"DROP TABLE IF EXISTS {names.copy}"),
                *build.drop_statements(),
                *build.log.drop_statements(),
                *sync.drop_statements(),
                *drop_own(
                    names, "keep_link", "refuse", "refuse_truncate", "link", "fence", BUILDING
                ),
            ),
        ),
    )


def _stopped(s: Situation, triggers: tuple[OwnTrigger, ...]) -> tuple[Action, ...]:
    """The capture of a partitioned source ends at once; then its triggers are dropped."""
    if not s.names.partitioned:
        return ()
    stop = Brief(
        key="idle_capture",
        title="Stop capture",
        locks=((s.names.source, SHARE_ROW),),
        statements=disable_triggers(triggers),
    )
    return (stop, *take_down("capture", s.source(), triggers))


def becomes(s: Situation) -> Portrait:
    return with_tables(s.before("copy_table"), copied(s))


STEP = Step(
    name="copy_table",
    stage=Stage.COPY,
    up=up,
    down=down,
    becomes=becomes,
    refusals=refusals,
    gates=first_step.gates,
    before_up=before_up,
    after_up=after_up,
    before_down=before_down,
    notes=notes,
    holds=after_up,
    keeps=keeps,
    compares=compares,
    text=RevisionText(
        title="Copy {source} to {child}, and keep the copy equal to it",
        deploy="Before the code that reads {child}.",
        locks="{source} SHARE ROW EXCLUSIVE twice and, with {child}, ACCESS EXCLUSIVE once; each "
        "table that it refers to SHARE ROW EXCLUSIVE once. Each is waited for 50 ms, held 20 ms at "
        "most, and tried again.",
        undo="Drops the copy. No data is lost, because applications could only write the source.",
    ),
)
