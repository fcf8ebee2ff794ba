"""What plan says about publications and replication slots that read the source."""

from __future__ import annotations

from membership_refactor.portrait.server_facts import ReplicationSlot
from membership_refactor.steps.step import Situation


def more_events(s: Situation) -> tuple[str, ...]:
    """From copy_table on, a consumer of all tables gets the copy's changes too."""
    return tuple(
        f'{_of(slot)}: from here on each write to "{s.plan.source}" is followed by an event of '
        f'"{s.plan.child}" in the same transaction. The copy itself is one event for each row'
        for slot in _slots(s)
    )


def another_column(s: Situation) -> tuple[str, ...]:
    """From create_parent on in place, changes arrive with the link."""
    plan, table = s.plan, s.source()
    whole = {p.name for p in table.publications if p.columns is None}
    opened = s.revisions.mention("link_children")
    return (
        *(
            f'publication "{name}" publishes "{table.name}" with the column "{plan.link}" from '
            "here on. Add that column (uuid) at each subscriber before this step. A subscriber "
            "without it stops with an error, and this server keeps its WAL. Publish "
            f'"{plan.parent}" from {opened} on'
            for name in sorted({*whole, *table.published_by_schema})
        ),
        *(
            f'{_of(slot)}: changes of "{table.name}" arrive with the column "{plan.link}" from '
            "here on. Filling it is one event for each row"
            for slot in _slots(s)
        ),
    )


def other_names(s: Situation) -> tuple[str, ...]:
    """From retire_source on, changes arrive under the name of the copy."""
    source, copy, parent = s.plan.source, s.plan.child, s.plan.parent
    table = s.before("retire_source").table(source)
    published = sorted({*(p.name for p in table.publications), *table.published_by_schema})
    opened = s.revisions.mention("link_children")
    rebuilt = f'. Publish the rebuilt "{parent}" from {opened} on' if parent else ""
    return (
        *(
            f'publication "{name}" publishes "{copy}" in the place of "{source}" from here on. '
            f'Create "{copy}" at each subscriber before this step, and run ALTER SUBSCRIPTION ... '
            "REFRESH PUBLICATION there after it. A subscriber without that table stops with an "
            f"error, and this server keeps its WAL{rebuilt}"
            for name in published
        ),
        *(
            f'{_of(slot)}: changes arrive as "{copy}" from here on, and no longer as "{source}"'
            for slot in _slots(s)
        ),
    )


def _slots(s: Situation) -> tuple[ReplicationSlot, ...]:
    return s.server.slots if s.server is not None else ()


def _of(slot: ReplicationSlot) -> str:
    state = "active" if slot.active else "nobody is connected"
    kept = f"{slot.kept / 1e6:,.1f} MB of WAL kept"
    return f'replication slot "{slot.name}" ({slot.plugin}, {state}, {kept})'
