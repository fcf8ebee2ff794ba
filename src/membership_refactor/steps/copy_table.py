"""0003: the copy is exact, with the link beside it, and follows every write to the source."""

from __future__ import annotations

from membership_refactor.checks.check import Check
from membership_refactor.checks.copied_rows import copy_is_exact, links_match_keys
from membership_refactor.checks.source_rows import policies_hold, unvalidated_checks_hold
from membership_refactor.portrait import Index, Portrait, Table
from membership_refactor.sql.build.table_build import TableBuild, build_of_copy
from membership_refactor.sql.capture.copy_refuses import refusal_functions, refusal_triggers
from membership_refactor.sql.capture.refuse_writes import close_functions, close_triggers
from membership_refactor.sql.ddl.bare import create_bare_table
from membership_refactor.sql.ddl.cannot_copy import cannot_carry
from membership_refactor.sql.ddl.constraints import (
    create_checks,
)
from membership_refactor.sql.ddl.copy_portrait import cloned
from membership_refactor.sql.ddl.create import EMPTY_SEARCH_PATH, create_surface
from membership_refactor.sql.ddl.indexes import create_indexes, create_keys
from membership_refactor.sql.ddl.plan_fits import fits
from membership_refactor.sql.handover import handover_obstacles
from membership_refactor.sql.parents.keep_link import keep_link_function, keep_link_triggers
from membership_refactor.sql.parents.kept_uuids import resolve_kept
from membership_refactor.sql.parents.parent_uuid import identity_functions, link_function
from membership_refactor.sql.quoting import qualified
from membership_refactor.sql.snapshot_fence import open_fence
from membership_refactor.sql.statements import Lock, Statement
from membership_refactor.sql.triggers import (
    SYNC_MARK,
    SYNC_ON,
    disable_triggers,
    install_triggers,
    remove_triggers,
)
from membership_refactor.steps.actions import Action, Brief, Build, Run, Switch
from membership_refactor.steps.captures import to_copy
from membership_refactor.steps.foreign_keys import put_on, take_off
from membership_refactor.steps.portraits import with_tables
from membership_refactor.steps.step import Situation, Step

SHARE_ROW, EXCLUSIVE = Lock.SHARE_ROW_EXCLUSIVE, Lock.ACCESS_EXCLUSIVE


def copied(s: Situation) -> Table:
    """The copy's portrait."""
    return cloned(s.source(), name=s.plan.copy, link=s.plan.link)


def refusals(s: Situation) -> tuple[str, ...]:
    """Why this table cannot be split by this plan."""
    source = s.before("0003").find(s.plan.source)
    if source is None:
        return (f'table "{s.names.schema}"."{s.plan.source}" does not exist',)
    return (
        fits(s.plan, source)
        or cannot_carry(s.plan, source, server=s.server)
        # 0005 could not move these; better said before the work than after it.
        or handover_obstacles(source, server=s.server)
    )


def before_up(s: Situation) -> tuple[Check, ...]:
    return (
        *policies_hold(s.plan, s.names.source),
        *unvalidated_checks_hold(s.plan, s.source()),
    )


BUILDING = "building"
"""What the refusal of the copy is called while it is built."""


def building_message(s: Situation) -> tuple[str, str]:
    """What a writer of the copy is told before 0003 is done, and what to do instead."""
    return (
        f'table "{s.plan.copy}" is being built and cannot be written yet',
        f'Write to it from revision 0004 on; until then write to "{s.plan.source}".',
    )


