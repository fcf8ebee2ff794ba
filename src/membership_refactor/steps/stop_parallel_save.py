"""stop_parallel_save: the deprecated columns are frozen; only parent and link are written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from membership_refactor.checks.check import Check
from membership_refactor.checks.constraints_fit import constraints_can_return
from membership_refactor.checks.deprecated_defaults import deprecated_have_no_default
from membership_refactor.checks.gate import gates
from membership_refactor.checks.parents import (
    children_have_parents,
    kept_columns_agree,
    keys_are_unique,
    parallel_checks,
)
from membership_refactor.planning import LinkOnDelete, Stage
from membership_refactor.portrait import Constraint, Portrait, Table
from membership_refactor.sql.comparisons.comparison import Comparison
from membership_refactor.sql.comparisons.saved_parents import kept_columns, links_and_parents
from membership_refactor.sql.ddl.constraints import add_constraint, validate_constraint
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
from membership_refactor.sql.triggers import OwnTrigger, remove_triggers
from membership_refactor.steps import old_shape
from membership_refactor.steps.actions import Action, Brief, Ranges, Run
from membership_refactor.steps.firing_triggers import fired_by_cascade
from membership_refactor.steps.foreign_keys import add_keys, drop_key, drop_keys
from membership_refactor.steps.keys_to_parent import kept_key, key_into_parent, link_key
from membership_refactor.steps.link_children import rejoin_holds
from membership_refactor.steps.lost_with_columns import back_with_values
from membership_refactor.steps.portraits import with_tables
from membership_refactor.steps.step import Situation, Step

SHARE_ROW, EXCLUSIVE = Lock.SHARE_ROW_EXCLUSIVE, Lock.ACCESS_EXCLUSIVE


def deprecated_keys(s: Situation, child: Table) -> tuple[Constraint, ...]:
    """The foreign keys that use a leaving column, or kept columns only: the parent has those."""
    gone, shared = set(s.plan.leaving), set(s.plan.deprecated)
    return tuple(k for k in child.foreign_keys if gone & set(k.columns) or shared >= set(k.columns))


def evidence(s: Situation) -> tuple[Check, ...]:
    return gates(s.names, s.revisions, "stop_parallel_save")


def notes(s: Situation) -> tuple[str, ...]:
    """Foreign keys that cascade today, and what kept columns ask of applications."""
    table = s.source() if s.plan.steps[0] in s.portraits else s.child("stop_parallel_save")
    return (
        *_cascades(s, table),
        *_of_kept_columns(s, table),
        *old_shape.notes_of_joining(s),
    )


def _of_kept_columns(s: Situation, table: Table) -> Iterator[str]:
    plan = s.plan
    if not plan.keep:
        return
    named = ", ".join(f'"{name}"' for name in plan.keep)
    yield (
        f'from here on an INSERT into "{plan.child}" has to give {named} of the parent together '
        f'with "{plan.link}", and only the parent\'s value can be changed: the foreign key '
        f"{s.names.kept_key_name} carries the change to the children"
    )
    yield from fired_by_cascade(plan, table)
    for key in table.foreign_keys:
        shared = set(key.columns) & set(plan.keep)
        if shared and not set(key.columns) <= set(plan.deprecated) and key.on_update == "c":
            yield (
                f"foreign key {key.name} is ON UPDATE CASCADE and stays: a change that it carries "
                f"to {', '.join(sorted(shared))} is refused from here on, because it does not "
                f'change the parent. Change "{plan.parent}" first'
            )


def _cascades(s: Situation, table: Table) -> tuple[str, ...]:
    """Without the child's key only the parent is left to delete, and that is refused while it has
    children."""
    if s.plan.link_on_delete is not LinkOnDelete.RESTRICT:
        return ()
    return tuple(
        f'today, deleting a row of "{key.references[1]}" deletes its rows of "{table.name}" '
        f"({key.name} is ON DELETE CASCADE); from here on it is refused while children refer to "
        'the parent, unless the plan says link_on_delete="cascade"'
        for key in table.foreign_keys
        if key.on_delete == "c" and key.references and set(key.columns) <= set(s.plan.deprecated)
    )


def _both(s: Situation) -> tuple[tuple[str, Lock], ...]:
    return ((s.names.child, SHARE_ROW), (s.names.parent, SHARE_ROW))


def _dropped(s: Situation, what: str, triggers: tuple[OwnTrigger, ...]) -> tuple[Action, ...]:
    tables = {s.names.child: "child", s.names.parent: "parent"}
    return tuple(
        Brief(
            key=f"drop_{which}_triggers",
            title=f"Drop the triggers of {what} on the {which}",
            locks=((table, EXCLUSIVE),),
            statements=remove_triggers(tuple(t for t in triggers if t.table == table)),
        )
        for table, which in tables.items()
        if any(t.table == table for t in triggers)
    )


def before_up(s: Situation) -> tuple[Check, ...]:
    """Compare both sides for the last time. Later the values of one side are dropped.

    With a default on a deprecated column every INSERT into the child would be refused.
    """
    return (
        deprecated_have_no_default(s.names, s.child("stop_parallel_save")),
        *parallel_checks(s.names, s.child("link_children")),
    )


def up(s: Situation) -> tuple[Action, ...]:
    names, child = s.names, s.child("link_children")
    functions, triggers = apart(freeze(names, child))
    # An old-style change of a kept column breaks this key until parallel saving has set the link:
    # it cannot stand before.
    kept = (add_constraint(child, kept_key(s), not_valid=True),) if s.plan.keep else ()
    return (
        *old_shape.join(s),
        Run(key="create_functions", title="Create functions", statements=functions),
        Brief(
            key="freeze",
            title="Freeze the deprecated columns",
            locks=_both(s),
            statements=(raise_fence(names), *remove(names, child), *triggers, *kept),
        ),
        # Not before the freeze: old-style writers would wait for these entries.
        Run(
            key="keep_replaced",
            title="Keep in the ledger whose values were replaced",
            statements=remember_parents(names, child),
        ),
        *_kept_key_alone(s, child),
        *_dropped(s, "parallel saving", two_way_triggers(names, child)),
        *drop_keys(names.child, deprecated_keys(s, child)),
    )


def _kept_key_alone(s: Situation, child: Table) -> tuple[Action, ...]:
    """Validate the key over the kept columns; it holds all that the key of the link held."""
    names, key = s.names, s.names.kept_key_name
    if not s.plan.keep:
        return ()
    return (
        Run(
            key="validate_kept",
            title="Validate the foreign key of the kept columns and the link",
            statements=(validate_constraint(names.schema, s.plan.child, key),),
        ),
        *drop_keys(names.child, (link_key(s),)),
    )


def _link_key_again(s: Situation, child: Table) -> tuple[Action, ...]:
    """The key of the link alone, before parallel saving needs the one over kept columns gone."""
    return add_keys(child, (link_key(s),), again=True) if s.plan.keep else ()


def down(s: Situation) -> tuple[Action, ...]:
    """Capture the parent's changes, refresh the children, then save in parallel again."""
    plan, names, child = s.plan, s.names, s.child("link_children")
    functions, triggers = apart(install_refresh(names, child))
    kept_off = (drop_key(names.child, kept_key(s)),) if plan.keep else ()
    return (
        Run(
            key="create_functions",
            title="Create functions",
            statements=(
                *ledger_tables(names, child),
                *functions,
                *refresh_function(names, child),
                *batch_functions(names, child),
            ),
        ),
        Brief(
            key="capture_parent",
            title="Capture the parent's changes",
            locks=_both(s),
            statements=(raise_fence(names), *unfreeze(names, child), *triggers),
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
        Ranges(
            key="refresh",
            title="Refresh the deprecated columns of the children",
            function=names.own("refresh"),
            table=names.child,
            along=names.id,
            key_type=names.id.type_in(child.columns),
        ),
        *_link_key_again(s, child),
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
            (*freeze_triggers(names, child), *refresh_triggers(names, child)),
        ),
        *back_with_values(s),
        *add_keys(child, deprecated_keys(s, child), again=True),
        Run(
            key="drop_functions",
            title="Drop functions that are no longer used",
            statements=(
                Statement(f"DELETE FROM {names.own('newer')}"),
                *(
                    Statement(f"DROP FUNCTION IF EXISTS {names.own(f)}")
                    for f in ("frozen", "refilling", "child_filled", "parent_refill", "refresh")
                ),
            ),
        ),
    )


def before_down(s: Situation) -> tuple[Check, ...]:
    """The first downgrade on the way asks it, before anything is changed."""
    return constraints_can_return(s.names, s.child("stop_parallel_save"))


def after_down(s: Situation) -> tuple[Check, ...]:
    return parallel_checks(s.names, s.child("link_children"))


def after_up(s: Situation) -> tuple[Check, ...]:
    return old_shape.holds(s, joined=True)


def holds(s: Situation) -> tuple[Check, ...]:
    return (*parents_hold(s), *rejoin_holds(s), *old_shape.holds(s, joined=True))


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
    after_down=after_down,
    holds=holds,
    compares=compares,
    notes=notes,
    gates=evidence,
)
