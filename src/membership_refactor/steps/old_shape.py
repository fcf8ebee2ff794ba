"""What steps do with the view of the old shape, where the plan has one."""

from __future__ import annotations

from membership_refactor.checks.check import Check
from membership_refactor.checks.exact_view import can_be_made, is_as_it_was, nothing_reads_it
from membership_refactor.portrait import Column
from membership_refactor.sql.old_shape.view import (
    accept_writes,
    drop_rest,
    drop_view,
    over_both,
    over_child,
    prepare,
)
from membership_refactor.sql.statements import Lock, Statement
from membership_refactor.steps.actions import Action, Brief, Run
from membership_refactor.steps.step import Situation

A_DAY_AGO = "pg_catalog.now() - interval '1 day'"
"""Changes of a parent count from then on: by clocks that are behind, and in transactions that began
before the step."""
ALWAYS = "'-infinity'"


def _columns(s: Situation) -> tuple[Column, ...]:
    return s.before("retire_source").table(s.plan.source).columns


def made(s: Situation) -> tuple[Statement, ...]:
    """Make the view over the child. In the transaction in which the old name goes, readers with the
    view's search_path meet no gap, and the step can be taken back."""
    if not s.plan.old_shape_view:
        return ()
    return (*prepare(s.names), over_child(s.names, _columns(s)))


def make_again(s: Situation) -> tuple[Action, ...]:
    """Make it as it was when drop_retired_table took it away."""
    if not s.plan.old_shape_view:
        return ()
    names = s.names
    statements = made(s)
    if s.plan.parent:
        statements = (*prepare(names), *over_both(names, _columns(s), since=ALWAYS))
    return (
        Run(
            key="make_old_shape",
            title="Make the view of the old shape",
            statements=statements,
        ),
    )


def join(s: Situation) -> tuple[Action, ...]:
    """Take the leaving columns from the parent, while they are still the same on both sides."""
    if not s.plan.old_shape_view:
        return ()
    return _replaced(s, over_both(s.names, _columns(s), since=A_DAY_AGO), "child and parent")


def part(s: Situation) -> tuple[Action, ...]:
    """Take all columns from the child again, once both sides are the same again."""
    if not s.plan.old_shape_view:
        return ()
    statements = (*accept_writes(s.names), over_child(s.names, _columns(s)))
    return _replaced(s, statements, "the child")


def locked(s: Situation) -> tuple[tuple[str, Lock], ...]:
    """What statements that replace or drop the view lock."""
    return ((s.names.old_shape, Lock.ACCESS_EXCLUSIVE),) if s.plan.old_shape_view else ()


def _replaced(s: Situation, statements: tuple[Statement, ...], what: str) -> tuple[Action, ...]:
    return (
        Brief(
            key="replace_old_shape",
            title=f"Let the view of the old shape read {what}",
            locks=(),  # LOCK TABLE would lock the tables of the view too.
            by_statements=locked(s),
            statements=statements,
        ),
    )


def dropped(s: Situation) -> tuple[Statement, ...]:
    """Take the view away, and its schema with the last one."""
    return (drop_view(s.names), *drop_rest(s.names)) if s.plan.old_shape_view else ()


def drop(s: Situation) -> tuple[Action, ...]:
    """The same as an action."""
    if not s.plan.old_shape_view:
        return ()
    return (
        Brief(
            key="drop_old_shape",
            title="Drop the view of the old shape",
            locks=(),
            by_statements=locked(s),
            statements=dropped(s),
        ),
    )


def before_making(s: Situation) -> tuple[Check, ...]:
    return (can_be_made(s.names),) if s.plan.old_shape_view else ()


def before_dropping(s: Situation) -> tuple[Check, ...]:
    return (nothing_reads_it(s.names),) if s.plan.old_shape_view else ()


def holds(s: Situation, *, joined: bool = False) -> tuple[Check, ...]:
    """What has to hold while the view stands."""
    if not s.plan.old_shape_view:
        return ()
    return is_as_it_was(s.names, _columns(s), joined=joined)


def notes_of_making(s: Situation) -> tuple[str, ...]:
    """Where readers find the view, and who cannot read it."""
    if not s.plan.old_shape_view:
        return ()
    names, source = s.names, s.before("retire_source").table(s.plan.source)
    whole = {g.grantee for g in source.grants or () if g.privilege == "SELECT"}
    some = {g.grantee for g in source.column_grants if g.privilege == "SELECT"} - whole
    last = s.revisions.mention("drop_retired_table")
    return (
        f"from here on the view {names.old_shape} shows the old shape to readers that lag behind, "
        f"until {last}. They read it by this name, or with search_path = "
        f"{names.old_schema}, {names.schema}. Each read of it is noted for the gate of that step",
        *(
            f'"{role or "PUBLIC"}" may read only some columns of {names.source}: it cannot read '
            "the view, which reads all of them with the rights of its reader"
            for role in sorted(some)
        ),
    )


def notes_of_joining(s: Situation) -> tuple[str, ...]:
    if not s.plan.old_shape_view:
        return ()
    return (f"from here on the view {s.names.old_shape} can only be read: writes are refused",)


def notes_of_dropping(s: Situation) -> tuple[str, ...]:
    if not s.plan.old_shape_view:
        return ()
    return (f"the view {s.names.old_shape} is dropped too",)
