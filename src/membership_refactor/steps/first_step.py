"""What the first step of a plan asks and says, whether it copies the table or works in place."""

from __future__ import annotations

from membership_refactor.checks.check import Check
from membership_refactor.checks.guard import surroundings
from membership_refactor.checks.row_sizes import keys_fit, rows_fit, rows_may_be_too_wide
from membership_refactor.checks.rows_by_position import no_row_by_position
from membership_refactor.checks.source_rows import not_null_is_valid, unvalidated_checks_hold
from membership_refactor.checks.surroundings import no_event_trigger, table_is_not_published
from membership_refactor.sql.application_code.search_path import path_obstacles
from membership_refactor.sql.ddl.cannot_copy import cannot_carry
from membership_refactor.sql.ddl.cannot_partition import HELD_MS, SHORT
from membership_refactor.steps import old_shape
from membership_refactor.steps.step import Situation


def refusals(s: Situation) -> tuple[str, ...]:
    """Why the plan cannot be carried out on this table."""
    before = s.before(s.plan.steps[0])
    source = before.find(s.plan.source)
    if source is None:
        return (f'table "{s.names.schema}"."{s.plan.source}" does not exist',)
    # It asks first what the source is, and asks fits itself.
    return cannot_carry(s.plan, source, server=s.server) or path_obstacles(s.plan, before)


def gates(s: Situation) -> tuple[Check, ...]:
    """What the surroundings of the table may do to the steps, and the owner may know better."""
    return (
        *no_row_by_position(s.plan, s.source(), s.revisions, s.plan.steps[0]),
        no_event_trigger(s.plan, s.revisions, s.server),
        *table_is_not_published(s.plan, s.source(), s.revisions),
    )


def before_up(s: Situation) -> tuple[Check, ...]:
    """Whether the rows can be written again, with the link if there is one."""
    return (
        *surroundings(s.names),
        not_null_is_valid(s.names),
        *unvalidated_checks_hold(s.plan, s.source()),
        *(rows_fit(s.plan, s.source()) if s.plan.link else ()),
        *(keys_fit(s.plan, s.source()) if s.plan.link else ()),
        *old_shape.before_making(s),
    )


def room_for_link(s: Situation) -> tuple[str, ...]:
    """The note where a row may be so wide that the link does not fit beside it."""
    if not s.plan.link or not rows_may_be_too_wide(s.source()):
        return ()
    return (
        f'a row of "{s.plan.source}" that leaves less than 24 bytes of its page free is refused '
        "from here on (54000): the link needs them",
    )


def long_locks(s: Situation) -> tuple[str, ...]:
    """The note where a short lock is longer than others, because there are many partitions."""
    parts = s.source().partitioning
    count = len(parts.members) if parts is not None else 0
    if count <= SHORT:
        return ()
    return (
        f'"{s.plan.source}" has {count:,} partitions. Where a foreign key, a row trigger, a '
        "constraint or a column comes or goes, PostgreSQL changes all of them under one short "
        f"lock: about {HELD_MS * count:,.0f} ms each time, in which writers wait",
    )
