"""0005: the copy takes the source's place; the old table is an archive that refuses writes."""

from __future__ import annotations

from dataclasses import replace

from membership_refactor.checks.check import Check
from membership_refactor.checks.copied_rows import copy_is_exact, links_match_keys
from membership_refactor.checks.gate import gate
from membership_refactor.portrait import Portrait, Table
from membership_refactor.sql.build.table_build import TableBuild, build_of_retired
from membership_refactor.sql.capture.refuse_writes import close_functions, close_triggers
from membership_refactor.sql.ddl.cannot_copy import rewriting_rules
from membership_refactor.sql.ddl.copy_portrait import copy_differences, under_name
from membership_refactor.sql.handover import (
    accept_writes,
    hand_back,
    hand_back_locks,
    hand_over,
    hand_over_locks,
    handover_obstacles,
    retired_table,
    validate_after_hand_back,
    validate_after_hand_over,
)
from membership_refactor.sql.statements import Lock, Statement
from membership_refactor.sql.triggers import install_triggers, remove_triggers
from membership_refactor.steps.actions import Action, Brief, Build, Run, Switch
from membership_refactor.steps.captures import to_copy, to_source
from membership_refactor.steps.portraits import with_tables
from membership_refactor.steps.step import Situation, Step

RECONCILING = "reconciling"


def _source(s: Situation) -> Table:
    return s.before("0005").table(s.plan.source)


def refusals(s: Situation) -> tuple[str, ...]:
    """What would be lost or left behind: differences of the copy, and what cannot be moved."""
    source, copy = _source(s), s.child("0005")
    return (
        *copy_differences(s.plan, source, copy),
        *rewriting_rules(source),
        *handover_obstacles(source, server=s.server),
    )


def evidence(s: Situation) -> Check:
    return gate(
        s.plan,
        s.names.schema,
        revision="0005",
        target=f'table "{s.plan.source}"',
        empty=s.names.source,
    )


def before_up(s: Situation) -> tuple[Check, ...]:
    return (
        copy_is_exact(s.names, s.source()),
        links_match_keys(s.names, beside_source=True),
    )


def up(s: Situation) -> tuple[Action, ...]:
    names, source = s.names, _source(s)
    syncs = (to_copy(s), to_source(s))
    down = remove_triggers(tuple(t for sync in syncs for t in sync.triggers()))
    validations = tuple(
        Run(name=f"validate incoming foreign key {n}", statements=(statement,))
        for n, statement in enumerate(validate_after_hand_over(source), start=1)
    )
    return (
        Brief(
            name="hand over",
            locks=hand_over_locks(names, source),
            statements=(*down, *hand_over(names, source)),
        ),
        *validations,
        Run(
            name="drop the functions",
            statements=tuple(f for sync in syncs for f in sync.drop_statements()),
        ),
    )


def _move(s: Situation) -> TableBuild:
    # Not as before 0006: the chain may never have come that far.
    return build_of_retired(s.names, s.current(s.plan.copy))


def down(s: Situation) -> tuple[Action, ...]:
    """The archive is reconciled with the child under capture, then takes its name back."""
    plan, names, source = s.plan, s.names, _source(s)
    copy, build = s.current(plan.copy), _move(s)
    syncs = (to_copy(s), to_source(s))
    logged = build.log.triggers()
    closing = close_triggers(names, RECONCILING, names.retired)
    message = f'table "{plan.retired}" is being reconciled and cannot be written'
    exclusive = Lock.ACCESS_EXCLUSIVE
    validations = tuple(
        Run(name=f"validate foreign key {n}", statements=(statement,))
        for n, statement in enumerate(validate_after_hand_back(source, copy), start=1)
    )
    return (
        Run(
            name="functions",
            statements=(
                *build.log.table_statements(),
                *build.log.function_statements(),
                *build.function_statements(),
                *close_functions(
                    names,
                    RECONCILING,
                    message,
                    f'Write to "{plan.copy}"; the old table comes back.',
                ),
                *(f for sync in syncs for f in sync.function_statements()),
            ),
        ),
        Brief(
            name="record changes",
            locks=((names.copy, Lock.SHARE_ROW_EXCLUSIVE), (names.retired, exclusive)),
            statements=(
                *install_triggers(closing),
                *accept_writes(names),
                *install_triggers(logged),
                # The mark of a TRUNCATE: rows of the archive without an origin go at the replay.
                Statement(f"INSERT INTO {build.log.log} (keys) VALUES (NULL)"),
            ),
        ),
        Build(name="reconcile the archive", build=build),
        Switch(
            name="hand back",
            build=build,
            locks=hand_back_locks(names, copy),
            resting=logged,
            statements=(
                *remove_triggers(closing),
                *hand_back(names, source, copy),
                *install_triggers(tuple(t for sync in syncs for t in sync.triggers())),
            ),
        ),
        Brief(
            name="take the log down",
            locks=((names.copy, exclusive),),
            statements=(
                *remove_triggers(logged),
                *build.drop_statements(),
                *build.log.drop_statements(),
                Statement(f"DROP FUNCTION IF EXISTS {names.own(RECONCILING)}()"),
            ),
        ),
        *validations,
    )


def after_down(s: Situation) -> tuple[Check, ...]:
    return before_up(s)


def becomes(s: Situation) -> Portrait:
    source, copy = _source(s), s.child("0005")
    taken = under_name(source, s.plan.copy)
    child = replace(
        copy,
        columns=(*source.columns, copy.columns[-1]),
        triggers=taken.triggers,
        rules=taken.rules,
        publications=taken.publications,
        incoming=source.incoming,
    )
    portrait = with_tables(s.before("0005"), child, without=(s.plan.source,))
    return with_tables(portrait, retired_table(s.plan, source))


STEP = Step(
    revision="0005",
    name="retire_source",
    up=up,
    down=down,
    becomes=becomes,
    refusals=refusals,
    before_up=before_up,
    after_down=after_down,
    gate=evidence,
)