def up(s: Situation) -> tuple[Action, ...]:
    plan, names, source, copy = s.plan, s.names, s.source(), copied(s)
    build = build_of_copy(names, source)
    sync = to_copy(s)
    refuse = refusal_functions(names, plan.id, source.columns)
    logged = build.log.triggers()
    closing = close_triggers(names, BUILDING, names.copy)
    return (
        Run(
            name="prepare",
            statements=(
                EMPTY_SEARCH_PATH,
                *open_fence(names),
                *identity_functions(names, source),
                *resolve_kept(names),
                link_function(names, source),
                *build.log.table_statements(),
                *build.log.function_statements(),
                *create_bare_table(copy),
                *close_functions(names, BUILDING, *building_message(s)),
                # The table's owner may reach what nobody else may.
                *install_triggers(closing),
                *build.function_statements(),
                *sync.function_statements(),
                *keep_link_function(names),
                *refuse,
            ),
        ),
        Brief(
            name="record changes",
            locks=((names.source, SHARE_ROW),),
            statements=install_triggers(logged),
        ),
        Build(name="copy", build=build),
        *_indexed(copy, build),
        Switch(
            name="switch to synchronous capture",
            build=build,
            locks=((names.source, SHARE_ROW), (names.copy, SHARE_ROW)),
            resting=logged,
            statements=(
                *install_triggers(sync.triggers()),
                *install_triggers(keep_link_triggers(names)),
                *install_triggers(refusal_triggers(names)),
                *disable_triggers(closing),
            ),
        ),
        Brief(
            name="take the log down",
            locks=((names.source, EXCLUSIVE), (names.copy, EXCLUSIVE)),
            statements=remove_triggers((*logged, *closing)),
        ),
        # Without the lock: a dropped table's file and buffers take their time.
        Run(
            name="drop the log",
            statements=(
                *build.drop_statements(),
                *build.log.drop_statements(),
                Statement(f"DROP FUNCTION IF EXISTS {names.own(BUILDING)}()"),
            ),
        ),
        # Only now: while the copy lagged behind, a foreign key would have refused the deletion of
        # a person whose rows were already gone from the source.
        *put_on(copy, copy.foreign_keys),
        Run(name="open the copy", statements=(EMPTY_SEARCH_PATH, *create_surface(copy))),
    )


def _indexed(copy: Table, build: TableBuild) -> tuple[Action, ...]:
    """Indexes after the load, each an action: a crash does not cost those that stand. Nobody
    else can reach the table yet, so none of these locks is in anybody's way."""
    key = copy.primary_key.index if copy.primary_key else None
    unique = [i.name for i in copy.indexes if i.valid and _exclusive(copy, i) and i.name != key]
    plain = [i.name for i in copy.indexes if i.valid and i.name not in unique]
    single = [
        Run(
            name=f"index {name}", statements=(EMPTY_SEARCH_PATH, *create_indexes(copy, only={name}))
        )
        for name in (*plain, *unique)
    ]
    if unique or any(c.kind == "x" for c in copy.constraints):
        # Copied at different moments, two rows may both hold a value that went from one to the
        # other: before anything is made unique, all of the copy has to be of one moment.
        marked = Statement(f"SET LOCAL {SYNC_MARK} = {SYNC_ON}")
        catch_up = Run(name="catch up", statements=(marked, Statement(build.catch_up)))
        single.insert(len(plain), catch_up)
    rest = (EMPTY_SEARCH_PATH, *create_keys(copy), *create_checks(copy))
    analyzed = Statement(f"ANALYZE {qualified(copy.schema, copy.name)}")
    return (*single, Run(name="keys and checks", statements=(*rest, analyzed)))


def _exclusive(copy: Table, index: Index) -> bool:
    exclusions = {c.index for c in copy.constraints if c.kind == "x"}
    return index.unique or index.name in exclusions


def after_up(s: Situation) -> tuple[Check, ...]:
    return (
        copy_is_exact(s.names, s.source()),
        links_match_keys(s.names, beside_source=True),
    )


def down(s: Situation) -> tuple[Action, ...]:
    _plan, names, source, copy = s.plan, s.names, s.source(), copied(s)
    build, sync = build_of_copy(names, source), to_copy(s)
    hung = (*build.log.triggers(), *sync.triggers())
    return (
        Brief(
            name="stop capture",
            locks=((names.source, EXCLUSIVE),),
            statements=remove_triggers(hung),
        ),
        *take_off(names.copy, copy.foreign_keys, written=False),
        Run(
            name="drop the copy",
            statements=(
                Statement(f"DROP TABLE IF EXISTS {names.copy}"),
                *build.drop_statements(),
                *build.log.drop_statements(),
                *sync.drop_statements(),
                *(
                    Statement(f"DROP FUNCTION IF EXISTS {names.own(f)}")
                    for f in ("keep_link", "refuse", "refuse_truncate", "link", "fence", BUILDING)
                ),
            ),
        ),
    )


def becomes(s: Situation) -> Portrait:
    return with_tables(s.before("0003"), copied(s))


STEP = Step(
    revision="0003",
    name="copy_table",
    up=up,
    down=down,
    becomes=becomes,
    refusals=refusals,
    before_up=before_up,
    after_up=after_up,
)
