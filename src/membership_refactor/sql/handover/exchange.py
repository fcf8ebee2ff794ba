"""What happens within the one bounded lock of 0005, and of its downgrade.

Everything here changes the catalog only, whatever the size of the tables. A writer that waits
for the lock resolves its table's name again when it gets it.
"""

from __future__ import annotations

from collections.abc import Iterator

from membership_refactor.portrait import Table
from membership_refactor.sql.ddl.behaviour import create_rules, create_triggers, drop_behaviour
from membership_refactor.sql.ddl.constraints import (
    create_foreign_keys,
    drop_foreign_keys,
    validate_foreign_keys,
)
from membership_refactor.sql.ddl.copy_portrait import under_name
from membership_refactor.sql.ddl.create import EMPTY_SEARCH_PATH
from membership_refactor.sql.ddl.publications import publish, unpublish
from membership_refactor.sql.handover.dependents import (
    repoint_dependents,
    repoint_incoming,
    validate_incoming,
)
from membership_refactor.sql.handover.id_sequence import move_identity
from membership_refactor.sql.handover.retired import (
    accept_writes,
    refuse_writes,
    rename_to_retired,
    rename_to_source,
)
from membership_refactor.sql.names import Names
from membership_refactor.sql.quoting import qualified
from membership_refactor.sql.statements import Lock, Statement

Locks = tuple[tuple[str, Lock], ...]


def hand_over_locks(names: Names, source: Table) -> Locks:
    """The tables to be locked first, in the order in which writers take them.

    Those that outgoing foreign keys point to are locked by DROP CONSTRAINT itself, which comes
    first: LOCK TABLE would need a privilege on them that the owner may not have.
    """
    return _exclusively(names.source, names.copy, *_referring(source))


def hand_back_locks(names: Names, copy: Table) -> Locks:
    """The same for the way back; ``copy`` is its portrait as it is now."""
    return _exclusively(names.copy, names.retired, *_referring(copy))


def hand_over(names: Names, source: Table) -> tuple[Statement, ...]:
    """The source becomes the retired table, the copy takes its place. One transaction.

    ``source`` is its portrait read just before; the ledger keeps it: the outgoing foreign keys
    are taken off here (``source.foreign_keys``), and nothing else remembers them.
    """
    plan = names.plan
    return (
        EMPTY_SEARCH_PATH,
        *drop_foreign_keys(source),
        *drop_behaviour(source),
        *unpublish(source),
        *repoint_incoming(source, to=plan.copy),
        *repoint_dependents(source, to=plan.copy),
        *rename_to_retired(plan, source),
        *move_identity(source, giver=names.retired, taker=names.copy, share=False),
        *_behaviour(source, plan.copy),
        *refuse_writes(names),
    )


def validate_after_hand_over(source: Table) -> tuple[Statement, ...]:
    """Afterwards, each by itself: incoming foreign keys are valid again; writers go on."""
    return tuple(validate_incoming(source))


def hand_back(names: Names, source: Table, copy: Table) -> tuple[Statement, ...]:
    """The retired table takes its name, and everything else, back. One transaction.

    ``source`` is the portrait that the ledger kept, ``copy`` the copy's as it is now: triggers,
    rules, publications, foreign keys and views that came to it since go back as well. The rows
    have been reconciled before, and are kept so by capture. Its outgoing foreign keys come back
    NOT VALID: new writes are checked from here on.
    """
    plan = names.plan
    return (
        EMPTY_SEARCH_PATH,
        *accept_writes(names),
        *drop_behaviour(copy),
        *unpublish(copy),
        *move_identity(copy, giver=names.copy, taker=names.retired, share=True),
        *rename_to_source(plan, source),
        *create_foreign_keys(source, not_valid=True),
        *repoint_incoming(copy, to=plan.source),
        *repoint_dependents(copy, to=plan.source, kept=source.dependents),
        *_behaviour(copy, plan.source),
    )


def validate_after_hand_back(source: Table, copy: Table) -> tuple[Statement, ...]:
    """Afterwards, each by itself; ``copy`` as it was given to ``hand_back``."""
    return (*validate_foreign_keys(source), *validate_incoming(copy))


def _behaviour(giver: Table, taker: str) -> Iterator[Statement]:
    """The giver's triggers, rules and publications, now on the taker."""
    table = under_name(giver, taker)
    yield from create_rules(table)
    yield from create_triggers(table)
    yield from publish(table)


def _referring(table: Table) -> tuple[str, ...]:
    return tuple(dict.fromkeys(qualified(key.schema, key.table) for key in table.incoming))


def _exclusively(*tables: str) -> Locks:
    return tuple((table, Lock.ACCESS_EXCLUSIVE) for table in tables)
