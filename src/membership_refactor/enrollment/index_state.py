"""The state of a unique index, read from the catalog."""

from __future__ import annotations

from sqlalchemy import Connection

from membership_refactor.enrollment.cursor import Pg, rows
from membership_refactor.planning import Alternative
from membership_refactor.sql.unique_identity.indexes import (
    IndexState,
    index_states,
    left_over_names,
    name_taken,
)
from membership_refactor.sql.unique_identity.names import IdentityNames


def index_state(
    connection: Connection | Pg, names: IdentityNames, alternative: Alternative
) -> IndexState:
    """Return whether the index exists, has the plan's definition, and what it enforces."""
    if not rows(connection, name_taken(names, alternative.constraint)):
        return IndexState.ABSENT
    columns = "\x01".join((alternative.column, *names.plan.scope))
    for name, valid, ready, unique, listed, plain, constraint in rows(
        connection, index_states(names)
    ):
        if name != alternative.constraint:
            continue
        if constraint is not None:
            # An earlier check has compared the constraint's definition.
            return IndexState.VALID
        if not unique or not plain or listed != columns:
            return IndexState.OTHER
        if valid:
            return IndexState.VALID
        return IndexState.FENCE if ready else IndexState.IDLE
    return IndexState.OTHER


def left_overs(
    connection: Connection | Pg, names: IdentityNames, alternative: Alternative
) -> tuple[str, ...]:
    """Return the invalid indexes that a failed REINDEX CONCURRENTLY left."""
    possible = set(left_over_names(alternative.constraint))
    return tuple(
        name
        for name, valid, *_ in rows(connection, index_states(names))
        if name in possible and not valid
    )
