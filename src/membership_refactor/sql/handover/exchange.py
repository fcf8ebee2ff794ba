"""The exchange of names and roles under the short lock of 0005 and of its downgrade.

All of it changes only the catalog, so it takes as long for large tables as for small ones. A writer
that waited for the lock looks its table's name up again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from membership_refactor.portrait import Table
from membership_refactor.sql.ddl.constraints import (
    create_foreign_keys,
    drop_foreign_keys,
    validate_foreign_keys,
)
from membership_refactor.sql.ddl.copy_portrait import under_name
from membership_refactor.sql.ddl.create import EMPTY_SEARCH_PATH
from membership_refactor.sql.ddl.publications import publish, unpublish
from membership_refactor.sql.ddl.triggers_and_rules import (
    create_rules,
    create_triggers,
    drop_behaviour,
)
from membership_refactor.sql.handover.dependents import (
    repoint_dependents,
    repoint_incoming,
    validate_incoming,
)
from membership_refactor.sql.handover.id_sequence import move_identity
from membership_refactor.sql.handover.retired import (
    rename_to_retired,
    rename_to_source,
)
from membership_refactor.sql.names import Names
from membership_refactor.sql.quoting import qualified
from membership_refactor.sql.refuse_writes import close_retired, open_retired
from membership_refactor.sql.statements import Lock, Statement

Locks = tuple[tuple[str, Lock], ...]


def hand_over_locks(names: Names, source: Table) -> Locks:
    """The tables to lock first, in the order in which writers lock them.

    Tables that outgoing foreign keys refer to are not among them. DROP CONSTRAINT locks them;
    LOCK TABLE would need a privilege that the owner may not have.
    """
    return _exclusively(names.source, names.copy, *_referring(source))


def hand_back_locks(names: Names, copy: Table) -> Locks:
    """The same for the downgrade; ``copy`` is the current portrait of the copy."""
    return _exclusively(names.copy, names.retired, *_referring(copy))


def hand_over(names: Names, source: Table) -> tuple[Statement, ...]:
    """The source becomes the retired table, the copy takes its place. One transaction.

    ``source`` is its portrait from just before, and the ledger keeps it. Outgoing foreign keys
    (``source.foreign_keys``) are dropped here and recorded nowhere else. Those of a partitioned
    table were dropped before, and its archive is not closed yet: both take longer with each
    partition.
    """
    plan = names.plan
    return (
        EMPTY_SEARCH_PATH,
        *(() if names.partitioned else drop_foreign_keys(source)),
        *drop_behaviour(source),
        *unpublish(source),
        *repoint_incoming(source, to=plan.child),
        *repoint_dependents(source, to=plan.child),
        *rename_to_retired(plan, source),
        *move_identity(source, giver=names.retired, taker=names.copy, share=False),
        *_behaviour(source, plan.child),
        *(() if names.partitioned else close_retired(names)),
    )


def validate_after_hand_over(source: Table) -> tuple[Statement, ...]:
    """Afterwards, in transactions of their own: validates incoming keys; blocks no writer."""
    return tuple(validate_incoming(source))


def hand_back(names: Names, source: Table, copy: Table) -> tuple[Statement, ...]:
    """The retired table gets its name and everything else back. One transaction.

    ``source`` is the portrait from the ledger, ``copy`` the current one of the copy. Triggers,
    rules, publications, foreign keys and views that were added to the copy since move back too. The
    rows were reconciled before, and capture keeps them equal. Outgoing foreign keys come back NOT
    VALID, so new writes are checked from here on; those of a partitioned table come afterwards, and
    until then the keys of the copy refuse what they would.
    """
    plan = names.plan
    return (
        EMPTY_SEARCH_PATH,
        *(() if names.partitioned else open_retired(names)),
        *drop_behaviour(copy),
        *unpublish(copy),
        *move_identity(copy, giver=names.copy, taker=names.retired, share=True),
        *rename_to_source(plan, source),
        *(() if names.partitioned else create_foreign_keys(source, not_valid=True)),
        *repoint_incoming(copy, to=plan.source),
        *repoint_dependents(copy, to=plan.source, kept=source.dependents),
        *_behaviour(copy, plan.source),
    )


def validate_after_hand_back(source: Table, copy: Table) -> tuple[Statement, ...]:
    """Afterwards, each in its own transaction; ``copy`` as it was given to ``hand_back``. An
    upgrade that was stopped may have left keys to validate that were valid on the source."""
    valid = {(k.schema, k.table, k.name) for k in source.incoming if k.validated}
    incoming = tuple(
        replace(k, validated=k.validated or (k.schema, k.table, k.name) in valid)
        for k in copy.incoming
    )
    own = validate_foreign_keys(source) if source.partitioning is None else ()
    return (*own, *validate_incoming(replace(copy, incoming=incoming)))


def _behaviour(giver: Table, taker: str) -> Iterator[Statement]:
    """Creates the giver's triggers, rules and publications on the taker."""
    table = under_name(giver, taker)
    yield from create_rules(table)
    yield from create_triggers(table)
    yield from publish(table)


def _referring(table: Table) -> tuple[str, ...]:
    return tuple(dict.fromkeys(qualified(key.schema, key.table) for key in table.incoming))


def _exclusively(*tables: str) -> Locks:
    return tuple((table, Lock.ACCESS_EXCLUSIVE) for table in tables)
