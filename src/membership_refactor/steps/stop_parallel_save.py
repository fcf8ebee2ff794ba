"""stop_parallel_save: the deprecated columns are frozen; only parent and link are written."""

from __future__ import annotations

from dataclasses import replace

from membership_refactor.checks.check import Check
from membership_refactor.checks.constraints_fit import constraints_can_return
from membership_refactor.checks.deprecated_defaults import deprecated_have_no_default
from membership_refactor.checks.gate import gates
from membership_refactor.checks.parents import (
    children_have_parents,
    kept_columns_agree,
    keys_are_unique,
)
from membership_refactor.planning import Stage
from membership_refactor.portrait import Constraint, Portrait
from membership_refactor.sql.comparisons.comparison import Comparison
from membership_refactor.sql.comparisons.saved_parents import kept_columns, links_and_parents
from membership_refactor.sql.parallel.install import (
    emptied_statement,
    freeze,
    freeze_triggers,
    install,
    install_refresh,
    refresh_triggers,
    remove,
    remove_refresh,
    two_way_triggers,
    unfreeze,
)
from membership_refactor.sql.parallel.ledger_tables import ledger_tables
from membership_refactor.sql.parallel.lost_values import forget_others, remember_parents
from membership_refactor.sql.parallel.refresh import list_newer, refresh_function
from membership_refactor.sql.parallel.restored_values import batch_functions
from membership_refactor.sql.snapshot_fence import raise_fence
from membership_refactor.sql.statements import Lock, Statement, apart
from membership_refactor.sql.trigger_statements import bodies, remove_triggers
from membership_refactor.sql.triggers import OwnTrigger, drop_own
from membership_refactor.steps import link_children, old_shape
from membership_refactor.steps.actions import (
    Action,
    Brief,
    Run,
    create_functions,
    drop_functions,
    over_children,
)
from membership_refactor.steps.deprecated_keys import (
    deprecated_keys,
    kept_key_alone,
    link_key_again,
    notes_of_keys,
)
from membership_refactor.steps.foreign_keys import (
    add_everywhere,
    add_keys,
    drop_key,
    drop_keys,
)
from membership_refactor.steps.keys_to_parent import kept_key, key_into_parent, link_key
from membership_refactor.steps.lost_with_columns import back_with_values
from membership_refactor.steps.partition_triggers import hang, take_down
from membership_refactor.steps.portraits import with_tables
from membership_refactor.steps.revision_text import OWN_TRIGGERS, SHORT, RevisionText
from membership_refactor.steps.step import Situation, Step

SHARE_ROW, EXCLUSIVE = Lock.SHARE_ROW_EXCLUSIVE, Lock.ACCESS_EXCLUSIVE


def evidence(s: Situation) -> tuple[Check, ...]:
    return gates(s.names, s.revisions, "stop_parallel_save")


def notes(s: Situation) -> tuple[str, ...]:
    table = s.source() if s.plan.steps[0] in s.portraits else s.child("stop_parallel_save")
    return (*notes_of_keys(s, table), *old_shape.notes_of_joining(s))


def _both(s: Situation) -> tuple[tuple[str, Lock], ...]:
    return ((s.names.child, SHARE_ROW), (s.names.parent, SHARE_ROW))


def _dropped(s: Situation, what: str, triggers: tuple[OwnTrigger, ...]) -> tuple[Action, ...]:
    tables = {s.names.child: "child", s.names.parent: "parent"}
    child, of_child = s.child("link_children"), [t for t in triggers if t.table == s.names.child]
    dropped = tuple(
        Brief(
            key=f"drop_{which}_triggers",
            title=f"Drop the triggers of {what} on the {which}",
            locks=((table, EXCLUSIVE),),
            statements=remove_triggers(tuple(t for t in triggers if t.table == table)),
        )
        for table, which in tables.items()
        if any(t.table == table for t in triggers)
    )
    return (*take_down(what, child, of_child), *dropped)


def before_up(s: Situation) -> tuple[Check, ...]:
    """Compare both sides for the last time. Later the values of one side are dropped.

    With a default on a deprecated column every INSERT into the child would be refused.
    """
    return (
        deprecated_have_no_default(s.names, s.child("stop_parallel_save")),
        *link_children.after_up(s),
    )


def up(s: Situation) -> tuple[Action, ...]:
    names, child = s.names, s.child("link_children")
    functions, triggers = apart(freeze(names, child))
    freezing = freeze_triggers(names, child)
    # An old-style change of a kept column breaks this key until parallel saving has set the link:
    # it cannot stand before.
    kept = add_everywhere(child, kept_key(s)) if s.plan.keep else ()
    return (
        *old_shape.join(s),
        create_functions(*functions),
        *hang("freeze", child, freezing),
        Brief(
            key="freeze",
            title="Freeze the deprecated columns",
            locks=_both(s),
            statements=(
                raise_fence(names),
                *remove(names, child),
                *bodies(freezing, functions),
                *triggers,
                *kept,
            ),
        ),
        # Not before the freeze: old-style writers would wait for these entries.
        Run(
            key="keep_replaced",
            title="Keep in the ledger whose values were replaced",
            statements=remember_parents(names, child),
        ),
        *kept_key_alone(s, child),
        *_dropped(s, "parallel saving", two_way_triggers(names, child)),
        *drop_keys(names.child, deprecated_keys(s, child)),
    )


