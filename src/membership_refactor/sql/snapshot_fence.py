"""The fence: a writer whose snapshot is older than the last switch has to retry (40001).

At REPEATABLE READ and SERIALIZABLE a trigger reads with the writer's old snapshot. It does not see
rows that were copied later and would leave wrong rows without an error. So the switch writes its
own transaction id as a literal into a function. Functions are looked up without the caller's
snapshot, so sessions that began before the switch call the new function. Nothing is locked or read
per row.
"""

from __future__ import annotations

from membership_refactor.sql.names import Names
from membership_refactor.sql.quoting import literal
from membership_refactor.sql.statements import Statement

_OLD = "this transaction's snapshot is older than the switch to synchronous capture"
_RETRY = "Retry the transaction."


def open_fence(names: Names) -> tuple[Statement, ...]:
    """The fence function; until the first switch it accepts every snapshot."""
    function = names.own("fence")
    return (
        Statement(
            f"CREATE OR REPLACE FUNCTION {function}() RETURNS pg_catalog.bool\n"
            "LANGUAGE sql STABLE RETURN true"
        ),
        Statement(f"REVOKE ALL ON FUNCTION {function}() FROM PUBLIC"),
    )


def raise_fence(names: Names) -> Statement:
    """Puts the running transaction's id into the fence; run it under the lock of the switch.

    Repair does the same, because older snapshots do not see what it changed.
    """
    function = names.own("fence").replace("%", "%%")
    body = (
        f"CREATE OR REPLACE FUNCTION {function}() RETURNS pg_catalog.bool "
        "LANGUAGE sql STABLE RETURN pg_catalog.pg_visible_in_snapshot("
        "%L::pg_catalog.xid8, pg_catalog.pg_current_snapshot())"
    )
    return Statement(
        f"DO $fence$ BEGIN EXECUTE pg_catalog.format({literal(body)}, "
        "pg_catalog.pg_current_xact_id()); END $fence$"
    )


def guard(names: Names, *locks: str, rows: str | None = None) -> str:
    """plpgsql that refuses an old snapshot (40001), then takes ``locks``. A statement whose
    transition table ``rows`` is empty is not refused.

    ``locks`` are FOR KEY SHARE queries on the rows that are read next. If another transaction
    deleted an id after our snapshot and we inserted it again, both versions are visible to us, and
    the dead one might be read. The lock raises 40001 instead.
    """
    some = f" AND EXISTS (SELECT FROM {rows})" if rows else ""
    perform = "".join(f"\n    PERFORM {lock};" for lock in locks)
    return (
        "IF pg_catalog.current_setting('transaction_isolation')"
        " IN ('repeatable read', 'serializable') THEN\n"
        f"    IF NOT {names.own('fence')}(){some} THEN\n"
        f"      RAISE serialization_failure USING MESSAGE = {literal(_OLD)},"
        f" HINT = {literal(_RETRY)};\n"
        f"    END IF;{perform}\n"
        "  END IF;"
    )
