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
from membership_refactor.sql.statements import Statement
from membership_refactor.steps.actions import Action, Brief, Run
from membership_refactor.steps.step import Situation

A_DAY_AGO = "pg_catalog.now() - interval '1 day'"
"""Changes of a parent count from then on: by clocks that are behind, and in transactions that began
before the step."""
ALWAYS = "'-infinity'"


def _columns(s: Situation) -> tuple[Column, ...]:
    return s.before("retire_source").table(s.plan.source).columns


def make(s: Situation) -> tuple[Action, ...]:
    """Make the view over the child, before the old name goes."""
    if not s.plan.old_shape_view:
        return ()
    return _made(s, (over_child(s.names, _columns(s)),))


def make_again(s: Situation) -> tuple[Action, ...]:
    """Make it as it was when drop_retired_table took it away."""
    if not s.plan.old_shape_view or not s.plan.parent:
        return make(s)
    return _made(s, over_both(s.names, _columns(s), since=ALWAYS))


def _made(s: Situation, statements: tuple[Statement, ...]) -> tuple[Action, ...]:
    return (
        Run(
            key="make_old_shape",
            title="Make the view of the old shape",
            statements=(*prepare(s.names), *statements),
        ),
    )


def join(s: Situation) -> tuple[Action, ...]:
    """Take the leaving columns from the parent, while they are still the same on both sides."""
    if not s.plan.old_shape_view:
        return ()
    return _replaced(over_both(s.names, _columns(s), since=A_DAY_AGO), "child and parent")


def part(s: Situation) -> tuple[Action, ...]:
    """Take all columns from the child again, once both sides are the same again."""
    if not s.plan.old_shape_view:
        return ()
    statements = (*accept_writes(s.names), over_child(s.names, _columns(s)))
    return _replaced(statements, "the child")


def _replaced(statements: tuple[Statement, ...], what: str) -> tuple[Action, ...]:
    return (
        Brief(
            key="replace_old_shape",
            title=f"Let the view of the old shape read {what}",
            locks=(),  # LOCK TABLE would lock the tables of the view too.
            statements=statements,
        ),
    )


def drop(s: Situation) -> tuple[Action, ...]:
    """Take the view away, and its schema with the last one."""
    if not s.plan.old_shape_view:
        return ()
    return (
        Brief(
            key="drop_old_shape",
            title="Drop the view of the old shape",
            locks=(),
            statements=(drop_view(s.names), *drop_rest(s.names)),
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