def down(s: Situation) -> tuple[Action, ...]:
    """Capture the parent's changes, refresh the children, then save in parallel again."""
    plan, names, child = s.plan, s.names, s.child("link_children")
    functions, triggers = apart(install_refresh(names, child))
    refreshing, saving = refresh_triggers(names, child), two_way_triggers(names, child)
    kept_off = (drop_key(names.child, kept_key(s)),) if plan.keep else ()
    return (
        create_functions(
            *ledger_tables(names, child),
            *functions,
            *refresh_function(names, child),
            *batch_functions(names, child),
        ),
        *hang("refresh", child, refreshing),
        Brief(
            key="capture_parent",
            title="Capture the parent's changes",
            locks=_both(s),
            statements=(
                raise_fence(names),
                *unfreeze(names, child),
                *bodies(refreshing, functions),
                *triggers,
            ),
        ),
        Run(
            key="forget_replaced",
            title="Delete kept values of rows that no longer exist",
            statements=(forget_others(names, child),),
        ),
        Run(
            key="list_childless",
            title="List parents without children",
            statements=(emptied_statement(names, child),),
        ),
        Run(
            key="list_newer",
            title="List parents that changed after their children",
            statements=list_newer(names, child),
        ),
        over_children(
            names, child, "refresh", "refresh", "Refresh the deprecated columns of the children"
        ),
        *link_key_again(s, child),
        *hang("parallel", child, saving),
        Brief(
            key="save_in_parallel",
            title="Start parallel saving",
            locks=tuple((t, EXCLUSIVE if plan.keep else lock) for t, lock in _both(s)),
            statements=(
                raise_fence(names),
                *remove_refresh(names, child),
                *install(names, child),
                *kept_off,
            ),
        ),
        *old_shape.part(s),
        *_dropped(
            s,
            "freeze and refresh",
            (*freeze_triggers(names, child), *refreshing),
        ),
        *back_with_values(s),
        *add_keys(child, deprecated_keys(s, child), again=True),
        drop_functions(
            Statement(f"DELETE FROM {names.own('newer')}"),
            *drop_own(names, "frozen", "refilling", "child_filled", "parent_refill", "refresh"),
        ),
    )


def before_down(s: Situation) -> tuple[Check, ...]:
    """The first downgrade on the way asks it, before anything is changed."""
    return constraints_can_return(s.names, s.child("stop_parallel_save"))


def after_up(s: Situation) -> tuple[Check, ...]:
    return old_shape.holds(s, joined=True)


def holds(s: Situation) -> tuple[Check, ...]:
    return (*parents_hold(s), *link_children.rejoin_holds(s), *old_shape.holds(s, joined=True))


def parents_hold(s: Situation) -> tuple[Check, ...]:
    """Every child has a parent, with the same kept columns, and every key has one parent."""
    kept = (kept_columns_agree(s.names, s.child("link_children")),) if s.plan.keep else ()
    return (children_have_parents(s.names), *kept, keys_are_unique(s.names))


def compares(s: Situation) -> tuple[Comparison, ...]:
    child = s.child("link_children")
    kept = (kept_columns(s.names, child),) if s.plan.keep else ()
    return (links_and_parents(s.names, child), *kept)


def becomes(s: Situation) -> Portrait:
    child = s.child("stop_parallel_save")
    gone = {k.name for k in deprecated_keys(s, child)}
    before = s.before("stop_parallel_save")
    parent = before.table(s.plan.parent)
    keys: tuple[Constraint, ...] = ()
    if s.plan.keep:
        old, key = link_key(s), kept_key(s)
        gone.add(old.name)
        keys = (key,)
        incoming = tuple(k for k in parent.incoming if (k.table, k.name) != (child.name, old.name))
        parent = replace(parent, incoming=(*incoming, key_into_parent(s, key)))
    left = tuple(c for c in child.constraints if c.name not in gone)
    return with_tables(before, replace(child, constraints=(*left, *keys)), parent)


STEP = Step(
    name="stop_parallel_save",
    stage=Stage.INTERIM,
    up=up,
    down=down,
    becomes=becomes,
    before_up=before_up,
    after_up=after_up,
    before_down=before_down,
    after_down=link_children.after_up,
    holds=holds,
    compares=compares,
    notes=notes,
    gates=evidence,
    text=RevisionText(
        title="Freeze the deprecated columns of {child}",
        deploy="After the last reader and writer of the deprecated columns has moved to {parent}.",
        locks="Both tables SHARE ROW EXCLUSIVE, then ACCESS EXCLUSIVE, and once each table that "
        f"the deprecated columns refer to: {SHORT}.",
        undo="Refreshes the columns from {parent} in batches while writes are captured, then keeps "
        f"both equal again. {OWN_TRIGGERS}",
    ),
)
