"""Lock the rows that are merged, and see what they share with others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from membership_refactor.enrollment.cursor import Pg, rows, values
from membership_refactor.enrollment.duplicate_findings import Member
from membership_refactor.sql.unique_identity import merge_rows
from membership_refactor.sql.unique_identity.names import IdentityNames


def yield_to_deadlocks(connection: Connection | Pg) -> None:
    """Give up waiting for row locks before PostgreSQL looks for a deadlock, so no writer loses."""
    rows(
        connection,
        "SELECT pg_catalog.set_config('lock_timeout', (setting::integer / 2)::text || 'ms', true),"
        " pg_catalog.set_config('row_security', 'off', true)"
        " FROM pg_catalog.pg_settings WHERE name = 'deadlock_timeout'",
    )


def read_locked(
    connection: Connection, names: IdentityNames, ids: Sequence[Any], *, lock: bool = True
) -> tuple[list[Member], dict[Any, Any], set[Any]]:
    """Lock the rows. Return them, their JSON images, and the ids of rows that share an identity
    with a row that is not in ``ids``. Without ``lock`` there are no images."""
    plan = names.plan
    width = len(plan.alternatives)
    locked = values(connection, merge_rows.lock_rows(names, lock=lock), sorted(ids))
    present = {row[0] for row in locked}
    first: dict[tuple[int, Any], Any] = {}
    grown: set[Any] = set()
    # A separate statement sees what was committed while this one waited for the locks.
    sharing = values(connection, merge_rows.sharing_rows(names), sorted(present))
    for at, shared, member in sharing:
        if shared in present:
            first[at, shared] = member
        else:
            grown.add(member)
    members = [
        Member(
            id=row[0],
            identities=tuple(row[1 : 1 + width]),
            same=tuple(first.get((at, row[0])) for at in range(width)),
            status=row[1 + width + len(plan.scope)],
        )
        for row in locked
    ]
    return members, {row[0]: row[-1] for row in locked}, grown
