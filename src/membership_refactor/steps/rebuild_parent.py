"""rebuild_parent: every distinct key has one parent, and every write to the child keeps it so."""

from __future__ import annotations

from membership_refactor.checks.check import Check
from membership_refactor.checks.parents import derived_checks
from membership_refactor.checks.row_sizes import LONGEST_KEY, keys_fit, unlimited_keys
from membership_refactor.checks.standing_on import nothing_stands_on_parent
from membership_refactor.planning import Stage
from membership_refactor.portrait import Portrait
from membership_refactor.sql.build.builds_of_plan import build_of_parents
from membership_refactor.sql.comparisons.childless_parents import derived_childless_parents
from membership_refactor.sql.comparisons.comparison import Comparison
from membership_refactor.sql.comparisons.copied_rows import links_of_keys
from membership_refactor.sql.comparisons.derived_parents import children_and_parents
from membership_refactor.sql.ddl.constraints import (
    create_checks,
)
from membership_refactor.sql.ddl.create import evaluation_path
from membership_refactor.sql.ddl.indexes import create_indexes, create_keys
from membership_refactor.sql.parents.grouping import (
    derive_functions,
    derive_triggers,
    settle_function,
)
from membership_refactor.sql.quoting import ident, qualified
from membership_refactor.sql.statements import Lock, Statement
from membership_refactor.sql.trigger_statements import (
    bodies,
    idle_functions,
    install_triggers,
    remove_triggers,
)
from membership_refactor.sql.triggers import SYNC_MARK, SYNC_ON, drop_own
from membership_refactor.steps import retire_source
from membership_refactor.steps.actions import Action, Brief, Build, Run, Switch, create_functions
from membership_refactor.steps.create_parent import parent
from membership_refactor.steps.foreign_keys import add_keys, drop_keys
from membership_refactor.steps.partition_triggers import hang, take_down
from membership_refactor.steps.portraits import with_tables
from membership_refactor.steps.revision_text import SHORT, RevisionText
from membership_refactor.steps.step import Situation, Step

SHARE_ROW, EXCLUSIVE = Lock.SHARE_ROW_EXCLUSIVE, Lock.ACCESS_EXCLUSIVE


def before_up(s: Situation) -> tuple[Check, ...]:
    return keys_fit(s.plan, s.child("rebuild_parent"))


def notes(s: Situation) -> tuple[str, ...]:
    """What a long key meets from here on."""
    unlimited = unlimited_keys(s.plan, s.source())
    if not unlimited:
        return ()
    return (
        f"a key of more than {LONGEST_KEY:,} bytes is refused from here on (54000): "
        f"{', '.join(unlimited)} may hold one",
    )


def up(s: Situation) -> tuple[Action, ...]:
    _plan, names, table = s.plan, s.names, parent(s)
    build = build_of_parents(names, s.child("rebuild_parent"))
    logged = build.log.triggers()
    actions: list[Action] = [
        create_functions(
            *settle_function(names, s.child("rebuild_parent")),
            *build.function_statements(),
            *derive_functions(names),
        ),
        Build(key="rebuild", title="Build the parents", build=build),
    ]
    if build.build_popular:
        actions.append(
            Build(
                key="rebuild_popular",
                title="Build the parents whose first key value has too many rows for a batch",
                build=build,
                popular=True,
            )
        )
    actions += [
        Run(
            key=f"create_index:{name}",
            title=f"Create index {name}",
            statements=(evaluation_path(names), *create_indexes(table, only={name})),
        )
        for name in (index.name for index in table.indexes)
    ]
    # A child whose key is too long for the index may have stopped the step, and be gone since.
    # Parents are found by their uuid, so the primary key comes first. Where all tables are
    # published, PostgreSQL asks for it too.
    place = 1 + next(n for n, a in enumerate(actions) if a.key.startswith("create_index:"))
    actions[place:place] = [
        Run(
            key="create_primary_key",
            title="Create the primary key",
            statements=create_keys(table, kinds="p"),
        ),
        Run(
            key="replay",
            title="Replay the log before the unique key is built",
            until=actions[place].key,
            statements=(Statement(f"SELECT {build.function('drain')}(NULL)"),),
        ),
    ]
    actions.append(
        Run(
            key="create_constraints",
            title="Create keys and checks",
            statements=(
                evaluation_path(names),
                *create_keys(table, kinds="ux"),
                *create_checks(table),
                Statement(f"ANALYZE {names.parent}"),
            ),
        )
    )
    derive = derive_triggers(names)
    actions += hang("capture", s.child("rebuild_parent"), derive)
    actions.append(
        Switch(
            key="switch",
            title="Switch to synchronous capture",
            build=build,
            locks=((names.child, SHARE_ROW), (names.parent, SHARE_ROW)),
            disabled=logged,
            statements=(
                *bodies(derive, derive_functions(names)),
                *install_triggers(derive),
            ),
        )
    )
    actions += take_down("log", s.child("rebuild_parent"), logged)
    actions.append(
        Brief(
            key="drop_log_triggers",
            title="Drop the log's triggers",
            locks=((names.child, EXCLUSIVE),),
            statements=remove_triggers(logged),
        )
    )
    actions.append(
        # Without the lock: dropping the file and buffers of a table takes time.
        Run(
            key="drop_log",
            title="Drop the log",
            statements=(*build.drop_statements(), *build.log.drop_statements()),
        )
    )
    actions += add_keys(table, table.foreign_keys)
    return tuple(actions)


