"""0009: the deprecated columns are frozen; only parent and link are written from now on."""

from __future__ import annotations

from dataclasses import replace

from membership_refactor.checks.check import Check
from membership_refactor.checks.deprecated_defaults import deprecated_have_no_default
from membership_refactor.checks.gate import gate
from membership_refactor.checks.parents import parallel_checks
from membership_refactor.portrait import Constraint, Portrait, Table
from membership_refactor.sql.parallel import (
    batch_functions,
    emptied_statement,
    forget_others,
    freeze,
    freeze_triggers,
    install,
    install_refresh,
    refresh_function,
    refresh_triggers,
    remember_parents,
    remove,
    remove_refresh,
    two_way_triggers,
    unfreeze,
)
from membership_refactor.sql.snapshot_fence import raise_fence
from membership_refactor.sql.statements import Lock, Statement
from membership_refactor.sql.triggers import OwnTrigger, remove_triggers
from membership_refactor.steps.actions import Action, Brief, Ranges, Run
from membership_refactor.steps.foreign_keys import put_on, take_off
from membership_refactor.steps.portraits import with_tables
from membership_refactor.steps.step import Situation, Step

SHARE_ROW, EXCLUSIVE = Lock.SHARE_ROW_EXCLUSIVE, Lock.ACCESS_EXCLUSIVE


def deprecated_keys(s: Situation, child: Table) -> tuple[Constraint, ...]:
    """The foreign keys that rest on a deprecated column."""
    gone = set(s.plan.deprecated)
    return tuple(k for k in child.foreign_keys if gone & set(k.columns))


def evidence(s: Situation) -> Check:
    return gate(
        s.plan,
        s.names.schema,
        revision="0009",
        target=f'deprecated columns of "{s.plan.copy}"',
        empty=s.names.copy,
    )


def _both(s: Situation) -> tuple[tuple[str, Lock], ...]:
    return ((s.names.copy, SHARE_ROW), (s.names.parent, SHARE_ROW))


def _taken_down(s: Situation, title: str, triggers: tuple[OwnTrigger, ...]) -> tuple[Action, ...]:
    tables = {s.names.copy: "child", s.names.parent: "parent"}
    return tuple(
        Brief(
            name=f"take {title} off the {which}",
            locks=((table, EXCLUSIVE),),
            statements=remove_triggers(tuple(t for t in triggers if t.table == table)),
        )
        for table, which in tables.items()
        if any(t.table == table for t in triggers)
    )


def _apart(statements: tuple[Statement, ...]) -> tuple[tuple[Statement, ...], ...]:
    """Functions, which lock nothing, and the rest."""
    return (
        tuple(x for x in statements if x.lock is Lock.NONE),
        tuple(x for x in statements if x.lock is not Lock.NONE),
    )


def before_up(s: Situation) -> tuple[Check, ...]:
    """The last time that both sides can be compared; what differs here would go with 0010. And a
    default that came since 0008 would have every INSERT into the child refused."""
    return (
        deprecated_have_no_default(s.names, s.child("0009")),
        *parallel_checks(s.names, s.child("0008")),
    )


def up(s: Situation) -> tuple[Action, ...]:
    _plan, names, child = s.plan, s.names, s.child("0008")
    functions, triggers = _apart(freeze(names, child))
    return (
        Run(name="functions", statements=functions),
        Brief(
            name="freeze the deprecated columns",
            locks=_both(s),
            statements=(raise_fence(names), *remove(names, child), *triggers),
        ),
        # Not before the freeze: writers of 0008 would wait for the entries.
        Run(
            name="remember whose values were replaced",
            statements=remember_parents(names, child),
        ),
        *_taken_down(s, "parallel saving", two_way_triggers(names, child)),
        *take_off(names.copy, deprecated_keys(s, child)),
    )


def down(s: Situation) -> tuple[Action, ...]:
    """Capture first, then the refresh, then parallel saving both ways."""
    plan, names, child = s.plan, s.names, s.child("0008")
    functions, triggers = _apart(install_refresh(names, child))
    return (
        Run(
            name="functions",
            statements=(
                *functions,
                *refresh_function(names, child),
                *batch_functions(names, child),
            ),
        ),
        Brief(
            name="capture the parent's changes",
            locks=_both(s),
            statements=(raise_fence(names), *unfreeze(names, child), *triggers),
        ),
        Run(
            name="forget what was replaced in rows that have gone",
            statements=(forget_others(names, child),),
        ),
        Run(name="list emptied parents", statements=(emptied_statement(names, child),)),
        Ranges(
            name="refresh the children",
            function=names.own("refresh"),
            table=names.copy,
            key=plan.id,
            key_type=child.column(plan.id).type,
        ),
        Brief(
            name="save in parallel",
            locks=_both(s),
            statements=(
                raise_fence(names),
                *remove_refresh(names, child),
                *install(names, child),
            ),
        ),
        *_taken_down(
            s,
            "freeze and refresh",
            (*freeze_triggers(names, child), *refresh_triggers(names, child)),
        ),
        *put_on(child, deprecated_keys(s, child), again=True),
        Run(
            name="drop the functions",
            statements=tuple(
                Statement(f"DROP FUNCTION IF EXISTS {names.own(f)}")
                for f in ("frozen", "refilling", "child_filled", "parent_refill", "refresh")
            ),
        ),
    )


def after_down(s: Situation) -> tuple[Check, ...]:
    return parallel_checks(s.names, s.child("0008"))


def becomes(s: Situation) -> Portrait:
    child = s.child("0009")
    gone = {k.name for k in deprecated_keys(s, child)}
    kept = tuple(c for c in child.constraints if c.name not in gone)
    return with_tables(s.before("0009"), replace(child, constraints=kept))


STEP = Step(
    revision="0009",
    name="stop_parallel_save",
    up=up,
    down=down,
    becomes=becomes,
    before_up=before_up,
    after_down=after_down,
    gate=evidence,
)