def after_up(s: Situation) -> tuple[Check, ...]:
    return derived_checks(s.names, s.child("rebuild_parent"))


def holds(s: Situation) -> tuple[Check, ...]:
    return (*retire_source.holds(s), *after_up(s))


def compares(s: Situation) -> tuple[Comparison, ...]:
    """Links come first: parents follow from them. A parent without children is deleted before
    another one is made, because it may hold the key."""
    return (
        links_of_keys(s.names, s.source()),
        derived_childless_parents(s.names),
        children_and_parents(s.names, s.child("rebuild_parent")),
    )


def before_down(s: Situation) -> tuple[Check, ...]:
    return (nothing_stands_on_parent(s.names),)


def down(s: Situation) -> tuple[Action, ...]:
    """Restore the empty parent and its log, as create_parent leaves them."""
    _plan, names, table, child = s.plan, s.names, parent(s), s.child("rebuild_parent")
    build, derive = build_of_parents(names, child), derive_triggers(names)
    logged = build.log.triggers()
    bare = tuple(
        Statement(f"ALTER TABLE {names.parent} DROP CONSTRAINT IF EXISTS {ident(c.name)}")
        for c in table.constraints
        if c.kind in "puc"
    ) + tuple(
        Statement(f"DROP INDEX IF EXISTS {qualified(table.schema, index.name)}")
        for index in table.indexes
    )
    functions = (
        "derive_insert",
        "derive_update",
        "derive_delete",
        "derive_truncate",
        *(("derive_moving",) if names.partitioned else ()),
        "settle",
        "referred",
    )
    return (
        Run(
            key="create_log",
            title="Create the log",
            statements=(*build.log.table_statements(), *build.log.function_statements()),
        ),
        *hang("log", child, logged, at_once=True),
        Brief(
            key="record_changes",
            title="Record changes in the log",
            locks=((names.child, EXCLUSIVE),),
            statements=(
                *(idle_functions if names.partitioned else remove_triggers)(derive),
                *install_triggers(logged),
            ),
        ),
        *take_down("capture", child, derive),
        *drop_keys(names.parent, table.foreign_keys, written=False),
        Run(
            key="empty_parent",
            title="Empty the parent",
            statements=(
                Statement(f"SET LOCAL {SYNC_MARK} = {SYNC_ON}"),
                Statement(f"TRUNCATE {names.parent}"),
                Statement(f"DELETE FROM {build.log.log}"),
                *bare,
                *build.drop_statements(),
                *drop_own(names, *functions),
            ),
        ),
    )


def becomes(s: Situation) -> Portrait:
    return with_tables(s.before("rebuild_parent"), parent(s))


STEP = Step(
    name="rebuild_parent",
    stage=Stage.COPY,
    up=up,
    down=down,
    becomes=becomes,
    notes=notes,
    before_up=before_up,
    after_up=after_up,
    before_down=before_down,
    holds=holds,
    compares=compares,
    text=RevisionText(
        title="Fill {parent} with one row for each distinct key",
        deploy="At any time. Applications cannot reach the table yet.",
        locks="{child} SHARE ROW EXCLUSIVE and ACCESS EXCLUSIVE once each, the tables that it "
        f"refers to SHARE ROW EXCLUSIVE: {SHORT}.",
        undo="Empties the table. It can be filled from {child} again.",
    ),
)
